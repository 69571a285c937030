// podium collective: one operation among the first ranks of a system, printed as nccl-tests prints it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "sim/cli/command.h"
#include "sim/collective/faulty_run.h"
#include "sim/collective/library.h"
#include "sim/hardware/data_type.h"
#include "sim/system/machine.h"

namespace podium {
namespace {

constexpr std::size_t most_sizes = 1000;

struct Options {
  std::string operation, system, bytes;
  std::string algorithm = "auto", network = "flow", type = "fp32", fold = "on", library = "on";
  std::vector<std::string> faults;
  std::string recovery = "0 s";
  std::uint32_t ranks = 0;
  OutputFormat format = OutputFormat::text;
};

/// One line of the result.
struct Row {
  Bytes bytes;
  Seconds time;
  std::string algorithm;
  std::string regime;                 ///< of the library; empty where it is a schedule with the system's own figures
  std::vector<Candidate> candidates;  ///< the fastest first; empty where the algorithm was named
};

struct Result {
  CollectiveKind kind;
  std::string system, network;
  std::uint32_t ranks;
  DataType type;
  std::vector<std::string> faults;
  std::vector<Row> rows;
};

BytesPerSecond algorithm_bandwidth(const Row& row) {
  return row.time > Seconds() ? row.bytes / row.time : BytesPerSecond();
}

BytesPerSecond bus_bandwidth(const Result& result, const Row& row) {
  return algorithm_bandwidth(row) * bus_factor(result.kind, static_cast<int>(result.ranks));
}

double count(const Result& result, const Row& row) { return std::floor(row.bytes / size_of(result.type)); }

/// B, or B:E, or B:E:F: from B to E, times F (2 where it is not given) at each step.
std::vector<Bytes> parse_sizes(const std::string& text) {
  const Location where{"--bytes"};
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == ':') {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (parts.size() > 3) {
    throw InputError(where, "'" + text + "' has " + std::to_string(parts.size()) + " parts; B, B:E or B:E:F is right");
  }
  const Bytes first = parse_size(parts[0], where);
  const Bytes last = parts.size() > 1 ? parse_size(parts[1], where) : first;
  const double factor = parts.size() > 2 ? parse_number(parts[2], where) : 2;
  if (last < first) {
    throw InputError(where, "'" + text + "' ends before it begins");
  }
  if (factor <= 1 || (first == Bytes() && last > first)) {
    throw InputError(where, "'" + text + "' never gets to its end: begin above zero, with a factor above one");
  }
  std::vector<Bytes> sizes;
  for (double size = first.value(); size <= last.value() && sizes.size() <= most_sizes; size *= factor) {
    sizes.emplace_back(std::floor(size));
    if (size == 0) {
      break;
    }
  }
  if (sizes.size() > most_sizes) {
    throw InputError(where, "'" + text + "' is more than " + std::to_string(most_sizes) + " sizes");
  }
  return sizes;
}

Placement first_ranks(const Machine& machine) {
  Placement placement;
  placement.groups.emplace_back();
  for (std::uint32_t rank = 0; rank < machine.ranks(); ++rank) {
    placement.groups.front().push_back(machine.node(rank));
  }
  return placement;
}

/// Chooses and plays calls among the first ranks of a machine, size by size. Each algorithm is folded once, and not
/// where links change in the course of a run.
class Stage {
 public:
  Stage(const Machine& machine, CollectiveKind kind, const Options& options)
      : machine_(machine),
        kind_(kind),
        options_(options),
        placement_(first_ranks(machine)),
        costs_(communication_costs(machine.system(), machine.chip(), machine.network())),
        router_(machine.network()),
        selector_(machine.network(), router_, costs_),
        faults_{machine.changes(), parse_quantity<Seconds>(options.recovery, {"--recovery"})} {
    if (options.library == "on" && options.algorithm == "auto" && options.faults.empty()) {
      library_ = load_library(options.system);
    }
    if (library_) {
      times_.emplace(*library_, machine.network(), router_, costs_);
    }
  }

  Row play(Bytes bytes) {
    Row row{bytes, {}, options_.algorithm, {}, {}};
    CommunicationCosts costs = costs_;
    if (const auto choices = times_ ? times_->rank(kind_, placement_, bytes) : std::vector<LibraryChoice>();
        !choices.empty()) {
      row.algorithm = choices.front().algorithm;
      row.regime = choices.front().regime;
      costs.protocols[choices.front().plane] = choices.front().protocol;
      for (const LibraryChoice& choice : choices) {
        const auto same = [&](const Candidate& other) { return other.algorithm == choice.algorithm; };
        if (std::none_of(row.candidates.begin(), row.candidates.end(), same)) {
          row.candidates.push_back({choice.algorithm, choice.predicted});
        }
      }
    } else if (row.algorithm == "auto") {
      row.candidates = selector_.rank(kind_, placement_, bytes);
      row.algorithm = row.candidates.front().algorithm;
    }
    row.time = time(row, costs);
    return row;
  }

