// podium replay: a recorded execution trace on a system, at any fidelity.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "sim/cli/command_text.h"
#include "sim/cli/fold_option.h"
#include "sim/cli/packet_option.h"
#include "sim/cli/progress.h"
#include "sim/cli/results.h"
#include "sim/core/text.h"
#include "sim/network/network.h"
#include "sim/report/json_text.h"
#include "sim/system/critical_path.h"
#include "sim/system/folding_check.h"
#include "sim/system/packet_work.h"
#include "sim/system/simulator.h"
#include "sim/system/timeline.h"
#include "sim/topology/fault.h"
#include "sim/workload/trace_graph.h"

namespace podium {
namespace {

using Json = nlohmann::ordered_json;

struct ReplayOptions {
  std::vector<std::string> traces;
  std::string system, network = "flow", algorithm = "auto", fold = "on", compute = "recorded", recorded_on,
                      trace_format, groups, timeline, packet_scale, library = "off";
  std::string missing = "refuse";
  std::vector<std::string> faults, slow;
  std::uint32_t ranks = 0, model_parallel = 0;
  OutputFormat format = OutputFormat::text;
};

struct ReplayResult {
  std::size_t nodes = 0;
  std::uint32_t ranks = 0;
  Execution execution;
  std::vector<std::string> roles;
  std::vector<Seconds> ends;  ///< by role: when its last task ended
  CriticalPath path;
  std::vector<Elasticity> elasticities;
  std::set<std::string> notes;
  bool simulates_classes = false;  ///< of ranks and messages, where they are alike
  double packet_scale = 1;
};

TraceTimes::Compute parse_compute(const std::string& text) {
  const std::vector<std::string> names{"recorded", "scaled", "predicted"};
  const auto found = std::find(names.begin(), names.end(), text);
  if (found == names.end()) {
    throw InputError({"--compute"}, unknown_name("way to time computing", text, names));
  }
  return static_cast<TraceTimes::Compute>(found - names.begin());
}

TraceTimes times_for(const ReplayOptions& options, const Machine& machine) {
  TraceTimes times{.compute = parse_compute(options.compute), .chip = machine.chip()};
  if (!options.recorded_on.empty()) {
    times.recorded_on = load_chip(options.recorded_on, {}, {"--recorded-on"});
  } else if (times.compute == TraceTimes::Compute::scaled) {
    throw InputError({"--compute"}, "to scale, the chip that the trace was recorded on is needed: --recorded-on CHIP");
  }
  return times;
}

TraceOptions trace_options(const ReplayOptions& options) {
  TraceOptions result;
  result.ranks = options.ranks;
  result.model_parallel = options.model_parallel;
  if (options.missing != "refuse" && options.missing != "ignore") {
    throw InputError({"--missing-dependencies"}, "'" + options.missing + "' is neither refuse nor ignore");
  }
  result.missing = options.missing == "ignore" ? TraceOptions::Missing::ignore : TraceOptions::Missing::refuse;
  if (!options.groups.empty()) {
    result.groups = load_trace_groups(options.groups);
  }
  return result;
}

/// Options that were given and changed nothing.
void note_idle_options(const ReplayOptions& options, const Trace& trace, const SystemSpec& system,
                       std::set<std::string>& notes) {
  bool communicates = false, computes = false, gathers = false;
  for (const TraceProgram& program : trace.programs) {
    for (const TraceNode& node : program.nodes) {
      communicates |= node.operation >= TraceOperation::send;
      gathers |= node.operation == TraceOperation::collective;
      computes |= (node.operation == TraceOperation::compute && node.place == TracePlace::device) ||
                  node.operation == TraceOperation::memory;
    }
  }
  if (!communicates) {
    notes.insert("nothing is communicated: the network, its model and the algorithm have no effect");
  }
  if (communicates && !gathers && options.algorithm != "auto") {
    notes.insert("there are no collectives: --algorithm has no effect");
  }
  if (options.library == "on" && (!gathers || options.algorithm != "auto" || !system.library)) {
    notes.insert("--library has no effect: " + std::string(!gathers                      ? "there are no collectives"
                                                           : options.algorithm != "auto" ? "the algorithm is named"
                                                                                         : "the system's file names "
                                                                                           "none"));
  }
  if (options.library == "off" && gathers && options.algorithm == "auto" && system.library) {
    notes.insert(
        "collectives are by schedules, with the system's own figures; --library on does those as the library "
        "was measured that it was measured to do");
  }
  if (options.fold == "off" && Networks::find(options.network).needs_wires()) {
    notes.insert("the " + options.network + " network is never folded: --fold has no effect");
  }
  if (options.missing == "ignore" && trace.dependencies_left_out == 0) {
    notes.insert("no dependency is missing: --missing-dependencies has no effect");
  }
  if (!computes && options.compute != "recorded") {
    notes.insert("nothing is computed: --compute has no effect");
  }
  if (!computes && !options.slow.empty()) {
    notes.insert("nothing is computed on a device: --slow has no effect");
  }
  if (!options.recorded_on.empty() && options.compute != "scaled") {
    notes.insert("--recorded-on has no effect but with --compute scaled");
  }
  if (!options.groups.empty() && trace.groups.size() == 1) {
    notes.insert("no node names a communicator group: --groups has no effect");
  }
}

std::string replay_command_line(const ReplayOptions& options) {
  CommandText command("podium replay");
  for (const std::string& trace : options.traces) {
    command.argument(trace);
  }
  return command.option("system", options.system)
      .option("network", options.network, "flow")
      .option("algorithm", options.algorithm, "auto")
      .option("library", options.library, "off")
      .option("compute", options.compute, "recorded")
      .option("recorded-on", options.recorded_on)
      .option("ranks", std::to_string(options.ranks), "0")
      .option("model-parallel", std::to_string(options.model_parallel), "0")
      .option("groups", options.groups)
      .option("missing-dependencies", options.missing, "refuse")
      .option("trace-format", options.trace_format)
      .option("fold", options.fold, "on")
      .option("packet-scale", options.packet_scale)
      .options("fail", options.faults)
      .options("slow", options.slow)
      .text();
}

SimulatorOptions simulator_options(const ReplayOptions& options, FoldChoice fold) {
  SimulatorOptions result;
  result.network = options.network;
  result.algorithm = options.algorithm;
  result.use_library = options.library == "on";
  result.folding = fold.folding;
  result.check_folding = fold.check;
  result.keep_spans = true;
  result.keep_links = !options.timeline.empty();
  result.link_samples = 256;
  return result;
}

/// Of many classes of ranks it takes a while, the first part of it to tell them apart.
Execution run_tasks(SimulatorOptions asked, const Machine& machine, const TaskGraph& graph) {
  std::optional<ProgressBar> bar;
  bar.emplace("finding ranks that are alike").update(0, 1);
  asked.task_progress = [&bar, running = false](std::size_t done, std::size_t of) mutable {
    if (!std::exchange(running, true)) {
      bar.emplace("tasks");
    }
    bar->update(done, of);
  };
  return Simulator(machine, asked).run(graph);
}

/// On packets: of the size that was asked for, or that keeps the run to some hops, which bytes on flows tell.
Execution run(SimulatorOptions asked, std::optional<double> packet_scale, const Machine& machine,
              const TaskGraph& graph, ReplayResult& result) {
  if (!Networks::find(asked.network).has_packets()) {
    return run_tasks(asked, machine, graph);
  }
  SimulatorOptions on_flows = asked;
  on_flows.network = "flow";
  on_flows.keep_spans = false;
  on_flows.keep_links = true;
  on_flows.link_samples = 0;
  const Execution planned = Simulator(machine, on_flows).run(graph);
  // of a message that is smaller than a packet, one on each link all the same
  const double real_hops =
      std::max(real_packet_hops(machine.network(), planned.links), static_cast<double>(planned.folding.messages));
  result.packet_scale = packet_scale.value_or(fitting_packet_scale(real_hops));
  if (result.packet_scale > 1 && real_hops > 0) {
    result.notes.insert(fmt::format("packets are {} times as large as real ones, which would make {:.3g} hops",
                                    result.packet_scale, real_hops));
  }
  const double hops = real_hops / result.packet_scale;
  tell_packet_cost(hops);
  ProgressBar bar("million packet-hops");
  std::uint64_t done = 0;
  asked.packet_scale = result.packet_scale;
  asked.progress = [&](std::uint64_t more) {
    constexpr std::uint64_t often = 1'000'000;
    const std::uint64_t before = std::exchange(done, done + more);
    const auto all = static_cast<std::size_t>(hops) / often;
    if (done / often > before / often && all > 0) {
      bar.update(std::min<std::size_t>(done / often, all), all);
    }
  };
  return Simulator(machine, asked).run(graph);
}

/// When each role's last task ended, and what set the whole's time.
void explain(const Machine& machine, const TaskGraph& graph, ReplayResult& result) {
  for (const Role& role : graph.roles()) {
    result.roles.push_back(role.name);
  }
  result.ends.resize(result.roles.size());
  for (const Span& span : result.execution.spans) {
    Seconds& end = result.ends[graph.tasks()[span.task].role.index()];
    end = std::max(end, since_start(span.end));
  }
  result.path = critical_path(machine, graph, result.execution);
  result.elasticities = elasticities(machine, result.path);
}

/// Faults of parts that nothing crosses where all is whole, as flows tell.
void note_idle_faults(const ReplayOptions& options, Allocation allocation, const TaskGraph& graph,
                      std::set<std::string>& notes) {
  if (options.faults.empty()) {
    return;
  }
  allocation.faults.clear();
  allocation.bundles = Bundles::apart;
  const Machine whole = load_machine(options.system, allocation, {"--system"});
  const Execution execution = Simulator(whole, {.keep_links = true}).run(graph);
  LinkFinder links(whole.network());
  for (const std::string& fault : options.faults) {
    const std::vector<LinkId> part = links.find(parse_fault(fault, {"--fail"}).part, {"--fail"});
    const auto is_idle = [&](LinkId link) { return execution.links.ports[link].bytes == Bytes(); };
    if (std::all_of(part.begin(), part.end(), is_idle)) {
      notes.insert("--fail " + fault + " has no effect: nothing is sent over it");
    }
  }
}

ReplayResult replay(const ReplayOptions& options) {
  const bool wires = Networks::find(options.network, {"--network"}).needs_wires();
  const FoldChoice fold = parse_fold(options.fold, options.network);
  parse_compute(options.compute);
  if (options.library != "on" && options.library != "off") {
    throw InputError({"--library"}, "'" + options.library + "' is neither on nor off");
  }
  const std::optional<double> packet_scale = parse_packet_scale(options.packet_scale, options.network);
  if (!options.timeline.empty()) {
    check_file(options.timeline, "--timeline");
  }
  const Trace trace = load_trace(options.traces, trace_options(options), options.trace_format);
  const TraceMatch match = match_ranks(trace);
  check_progress(trace, match);
  Allocation allocation{.ranks = trace.ranks(), .bundles = wires ? Bundles::apart : Bundles::merged};
  add_defects(allocation, options.faults, options.slow);
  const Machine machine = load_machine(options.system, allocation, {"--system"});
  TraceGraph trace_graph = to_task_graph(trace, match, times_for(options, machine));
  ReplayResult result;
  result.execution = run(simulator_options(options, fold), packet_scale, machine, trace_graph.graph, result);
  result.ranks = trace.ranks();
  result.simulates_classes = fold.folding == Folding::exact && unfoldable(options.network, machine.network()).empty();
  explain(machine, trace_graph.graph, result);
  if (!options.timeline.empty()) {
    const std::string name = fmt::format("{} on {}", fmt::join(options.traces, ", "), options.system);
    const Timeline timeline =
        make_timeline(machine, trace_graph.graph, result.execution, result.path, timeline_slices,
                      [&](TaskId task) { return trace.names.at(trace_graph.names[task.index()]); });
    write_timeline_file(options.timeline, to_trace(timeline, name, replay_command_line(options)));
  }
  for (const TraceProgram& program : trace.programs) {
    result.nodes += program.nodes.size();
  }
  result.notes.insert(trace.notes.begin(), trace.notes.end());
  result.notes.merge(trace_graph.notes);
  result.notes.insert(result.execution.notes.begin(), result.execution.notes.end());
  if (fold.check) {
    result.notes.insert("folding checked: every rank by itself has done each task at the same time, to the picosecond");
  }
  note_idle_options(options, trace, machine.system(), result.notes);
  note_idle_faults(options, allocation, trace_graph.graph, result.notes);
  return result;
}

std::string in_microseconds(Seconds time) { return fmt::format("{:.3f} us", time.value() * 1e6); }

/// Its parts, the longest first, and what one per cent more of each resource is worth.
std::string path_of(const ReplayResult& result) {
  std::string text = "\nthe critical path, the chain of nodes that set the makespan\n";
  std::vector<std::pair<std::string, Seconds>> parts = result.path.account.parts();
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [part, time] : parts) {
    text +=
        fmt::format("  {:<40} {:>16} {:>6.1f} %\n", part, in_microseconds(time), 100 * (time / result.execution.time));
  }
  text += "\nwhat would help: the makespan with 1 % more of it (of launches and host time 1 % less)\n";
  for (const Elasticity& one : result.elasticities) {
    text += fmt::format("  {:<40} {:>16}\n", one.resource,
                        one.value < 0 ? fmt::format("{:.3f} %", one.value) : std::string("no effect"));
  }
  if (result.path.beside > Seconds()) {
    text += fmt::format(
        "  {:.1f} % of the makespan is what work of the chain lost to what ran beside it: less of that "
        "would help too\n",
        100 * (result.path.beside / result.execution.time));
  }
  return text;
}

std::string text_of(const ReplayOptions& options, const ReplayResult& result) {
  std::string text = fmt::format("{} nodes of {} ranks on {}, network {}\n\nmakespan  {}\n\n",
                                 with_commas(static_cast<long long>(result.nodes)), with_commas(result.ranks),
                                 options.system, options.network, in_microseconds(result.execution.time));
  text += "where the mean rank's time goes\n";
  for (const auto& [part, time] : result.execution.account.parts()) {
    text +=
        fmt::format("  {:<40} {:>16} {:>6.1f} %\n", part, in_microseconds(time), 100 * (time / result.execution.time));
  }
  text += path_of(result);
  constexpr std::size_t most_ranks = 16;
  text += "\nwhen ranks end\n";
  for (std::size_t i = 0; i < std::min(result.roles.size(), most_ranks); ++i) {
    text += fmt::format("  {:<40} {:>16}\n", result.roles[i], in_microseconds(result.ends[i]));
  }
  if (result.roles.size() > most_ranks) {
    const auto [first, last] = std::minmax_element(result.ends.begin(), result.ends.end());
    text += fmt::format("  … {} more: the first at {}, the last at {} (--format csv lists them)\n",
                        result.roles.size() - most_ranks, in_microseconds(*first), in_microseconds(*last));
  }
  if (result.simulates_classes) {
    text += "\nsimulated: " + describe(result.execution.folding) + "\n";
  }
  for (const std::string& note : result.notes) {
    text += "\nnote: " + note;
  }
  return text + (result.notes.empty() ? "" : "\n");
}

std::string json_of(const ReplayOptions& options, const ReplayResult& result) {
  const auto split = [](const Account& account) {
    Json parts = Json::object();
    for (const auto& [part, time] : account.parts()) {
      parts[part] = time.value();
    }
    return parts;
  };
  Json json{{"system", options.system},
            {"network", options.network},
            {"packet_scale", result.packet_scale},
            {"ranks", result.ranks},
            {"nodes", result.nodes},
            {"makespan_seconds", result.execution.time.value()},
            {"mean_rank_seconds", split(result.execution.account)},
            {"critical_path_seconds", split(result.path.account)},
            {"critical_path_loss_seconds", result.path.beside.value()},
            {"elasticities", Json::object()},
            {"roles", Json::array()},
            {"notes", result.notes},
            {"simulated",
             {{"ranks", result.execution.folding.ranks},
              {"rank_classes", result.execution.folding.classes},
              {"messages", result.execution.folding.messages},
              {"bundles", result.execution.folding.bundles},
              {"links", result.execution.folding.links},
              {"link_classes", result.execution.folding.link_classes}}}};
  for (const Elasticity& one : result.elasticities) {
    json["elasticities"][one.resource] = one.value;
  }
  for (std::size_t i = 0; i < result.roles.size(); ++i) {
    json["roles"].push_back({{"name", result.roles[i]},
                             {"end_seconds", result.ends[i].value()},
                             {"seconds", split(result.execution.by_role[i])}});
  }
  return json_text(json);
}

std::string csv_of(const ReplayResult& result) {
  std::string text = "rank,end_seconds\n";
  for (std::size_t i = 0; i < result.roles.size(); ++i) {
    text += fmt::format("{},{}\n", result.roles[i], result.ends[i].value());
  }
  return text;
}

int run_replay(const ReplayOptions& options) {
  const ReplayResult result = replay(options);
  std::cout << (options.format == OutputFormat::json  ? json_of(options, result)
                : options.format == OutputFormat::csv ? csv_of(result)
                                                      : text_of(options, result));
  return 0;
}

std::function<int()> replay_command(CLI::App& app) {
  const auto options = std::make_shared<ReplayOptions>();
  app.footer(
      "Formats are told by content and may be gzipped or zstandard: 'podium list formats', docs/TRACES.md. A trace "
      "that "
      "is\nwrong ends with status 2, one that cannot end with status 1; both name the file, the rank and the node.\n\n"
      "Example: podium replay traces/ --system gb200-nvl72 --compute scaled --recorded-on h100-sxm");
  app.add_option("trace", options->traces, "Files of a trace, or a folder of them")->required();
  app.add_option("--system", options->system, "System: a name of configs/systems, or a path")->required();
  app.add_option("--network", options->network, fmt::format("Network model: {}", fmt::join(Networks::names(), ", ")))
      ->capture_default_str();
  app.add_option("--algorithm", options->algorithm, "Of collectives, where it suits (auto: the fastest by prediction)")
      ->capture_default_str();
  app.add_option("--library", options->library,
                 "on: collectives as the library was measured that the system's file names, where it was; off: by "
                 "schedules")
      ->capture_default_str();
  app.add_option("--compute", options->compute,
                 "recorded: as long as it took; scaled: by the chips' ratio; predicted: from shapes, where there are")
      ->capture_default_str();
  app.add_option("--recorded-on", options->recorded_on, "The chip of the recording, to scale by");
  app.add_option("--ranks", options->ranks, "Ranks that run a file which is the same for all")
      ->check(CLI::PositiveNumber);
  app.add_option("--model-parallel", options->model_parallel, "Ranks that share a layer, where the file does not say")
      ->check(CLI::PositiveNumber);
  app.add_option("--groups", options->groups,
                 "Communicator groups (default: the one comm_group*.json beside the files)");
  app.add_option("--missing-dependencies", options->missing,
                 "refuse or ignore dependencies on nodes that the file does not have")
      ->capture_default_str();
  app.add_option("--trace-format", options->trace_format,
                 fmt::format("{} (default: by content)", fmt::join(TraceFormats::names(), ", ")));
  add_fold_option(app, options->fold);
  add_packet_scale_option(app, options->packet_scale);
  add_slow_option(app, options->slow);
  app.add_option("--fail", options->faults,
                 "A link or node of the network that has failed, or keeps a part of its bandwidth. May be given again")
      ->option_text("PART[=LEFT]")
      ->allow_extra_args(false);
  app.add_option("--timeline", options->timeline,
                 "File for a timeline of the run, which Perfetto and chrome://tracing open");
  add_format_option(app, options->format);
  return [options] { return run_replay(*options); };
}

const Commands::Entry replay_entry{"replay", "Run a recorded execution trace on a system", replay_command};

}  // namespace
}  // namespace podium
