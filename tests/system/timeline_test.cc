#include "sim/system/timeline.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/system/graphs.h"

namespace podium::test {
namespace {

using namespace literals;

constexpr std::size_t plenty = 1000;

Timeline timeline_of(const TaskGraph& graph, std::size_t most_slices = plenty) {
  const Execution execution = run(graph, {.keep_spans = true});
  return make_timeline(server(), graph, execution, critical_path(server(), graph, execution), most_slices);
}

/// Of the track whose name begins so.
std::vector<Slice> slices_of(const Timeline& timeline, const std::string& track, std::size_t role = 0) {
  std::vector<Slice> found;
  for (const Slice& slice : timeline.slices) {
    const Track& its = timeline.tracks[slice.track];
    if (its.name.starts_with(track) && its.role == RoleId(role)) {
      found.push_back(slice);
    }
  }
  return found;
}

Seconds length(const Slice& slice) { return slice.end - slice.begin; }

void expect_order(const Timeline& timeline) {
  for (std::size_t i = 1; i < timeline.slices.size(); ++i) {
    const Slice &before = timeline.slices[i - 1], &slice = timeline.slices[i];
    ASSERT_LE(before.track, slice.track);
    if (before.track == slice.track) {
      EXPECT_LE(before.end, slice.begin) << before.name << ", " << slice.name;
    }
  }
}

/// A layer that computes, talks beside it, and computes again.
TaskGraph layer() {
  Builder b;
  const TaskId first = b.compute(0, product(1024));
  const TaskId talked = b.all_reduce(1, 1_MiB, {first});
  b.compute(0, product(2048), {first});
  b.compute(0, product(512), {talked});
  return std::move(b.graph);
}

/// Host time, so many layers, a last kernel.
TaskGraph layers(std::uint32_t repeat) {
  Builder b;
  b.delay(0, 5_us);
  const BlockId block = b.graph.add_block(layer());
  b.graph.add(b.role, 0, b.graph.add_label("layers"), BlockTask{block, repeat});
  b.compute(0, product(64));
  return std::move(b.graph);
}

TEST(Timeline, TellsEachKernelOfATaskWithItsWork) {
  Builder b;
  const Kernel kernels[] = {product(512), MemoryOp{"copy", 1_GiB, 1_GiB, {}}};
  b.graph.add(b.role, 0, 0, ComputeTask{b.graph.add_kernels({kernels[0], kernels[1]})});
  const Timeline timeline = timeline_of(b.graph);
  ASSERT_EQ(timeline.slices.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    const Slice& slice = timeline.slices[i];
    EXPECT_EQ(slice.name, to_string(kernels[i]));
    EXPECT_EQ(slice.part, "work");
    EXPECT_NEAR(length(slice).value(), kernel_time(kernels[i]).value(), 2e-12);
    EXPECT_EQ(slice.flops, work(kernels[i]).flops);
  }
  EXPECT_EQ(timeline.slices[1].bound, "memory");
  EXPECT_EQ(timeline.slices[1].bytes, 2_GiB);
  EXPECT_EQ(since_start(timeline.slices[1].end), timeline.time);
}

TEST(Timeline, PutsExchangesOnTracksOfTheirOwn) {
  const Timeline timeline = timeline_of(layer());
  expect_order(timeline);
  EXPECT_EQ(slices_of(timeline, "compute (stream 0)").size(), 3U);
  const std::vector<Slice> talks = slices_of(timeline, "tp (stream 1)");
  ASSERT_EQ(talks.size(), 1U);
  EXPECT_THAT(talks[0].name, testing::StartsWith("all_reduce, "));
  EXPECT_EQ(talks[0].part, "talk");
  EXPECT_EQ(talks[0].bytes, 1_MiB);
  EXPECT_EQ(talks[0].ranks, 8U);
}

TEST(Timeline, TellsEveryPassThroughABlockAsItWasExecutedOnce) {
  const Timeline timeline = timeline_of(layers(3));
  expect_order(timeline);
  EXPECT_EQ(timeline.detailed_passes, 3U);
  const Seconds once = run(layer()).time;
  const std::vector<Slice> passes = slices_of(timeline, "passes");
  ASSERT_EQ(passes.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(passes[i].name, "layers");
    EXPECT_EQ(passes[i].pass, i + 1);
    EXPECT_EQ(passes[i].passes, 1U);
    EXPECT_NEAR(since_start(passes[i].begin).value(), (5_us + once * double(i)).value(), 2e-12);
  }
  const std::vector<Slice> computed = slices_of(timeline, "compute (stream 0)");
  ASSERT_EQ(computed.size(), 1 + 3 * 3 + 1U);
  EXPECT_EQ(computed[1].begin, passes[0].begin);
  EXPECT_EQ(computed[6].end, passes[1].end);
  EXPECT_EQ(slices_of(timeline, "tp (stream 0.1)").size(), 3U);
  EXPECT_EQ(since_start(computed.back().end), timeline.time);
}

TEST(Timeline, TellsLaterPassesAsOneSliceWhereThereIsNoRoom) {
  const std::size_t outside = 3, in_detail = 1 + 4;
  const Timeline timeline = timeline_of(layers(1'000'000), outside + 2 * in_detail);
  EXPECT_EQ(timeline.detailed_passes, 2U);
  EXPECT_EQ(timeline.slices.size(), outside + 2 * in_detail);
  expect_order(timeline);
  const std::vector<Slice> passes = slices_of(timeline, "passes");
  ASSERT_EQ(passes.size(), 3U);
  EXPECT_EQ(passes[2].pass, 3U);
  EXPECT_EQ(passes[2].passes, 999'998U);
  EXPECT_EQ(passes[2].end, slices_of(timeline, "compute").back().begin);
  EXPECT_EQ(timeline_of(layers(5), 0).detailed_passes, 1U) << "what a pass consists of is always told";
}

TEST(Timeline, StretchesAPassThatWasSlowedDown) {
  // beside computing that shares the memory's bandwidth, a block takes longer than alone
  const MemoryOp copy{"copy", 5_GiB, 5_GiB, {}};
  Builder inner;
  inner.compute(0, copy);
  Builder b;
  b.graph.add(b.role, 0, 0, BlockTask{b.graph.add_block(inner.graph), 2});
  b.compute(1, copy);
  const Timeline timeline = timeline_of(b.graph);
  const std::vector<Slice> copies = slices_of(timeline, "compute (stream 0)");
  ASSERT_EQ(copies.size(), 2U);
  EXPECT_GT(length(copies[0]), 1.2 * kernel_time(copy));
  EXPECT_EQ(copies[1].end, slices_of(timeline, "passes").back().end);
  expect_order(timeline);
}

TEST(Timeline, GivesMessagesThatOverlapTracksOfTheirOwn) {
  TaskGraph graph;
  const RoleId first = graph.add_role({"first", 0, 1}), second = graph.add_role({"second", 1, 1});
  const std::uint16_t label = graph.add_label("messages");
  std::vector<TaskId> sent;
  for (std::uint32_t tag = 0; tag < 3; ++tag) {
    graph.add(second, TaskGraph::unordered, label, ReceiveTask{first, tag});
    // the third waits for the first two
    const TaskId id = graph.add(first, TaskGraph::unordered, label, SendTask{second, tag, 1_MiB},
                                tag == 2 ? sent : std::vector<TaskId>());
    sent.push_back(id);
  }
  const Timeline timeline = timeline_of(graph);
  expect_order(timeline);
  EXPECT_EQ(slices_of(timeline, "send").size(), 3U);
  EXPECT_EQ(slices_of(timeline, "send 2").size(), 1U);
  EXPECT_EQ(timeline.arrows.size(), 3U);
  for (const Arrow& arrow : timeline.arrows) {
    EXPECT_EQ(timeline.slices[arrow.from].end, timeline.slices[arrow.to].end);
  }
}

TEST(Timeline, CallsTasksByTheirNamesWhereTheyHaveAny) {
  Builder b;
  b.delay(0, 5_us);
  b.delay(0, 5_us);
  const Execution execution = run(b.graph, {.keep_spans = true});
  const Timeline timeline =
      make_timeline(server(), b.graph, execution, critical_path(server(), b.graph, execution), plenty,
                    [](TaskId id) { return id.index() == 1 ? std::string("second") : std::string(); });
  EXPECT_EQ(timeline.slices[0].name, "work");
  EXPECT_EQ(timeline.slices[1].name, "second");
  EXPECT_EQ(timeline.critical_path[1].name, "second (ranks)");
}

TEST(Timeline, PointsFromSendsToTheirReceives) {
  TaskGraph graph;
  const RoleId first = graph.add_role({"first", 0, 4}), second = graph.add_role({"second", 4, 4});
  const std::uint16_t label = graph.add_label("pp");
  for (const std::uint32_t tag : {1U, 2U}) {
    graph.add(first, 1, label, SendTask{second, tag, 1_MiB});
    graph.add(second, 1, label, ReceiveTask{first, tag});
  }
  const Timeline timeline = timeline_of(graph);
  ASSERT_EQ(timeline.roles.size(), 2U);
  ASSERT_EQ(timeline.arrows.size(), 2U);
  const std::vector<Slice> sends = slices_of(timeline, "send (stream 1)", 0),
                           receives = slices_of(timeline, "receive (stream 1)", 1);
  ASSERT_EQ(sends.size(), 2U);
  ASSERT_EQ(receives.size(), 2U);
  EXPECT_EQ(sends[0].name, "send to second");
  EXPECT_EQ(receives[0].name, "receive from first");
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(timeline.slices[timeline.arrows[i].from].begin, sends[i].begin);
    EXPECT_EQ(timeline.slices[timeline.arrows[i].to].end, receives[i].end);
    EXPECT_EQ(sends[i].end, receives[i].end);
  }
}

}  // namespace
}  // namespace podium::test
