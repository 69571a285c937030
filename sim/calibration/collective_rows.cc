#include "sim/calibration/collective_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "sim/calibration/fit.h"
#include "sim/calibration/group_rows.h"
#include "sim/calibration/token_rows.h"
#include "sim/system/machine.h"

namespace podium {
namespace {

constexpr std::string_view operation_names[] = {"operation", "op", "collective"};
constexpr std::string_view algorithm_names[] = {"algorithm"};
constexpr std::string_view regime_columns[] = {"regime"};
constexpr std::string_view kernel_names[] = {"kernel_source"};
// of experts: DeepEP's kernels, and how many SMs they take
constexpr std::string_view style_names[] = {"mode", "op_name"};
constexpr std::string_view dispatch_core_names[] = {"dispatch_sms"};
constexpr std::string_view combine_core_names[] = {"combine_sms"};
constexpr std::string_view second_names[] = {"seconds"};
constexpr std::string_view microsecond_names[] = {"latency_us", "oop_time_us"};
constexpr std::string_view millisecond_names[] = {"median_ms"};

/// A machine with the tools to time collectives among its first ranks.
class Bench {
 public:
  Bench(const std::string& system, const Allocation& allocation, const CommunicationLibrary* library)
      : machine_(load_machine(system, allocation)),
        costs_(communication_costs(machine_.system(), machine_.chip(), machine_.network())),
        router_(machine_.network()),
        selector_(machine_.network(), router_, costs_),
        placement_{{{}}} {
    if (library != nullptr) {
      stack_ = library->stack;
      library_ = std::make_unique<LibraryTimes>(*library, machine_.network(), router_, costs_);
    }
    for (std::uint32_t rank = 0; rank < machine_.ranks(); ++rank) {
      placement_.groups.front().push_back(machine_.node(rank));
    }
  }

  CollectiveTime::Prediction predict(const CollectiveRow& row) {
    if (const auto choice = chosen(row)) {
      return {choice->predicted, choice->regime};
    }
    const Operation operation{
        selector_.choose(row.algorithm, row.kind, placement_, row.bytes, 1, {}, row.where, row.routing),
        placement_,
        {}};
    return {time_alone({0, row.kind, row.bytes}, fold(machine_.network(), router_, {&operation, 1}), costs_, "flow"),
            {}};
  }

 private:
  /// In the library; nothing where none of it is asked for or it does nothing of the kind.
  std::optional<LibraryChoice> chosen(const CollectiveRow& row) {
    if (!library_ && !row.regime.empty()) {
      throw InputError(row.where, "regime: no library was measured on " + machine_.system().name);
    }
    if (!library_ || (row.algorithm != "auto" && row.regime.empty())) {
      return std::nullopt;
    }
    std::vector<std::string> names = row.regime.empty() ? row.kernels : std::vector{row.regime};
    std::erase_if(names, [&](const std::string& name) { return plain_name(name) == plain_name(stack_); });
    std::vector<LibraryChoice> choices = library_->rank(row.kind, placement_, row.bytes, row.routing, names);
    if (row.algorithm != "auto") {
      std::erase_if(choices, [&](const LibraryChoice& choice) { return choice.algorithm != row.algorithm; });
    }
    if (choices.empty() && !names.empty()) {
      throw NoRegime(
          row.where,
          fmt::format("no regime of the library does {} among {} ranks as {}{}; those that do: {}", to_string(row.kind),
                      row.ranks, fmt::join(names, " and "), row.algorithm == "auto" ? "" : ", by " + row.algorithm,
                      library_->regimes_that_do(row.kind, placement_, row.bytes, row.routing)));
    }
    return choices.empty() ? std::nullopt : std::optional(choices.front());
  }

  Machine machine_;
  CommunicationCosts costs_;
  Router router_;
  Selector selector_;
  Placement placement_;
  std::string stack_;
  std::unique_ptr<LibraryTimes> library_;
};

/// What a domain is. Nodes of one domain share its planes: how many they are does not matter.
enum class Domain : std::uint8_t { node, nodes };

/// A bench for each number of ranks, and of ranks on a node.
struct Benches {
  std::string system;
  const CommunicationLibrary* library;
  Domain domain;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::unique_ptr<Bench>> by_size;

