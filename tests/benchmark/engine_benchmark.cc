// The hold model (Jones, CACM 1986): each event schedules one other, so that as many stay pending as at the start.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <utility>
#include <vector>

#include "sim/core/rng.h"
#include "sim/engine/engine.h"

namespace podium {
namespace {

/// Delays drawn beforehand, so that what is timed is the calendar.
class Delays {
 public:
  enum class Law { exponential, bimodal };

  explicit Delays(Law law) {
    Rng rng(1, "hold");
    for (std::int64_t& delay : delays_) {
      // bimodal: nine of ten are a hundred times shorter, as steps on a chip are beside transfers
      const double scale = law == Law::exponential ? 1e6 : rng.below(10) == 0 ? 9.1e6 : 9.1e4;
      delay = static_cast<std::int64_t>(scale * rng.exponential());
    }
  }
  std::int64_t next() { return delays_[index_++ & mask]; }

 private:
  static constexpr std::size_t mask = (1U << 16) - 1;
  std::vector<std::int64_t> delays_ = std::vector<std::int64_t>(mask + 1);
  std::size_t index_ = 0;
};

/// What most simulators are built on: type-erased callables in the library's binary heap.
class StandardEngine {
 public:
  std::int64_t now() const { return now_; }
  void at(std::int64_t when, std::function<void()> action) { queue_.push({when, sequence_++, std::move(action)}); }
  void run() {
    while (!queue_.empty()) {
      std::function<void()> action = std::move(const_cast<Event&>(queue_.top()).action);
      now_ = queue_.top().time;
      queue_.pop();
      action();
    }
  }

 private:
  struct Event {
    std::int64_t time;
    std::uint64_t sequence;
    std::function<void()> action;
    bool operator<(const Event& other) const {
      return time > other.time || (time == other.time && sequence > other.sequence);
    }
  };
  std::int64_t now_ = 0;
  std::uint64_t sequence_ = 0;
  std::priority_queue<Event> queue_;
};

class PodiumEngine {
 public:
  std::int64_t now() const { return engine_.now().picoseconds(); }
  template <class F>
  void at(std::int64_t when, F&& action) {
    engine_.at(Time::from_picoseconds(when), std::forward<F>(action));
  }
  void run() { engine_.run(); }

 private:
  Engine engine_;
};

template <class Calendar>
struct Hold {
  Calendar calendar;
  Delays& delays;
  std::uint64_t left;

  /// 24 bytes of captures, as an event of a model has.
  void schedule() {
    calendar.at(calendar.now() + delays.next(), [this, a = left, b = left] {
      benchmark::DoNotOptimize(a + b);
      if (left > 0) {
        --left;
        schedule();
      }
    });
  }
};

template <class Calendar, Delays::Law law>
void hold(benchmark::State& state) {
  const auto pending = static_cast<std::uint64_t>(state.range(0));
  const std::uint64_t events = std::max<std::uint64_t>(1'000'000, 2 * pending);
  Delays delays(law);
  for (auto _ : state) {
    Hold<Calendar> model{Calendar(), delays, events};
    for (std::uint64_t i = 0; i < pending; ++i) {
      model.schedule();
    }
    model.calendar.run();
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(events + pending));
}

BENCHMARK(hold<PodiumEngine, Delays::Law::exponential>)
    ->Name("engine/hold/exponential/podium")
    ->RangeMultiplier(100)
    ->Range(100, 1'000'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(hold<StandardEngine, Delays::Law::exponential>)
    ->Name("engine/hold/exponential/priority_queue")
    ->RangeMultiplier(100)
    ->Range(100, 1'000'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(hold<PodiumEngine, Delays::Law::bimodal>)
    ->Name("engine/hold/bimodal/podium")
    ->RangeMultiplier(100)
    ->Range(100, 1'000'000)
    ->Unit(benchmark::kMillisecond);
BENCHMARK(hold<StandardEngine, Delays::Law::bimodal>)
    ->Name("engine/hold/bimodal/priority_queue")
    ->RangeMultiplier(100)
    ->Range(100, 1'000'000)
    ->Unit(benchmark::kMillisecond);

/// A timeout set and cancelled with every step, as a serving loop does.
void cancel_churn(benchmark::State& state) {
  const std::uint64_t steps = 1'000'000;
  for (auto _ : state) {
    Engine engine;
    for (std::uint64_t i = 0; i < steps; ++i) {
      engine.cancel(engine.after(Seconds(1), [] {}));
    }
    benchmark::DoNotOptimize(engine.keys_held());
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(steps));
}
BENCHMARK(cancel_churn)->Name("engine/cancel_churn")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace podium
