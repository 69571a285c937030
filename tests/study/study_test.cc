// Study files: what is read, and what is refused where it is written.
#include "sim/study/study.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/core/error_of.h"
#include "tests/study/studies.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

/// What loading says of the quick look with one place replaced; it begins with that place.
std::string problem_with(const std::string& from, const std::string& to) {
  const std::string text = replaced(quick_look(), from, to);
  const StudyFile file(text);
  const std::string error = error_of([&] { file.load(); });
  EXPECT_THAT(error, testing::StartsWith(file.path() + ":")) << "'" << from << "' -> '" << to << "'";
  return error;
}

/// The line on which `part` first stands in the quick look.
std::string line_of(const std::string& part) {
  const std::string text = quick_look();
  return ":" +
         std::to_string(1 +
                        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(text.find(part)), '\n')) +
         ":";
}

TEST(StudyFile, IsReadAsItIsWritten) {
  const Study study = study_of(quick_look());
  EXPECT_EQ(study.name, "quick-look");
  ASSERT_EQ(study.systems.size(), 2U);
  EXPECT_EQ(study.systems[1].name, "hgx-h100");
  EXPECT_EQ(study.systems[1].domains, 2U);
  const ServingOptions& options = serving(study).regimes.at(0).systems.at(1);
  EXPECT_EQ(options.system, "hgx-h100");
  EXPECT_EQ(options.mixed.at(1).plan.ep, 2U);
  EXPECT_EQ(options.mixed.at(1).chunk_tokens, (std::vector<double>{512, 1024}));
  const TrainingOptions& step = training(study).regimes.at(0).systems.at(0);
  EXPECT_EQ(step.tp, (std::vector<std::int64_t>{1, 2, 4}));
  EXPECT_EQ(step.cp, (std::vector<std::int64_t>{1})) << "where nothing is said";
  EXPECT_EQ(step.base.global_batch, 64);
}

TEST(StudyFile, NamesTheNearestOfWhatItDoesNotKnow) {
  EXPECT_THAT(problem_with("{name: hgx-h200,", "{name: hgx-h20,"), HasSubstr("did you mean 'hgx-h200'"));
  EXPECT_THAT(problem_with("qwen3-30b-a3b", "qwen3-30b-a3"), HasSubstr("did you mean 'qwen3-30b-a3b'"));
  EXPECT_THAT(problem_with("network: flow", "network: flaw"), HasSubstr("did you mean 'flow'"));
  EXPECT_THAT(problem_with("kind: serving", "kind: severing"), HasSubstr("did you mean 'serving'"));
  EXPECT_THAT(problem_with("transfer_plane: nvlink", "transfer_plane: nvlonk"), HasSubstr("did you mean 'nvlink'"));
  EXPECT_THAT(problem_with("chunk_tokens: [4096]", "chunk_tokens: [4096, 4096]"), HasSubstr("'4096' is there twice"));
  EXPECT_THAT(problem_with("chunk_tokens: [4096]", "chunk_tokens: [4096], max_sequences: 8"),
              HasSubstr("'max_sequences' is for mixed templates"));
  EXPECT_THAT(problem_with("recompute: [none", "recompute: [non"), HasSubstr("did you mean 'none'"));
  EXPECT_THAT(problem_with("weights: bf16", "weights: bf61"), HasSubstr("did you mean 'bf16'"));
}

/// What loading says of the quick look on a system of the user's own, where one place of its file is replaced.
std::string problem_with_own_system(const std::string& from, const std::string& to) {
  const StudyFile file(replaced(replaced(quick_look(), "{name: hgx-h100,", "{name: ./own.yaml,"), "hgx-h100: *server",
                                "./own.yaml: *server"));
  file.add("own.yaml", replaced(text_of(PODIUM_SOURCE_DIR "/configs/systems/hgx-h100.yaml"), from, to));
  const std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(std::filesystem::path(file.path()).parent_path());
  std::string error = error_of([&] { file.load(); });
  std::filesystem::current_path(before);
  return error;
}

