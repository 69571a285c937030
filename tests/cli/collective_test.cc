// podium collective from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "sim/core/units.h"
#include "tests/cli/run_collective.h"
#include "tests/cli/run_podium.h"

namespace podium::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;

TEST(CollectiveCommand, NotesWhatHasNoEffect) {
  const json within = run_json("all-reduce --system gb200-nvl72 --ranks 8 --bytes 1MiB --library off");
  EXPECT_THAT(within.at("notes").dump(), HasSubstr("nothing is sent over"));
  EXPECT_THAT(within.at("notes").dump(), HasSubstr("its figures have no effect"));
  const json given = run_json(
      "all-reduce --system hgx-h100 --ranks 8 --bytes 1MiB --algorithm ring --library off --all --recovery 1ms "
      "--network packet --fold off");
  for (const char* option : {"--library", "--all", "--recovery", "--fold"}) {
    EXPECT_THAT(given.at("notes").dump(), HasSubstr(std::string(option) + " has no effect"));
  }
  EXPECT_THAT(run_podium("collective all-reduce --system hgx-h100 --ranks 8 --bytes 1MiB").output,
              testing::Not(HasSubstr("--")));
}

TEST(CollectiveCommand, GivesTimeAndBandwidthsForEachSize) {
  const json result = run_json("all-reduce --system hgx-h100 --ranks 8 --bytes 1KiB:1GiB:4");
  EXPECT_EQ(result.at("operation"), "all_reduce");
  EXPECT_EQ(result.at("ranks"), 8);
  const json& rows = result.at("results");
  ASSERT_EQ(rows.size(), 11U) << "from 2^10 to 2^30 by 2^2";
  double size = 1024;
  double before = 0;
  for (const json& row : rows) {
    EXPECT_EQ(row.at("bytes"), size);
    EXPECT_EQ(row.at("count"), size / 4) << "elements of fp32";
    const double time = row.at("time_seconds");
    EXPECT_GT(time, before) << "more bytes take longer";
    EXPECT_DOUBLE_EQ(row.at("algbw_bytes_per_second").get<double>(), size / time);
    EXPECT_DOUBLE_EQ(row.at("busbw_bytes_per_second").get<double>(), size / time * 2 * 7 / 8);
    EXPECT_EQ(row.at("algorithm"), row.at("candidates").at(0).at("algorithm")) << "the fastest by prediction";
    before = time;
    size *= 4;
  }
}

TEST(CollectiveCommand, AgreesBetweenFluidsAndPacketsWhereMessagesAreManyPackets) {
  // 64 KiB a peer
  for (const std::string machine : {"cloudmatrix384 --ranks 32 --bytes 2MiB", "gb200-nvl72 --ranks 16 --bytes 1MiB"}) {
    const std::string arguments = "all-to-all --algorithm direct --system " + machine + " --network ";
    const double fluid = run_json(arguments + "flow").at("results").at(0).at("time_seconds");
    const double packets = run_json(arguments + "packet").at("results").at(0).at("time_seconds");
    EXPECT_GE(packets, 0.999 * fluid) << machine;
    EXPECT_LE(packets, 1.05 * fluid) << machine;
  }
}

TEST(CollectiveCommand, SaysTheSameInEveryFormat) {
  const std::string arguments = "all_gather --system hgx-h100 --ranks 8 --bytes 64MiB --algorithm ring";
  const json row = run_json(arguments).at("results").at(0);
  std::ostringstream microseconds;
  microseconds.precision(2);
  microseconds << std::fixed << row.at("time_seconds").get<double>() * 1e6;
  const Outcome text = run_podium("collective " + arguments);
  EXPECT_THAT(text.output, HasSubstr(" " + microseconds.str() + " "));
  const Outcome csv = run_podium("collective " + arguments + " --format csv");
  EXPECT_THAT(csv.output, HasSubstr("operation,system,ranks,network,bytes,count,type,algorithm,time_seconds,"));
  EXPECT_THAT(csv.output, HasSubstr("all_gather,hgx-h100,8,flow,67108864,2097152,fp32,ring,"));
}

