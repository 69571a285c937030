#include "sim/system/machine.h"

#include <gtest/gtest.h>

namespace podium::test {
namespace {

BytesPerSecond first_link(const Machine& machine, const std::string& plane) {
  const std::uint32_t wanted = machine.network().plane_index(plane);
  for (const Link& link : machine.network().links) {
    if (link.plane == wanted) {
      return link.bandwidth;
    }
  }
  return {};
}

TEST(Machine, TakesFiguresOfItsNetworkThatDifferFromTheFiles) {
  const SystemSpec system = load_system("hgx-h100");
  const ChipSpec chip = load_chip(system.chip);
  const std::string plane = load_topology(system.topology).planes.at(0).name;
  const auto link = [&](const std::string& bandwidth) {
    return first_link(Machine(system, chip, {8, 0}, {{"planes.0.link_bandwidth", bandwidth}}), plane);
  };
  EXPECT_EQ(link("2 GB/s"), 2 * link("1 GB/s"));
  EXPECT_LT(link("1 GB/s"), first_link(Machine(system, chip, {8, 0}), plane));
  EXPECT_THROW(Machine(system, chip, {8, 0}, {{"planes.0.no_such_figure", "1 GB/s"}}), InputError);
}

}  // namespace
}  // namespace podium::test
