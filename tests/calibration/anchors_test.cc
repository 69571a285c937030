// Files of published results: what is read, and what is refused where it is written.
#include "sim/calibration/anchors.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "tests/config/temporary_folder.h"
#include "tests/core/error_of.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

const std::string good = R"(sources:
  row: {text: "a table", grade: measured}
anchors:
  - name: step
    system: hgx-h100
    model: qwen3-30b-a3b
    plan: {weights: bf16, experts: bf16, attention: bf16, cache: bf16, tp: 2, dp: 4, ep: 8}
    decode_sequences: 16
    decode_context: 2048
    unit: ms/iteration
    published: {value: 10, source: row}
  - name: training
    system: hgx-h100
    model: llama-3.1-8b
    training: {matrix: bf16, global_batch: 16, micro_batch: 1, sequence: 4096, tp: 2, dp: 4}
    unit: tokens/s/chip
    published: {value: 12345, source: row}
)";

std::vector<Anchor> anchors_of(const std::string& text) {
  const TemporaryFolder folder;
  const std::string path = (folder.path() / "anchors.yaml").string();
  std::ofstream(path) << text;
  return load_anchors(path);
}

std::string problem_with(const std::string& from, const std::string& to) {
  std::string text = good;
  const std::size_t place = text.find(from);
  PODIUM_CHECK(place != std::string::npos, from);
  const std::string error = error_of([&] { anchors_of(text.replace(place, from.size(), to)); });
  EXPECT_THAT(error, testing::ContainsRegex("anchors.yaml:[0-9]+:[0-9]+: ")) << to;
  return error;
}

TEST(Anchors, AreReadWithTheirSource) {
  const std::vector<Anchor> anchors = anchors_of(good);
  ASSERT_EQ(anchors.size(), 2U);
  EXPECT_EQ(std::get<StepPoint>(anchors[0].point).plan.ep, 8U);
  EXPECT_EQ(std::get<StepPoint>(anchors[0].point).shape.decode_sequences, 16);
  EXPECT_EQ(anchors[0].source, "a table");
  EXPECT_EQ(std::get<TrainingPlan>(anchors[1].point).ranks(), 8U);
  EXPECT_EQ(anchors[1].published, 12345);
}

TEST(Anchors, ArePredictedInTheirOwnUnit) {
  std::vector<Anchor> anchors = anchors_of(good);
  const AnchorResult step = evaluate(anchors[0]);
  EXPECT_DOUBLE_EQ(step.predicted, step.execution.time.value() * 1e3);
  EXPECT_DOUBLE_EQ(step.error(), step.predicted / 10 - 1);
  anchors[0].unit = "tokens/s/chip";
  EXPECT_DOUBLE_EQ(evaluate(anchors[0]).predicted, 4 * 16 / step.execution.time.value() / 8) << "dp 4, 8 GPUs";
  anchors[0].unit = "ms/token";
  EXPECT_DOUBLE_EQ(evaluate(anchors[0]).predicted, step.predicted) << "a token an iteration";
  const AnchorResult training = evaluate(anchors[1]);
  EXPECT_DOUBLE_EQ(training.predicted, 16.0 * 4096 / training.execution.time.value() / 8);
  EXPECT_NEAR(training.execution.account.total().value(), training.execution.time.value(),
              1e-9 * training.execution.time.value());
}

TEST(Anchors, RefuseWhatTheyDoNotKnow) {
  EXPECT_THAT(problem_with("system: hgx-h100", "system: hgx-h10"), HasSubstr("did you mean 'hgx-h100'"));
  EXPECT_THAT(problem_with("model: qwen3-30b-a3b", "model: qwen3-30b"), HasSubstr("'qwen3-30b'"));
  EXPECT_THAT(problem_with("unit: ms/iteration", "unit: ms/iteratoin"), HasSubstr("did you mean 'ms/iteration'"));
  EXPECT_THAT(problem_with("decode_context: 2048", "decode_contxt: 2048"), HasSubstr("'decode_context' go together"));
  EXPECT_THAT(problem_with("source: row}", "source: raw}"), HasSubstr("did you mean 'row'"));
  EXPECT_THAT(problem_with("published: {value: 10, source: row}", "published: 10"), HasSubstr("source"));
}

TEST(Anchors, RefusePointsThatCannotBe) {
  EXPECT_THAT(problem_with("tp: 2, dp: 4, ep: 8", "tp: 3, dp: 1, ep: 3"), HasSubstr("tp 3 does not divide"));
  EXPECT_THAT(problem_with("tp: 2, dp: 4}", "tp: 5, dp: 4}"), HasSubstr("training plan 'training'"));
  EXPECT_THAT(problem_with("decode_sequences: 16", "decode_sequences: 0"), HasSubstr("above zero"));
  EXPECT_THAT(problem_with("    decode_sequences: 16\n    decode_context: 2048\n", ""),
              HasSubstr("an iteration needs"));
  EXPECT_THAT(problem_with("value: 10,", "value: 0,"), HasSubstr("against zero"));
  EXPECT_THAT(problem_with("unit: tokens/s/chip", "unit: ms/token"), HasSubstr("published in tokens/s/chip"));
  EXPECT_THAT(problem_with("decode_sequences: 16\n    decode_context: 2048\n    unit: ms/iteration",
                           "prefill_sequences: 1\n    prefill_tokens: 512\n    unit: ms/token"),
              HasSubstr("decodes"));
  EXPECT_THAT(error_of([] { anchors_of("anchors: []\n"); }), HasSubstr("the list is empty"));
}

}  // namespace
}  // namespace podium::test
