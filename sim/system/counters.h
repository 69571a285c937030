#pragma once

#include <vector>

#include "sim/system/timeline.h"

namespace podium {

/// Where a stretch of a run's own time lies on the timeline. Keeps order, so that what did not overlap does not.
struct Stretch {
  Time begin, end;
  double length = 0;  ///< picoseconds of own time

  Time at(double own) const;
  Time at(Time own) const { return at(static_cast<double>(own.picoseconds())); }
};

/// Of the watts between a chip's idle power and its limit, the share that a kernel draws, in the mean over its time.
/// Computing at the rate that the chip sustains draws all of them. Streaming draws 0.66: an H100 SXM at 700 W takes 122
/// idle, 505 copying at 3.0 TB/s, 710 multiplying, and 643 in a product with 64 rows, a quarter of whose draw is
/// multiplying and the rest streaming (measured for this project). What launching draws is not known, and left out.
double drive_of(const Kernel&, const Cost&, const ChipSpec&);
/// The same of recorded work on the chip, as far as its counts tell; what bounds it works all the time.
double drive_of(const DelayTask&, Seconds took, const ChipSpec&);

/// What one rank of each role does over time, each kernel evenly over its time: traffic and use of its memory, flops,
/// and the chip's power by `drive_of`; and the power of the chips of all ranks together. Communication draws none.
std::vector<Counter> count_work(const ChipSpec&, const Timeline&);

/// Of each plane that a run used: the mean use of its links that carried anything at all, by bandwidth, and the use of
/// the link that carried most (among equals the first), drawn by ten-thousandths of the run from samples that lie up to
/// a 250th apart. Of a run that kept its links' history; a block's lies where its passes do.
std::vector<Counter> count_links(const Topology&, const TaskGraph&, const Execution&);

}  // namespace podium
