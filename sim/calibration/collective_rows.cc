#include "sim/calibration/collective_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>

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

  std::vector<CollectiveTime::Prediction> ways(const CollectiveRow& row) {
    std::vector<CollectiveTime::Prediction> result;
    for (const LibraryChoice& choice : of_library(row)) {
      result.push_back({choice.predicted, choice.regime});
    }
    if (!result.empty()) {
      return result;
    }
    const Operation operation{
        selector_.choose(row.algorithm, row.kind, placement_, row.bytes, 1, {}, row.where, row.routing),
        placement_,
        {}};
    const FoldedFabric fabric = fold(machine_.network(), router_, {&operation, 1});
    return {{time_alone({0, row.kind, row.bytes}, fabric, costs_, "flow"), {}}};
  }

 private:
  /// The fastest first; nothing where none of it is asked for or it does nothing of the kind.
  std::vector<LibraryChoice> of_library(const CollectiveRow& row) {
    if (!library_ && !row.regime.empty()) {
      throw InputError(row.where, "regime: no library was measured on " + machine_.system().name);
    }
    if (!library_ || (row.algorithm != "auto" && row.regime.empty())) {
      return {};
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
    return choices;
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
    std::optional<Seconds> time;
    for (const auto& [column, unit] : columns) {
      if (column->has(row)) {
        if (time) {
          column->fail(row, "another column has a time already, and one would be right");
        }
        time = Seconds(column->positive(row) * unit);
      }
    }
    return time;
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
      return benches->of(row).ways(row);
    } catch (const NoRegime&) {
      throw;
    } catch (const InputError& error) {
      const bool is_placed = std::string(error.what()).starts_with(to_string(row.where));
      throw InputError(is_placed ? Location() : row.where, error.what());
    }
  });
}

void add_errors(Errors& errors, std::span<const CollectiveRow> rows, const CollectiveTime& time) {
  for (const CollectiveRow& row : rows) {
    const char* const size = row.bytes < Bytes(64 << 10)  ? "below 64 KiB"
                             : row.bytes < Bytes(4 << 20) ? "64 KiB to 4 MiB"
                                                          : "4 MiB and up";
    errors[size].push_back(time(row) / *row.time - 1);
  }
}

ErrorsByType errors_of(std::span<const CollectiveRow> rows, const CollectiveTime& time) {
  Errors errors;
  add_errors(errors, rows, time);
  return summaries(errors);
}

}  // namespace podium
