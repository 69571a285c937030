#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
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
  std::optional<Seconds> time;  ///< a column `seconds` or `latency_us`
  std::optional<TokenRouting> routing = {};
};

using CollectiveTime = std::function<Seconds(const CollectiveRow&)>;

/// Reads rows: operation, ranks, bytes; optional: algorithm, nodes. docs/DATA.md has the other names of the columns.
std::vector<CollectiveRow> collective_rows(const RowTable& table);

/// Times of calls on a system: those of a library where it is given and knows the operation, otherwise those of the
/// schedules. Machines are built once for each number of ranks. The library outlives the result.
CollectiveTime collective_time(const std::string& system, const CommunicationLibrary* library);

/// By size: "below 64 KiB", "64 KiB to 4 MiB", "4 MiB and up".
std::map<std::string, ErrorSummary> errors_of(std::span<const CollectiveRow> rows, const CollectiveTime& time);

/// Fits a library's figures to measured rows; `unseen` are the errors of rows by figures that were fitted without any
/// row of as many ranks. InputError where there are fewer rows than twice the figures, or a row has no time.
Calibration<CommunicationLibrary> calibrate_collectives(std::span<const CollectiveRow> rows, const std::string& system,
                                                        const CommunicationLibrary& start);

/// The file for configs/calibration/collective that read_library reads; it tells regimes of which there were no rows.
std::string to_yaml(const Calibration<CommunicationLibrary>& calibration, std::span<const CollectiveRow> rows,
                    const std::string& system, const std::string& origin);

}  // namespace podium
