#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>

#include "tests/cli/run_podium.h"

namespace podium::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// Recorded traces of other projects, beside the sources, which are not ours to ship.
const fs::path samples = fs::path(PODIUM_SOURCE_DIR) / "../shared/data/exec";

/// What else is to be said for a sample, and what part of the refusal is expected (none: it is read).
struct Expectation {
  std::string options, refusal;
};

Expectation expectation(const std::string& sample) {
  static const std::map<std::string, Expectation> all{
      {"aicb_csv/Workload_spec_v1.1.tsv", {"", "no execution trace of a known format"}},
      {"aicb_csv/aiob_A100_layer_times_example.txt", {"", "no execution trace of a known format"}},
      {"chakra/feeder_test_chakra.0.et.gz",
       {"--missing-dependencies ignore", "its dependencies are a cycle of 2: 3317"}},
      {"chakra/pytorch_et_1.0.2-chakra.0.0.4.json.gz", {"", "a PyTorch execution trace"}},
      {"chakra/small_chakra.0.json", {"--missing-dependencies ignore", "a collective without its comm_type"}},
      {"deepseek_profile/train_h800_ep64_kernels.csv", {"", "no execution trace of a known format"}},
      {"deepseek_profile/train_trace.json.gz", {"", "a Kineto trace"}},
      {"pytorch_et/dlrm_kineto.tar.gz", {"", "an archive of several files"}},
      {"pytorch_et/dlrm_pytorch_et.tar.gz", {"", "an archive of several files"}},
      {"pytorch_et/linear_et.json.gz", {"", "a PyTorch execution trace"}},
      {"pytorch_et/resnet_1gpu_et.json.gz", {"", "a PyTorch execution trace"}},
  };
  if (const auto found = all.find(sample); found != all.end()) {
    return found->second;
  }
  const bool says_ranks = sample.starts_with("aicb_csv") || sample.starts_with("goal") ||
                          sample.starts_with("astra_sim_et") || sample == "simai_txt/microAllReduce.txt";
  if (sample.ends_with("workload_analytical.txt")) {
    return {"--ranks 384", ""};  // its own 9,216 take minutes
  }
  return {says_ranks ? "" : "--ranks 16 --model-parallel 8", ""};
}

TEST(Samples, AreReadOrRefusedForTheRightReason) {
  if (!fs::is_directory(samples)) {
    GTEST_SKIP() << "NOT CHECKED: the recorded traces are not beside the sources (" << samples << ")";
  }
  int read = 0;
  for (const auto& entry : fs::recursive_directory_iterator(samples)) {
    const bool is_set = entry.is_directory() && entry.path().parent_path().filename() == "astra_sim_et";
    if (!is_set && (!entry.is_regular_file() || entry.path().extension() == ".et")) {
      continue;
    }
    const std::string sample = fs::relative(entry.path(), samples).string();
    const Expectation expected = expectation(sample);
    const Outcome outcome = run_podium("replay " + entry.path().string() + " " + expected.options +
                                       " --system gb200-nvl72 --network analytic");
    if (expected.refusal.empty()) {
      EXPECT_EQ(outcome.status, 0) << sample << ": " << outcome.errors;
      ++read;
    } else {
      EXPECT_EQ(outcome.status, 2) << sample;
      EXPECT_THAT(outcome.errors, HasSubstr(expected.refusal)) << sample;
    }
  }
  EXPECT_GE(read, 25);
}

}  // namespace
}  // namespace podium::test
