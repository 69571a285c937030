#include <algorithm>
#include <span>

#include "sim/topology/fabric.h"

namespace podium {
namespace {

/// Ports of a switch towards accelerators, and away from them.
struct Ports {
  std::size_t down = 1;
  std::size_t up = 1;
};

/// What a folded Clos is built of.
struct Clos {
  BytesPerSecond port;
  std::size_t radix = 2;  ///< ports of every switch
  Ports leaf;
  Ports spine;           ///< where there are cores above
  bool by_rail = false;  ///< leaf i of a group takes accelerator i of each node
};

/// Deals a switch's ports; over-subscription is bandwidth down over bandwidth up.
Ports deal_ports(std::size_t radix, const Node& oversubscription) {
  const double ratio = oversubscription.figure_number();
  if (!(ratio >= 1)) {
    oversubscription.fail("it is 1 (full bisection) or more: bandwidth down over bandwidth up");
  }
  Ports ports;
  ports.down = static_cast<std::size_t>(static_cast<double>(radix) * ratio / (1 + ratio));
  ports.up = radix - std::min(ports.down, radix);
  if (ports.down == 0 || ports.up == 0) {
    oversubscription.fail("switches have too few ports for this over-subscription");
  }
  return ports;
}

Clos read_clos(const Node& parameters) {
  Clos clos;
  clos.port = positive_figure<BytesPerSecond>(parameters.at("link_bandwidth"));
  clos.radix = static_cast<std::size_t>(parameters.at("switch_ports").figure_count());
  clos.leaf = deal_ports(clos.radix, parameters.at("oversubscription"));
  clos.spine = {clos.radix / 2, clos.radix / 2};
  if (const auto oversubscription = parameters.find("spine_oversubscription")) {
    clos.spine = deal_ports(clos.radix, *oversubscription);
  }
  clos.by_rail = parameters.at("cabling").one_of({"by_node", "by_rail"}) == "by_rail";
  return clos;
}

std::size_t divide_up(std::size_t a, std::size_t b) { return (a + b - 1) / b; }

/// The fewest switches that have ports for the cables of all those below, and take equally many of each of them:
/// unequal bundles would load the lesser ones more.
std::size_t switches_above(std::size_t below, std::size_t cables, std::size_t radix) {
  std::size_t above = divide_up(below * cables, radix);
  while (cables % above != 0) {
    ++above;
  }
  return above;
}

/// Links each of `low` to each of `high`, dealing `cables` of one port each to them evenly.
void cable(Site& site, const std::vector<NodeId>& low, std::size_t cables, std::span<const NodeId> high,
           BytesPerSecond port) {
  PODIUM_CHECK(cables % high.size() == 0, "nobody lays a part of a cable");
  for (const NodeId below : low) {
    for (const NodeId above : high) {
      site.connect_cables(below, above, cables / high.size(), port);
    }
  }
}

/// Leaf switches with the accelerators linked to them.
std::vector<NodeId> add_leaves(Site& site, const Clos& clos) {
  const std::vector<NodeId> accelerators = site.accelerators();
  const std::size_t rails = clos.by_rail ? site.topology.accelerators_per_node : 1;
  const std::size_t groups = divide_up(divide_up(accelerators.size(), rails), clos.leaf.down);
  std::vector<NodeId> leaves;
  for (std::size_t i = 0; i < groups * std::min(rails, accelerators.size()); ++i) {
    leaves.push_back(site.add_node(NodeKind::network_switch, "leaf"));
  }
  for (std::size_t i = 0; i < accelerators.size(); ++i) {
    const std::size_t group = i / rails / clos.leaf.down;
    site.connect(accelerators[i], leaves[group * rails + i % rails], clos.port);
  }
  return leaves;
}

/// Pods of as many leaves as a spine has ports down, and as many spines as a leaf has ports up; the j-th spines of all
/// pods are joined by a group of cores of their own.
void add_pods(Site& site, const Clos& clos, const std::vector<NodeId>& leaves) {
  const std::size_t pod_leaves = clos.spine.down;
  const std::size_t pods = divide_up(leaves.size(), pod_leaves);
  std::vector<std::vector<NodeId>> spines;  // by place in the pod
  spines.resize(clos.leaf.up);
  for (std::size_t pod = 0; pod < pods; ++pod) {
    const auto begin = leaves.begin() + static_cast<std::ptrdiff_t>(pod * pod_leaves);
    const auto end = leaves.begin() + static_cast<std::ptrdiff_t>(std::min((pod + 1) * pod_leaves, leaves.size()));
    const std::vector<NodeId> upper = site.add_bundle(clos.leaf.up, "spine");
    cable(site, {begin, end}, clos.leaf.up, upper, clos.port);
    for (std::size_t j = 0; j < upper.size(); ++j) {
      spines[j].push_back(upper[j]);
    }
  }
  const std::size_t group = switches_above(pods, clos.spine.up, clos.radix);
  const std::vector<NodeId> cores = site.add_bundle(clos.leaf.up * group, "core");
  for (std::size_t j = 0; j < clos.leaf.up; ++j) {
    cable(site, spines[j], clos.spine.up, std::span(cores).subspan(j * group, group), clos.port);
  }
}

/// A folded Clos (fat tree) of equal switches with as many tiers as the accelerators need: a single leaf, leaves and
/// spines, or pods of leaves and spines under cores (Al-Fares et al., SIGCOMM 2008). Upper switches are as few as the
/// cables from below allow, several cables joining two switches where there are few, as in NVIDIA's DGX SuperPOD
/// reference architectures. Leaves and spines may be over-subscribed; otherwise the bisection is full.
void clos(Site& site, const Node& parameters) {
  const Clos clos = read_clos(parameters);
  const std::vector<NodeId> leaves = add_leaves(site, clos);
  if (leaves.size() == 1) {
    return;
  }
  if (leaves.size() <= clos.radix) {  // a spine has a port for each leaf
    const std::size_t spines = switches_above(leaves.size(), clos.leaf.up, clos.radix);
    cable(site, leaves, clos.leaf.up, site.add_bundle(spines, "spine"), clos.port);
  } else if (leaves.size() <= clos.radix * clos.spine.down) {
    add_pods(site, clos, leaves);
  } else {
    parameters.at("switch_ports").fail("three tiers of switches with so few ports do not reach all accelerators");
  }
}

const Fabrics::Entry clos_entry{"clos", "scale-out fat tree of leaf, spine and core switches, by node or by rail",
                                clos};

}  // namespace
}  // namespace podium
