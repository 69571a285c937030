// podium collective: one operation among the first ranks of a system, printed as nccl-tests prints it.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "sim/cli/collective_run.h"
#include "sim/cli/command.h"
#include "sim/cli/expert_options.h"
#include "sim/cli/results.h"
#include "sim/hardware/data_type.h"
#include "sim/report/json_text.h"
#include "sim/report/schedule_drawing.h"
#include "sim/system/folding_check.h"

namespace podium {
namespace {

struct CollectiveCommand : CollectiveOptions {
  std::string operation, ranks, bytes, type = "fp32", drawing, fold_text = "on";
  ExpertOptions experts;
  bool all_candidates = false;
  bool names_library = false;  ///< --library was given
  OutputFormat format = OutputFormat::text;
};

using SizeRow = TimedCollective;

struct CollectiveResult {
  CollectiveKind kind;
  double bus_factor;
  std::string system, network;
  std::optional<std::string> library;  ///< by which a size at least was timed
  std::uint32_t ranks;
  DataType type;
  std::vector<std::string> faults;
  bool shows_all;   ///< of the algorithms that suit, and not only the next best
  bool is_checked;  ///< every schedule was followed, byte by byte
  FoldChoice fold;
  std::vector<SizeRow> rows;
  std::vector<std::string> notes;  ///< what was given and changed nothing
};

BytesPerSecond algorithm_bandwidth(const SizeRow& row) {
  return row.time > Seconds() ? row.bytes / row.time : BytesPerSecond();
}

BytesPerSecond bus_bandwidth(const CollectiveResult& result, const SizeRow& row) {
  return algorithm_bandwidth(row) * result.bus_factor;
}

/// As nccl-tests counts: of operations in which every rank has or gets a part, the elements of a part.
double count(const CollectiveResult& result, const SizeRow& row) {
  const bool of_a_part = is_of_parts(result.kind) && result.kind != CollectiveKind::all_reduce;
  const bool by_part = of_a_part || result.kind == CollectiveKind::all_to_all ||
                       result.kind == CollectiveKind::gather || result.kind == CollectiveKind::scatter;
  return std::floor(row.bytes / size_of(result.type) / (by_part ? result.ranks : 1));
}

/// The last size.
void draw(const CollectiveRun& run, const Machine& machine, const CollectiveResult& result, const std::string& path) {
  const SizeRow& row = result.rows.back();
  write_file(path, to_svg({.kind = result.kind,
                           .system = result.system,
                           .regime = row.regime,
                           .bytes = row.bytes,
                           .time = row.time,
                           .schedule = run.schedule(row),
                           .topology = machine.network(),
                           .busy = run.busy_times(row)}));
}

/// Planes that no size sends anything over.
std::vector<std::string> idle_planes(const CollectiveRun& run, const Topology& network,
                                     const std::vector<SizeRow>& rows) {
  std::vector<bool> used(network.planes.size());
  for (const SizeRow& row : rows) {
    const Table<LinkId, Seconds> busy = run.busy_times(row);
    for (const LinkId link : network.links.ids()) {
      used[network.links[link].plane] = used[network.links[link].plane] || busy[link] > Seconds();
    }
  }
  std::vector<std::string> idle;
  for (std::size_t plane = 0; plane < used.size(); ++plane) {
    if (!used[plane]) {
      idle.push_back(network.planes[plane].name);
    }
  }
  return idle;
}

/// Sizes at which a link would need longer for its bytes than the network says that all takes.
void note_overdrawn(const CollectiveRun& run, CollectiveResult& result) {
  double most = 1;
  for (const SizeRow& row : result.rows) {
    const Table<LinkId, Seconds> busy = run.busy_times(row);
    most = std::max(most, *std::max_element(busy.begin(), busy.end()) / row.time);
  }
  constexpr double negligible = 1e-3;
  if (most > 1 + negligible) {
    result.notes.push_back(
        fmt::format("a link carries up to {:.0f} % of what it can: on the {} network, what is sent at "
                    "different times shares none. On flow it does",
                    100 * most, result.network));
  }
}

/// Where a library was to be taken, and was not.
void note_library(const CollectiveRun& run, CollectiveResult& result) {
  const auto has_none = [](const SizeRow& row) { return row.regime.empty(); };
  if (!std::any_of(result.rows.begin(), result.rows.end(), has_none)) {
    return;
  }
  result.notes.push_back(run.library()
                             ? fmt::format("the library of {} was not measured to do {} among these ranks: by "
                                           "schedules, with the system's own figures",
                                           result.system, to_string(result.kind))
                             : fmt::format("no library was measured on {} (its file names none): by schedules, with "
                                           "the system's own figures",
                                           result.system));
}

void note_idle_options(const CollectiveCommand& options, const CollectiveRun& run, const Machine& machine,
                       CollectiveResult& result) {
  const auto note = [&](bool idle, const std::string& text) {
    if (idle) {
      result.notes.push_back(text);
    }
  };
  const bool named = options.algorithm != "auto";
  result.notes.insert(result.notes.end(), run.notes().begin(), run.notes().end());
  note(options.fold_text == "off" && Networks::find(options.network).needs_wires(),
       "--fold has no effect: the " + options.network + " network is never folded");
  note(options.names_library && (named || !machine.system().library),
       "--library has no effect: " + std::string(named ? "the algorithm is named" : "the system's file names none"));
  if (options.library == "on" && !named) {
    note_library(run, result);
  }
  note(result.kind == CollectiveKind::barrier && !options.bytes.empty(),
       "--bytes has no effect: a barrier brings none");
  note(options.all_candidates && (named || !options.sizes.empty()), "--all has no effect: there is one algorithm");
  note(options.recovery != CollectiveOptions().recovery && machine.changes().empty(),
       "--recovery has no effect: nothing fails in the course of a run");
  note(options.check && is_algorithm_file(options.algorithm),
       "--check has no further effect: an algorithm of one's own is followed as it is read");
  const bool sends =
      std::none_of(result.rows.begin(), result.rows.end(), [](const SizeRow& r) { return r.bytes == Bytes(); });
  if (sends && machine.changes().empty()) {
    const std::vector<std::string> idle = idle_planes(run, machine.network(), result.rows);
    note(!idle.empty(), fmt::format("nothing is sent over {}: its figures have no effect", fmt::join(idle, ", ")));
  }
}

/// None where they are uneven: those of a file.
std::vector<Bytes> asked_sizes(const CollectiveCommand& options, CollectiveKind kind, DataType type) {
  const int given = !options.bytes.empty() + !options.sizes.empty() + !options.experts.tokens.empty();
  if (kind == CollectiveKind::barrier && given == static_cast<int>(!options.bytes.empty())) {
    return {Bytes()};
  }
  if (given != 1) {
    throw InputError({"--bytes"}, "one of --bytes, --sizes and --tokens says how much is sent");
  }
  return options.bytes.empty() ? token_bytes(options.experts, options.routing, type) : parse_sizes(options.bytes);
}

CollectiveResult measure_collective(CollectiveCommand options) {
  const CollectiveKind kind = parse_collective_kind(options.operation);
  const DataType type = parse_data_type(options.type, {"--type"});
  options.routing = routing_of(options.experts, kind);
  std::vector<Bytes> sizes = asked_sizes(options, kind, type);
  Networks::find(options.network, {"--network"});
  if (options.algorithm != "auto" && !is_algorithm_file(options.algorithm)) {
    Algorithms::find(options.algorithm, {"--algorithm"});
  }
  if (options.library != "on" && options.library != "off") {
    throw InputError({"--library"}, "'" + options.library + "' is neither on nor off");
  }
  options.fold = parse_fold(options.fold_text, options.network);
  const std::vector<std::uint32_t> ranks = parse_ranks(options.ranks);
  const Bundles bundles = Networks::find(options.network).needs_wires() ? Bundles::apart : Bundles::merged;
  Allocation allocation{.ranks = *std::max_element(ranks.begin(), ranks.end()) + 1, .bundles = bundles};
  for (const std::string& fault : options.faults) {
    allocation.faults.push_back(parse_fault(fault, {"--fail"}));
  }
  const Machine machine = load_machine(options.system, allocation);
  if (options.fold.check && !machine.changes().empty()) {
    throw InputError({"--fold"}, "nothing is folded where links change in the course of a run: nothing to check");
  }
  CollectiveRun run(machine, kind, ranks, options);
  CollectiveResult result{kind,
                          run.bus_factor(),
                          options.system,
                          options.network,
                          {},
                          static_cast<std::uint32_t>(ranks.size()),
                          type,
                          options.faults,
                          options.all_candidates,
                          options.check,
                          options.fold,
                          {},
                          {}};
  if (const std::optional<Bytes> size = run.size()) {
    sizes = {*size};
  }
  for (const Bytes bytes : sizes) {
    result.rows.push_back(run.play(bytes));
  }
  if (!options.drawing.empty()) {
    draw(run, machine, result, options.drawing);
  }
  if (std::any_of(result.rows.begin(), result.rows.end(), [](const SizeRow& row) { return !row.regime.empty(); })) {
    result.library = run.library()->stack;
  }
  if (machine.changes().empty()) {
    note_overdrawn(run, result);
  }
  note_idle_options(options, run, machine, result);
  return result;
}

/// A line for each algorithm of which equal messages were simulated once.
std::string folding_text(const CollectiveResult& result) {
  std::string text;
  std::set<std::string> seen;
  for (const SizeRow& row : result.rows) {
    if (row.folding.bundles < row.folding.messages && seen.insert(row.algorithm).second) {
      text += fmt::format("# simulated of {}: {}\n", row.algorithm, describe(row.folding));
    }
  }
  return text +
         (result.fold.check ? "# folding checked: every message by itself takes as long, to the picosecond\n" : "");
}

std::string text_of(const CollectiveResult& result) {
  std::string text = fmt::format("# {} among {} ranks of {}, {} network\n", to_string(result.kind), result.ranks,
                                 result.system, result.network);
  for (const std::string& fault : result.faults) {
    text += fmt::format("# fault: {}\n", fault);
  }
  if (result.is_checked) {
    text += "# checked: every rank ends with what the operation promises, each part and each contribution once\n";
  }
  text += folding_text(result);
  text += fmt::format("#{:>14} {:>14} {:>8} {:>30} {:>12} {:>9} {:>9}  {}\n", "size", "count", "type", "algorithm",
                      "time", "algbw", "busbw", "next best");
  text += fmt::format("#{:>14} {:>14} {:>8} {:>30} {:>12} {:>9} {:>9}\n", "(B)", "(elements)", "", "", "(us)", "(GB/s)",
                      "(GB/s)");
  double total = 0;
  for (const SizeRow& row : result.rows) {
    const double bus = bus_bandwidth(result, row).value() / 1e9;
    total += bus;
    const std::string way = row.regime.empty() ? row.algorithm : fmt::format("{} ({})", row.algorithm, row.regime);
    text += fmt::format(" {:>14.0f} {:>14.0f} {:>8} {:>30} {:>12.2f} {:>9.2f} {:>9.2f}", row.bytes.value(),
                        count(result, row), to_string(result.type), way, row.time.value() * 1e6,
                        algorithm_bandwidth(row).value() / 1e9, bus);
    const std::size_t shown =
        result.shows_all ? row.candidates.size() : std::min<std::size_t>(2, row.candidates.size());
    for (std::size_t i = 1; i < shown; ++i) {
      text += fmt::format("{} {} x{:.2f}", i > 1 ? "," : " ", row.candidates[i].algorithm,
                          row.candidates[i].predicted / row.candidates[0].predicted);
    }
    text += '\n';
  }
  text += fmt::format("# average bus bandwidth {:.2f} GB/s\n", total / static_cast<double>(result.rows.size()));
  for (const std::string& note : result.notes) {
    text += "# note: " + note + "\n";
  }
  return text;
}

std::string csv_of(const CollectiveResult& result) {
  std::string text =
      "operation,system,ranks,network,bytes,count,type,algorithm,time_seconds,algbw_bytes_per_second,"
      "busbw_bytes_per_second,regime\n";
  for (const SizeRow& row : result.rows) {
    text += fmt::format("{},{},{},{},{:.0f},{:.0f},{},{},{},{},{},{}\n", to_string(result.kind), result.system,
                        result.ranks, result.network, row.bytes.value(), count(result, row), to_string(result.type),
                        row.algorithm, row.time.value(), algorithm_bandwidth(row).value(),
                        bus_bandwidth(result, row).value(), row.regime);
  }
  return text;
}

std::string json_of(const CollectiveResult& result) {
  nlohmann::ordered_json json{{"operation", to_string(result.kind)},
                              {"system", result.system},
                              {"ranks", result.ranks},
                              {"network", result.network},
                              {"library", nullptr},
                              {"faults", result.faults},
                              {"checked", result.is_checked},
                              {"folding_checked", result.fold.check},
                              {"notes", result.notes},
                              {"results", nlohmann::ordered_json::array()}};
  if (result.library) {
    json["library"] = *result.library;
  }
  for (const SizeRow& row : result.rows) {
    nlohmann::ordered_json line{{"bytes", static_cast<std::int64_t>(row.bytes.value())},
                                {"count", static_cast<std::int64_t>(count(result, row))},
                                {"type", to_string(result.type)},
                                {"algorithm", row.algorithm},
                                {"time_seconds", row.time.value()},
                                {"algbw_bytes_per_second", algorithm_bandwidth(row).value()},
                                {"busbw_bytes_per_second", bus_bandwidth(result, row).value()}};
    if (row.folding.messages > 0) {
      line["simulated"] = {{"messages", row.folding.messages},
                           {"bundles", row.folding.bundles},
                           {"links", row.folding.links},
                           {"link_classes", row.folding.link_classes}};
    }
    if (!row.regime.empty()) {
      line["regime"] = row.regime;
    }
    for (const Candidate& candidate : row.candidates) {
      line["candidates"].push_back(
          {{"algorithm", candidate.algorithm}, {"predicted_seconds", candidate.predicted.value()}});
    }
    json["results"].push_back(std::move(line));
  }
  return json_text(json);
}

int run_collective(const CollectiveCommand& options) {
  const CollectiveResult result = measure_collective(options);
  switch (options.format) {
    case OutputFormat::text:
      std::cout << text_of(result);
      break;
    case OutputFormat::csv:
      std::cout << csv_of(result);
      break;
    case OutputFormat::json:
      std::cout << json_of(result);
      break;
  }
  return 0;
}

std::function<int()> collective(CLI::App& app) {
  const auto options = std::make_shared<CollectiveCommand>();
  app.footer(
      "Ranks are dies or GPUs, taken from rank 0 on where only their number is given. Bytes are what the size column "
      "of nccl-tests counts: one rank's\n"
      "buffer (all_reduce, all_to_all, broadcast, reduce), the gathered output (all_gather), the full input "
      "(reduce_scatter),\n"
      "all that one rank sends, its own share included (dispatch, combine; with --experts: a copy for each choice of\n"
      "each token, of which algorithms that send once to a rank or node send less).\n\n"
      "Example: podium collective all-reduce --system gb200-nvl72 --ranks 72 --bytes 1KiB:8GiB:2");
  app.add_option(
         "operation", options->operation,
         "all_reduce, all_gather, reduce_scatter, all_to_all, broadcast, reduce, scatter, gather, barrier, dispatch, "
         "combine or send")
      ->required();
  app.add_option("--system", options->system, "System: a name of configs/systems, or a path")->required();
  app.add_option("--ranks", options->ranks, "How many ranks take part, or which: 0,1,4..7; the first is the root")
      ->required();
  app.add_option("--bytes", options->bytes, "Size, or sizes from B to E, times F (default 2) at each step")
      ->option_text("B[:E[:F]]");
  add_expert_options(app, options->experts);
  app.add_option("--sizes", options->sizes,
                 "Uneven sizes of an all-to-all: a row of CSV for each rank, with what it has for each")
      ->option_text("FILE.csv");
  app.add_option(
         "--algorithm", options->algorithm,
         "A name; auto: at each size as the system's library does it, by the fastest of its regimes, or where it has "
         "none the fastest by prediction; or a file of one's own in MSCCL's XML")
      ->capture_default_str()
      ->option_text("NAME|FILE.xml");
  app.add_flag("--check", options->check,
               "Follow the bytes of every schedule: each rank ends with what the operation promises, or the run fails");
  app.add_flag("--all", options->all_candidates, "Print all algorithms that suit, and not only the next best");
  app.add_option("--draw", options->drawing,
                 "Draw the schedule of the last size, and the load of the links, to this file")
      ->option_text("FILE.svg")
      ->check([](const std::string& file) {
        return file.ends_with(".svg") ? std::string() : "'" + file + "' is no name of a drawing; FILE.svg is right";
      });
  app.add_option("--library", options->library,
                 "on: as the library was measured that the system's file names (configs/calibration/collective), where "
                 "the algorithm is auto; off: schedules with the system's own figures")
      ->capture_default_str();
  app.add_option("--regime", options->regime,
                 "Do all by this regime of the library, or the kernels of this name: low_latency or normal of DeepEP's")
      ->option_text("NAME");
  app.add_option("--network", options->network, "Network model")->capture_default_str();
  app.add_option("--type", options->type, "Type of the elements that the count column counts")->capture_default_str();
  add_fold_option(app, options->fold_text);
  app.add_option("--fail", options->faults,
                 "A link or node of the network that fails, or keeps a part of its bandwidth, from a time of each run "
                 "on: NVSwitch[3], leaf0-spine[0..3]=50%, ub:L2[5]@2ms. May be given again")
      ->option_text("PART[=LEFT][@TIME]")
      ->allow_extra_args(false);
  app.add_option("--recovery", options->recovery, "From a fault within a run until traffic takes other ways")
      ->option_text("TIME");
  add_format_option(app, options->format);
  return [options, &app] {
    options->names_library = app.count("--library") > 0;
    return run_collective(*options);
  };
}

const Commands::Entry collective_entry{"collective", "Time one collective operation, as nccl-tests prints it",
                                       collective};

}  // namespace
}  // namespace podium
