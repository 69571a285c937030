// Every topology file is free of deadlock as it is written.
#include <gtest/gtest.h>

#include "sim/topology/deadlock.h"
#include "tests/topology/networks.h"

namespace podium {
namespace {

class DeadlockOf : public ::testing::TestWithParam<std::string> {};

TEST_P(DeadlockOf, EveryPlaneIsFree) {
  const Topology topology = merge_bundles(load_topology(GetParam()));
  for (std::uint32_t plane = 0; plane < topology.planes.size(); ++plane) {
    const DeadlockCheck check = check_deadlock(topology, plane);
    EXPECT_TRUE(check.cycle.empty()) << topology.planes[plane].name << ": " << check.enough << " channels would do";
  }
}

INSTANTIATE_TEST_SUITE_P(Topologies, DeadlockOf, ::testing::ValuesIn(list_files("topologies")), test::word_of);

}  // namespace
}  // namespace podium
