#include "sim/study/parallel.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <vector>

namespace podium {
namespace {

/// How often each of 300 parts of each of three works was done, on so many threads.
std::vector<int> times_done(int threads) {
  constexpr std::size_t works = 3, parts = 300;
  std::vector<std::atomic<int>> done(works * parts);
  RunOptions options;
  options.threads = threads;
  parallel_for(works, options, [&](std::size_t work) {
    parallel_parts(parts, [&](std::size_t part) { ++done[work * parts + part]; });
  });
  return {done.begin(), done.end()};
}

TEST(ParallelParts, AreEachDoneOnceOnAnyNumberOfThreads) {
  for (const int threads : {1, 2, 5}) {
    EXPECT_EQ(times_done(threads), std::vector<int>(900, 1)) << threads;
  }
}

TEST(ParallelParts, AreDoneByTheCallerOutsideOfParallelWork) {
  std::vector<std::size_t> order;
  parallel_parts(4, [&](std::size_t part) { order.push_back(part); });
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 1, 2, 3}));
}

TEST(ParallelParts, ThrowWhatTheFirstOfThoseThatFailThrew) {
  RunOptions options;
  options.threads = 2;
  const auto work = [](std::size_t) {
    parallel_parts(100, [](std::size_t part) {
      if (part % 10 == 7) {
        throw std::runtime_error(std::to_string(part));
      }
    });
  };
  try {
    parallel_for(2, options, work);
    FAIL() << "nothing was thrown";
  } catch (const std::runtime_error& error) {
    EXPECT_STREQ(error.what(), "7");
  }
}

}  // namespace
}  // namespace podium
