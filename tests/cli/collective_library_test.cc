// podium collective from outside: as libraries were measured, and tokens to their experts.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/run_collective.h"
#include "tests/cli/run_podium.h"

namespace podium::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(CollectiveCommand, DoesAsTheLibraryWasMeasured) {
  const std::string arguments = "all_gather --system hgx-h100 --ranks 8 --bytes 64KiB";
  const json row = run_json(arguments).at("results").at(0);
  EXPECT_EQ(row.at("algorithm"), "ring");
  EXPECT_NEAR(row.at("time_seconds").get<double>(), row.at("candidates").at(0).at("predicted_seconds").get<double>(),
              1e-10);
  EXPECT_FALSE(row.at("regime").get<std::string>().empty());
  const json schedule = run_json(arguments + " --library off").at("results").at(0);
  EXPECT_FALSE(schedule.contains("regime"));
  EXPECT_NE(schedule.at("time_seconds"), row.at("time_seconds"));
  expect_refused_collective(arguments + " --library nccl", "--library");
}

TEST(CollectiveCommand, IsNoFasterWithSlowerLinksAndKeepsItsLibrary) {
  for (const std::string call : {"all_gather --bytes 16MiB", "all_reduce --bytes 256MiB", "all_to_all --bytes 64MiB"}) {
    const std::string arguments = call + " --system gb200-nvl72 --ranks 8";
    double before = seconds_of(arguments);
    for (const std::string left : {"=99%", "=50%", "=0%"}) {
      const json faulty = run_json(arguments + " --fail 'NVSwitch[0]" + left + "'");
      EXPECT_EQ(faulty.at("library"), "nccl");
      const double time = faulty.at("results").at(0).at("time_seconds");
      EXPECT_GE(time, before) << call << " with NVSwitch[0]" << left;
      before = time;
    }
    EXPECT_GT(before, 1.005 * seconds_of(arguments)) << call;
    EXPECT_NEAR(seconds_of(arguments + " --fail NVSwitch[0]@1s"), seconds_of(arguments), 1e-9) << "after its end";
  }
}

TEST(CollectiveCommand, FindsTheLibraryOfACopyOfASystem) {
  const std::string arguments = "all_reduce --ranks 8 --bytes 1MiB --system ";
  const json known = run_json(arguments + "hgx-h100");
  EXPECT_EQ(known.at("library"), "nccl");
  const auto copy = std::filesystem::path(testing::TempDir()) / "podium-mine.yaml";
  std::filesystem::copy_file(PODIUM_SOURCE_DIR "/configs/systems/hgx-h100.yaml", copy,
                             std::filesystem::copy_options::overwrite_existing);
  for (const std::string& path : {std::string("configs/systems/hgx-h100.yaml"), copy.string()}) {
    EXPECT_EQ(run_json(arguments + path).at("results"), known.at("results")) << path;
  }
  std::ostringstream text;
  text << std::ifstream(copy).rdbuf();
  std::string misspelt = text.str();
  misspelt.replace(misspelt.find("library: hgx-h100"), 17, "library: hgx-h10");
  std::ofstream(copy) << misspelt;
  expect_refused_collective(arguments + copy.string(), "podium-mine.yaml");
  expect_refused_collective(arguments + copy.string(), "did you mean 'hgx-h100'?");
}

TEST(CollectiveCommand, SaysWhereNoLibraryApplies) {
  const json none = run_json("all_reduce --system atlas-950-superpod --ranks 8 --bytes 1MiB");
  EXPECT_TRUE(none.at("library").is_null());
  EXPECT_THAT(none.at("notes").dump(), HasSubstr("no library was measured on atlas-950-superpod"));
  const json other = run_json("broadcast --system hgx-h100 --ranks 8 --bytes 1MiB");
  EXPECT_TRUE(other.at("library").is_null());
  EXPECT_THAT(other.at("notes").dump(), HasSubstr("was not measured to do broadcast"));
  EXPECT_THAT(run_json("all_reduce --system hgx-h100 --ranks 8 --bytes 1MiB").at("notes").dump(),
              testing::Not(HasSubstr("measured")));
  EXPECT_THAT(
      run_json("all_reduce --system hgx-h100 --ranks 8 --bytes 1MiB --library on --algorithm ring").at("notes").dump(),
      HasSubstr("--library has no effect"));
}

