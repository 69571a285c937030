#pragma once

#include <string>
#include <vector>

#include "sim/collective/schedule.h"

namespace podium {

/// Bytes from each rank (row) to each other (column); what a rank keeps is on the diagonal.
using SizeMatrix = std::vector<std::vector<Bytes>>;

/// From a CSV file without a header: as many rows as columns, each a whole size ("64 KiB", or a number of bytes).
/// InputError with its place: of another shape, or with nothing to send.
SizeMatrix read_sizes(const std::string& path);

/// An all-to-all of uneven sizes, everybody to everybody at once. The operation's bytes are `largest_exchange`. Pairs
/// that have nothing to send exchange no message.
Schedule uneven_exchange(const SizeMatrix&);
/// What the busiest rank sends to others or gets from them, whichever is more: over the time, it is what a port
/// carries.
Bytes largest_exchange(const SizeMatrix&);

/// What is wrong with it: empty where each pair's messages bring what the sizes say.
std::string flaw_of(const SizeMatrix&, const Schedule&);

}  // namespace podium
