#pragma once

#include <string>

#include "sim/system/meeting.h"

namespace podium {

/// How far a task has come in a run that cannot go on: done, begun and not ended, or not begun.
enum class Progress : std::uint8_t { ended, open, blocked };

/// Why a task graph cannot end: the peers that never come, the circle of roles that wait for each other, and what each
/// role waits for (the first eight of them).
std::string describe_stall(const TaskGraph&, const Meetings&, const Table<TaskId, Progress>&);

}  // namespace podium