TEST(CollectiveCommand, IsNotChangedByFolding) {
  for (const std::string kind : {"all_reduce", "all_to_all", "dispatch"}) {
    const std::string arguments = kind + " --system hgx-h100 --ranks 24 --bytes 1MiB:64MiB:8 --fold ";
    json on = run_json(arguments + "on"), off = run_json(arguments + "off");
    for (std::size_t i = 0; i < off.at("results").size(); ++i) {
      json &folded = on.at("results").at(i), &full = off.at("results").at(i);
      EXPECT_LE(folded.at("simulated").at("bundles"), full.at("simulated").at("bundles"));
      EXPECT_EQ(folded.at("simulated").at("messages"), full.at("simulated").at("messages"));
      EXPECT_EQ(full.at("simulated").at("bundles"), full.at("simulated").at("messages"));
      folded.erase("simulated");
      full.erase("simulated");
    }
    EXPECT_EQ(on, off) << kind;
  }
}

TEST(CollectiveCommand, AgreesWithTheAnalyticNetworkWithinOneServer) {
  const std::string arguments = "all_gather --system hgx-h100 --ranks 8 --bytes 64MiB --algorithm ring --network ";
  const double flow = run_json(arguments + "flow").at("results").at(0).at("time_seconds");
  const double analytic = run_json(arguments + "analytic").at("results").at(0).at("time_seconds");
  EXPECT_NEAR(flow, analytic, 1e-10);
}

TEST(CollectiveCommand, TakesOneSizeInWhateverUnit) {
  for (const std::string size : {"2048", "2KiB", "'2 KiB'", "2.048kB"}) {
    const json rows = run_json("send --system hgx-h100 --ranks 2 --bytes " + size).at("results");
    ASSERT_EQ(rows.size(), 1U);
    EXPECT_EQ(rows[0].at("bytes"), 2048) << size;
  }
}

TEST(CollectiveCommand, TakesLaunchAndLatencyForZeroBytes) {
  const json row = run_json("all_reduce --system hgx-h100 --ranks 8 --bytes 0").at("results").at(0);
  EXPECT_GT(row.at("time_seconds").get<double>(), 0);
  EXPECT_EQ(row.at("algbw_bytes_per_second"), 0);
}

TEST(CollectiveCommand, LosesTheBandwidthOfFailedPlanes) {
  const double chips = 18;
  for (const std::string network : {"flow", "packet"}) {
    const std::string arguments =
        "all-to-all --algorithm direct --system gb200-nvl72 --ranks 8 --network " + network + " --bytes ";
    const double fixed = seconds_of(arguments + "0");
    const double wire = seconds_of(arguments + "64MiB") - fixed;
    const double without_three = seconds_of(arguments + "64MiB --fail 'NVSwitch[0..2]'") - fixed;
    EXPECT_NEAR(without_three / wire, chips / (chips - 3), 0.01) << network;
  }
}

TEST(CollectiveCommand, IsNotChangedByFoldingWhereLinksHaveFailed) {
  const std::string arguments =
      "all-gather --algorithm ring --system cloudmatrix384 --ranks 64 --bytes 16MiB --fail ub:L2[0..15] --fail "
      "3-L1[2]=50% --fold ";
  EXPECT_EQ(seconds_of(arguments + "on"), seconds_of(arguments + "off"));
  EXPECT_GT(seconds_of(arguments + "on"), seconds_of(arguments.substr(0, arguments.find("--fail")) + "--fold on"));
}

TEST(CollectiveCommand, WaitsForTheRecoveryFromAFault) {
  const std::string arguments =
      "all-to-all --algorithm direct --system gb200-nvl72 --ranks 8 --bytes 64MiB --fail NVSwitch[1]@20us";
  EXPECT_NEAR(seconds_of(arguments + " --recovery 3ms") - seconds_of(arguments), 3e-3, 1e-9);
}

