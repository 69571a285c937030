#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "sim/topology/topology.h"

namespace podium::test {

/// A topology of one plane: `packing` holds per_package, packages_per_node and nodes_per_domain, `plane` the plane's
/// keys beyond those that are given here, one a line.
inline std::string yaml_of(const std::string& packing, const std::string& plane, const std::string& hosts = "") {
  return "description: a test\n"
         "sources: {test: {text: made up, grade: assumed}}\n"
         "source: test\n"
         "accelerators: {tier: GPU, " +
         packing + "}\n" + (hosts.empty() ? "" : "hosts: {tier: CPU, per_node: " + hosts + "}\n") +
         "planes:\n"
         "  - name: net\n"
         "    payload_efficiency: {near: 0.8, far: 0.5}\n"
         "    endpoint_latency: 1 us\n"
         "    switch_latency: 100 ns\n" +
         plane;
}

inline std::string packing_of(int per_package, int packages_per_node, int nodes_per_domain) {
  return "per_package: " + std::to_string(per_package) + ", packages_per_node: " + std::to_string(packages_per_node) +
         ", nodes_per_domain: " + std::to_string(nodes_per_domain);
}

inline Topology build(const std::string& yaml, std::uint32_t domains = 1, std::uint32_t accelerators = 0) {
  return build_topology(Document::parse(yaml, "test.yaml"), "test", domains, accelerators);
}

/// The keys that most tests share.
inline std::string plane_keys(const std::string& fabric, const std::string& reach = "domain",
                              const std::string& multicast = "false") {
  return "    fabric: " + fabric + "\n    reach: " + reach + "\n    multicast: " + multicast + "\n";
}

/// Names the test of a file.
inline std::string word_of(const ::testing::TestParamInfo<std::string>& name) {
  std::string word = name.param;
  std::replace(word.begin(), word.end(), '-', '_');
  return word;
}

}  // namespace podium::test