TEST(CollectiveCommand, IsDoneByTheRegimeThatIsNamed) {
  const std::string arguments =
      "dispatch --system hgx-h100 --ranks 16 --tokens 4096 --hidden 7168 --experts 256 --topk 8 --type fp8_block";
  const auto regime = [&](const std::string& name) {
    return run_json(arguments + " --regime " + name).at("results").at(0).at("regime");
  };
  EXPECT_EQ(regime("low_latency"), "dispatch_low_latency_network");
  EXPECT_EQ(regime("normal"), "dispatch_normal_network");
  EXPECT_EQ(regime("dispatch_normal_network"), "dispatch_normal_network");
  EXPECT_GT(seconds_of(arguments + " --regime low_latency"), seconds_of(arguments));
  expect_refused_collective(arguments + " --regime low_latencies", "did you mean 'low_latency'?");
  expect_refused_collective(arguments + " --regime dispatch_normal", "those that do: dispatch_normal_network, ");
  expect_refused_collective(arguments + " --regime normal --algorithm direct", "--regime: ");
  expect_refused_collective(arguments + " --regime normal --library off", "--regime: ");
  expect_refused_collective("all_reduce --system atlas-950-superpod --ranks 8 --bytes 8 --regime simple",
                            "--regime: no library");
  const Outcome csv = run_podium("collective " + arguments + " --regime normal --format csv");
  EXPECT_THAT(csv.output, HasSubstr(",regime\n"));
  EXPECT_THAT(csv.output, testing::EndsWith(",dispatch_normal_network\n"));
  const std::string file = testing::TempDir() + "podium-regime.svg";
  run_json(arguments + " --regime normal --draw " + file);
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_THAT(text.str(), HasSubstr("once_per_node (dispatch_normal_network)"));
}

TEST(CollectiveCommand, BringsTokensToTheirExperts) {
  const std::string tokens = " --system hgx-h100 --ranks 16 --hidden 7168 --experts 256 --topk 8 --type fp8 --check";
  const json result = run_json("dispatch --tokens 128:4096:32 --library off" + tokens);
  EXPECT_EQ(result.at("checked"), true);
  const json& rows = result.at("results");
  ASSERT_EQ(rows.size(), 2U);
  EXPECT_EQ(rows[1].at("bytes"), 4096 * 8 * 7168) << "a copy for each choice";
  EXPECT_EQ(rows[1].at("algorithm"), "once_per_node");
  EXPECT_EQ(rows[1].at("candidates").size(), 3U);
  const std::string file = testing::TempDir() + "dispatch.svg";
  run_json("combine --tokens 128 --algorithm once_per_node --draw " + file + tokens);
  EXPECT_TRUE(std::filesystem::exists(file));
  // groups by nodes: half of the tokens stay
  const auto time = [&](const std::string& groups) {
    return run_json("dispatch --tokens 4096 --algorithm once_per_node" + tokens + groups)
        .at("results")[0]
        .at("time_seconds");
  };
  EXPECT_LT(time(" --groups 2 --groups-per-token 1").get<double>(), 0.7 * time("").get<double>());
  expect_refused_collective("dispatch --tokens 8 --topk 8 --hidden 7168 --system hgx-h100 --ranks 8",
                            "--experts: a token cannot");
  expect_refused_collective("dispatch --tokens 8 --topk 8 --experts 64 --system hgx-h100 --ranks 8", "--tokens: ");
  expect_refused_collective("dispatch --bytes 8 --algorithm once_per_node --system hgx-h100 --ranks 16",
                            "those that can: direct");
  expect_refused_collective("all_gather --bytes 8 --topk 8 --experts 64 --system hgx-h100 --ranks 8",
                            "not of all_gather");
}

TEST(CollectiveCommand, RefusesWhatHasNoEffectOnTokens) {
  const std::string system = " --system hgx-h100 --ranks 8";
  expect_refused_collective("all_reduce --bytes 8 --hidden 7168" + system, "--hidden: ");
  expect_refused_collective("all_to_all --bytes 8 --redundant 8" + system, "--redundant: ");
  expect_refused_collective("dispatch --bytes 8 --hidden 64 --experts 64 --topk 8" + system, "--hidden: ");
  expect_refused_collective("dispatch --bytes 8 --shared 1" + system, "--shared: goes with --experts");
  expect_refused_collective("dispatch --bytes 8 --groups-per-token 2" + system, "--groups-per-token: goes with");
  const std::string tokens = "dispatch --experts 64 --topk 8 --hidden 64 --tokens ";
  expect_refused_collective(tokens + "8 --groups 128" + system, "--groups: ");
  expect_refused_collective(tokens + "8 --groups 7 --groups-per-token 1" + system, "groups of equal size");
  expect_refused_collective(tokens + "8 --groups 2" + system, "--groups: goes with --groups-per-token");
  expect_refused_collective(tokens + "8 --groups 4 --groups-per-token 5" + system, "--groups-per-token: ");
  expect_refused_collective(tokens + "1.5" + system, "--tokens: '1.5' is not a whole number of tokens");
  expect_refused_collective(tokens + "128KiB" + system, "--tokens: ");
}

}  // namespace
}  // namespace podium::test