TEST(StudyFile, FindsTheChipAndTopologyThatASystemOfTheUsersOwnDoesNotHaveInThatFile) {
  const std::string system = text_of(PODIUM_SOURCE_DIR "/configs/systems/hgx-h100.yaml");
  const auto line = [&](const std::string& key) {
    const auto end = system.begin() + static_cast<std::ptrdiff_t>(system.find("\n" + key) + 1);
    return "own.yaml:" + std::to_string(1 + std::count(system.begin(), end, '\n')) + ":";
  };
  const std::string chip = problem_with_own_system("chip: h100-sxm", "chip: h100-smx");
  EXPECT_THAT(chip, testing::StartsWith(line("chip: ") + "7: unknown chip 'h100-smx' (did you mean 'h100-sxm'?)"));
  const std::string topology = problem_with_own_system("topology: hgx-h100", "topology: hgx-h10");
  EXPECT_THAT(topology, testing::StartsWith(line("topology: ") + "11: unknown topology 'hgx-h10'"));
  EXPECT_THAT(topology, HasSubstr("did you mean 'hgx-h100'"));
}

TEST(StudyFile, RefusesASystemThatDoesNotFitItsTopology) {
  EXPECT_THAT(problem_with_own_system("nodes_per_domain: {value: 1,", "nodes_per_domain: {value: 5,"),
              HasSubstr("a domain has 40 ranks, but in its topology hgx-h100 it has 8"));
  EXPECT_THAT(problem_with_own_system("ranks_per_package: {value: 1,", "ranks_per_package: {value: 2,"),
              HasSubstr("a package has 2 ranks, but in its topology hgx-h100 it has 1"));
  EXPECT_THAT(problem_with_own_system("  nvlink:", "  nvlonk:"),
              HasSubstr("unknown plane of hgx-h100 'nvlonk' (did you mean 'nvlink'?)"));
}

TEST(StudyFile, TakesFaultsThatAreThereFromTheStart) {
  const auto with = [](const std::string& faults) {
    return replaced(quick_look(), "{name: hgx-h100, domains: 2}",
                    "{name: hgx-h100, domains: 2, faults: " + faults + "}");
  };
  EXPECT_EQ(study_of(with("[\"NVSwitch[0]\", \"leaf=50%\"]")).systems.at(1).faults,
            (std::vector<std::string>{"NVSwitch[0]", "leaf=50%"}));
  EXPECT_THAT(error_of([&] { study_of(with("[\"NVSwitch[9]\"]")); }), HasSubstr("'NVSwitch[9]' is neither"));
  EXPECT_THAT(error_of([&] { study_of(with("[\"NVSwitch[0]@1 ms\"]")); }), HasSubstr("from the start"));
}

TEST(StudyFile, TakesSlowChips) {
  const auto with = [](const std::string& slow) {
    return replaced(quick_look(), "{name: hgx-h100, domains: 2}", "{name: hgx-h100, domains: 2, slow: " + slow + "}");
  };
  EXPECT_EQ(study_of(with("[\"5=80%\", \"8..15=50%\"]")).systems.at(1).slow,
            (std::vector<std::string>{"5=80%", "8..15=50%"}));
  EXPECT_THAT(error_of([&] { study_of(with("[\"5\"]")); }), HasSubstr("study.yaml:10"));
  EXPECT_THAT(error_of([&] { study_of(with("[\"16=80%\"]")); }), HasSubstr("one of ranks 0 to 15"));
  EXPECT_THAT(error_of([&] { study_of(with("[\"5=80%\", \"0..7=50%\"]")); }), HasSubstr("rank 5 is slow twice"));
}

TEST(StudyFile, RefusesASystemThatTheStudyDoesNotName) {
  const std::string error = problem_with("          hgx-h100: *server", "          hgx-b200: *server");
  EXPECT_THAT(error, HasSubstr("unknown system in this study 'hgx-b200'"));
  EXPECT_THAT(problem_with("challenger: hgx-h100", "challenger: hgx-h10"), HasSubstr("did you mean 'hgx-h100'"));
  EXPECT_THAT(problem_with("challenger: hgx-h100", "challenger: hgx-h200"), HasSubstr("to reach itself"));
}

