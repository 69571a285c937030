#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "sim/core/rng.h"
#include "sim/network/network.h"

namespace podium::testing {

/// One transfer of a test: its route is its own.
struct Message {
  Route route;
  Bytes bytes;
  Time start{};
  BytesPerSecond cap{0};
  double weight = 1;
};

/// A route over links with loads; `links` in ascending order.
inline Route route_over(std::vector<LinkLoad> links, Seconds latency = Seconds(0)) {
  Route route;
  route.links = std::move(links);
  route.latency = latency;
  return route;
}
/// One byte in a nanosecond, and a message that takes a millisecond alone.
inline constexpr BytesPerSecond capacity{1e9};
inline constexpr Bytes size{1e6};
inline constexpr Seconds alone = size / capacity;

inline LinkLoad on(std::size_t link, double load = 1) { return {LinkId(link), load}; }

struct Outcome {
  std::vector<Time> arrivals;  ///< by message; Time::max() where it never arrived
  Table<LinkId, Bytes> carried;
  std::uint64_t signature = 0;
  Time last() const { return *std::max_element(arrivals.begin(), arrivals.end()); }
};

/// A link that fails, is degraded or comes back in the course of a run.
struct CapacityChange {
  Time when;
  LinkId link;
  BytesPerSecond capacity;
};

/// Sends all messages on a network of its own and runs until nothing happens. `order` is that of the calls.
inline Outcome play(const std::string& name, const Table<LinkId, BytesPerSecond>& capacities,
                    const std::vector<Message>& messages, std::vector<std::size_t> order = {},
                    const std::vector<CapacityChange>& changes = {}) {
  Engine engine;
  const std::unique_ptr<Network> network = Networks::find(name)(engine, capacities);
  Outcome outcome;
  outcome.arrivals.assign(messages.size(), Time::max());
  for (std::size_t i = order.size(); i < messages.size(); ++i) {
    order.push_back(i);
  }
  for (const std::size_t i : order) {
    const Message& message = messages[i];
    Time* arrival = &outcome.arrivals[i];
    engine.at(message.start, [&network, &engine, &message, arrival] {
      network->send({&message.route, message.bytes, message.cap, message.weight},
                    [&engine, arrival] { *arrival = engine.now(); });
    });
  }
  for (const CapacityChange& change : changes) {
    engine.at(change.when, [&network, &change] { network->set_capacity(change.link, change.capacity); });
  }
  engine.run();
  outcome.carried = network->carried();
  outcome.signature = engine.signature();
  return outcome;
}

/// Messages of all sizes, starts, weights and caps over random links; several share starts, sizes and routes.
struct RandomTraffic {
  explicit RandomTraffic(std::uint64_t seed) {
    Rng rng(seed, "traffic");
    const std::uint64_t links = 1 + rng.below(8);
    for (std::uint64_t link = 0; link < links; ++link) {
      capacities.push_back(BytesPerSecond(rng.below(2) == 0 ? 1e9 : 1e9 + 4e9 * rng.uniform()));
    }
    const std::uint64_t count = 1 + rng.below(25);
    for (std::uint64_t i = 0; i < count; ++i) {
      Message message;
      const std::uint64_t first = rng.below(links);
      for (std::uint64_t link = first; link < links; ++link) {
        if (link == first || rng.below(3) == 0) {
          message.route.links.push_back(on(link, rng.below(2) == 0 ? 1 : 0.1 + 2 * rng.uniform()));
        }
      }
      message.route.latency = Seconds(1e-9 * static_cast<double>(rng.below(3000)));
      message.bytes = Bytes(rng.below(2) == 0 ? 1e6 : 1 + static_cast<double>(rng.below(10'000'000)));
      message.start =
          Time::from_picoseconds(rng.below(2) == 0 ? 0 : static_cast<std::int64_t>(rng.below(5'000'000'000)));
      message.weight = rng.below(2) == 0 ? 1 : 0.1 + 3 * rng.uniform();
      message.cap = BytesPerSecond(rng.below(3) == 0 ? 1e8 + 1e9 * rng.uniform() : 0);
      messages.push_back(message);
    }
  }

  Table<LinkId, BytesPerSecond> capacities;
  std::vector<Message> messages;
};

/// A picosecond or two of rounding, for each of a few roundings.
inline std::int64_t picoseconds_apart(Time a, Time b) {
  const std::int64_t difference = a.picoseconds() - b.picoseconds();
  return difference < 0 ? -difference : difference;
}

}  // namespace podium::testing
