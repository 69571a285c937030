#pragma once

#include <cstddef>
#include <functional>

#include "sim/study/run.h"

namespace podium {

/// Calls work(0) … work(count - 1) on up to options.threads threads (OpenMP, dynamic), and tells options.progress. The
/// exception of the lowest index that threw is thrown again when all are done, so that errors do not depend on threads.
void parallel_for(std::size_t count, const RunOptions& options, const std::function<void(std::size_t)>& work);

/// The same for the parts of such a work, which threads that have nothing else to do take over; where it is not called
/// from one, the caller does them all.
void parallel_parts(std::size_t count, const std::function<void(std::size_t)>& part);

}  // namespace podium