TEST(StudyFile, RefusesFiguresThatMakeNoSense) {
  EXPECT_THAT(problem_with("ttft: 500 ms", "ttft: 500 MB"), HasSubstr("'500 MB'"));
  EXPECT_THAT(problem_with("ttft: 500 ms", "ttft: 0 ms"), HasSubstr("more than zero"));
  EXPECT_THAT(problem_with("ttft: 500 ms", "ttft: inf s"), HasSubstr("finite"));
  EXPECT_THAT(problem_with("measured: 20 s", "measured: -4 s"), HasSubstr("negative"));
  EXPECT_THAT(problem_with("measured: 20 s", "measured: 0 s"), HasSubstr("more than zero"));
  EXPECT_THAT(problem_with("input: 2048", "input: 0"), HasSubstr("whole number from 1"));
  EXPECT_THAT(problem_with("input: 2048", "input: 2048.5"), HasSubstr("'2048.5'"));
  EXPECT_THAT(problem_with("quantile: 0.95", "quantile: 1"), HasSubstr("between 0 and 1"));
  EXPECT_THAT(problem_with("seed: 1", "seed: -1"), HasSubstr("'-1'"));
  EXPECT_THAT(problem_with("seed: 1", "seed: 99999999999999999999999"), HasSubstr("too large a count"));
  EXPECT_THAT(problem_with("domains: 2", "domains: 0"), HasSubstr("whole number from 1"));
  EXPECT_THAT(problem_with("domains: 2", "domains: 99999"), HasSubstr("at most"));
  EXPECT_THAT(problem_with("tp: [1, 2, 4]", "tp: [1, -2, 4]"), HasSubstr("'-2'"));
}

TEST(StudyFile, RefusesKeysThatAreMissingMisspeltOrTwice) {
  EXPECT_THAT(problem_with("global_batch: 64", "global_bach: 64"), HasSubstr("'global_batch' is missing"));
  EXPECT_THAT(problem_with("chunk_tokens: [4096]", "chunks: [4096]"), HasSubstr("'chunk_tokens' is missing"));
  EXPECT_THAT(problem_with("dp: 8, ep: 8", "dp: 8, ep: 8, expert_inbalance: 1"), HasSubstr("expert_inbalance"));
  EXPECT_THAT(problem_with("{name: hgx-h100,", "{name: hgx-h200,"), HasSubstr("'hgx-h200' is there twice"));
  EXPECT_THAT(problem_with("name: Llama 3.1 8B training", "name: Qwen3-30B-A3B serving"), HasSubstr("there twice"));
  EXPECT_THAT(problem_with("seed: 1", "seed: 1\nchips: [8, 16, 8]"), HasSubstr("'8' is there twice"));
}

TEST(StudyFile, RefusesACrossoverThatIsAskedForTwice) {
  const std::string question = "  - {challenger: hgx-h100, reference: hgx-h200}\n";
  const std::string error = problem_with(question, question + question);
  EXPECT_THAT(error, HasSubstr("crossovers.1: 'hgx-h100 against hgx-h200' is there twice"));
  EXPECT_THAT(error, HasSubstr(line_of("\nassumptions:"))) << "of the second";
  EXPECT_NO_THROW(
      study_of(replaced(quick_look(), question, question + "  - {challenger: hgx-h200, reference: hgx-h100}\n")));
}

TEST(StudyFile, RefusesASystemAndACrossoverWithoutPlans) {
  const std::string without =
      replaced(replaced(quick_look(), "          hgx-h100: *server\n", ""), "          hgx-h100: *step\n", "");
  EXPECT_THAT(error_of([&] { study_of(without); }), HasSubstr("no regime of a workload has plans for 'hgx-h100'"));
  const std::string apart = replaced(replaced(replaced(quick_look(), "          hgx-h100: *server\n", ""),
                                              "          hgx-h200: &step", "          hgx-h100: &step"),
                                     "          hgx-h100: *step\n", "");
  EXPECT_THAT(error_of([&] { study_of(apart); }),
              HasSubstr("no regime of a workload has plans for both 'hgx-h100' and 'hgx-h200'"));
}

TEST(StudyFile, RefusesListsWithNothingInThem) {
  for (const auto& [from, to] :
       std::vector<std::pair<std::string, std::string>>{{"tp: [1, 2, 4]", "tp: []"},
                                                        {"recompute: [none, selective, full]", "recompute: []"},
                                                        {"chunk_tokens: [4096]", "chunk_tokens: []"},
                                                        {"seed: 1", "seed: 1\nchips: []"}}) {
    EXPECT_THAT(problem_with(from, to), HasSubstr("the list is empty"));
  }
  const std::string text = quick_look();
  const std::string head = text.substr(0, text.find("workloads:"));
  EXPECT_THAT(error_of([&] { study_of(head + "workloads: []\n"); }), HasSubstr("the list is empty"));
}

