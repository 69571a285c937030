#include "sim/study/parallel.h"

#include <omp.h>

#include <exception>
#include <mutex>
#include <vector>

namespace podium {

void parallel_for(std::size_t count, const RunOptions& options, const std::function<void(std::size_t)>& work) {
  std::vector<std::exception_ptr> failures(count);
  std::mutex mutex;
  std::size_t done = 0;
  const int threads = options.threads > 0 ? options.threads : omp_get_num_procs();
#pragma omp parallel for schedule(dynamic, 1) num_threads(threads)
  for (std::size_t i = 0; i < count; ++i) {
    try {
      work(i);
    } catch (...) {
      failures[i] = std::current_exception();
    }
    if (options.progress) {
      const std::scoped_lock lock(mutex);
      options.progress(++done, count);
    }
  }
  for (const std::exception_ptr& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

}  // namespace podium
