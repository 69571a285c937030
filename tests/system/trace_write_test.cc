// Task graphs that are written as Chakra traces and run from there take as long as the graphs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/system/critical_path.h"
#include "sim/system/kernel_time.h"
#include "sim/system/simulator.h"
#include "sim/workload/inference.h"
#include "sim/workload/trace_graph.h"
#include "sim/workload/trace_write.h"
#include "tests/config/temporary_folder.h"
#include "tests/workload/traces.h"

namespace podium::test {
namespace {

using namespace literals;

Trace written(const TaskGraph& graph, const Machine& machine) {
  const auto model = compute_model_of(machine.chip());
  const KernelTimes times = [&](const std::vector<Kernel>& kernels, CoreShare cores) {
    const KernelTime alone = time_of(kernels, *model, machine.chip(), cores);
    return TimeAlone{alone.time, {alone.compute, alone.streaming, alone.launch}};
  };
  const TemporaryFolder folder;
  write_chakra(graph, times, folder.path().string(), "step");
  return load_trace({folder.path().string()});
}

Execution replay(const Trace& trace, const Machine& machine) {
  return Simulator(machine).run(to_task_graph(trace, match_ranks(trace), {.chip = machine.chip()}).graph);
}

/// A graph of two roles with all that is exported: blocks, groups, messages, streams.
TaskGraph example() {
  TaskGraph graph;
  const RoleId first = graph.add_role({"first", 0, 4}), second = graph.add_role({"second", 4, 4});
  const CommunicatorId tp = graph.add_communicator({"tp", 1, 2}), dp = graph.add_communicator({"dp", 2, 2});
  const std::uint16_t label = graph.add_label("work");
  TaskGraph layer;
  const RoleId inside = layer.add_role({"layer", 0, 4});
  const std::uint16_t inner = layer.add_label("layer");
  const CommunicatorId inner_tp = layer.add_communicator({"tp", 1, 2});
  const KernelListId kernels = layer.add_kernels({Gemm{.m = 512, .n = 512, .k = 512}});
  const TaskId a = layer.add(inside, 0, inner, ComputeTask{kernels});
  layer.add(inside, 1, inner, CollectiveTask{inner_tp, CollectiveKind::all_gather, 2_MiB}, {{a}});
  layer.add(inside, 0, inner, DelayTask{3_us});
  const BlockId block = graph.add_block(std::move(layer));
  const TaskId layers = graph.add(first, 0, label, BlockTask{block, 3});
  const TaskId sums = graph.add(first, 1, label, CollectiveTask{dp, CollectiveKind::all_reduce, 4_MiB}, {{layers}});
  graph.add(first, 2, label, SendTask{second, 5, 1_MiB}, {{sums}});
  const TaskId got = graph.add(second, 2, label, ReceiveTask{first, 5});
  graph.add(second, 0, label, BlockTask{block, 2}, {{got}});
  graph.add(second, 1, label, CollectiveTask{tp, CollectiveKind::reduce_scatter, 1_MiB}, {{got}});
  return graph;
}

TEST(WriteChakra, GivesFilesThatRunAsTheGraphDoes) {
  const TaskGraph graph = example();
  const Machine machine = load_machine("hgx-h100", {.ranks = 8});
  const Execution run = Simulator(machine, {.keep_spans = true}).run(graph);
  const Trace trace = written(graph, machine);
  EXPECT_EQ(trace.ranks(), 8U);
  EXPECT_EQ(trace.programs[0].nodes.size(), 3 * (3 + 1) + 2U);  // blocks written out, with joins between them
  EXPECT_NO_THROW(check_progress(trace, match_ranks(trace)));
  const Execution again = replay(trace, machine);
  // blocks are timed alone in the graph; here every message meets every other
  EXPECT_NEAR(again.time / run.time, 1, 0.02);
}

TEST(WriteChakra, GivesFilesWithTheCriticalPathOfTheGraph) {
  const Machine machine = load_machine("hgx-h100", {.ranks = 8});
  InferencePlan plan;
  plan.dp = plan.ep = 8;
  const TaskGraph graph = inference_step(load_model("qwen3-30b-a3b"), machine.chip(), plan,
                                         {.decode_sequences = 32, .decode_context = 4096});
  const Trace trace = written(graph, machine);
  const TaskGraph again = to_task_graph(trace, match_ranks(trace), {.chip = machine.chip()}).graph;
  const auto path_of = [&](const TaskGraph& one) {
    return critical_path(machine, one, Simulator(machine, {.keep_spans = true}).run(one));
  };
  const CriticalPath a = path_of(graph), b = path_of(again);
  for (const char* part : {"compute", "memory", "launch"}) {
    EXPECT_GT(a.account.part(part).value(), 0);
    EXPECT_NEAR(b.account.part(part) / a.account.part(part), 1, 1e-6) << part;
  }
}

TEST(WriteChakra, RefusesAFolderThatHasOtherFiles) {
  const TemporaryFolder folder;
  const KernelTimes times = [](const std::vector<Kernel>&, CoreShare) { return TimeAlone{1_us, {}}; };
  const auto write = [&](std::uint32_t ranks) {
    TaskGraph graph;
    graph.add_role({"all", 0, ranks});
    write_chakra(graph, times, folder.path().string(), "step");
  };
  write(2);
  write(2);
  write(4);
  EXPECT_THAT(error_of([&] { write(3); }), testing::HasSubstr("step.3.et: is of another trace"));
}

TEST(WriteChakra, ComesBackNodeByNode) {
  const TaskGraph graph = example();
  const KernelTimes times = [](const std::vector<Kernel>&, CoreShare) {
    return TimeAlone{1.25_us, {1_us, 0.5_us, 0.25_us}};
  };
  const Trace written = trace_of_rank(graph, 5, times);
  TraceOptions options;
  for (const TraceGroup& group : written.groups) {
    options.groups[group.name] = group.ranks;
  }
  const Trace read = read_trace(InputStream::of_bytes(chakra_bytes(written, 5), "step.5.et"), options);
  const TraceProgram &a = written.programs.at(0), &b = read.programs.at(0);
  ASSERT_EQ(a.nodes.size(), b.nodes.size());
  for (std::size_t i = 0; i < a.nodes.size(); ++i) {
    const TraceNode &x = a.nodes[i], &y = b.nodes[i];
    EXPECT_EQ(x.id, y.id);
    EXPECT_EQ(x.operation, y.operation);
    EXPECT_EQ(x.place, y.place);
    EXPECT_EQ(x.peer, y.peer);
    EXPECT_EQ(x.tag, y.tag);
    EXPECT_NEAR(x.duration.value(), y.duration.value(), 1e-15);
    EXPECT_EQ(x.flops, y.flops);
    EXPECT_EQ(written.names.at(x.name), read.names.at(y.name));
    if (x.operation == TraceOperation::collective) {
      EXPECT_EQ(x.kind, y.kind);
      EXPECT_EQ(x.bytes, y.bytes);
    }
  }
}

/// Of a mixture of experts among 8 GPUs, with exchanges that are uneven and know where tokens go.
double written_over_run(const InferencePlan& plan, const StepShape& shape) {
  const Machine machine = load_machine("hgx-h100", {.ranks = 8});
  const TaskGraph graph = inference_step(load_model("qwen3-30b-a3b"), machine.chip(), plan, shape);
  return replay(written(graph, machine), machine).time / Simulator(machine).run(graph).time;
}

TEST(WriteChakra, OfAServingStepTakesAsLongAsTheStep) {
  InferencePlan plan;
  plan.dp = plan.ep = 8;
  plan.expert_imbalance = 1.25;
  EXPECT_NEAR(written_over_run(plan, {.decode_sequences = 32, .decode_context = 4096}), 1, 1e-8);
  plan.micro_batches = 2;  // which share the cores
  EXPECT_NEAR(written_over_run(plan, {.decode_sequences = 32, .decode_context = 4096}), 1, 1e-8);
  plan.tp = 2;
  plan.dp = 4;
  EXPECT_NEAR(written_over_run(plan, {.prefill_sequences = 2, .prefill_tokens = 2048}), 1, 1e-8);
}

}  // namespace
}  // namespace podium::test