TEST(StudyFile, RefusesPlansThatCannotBeWhereTheyAreWritten) {
  const std::string heads =
      problem_with("{tp: 2, dp: 1, ep: 2, chunk_tokens: [4096]}", "{tp: 3, dp: 1, ep: 3, chunk_tokens: [4096]}");
  EXPECT_THAT(heads, HasSubstr("tp 3 does not divide the 32 heads"));
  EXPECT_THAT(heads, HasSubstr(line_of("{tp: 2, dp: 1, ep: 2, chunk_tokens: [4096]}")));
  EXPECT_THAT(problem_with("{tp: 1, dp: 8, ep: 8", "{tp: 1, dp: 8, ep: 4"), HasSubstr("share the same ranks"));
  EXPECT_THAT(problem_with("{tp: 1, dp: 8, ep: 8", "{tp: 1, dp: 16, ep: 16"),
              HasSubstr("takes 16 ranks, but a domain of hgx-h200 has 8 to use"));
  EXPECT_THAT(problem_with("experts: bf16", "experts: nvfp4"), HasSubstr("nvfp4, which h200-sxm does not compute in"));
}

TEST(StudyFile, RefusesADegreeThatNoTrainingPlanCanHave) {
  const std::string error = problem_with("tp: [1, 2, 4]", "tp: [1, 2, 3]");
  EXPECT_THAT(error, HasSubstr("no plan can have tp 3"));
  EXPECT_THAT(error, HasSubstr(line_of("tp: [1, 2, 4]")));
  EXPECT_THAT(problem_with("pp: [1, 2]", "pp: [1, 64]"), HasSubstr("no plan can have pp 64"));
  EXPECT_THAT(problem_with("micro_batch: [1, 2]", "micro_batch: [1, 3]"), HasSubstr("no plan can have micro_batch 3"));
}

TEST(StudyFile, BlamesTheListThatAloneIsWhyNoTrainingPlanCanBe) {
  const auto blamed = [](const std::string& line, const std::string& key, const std::string& problem) {
    EXPECT_THAT(problem_with("matrix: bf16", "matrix: bf16\n            " + line),
                HasSubstr("systems.hgx-h200." + key + ": " + problem));
  };
  blamed("cp: [3]", "cp.0", "no plan can have cp 3: ");
  blamed("virtual_stages: [64]", "virtual_stages.0", "no plan can have virtual_stages 64: ");
  blamed("ep: [8]", "ep.0", "no plan can have ep 8: ");
  EXPECT_THAT(problem_with("micro_batch: [1, 2]", "micro_batch: [65]"),
              HasSubstr("hgx-h200.micro_batch.0: no plan can have micro_batch 65: "));
  EXPECT_THAT(problem_with("tp: [1, 2, 4]", "tp: [3, 5]"), HasSubstr("hgx-h200.tp.0: no plan can have tp 3: "));
  const std::string stages = problem_with("pp: [1, 2]", "pp: [35]");
  EXPECT_THAT(stages, HasSubstr("hgx-h200.pp.0: no plan can have pp 35: "));
  EXPECT_THAT(stages, HasSubstr("cannot fill 35 stages"));
  EXPECT_THAT(stages, HasSubstr(line_of("pp: [1, 2]")));
}

TEST(StudyFile, RefusesATypeThatNoTrainingPlanCanHaveOnItsChip) {
  const std::string why = "chip 'h200-sxm' does not compute in nvfp4";
  const std::string only = problem_with("matrix: bf16", "matrix: nvfp4");
  EXPECT_THAT(only, HasSubstr("hgx-h200.matrix: no plan can have matrix nvfp4: "));
  EXPECT_THAT(only, HasSubstr(why));
  EXPECT_THAT(only, HasSubstr(line_of("matrix: bf16")));
  EXPECT_THAT(problem_with("matrix: bf16", "matrix: [bf16, nvfp4]"), HasSubstr("hgx-h200.matrix.1: no plan can have"));
  const std::string attention = problem_with("            attention: bf16", "            attention: nvfp4");
  EXPECT_THAT(attention, HasSubstr("hgx-h200.attention: "));
  EXPECT_THAT(attention, HasSubstr(why));
}

TEST(StudyFile, BlamesAllOptionsWhereNoListAloneIsWhyNoTrainingPlanCanBe) {
  EXPECT_THAT(problem_with("tp: [1, 2, 4]", "tp: [3]\n            ep: [8]"),
              HasSubstr("systems.hgx-h200: training plan 'TP3"));
}

TEST(StudyFile, RefusesMoreChipsThanItsSystemsHave) {
  EXPECT_NO_THROW(study_of(replaced(quick_look(), "seed: 1\n", "seed: 1\nchips: [4, 8]\n")));
  EXPECT_THAT(problem_with("seed: 1\n", "seed: 1\nchips: [4, 16]\n"),
              HasSubstr("chips.1: hgx-h200 has 8 chips in this study (domains: 1), not 16"));
}