 private:
  Seconds time(const Row& row, const CommunicationCosts& costs) {
    const CollectiveCall call{0, kind_, row.bytes};
    const Operation operation{selector_.choose(row.algorithm, kind_, placement_, row.bytes), placement_};
    if (!faults_.changes.empty()) {
      return time_alone(call, machine_.network(), operation, costs, options_.network, faults_);
    }
    auto known = fabrics_.find(row.algorithm);
    if (known == fabrics_.end()) {
      const bool folds = options_.fold == "on" && !Networks::find(options_.network).needs_wires();
      known = fabrics_
                  .emplace(row.algorithm,
                           fold(machine_.network(), router_, {&operation, 1}, folds ? Folding::exact : Folding::off))
                  .first;
    }
    return time_alone(call, known->second, costs, options_.network);
  }

  const Machine& machine_;
  CollectiveKind kind_;
  const Options& options_;
  Placement placement_;
  CommunicationCosts costs_;
  Router router_;
  Selector selector_;
  Faults faults_;
  std::optional<CommunicationLibrary> library_;
  std::optional<LibraryTimes> times_;
  std::map<std::string, FoldedFabric> fabrics_;
};

std::vector<Row> play(const Machine& machine, CollectiveKind kind, const std::vector<Bytes>& sizes,
                      const Options& options) {
  Stage stage(machine, kind, options);
  std::vector<Row> rows;
  for (const Bytes bytes : sizes) {
    rows.push_back(stage.play(bytes));
  }
  return rows;
}

Result measure(const Options& options) {
  const CollectiveKind kind = parse_collective_kind(options.operation);
  const DataType type = parse_data_type(options.type, {"--type"});
  const std::vector<Bytes> sizes = parse_sizes(options.bytes);
  Networks::find(options.network, {"--network"});
  if (options.algorithm != "auto") {
    Algorithms::find(options.algorithm, {"--algorithm"});
  }
  for (const auto& [name, value] : {std::pair("--fold", options.fold), std::pair("--library", options.library)}) {
    if (value != "on" && value != "off") {
      throw InputError({name}, "'" + value + "' is neither on nor off");
    }
  }
  if (options.ranks < 2) {
    throw InputError({"--ranks"}, std::to_string(options.ranks) + (options.ranks == 1 ? " rank has" : " ranks have") +
                                      " nobody to exchange with; 2 or more are right");
  }
  const Bundles bundles = Networks::find(options.network).needs_wires() ? Bundles::apart : Bundles::merged;
  Allocation allocation{.ranks = options.ranks, .bundles = bundles};
  for (const std::string& fault : options.faults) {
    allocation.faults.push_back(parse_fault(fault, {"--fail"}));
  }
  const Machine machine = load_machine(options.system, allocation);
  return {
      kind, options.system, options.network, options.ranks, type, options.faults, play(machine, kind, sizes, options)};
}

std::string to_text(const Result& result) {
  std::string text = fmt::format("# {} among {} ranks of {}, {} network\n", to_string(result.kind), result.ranks,
                                 result.system, result.network);
  for (const std::string& fault : result.faults) {
    text += fmt::format("# fault: {}\n", fault);
  }
  text += fmt::format("#{:>14} {:>14} {:>8} {:>30} {:>12} {:>9} {:>9}  {}\n", "size", "count", "type", "algorithm",
                      "time", "algbw", "busbw", "next best");
  text += fmt::format("#{:>14} {:>14} {:>8} {:>30} {:>12} {:>9} {:>9}\n", "(B)", "(elements)", "", "", "(us)", "(GB/s)",
                      "(GB/s)");
  double total = 0;
  for (const Row& row : result.rows) {
    const double bus = bus_bandwidth(result, row).value() / 1e9;
    total += bus;
    const std::string way = row.regime.empty() ? row.algorithm : fmt::format("{} ({})", row.algorithm, row.regime);
    text += fmt::format(" {:>14.0f} {:>14.0f} {:>8} {:>30} {:>12.2f} {:>9.2f} {:>9.2f}", row.bytes.value(),
                        count(result, row), to_string(result.type), way, row.time.value() * 1e6,
                        algorithm_bandwidth(row).value() / 1e9, bus);
    if (row.candidates.size() > 1) {
      text += fmt::format("  {} x{:.2f}", row.candidates[1].algorithm,
                          row.candidates[1].predicted / row.candidates[0].predicted);
    }
    text += '\n';
  }
  return text + fmt::format("# average bus bandwidth {:.2f} GB/s\n", total / static_cast<double>(result.rows.size()));
}

std::string to_csv(const Result& result) {
  std::string text =
      "operation,system,ranks,network,bytes,count,type,algorithm,time_seconds,algbw_bytes_per_second,"
      "busbw_bytes_per_second\n";
  for (const Row& row : result.rows) {
    text +=
        fmt::format("{},{},{},{},{:.0f},{:.0f},{},{},{},{},{}\n", to_string(result.kind), result.system, result.ranks,
                    result.network, row.bytes.value(), count(result, row), to_string(result.type), row.algorithm,
                    row.time.value(), algorithm_bandwidth(row).value(), bus_bandwidth(result, row).value());
  }
  return text;
}

std::string to_json(const Result& result) {
  nlohmann::ordered_json json{
      {"operation", to_string(result.kind)}, {"system", result.system}, {"ranks", result.ranks},
      {"network", result.network},           {"faults", result.faults}, {"results", nlohmann::ordered_json::array()}};
  for (const Row& row : result.rows) {
    nlohmann::ordered_json line{{"bytes", static_cast<std::int64_t>(row.bytes.value())},
                                {"count", static_cast<std::int64_t>(count(result, row))},
                                {"type", to_string(result.type)},
                                {"algorithm", row.algorithm},
                                {"time_seconds", row.time.value()},
                                {"algbw_bytes_per_second", algorithm_bandwidth(row).value()},
                                {"busbw_bytes_per_second", bus_bandwidth(result, row).value()}};
    if (!row.regime.empty()) {
      line["regime"] = row.regime;
    }
    for (const Candidate& candidate : row.candidates) {
      line["candidates"].push_back(
          {{"algorithm", candidate.algorithm}, {"predicted_seconds", candidate.predicted.value()}});
    }
    json["results"].push_back(std::move(line));
  }
  return json.dump(2) + '\n';
}

int run(const Options& options) {
  const Result result = measure(options);
  switch (options.format) {
    case OutputFormat::text:
      std::cout << to_text(result);
      break;
    case OutputFormat::csv:
      std::cout << to_csv(result);
      break;
    case OutputFormat::json:
      std::cout << to_json(result);
      break;
  }
  return 0;
}

std::function<int()> collective(CLI::App& app) {
  const auto options = std::make_shared<Options>();
  app.footer(
      "Ranks are dies or GPUs, taken from rank 0 on. Bytes are what the size column of nccl-tests counts: one rank's\n"
      "buffer (all_reduce, all_to_all, broadcast), the gathered output (all_gather), the full input (reduce_scatter),\n"
      "all that one rank sends, its own share included (dispatch, combine).\n\n"
      "Example: podium collective all-reduce --system gb200-nvl72 --ranks 72 --bytes 1KiB:8GiB:2");
  app.add_option("operation", options->operation,
                 "all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, dispatch, combine or send")
      ->required();
  app.add_option("--system", options->system, "System: a name of configs/systems, or a path")->required();
  app.add_option("--ranks", options->ranks, "How many ranks take part")->required();
  app.add_option("--bytes", options->bytes, "Size, or sizes from B to E, times F (default 2) at each step")
      ->required()
      ->option_text("B[:E[:F]]");
  app.add_option("--algorithm", options->algorithm, "A name, or auto: the fastest by prediction at each size")
      ->capture_default_str();
  app.add_option("--library", options->library,
                 "on: as the library of the system was measured, where it was (configs/calibration/collective) and "
                 "the algorithm is auto; off: schedules with the system's own figures")
      ->capture_default_str();
  app.add_option("--network", options->network, "Network model")->capture_default_str();
  app.add_option("--type", options->type, "Type of the elements that the count column counts")->capture_default_str();
  app.add_option("--fold", options->fold,
                 "on: simulate one of each class of equal transfers; off: every one. Packets are never folded")
      ->capture_default_str();
  app.add_option("--fail", options->faults,
                 "A link or node of the network that fails, or keeps a part of its bandwidth, from a time of each run "
                 "on: NVSwitch[3], leaf0-spine[0..3]=50%, ub:L2[5]@2ms. May be given again")
      ->option_text("PART[=LEFT][@TIME]")
      ->allow_extra_args(false);
  app.add_option("--recovery", options->recovery, "From a fault within a run until traffic takes other ways")
      ->option_text("TIME");
  add_format_option(app, options->format);
  return [options] { return run(*options); };
}

const Commands::Entry entry{"collective", "Time one collective operation, as nccl-tests prints it", collective};

}  // namespace
}  // namespace podium
