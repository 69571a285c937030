#pragma once

#include <set>
#include <span>
#include <string>

#include "sim/calibration/collective_rows.h"

namespace podium {

/// `unseen` are the errors of rows by figures that were fitted without any row of as many ranks; none where all rows
/// are of one number.
struct CollectiveCalibration : Calibration<CommunicationLibrary> {
  std::set<std::string> measured;  ///< regimes in which some row can be done, and what these end no sooner than
};

/// Fits a library's figures to measured rows, first with regimes that fade into each other, so that none which begins
/// as never the fastest stays so. Regimes in which no row can be done keep their figures, and so do figures that no row
/// tells. InputError where there are fewer rows, each counted once, than twice the others' figures, or a row has no
/// time or is not done by a regime.
CollectiveCalibration calibrate_collectives(std::span<const CollectiveRow> rows, const std::string& system,
                                            const CommunicationLibrary& start);

/// The file for configs/calibration/collective that read_library reads; it tells regimes of which there were no rows,
/// whose figures are those of `start`.
std::string to_yaml(const CollectiveCalibration& calibration, const std::string& system, const std::string& origin,
                    const std::string& start);

}  // namespace podium
