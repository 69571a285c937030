#pragma once

#include <cstdint>
#include <vector>

#include "sim/network/packet.h"

namespace podium::testing {

/// A topology of one plane that is built link by link; hosts are its first nodes.
class PacketFabric {
 public:
  PacketFabric(std::size_t hosts, Seconds switch_latency, Seconds endpoint_latency, double efficiency = 1) {
    Plane plane;
    plane.switch_latency = switch_latency;
    plane.endpoint_latency = endpoint_latency;
    plane.payload_efficiency_near = plane.payload_efficiency_far = efficiency;
    topology_.planes.push_back(plane);
    for (std::size_t host = 0; host < hosts; ++host) {
      add(NodeKind::accelerator);
    }
    topology_.accelerators = static_cast<std::uint32_t>(hosts);
  }

  NodeId add_switch() { return add(NodeKind::network_switch); }
  void connect(NodeId a, NodeId b, BytesPerSecond bandwidth) {
    topology_.links.push_back({a, b, bandwidth, 0});
    topology_.links.push_back({b, a, bandwidth, 0});
  }
  Plane& plane() { return topology_.planes[0]; }
  const Plane& plane() const { return topology_.planes[0]; }
  const Topology& topology() const { return topology_; }
  LinkId link(NodeId from, NodeId to) const {
    for (const LinkId id : topology_.links.ids()) {
      if (topology_.links[id].from == from && topology_.links[id].to == to) {
        return id;
      }
    }
    throw Bug("no such link");
  }

  Wiring wiring(const PacketSettings& settings) const {
    Wiring wiring;
    wiring.settings = {settings};
    for (const Link& link : topology_.links) {
      wiring.wires.push_back({link.from, link.to, link.bandwidth, topology_.planes[0].switch_latency, 0});
    }
    return wiring;
  }

 private:
  NodeId add(NodeKind kind) {
    NetworkNode node;
    node.kind = kind;
    return topology_.nodes.push_back(node);
  }

  Topology topology_;
};

/// Hosts on one switch.
inline PacketFabric packet_star(std::size_t hosts, BytesPerSecond bandwidth, Seconds switch_latency,
                                double efficiency = 1) {
  PacketFabric fabric(hosts, switch_latency, 2 * switch_latency, efficiency);
  const NodeId middle = fabric.add_switch();
  for (std::size_t host = 0; host < hosts; ++host) {
    fabric.connect(NodeId(host), middle, bandwidth);
  }
  return fabric;
}

/// Leaves and spines with full bisection: leaves of `down` hosts, each with a link to each of `down` spines.
inline PacketFabric packet_leaf_spine(std::size_t leaves, std::size_t down, BytesPerSecond bandwidth,
                                      Seconds switch_latency, double efficiency = 1) {
  PacketFabric fabric(leaves * down, switch_latency, 2 * switch_latency, efficiency);
  std::vector<NodeId> spines;
  for (std::size_t spine = 0; spine < down; ++spine) {
    spines.push_back(fabric.add_switch());
  }
  for (std::size_t leaf = 0; leaf < leaves; ++leaf) {
    const NodeId it = fabric.add_switch();
    for (std::size_t host = 0; host < down; ++host) {
      fabric.connect(NodeId(leaf * down + host), it, bandwidth);
    }
    for (const NodeId spine : spines) {
      fabric.connect(it, spine, bandwidth);
    }
  }
  return fabric;
}

/// The fat tree of k-port switches (Al-Fares et al., SIGCOMM 2008): k^3/4 hosts on three tiers.
inline PacketFabric packet_fat_tree(std::size_t ports, BytesPerSecond bandwidth, Seconds switch_latency,
                                    double efficiency = 1) {
  const std::size_t half = ports / 2;
  PacketFabric fabric(ports * half * half, switch_latency, 2 * switch_latency, efficiency);
  std::vector<NodeId> cores;
  for (std::size_t core = 0; core < half * half; ++core) {
    cores.push_back(fabric.add_switch());
  }
  for (std::size_t pod = 0; pod < ports; ++pod) {
    std::vector<NodeId> upper;
    for (std::size_t i = 0; i < half; ++i) {
      upper.push_back(fabric.add_switch());
      for (std::size_t j = 0; j < half; ++j) {
        fabric.connect(upper[i], cores[i * half + j], bandwidth);
      }
    }
    for (std::size_t i = 0; i < half; ++i) {
      const NodeId leaf = fabric.add_switch();
      for (std::size_t j = 0; j < half; ++j) {
        fabric.connect(NodeId((pod * half + i) * half + j), leaf, bandwidth);
        fabric.connect(leaf, upper[j], bandwidth);
      }
    }
  }
  return fabric;
}

/// One transfer from host to host.
struct HostMessage {
  std::size_t from = 0;
  std::size_t to = 0;
  Bytes bytes;
};

struct PacketOutcome {
  std::vector<Time> arrivals;  ///< by message; Time::max() where it never arrived
  Time last;
  Table<LinkId, PortStatistics> ports;
  Table<LinkId, Bytes> carried;
  std::uint64_t packet_hops = 0;
  std::uint64_t signature = 0;
};

/// Sends all messages at once and runs until nothing happens.
inline PacketOutcome play_packets(const PacketFabric& fabric, const PacketSettings& settings,
                                  const std::vector<HostMessage>& messages) {
  Engine engine;
  PacketNetwork network(engine, fabric.wiring(settings));
  Router router(fabric.topology());
  std::vector<Route> routes;
  routes.reserve(messages.size());
  PacketOutcome outcome;
  outcome.arrivals.assign(messages.size(), Time::max());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    routes.push_back(*router.route(NodeId(messages[i].from), NodeId(messages[i].to)));
    Time* arrival = &outcome.arrivals[i];
    network.send({&routes[i], messages[i].bytes}, [&engine, arrival] { *arrival = engine.now(); });
  }
  engine.run();
  for (const Time arrival : outcome.arrivals) {
    outcome.last = std::max(outcome.last, arrival);
  }
  outcome.ports = network.statistics();
  outcome.carried = network.carried();
  outcome.packet_hops = network.packet_hops();
  outcome.signature = engine.signature();
  return outcome;
}

/// Hosts 1 … `senders` send to host 0.
inline std::vector<HostMessage> incast(std::size_t senders, Bytes bytes) {
  std::vector<HostMessage> messages;
  for (std::size_t from = 1; from <= senders; ++from) {
    messages.push_back({from, 0, bytes});
  }
  return messages;
}

/// Everybody sends to one other and hears from one other, in a random order without fixed points.
inline std::vector<HostMessage> permutation(std::size_t hosts, Bytes bytes, std::uint64_t seed) {
  Rng rng(seed, "permutation");
  std::vector<std::size_t> to(hosts);
  for (std::size_t i = 0; i < hosts; ++i) {
    to[i] = i;
  }
  // Sattolo's shuffle makes one cycle of all
  for (std::size_t i = hosts - 1; i > 0; --i) {
    std::swap(to[i], to[rng.below(i)]);
  }
  std::vector<HostMessage> messages;
  for (std::size_t i = 0; i < hosts; ++i) {
    messages.push_back({i, to[i], bytes});
  }
  return messages;
}

}  // namespace podium::testing
