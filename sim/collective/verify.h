#pragma once

#include <string>

#include "sim/collective/schedule.h"

namespace podium {

/// Follows the bytes of a schedule, message by message, and says what is wrong with it in one sentence; empty where
/// every rank ends with exactly what the operation promises: each part once, each contribution added up once, and no
/// message larger or smaller than what it has to carry. What a message carries is not in a schedule, it is found out:
///  - where parts are copied (gathering, the second half of an all-reduce) a message carries all that its sender has
///  and
///    its receiver lacks;
///  - adding up is the same backwards in time: each contribution takes the one way to the owner of its part that the
///    part would take from there (a reduce-scatter is an all-gather backwards, a reduction a broadcast). Who never
///    sends its whole lane away owns a part; if nobody does, the contributions of all are spread to all;
///  - where parts are addressed (all-to-all, dispatch, combine, scatter, and gather backwards) a part leaves a position
///    with the message to its destination, or else with the last one that still brings it to where that can be reached.
///    Where tokens choose experts (Schedule::routing), a message takes a token once for all ranks of its experts that
///    lie behind it, so that each of these gets it exactly once; a combine is a dispatch backwards, so that each result
///    is added up exactly once.
/// Cost: messages x parts / 64, with n parts, and n^2 where parts are addressed.
std::string flaw_of(CollectiveKind, const Schedule&);

}  // namespace podium
