#include "sim/topology/fabric.h"

namespace podium {
namespace {

/// Names of this site's nodes: accelerators are numbered "0", "1" …, hosts "host0" …, switches have names of their own.
std::map<std::string, NodeId> name_nodes(Site& site, const Node& parameters) {
  std::map<std::string, NodeId> names;
  std::size_t accelerators = 0;
  std::size_t hosts = 0;
  for (const Tray& tray : site.trays) {
    for (const NodeId accelerator : tray.accelerators) {
      names.emplace(std::to_string(accelerators++), accelerator);
    }
    for (const NodeId host : tray.hosts) {
      names.emplace("host" + std::to_string(hosts++), host);
    }
  }
  if (const auto switches = parameters.find("switches")) {
    for (const auto& [name, tier] : switches->entries()) {
      const NodeId node = site.add_node(NodeKind::network_switch, tier.text());
      site.topology.nodes[node].name = name;
      if (!names.emplace(name, node).second) {
        tier.fail("there is a node '" + name + "' already");
      }
    }
  }
  return names;
}

/// Any network as a plain list: `switches: {name: tier}` and `links:`, each {between: [a, b], bandwidth} for both
/// directions or {from, to, bandwidth} for one, with a `latency` where it is a long one. Nobody names halves, so
/// bisections are searched for.
void links(Site& site, const Node& parameters) {
  const std::map<std::string, NodeId> names = name_nodes(site, parameters);
  site.name_halves({});
  for (const Node& link : parameters.at("links").items()) {
    const auto bandwidth = link.at("bandwidth").figure<BytesPerSecond>();
    const bool both_ways = link.has("between");
    const std::vector<Node> ends =
        both_ways ? link.at("between").items() : std::vector<Node>{link.at("from"), link.at("to")};
    if (ends.size() != 2) {
      link.at("between").fail("a link is between two nodes");
    }
    const NodeId from = find_node(names, ends[0]);
    const NodeId to = find_node(names, ends[1]);
    if (from == to) {
      link.fail("a link joins two different nodes");
    }
    LinkLabel label;
    if (const auto latency = link.find("latency")) {
      label.latency = latency->figure<Seconds>();
    }
    site.connect_one_way(from, to, bandwidth, label);
    if (both_ways) {
      site.connect_one_way(to, from, bandwidth, label);
    }
  }
}

const Fabrics::Entry links_entry{"links", "any network, as a list of links", links};

}  // namespace
}  // namespace podium
