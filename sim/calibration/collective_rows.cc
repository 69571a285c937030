#include "sim/calibration/collective_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <memory>

#include "sim/calibration/fit.h"
#include "sim/calibration/token_rows.h"
#include "sim/system/machine.h"

namespace podium {
namespace {

constexpr std::string_view operation_names[] = {"operation", "op", "collective"};
constexpr std::string_view rank_names[] = {"ranks", "num_gpus", "num_workers", "num_ranks", "ep_size"};
constexpr std::string_view node_names[] = {"nodes", "num_nodes", "node_num"};
constexpr std::string_view algorithm_names[] = {"algorithm"};
constexpr std::string_view second_names[] = {"seconds"};
constexpr std::string_view microsecond_names[] = {"latency_us"};

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
      library_ = std::make_unique<LibraryTimes>(*library, machine_.network(), router_, costs_);
    }
    for (std::uint32_t rank = 0; rank < machine_.ranks(); ++rank) {
      placement_.groups.front().push_back(machine_.node(rank));
    }
  }

  Seconds time(const CollectiveRow& row) {
    if (library_ && row.algorithm == "auto") {
      if (const auto known = library_->time(row.kind, placement_, row.bytes, row.routing)) {
        return *known;
      }
    }
    const Operation operation{
        selector_.choose(row.algorithm, row.kind, placement_, row.bytes, 1, {}, row.where, row.routing),
        placement_,
        {}};
    return time_alone({0, row.kind, row.bytes}, fold(machine_.network(), router_, {&operation, 1}), costs_, "flow");
  }

 private:
  Machine machine_;
  CommunicationCosts costs_;
  Router router_;
  Selector selector_;
  Placement placement_;
  std::unique_ptr<LibraryTimes> library_;
};

std::uint32_t whole(const Column& column, const TableRow& row) {
  const double number = column.positive(row);
  if (number != std::floor(number) || number > 1e6) {
    column.fail(row, "is a whole number");
  }
  return static_cast<std::uint32_t>(number);
}

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

std::vector<CollectiveRow> collective_rows(const RowTable& table) {
  const Column operation = Column::required(table, operation_names), ranks = Column::required(table, rank_names),
               nodes = Column::optional(table, node_names), algorithm = Column::optional(table, algorithm_names),
               seconds = Column::optional(table, second_names),
               microseconds = Column::optional(table, microsecond_names);
  const TokenColumns tokens(table);
  std::vector<CollectiveRow> rows;
  for (const TableRow& row : table.rows) {
    CollectiveRow call{.where = row.where,
                       .kind = parse_collective_kind(operation.text(row), row.where),
                       .ranks = whole(ranks, row),
                       .ranks_per_domain = 0,
                       .bytes = Bytes(),
                       .algorithm = algorithm.has(row) ? std::string(algorithm.text(row)) : "auto",
                       .time = {}};
    call.bytes = tokens.bytes(row, call.kind, call.ranks);
    call.routing = tokens.routing(row, call.kind);
    if (nodes.has(row)) {
      const std::uint32_t count = whole(nodes, row);
      if (call.ranks % count != 0) {
        nodes.fail(row, fmt::format("{} ranks are not as many on each of {} nodes", call.ranks, count));
      }
      call.ranks_per_domain = count > 1 ? call.ranks / count : 0;
    }
    if (seconds.has(row) || microseconds.has(row)) {
      call.time = Seconds(seconds.has(row) ? seconds.positive(row) : microseconds.positive(row) * 1e-6);
    }
    rows.push_back(std::move(call));
  }
  return rows;
}

CollectiveTime collective_time(const std::string& system, const CommunicationLibrary* library) {
  const SystemSpec spec = load_system(system);
  const auto benches = std::make_shared<std::map<std::pair<std::uint32_t, std::uint32_t>, std::unique_ptr<Bench>>>();
  return [=, nodes = static_cast<std::uint32_t>(spec.nodes_per_domain)](const CollectiveRow& row) {
    // nodes of one domain share its planes: how many they are does not matter
    const std::uint32_t per_domain = nodes == 1 ? row.ranks_per_domain : 0;
    std::unique_ptr<Bench>& bench = (*benches)[{row.ranks, per_domain}];
    if (!bench) {
      try {
        bench =
            std::make_unique<Bench>(system, Allocation{.ranks = row.ranks, .ranks_per_domain = per_domain}, library);
      } catch (const InputError& error) {
        throw InputError(row.where, error.what());
      }
    }
    return bench->time(row);
  };
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
      throw InputError(row.where, "a row to fit has a time: a column 'seconds' or 'latency_us'");
    }
  }
  if (const std::size_t count = parameters_of(library).size(); rows.size() < 2 * count) {
    throw InputError(
        fmt::format("{} rows cannot determine {} figures; give at least twice as many", rows.size(), count));
  }
  const CollectiveTime time = collective_time(system, &library);
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
