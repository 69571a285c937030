#include "sim/hardware/system.h"

#include <fmt/format.h>

#include <filesystem>
#include <utility>

namespace podium {
namespace {

int at_least_one(const Node& node) {
  constexpr std::int64_t most = 1'000'000;
  return static_cast<int>(node.figure_count([&](std::int64_t count) {
    if (count < 1 || count > most) {
      throw InputError(fmt::format("{} is not between 1 and {}", count, most));
    }
  }));
}

template <class Q>
std::optional<Q> read_optional(const Node& node, std::string_view key) {
  const std::optional<Node> found = node.find(key);
  return found ? std::optional<Q>(found->figure<Q>()) : std::nullopt;
}

double protocol_efficiency(const Node& node) {
  return node.figure_number([](double value) {
    if (!(value > 0 && value <= 1)) {
      throw InputError("an efficiency is more than 0 and at most 1");
    }
  });
}

/// Where the switches do not reduce, the figures of that may be there (so that one override turns it off).
void read_in_switch(const Node& node, Protocol& protocol) {
  protocol.in_switch_reduction = node.at("in_switch_reduction").flag();
  const auto find = [&](std::string_view key) {
    return protocol.in_switch_reduction ? std::optional(node.at(key)) : node.find(key);
  };
  if (const auto launch = find("in_switch_launch")) {
    protocol.in_switch_launch = launch->figure<Seconds>();
  }
  if (const auto achieved = find("in_switch_efficiency")) {
    protocol.in_switch_efficiency = protocol_efficiency(*achieved);
  }
}

Protocol read_protocol(const Node& node) {
  Protocol protocol;
  if (const auto injection = node.find("injection")) {
    protocol.injection = injection->figure<BytesPerSecond>();
  }
  protocol.launch = node.at("launch").figure<Seconds>();
  protocol.step = node.at("step").figure<Seconds>();
  protocol.send_launch = node.at("send_launch").figure<Seconds>();
  protocol.dispatch_launch = node.at("dispatch_launch").figure<Seconds>();
  protocol.combine_launch = node.at("combine_launch").figure<Seconds>();
  protocol.per_peer = node.at("per_peer").figure<Seconds>();
  protocol.core_share = node.at("core_share").figure_number([](double share) {
    if (share >= 1) {
      throw InputError("collectives leave some of the cores to compute; a share is less than 1");
    }
  });
  protocol.bulk_efficiency = protocol_efficiency(node.at("bulk_efficiency"));
  read_in_switch(node, protocol);
  if (const auto splits = node.find("splits")) {
    protocol.splits = static_cast<std::uint32_t>(at_least_one(*splits));
  }
  if (const auto bandwidth = node.find("sum_bandwidth")) {
    protocol.sum_bandwidth = positive_figure<BytesPerSecond>(*bandwidth);
  }
  return protocol;
}

}  // namespace

SystemSpec load_system(std::string_view name, const std::map<std::string, std::string>& overrides,
                       const Location& where) {
  const std::string path = find_file("configs/systems", name, where);
  return read_system(Document::load(path, overrides), std::filesystem::path(path).stem().string());
}

SystemSpec read_system(const Document& document, std::string name) {
  const Node root = document.root();
  SystemSpec system;
  system.name = std::move(name);
  system.description = root.at("description").text();
  system.chip = root.at("chip").text();
  system.chip_where = root.at("chip").where();
  system.topology = root.at("topology").text();
  system.topology_where = root.at("topology").where();
  if (const std::optional<Node> library = root.find("library")) {
    system.library = library->text();
    system.library_where = library->where();
  }
  system.ranks_per_package = at_least_one(root.at("ranks_per_package"));
  system.packages_per_node = at_least_one(root.at("packages_per_node"));
  system.nodes_per_domain = at_least_one(root.at("nodes_per_domain"));
  system.max_domains = at_least_one(root.at("max_domains"));
  const Node protocols = root.at("protocols");
  system.protocols_where = protocols.where();
  for (const auto& [plane, protocol] : protocols.entries()) {
    system.protocols.emplace(plane, read_protocol(protocol));
  }
  if (system.protocols.empty()) {
    protocols.fail("a system has a protocol for one plane at least");
  }
  system.power_per_domain = positive_figure<Watts>(root.at("power_per_domain"));
  system.price_per_domain = read_optional<Dollars>(root, "price_per_domain");
  system.rent_per_package = read_optional<DollarsPerSecond>(root, "rent_per_package");
  document.close();
  system.figures = document.figures();
  return system;
}

}  // namespace podium