TEST(CollectiveCommand, RefusesFaultsOfWhatIsNotThere) {
  const std::string good = "all_reduce --system hgx-h100 --ranks 8 --bytes 8 ";
  expect_refused_collective(good + "--fail NVSwitch[4]",
                            "--fail: 'NVSwitch[4]' is neither a link nor a node of hgx-h100");
  expect_refused_collective(good + "--fail NVSwitch[0]=50", "is no fault: PART[=LEFT][@TIME]");
  expect_refused_collective(good + "--fail NVSwitch[0]@50", "unit of time");
  expect_refused_collective(good + "--fail NVSwitch[0]@1us --recovery 5", "--recovery");
}

TEST(CollectiveCommand, RefusesWhatCannotBe) {
  const std::string good = "all_reduce --system hgx-h100 ";
  expect_refused_collective("all_redoce --system hgx-h100 --ranks 8 --bytes 8", "did you mean 'all_reduce'?");
  expect_refused_collective("all_reduce --system hgx-h10 --ranks 8 --bytes 8", "did you mean 'hgx-h100'?");
  expect_refused_collective(good + "--ranks 1 --bytes 8", "--ranks: 1 rank has nobody to exchange with");
  expect_refused_collective(good + "--ranks 0 --bytes 8", "--ranks: 0 ranks have nobody to exchange with");
  expect_refused_collective(good + "--ranks -8 --bytes 8", "--ranks");
  expect_refused_collective(good + "--ranks 20000 --bytes 8", "20000 ranks need 2500 domains of hgx-h100");
  expect_refused_collective(good + "--ranks 8 --bytes 8 --algorithm rign", "did you mean 'ring'?");
  expect_refused_collective(good + "--ranks 6 --bytes 8 --algorithm recursive_halving_doubling",
                            "those that can: bruck, direct");
  expect_refused_collective(good + "--ranks 8 --bytes 8 --network flwo", "did you mean 'flow'?");
  expect_refused_collective(good + "--ranks 8 --bytes 8 --fold maybe", "'maybe' is none of on, off and check");
  expect_refused_collective(good + "--ranks 8 --bytes 8 --fold check --network packet",
                            "--fold: nothing is folded on the packet");
  expect_refused_collective(good + "--ranks 8 --bytes 8 --fold check --fail NVSwitch[0]@1ms",
                            "--fold: nothing is folded where");
  expect_refused_collective(good + "--ranks 8 --bytes 8 --type bf61", "did you mean 'bf16'?");
}

TEST(CollectiveCommand, HasNoBytesToABarrier) {
  const json row = run_json("barrier --system gb200-nvl72 --ranks 72").at("results").at(0);
  EXPECT_GT(row.at("time_seconds").get<double>(), 0);
  EXPECT_EQ(row.at("busbw_bytes_per_second"), 0);
  const json given = run_json("barrier --system gb200-nvl72 --ranks 72 --bytes 1GiB");
  EXPECT_EQ(given.at("results").at(0), row);
  EXPECT_THAT(given.at("notes").dump(), HasSubstr("--bytes has no effect"));
}

TEST(CollectiveCommand, SendsToTheNextAmongMoreThanTwo) {
  const std::string arguments = "sendrecv --system hgx-h100 --bytes 64MiB --check --ranks ";
  EXPECT_NEAR(seconds_of(arguments + "8"), seconds_of(arguments + "2"), 1e-9) << "each has a port of its own";
  EXPECT_GT(seconds_of(arguments + "16"), 2 * seconds_of(arguments + "8")) << "some of them over the network";
}

TEST(CollectiveCommand, TakesTheRanksThatAreNamed) {
  const std::string arguments = "all_to_all --system cloudmatrix384 --algorithm direct --bytes 64MiB --ranks ";
  EXPECT_EQ(run_json(arguments + "0,1,2,3"), run_json(arguments + "4"));
  EXPECT_EQ(run_json(arguments + "0..2,3").at("ranks"), 4);
  const double sisters = seconds_of(arguments + "2,3");
  const double strangers = seconds_of(arguments + "2,4");
  EXPECT_LT(sisters, strangers) << "dies of one package are joined by a faster link";
}

