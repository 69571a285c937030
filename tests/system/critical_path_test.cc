#include "sim/system/critical_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/system/graphs.h"

namespace podium::test {
namespace {

using namespace literals;

CriticalPath path_of(const TaskGraph& graph) {
  return critical_path(server(), graph, run(graph, {.keep_spans = true}));
}

std::vector<std::uint32_t> tasks(const CriticalPath& path) {
  std::vector<std::uint32_t> ids;
  for (const PathLink& link : path.links) {
    ids.push_back(link.task.index());
  }
  return ids;
}

void expect_whole(const TaskGraph& graph) {
  const Execution execution = run(graph, {.keep_spans = true});
  const CriticalPath path = critical_path(server(), graph, execution);
  EXPECT_NEAR(path.account.total().value(), execution.time.value(), 1e-12);
  ASSERT_FALSE(path.links.empty());
  EXPECT_EQ(path.links.front().begin, Time());
  for (std::size_t i = 1; i < path.links.size(); ++i) {
    EXPECT_EQ(path.links[i - 1].end, path.links[i].begin);
  }
  EXPECT_NEAR((path.links.back().end - Time()).value(), execution.time.value(), 1e-12);
}

TEST(CriticalPath, TakesTheLongerOfTwoBranches) {
  Builder b;
  const TaskId start = b.delay(0, 1_us);
  const TaskId brief = b.delay(1, 2_us, {start}), lengthy = b.delay(2, 3_us, {start});
  b.delay(0, 4_us, {brief, lengthy});
  EXPECT_EQ(tasks(path_of(b.graph)), (std::vector<std::uint32_t>{0, 2, 3}));
  EXPECT_NEAR(path_of(b.graph).account.part("host").value(), 8e-6, 1e-15);
  expect_whole(b.graph);
}

TEST(CriticalPath, FollowsTheOrderOfAStreamAndNamesEachCommunication) {
  Builder b;
  b.compute(0, product(4096));
  b.all_reduce(0, 64_MiB);
  const CriticalPath path = path_of(b.graph);
  EXPECT_EQ(tasks(path), (std::vector<std::uint32_t>{0, 1}));
  const Seconds talked = path.account.part("all_reduce tp");
  EXPECT_GT(talked.value(), 0);
  EXPECT_NEAR((path.account.total() - talked).value(), kernel_time(product(4096)).value(), 1e-12);
  EXPECT_NEAR(path.planes.total().value(), talked.value(), 1e-15);
  expect_whole(b.graph);
}

TEST(CriticalPath, GoesFromAReceiveThatWaitedToItsSend) {
  TaskGraph graph;
  const RoleId first = graph.add_role({"first", 0, 1}), second = graph.add_role({"second", 1, 1});
  const std::uint16_t label = graph.add_label("pp");
  graph.add(first, 0, label, DelayTask{10_us});
  const TaskId sent = graph.add(first, 0, label, SendTask{second, 1, 1_MiB});
  const TaskId received = graph.add(second, 0, label, ReceiveTask{first, 1});
  const TaskId last = graph.add(second, 0, label, DelayTask{5_us}, std::vector{received});
  const CriticalPath path = path_of(graph);
  EXPECT_EQ(tasks(path), (std::vector<std::uint32_t>{0, sent.index(), last.index()}));
  EXPECT_NEAR(path.account.part("host").value(), 15e-6, 1e-15);
  EXPECT_GT(path.account.part("send pp").value(), 0);
  EXPECT_EQ(path.account.part("wait").value(), 0);
  expect_whole(graph);
}

TEST(CriticalPath, GoesToTheMemberThatCameLastToAGroup) {
  TaskGraph graph;
  const RoleId early = graph.add_role({"early", 0, 1}), late = graph.add_role({"late", 1, 1});
  const std::uint16_t label = graph.add_label("dp");
  const RankGroupsId both = graph.add_groups({"dp", {{0, 1}}});
  graph.add(early, 0, label, DelayTask{1_us});
  graph.add(early, 0, label, GroupTask{both, CollectiveKind::all_reduce, 1_MiB});
  const TaskId slow = graph.add(late, 0, label, DelayTask{9_us});
  const TaskId call = graph.add(late, 0, label, GroupTask{both, CollectiveKind::all_reduce, 1_MiB});
  EXPECT_EQ(tasks(path_of(graph)), (std::vector<std::uint32_t>{slow.index(), call.index()}));
  EXPECT_GT(path_of(graph).account.part("all_reduce dp").value(), 0);
  expect_whole(graph);
}

TEST(CriticalPath, TakesMessagesOfAStreamWithoutOrderByWhatTheyWaitFor) {
  TaskGraph graph;
  const RoleId first = graph.add_role({"first", 0, 1}), second = graph.add_role({"second", 1, 1});
  const std::uint16_t label = graph.add_label("messages");
  const TaskId late = graph.add(first, 0, label, DelayTask{90_us, Worker::cores});
  // the first by its place in the graph begins last
  graph.add(first, TaskGraph::unordered, label, SendTask{second, 1, 1_MiB}, std::vector{late});
  graph.add(first, TaskGraph::unordered, label, SendTask{second, 2, 1_MiB});
  const TaskId early = graph.add(second, TaskGraph::unordered, label, ReceiveTask{first, 2});
  const TaskId received = graph.add(second, TaskGraph::unordered, label, ReceiveTask{first, 1});
  graph.add(second, 0, label, DelayTask{1_us}, std::vector{early});
  graph.add(second, 1, label, DelayTask{5_us}, std::vector{received});
  const CriticalPath path = path_of(graph);
  EXPECT_EQ(tasks(path), (std::vector<std::uint32_t>{0, 1, 6}));
  EXPECT_NEAR(path.account.part("compute").value(), 90e-6, 1e-15);
  expect_whole(graph);
}

TEST(CriticalPath, CountsTheChainInABlockAsOftenAsItComes) {
  Builder inner;
  const TaskId first = inner.compute(0, product(1024));
  inner.all_reduce(1, 16_MiB, {first});
  const auto repeated = [&](std::uint32_t times) {
    Builder b;
    b.graph.add(b.role, 0, 0, BlockTask{b.graph.add_block(inner.graph), times});
    expect_whole(b.graph);
    return path_of(b.graph);
  };
  const CriticalPath once = path_of(inner.graph), many = repeated(61);
  EXPECT_EQ(many.links.size(), 1U);
  for (const auto& [part, time] : once.account.parts()) {
    EXPECT_NEAR(many.account.part(part) / time, 61, 1e-6) << part;
  }
  EXPECT_NEAR(many.planes.total() / once.planes.total(), 61, 1e-6);
}

double value_of(const Machine& machine, const CriticalPath& path, const std::string& resource) {
  for (const Elasticity& one : elasticities(machine, path)) {
    if (one.resource == resource) {
      return one.value;
    }
  }
  ADD_FAILURE() << "no resource " << resource;
  return 0;
}

/// A kernel that computes, one that streams, and an exchange, one after the other.
TaskGraph mixed() {
  Builder b;
  b.compute(0, product(8192));
  b.compute(0, product(8));
  b.all_reduce(0, 32_MiB);
  return std::move(b.graph);
}

/// Relative change of time by a simulation on a machine where these resources are a thousandth better, over that
/// thousandth.
double simulated(const TaskGraph& graph, const std::vector<Resource>& resources) {
  constexpr double small = 1e-3;
  Machine better = server();
  for (const Resource& resource : resources) {
    better = better.improved(resource, 1 + small);
  }
  return (Simulator(better).run(graph).time / run(graph).time - 1) / small;
}

using Kind = Resource::Kind;

TEST(Elasticity, IsWhatASimulationWithALittleMoreOfTheResourceGives) {
  const CriticalPath path = path_of(mixed());
  const auto expect_same = [&](const std::vector<Resource>& resources, const std::string& name, double least) {
    const double measured = simulated(mixed(), resources);
    EXPECT_LT(measured, -least) << name;
    EXPECT_NEAR(measured, value_of(server(), path, name), 0.01) << name;
  };
  expect_same({{Kind::compute}}, "compute rate", 0.1);
  expect_same({{Kind::memory}}, "memory bandwidth", 0.005);
  expect_same({{Kind::launches}}, "kernel launches", 0.0005);
  expect_same({{Kind::bandwidth, "nvlink"}, {Kind::latency, "nvlink"}}, "plane nvlink", 0.05);
}

/// Two kernels beside each other, each of which could take all of the memory's bandwidth.
TEST(Elasticity, OfTheMemoryIsWhatASimulationGivesWhereWorkWaitsForIt) {
  const Gemm streaming{DataType::bf16, 8, 16384, 16384, 1};
  Builder b;
  b.compute(0, streaming);
  b.compute(1, streaming);
  const CriticalPath path = path_of(b.graph);
  EXPECT_GT(path.beside / path.account.total(), 0.4);
  expect_whole(b.graph);
  const double measured = simulated(b.graph, {{Kind::memory}});
  EXPECT_LT(measured, -0.5);
  EXPECT_NEAR(measured, value_of(server(), path, "memory bandwidth"), 0.02) << "launches hide behind the other's bytes";
}

TEST(CriticalPath, SaysWhatCollectivesTookOfTheCores) {
  Builder alone, beside;
  alone.compute(0, product(32768));
  beside.compute(0, product(32768));
  beside.all_reduce(1, 64_MiB);
  EXPECT_EQ(path_of(alone.graph).beside, Seconds());
  const CriticalPath path = path_of(beside.graph);
  EXPECT_NEAR(path.beside.value(), (run(beside.graph).time - run(alone.graph).time).value(), 1e-11);
  EXPECT_GT(path.beside.value(), 0);
}

/// As a trace that says what its times consist of has it.
TEST(CriticalPath, DividesTimesThatWorkTakesAloneAsKernelsAre) {
  Builder b;
  b.graph.add(b.role, 0, 0, DelayTask{10_us, Worker::cores, {}, {}, Demands{5_us, 6_us, 2_us}});
  const Execution execution = run(b.graph, {.keep_spans = true});
  for (const Account& account : {critical_path(server(), b.graph, execution).account, execution.account}) {
    EXPECT_NEAR(account.part("compute").value(), 5e-6, 1e-12);
    EXPECT_NEAR(account.part("memory").value(), 3e-6, 1e-12);
    EXPECT_NEAR(account.part("launch").value(), 2e-6, 1e-12);
  }
  EXPECT_NEAR(simulated(b.graph, {{Kind::launches}}), -0.2, 1e-3);
}

TEST(Elasticity, OfAPlaneIsSharedByItsBandwidthAndItsLatencies) {
  Builder large, small;
  large.all_reduce(0, 256_MiB);
  small.all_reduce(0, 1_KiB);
  for (const TaskGraph* graph : {&large.graph, &small.graph}) {
    const double plane = value_of(server(), path_of(*graph), "plane nvlink");
    const double bandwidth = simulated(*graph, {{Kind::bandwidth, "nvlink"}});
    const double latency = simulated(*graph, {{Kind::latency, "nvlink"}});
    EXPECT_NEAR(bandwidth + latency, plane, 0.01);
    EXPECT_LE(bandwidth, 1e-6);
    EXPECT_LE(latency, 1e-6);
  }
  EXPECT_LT(simulated(large.graph, {{Kind::bandwidth, "nvlink"}}), -0.9);
  EXPECT_LT(simulated(small.graph, {{Kind::latency, "nvlink"}}), -0.9);
}

TEST(Elasticity, OfHostTimeIsThatOfAGraphOnAnImprovedChip) {
  const auto graph = [](const Machine& machine) {
    Builder b;
    b.delay(0, machine.chip().graph_launch);
    b.compute(0, product(4096));
    return std::move(b.graph);
  };
  constexpr double small = 1e-3;
  const Machine better = server().improved({Kind::host}, 1 + small);
  const Seconds before = run(graph(server())).time;
  const double measured = (Simulator(better).run(graph(better)).time / before - 1) / small;
  EXPECT_LT(measured, -0.01);
  EXPECT_NEAR(measured, value_of(server(), path_of(graph(server())), "host time"), 0.001);
}

TEST(Machine, ThatIsImprovedByNothingIsTheSame) {
  for (const Kind kind : {Kind::compute, Kind::memory, Kind::launches, Kind::host, Kind::bandwidth, Kind::latency}) {
    const Machine same = server().improved({kind, "nvlink"}, 1);
    EXPECT_EQ(Simulator(same).run(mixed()).signature, run(mixed()).signature) << to_string(Resource{kind, "nvlink"});
  }
}

TEST(Elasticity, OfTimesThatAreEachOneResourceSumsToOne) {
  double sum = 0;
  for (const Elasticity& one : elasticities(server(), path_of(mixed()))) {
    sum += one.value;
  }
  EXPECT_NEAR(sum, -1, 1e-9);
}

TEST(Elasticity, IsNothingForAPlaneThatTheChainNeverTakes) {
  const CriticalPath path = path_of(mixed());
  std::size_t unused = 0;
  for (const Plane& plane : server().network().planes) {
    unused += value_of(server(), path, "plane " + plane.name) == 0;
  }
  EXPECT_EQ(unused, server().network().planes.size() - 1) << "a collective of one server takes one plane";
}

}  // namespace
}  // namespace podium::test