  Bench& of(const CollectiveRow& row) {
    const std::uint32_t per_domain = domain == Domain::node ? row.ranks_per_domain : 0;
    std::unique_ptr<Bench>& bench = by_size[{row.ranks, per_domain}];
    if (!bench) {
      bench = std::make_unique<Bench>(system, Allocation{.ranks = row.ranks, .ranks_per_domain = per_domain}, library);
    }
    return *bench;
  }
};

/// Reads what a table says of a call, row by row.
class RowReader {
 public:
  RowReader(const RowTable& table, const SystemSpec* system)
      : operation_(Column::required(table, operation_names)),
        algorithm_(Column::optional(table, algorithm_names)),
        regime_(Column::optional(table, regime_columns)),
        kernel_(Column::optional(table, kernel_names)),
        style_(Column::optional(table, style_names)),
        dispatch_cores_(Column::optional(table, dispatch_core_names)),
        combine_cores_(Column::optional(table, combine_core_names)),
        seconds_(Column::optional(table, second_names)),
        microseconds_(Column::optional(table, microsecond_names)),
        milliseconds_(Column::optional(table, millisecond_names)),
        groups_(table, system),
        tokens_(table) {}

  CollectiveRow operator()(const TableRow& row) const {
    CollectiveRow call{.where = row.where, .bytes = Bytes(), .algorithm = "auto", .time = time(row)};
    std::string name = plain_name(operation_.text(row));
    if (name.ends_with("prepare")) {
      call.unknown = "what prepares an exchange of tokens (counts, places) is not predicted";
      return call;
    }
    const std::string_view suffix = "lowprecision";  // TensorRT-LLM's: results are quantised on their way
    const bool quantised = name.ends_with(suffix);
    call.kind = parse_collective_kind(quantised ? name.substr(0, name.size() - suffix.size()) : operation_.text(row),
                                      row.where);
    const GroupColumns::Group group = groups_.group(row);
    call.ranks = group.ranks;
    call.ranks_per_domain = group.ranks_per_domain;
    call.bytes = tokens_.bytes(row, call.kind, call.ranks,
                               quantised ? TokenColumns::Results::quantised : TokenColumns::Results::bf16);
    call.routing = tokens_.routing(row, call.kind);
    call.algorithm = algorithm_.has(row) ? std::string(algorithm_.text(row)) : "auto";
    call.regime = regime_.text(row);
    add_kernels(row, call);
    if (quantised) {
      call.kernels.emplace_back("low_precision");
    }
    return call;
  }

 private:
  std::optional<Seconds> time(const TableRow& row) const {
    const std::pair<const Column*, double> columns[] = {{&seconds_, 1}, {&microseconds_, 1e-6}, {&milliseconds_, 1e-3}};
    for (const auto& [column, unit] : columns) {
      if (column->has(row)) {
        return Seconds(column->positive(row) * unit);
      }
    }
    return std::nullopt;
  }

  void add_kernels(const TableRow& row, CollectiveRow& call) const {
    if (kernel_.has(row)) {
      call.kernels.emplace_back(kernel_.text(row));
    }
    if (is_expert_exchange(call.kind) && style_.has(row)) {
      call.kernels.emplace_back(style_.text(row));
    }
    const Column& cores = call.kind == CollectiveKind::dispatch ? dispatch_cores_ : combine_cores_;
    if (is_expert_exchange(call.kind) && cores.has(row)) {
      call.kernels.push_back(fmt::format("{} SMs", cores.count(row)));
    }
  }