TEST(CollectiveCommand, RefusesRanksThatCannotBe) {
  const std::string good = "all_reduce --system gb200-nvl72 --bytes 1MiB ";
  expect_refused_collective(good + "--ranks 0,1,5,1", "--ranks: rank 1 is there twice");
  expect_refused_collective(good + "--ranks 0..4,3", "--ranks: rank 3 is there twice");
  expect_refused_collective(good + "--ranks 7,", "--ranks");
  expect_refused_collective(good + "--ranks 7..7", "--ranks: 1 rank has nobody to exchange with");
  expect_refused_collective(good + "--ranks 5..2", "--ranks: '5..2' ends before it begins");
  expect_refused_collective(good + "--ranks 0,1.5", "--ranks: '1.5' is no rank");
  expect_refused_collective(good + "--ranks 1e1", "--ranks: '1e1' is no rank");
  expect_refused_collective(good + "--ranks 0,800000", "800001 ranks need 11112 domains of gb200-nvl72");
}

TEST(CollectiveCommand, ChecksWhatEverySizeIsDoneBy) {
  const std::string arguments = "all_reduce --system cloudmatrix384 --ranks 48 --bytes 1KiB:1GiB:32 --check";
  const json result = run_json(arguments);
  EXPECT_EQ(result.at("checked"), true);
  EXPECT_THAT(run_podium("collective " + arguments).output, HasSubstr("# checked: every rank ends with"));
}

TEST(CollectiveCommand, PrintsAllRunnersUpWhereAsked) {
  const std::string arguments = "all_reduce --system cloudmatrix384 --ranks 16 --bytes 1MiB --library off";
  const auto shown = [](const std::string& text) { return std::count(text.begin(), text.end(), ','); };
  EXPECT_GT(shown(run_podium("collective " + arguments + " --all").output),
            shown(run_podium("collective " + arguments).output) + 5);
}

TEST(CollectiveCommand, DrawsTheScheduleAndItsBottleneck) {
  const std::string file = (std::filesystem::path(testing::TempDir()) / "podium-collective.svg").string();
  run_json("all_to_all --system cloudmatrix384 --ranks 32 --bytes 64MiB --algorithm direct --draw " + file);
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  EXPECT_THAT(text.str(), testing::StartsWith("<svg"));
  EXPECT_THAT(text.str(), HasSubstr("all_to_all among 32 ranks of cloudmatrix384"));
  EXPECT_THAT(text.str(), HasSubstr("ub: die to L1"));
  EXPECT_THAT(text.str(), HasSubstr("the bottleneck"));
  const std::string small = "all_reduce --system hgx-h100 --ranks 8 --bytes 8 --draw ";
  expect_refused_collective(small + "/nowhere/x.svg", "/nowhere/x.svg");
  expect_refused_collective(small + "x.png", "FILE.svg is right");
  expect_refused_collective(small + "''", "FILE.svg is right");
}

TEST(CollectiveCommand, SaysWhereTheAnalyticNetworkGivesLinksMoreThanTheyCarry) {
  const std::string trees = "--system hgx-h100 --ranks 16 --bytes 256MiB --algorithm trees_per_rail --network ";
  EXPECT_THAT(run_podium("collective all_reduce " + trees + "analytic").output, HasSubstr("% of what it can"));
  EXPECT_THAT(run_podium("collective all_reduce " + trees + "flow").output, Not(HasSubstr("% of what it can")));
}

