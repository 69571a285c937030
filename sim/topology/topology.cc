#include "sim/topology/topology.h"

#include <algorithm>
#include <optional>

#include "sim/core/text.h"
#include "sim/topology/fabric.h"
#include "sim/topology/fault.h"
#include "sim/topology/shared.h"

namespace podium {
namespace {

/// More nodes than this are a slip of the pen, not a machine.
constexpr std::int64_t most_nodes = 1 << 24;
constexpr BytesPerSecond most_bandwidth(1e14);  // of a link: rates are exact to 2^-16 B/s

/// How accelerators are packed, as the file says it.
struct Packing {
  std::string tier;
  std::uint32_t per_package = 1;
  std::uint32_t packages_per_node = 1;
  std::uint32_t nodes_per_domain = 1;
  std::string host_tier;
  std::uint32_t hosts_per_node = 0;
};

std::uint32_t positive_count(const Node& parent, std::string_view key) {
  return static_cast<std::uint32_t>(parent.at(key).figure_count([](std::int64_t count) {
    if (count < 1 || count > most_nodes) {
      throw InputError("a count of at least 1 and at most " + with_commas(most_nodes) + " is expected, found " +
                       with_commas(count));
    }
  }));
}

Packing read_packing(const Node& root) {
  Packing packing;
  const Node accelerators = root.at("accelerators");
  packing.tier = accelerators.at("tier").text();
  packing.per_package = positive_count(accelerators, "per_package");
  packing.packages_per_node = positive_count(accelerators, "packages_per_node");
  packing.nodes_per_domain = positive_count(accelerators, "nodes_per_domain");
  if (const auto hosts = root.find("hosts")) {
    packing.host_tier = hosts->at("tier").text();
    packing.hosts_per_node = positive_count(*hosts, "per_node");
  }
  return packing;
}

double efficiency(const Node& node) {
  return node.figure_number([](double value) {
    if (!(value >= 0.001 && value <= 1)) {
      throw InputError("an efficiency is from 0.001 to 1");
    }
  });
}

/// `reach:` domain, system, or {ranks, stride}: so many ranks, each `stride` after the one before, are one network.
void read_reach(const Node& node, const Topology& topology, Plane& plane) {
  if (node.is_mapping()) {
    plane.group_size = positive_count(node, "ranks");
    plane.group_stride = positive_count(node, "stride");
    plane.spans_domains = std::uint64_t{plane.group_size - 1} * plane.group_stride >= topology.accelerators_per_domain;
    return;
  }
  plane.spans_domains = node.one_of({"domain", "system"}) == "system";
  plane.group_size = plane.spans_domains ? topology.accelerators : topology.accelerators_per_domain;
}

Plane read_plane(const Node& node, const Topology& topology) {
  Plane plane;
  plane.name = node.at("name").text();
  plane.fabric = node.at("fabric").text();
  Fabrics::find(plane.fabric, node.at("fabric").where());
  read_reach(node.at("reach"), topology, plane);
  const Node payload = node.at("payload_efficiency");
  if (payload.is_mapping() && payload.has("near")) {
    plane.payload_efficiency_near = efficiency(payload.at("near"));
    plane.payload_efficiency_far = efficiency(payload.at("far"));
  } else {
    plane.payload_efficiency_near = plane.payload_efficiency_far = efficiency(payload);
  }
  plane.endpoint_latency = node.at("endpoint_latency").figure<Seconds>();
  plane.switch_latency = node.at("switch_latency").figure<Seconds>();
  plane.multicast = node.at("multicast").flag();
  plane.routing = read_routing(node);
  if (const auto packets = node.find("packets")) {
    plane.packets = packets->text();
  }
  return plane;
}

std::uint32_t checked_accelerators(const Topology& topology, std::uint32_t accelerators, const Location& where) {
  const std::int64_t per_domain = topology.accelerators_per_domain;
  const std::int64_t all = per_domain * topology.domains;
  if (topology.domains == 0 || all > most_nodes) {
    throw InputError(where, with_commas(topology.domains) + " domains of " + topology.name +
                                ": at least 1 and at most " + with_commas(most_nodes / per_domain) + " would be right");
  }
  if (accelerators == 0) {
    return static_cast<std::uint32_t>(all);
  }
  const std::int64_t needed = (accelerators + per_domain - 1) / per_domain;
  if (needed != topology.domains) {
    throw InputError(where, with_commas(accelerators) + " accelerators of " + topology.name + " need " +
                                with_commas(needed) + " domains of " + with_commas(per_domain) + ", not " +
                                with_commas(topology.domains));
  }
  return accelerators;
}

NetworkNode endpoint(NodeKind kind, const std::string& tier, std::uint32_t domain, std::uint32_t index) {
  NetworkNode node;
  node.kind = kind;
  node.tier = tier;
  node.domain = domain;
  node.bundle = index;
  return node;
}

void add_endpoints(Topology& topology, const Packing& packing) {
  const std::uint32_t per_domain = topology.accelerators_per_domain;
  for (std::uint32_t rank = 0; rank < topology.accelerators; ++rank) {
    const std::uint32_t domain = rank / per_domain;
    topology.nodes.push_back(endpoint(NodeKind::accelerator, packing.tier, domain, rank));
  }
  for (std::uint32_t rank = 0; rank < topology.accelerators; rank += topology.accelerators_per_node) {
    for (std::uint32_t k = 0; k < topology.hosts_per_node; ++k) {
      const auto index = static_cast<std::uint32_t>(topology.nodes.size());
      topology.nodes.push_back(endpoint(NodeKind::cpu, packing.host_tier, rank / per_domain, index));
    }
  }
}

/// The ranks of each network of a plane. The last ones may be partial.
std::vector<std::vector<std::uint32_t>> find_groups(const Topology& topology, const Plane& plane) {
  std::vector<std::vector<std::uint32_t>> groups;
  const std::uint64_t step = std::uint64_t{plane.group_size} * plane.group_stride;
  for (std::uint64_t block = 0; block < topology.accelerators; block += step) {
    for (std::uint64_t first = block;
         first < std::min<std::uint64_t>(block + plane.group_stride, topology.accelerators); ++first) {
      std::vector<std::uint32_t>& group = groups.emplace_back();
      const std::uint64_t end = std::min<std::uint64_t>(block + step, topology.accelerators);
      for (std::uint64_t rank = first; rank < end; rank += plane.group_stride) {
        group.push_back(static_cast<std::uint32_t>(rank));
      }
    }
  }
  return groups;
}

/// The site of some ranks in ascending order, with the hosts of the nodes that they are in.
Site make_site(Topology& topology, std::uint32_t plane, const std::vector<std::uint32_t>& ranks) {
  Site site{topology, plane, ranks.front() / topology.accelerators_per_domain, {}};
  std::optional<std::uint32_t> last_node;
  for (const std::uint32_t rank : ranks) {
    const std::uint32_t node = rank / topology.accelerators_per_node;
    if (last_node != node) {
      Tray& tray = site.trays.emplace_back();
      for (std::uint32_t k = 0; k < topology.hosts_per_node; ++k) {
        tray.hosts.emplace_back(topology.accelerators + node * topology.hosts_per_node + k);
      }
    }
    last_node = node;
    site.trays.back().accelerators.push_back(topology.accelerator(rank));
  }
  return site;
}

/// The first and the second half of some ranks, in their order.
void halve(Plane& plane, const std::vector<std::uint32_t>& ranks) {
  for (std::size_t i = 0; i < ranks.size(); ++i) {
    plane.halves[ranks[i]] = i < (ranks.size() + 1) / 2 ? 0 : 1;
  }
}

/// `degraded:` a list of {between: [a, b], bandwidth}: links that have less bandwidth than the others; none: failed.
void degrade(Topology& topology, std::uint32_t plane, const Node& list) {
  const NodeNames names = name_nodes(topology, plane);
  for (const Node& entry : list.items()) {
    const std::vector<Node> ends = entry.at("between").items();
    if (ends.size() != 2) {
      entry.at("between").fail("a link is between two nodes");
    }
    const NodeId a = find_node(names, ends[0]);
    const NodeId b = find_node(names, ends[1]);
    const auto bandwidth = entry.at("bandwidth").quantity<BytesPerSecond>();
    bool is_there = false;
    for (Link& link : topology.links) {
      if (link.plane == plane && ((link.from == a && link.to == b) || (link.from == b && link.to == a))) {
        if (!(bandwidth >= BytesPerSecond(0) && bandwidth <= link.bandwidth)) {
          entry.at("bandwidth").fail("a degraded link has from 0 to " + to_text(link.bandwidth));
        }
        link.bandwidth = bandwidth;
        is_there = true;
      }
    }
    if (!is_there) {
      entry.at("between").fail("there is no link between '" + ends[0].text() + "' and '" + ends[1].text() + "'");
    }
  }
}

void build_plane(Topology& topology, const Node& parameters) {
  topology.planes.push_back(read_plane(parameters, topology));
  const auto index = static_cast<std::uint32_t>(topology.planes.size() - 1);
  Plane& plane = topology.planes.back();
  plane.halves.resize(topology.accelerators);
  const auto build = Fabrics::find(plane.fabric);
  const std::size_t first_switch = topology.nodes.size(), first_link = topology.links.size();
  for (const std::vector<std::uint32_t>& ranks : find_groups(topology, plane)) {
    halve(plane, ranks);
    Site site = make_site(topology, index, ranks);
    build(site, parameters);
  }
  for (std::size_t id = first_link; id < topology.links.size(); ++id) {
    if (const BytesPerSecond bandwidth = topology.links[LinkId(id)].bandwidth; !(bandwidth <= most_bandwidth)) {
      parameters.at("fabric").fail("a link of " + to_text(bandwidth) + ": up to " + to_text(most_bandwidth) +
                                   " would be right");
    }
  }
  // switches are alike only to traffic that is spread evenly over them, and only while all their links are
  if (plane.routing.spread != Spread::sprayed || plane.routing.detour != Detour::none) {
    for (std::size_t node = first_switch; node < topology.nodes.size(); ++node) {
      topology.nodes[NodeId(node)].bundle = static_cast<std::uint32_t>(node);
    }
  }
  if (const auto shared = parameters.find("shared")) {
    read_shared(topology, index, *shared);
  }
  if (const auto degraded = parameters.find("degraded")) {
    degrade(topology, index, *degraded);
    split_bundles(topology);
  }
}

}  // namespace

NodeId Topology::host_of(std::uint32_t rank) const {
  PODIUM_CHECK(rank < accelerators && hosts_per_node > 0);
  const std::uint32_t node = rank / accelerators_per_node;
  const std::uint32_t in_node = rank % accelerators_per_node * hosts_per_node / accelerators_per_node;
  return NodeId(accelerators + node * hosts_per_node + in_node);
}

std::uint32_t Topology::plane_index(std::string_view plane) const {
  std::vector<std::string> known;
  for (std::uint32_t i = 0; i < planes.size(); ++i) {
    if (planes[i].name == plane) {
      return i;
    }
    known.push_back(planes[i].name);
  }
  throw InputError(unknown_name("plane of " + name, plane, known));
}

Table<NodeId, std::string> shown_names(const Topology& topology) {
  Table<NodeId, std::string> names;
  names.reserve(topology.nodes.size());
  std::map<std::string, std::uint32_t> count;
  for (const NetworkNode& node : topology.nodes) {
    const std::string number = std::to_string(count[node.tier]++);
    names.push_back(node.name.empty() ? node.tier + "[" + number + "]" : node.name);
  }
  return names;
}

Topology build_topology(const Document& document, std::string_view name, std::uint32_t domains,
                        std::uint32_t accelerators) {
  const Node root = document.root();
  Topology topology;
  topology.name = name;
  topology.description = root.at("description").text();
  const Packing packing = read_packing(root);
  const std::int64_t per_node = std::int64_t{packing.per_package} * packing.packages_per_node;
  if (per_node * packing.nodes_per_domain > most_nodes) {
    root.at("accelerators").fail("more than " + with_commas(most_nodes) + " accelerators in a domain");
  }
  topology.accelerators_per_package = packing.per_package;
  topology.accelerators_per_node = static_cast<std::uint32_t>(per_node);
  topology.accelerators_per_domain = topology.accelerators_per_node * packing.nodes_per_domain;
  topology.hosts_per_node = packing.hosts_per_node;
  topology.domains = domains;
  topology.accelerators = checked_accelerators(topology, accelerators, root.where());
  add_endpoints(topology, packing);
  for (const Node& node : root.at("planes").items()) {
    const std::string plane = node.at("name").text();
    const auto same = [&plane](const Plane& other) { return other.name == plane; };
    if (std::any_of(topology.planes.begin(), topology.planes.end(), same)) {
      node.at("name").fail("there is a plane '" + plane + "' already; names are unique");
    }
    build_plane(topology, node);
  }
  if (topology.planes.empty()) {
    root.at("planes").fail("a topology has at least one plane");
  }
  document.close();
  topology.figures = document.figures();
  return topology;
}

Topology load_topology(std::string_view name, std::uint32_t domains, std::uint32_t accelerators,
                       const std::map<std::string, std::string>& overrides, const Location& where) {
  const Document document = Document::load(find_file("topologies", name, where), overrides);
  return build_topology(document, name, domains, accelerators);
}

}  // namespace podium
