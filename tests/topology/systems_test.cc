// Every system file against its topology file.
#include <gtest/gtest.h>

#include <algorithm>

#include "sim/hardware/system.h"
#include "sim/topology/topology.h"

namespace podium {
namespace {

class Systems : public ::testing::TestWithParam<std::string> {
 protected:
  const SystemSpec system_ = load_system(GetParam());
  const Topology topology_ = load_topology(system_.topology);
};

TEST_P(Systems, ArePackedAsTheirTopologySays) {
  EXPECT_EQ(static_cast<std::uint32_t>(system_.ranks_per_package), topology_.accelerators_per_package);
  EXPECT_EQ(static_cast<std::uint32_t>(system_.ranks_per_node()), topology_.accelerators_per_node);
  EXPECT_EQ(static_cast<std::uint32_t>(system_.ranks_per_domain()), topology_.accelerators_per_domain);
}

TEST_P(Systems, HaveProtocolsForPlanesThatAreThere) {
  for (const auto& [plane, protocol] : system_.protocols) {
    EXPECT_NO_THROW(topology_.plane_index(plane));
    EXPECT_TRUE(!protocol.in_switch_reduction || topology_.planes[topology_.plane_index(plane)].multicast);
  }
}

TEST_P(Systems, JoinTheirDomainsByAPlaneWithAProtocol) {
  const bool joined = std::any_of(topology_.planes.begin(), topology_.planes.end(), [this](const Plane& plane) {
    return plane.spans_domains && system_.protocols.contains(plane.name);
  });
  EXPECT_TRUE(joined || system_.max_domains == 1);
}

INSTANTIATE_TEST_SUITE_P(Files, Systems, ::testing::ValuesIn(list_files("configs/systems")), [](const auto& name) {
  std::string word = name.param;
  std::replace(word.begin(), word.end(), '-', '_');
  return word;
});

}  // namespace
}  // namespace podium