TEST(CollectiveCommand, PlaysSchedulesOfOnesOwn) {
  const std::string file = (std::filesystem::path(testing::TempDir()) / "podium-pair.xml").string();
  std::ofstream(file) << R"(<algo name="swap" nchunksperloop="2" ngpus="2" coll="alltoall" inplace="0">
<gpu id="0" i_chunks="2" o_chunks="2" s_chunks="0"><tb id="0" send="1" recv="1" chan="0">
 <step s="0" type="s" srcbuf="i" srcoff="1" dstbuf="o" dstoff="0" cnt="1" depid="-1" deps="-1"/>
 <step s="1" type="r" srcbuf="i" srcoff="0" dstbuf="o" dstoff="1" cnt="1" depid="-1" deps="-1"/>
 <step s="2" type="cpy" srcbuf="i" srcoff="0" dstbuf="o" dstoff="0" cnt="1" depid="-1" deps="-1"/></tb></gpu>
<gpu id="1" i_chunks="2" o_chunks="2" s_chunks="0"><tb id="0" send="0" recv="0" chan="0">
 <step s="0" type="s" srcbuf="i" srcoff="0" dstbuf="o" dstoff="1" cnt="1" depid="-1" deps="-1"/>
 <step s="1" type="r" srcbuf="i" srcoff="0" dstbuf="o" dstoff="0" cnt="1" depid="-1" deps="-1"/>
 <step s="2" type="cpy" srcbuf="i" srcoff="1" dstbuf="o" dstoff="1" cnt="1" depid="-1" deps="-1"/></tb></gpu>
</algo>)";
  const std::string arguments = "all_to_all --system hgx-h100 --ranks 2 --bytes 64MiB --algorithm ";
  EXPECT_EQ(seconds_of(arguments + file), seconds_of(arguments + "direct"));
  expect_refused_collective("all_to_all --system hgx-h100 --ranks 4 --bytes 64MiB --algorithm " + file,
                            "it is for 2 GPUs");
  expect_refused_collective(arguments + "/nowhere/x.xml", "cannot read the file '/nowhere/x.xml'");
}

TEST(CollectiveCommand, ExchangesUnevenSizes) {
  const std::string file = (std::filesystem::path(testing::TempDir()) / "podium-uneven.csv").string();
  const std::string arguments = "all_to_all --system hgx-h100 --ranks 3 ";
  std::ofstream(file) << "8MiB,8MiB,8MiB\n8MiB,8MiB,8MiB\n8MiB,8MiB,8MiB\n";
  const json even = run_json(arguments + "--check --sizes " + file).at("results").at(0);
  const json alike = run_json(arguments + "--bytes 24MiB").at("results").at(0);
  for (const char* figure : {"time_seconds", "regime"}) {
    EXPECT_EQ(even.at(figure), alike.at(figure)) << "as the library was measured, both";
  }
  EXPECT_DOUBLE_EQ(even.at("busbw_bytes_per_second").get<double>(), alike.at("busbw_bytes_per_second").get<double>());
  EXPECT_EQ(seconds_of(arguments + "--library off --sizes " + file),
            seconds_of(arguments + "--algorithm direct --bytes 24MiB"));
  std::ofstream(file) << "8MiB,16MiB,0\n8MiB,8MiB,8MiB\n0,16MiB,8MiB\n";
  EXPECT_GT(seconds_of(arguments + "--check --sizes " + file), seconds_of(arguments + "--bytes 24MiB"))
      << "as many bytes, but twice as many go into the port of rank 1";
  expect_refused_collective("all_reduce --system hgx-h100 --ranks 3 --sizes " + file, "are of an all_to_all, not of");
  expect_refused_collective(arguments + "--algorithm direct --sizes " + file, "leave out --algorithm");
  expect_refused_collective("all_to_all --system hgx-h100 --ranks 4 --sizes " + file,
                            "of an all_to_all among 3 ranks, not among 4");
  expect_refused_collective(arguments, "one of --bytes, --sizes and --tokens");
  expect_refused_collective(arguments + "--bytes 8 --sizes " + file, "one of --bytes, --sizes and --tokens");
}

TEST(CollectiveCommand, RefusesSizesThatMakeNoSense) {
  const auto refused = [](const std::string& bytes, const std::string& problem) {
    expect_refused_collective("all_reduce --system hgx-h100 --ranks 8 --bytes " + bytes, "--bytes: " + problem);
  };
  refused("8x", "'8 x': 'x' is not a unit of size");
  refused("nan", "'nan' is not");
  refused("''", "one of --bytes, --sizes and --tokens");
  refused("1.5", "'1.5 B' is not a whole number of bytes");
  refused("8:4", "'8:4' ends before it begins");
  refused("0:8", "'0:8' never gets to its end");
  refused("4:8:1", "'4:8:1' never gets to its end");
  refused("4:8:2:9", "'4:8:2:9' has 4 parts");
  refused("1:1GiB:1.000001", "'1:1GiB:1.000001' is more than 1000 sizes");
}

}  // namespace
}  // namespace podium::test
