// podium topology: what a network is, in numbers and as a drawing.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <fstream>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "sim/cli/command.h"
#include "sim/hardware/system.h"
#include "sim/network/packet_settings.h"
#include "sim/report/json_text.h"
#include "sim/report/topology_drawing.h"
#include "sim/topology/deadlock.h"
#include "sim/topology/fault.h"
#include "sim/topology/measure.h"

namespace podium {
namespace {

using Json = nlohmann::ordered_json;

struct TopologyOptions {
  std::string name;
  std::uint32_t domains = 1;
  std::uint32_t accelerators = 0;
  std::string svg;
  std::vector<std::string> faults;
  OutputFormat format = OutputFormat::text;
};

/// Four significant digits, where published figures have as many.
std::string precise(BytesPerSecond rate) {
  const double value = rate.value();
  return value >= 1e15   ? fmt::format("{:.4g} PB/s", value / 1e15)
         : value >= 1e12 ? fmt::format("{:.4g} TB/s", value / 1e12)
                         : fmt::format("{:.4g} GB/s", value / 1e9);
}

std::string counted(std::size_t count, const std::string& word) {
  return with_commas(static_cast<long long>(count)) + " " + word;
}

const PlaneMeasures* find_measures(const std::vector<PlaneMeasures>& all, const std::string& plane) {
  for (const PlaneMeasures& measures : all) {
    if (measures.plane == plane) {
      return &measures;
    }
  }
  return nullptr;
}

Seconds latency_over(const Plane& plane, int switches) {
  return plane.endpoint_latency + switches * plane.switch_latency;
}

/// Checks the merged network, and the whole one only where the former has a cycle: merging makes cycles, but breaks
/// none.
DeadlockCheck find_deadlock(const Topology& topology, std::uint32_t plane) {
  const DeadlockCheck merged = check_deadlock(merge_bundles(topology), plane);
  return merged.cycle.empty() ? merged : check_deadlock(topology, plane);
}

/// "0", "L1 800": accelerators by their rank, others by tier and node.
std::string name_of(const Topology& topology, NodeId id) {
  const NetworkNode& node = topology.nodes[id];
  const std::string number = std::to_string(id.index());
  return node.kind == NodeKind::accelerator ? number : node.tier + " " + number;
}

std::string to_text(const Topology& topology, const std::vector<VirtualChannel>& cycle) {
  constexpr std::size_t most = 12;
  std::string text = name_of(topology, topology.links[cycle.front().link].from);
  for (std::size_t i = 0; i < std::min(cycle.size(), most); ++i) {
    text += " > " + name_of(topology, topology.links[cycle[i].link].to);
  }
  return text + (cycle.size() > most ? " > …" : "");
}

std::string to_text(const Topology& topology, const Routing& routing, const DeadlockCheck& check) {
  const std::string how = to_text(routing) + ", " + counted(check.virtual_channels, "virtual channel") +
                          (check.virtual_channels == 1 ? "" : "s");
  if (check.cycle.empty()) {
    return "yes, " + how;
  }
  return "no, " + how + ": " + to_text(topology, check.cycle) +
         (check.enough == 0 ? "" : fmt::format("; {} virtual channels would do", check.enough));
}

/// As the packet network has them.
std::string describe_packets(const Plane& plane) {
  const PacketSettings packets = load_packet_settings({packet_plane(plane)}).front();
  const char* const control = packets.flow_control == FlowControl::credits ? "credits"
                              : packets.flow_control == FlowControl::pause ? "PFC, ECN and DCQCN"
                                                                           : "dropped where there is no room";
  return fmt::format("{} each, {} ('{}' of configs/packets.yaml)", to_text(packets.payload), control, packets.name);
}

void print_measures(const Topology& topology, std::uint32_t index, const PlaneMeasures& measures) {
  const Plane& plane = topology.planes[index];
  std::string nodes;
  for (const auto& [tier, count] : measures.nodes_by_tier) {
    nodes += (nodes.empty() ? "" : ", ") + counted(count, tier);
  }
  std::string links;
  for (const TierLinks& tier : measures.links_by_tier) {
    links += (links.empty() ? "" : ", ") + counted(tier.count, tier.lower + "-" + tier.upper);
  }
  const char* const line = "  {:<18}{}\n";
  const int nearest = measures.direct ? 0 : 1;  // forwarders between two neighbours
  fmt::print(std::cout, fmt::runtime(line), "nodes", nodes);
  fmt::print(std::cout, fmt::runtime(line), "links", counted(measures.links, "(") + links + ")");
  fmt::print(std::cout, fmt::runtime(line), "diameter", describe_diameter(measures));
  fmt::print(std::cout, fmt::runtime(line), "path diversity",
             counted(measures.path_diversity, measures.path_diversity == 1 ? "shortest path" : "shortest paths") +
                 " between the farthest two");
  fmt::print(std::cout, fmt::runtime(line), "injection", precise(measures.injection));
  fmt::print(std::cout, fmt::runtime(line), "bisection",
             precise(measures.bisection) + " in one direction" +
                 (measures.bisection_is_bound ? " (upper bound: least of several halvings)" : ""));
  fmt::print(
      std::cout, fmt::runtime(line), "one-way latency",
      to_text(latency_over(plane, measures.forwarders())) + " between the farthest two" +
          (measures.forwarders() <= nearest ? ""
                                            : ", " + to_text(latency_over(plane, nearest)) +
                                                  (measures.direct ? " between neighbours" : " over one switch")));
  fmt::print(std::cout, fmt::runtime(line), "deadlock-free",
             to_text(topology, plane.routing, find_deadlock(topology, index)));
  fmt::print(std::cout, fmt::runtime(line), "packets", describe_packets(plane));
}

/// What stands between an accelerator and the plane, where others share it.
std::string through_card(const Topology& topology, std::uint32_t plane) {
  for (const Link& link : topology.links) {
    if (link.plane == plane && link.from == topology.accelerator(0) && topology.nodes[link.to].kind == NodeKind::nic) {
      return link.cables > 0 ? ""
                             : fmt::format(" at most, by way of a host and the {} of its node, which all in it share",
                                           topology.nodes[link.to].tier);
    }
  }
  return "";
}

void print_plane(const Topology& topology, std::uint32_t index, const std::vector<PlaneMeasures>& all) {
  const Plane& plane = topology.planes[index];
  const PlaneMeasures* measures = find_measures(all, plane.name);
  const BytesPerSecond raw = injection_of_one(topology, index);
  const std::string where = raw == BytesPerSecond(0)    ? "nothing of it is left to accelerators"
                            : topology.accelerators < 2 ? "one accelerator alone"
                            : measures == nullptr       ? "from accelerators to hosts"
                            : measures->networks == 1   ? "one network"
                                                        : counted(measures->networks, "networks, figures of one");
  fmt::print(std::cout, "\n{}: {}, {}{}\n", plane.name, plane.fabric, where,
             plane.multicast ? ", switches multicast and reduce" : "");
  fmt::print(std::cout, "  {:<18}{} each way{}, {} of payload{}\n", "one accelerator", precise(raw),
             through_card(topology, index), precise(raw * plane.payload_efficiency_near),
             plane.payload_efficiency_near == plane.payload_efficiency_far
                 ? ""
                 : fmt::format(" within a node and {} across", precise(raw * plane.payload_efficiency_far)));
  if (measures != nullptr) {
    print_measures(topology, index, *measures);
  } else {
    fmt::print(std::cout, "  {:<18}{}\n", "one-way latency", to_text(latency_over(plane, 0)));
  }
}

/// Each source once, with the figures that cite it.
void print_sources(const Topology& topology) {
  std::vector<std::pair<const Figure*, std::string>> sources;
  for (const Figure& figure : topology.figures) {
    const std::string range = figure.low.empty() ? "" : fmt::format(" ({} to {})", figure.low, figure.high);
    const std::string said = fmt::format("{} {}{}", figure.path, figure.value, range);
    const auto same = [&figure](const auto& source) { return source.first->source == figure.source; };
    const auto found = std::find_if(sources.begin(), sources.end(), same);
    if (found == sources.end()) {
      sources.emplace_back(&figure, said);
    } else {
      found->second += ", " + said;
    }
  }
  fmt::print(std::cout, "\nsources\n");
  for (const auto& [figure, said] : sources) {
    fmt::print(std::cout, "  [{}] {}\n      {}\n", to_string(figure->grade), figure->source, said);
  }
}

void print_text(const Topology& topology, const std::vector<PlaneMeasures>& all) {
  fmt::print(std::cout, "{}: {}\n", topology.name, topology.description);
  fmt::print(std::cout, "  {:<18}{}, {} a package, {} a node, {} a domain; {} a node; {}\n", "packing",
             counted(topology.accelerators, topology.nodes[NodeId(0)].tier), topology.accelerators_per_package,
             topology.accelerators_per_node, topology.accelerators_per_domain,
             topology.hosts_per_node == 0 ? "no hosts"
                                          : counted(topology.hosts_per_node, topology.nodes[topology.host_of(0)].tier),
             topology.domains == 1 ? "1 domain" : counted(topology.domains, "domains"));
  for (std::uint32_t plane = 0; plane < topology.planes.size(); ++plane) {
    print_plane(topology, plane, all);
  }
  print_sources(topology);
}

Json json_of(const Topology& topology, std::uint32_t index, const PlaneMeasures* measures) {
  const Plane& plane = topology.planes[index];
  Json json;
  json["plane"] = plane.name;
  json["fabric"] = plane.fabric;
  json["spans_domains"] = plane.spans_domains;
  json["multicast"] = plane.multicast;
  json["accelerator_bytes_per_second"] = injection_of_one(topology, index).value();
  json["payload_efficiency_near"] = plane.payload_efficiency_near;
  json["payload_efficiency_far"] = plane.payload_efficiency_far;
  json["endpoint_latency_seconds"] = plane.endpoint_latency.value();
  json["switch_latency_seconds"] = plane.switch_latency.value();
  if (measures == nullptr) {
    return json;
  }
  const DeadlockCheck deadlock = find_deadlock(topology, index);
  json["routing"] = to_text(plane.routing);
  json["virtual_channels"] = deadlock.virtual_channels;
  json["deadlock_free"] = deadlock.cycle.empty();
  json["packets"] = load_packet_settings({packet_plane(plane)}).front().name;
  json["networks"] = measures->networks;
  for (const auto& [tier, count] : measures->nodes_by_tier) {
    json["nodes"][tier] = count;
  }
  json["links"] = measures->links;
  for (const TierLinks& tier : measures->links_by_tier) {
    json["links_by_tier"].push_back({{"lower", tier.lower}, {"upper", tier.upper}, {"links", tier.count}});
  }
  json["diameter_links"] = measures->diameter;
  json["diameter_switches"] = measures->direct ? 0 : measures->forwarders();
  json["path_diversity"] = measures->path_diversity;
  json["injection_bytes_per_second"] = measures->injection.value();
  json["bisection_bytes_per_second"] = measures->bisection.value();
  json["bisection_is_upper_bound"] = measures->bisection_is_bound;
  return json;
}

void print_json(const Topology& topology, const std::vector<PlaneMeasures>& all) {
  Json json;
  json["topology"] = topology.name;
  json["description"] = topology.description;
  json["accelerators"] = topology.accelerators;
  json["accelerators_per_package"] = topology.accelerators_per_package;
  json["accelerators_per_node"] = topology.accelerators_per_node;
  json["accelerators_per_domain"] = topology.accelerators_per_domain;
  json["hosts_per_node"] = topology.hosts_per_node;
  json["domains"] = topology.domains;
  for (std::uint32_t plane = 0; plane < topology.planes.size(); ++plane) {
    json["planes"].push_back(json_of(topology, plane, find_measures(all, topology.planes[plane].name)));
  }
  for (const Figure& figure : topology.figures) {
    Json one{{"path", figure.path}, {"value", figure.value}};
    if (!figure.low.empty()) {
      one["low"] = figure.low;
      one["high"] = figure.high;
    }
    one["grade"] = to_string(figure.grade);
    one["source"] = figure.source;
    json["figures"].push_back(std::move(one));
  }
  std::cout << json_text(json);
}

void print_csv(const Topology& topology, const std::vector<PlaneMeasures>& all) {
  std::cout
      << "topology,plane,networks,links,diameter_links,diameter_switches,path_diversity,injection_bytes_per_second,"
         "bisection_bytes_per_second,bisection_is_upper_bound\n";
  for (const PlaneMeasures& measures : all) {
    fmt::print(std::cout, "{},{},{},{},{},{},{},{},{},{}\n", topology.name, measures.plane, measures.networks,
               measures.links, measures.diameter, measures.direct ? 0 : measures.forwarders(), measures.path_diversity,
               measures.injection.value(), measures.bisection.value(), measures.bisection_is_bound);
  }
}

void draw(const Topology& topology, const std::vector<PlaneMeasures>& all, const std::string& path) {
  std::ofstream file(path, std::ios::binary);
  file << to_svg(topology, all);
  if (!file.flush()) {
    throw InputError("--svg: cannot write " + path);
  }
  std::cerr << "drawing: " << path << '\n';
}

/// No more domains than a scale-out plane is built for, where a system uses the topology.
void check_domains(const TopologyOptions& options) {
  std::int64_t most = 0;
  for (const std::string& name : list_files("configs/systems")) {
    const SystemSpec system = load_system(name);
    most = std::max<std::int64_t>(most, system.topology == options.name ? system.max_domains : 0);
  }
  if (most > 0 && options.domains > most) {
    throw InputError(fmt::format("--domains: {} has at most {} domains, not {}", options.name, with_commas(most),
                                 with_commas(options.domains)));
  }
}

/// As it is after all faults.
Topology load_with_faults(const TopologyOptions& options) {
  std::vector<Fault> faults;
  for (const std::string& fault : options.faults) {
    faults.push_back(parse_fault(fault, {"--fail"}));
  }
  return apply_faults(load_topology(options.name, options.domains, options.accelerators), faults).back().network;
}

int run_topology(const TopologyOptions& options) {
  check_domains(options);
  const Topology topology = load_with_faults(options);
  const std::vector<PlaneMeasures> all = measure(topology);
  if (!options.svg.empty()) {
    draw(topology, all, options.svg);
  }
  switch (options.format) {
    case OutputFormat::text:
      print_text(topology, all);
      break;
    case OutputFormat::json:
      print_json(topology, all);
      break;
    case OutputFormat::csv:
      print_csv(topology, all);
      break;
  }
  return 0;
}

std::function<int()> topology_command(CLI::App& app) {
  const auto options = std::make_shared<TopologyOptions>();
  app.add_option("NAME", options->name, "A name in topologies/, or a path to a YAML file")->required();
  const CLI::Range positive(1, 1'000'000);
  app.add_option("--domains", options->domains, "Scale-up domains (supernodes, racks, servers)")
      ->capture_default_str()
      ->check(positive);
  app.add_option("--accelerators", options->accelerators, "Accelerators in all; the last domain may be partial")
      ->check(positive);
  app.add_option(
         "--fail", options->faults,
         "A link or node that has failed, or keeps a part of its bandwidth: NVSwitch[3], leaf0-spine[0..3]=50%. "
         "May be given again")
      ->option_text("PART[=LEFT]")
      ->allow_extra_args(false);
  app.add_option("--svg", options->svg, "Draw it to this file")->option_text("FILE");
  add_format_option(app, options->format);
  app.footer("Example: podium topology cloudmatrix384 --svg cloudmatrix384.svg");
  return [options] { return run_topology(*options); };
}

const Commands::Entry topology_entry{"topology", "Show a network: counts, diameter, path diversity, bisection, sources",
                                     topology_command};

}  // namespace
}  // namespace podium
