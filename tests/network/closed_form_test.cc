// The closed forms of ASTRA-sim's analytical network, to the nanosecond: Won et al., ISPASS 2023 (arXiv 2303.14006).
// Single messages and the crowd on a ring are the examples that github.com/astra-sim/astra-network-analytical ships as
// tests (MIT); whole collectives were printed by ASTRA-sim at 518bd51 over it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "sim/network/network.h"
#include "sim/network/packet_settings.h"
#include "sim/topology/route.h"
#include "tests/network/play.h"
#include "tests/topology/networks.h"

namespace podium {
namespace {

using namespace literals;
using testing::on;
using testing::route_over;

const std::string unaware = "congestion_unaware";
const std::string aware = "congestion_aware";
constexpr Bytes chunk{1 << 20};

/// One dimension of a network there: Ring, FullyConnected or Switch; a GB/s is 2^30 B/s.
struct Dimension {
  std::string fabric;
  int size = 16;
  int bandwidth = 50;
  int latency = 500;  ///< of a link, in ns
};

/// A plane a dimension. All latencies are of links: a message takes one more of them than switches.
Topology stack(const std::vector<Dimension>& dimensions) {
  std::string yaml;
  int stride = 1;
  for (const Dimension& it : dimensions) {
    const std::string latency = std::to_string(it.latency) + " ns";
    for (const std::string& text :
         {"  - name: " + it.fabric, "    fabric: " + it.fabric, "    reach: {ranks: " + std::to_string(it.size) + ",",
          "            stride: " + std::to_string(stride) + "}", "    endpoint_latency: " + latency,
          "    switch_latency: " + latency, "    link_bandwidth: " + std::to_string(it.bandwidth) + " GiB/s",
          std::string("    payload_efficiency: 1"), std::string("    multicast: false"),
          std::string(it.fabric == "switch" ? "    tier: switch" : "")}) {
      yaml += text;
      yaml += '\n';
    }
    stride *= it.size;
  }
  return test::build(
      "description: a test\nsources: {test: {text: made up, grade: assumed}}\nsource: test\n"
      "accelerators: {tier: NPU, " +
      test::packing_of(1, 1, stride) + "}\nplanes:\n" + yaml);
}

Wiring wiring_of(const Topology& topology) {
  Wiring wiring;
  for (const Link& link : topology.links) {
    wiring.wires.push_back({link.from, link.to, link.bandwidth, topology.planes[link.plane].switch_latency, 0});
  }
  return wiring;
}

struct Sent {
  Route route;
  Bytes bytes = chunk;
};

/// When each has arrived, in ns.
std::vector<double> arrivals(const std::string& model, const Wiring& wiring, const std::vector<Sent>& messages) {
  Engine engine;
  const auto network = Networks::find(model).on(engine, wiring);
  std::vector<double> result(messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    network->send({&messages[i].route, messages[i].bytes},
                  [&engine, to = &result[i]] { *to = static_cast<double>(engine.now().picoseconds()) / 1e3; });
  }
  engine.run();
  return result;
}

double last(const std::vector<double>& times) { return *std::max_element(times.begin(), times.end()); }

Sent message(const Topology& topology, std::size_t from, std::size_t to, Bytes bytes = chunk) {
  Router router(topology);
  return {router.route(NodeId(from), NodeId(to)).value(), bytes};
}

struct Published {
  std::vector<Dimension> dimensions;
  std::size_t from;
  std::size_t to;
  double unaware_ns;
  double aware_ns;  ///< 0: that model has one dimension only
};

class OneMessage : public ::testing::TestWithParam<Published> {};

const std::vector<Dimension> three{{"ring", 2, 200, 50}, {"full_mesh", 8, 100, 500}, {"switch", 4, 50, 2000}};
INSTANTIATE_TEST_SUITE_P(Published, OneMessage,
                         ::testing::Values(Published{{{"ring"}}, 1, 4, 21'031, 60'093},
                                           Published{{{"full_mesh"}}, 1, 4, 20'031, 20'031},
                                           Published{{{"switch"}}, 1, 4, 20'531, 40'062},
                                           Published{three, 0, 1, 4'932, 0}, Published{three, 37, 41, 10'265, 0},
                                           Published{three, 26, 42, 23'531, 0}));

TEST_P(OneMessage, TakesThePublishedNanoseconds) {
  const Topology topology = stack(GetParam().dimensions);
  const std::vector<Sent> one{message(topology, GetParam().from, GetParam().to)};
  EXPECT_EQ(arrivals(unaware, wiring_of(topology), one), std::vector{GetParam().unaware_ns});
  if (GetParam().aware_ns > 0) {
    EXPECT_EQ(arrivals(aware, wiring_of(topology), one), std::vector{GetParam().aware_ns});
  }
}

/// The links of a ring from one place on, in a direction.
Route around(const Topology& ring, std::size_t from, std::size_t hops, std::size_t step) {
  Route route;
  for (std::size_t hop = 0; hop < hops; ++hop) {
    const NodeId at((from + hop * step) % ring.nodes.size());
    const NodeId next((from + (hop + 1) * step) % ring.nodes.size());
    for (const LinkId id : ring.links.ids()) {
      if (ring.links[id].from == at && ring.links[id].to == next) {
        route.links.push_back(on(id.index()));
      }
    }
  }
  std::sort(route.links.begin(), route.links.end(), [](const auto& a, const auto& b) { return a.link < b.link; });
  route.latency = static_cast<double>(hops) * ring.planes[0].switch_latency;
  return route;
}

TEST(CongestionAware, TakesThePublishedTimeForAllPairsOfARing) {
  const Topology ring = stack({{"ring"}});
  const std::size_t n = ring.nodes.size();
  std::vector<Sent> all;
  for (std::size_t from = 0; from < n; ++from) {
    for (std::size_t to = 0; to < n; ++to) {
      const std::size_t forward = (to + n - from) % n;
      if (forward > 0) {
        all.push_back({forward <= n / 2 ? around(ring, from, forward, 1) : around(ring, from, n - forward, n - 1)});
      }
    }
  }
  EXPECT_EQ(last(arrivals(aware, wiring_of(ring), all)), 704'116);
}

/// An all-reduce by ring there: chunks in turn, one after the other. Each step is a message, the delay of an end point,
/// and in its first half a sum at local memory, which is three accesses.
struct AllReduce {
  Dimension network;
  double mebibytes;
  double unaware_ns;
  double aware_ns;
};

class RingAllReduce : public ::testing::TestWithParam<AllReduce> {};

INSTANTIATE_TEST_SUITE_P(Published, RingAllReduce,
                         ::testing::Values(AllReduce{{"switch", 512}, 64, 6'745'240, 9'238'920},
                                           AllReduce{{"ring", 512}, 64, 4'701'240, 4'701'240},
                                           AllReduce{{"switch", 64}, 1024, 41'865'556, 81'240'556},
                                           AllReduce{{"switch", 384, 196}, 64, 3'853'020, 4'487'268},
                                           AllReduce{{"switch", 72, 900}, 64, 834'148, 971'036}));

TEST_P(RingAllReduce, TakesThePublishedNanoseconds) {
  const AllReduce& it = GetParam();
  const Topology topology = stack({it.network});
  const int n = it.network.size;
  const double splits = 4;
  const double endpoint_ns = 10;
  const double memory_bytes_per_ns = 1600;
  const Bytes part(it.mebibytes * 0x1p20 / splits / n);
  std::vector<Sent> step;
  const std::size_t ranks = static_cast<std::size_t>(n);
  for (std::size_t from = 0; from < ranks; ++from) {
    step.push_back(message(topology, from, (from + 1) % ranks, part));
  }
  const double sums = (n - 1) * 3 * std::floor(part.value() / memory_bytes_per_ns);
  const auto whole = [&](const std::string& model) {
    const double hop = last(arrivals(model, wiring_of(topology), step));
    return splits * (2 * (n - 1) * (hop + endpoint_ns) + sums + endpoint_ns);
  };
  EXPECT_EQ(whole(unaware), it.unaware_ns);
  EXPECT_EQ(whole(aware), it.aware_ns);
}

TEST(ClosedForms, TakeThePublishedTimesForADirectAllToAll) {
  const std::size_t n = 64;
  const Topology topology = stack({{"switch", n}});
  const double endpoints_ns = 20;
  Router router(topology);
  std::vector<Sent> all;
  for (std::size_t from = 0; from < n; ++from) {
    for (std::size_t offset = 1; offset < n; ++offset) {
      all.push_back({router.route(NodeId(from), NodeId((from + offset) % n)).value(), 64_MiB / static_cast<double>(n)});
    }
  }
  EXPECT_EQ(last(arrivals(unaware, wiring_of(topology), all)) + endpoints_ns, 20'551);
  EXPECT_EQ(last(arrivals(aware, wiring_of(topology), all)) + endpoints_ns, 1'251'004);
}

/// Two links in a row, of 1 GB/s and 1 us.
Wiring chain() {
  Wiring wiring;
  for (std::size_t hop = 0; hop < 2; ++hop) {
    wiring.wires.push_back({NodeId(hop), NodeId(hop + 1), 1_GBps, 1_us, 0});
  }
  return wiring;
}

class ClosedForm : public ::testing::TestWithParam<std::string> {
 protected:
  Action note(Time& arrival) {
    return [this, &arrival] { arrival = engine_.now(); };
  }
  Engine engine_;
  Wiring wiring_ = chain();
  std::unique_ptr<Network> network_ = Networks::find(GetParam()).on(engine_, wiring_);
  const Route route_ = route_over({on(0), on(1)}, 2_us);
};

INSTANTIATE_TEST_SUITE_P(Both, ClosedForm, ::testing::Values(unaware, aware),
                         [](const auto& info) { return info.param; });

TEST_P(ClosedForm, CarriesTheBytesOfEachTransfer) {
  Time arrival;
  network_->send({&route_, 1_MiB}, note(arrival));
  network_->send({&route_, 2_MiB}, note(arrival));
  engine_.run();
  for (const Bytes bytes : network_->carried()) {
    EXPECT_EQ(bytes.value(), (3_MiB).value());
  }
}

TEST_P(ClosedForm, TellsWhatHasGoneSoFar) {
  Time arrival;
  network_->send({&route_, Bytes(1e6)}, note(arrival));  // a millisecond on the first link
  std::vector<Bytes> quarters;
  for (int quarter = 1; quarter <= 4; ++quarter) {
    engine_.at(Time() + quarter * 250_us, [&] { quarters.push_back(network_->carried()[LinkId(0)]); });
  }
  engine_.run();
  for (int quarter = 1; quarter <= 4; ++quarter) {
    EXPECT_NEAR(quarters[static_cast<std::size_t>(quarter - 1)].value(), quarter * 250e3, 1);
  }
}

TEST_P(ClosedForm, DeliversNothingAndSendsToOneselfAfterTheLatency) {
  const Route stays = route_over({}, 3_us);
  Time nothing;
  Time oneself;
  network_->send({&route_, Bytes(0)}, note(nothing));
  network_->send({&stays, 1_GiB}, note(oneself));
  engine_.run();
  EXPECT_EQ(nothing, Time() + 2_us);
  EXPECT_EQ(oneself, Time() + 3_us);
}

TEST_P(ClosedForm, HoldsATransferToItsCap) {
  Time arrival;
  network_->send({&route_, Bytes(1e6), BytesPerSecond(1e8)}, note(arrival));
  engine_.run();
  const double times_stored = GetParam() == aware ? 2 : 1;
  EXPECT_EQ(arrival, Time() + times_stored * 10_ms + 2_us);
}

TEST_P(ClosedForm, NeverDeliversWhatWasCancelledAndGoesOnWithTheRest) {
  Time cancelled = Time::max();
  Time other = Time::max();
  const TransferId id = network_->send({&route_, 1_MiB}, note(cancelled));
  network_->send({&route_, 1_MiB}, note(other));
  engine_.after(10_us, [&] { network_->cancel(id); });
  engine_.run();
  network_->cancel(id);
  EXPECT_EQ(cancelled, Time::max());
  EXPECT_LT(other, Time::max());
}

TEST_P(ClosedForm, WaitsForALinkThatHasNoCapacity) {
  network_->set_capacity(LinkId(0), BytesPerSecond(0));
  Time arrival = Time::max();
  network_->send({&route_, Bytes(1e6)}, note(arrival));
  engine_.run();
  EXPECT_EQ(arrival, Time::max());
  engine_.after(5_ms, [&] { network_->set_capacity(LinkId(0), 2_GBps); });
  engine_.run();
  // 1 MB at 2 GB/s and then at 1 GB/s, or at the lesser of both
  EXPECT_EQ(arrival, Time() + 5_ms + 1_ms + (GetParam() == aware ? 0.5_ms : 0_s) + 2_us);
}

TEST(CongestionUnaware, SeesNoOtherTransfer) {
  std::vector<Sent> many(383, {route_over({on(0)}, 1_us), Bytes(1e6)});
  EXPECT_EQ(arrivals(unaware, chain(), many), std::vector<double>(many.size(), 1e6 + 1e3));
}

TEST(CongestionAware, ServesALinkInTheOrderOfArrival) {
  const std::vector<Sent> two(2, {route_over({on(0), on(1)}, 2_us), Bytes(1e6)});
  // the second is one time on the wire behind the first, all the way
  EXPECT_EQ(arrivals(aware, chain(), two), (std::vector<double>{2 * 1e6 + 2e3, 3 * 1e6 + 2e3}));
}

TEST(CongestionAware, SendsOnWhatWasSprayedWhenAllOfItIsThere) {
  // half over a fast link and half over a slow one, then all of it
  Wiring wiring;
  wiring.wires.push_back({NodeId(0), NodeId(1), 1_GBps, 1_us, 0});
  wiring.wires.push_back({NodeId(0), NodeId(1), 0.5_GBps, 1_us, 0});
  wiring.wires.push_back({NodeId(1), NodeId(2), 1_GBps, 1_us, 0});
  const std::vector<Sent> one{{route_over({on(0, 0.5), on(1, 0.5), on(2)}, 2_us), Bytes(1e6)}};
  EXPECT_EQ(arrivals(aware, wiring, one), std::vector<double>{1e6 + 1e3 + 1e6 + 1e3});
}

}  // namespace
}  // namespace podium
