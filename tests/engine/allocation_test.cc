// Counts what is allocated, by operators new of its own, for the whole program.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "sim/core/rng.h"
#include "sim/engine/engine.h"

namespace {
std::atomic<std::uint64_t> allocations{0};

void* allocate(std::size_t size, std::size_t alignment) {
  ++allocations;
  void* memory = std::aligned_alloc(alignment, (size + alignment - 1) / alignment * alignment);
  return memory != nullptr ? memory : throw std::bad_alloc();
}
}  // namespace

void* operator new(std::size_t size) { return allocate(size, alignof(std::max_align_t)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  return allocate(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept { std::free(memory); }

namespace podium {
namespace {

/// Each event schedules one other, and some move a timeout.
struct Hold {
  Engine engine;
  Rng rng{1, "hold"};
  EventId timeout;
  std::uint64_t left = 0;

  void schedule() {
    engine.after(Seconds(1e-6 * rng.exponential()), [this, a = left, b = left] {
      if (left > 0) {
        --left;
        timeout = engine.reschedule(timeout, engine.now() + Seconds(1 + 1e-9 * static_cast<double>((a + b) % 7)));
        schedule();
      }
    });
  }
};

TEST(Engine, AllocatesNothingPerEventInTheSteadyState) {
  Hold hold;
  hold.timeout = hold.engine.after(Seconds(1), [] {});
  hold.left = 400'000;
  for (int i = 0; i < 1000; ++i) {
    hold.schedule();
  }
  hold.engine.run(Time::max(), 300'000);
  const std::uint64_t before = allocations;
  hold.engine.run(Time::max(), 100'000);
  // room grows by halves where a bucket, by chance, is the fullest yet
  EXPECT_LE(allocations - before, 4U);
  EXPECT_GT(before, 0U);
}

}  // namespace
}  // namespace podium
