// What the links of a machine are said to have done in a run.
#include "sim/system/link_use.h"

#include <gtest/gtest.h>

#include "sim/system/simulator.h"

namespace podium::test {
namespace {

using namespace literals;

const Machine& server() {
  static const Machine machine = load_machine("hgx-h100", {.ranks = 8, .bundles = Bundles::apart});
  return machine;
}

/// All-reduces among 8 ranks, one after the other.
TaskGraph all_reduces(int count, Bytes bytes) {
  TaskGraph graph;
  const RoleId role = graph.add_role({"ranks", 0, 8});
  const CommunicatorId all = graph.add_communicator({"tp", 1, 8});
  for (int i = 0; i < count; ++i) {
    graph.add(role, 0, graph.add_label("tp"), CollectiveTask{all, CollectiveKind::all_reduce, bytes});
  }
  return graph;
}

Execution run_on_server(const TaskGraph& graph, SimulatorOptions options = {}) {
  options.keep_links = true;
  options.algorithm = "direct";
  return Simulator(server(), options).run(graph);
}

Bytes sent_by(const LinkUse& use, NodeId node) {
  Bytes sum;
  for (const LinkId link : use.ports.ids()) {
    sum += server().network().links[link].from == node ? use.ports[link].bytes : Bytes();
  }
  return sum;
}

TEST(LinkUse, IsWhatTheSchedulePutsOnTheWires) {
  const Execution one = run_on_server(all_reduces(1, 8_MiB));
  const Plane& plane = server().network().planes[0];
  // in reduce-scatter and all-gather each rank sends each of the other seven an eighth
  const double efficiency = plane.payload_efficiency_near * server().protocol(0).bulk_efficiency;
  const Bytes expected = 2 * 7.0 / 8 * 8_MiB / efficiency;
  for (std::uint32_t rank = 0; rank < 8; ++rank) {
    EXPECT_NEAR(sent_by(one.links, server().node(rank)).value(), expected.value(), 1e-6 * expected.value());
  }
  EXPECT_NEAR(one.links.executed.at(0).value(), 16 * expected.value(), 1e-6 * expected.value())
      << "out of eight ranks, and out of the switches";
}

TEST(LinkUse, IsTheSameOfEachLinkFoldedOrNot) {
  const LinkUse folded = run_on_server(all_reduces(2, 8_MiB)).links;
  const LinkUse all = run_on_server(all_reduces(2, 8_MiB), {.folding = Folding::off}).links;
  for (const LinkId link : folded.ports.ids()) {
    EXPECT_NEAR(folded.ports[link].bytes.value(), all.ports[link].bytes.value(), 1e-3);
  }
  EXPECT_NEAR(folded.executed.at(0).value(), all.executed.at(0).value(), 1);
}

TEST(LinkUse, CountsABlockAsOftenAsItComes) {
  TaskGraph repeated;
  const RoleId role = repeated.add_role({"ranks", 0, 8});
  repeated.add(role, 0, repeated.add_label("layer"), BlockTask{repeated.add_block(all_reduces(1, 8_MiB)), 3});
  for (const char* network : {"flow", "packet"}) {
    const Execution one = run_on_server(all_reduces(1, 8_MiB), {.network = network});
    const Execution three = run_on_server(repeated, {.network = network});
    EXPECT_NEAR(three.time.value(), 3 * one.time.value(), 1e-11);
    EXPECT_EQ(three.links.packet_hops, one.links.packet_hops) << "executed once";
    EXPECT_EQ(three.links.executed.at(0), one.links.executed.at(0));
    for (const LinkId link : one.links.ports.ids()) {
      const PortStatistics &sum = three.links.ports[link], &part = one.links.ports[link];
      EXPECT_EQ(sum.packets, 3 * part.packets);
      EXPECT_NEAR(sum.bytes.value(), 3 * part.bytes.value(), 1e-3);
      EXPECT_NEAR(sum.queue_mean.value(), part.queue_mean.value(), 1e-6 + 1e-6 * part.queue_mean.value());
      EXPECT_EQ(sum.queue_most, part.queue_most);
    }
  }
}

TEST(LinkUse, HasAsManyBytesInPacketsOfAnySize) {
  const Execution flow = run_on_server(all_reduces(1, 8_MiB));
  const Execution real = run_on_server(all_reduces(1, 8_MiB), {.network = "packet"});
  const Execution large = run_on_server(all_reduces(1, 8_MiB), {.network = "packet", .packet_scale = 4});
  for (const Execution* one : {&real, &large}) {
    EXPECT_NEAR(one->links.executed.at(0).value(), flow.links.executed.at(0).value(),
                1e-4 * flow.links.executed.at(0).value())
        << "but for the headers of packets that are not full";
    EXPECT_NEAR(one->time.value(), flow.time.value(), 0.02 * flow.time.value());
  }
  EXPECT_NEAR(large.links.executed.at(0).value(), real.links.executed.at(0).value(), 1) << "with as many headers";
  const auto hops = static_cast<double>(real.links.packet_hops);
  EXPECT_NEAR(static_cast<double>(large.links.packet_hops), hops / 4, 0.01 * hops)
      << "but for the last packet of each message";
}

TEST(Simulator, TellsHowManyPacketHopsItHasDone) {
  std::uint64_t told = 0;
  SimulatorOptions options{.network = "packet"};
  options.progress = [&](std::uint64_t more) { told += more; };
  const Execution watched = run_on_server(all_reduces(3, 8_MiB), options);
  const Execution alone = run_on_server(all_reduces(3, 8_MiB), {.network = "packet"});
  EXPECT_EQ(told, watched.links.packet_hops);
  EXPECT_EQ(watched.signature, alone.signature) << "and nothing changes for being watched";
}

TEST(LinkUse, IsNeverAboveAllOfALinkInAnyModelThatSharesThem) {
  TaskGraph graph;
  std::vector<RoleId> roles;
  for (std::uint32_t rank = 0; rank < 4; ++rank) {
    roles.push_back(graph.add_role({"rank " + std::to_string(rank), rank, 1}));
  }
  const std::uint16_t label = graph.add_label("messages");
  for (std::uint32_t rank = 1; rank < 4; ++rank) {
    graph.add(roles[rank], TaskGraph::unordered, label, SendTask{roles[0], rank, 4_MiB});
    graph.add(roles[0], TaskGraph::unordered, label, ReceiveTask{roles[rank], rank});
  }
  for (const char* network : {"flow", "packet", "congestion_aware"}) {
    const Execution execution = run_on_server(graph, {.network = network, .keep_links = true, .link_samples = 64});
    const LinkHistory& history = execution.links.history;
    for (const LinkId link : execution.links.ports.ids()) {
      double before = 0, at = 0;
      for (const LinkHistory::Sample& sample : history.samples) {
        if (!history.classes[link]) {
          continue;
        }
        const double now = since_start(sample.at).value(), carried = sample.carried[*history.classes[link]].value();
        const double bandwidth = server().network().links[link].bandwidth.value();
        EXPECT_LE(carried - before, bandwidth * (now - at) + 20'000)
            << network << ": more than it can, and some packets";
        EXPECT_GE(carried, before - 20'000);
        before = carried;
        at = now;
      }
    }
  }
}

TEST(LinkSampler, SpreadsNothingOverTheTimeBeforeALinkIsUsed) {
  TaskGraph graph;
  const RoleId first = graph.add_role({"first", 0, 1}), second = graph.add_role({"second", 1, 1});
  const std::uint16_t label = graph.add_label("work");
  const TaskId work = graph.add(first, 0, label, DelayTask{10_ms, Worker::cores});
  graph.add(first, TaskGraph::unordered, label, SendTask{second, 0, 16_MiB}, std::vector{work});
  graph.add(second, TaskGraph::unordered, label, ReceiveTask{first, 0});
  for (const char* network : {"flow", "packet", "analytic", "congestion_aware", "congestion_unaware"}) {
    const Execution execution = run_on_server(graph, {.network = network, .keep_links = true, .link_samples = 64});
    for (const LinkHistory::Sample& sample : execution.links.history.samples) {
      for (const Bytes bytes : sample.carried) {
        EXPECT_TRUE(bytes <= Bytes() || sample.at > Time() + 10_ms) << network;
      }
    }
  }
}

}  // namespace
}  // namespace podium::test
