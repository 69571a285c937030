#include <gtest/gtest.h>

#include "tests/workload/graph_tools.h"
#include "tests/workload/training_examples.h"

namespace podium::test {
namespace {

/// Models and ways to split them.
struct Case {
  const char* name;
  ModelSpec model;
  TrainingPlan plan;
};

std::ostream& operator<<(std::ostream& out, const Case& row) { return out << row.name; }

Case with(const char* name, const ModelSpec& model, std::uint32_t tp, std::uint32_t cp, std::uint32_t dp,
          std::uint32_t pp, std::uint32_t ep) {
  TrainingPlan plan = small_plan(pp, pp > 1 ? 2 : 1, 4);
  plan.global_batch = 4 * dp;
  plan.tp = tp;
  plan.cp = cp;
  plan.dp = dp;
  plan.ep = ep;
  return {name, model, plan};
}

std::vector<Case> cases() {
  ModelSpec windows = small_model(4);
  windows.layers[1].window = 256;
  windows.layers[3] = Layer{128, true, {}, 1024};
  return {with("Alone", small_model(4), 1, 1, 1, 1, 1),
          with("Tensor", small_model(4), 4, 1, 1, 1, 1),
          with("Pipeline", small_model(4), 2, 1, 2, 2, 1),
          with("Context", small_model(4), 2, 4, 1, 1, 1),
          with("Windows", windows, 2, 1, 1, 2, 1),
          with("Experts", small_moe(4, 0), 1, 1, 4, 2, 4),
          with("SharedExperts", small_moe(4, 1), 2, 2, 2, 1, 8),
          with("Latent", small_mla(4), 2, 2, 1, 2, 2)};
}

class SplitStep : public testing::TestWithParam<Case> {
 protected:
  Totals run() const { return totals(training_step(model_, test_chip(), plan_)); }
  /// Of all ranks: tasks stand for one rank of each stage.
  double ranks() const { return double(plan_.ranks()) / plan_.pp; }
  ModelSpec model_ = GetParam().model;
  TrainingPlan plan_ = GetParam().plan;
};

// backward of attention is counted as two passes in a model's flops, and computed as two and a half
TEST_P(SplitStep, ComputesTheFlopsOfTheModel) {
  const double expected = training_flops(model_, plan_).value();

  const Totals sum = run();
  EXPECT_NEAR(ranks() * (sum.products + 3 / 3.5 * sum.attention), expected, 1e-9 * expected);
}

TEST_P(SplitStep, ComputesEveryLayerOnceMoreWithFullRecompute) {
  const Totals once = run();
  plan_.recompute = Recompute::full;
  const Totals again = run();
  const double head = 3.0 * 2 * plan_.global_batch * plan_.sequence * model_.hidden * model_.vocabulary / ranks();
  EXPECT_NEAR(again.products - once.products, (once.products - head) / 3, 1e-9 * once.products);
  EXPECT_NEAR(again.attention, once.attention * 4.5 / 3.5, 1e-9 * once.attention);
}

TEST_P(SplitStep, RecomputesNoProductWithSelectiveRecompute) {
  const Totals once = run();
  plan_.recompute = Recompute::selective;
  const Totals again = run();
  EXPECT_EQ(again.products, once.products);
  EXPECT_EQ(again.attention, once.attention);
  EXPECT_GT(again.tasks.at("recompute"), 0);
}

TEST_P(SplitStep, SendsTheSameBytesInPieces) {
  Totals whole = run();
  plan_.tp_overlap_chunks = 4;
  Totals pieces = run();
  for (const auto& [label, bytes] : whole.sent) {
    EXPECT_NEAR(pieces.sent[label], bytes, 1e-9 * bytes) << label;
  }
  EXPECT_NEAR(pieces.products, whole.products, 1e-9 * whole.products);
}

INSTANTIATE_TEST_SUITE_P(Cases, SplitStep, testing::ValuesIn(cases()),
                         [](const auto& info) { return std::string(info.param.name); });

// Korthikanti et al., arXiv 2205.05198, section 4.2.2: two gatherings and two scatterings of s b h forward, the same
// backward, and there the inputs of both column-parallel products once more
TEST(TrainingStep, ExchangesTenTensorsALayerOverTensorParallelRanks) {
  TrainingPlan plan = small_plan(1, 1, 3);
  plan.tp = 4;
  const double tensor = 2 * plan.sequence * small_model(1).hidden;
  const auto sent = [&](std::size_t layers) {
    return totals(training_step(small_model(layers), test_chip(), plan)).sent.at("tp");
  };
  EXPECT_DOUBLE_EQ(sent(5) - sent(4), 3 * 10 * tensor);
  // gatherings are quantised first, six of the ten
  plan.matrix_type = DataType::fp8;
  EXPECT_DOUBLE_EQ(sent(5) - sent(4), 3 * (4 + 6 / 2.0) * tensor);
}

TEST(TrainingStep, GathersEveryWeightOnceAndReducesEveryGradientOnce) {
  const ModelSpec model = small_moe(4, 1);
  TrainingPlan plan = small_plan(1, 1, 6);
  plan.dp = 4;
  plan.global_batch *= plan.dp;
  const auto sent = [&] { return totals(training_step(model, test_chip(), plan)).sent.at("dp"); };
  const double weights = parameters(model);
  EXPECT_NEAR(sent(), weights * (2 + 4), 1e-9 * weights);
  plan.gradient_type = DataType::bf16;
  EXPECT_NEAR(sent(), weights * (2 + 2), 1e-9 * weights);
  plan.shard_optimiser = false;
  EXPECT_NEAR(sent(), weights * 2, 1e-9 * weights);
}

TEST(TrainingStep, GathersShardedWeightsInEveryPass) {
  const ModelSpec model = small_model(4);
  TrainingPlan plan = small_plan(1, 1, 6);
  plan.dp = 4;
  plan.global_batch *= plan.dp;
  plan.shard_weights = true;
  const double embedding = double(model.vocabulary) * model.hidden;
  // the first gathering and the last reduction stand outside of the blocks, which run one ahead and one behind
  const double ends = embedding * (2 + 4);
  EXPECT_NEAR(totals(training_step(model, test_chip(), plan)).sent.at("dp"),
              plan.micro_batches() * parameters(model) * (2 * 2 + 4) + ends, 1);
}

/// A graph of one stage where every task of kernels takes `computing` and every exchange named `name` takes `moving`.
double step_time(const TaskGraph& graph, double computing, const std::string& name, double moving) {
  return makespan(graph, [&](const TaskGraph& in, const Task& task) {
    if (std::holds_alternative<ComputeTask>(task.payload)) {
      return computing;
    }
    return in.labels()[task.label] == name ? moving : 0.0;
  });
}

TEST(TrainingStep, HidesGatheringAndReductionBesideItsFirstAndLastPass) {
  TrainingPlan plan = small_plan(1, 1, 2);
  plan.dp = 2;
  plan.global_batch *= plan.dp;
  const TaskGraph graph = training_step(small_model(6), test_chip(), plan);
  const double computing = step_time(graph, 1, "dp", 0);
  for (const double moving : {0.25, 0.5, 1.0}) {
    // only the first gathering and the last reduction have nothing beside them
    EXPECT_DOUBLE_EQ(step_time(graph, 1, "dp", moving), computing + 2 * moving);
  }
}

TEST(TrainingStep, RunsExchangesBesideProductsWhereTheyComeInPieces) {
  TrainingPlan plan = small_plan(1, 1, 2);
  plan.tp = 4;
  const auto time = [&](int pieces) {
    plan.tp_overlap_chunks = pieces;
    return makespan(training_step(small_model(4), test_chip(), plan), [&](const TaskGraph& in, const Task& task) {
      if (const auto* compute = std::get_if<ComputeTask>(&task.payload)) {
        double flops = 0;
        for (const Kernel& kernel : in.kernels()[compute->kernels]) {
          flops += work(kernel).flops.value();
        }
        return flops * 1e-9;
      }
      const auto* collective = std::get_if<CollectiveTask>(&task.payload);
      return collective ? collective->bytes.value() * 1e-7 : 0.0;
    });
  };
  EXPECT_LT(time(2), time(1));
  EXPECT_LT(time(4), time(2));
}

TEST(TrainingStep, SharesBlocksBetweenLayersOfOneShape) {
  const ModelSpec model = load_model("llama-3.1-405b");
  TrainingPlan plan = small_plan(16, 4, 384);
  plan.tp = 4;
  plan.dp = 4;
  plan.global_batch *= plan.dp;
  const TaskGraph graph = training_step(model, test_chip(), plan);
  EXPECT_EQ(graph.blocks().size(), 6u);  // a layer, the embedding and the head, in both directions
  const double passes = 2 * 384.0 * 16 * 4;
  // a block, a send and a receive; embedding and head; and what the first and the last micro-batch do by layers
  EXPECT_LT(double(graph.tasks().size()), 3 * passes + 4 * 384 + 4 * 200);
  double layers = 0;
  for (const Task& task : graph.tasks()) {
    const auto* block = std::get_if<BlockTask>(&task.payload);
    layers += block ? block->repeat : 0;
  }
  EXPECT_EQ(layers, 2 * 384.0 * (double(model.layers.size()) + 2));
}

TEST(TrainingStep, KeepsRanksOfAStageTogetherAndGroupsInTheirOrder) {
  TrainingPlan plan = small_plan(2, 1, 4);
  plan.tp = 2;
  plan.cp = 2;
  plan.dp = 4;
  plan.ep = 8;
  plan.global_batch *= plan.dp;
  const TaskGraph graph = training_step(small_moe(4, 0), test_chip(), plan);
  for (const RoleId role : graph.roles().ids()) {
    EXPECT_EQ(graph.roles()[role].base, role.index() * 16);
    EXPECT_EQ(graph.roles()[role].count, 16u);
  }
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> groups;
  for_each_task(graph, [&](const TaskGraph& in, const Task& task, double) {
    if (const auto* collective = std::get_if<CollectiveTask>(&task.payload)) {
      const Communicator& group = in.communicators()[collective->communicator];
      groups[{group.stride, group.size}] = group.name;
    }
  });
  const std::map<std::pair<std::uint32_t, std::uint32_t>, std::string> expected = {
      {{1, 2}, "tp"}, {{2, 2}, "cp"}, {{1, 8}, "ep"}, {{2, 8}, "dp"}, {{8, 2}, "dp"}};
  EXPECT_EQ(groups, expected);
}

TEST(TrainingStep, ExchangesTheGradientsOfAnEmbeddingThatTwoStagesHold) {
  ModelSpec model = small_model(4);
  const TrainingPlan plan = small_plan(2, 1, 4);
  const auto bytes_sent = [&] {
    double bytes = 0;
    const TaskGraph graph = training_step(model, test_chip(), plan);
    for (const Task& task : graph.tasks()) {
      const auto* send = std::get_if<SendTask>(&task.payload);
      bytes += send ? send->bytes.value() : 0;
    }
    return bytes;
  };
  const double untied = bytes_sent();
  model.tied_embedding = true;
  EXPECT_DOUBLE_EQ(bytes_sent() - untied, 2 * 4.0 * model.vocabulary * model.hidden);
}

TEST(TrainingStep, TakesWhatEveryModelIs) {
  for (const std::string& name : list_files("workloads/models")) {
    const ModelSpec model = load_model(name);
    TrainingPlan plan = small_plan(2, 2, 4);
    plan.tp = 2;
    const Totals sum = totals(training_step(model, test_chip(), plan));
    const double expected = training_flops(model, plan).value();
    EXPECT_NEAR(2 * (sum.products + sum.attention * 3 / 3.5), expected, 1e-9 * expected) << name;
    EXPECT_GT(training_memory(model, test_chip(), plan).total(), Bytes(2 * parameters(model) / 4)) << name;
  }
}

}  // namespace
}  // namespace podium::test
