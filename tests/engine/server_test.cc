#include "sim/engine/server.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "sim/core/rng.h"

namespace podium {
namespace {

using namespace literals;

TEST(Server, ServesInTheOrderOfOffers) {
  Engine engine;
  Server server(engine);
  std::vector<double> ends;
  const std::vector<Seconds> services{3_s, 1_s, 2_s};
  for (const Seconds service : services) {
    server.offer(service, [&] { ends.push_back(since_start(engine.now()).value()); });
  }
  EXPECT_EQ(server.busy(), 1U);
  EXPECT_EQ(server.waiting(), 2U);
  engine.run();
  EXPECT_EQ(ends, (std::vector<double>{3, 3 + 1, 3 + 1 + 2}));
  EXPECT_EQ(server.busy(), 0U);
}

TEST(Server, ServesAsManyAtOnceAsThereAreServers) {
  Engine engine;
  Server server(engine, 2);
  std::vector<double> ends;
  for (const Seconds service : {3_s, 1_s, 1_s}) {
    server.offer(service, [&] { ends.push_back(since_start(engine.now()).value()); });
  }
  engine.run();
  EXPECT_EQ(ends, (std::vector<double>{1, 1 + 1, 3}));
}

/// An estimate by batch means, with half the width of its interval of 99.7 % (three standard errors).
struct Estimate {
  double mean = 0;
  double half_width = 0;
};

Estimate batch_means(const std::vector<double>& sample, std::size_t batches) {
  std::vector<double> means(batches);
  const std::size_t size = sample.size() / batches;
  for (std::size_t i = 0; i < size * batches; ++i) {
    means[i / size] += sample[i] / static_cast<double>(size);
  }
  Estimate result;
  for (const double mean : means) {
    result.mean += mean / static_cast<double>(batches);
  }
  double squares = 0;
  for (const double mean : means) {
    squares += (mean - result.mean) * (mean - result.mean);
  }
  const auto count = static_cast<double>(batches);
  result.half_width = 3 * std::sqrt(squares / (count - 1) / count);
  return result;
}

/// Poisson arrivals at a queue; the waits of the jobs that come after a warm-up.
class Queue {
 public:
  enum class Service { exponential, fixed, hyperexponential };

  Queue(double arrivals_per_second, Service service, std::uint32_t servers)
      : rate_(arrivals_per_second), service_(service), server_(engine_, servers) {
    arrive();
    engine_.run();
    waits_.erase(waits_.begin(), waits_.begin() + warm_up);
  }
  const std::vector<double>& waits() const { return waits_; }

  static constexpr double short_mean = 0.25;  ///< of one half of the hyperexponential jobs

 private:
  static constexpr int warm_up = 5'000;
  static constexpr int jobs = 155'000;

  void arrive() {
    if (++arrived_ > jobs) {
      return;
    }
    const Seconds service(draw_service());
    const Time arrival = engine_.now();
    server_.offer(service, [this, service, arrival] { waits_.push_back((engine_.now() - arrival - service).value()); });
    engine_.after(Seconds(rng_.exponential() / rate_), [this] { arrive(); });
  }

  double draw_service() {
    switch (service_) {
      case Service::fixed:
        return 1;
      case Service::exponential:
        return rng_.exponential();
      case Service::hyperexponential:
        return (rng_.below(2) == 0 ? short_mean : 2 - short_mean) * rng_.exponential();
    }
    return 0;
  }

  double rate_;
  Service service_;
  Rng rng_{1, "queue"};
  Engine engine_;
  Server server_;
  int arrived_ = 0;
  std::vector<double> waits_;
};

void expect_near_theory(const Queue& queue, double theory) {
  const Estimate estimate = batch_means(queue.waits(), 30);
  EXPECT_NEAR(estimate.mean, theory, estimate.half_width);
  EXPECT_LT(estimate.half_width, 0.15 * theory) << "an interval this wide says nothing";
}

// mean services of 1 s; the formulas are those of Kleinrock, Queueing Systems 1 (1975), chapters 3 and 5
TEST(Server, KeepsExponentialJobsWaitingAsMM1Says) {
  const double load = 0.7;
  expect_near_theory(Queue(load, Queue::Service::exponential, 1), load / (1 - load));
}

TEST(Server, KeepsEqualJobsWaitingAsMD1SaysHalfAsLong) {
  const double load = 0.7;
  expect_near_theory(Queue(load, Queue::Service::fixed, 1), load / (1 - load) / 2);
}

TEST(Server, KeepsJobsBeforeTwoServersWaitingAsErlangCSays) {
  const double load = 0.7;
  // Erlang's C for two servers is 2 rho^2 / (1 + rho); the mean wait is C / (2 - lambda)
  const double waits = 2 * load * load / (1 + load);
  expect_near_theory(Queue(2 * load, Queue::Service::exponential, 2), waits / (2 - 2 * load));
}

TEST(Server, KeepsJobsBeforeManyServersWaitingAsErlangCSays) {
  const std::uint32_t servers = 5;
  const double load = 0.8;
  const double offered = load * servers;
  // Erlang's B by its recursion over servers, and C from B
  double blocked = 1;
  for (std::uint32_t server = 1; server <= servers; ++server) {
    blocked = offered * blocked / (server + offered * blocked);
  }
  const double waits = blocked / (1 - load * (1 - blocked));
  expect_near_theory(Queue(offered, Queue::Service::exponential, servers), waits / (servers - offered));
}

TEST(Server, KeepsUnevenJobsWaitingAsPollaczekAndKhinchinSay) {
  const double load = 0.6;
  // a half of the jobs has each mean m, and an exponential's second moment is 2 m^2
  const double other_mean = 2 - Queue::short_mean;
  const double second_moment = Queue::short_mean * Queue::short_mean + other_mean * other_mean;
  expect_near_theory(Queue(load, Queue::Service::hyperexponential, 1), load * second_moment / (2 * (1 - load)));
}

}  // namespace
}  // namespace podium
