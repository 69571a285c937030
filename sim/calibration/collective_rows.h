#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sim/calibration/calibrate.h"
#include "sim/calibration/row_table.h"
#include "sim/collective/library.h"

namespace podium {

/// One call of a collective that somebody timed, or wants to know.
struct CollectiveRow {
  Location where;
  CollectiveKind kind = CollectiveKind::all_reduce;
  std::uint32_t ranks = 0;
  std::uint32_t ranks_per_domain = 0;  ///< 0: all that a domain has
  Bytes bytes;
  std::string algorithm;        ///< "auto": as the library does it, or the fastest
  std::optional<Seconds> time;  ///< a column `seconds`, `latency_us` or `median_ms`
  std::optional<TokenRouting> routing = {};
  std::string regime = {};                ///< of the library, which the row asks for
  std::vector<std::string> kernels = {};  ///< what it was measured with, as far as it says: names of regimes
  std::string unknown = {};               ///< what it is of, where that is nothing that Podium does
};

/// Reads rows: operation, ranks, bytes; optional: algorithm, nodes and more. docs/DATA.md has the names of the columns.
/// The system, where it is known, says how many ranks a node has at most.
std::vector<CollectiveRow> collective_rows(const RowTable& table, const SystemSpec* system = nullptr);

/// A row that was measured with a kernel that the library has no regime for, or is of nothing that Podium does: no time
/// of another kernel is said to be its.
class NoRegime : public InputError {
 public:
  NoRegime(const Location& where, const std::string& problem) : InputError(where, problem), problem_(problem) {}
  const std::string& problem() const { return problem_; }  ///< without its place

 private:
  std::string problem_;
};

/// Times of calls on a system: those of a library where it is given and knows the operation, otherwise those of the
/// schedules. Machines are built once for each number of ranks. The library outlives it. NoRegime for some rows.
class CollectiveTime {
 public:
  struct Prediction {
    Seconds time;
    std::string regime;  ///< empty: by a schedule with the system's own figures
  };

  explicit CollectiveTime(std::function<Prediction(const CollectiveRow&)> predict) : predict_(std::move(predict)) {}
  Prediction predict(const CollectiveRow& row) const { return predict_(row); }
  Seconds operator()(const CollectiveRow& row) const { return predict(row).time; }

 private:
  std::function<Prediction(const CollectiveRow&)> predict_;
};

CollectiveTime collective_time(const std::string& system, const CommunicationLibrary* library);

/// By size: "below 64 KiB", "64 KiB to 4 MiB", "4 MiB and up".
std::map<std::string, ErrorSummary> errors_of(std::span<const CollectiveRow> rows, const CollectiveTime& time);

/// Fits a library's figures to measured rows; `unseen` are the errors of rows by figures that were fitted without any
/// row of as many ranks. InputError where there are fewer rows than twice the figures, or a row has no time or is not
/// done by a regime.
Calibration<CommunicationLibrary> calibrate_collectives(std::span<const CollectiveRow> rows, const std::string& system,
                                                        const CommunicationLibrary& start);

/// The file for configs/calibration/collective that read_library reads; it tells regimes of which there were no rows.
std::string to_yaml(const Calibration<CommunicationLibrary>& calibration, std::span<const CollectiveRow> rows,
                    const std::string& system, const std::string& origin);

}  // namespace podium
