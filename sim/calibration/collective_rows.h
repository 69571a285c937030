#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
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

  /// `ways` are all in which a call can be done, the fastest first: at least one.
  explicit CollectiveTime(std::function<std::vector<Prediction>(const CollectiveRow&)> ways) : ways_(std::move(ways)) {}
  std::vector<Prediction> ways(const CollectiveRow& row) const { return ways_(row); }
  Prediction predict(const CollectiveRow& row) const { return ways_(row).front(); }
  Seconds operator()(const CollectiveRow& row) const { return predict(row).time; }

 private:
  std::function<std::vector<Prediction>(const CollectiveRow&)> ways_;
};

CollectiveTime collective_time(const std::string& system, const CommunicationLibrary* library);

/// By size: "below 64 KiB", "64 KiB to 4 MiB", "4 MiB and up".
void add_errors(Errors& errors, std::span<const CollectiveRow> rows, const CollectiveTime& time);
ErrorsByType errors_of(std::span<const CollectiveRow> rows, const CollectiveTime& time);

}  // namespace podium
