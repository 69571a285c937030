// podium topology and podium list from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "sim/collective/schedule.h"
#include "sim/hardware/system.h"
#include "sim/topology/measure.h"
#include "tests/cli/run_podium.h"

namespace podium::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

TEST(TopologyCommand, PrintsTheFiguresOfThePlanes) {
  const Outcome outcome = run_podium("topology cloudmatrix384");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  for (const char* figure : {"768 die, 192 cpu, 336 L1, 112 L2", "5,376 L1-L2", "3 switches", "112 shortest paths",
                             "150.5 TB/s", "75.26 TB/s", "arXiv 2506.12708"}) {
    EXPECT_THAT(outcome.output, HasSubstr(figure));
  }
}

TEST(TopologyCommand, ShowsNetworksThatNoSystemUses) {
  const Outcome torus = run_podium("topology tpu-v4 --domains 8");
  EXPECT_EQ(torus.status, 0) << torus.errors;
  EXPECT_THAT(torus.output, HasSubstr("512 TPU"));
  EXPECT_THAT(torus.output, HasSubstr("yes, dimension-ordered, sprayed, 2 virtual channels"));
}

TEST(TopologyCommand, CountsLinksWhereThereAreNoSwitches) {
  EXPECT_THAT(run_podium("topology torus-2d").output, HasSubstr("12 links")) << "8 / 2 + 16 / 2";
  EXPECT_THAT(run_podium("topology hypercube-64").output, HasSubstr("6 links"));
  const auto plane = nlohmann::json::parse(run_podium("topology torus-2d --format json").output).at("planes").at(0);
  EXPECT_EQ(plane.at("diameter_links"), 8 / 2 + 16 / 2);
  EXPECT_EQ(plane.at("diameter_switches"), 0);
}

TEST(TopologyCommand, GivesADieNoPortOnANodesCard) {
  const Outcome outcome = run_podium("topology cloudmatrix384");
  EXPECT_THAT(outcome.output, HasSubstr("50 GB/s each way at most, by way of a host and the DPU of its node"));
  EXPECT_THAT(outcome.output, HasSubstr("240 (192 cpu-DPU, 48 DPU-VPC)"));
  EXPECT_THAT(outcome.output, HasSubstr("1,536 (768 die-leaf, 768 leaf-spine)"));
}

TEST(TopologyCommand, ShowsTheCycleOfADeadlock) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "podium_ring_test.yaml";
  std::ofstream(file) << "description: a ring\nsources: {x: {text: made up, grade: assumed}}\nsource: x\n"
                         "accelerators: {tier: GPU, per_package: 1, packages_per_node: 4, nodes_per_domain: 1}\n"
                         "planes:\n  - {name: ring, fabric: ring, reach: domain, link_bandwidth: 1 GB/s, "
                         "payload_efficiency: 1, endpoint_latency: 1 us, switch_latency: 1 us, multicast: false}\n";
  const Outcome outcome = run_podium("topology " + file.string());
  EXPECT_THAT(outcome.output, HasSubstr("no, shortest paths, sprayed, 1 virtual channel: 0 > 1 > 2 > 3 > 0"));
  EXPECT_THAT(outcome.output, HasSubstr("2 virtual channels would do"));
  std::filesystem::remove(file);
}

TEST(TopologyCommand, PrintsTheSameInJson) {
  const Outcome outcome = run_podium("topology gb200-nvl72 --domains 2 --accelerators 100 --format json");
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  const auto json = nlohmann::json::parse(outcome.output);
  const Topology topology = load_topology("gb200-nvl72", 2, 100);
  const PlaneMeasures nvlink = measure(topology).front();
  EXPECT_EQ(json["accelerators"], 100);
  EXPECT_EQ(json["planes"][0]["plane"], "nvlink");
  EXPECT_EQ(json["planes"][0]["networks"], 2);
  EXPECT_EQ(json["planes"][0]["bisection_bytes_per_second"], nvlink.bisection.value());
  EXPECT_EQ(json["figures"].size(), topology.figures.size());
}

TEST(TopologyCommand, MeasuresWhatFaultsLeave) {
  const auto bisection = [](const std::string& faults) {
    const Outcome outcome = run_podium("topology cloudmatrix384 --format json" + faults);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    const nlohmann::json planes = nlohmann::json::parse(outcome.output).at("planes");
    const auto ub =
        std::find_if(planes.begin(), planes.end(), [](const nlohmann::json& it) { return it.at("plane") == "ub"; });
    return ub->at("bisection_bytes_per_second").get<double>();
  };
  EXPECT_DOUBLE_EQ(bisection(" --fail 'L2[0..15]'"), bisection("") * 6 / 7) << "one of seven sub-planes";
  EXPECT_DOUBLE_EQ(bisection(" --fail L1-L2=25%"), bisection("") / 4);
}

TEST(TopologyCommand, DrawsToAFile) {
  const std::filesystem::path file = std::filesystem::temp_directory_path() / "podium_topology_test.svg";
  EXPECT_EQ(run_podium("topology hgx-h100 --svg " + file.string()).status, 0);
  std::string first;
  std::getline(std::ifstream(file), first);
  EXPECT_THAT(first, HasSubstr("<svg "));
  std::filesystem::remove(file);
}

TEST(TopologyCommand, RefusesWhatIsNotThere) {
  const Outcome name = run_podium("topology cloudmatrix38");
  EXPECT_EQ(name.status, 2);
  EXPECT_THAT(name.errors, HasSubstr("did you mean 'cloudmatrix384'?"));
  EXPECT_EQ(run_podium("topology hgx-h100 --accelerators 9").status, 2);
  EXPECT_EQ(run_podium("topology hgx-h100 --svg /no/such/folder/x.svg").status, 2);
}

TEST(TopologyCommand, RefusesCountsAtTheOptionThatGaveThem) {
  for (const std::string option : {"--domains", "--accelerators"}) {
    const Outcome none = run_podium("topology cloudmatrix384 " + option + " 0");
    EXPECT_EQ(none.status, 2);
    EXPECT_THAT(none.errors, StartsWith("podium: " + option + ": "));
  }
  const int most = load_system("cloudmatrix384").max_domains;
  const Outcome many = run_podium("topology cloudmatrix384 --domains " + std::to_string(most + 1));
  EXPECT_EQ(many.status, 2);
  EXPECT_THAT(many.errors, StartsWith("podium: --domains: "));
  EXPECT_THAT(many.errors, HasSubstr("at most " + std::to_string(most) + " domains"));
}

TEST(ListCommand, NamesWhatThereIs) {
  for (const std::string& name : list_files("topologies")) {
    EXPECT_THAT(run_podium("list topologies").output, HasSubstr(name));
  }
  for (const std::string& name : Algorithms::names()) {
    EXPECT_THAT(run_podium("list algorithms").output, HasSubstr(name));
  }
  EXPECT_THAT(run_podium("list systems --sources").output, HasSubstr("[measured]"));
}

TEST(ListCommand, RefusesAnUnknownKind) {
  const Outcome outcome = run_podium("list topologys");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.errors, HasSubstr("did you mean 'topologies'?"));
}

}  // namespace
}  // namespace podium::test