TEST(StudyFile, RefusesValuesOfALadderThatAreThereTwice) {
  EXPECT_THAT(problem_with("tp: [1, 2, 4]", "tp: [1, 2, 1]"), HasSubstr("'1'"));
  EXPECT_THAT(problem_with("matrix: bf16", "matrix: [bf16, bf16]"), HasSubstr("'bf16'"));
}

TEST(StudyFile, RefusesChunksOfLessThanAToken) {
  EXPECT_THAT(problem_with("tp: [1, 2, 4]", "tp_overlap_chunks: 100000\n            tp: [2, 4]"),
              HasSubstr("less than a token each"));
}

TEST(StudyFile, SaysThatNumbersInBracesHaveNoCommas) {
  EXPECT_THAT(problem_with("{input: 2048, output: 256}", "{input: 2,048, output: 256}"),
              HasSubstr("'048' is no key; within { } and [ ] a number has no commas"));
}

TEST(StudyFile, RefusesRequestsLongerThanTheModelTakes) {
  const int most = load_model("qwen3-30b-a3b").max_context;
  const std::string longest = "{input: " + std::to_string(most - 256) + ", output: 256}";
  EXPECT_NO_THROW(study_of(replaced(quick_look(), "{input: 2048, output: 256}", longest)));
  const std::string error =
      problem_with("{input: 2048, output: 256}", "{input: " + std::to_string(most - 255) + ", output: 256}");
  EXPECT_THAT(error, HasSubstr("qwen3-30b-a3b takes at most"));
  EXPECT_THAT(error, HasSubstr(line_of("{input: 2048, output: 256}")));
}

TEST(StudyFile, RefusesSequencesLongerThanTheModelTakes) {
  EXPECT_NO_THROW(study_of(replaced(quick_look(), "sequence: 8192", "sequence: 131072")));
  const std::string error = problem_with("sequence: 8192", "sequence: 262144");
  EXPECT_THAT(error, HasSubstr("sequence: a sequence has 262,144 tokens, but llama-3.1-8b takes at most 131,072"));
  EXPECT_THAT(error, HasSubstr(line_of("sequence: 8192")));
}

TEST(StudyFile, TakesSourcesThatNoFigureMayName) {
  EXPECT_NO_THROW(study_of(replaced(quick_look(), "seed: 1", "seed: 1\nsources: {}")));
  EXPECT_THAT(problem_with("seed: 1", "seed: 1\nsources: {x: {text: a, grade: assumed}}"),
              HasSubstr("the source 'x' is cited by no figure"));
}

TEST(StudyFile, WantsPrefillAndDecodeTogether) {
  EXPECT_THAT(problem_with("            decode:\n              - {tp: 1, dp: 4, ep: 4, chunk_tokens: [64]}\n", ""),
              HasSubstr("go together"));
}

TEST(StudyFile, HasANameThatAFolderCanHave) {
  EXPECT_THAT(problem_with("name: quick-look", "name: ../quick"), HasSubstr("names the folder of results"));
  EXPECT_THAT(problem_with("name: quick-look", "name: 'a b'"), HasSubstr("names the folder of results"));
}

TEST(StudyFile, FindsATraceBesideItAndReadsItBeforeAnythingRuns) {
  const std::string text = replaced(quick_look(), "{input: 2048, output: 256}", "{trace: requests.csv}");
  const StudyFile file(text);
  EXPECT_THAT(error_of([&] { file.load(); }), HasSubstr("cannot read the request trace"));
  file.add("requests.csv", "arrival,input,output\n0,100,20\n1,many,20\n");
  EXPECT_THAT(error_of([&] { file.load(); }), HasSubstr("requests.csv:3: "));
  file.add("requests.csv", "arrival,input,output\n0,100,20\n1,200,20\n");
  EXPECT_THAT(serving(file.load()).arrivals.trace, testing::EndsWith("/requests.csv"));
}

TEST(StudyFile, OfTheRepositoryIsSoundEachAndEvery) {
  const std::vector<std::string> names = list_files("configs/studies");
  ASSERT_FALSE(names.empty());
  for (const std::string& name : names) {
    EXPECT_EQ(load_study(name).name, name);
  }
}

}  // namespace
}  // namespace podium::test
