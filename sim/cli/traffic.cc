// podium traffic: messages in a named pattern on the network of a system alone, by any of the network models.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "sim/cli/command.h"
#include "sim/config/config.h"
#include "sim/core/text.h"
#include "sim/network/network.h"
#include "sim/report/json_text.h"
#include "sim/system/traffic_run.h"
#include "sim/workload/traffic.h"

namespace podium {
namespace {

struct TrafficOptions {
  std::string pattern, system, bytes = "1 MiB";
  std::vector<std::string> networks{"flow"}, faults;
  std::uint32_t ranks = 0, ranks_per_domain = 0;
  std::uint64_t seed = 0;
  OutputFormat format = OutputFormat::text;
};

/// What one network model made of the pattern.
struct TrafficRow {
  std::string network;
  Seconds time;
  Seconds busiest;      ///< the longest time for which a link was sending
  Bytes longest_queue;  ///< where the model has queues
  std::uint64_t drops = 0;
};

struct TrafficResult {
  TrafficOptions options;
  TrafficShape shape;
  std::uint32_t messages = 0;
  Bytes bytes;  ///< of all messages
  std::vector<TrafficRow> rows;
};

BytesPerSecond bandwidth(const TrafficResult& result, const TrafficRow& row) {
  return row.time > Seconds() ? result.bytes / row.time / result.shape.ranks : BytesPerSecond();
}

TrafficRow measure_traffic(const std::string& network, const TaskGraph& graph, const std::string& system,
                           const Allocation& allocation) {
  const Execution execution = run_on_wires(graph, system, allocation, network);
  TrafficRow row{.network = network, .time = execution.time, .busiest = {}, .longest_queue = {}, .drops = 0};
  for (const PortStatistics& port : execution.links.ports) {
    row.busiest = std::max(row.busiest, port.busy);
    row.longest_queue = std::max(row.longest_queue, port.queue_most);
    row.drops += port.drops;
  }
  return row;
}

Allocation allocate(const TrafficOptions& options) {
  Allocation allocation{.ranks = options.ranks, .ranks_per_domain = options.ranks_per_domain};
  for (const std::string& fault : options.faults) {
    allocation.faults.push_back(parse_fault(fault, {"--fail"}));
  }
  return allocation;
}

TrafficResult measure_traffic(const TrafficOptions& options) {
  TrafficResult result{options, {options.ranks, parse_size(options.bytes, {"--bytes"}), options.seed}, 0, {}, {}};
  for (const std::string& network : options.networks) {
    Networks::find(network, {"--network"});
  }
  const TaskGraph graph = traffic_graph(options.pattern, result.shape);
  for (const Task& task : graph.tasks()) {
    if (const auto* send = std::get_if<SendTask>(&task.payload)) {
      ++result.messages;
      result.bytes += send->bytes;
    }
  }
  for (const std::string& network : options.networks) {
    result.rows.push_back(measure_traffic(network, graph, options.system, allocate(options)));
  }
  return result;
}

std::string to_text(const TrafficResult& result) {
  const TrafficOptions& options = result.options;
  std::string text = fmt::format("# {} among {} ranks of {}: {} messages of {:.0f} B\n", options.pattern, options.ranks,
                                 options.system, with_commas(result.messages), result.shape.bytes.value());
  for (const std::string& fault : options.faults) {
    text += fmt::format("# fault: {}\n", fault);
  }
  text += fmt::format("#{:>19} {:>14} {:>12} {:>14} {:>14} {:>7}\n", "network", "time", "bandwidth", "busiest link",
                      "longest queue", "drops");
  text += fmt::format("#{:>19} {:>14} {:>12} {:>14} {:>14} {:>7}\n", "", "(us)", "(GB/s/rank)", "(us)", "(B)", "");
  for (const TrafficRow& row : result.rows) {
    text += fmt::format(" {:>19} {:>14.3f} {:>12.2f} {:>14.3f} {:>14.0f} {:>7}\n", row.network, row.time.value() * 1e6,
                        bandwidth(result, row).value() / 1e9, row.busiest.value() * 1e6, row.longest_queue.value(),
                        row.drops);
  }
  return text;
}

std::string to_csv(const TrafficResult& result) {
  std::string text =
      "pattern,system,ranks,messages,bytes,seed,network,time_seconds,bandwidth_bytes_per_second,"
      "busiest_link_seconds,longest_queue_bytes,drops\n";
  for (const TrafficRow& row : result.rows) {
    text += fmt::format("{},{},{},{},{:.0f},{},{},{},{},{},{:.0f},{}\n", result.options.pattern, result.options.system,
                        result.shape.ranks, result.messages, result.shape.bytes.value(), result.shape.seed, row.network,
                        row.time.value(), bandwidth(result, row).value(), row.busiest.value(),
                        row.longest_queue.value(), row.drops);
  }
  return text;
}

std::string to_json(const TrafficResult& result) {
  nlohmann::ordered_json json{{"pattern", result.options.pattern},
                              {"system", result.options.system},
                              {"ranks", result.shape.ranks},
                              {"messages", result.messages},
                              {"bytes", static_cast<std::int64_t>(result.shape.bytes.value())},
                              {"seed", result.shape.seed},
                              {"faults", result.options.faults},
                              {"results", nlohmann::ordered_json::array()}};
  for (const TrafficRow& row : result.rows) {
    json["results"].push_back({{"network", row.network},
                               {"time_seconds", row.time.value()},
                               {"bandwidth_bytes_per_second", bandwidth(result, row).value()},
                               {"busiest_link_seconds", row.busiest.value()},
                               {"longest_queue_bytes", row.longest_queue.value()},
                               {"drops", row.drops}});
  }
  return json_text(json);
}

int run_traffic(const TrafficOptions& options) {
  const TrafficResult result = measure_traffic(options);
  std::cout << (options.format == OutputFormat::json  ? to_json(result)
                : options.format == OutputFormat::csv ? to_csv(result)
                                                      : to_text(result));
  return 0;
}

std::function<int()> traffic(CLI::App& app) {
  const auto options = std::make_shared<TrafficOptions>();
  std::string patterns;
  for (const std::string& name : TrafficPatterns::names()) {
    patterns += fmt::format("  {:<12} {}\n", name, TrafficPatterns::description(name));
  }
  app.footer(
      "Patterns:\n" + patterns +
      "\nMessages cost what they do on the wire: what software adds (launches, copies) is left out. All begin at\n"
      "once, but those that pass on what they have received.\n\n"
      "Example: podium traffic permutation --system gb200-nvl72 --ranks 72 --bytes 1MiB "
      "--network analytic,flow,packet");
  app.add_option("pattern", options->pattern, "Who sends to whom: see below")->required();
  app.add_option("--system", options->system, "System: a name of configs/systems, or a path")->required();
  app.add_option("--ranks", options->ranks, "How many ranks take part, from rank 0 on")->required();
  app.add_option("--ranks-per-domain", options->ranks_per_domain,
                 "How many ranks of each scale-up domain (default: all that it has)");
  app.add_option("--bytes,--size", options->bytes, "Size of one message")->capture_default_str()->option_text("B");
  app.add_option("--network", options->networks,
                 fmt::format("Network models, one or several: {} (default: flow)", fmt::join(Networks::names(), ", ")))
      ->delimiter(',')
      ->option_text("NAME[,NAME...]");
  app.add_option("--seed", options->seed, "Of patterns that choose at random")->capture_default_str();
  app.add_option(
         "--fail", options->faults,
         "A link or node that has failed, or keeps a part of its bandwidth: NVSwitch[3], leaf0-spine[0..3]=50%. "
         "May be given again")
      ->option_text("PART[=LEFT]")
      ->allow_extra_args(false);
  add_format_option(app, options->format);
  return [options] { return run_traffic(*options); };
}

const Commands::Entry traffic_entry{"traffic", "Time messages in a pattern on a network, by any network model",
                                    traffic};

}  // namespace
}  // namespace podium
