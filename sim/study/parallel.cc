#include "sim/study/parallel.h"

#include <omp.h>

#include <atomic>
#include <exception>
#include <mutex>
#include <vector>

namespace podium {
namespace {

void throw_first(const std::vector<std::exception_ptr>& failures) {
  for (const std::exception_ptr& failure : failures) {
    if (failure) {
      std::rethrow_exception(failure);
    }
  }
}

}  // namespace

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
  throw_first(failures);
}

void parallel_parts(std::size_t count, const std::function<void(std::size_t)>& part) {
  std::vector<std::exception_ptr> failures(count);
  std::atomic<std::size_t> next = 0;
  // a task for each thread, not for each part: gcc's OpenMP would do more than 64 a thread one by one
  const auto work_on = [&] {
    for (std::size_t i = next++; i < count; i = next++) {
      try {
        part(i);
      } catch (...) {
        failures[i] = std::current_exception();
      }
    }
  };
#pragma omp taskgroup
  {
    for (int others = omp_get_num_threads() - 1; others > 0; --others) {
#pragma omp task default(none) shared(work_on)
      work_on();
    }
    work_on();
  }
  throw_first(failures);
}

}  // namespace podium