  Column operation_, algorithm_, regime_, kernel_, style_, dispatch_cores_, combine_cores_, seconds_, microseconds_,
      milliseconds_;
  GroupColumns groups_;
  TokenColumns tokens_;
};

void fit_rows(std::span<const CollectiveRow> rows, CommunicationLibrary& library, const CollectiveTime& time) {
  std::vector<Unknown> unknowns;
  for (const Parameter& parameter : parameters_of(library)) {
    unknowns.push_back({parameter.value, parameter.low, parameter.high});
  }
  fit(unknowns, [&] {
    std::vector<double> residuals;
    for (const CollectiveRow& row : rows) {
      residuals.push_back(std::log(time(row) / *row.time));
    }
    return residuals;
  });
}

std::string errors_text(const std::map<std::string, ErrorSummary>& errors) {
  std::string text;
  for (const auto& [name, error] : errors) {
    text += fmt::format("{}{} {:.1f} % ({} rows)", text.empty() ? "" : ", ", name, 100 * error.mean, error.rows);
  }
  return text;
}

/// Whether there is a row of what the regime does, or of what ends no sooner than in it.
bool is_measured(const CommunicationLibrary& library, const Regime& regime, std::span<const CollectiveRow> rows) {
  return std::any_of(library.regimes.begin(), library.regimes.end(), [&](const Regime& other) {
    return (other.name == regime.name || other.at_least == regime.name) &&
           std::any_of(rows.begin(), rows.end(), [&](const CollectiveRow& row) {
             return row.ranks >= other.fewest && std::count(other.kinds.begin(), other.kinds.end(), row.kind) > 0;
           });
  });
}

/// A regime in a file.
std::string text_of(const Regime& regime, bool measured) {
  std::string kinds;
  for (const CollectiveKind kind : regime.kinds) {
    kinds += (kinds.empty() ? "" : ", ") + std::string(to_string(kind));
  }
  std::string text = fmt::format("  {}:\n    source: {}\n    algorithm: {}\n    kinds: [{}]\n{}", regime.name,
                                 measured ? "rows" : "start", regime.algorithm, kinds,
                                 regime.choices > 0 ? fmt::format("    choices: {:g}\n", regime.choices) : "");
  text += regime.also.empty() ? "" : fmt::format("    also: [{}]\n", fmt::join(regime.also, ", "));
  text += regime.by_name ? "    by_name: true\n" : "";
  text += regime.balanced ? "    balanced: true\n" : "";
  text += regime.plane.empty() ? "" : fmt::format("    plane: {}\n", regime.plane);
  text += regime.fewest > 0 ? fmt::format("    fewest: {}\n", regime.fewest) : "";
  text += regime.most > 0 ? fmt::format("    most: {:g} KiB\n", regime.most / 1024) : "";
  text += regime.at_least.empty() ? "" : fmt::format("    at_least: {}\n", regime.at_least);
  CommunicationLibrary alone{"", "", {regime}};
  for (const Parameter& parameter : parameters_of(alone)) {
    text += fmt::format("    {}: {}\n", parameter.name.substr(parameter.name.rfind('.') + 1), figure_text(parameter));
  }
  return text;
}

const char* size_class(Bytes bytes) {
  return bytes < Bytes(64 << 10) ? "below 64 KiB" : bytes < Bytes(4 << 20) ? "64 KiB to 4 MiB" : "4 MiB and up";
}

void add_errors(Errors& errors, std::span<const CollectiveRow> rows, const CollectiveTime& time) {
  for (const CollectiveRow& row : rows) {
    errors[size_class(row.bytes)].push_back(time(row) / *row.time - 1);
  }
}

/// Errors of rows of each number of ranks by figures that were fitted to all others, from those of the whole fit.
std::map<std::string, ErrorSummary> unseen_errors(std::span<const CollectiveRow> rows, CommunicationLibrary& library,
                                                  const CollectiveTime& time) {
  const CommunicationLibrary fitted = library;
  std::map<std::uint32_t, std::vector<CollectiveRow>> by_ranks;
  for (const CollectiveRow& row : rows) {
    by_ranks[row.ranks].push_back(row);
  }
  Errors errors;
  for (const auto& [ranks, own] : by_ranks) {
    std::vector<CollectiveRow> others;
    std::copy_if(rows.begin(), rows.end(), std::back_inserter(others),
                 [left_out = ranks](const CollectiveRow& row) { return row.ranks != left_out; });
    fit_rows(others, library, time);
    add_errors(errors, own, time);
    library = fitted;
  }
  return summaries(errors);
}

}  // namespace

std::vector<CollectiveRow> collective_rows(const RowTable& table, const SystemSpec* system) {
  const auto names_operation = [](const std::string& column) {
    return std::count(std::begin(operation_names), std::end(operation_names), column) > 0;
  };
  if (const auto named = std::count_if(table.columns.begin(), table.columns.end(), names_operation); named != 1) {
    throw InputError(table.where, fmt::format("one of the columns {} names the operation, or --op that of all rows, "
                                              "and not {} of them; there are: {}",
                                              fmt::join(operation_names, ", "), named, fmt::join(table.columns, ", ")));
  }
  const RowReader read(table, system);
  std::vector<CollectiveRow> rows;
  for (const TableRow& row : table.rows) {
    rows.push_back(read(row));
  }
  return rows;
}

CollectiveTime collective_time(const std::string& system, const CommunicationLibrary* library) {
  const auto benches = std::make_shared<Benches>(
      Benches{system, library, load_system(system).nodes_per_domain == 1 ? Domain::node : Domain::nodes, {}});
  return CollectiveTime([benches](const CollectiveRow& row) {
    if (!row.unknown.empty()) {
      throw NoRegime(row.where, row.unknown);
    }
    if (benches->library != nullptr && !row.regime.empty()) {
      check_regime(*benches->library, row.regime, row.where);
    }
    try {
      return benches->of(row).predict(row);
    } catch (const NoRegime&) {
      throw;
    } catch (const InputError& error) {
      const bool is_placed = std::string(error.what()).starts_with(to_string(row.where));
      throw InputError(is_placed ? Location() : row.where, error.what());
    }
  });
}

std::map<std::string, ErrorSummary> errors_of(std::span<const CollectiveRow> rows, const CollectiveTime& time) {
  Errors errors;
  add_errors(errors, rows, time);
  return summaries(errors);
}

Calibration<CommunicationLibrary> calibrate_collectives(std::span<const CollectiveRow> rows, const std::string& system,
                                                        const CommunicationLibrary& start) {
  CommunicationLibrary library = start;
  for (const CollectiveRow& row : rows) {
    if (!row.time) {
      throw InputError(row.where, "a row to fit has a time: a column 'seconds', 'latency_us' or 'median_ms'");
    }
  }
  const CollectiveTime time = collective_time(system, &library);
  for (const CollectiveRow& row : rows) {
    if (time.predict(row).regime.empty()) {
      throw InputError(row.where,
                       fmt::format("no regime of the start does {} among {} ranks of {}: it has nothing to fit",
                                   to_string(row.kind), row.ranks, system));
    }
  }
  if (const std::size_t count = parameters_of(library).size(); rows.size() < 2 * count) {
    throw InputError(
        fmt::format("{} rows cannot determine {} figures; give at least twice as many", rows.size(), count));
  }
  Calibration<CommunicationLibrary> result{start, errors_of(rows, time), {}, {}};
  fit_rows(rows, library, time);
  result.figures = library;
  result.fitted = errors_of(rows, time);
  result.unseen = unseen_errors(rows, library, time);
  return result;
}

std::string to_yaml(const Calibration<CommunicationLibrary>& calibration, std::span<const CollectiveRow> rows,
                    const std::string& system, const std::string& origin) {
  const CommunicationLibrary& library = calibration.figures;
  std::string regimes;
  bool all_measured = true;
  for (const Regime& regime : library.regimes) {
    const bool measured = is_measured(library, regime, rows);
    regimes += text_of(regime, measured);
    all_measured &= measured;
  }
  const char* start =
      "  start:\n    text: \"no rows of these operations; those of a machine with the same library, with what its rows "
      "of other operations show of its launches and links\"\n    grade: estimated\n";
  return fmt::format(
      "# Written by `podium calibrate collective`.\n"
      "description: \"{}, {}: collectives\"\n"
      "sources:\n  rows:\n    text: \"{}. Mean error of the fit: {}; of rows of as many ranks as no row of the fit: "
      "{}; "
      "before: {}\"\n    grade: derived\n{}stack: {}\nplane: {}\nregimes:\n{}",
      system, library.stack, origin, errors_text(calibration.fitted), errors_text(calibration.unseen),
      errors_text(calibration.before), all_measured ? "" : start, library.stack, library.plane, regimes);
}

}  // namespace podium
