// Rows of collectives: reading, timing and fitting.
#include "sim/calibration/collective_fit.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/core/error_of.h"

namespace podium::test {
namespace {

RowTable table_of(const std::string& text) {
  std::istringstream in(text);
  return read_table(in, "rows.csv");
}

TEST(CollectiveRows, ReadsTheNamesFoundInTheWild) {
  const auto rows = collective_rows(table_of("op,dtype,num_gpus,bytes,latency_us\nalltoall,half,8,1024,7.5\n"));
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].kind, CollectiveKind::all_to_all);
  EXPECT_EQ(rows[0].ranks, 8U);
  EXPECT_EQ(rows[0].bytes, Bytes(1024));
  EXPECT_EQ(rows[0].algorithm, "auto");
  EXPECT_DOUBLE_EQ(rows[0].time.value().value(), 7.5e-6);
  const auto spread = collective_rows(table_of("operation,ranks,bytes,nodes\nall_reduce,16,8,2\nall_reduce,8,8,1\n"));
  EXPECT_EQ(spread[0].ranks_per_domain, 8U);
  EXPECT_EQ(spread[1].ranks_per_domain, 0U);
  EXPECT_FALSE(spread[0].time);
}

TEST(CollectiveRows, CountsWhatARankSendsOfItsTokens) {
  const auto rows = collective_rows(
      table_of("op,ep_size,tokens_per_rank,hidden,topk,experts,dtype\nalltoall_dispatch,16,10,7168,8,256,nvfp4\n"
               "alltoall_combine,16,10,7168,8,256,nvfp4\ndispatch,4,10,7168,8,256,int8\n"));
  EXPECT_EQ(rows[0].kind, CollectiveKind::dispatch);
  EXPECT_EQ(rows[0].bytes, Bytes(10 * 8 * 7168 * (0.5 + 1.0 / 16)));
  EXPECT_EQ(rows[1].kind, CollectiveKind::combine);
  EXPECT_EQ(rows[1].bytes, Bytes(10 * 8 * 7168 * 2));
  EXPECT_EQ(rows[2].bytes, Bytes(10 * 4 * (7168 + 512))) << "once to each of four ranks";
  EXPECT_THROW(collective_rows(table_of("op,ranks,topk,hidden\ndispatch,8,8,7168\n")), InputError);
}

TEST(CollectiveRows, SayWhetherTokensChooseAtRandom) {
  const std::string header =
      "op,ranks,tokens_per_rank,hidden,topk,experts,dtype,routing,redundant_experts,expert_groups,groups_per_token\n";
  const auto rows = collective_rows(table_of(header + "dispatch,4,10,7168,8,256,fp8_block,random,32,8,4\n"
                                                      "combine,4,10,7168,8,256,,random,,,\n"
                                                      "dispatch,4,10,7168,8,256,bf16,balanced,,,\n"));
  ASSERT_TRUE(rows[0].routing);
  EXPECT_EQ(*rows[0].routing, (TokenRouting{.choices = 8, .slots = 288, .groups = 8, .groups_chosen = 4}));
  EXPECT_EQ(rows[0].bytes, Bytes(10 * 8 * (7168 + 56 * 4))) << "a copy for each choice, of which four ranks get fewer";
  EXPECT_EQ(*rows[1].routing, (TokenRouting{.choices = 8, .slots = 256}));
  EXPECT_FALSE(rows[2].routing);
  EXPECT_EQ(rows[2].bytes, Bytes(10 * 4 * 2 * 7168));
  EXPECT_THROW(collective_rows(table_of(header + "dispatch,4,10,7168,8,256,bf16,drawn,,,\n")), InputError);
  EXPECT_THROW(collective_rows(table_of(header + "dispatch,4,10,7168,8,,bf16,random,,,\n")), InputError);
  EXPECT_THROW(collective_rows(table_of(header + "dispatch,4,10,7168,8,4,bf16,random,,,\n")), InputError);
}

TEST(CollectiveRows, CountTheRanksOfNodes) {
  const SystemSpec system = load_system("hgx-h100");
  const auto row = [&](const std::string& header, const std::string& cells) {
    return collective_rows(table_of("op,bytes," + header + "\nall_reduce,8," + cells + "\n"), &system).front();
  };
  const CollectiveRow vidur = row("num_workers,devices_per_node", "2,1");
  EXPECT_EQ(vidur.ranks, 2U);
  EXPECT_EQ(vidur.ranks_per_domain, 1U) << "one on each of two nodes";
  EXPECT_EQ(row("num_workers,devices_per_node", "8,8").ranks_per_domain, 0U) << "all on one";
  EXPECT_EQ(row("ranks,nodes,devices_per_node", "16,4,4").ranks_per_domain, 4U);
  EXPECT_EQ(row("node_num", "2").ranks, 16U) << "all of two nodes";
  EXPECT_EQ(row("node_num,devices_per_node", "2,4").ranks, 8U);
  EXPECT_EQ(row("num_dies", "8").ranks, 8U);
  EXPECT_THROW(row("ranks,nodes", "16,1"), InputError) << "a node has eight";
  EXPECT_THROW(row("ranks,devices_per_node", "32,16"), InputError);
  EXPECT_THROW(row("ranks,nodes,devices_per_node", "16,2,4"), InputError);
  EXPECT_THROW(row("ranks,devices_per_node", "9,8"), InputError);
  EXPECT_THROW(row("ranks", "1"), InputError) << "nobody to exchange with, as `podium collective` says";
}

TEST(CollectiveRows, CountBytesAsTheFilesThatHaveThem) {
  const auto bytes = [](const std::string& operation) {
    return collective_rows(table_of("op,num_dies,bytes_per_rank_approx\n" + operation + ",8,1000\n")).front().bytes;
  };
  EXPECT_EQ(bytes("all_gather"), Bytes(8000));
  EXPECT_EQ(bytes("reduce_scatter"), Bytes(8000));
  EXPECT_EQ(bytes("all_reduce"), Bytes(1000));
  const auto barrier = collective_rows(table_of("op,ranks,bytes\nbarrier,8,\nbarrier,8,1024\n"));
  EXPECT_EQ(barrier[0].bytes, Bytes());
  EXPECT_EQ(barrier[1].bytes, Bytes()) << "it brings none";
  const auto idle = collective_rows(table_of("op,ranks,tokens_per_rank,hidden,topk,dtype\ndispatch,8,0,7168,8,fp8\n"));
  EXPECT_EQ(idle[0].bytes, Bytes()) << "as `--tokens 0`";
}

TEST(CollectiveRows, SayWhichKernelsWereMeasured) {
  const auto rows =
      collective_rows(table_of("op,mode,kernel_source,regime,ranks,bytes\ndispatch,low_latency,deepep,,8,8\n"
                               "all_reduce,oop,TRTLLM,,8,8\ncombine,,deepep,combine_normal,8,8\n"));
  EXPECT_EQ(rows[0].kernels, (std::vector<std::string>{"deepep", "low_latency"}));
  EXPECT_EQ(rows[1].kernels, std::vector<std::string>{"TRTLLM"}) << "a mode is of experts";
  EXPECT_EQ(rows[2].regime, "combine_normal");
  const auto cores =
      collective_rows(table_of("op,dispatch_sms,combine_sms,ranks,bytes\ndispatch,20,24,8,8\n"
                               "combine,20,24,8,8\nall_reduce,20,24,8,8\n"));
  EXPECT_EQ(cores[0].kernels, std::vector<std::string>{"20 SMs"});
  EXPECT_EQ(cores[1].kernels, std::vector<std::string>{"24 SMs"});
  EXPECT_TRUE(cores[2].kernels.empty());
}

TEST(CollectiveRows, KnowWhatComesWithExpertExchanges) {
  const auto rows =
      collective_rows(table_of("op,ep_size,tokens_per_rank,hidden,topk,moe_dtype\nalltoall_prepare,16,10,7168,8,nvfp4\n"
                               "alltoall_combine_low_precision,16,10,7168,8,nvfp4\n"));
  EXPECT_FALSE(rows[0].unknown.empty());
  EXPECT_EQ(rows[1].kind, CollectiveKind::combine);
  EXPECT_EQ(rows[1].bytes, Bytes(10 * 8 * 7168 * (0.5 + 1.0 / 16))) << "quantised on the way";
  EXPECT_EQ(rows[1].kernels, std::vector<std::string>{"low_precision"}) << "by a kernel of its own";
}

TEST(CollectiveRows, RefusesWhatMakesNoSense) {
  EXPECT_THROW(collective_rows(table_of("ranks,bytes\n8,8\n")), InputError) << "what they do";
  EXPECT_THROW(collective_rows(table_of("op,operation,ranks,bytes\nall_reduce,all_reduce,8,8\n")), InputError);
  EXPECT_THROW(collective_rows(table_of("op,ranks,bytes\nall_reduce,8,1.5\n")), InputError);
  EXPECT_THROW(collective_rows(table_of("op,ranks,bytes,dtype\nall_reduce,8,8,fp3\n")), InputError);
  EXPECT_NO_THROW(collective_rows(table_of("op,ranks,bytes,dtype\nall_reduce,8,8,uint8\n")));
  EXPECT_THROW(collective_rows(table_of("op,ranks,tokens,hidden,topk,experts,dtype\ndispatch,8,8,64,300,256,fp8\n")),
               InputError);
  EXPECT_THROW(collective_rows(table_of("op,ranks,tokens,hidden,topk\ndispatch,8,8,64,8\n")), InputError);
  EXPECT_THROW(collective_rows(table_of("operation,ranks\nall_reduce,8\n")), InputError);
  EXPECT_THROW(collective_rows(table_of("operation,ranks,bytes\nall_reduce,0,8\n")), InputError);
  EXPECT_THROW(collective_rows(table_of("operation,ranks,bytes\nall_reduce,2.5,8\n")), InputError);
  EXPECT_THROW(collective_rows(table_of("operation,ranks,bytes\nall_sum,2,8\n")), InputError);
  EXPECT_THROW(collective_rows(table_of("operation,ranks,bytes,nodes\nall_reduce,16,8,3\n")), InputError);
}

TEST(CollectiveTimes, SayWhichRowAsksForMoreThanTheSystemHas) {
  const auto time = collective_time("hgx-h100", nullptr);
  const auto rows = collective_rows(table_of("operation,ranks,bytes\nall_reduce,8,8\nall_reduce,999999,8\n"));
  EXPECT_GT(time(rows[0]), Seconds());
  try {
    time(rows[1]);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("rows.csv:3"), std::string::npos) << error.what();
  }
}

TEST(CollectiveTimes, AreThoseOfTheKernelsThatWereMeasured) {
  const auto library = load_library("hgx-h100");
  ASSERT_TRUE(library);
  const auto time = collective_time("hgx-h100", &*library);
  const std::string header = "op,ranks,tokens,hidden,topk,experts,dtype,routing,mode,regime,algorithm,kernel_source\n";
  const std::string cells = "dispatch,16,2048,7168,8,256,fp8_block,random,";
  const auto rows = collective_rows(table_of(header + cells + "low_latency,,,deepep\n" + cells + "normal,,,deepep\n" +
                                             cells + ",,,\n" + cells + ",low_latency,,NVLinkTwoSided\n" + cells +
                                             ",,,NVLinkTwoSided\n" + cells + ",lowlat,,\n" + cells +
                                             ",normal,direct,\n" + cells + ",,direct,NVLinkTwoSided\n"));
  const auto low = time.predict(rows[0]), normal = time.predict(rows[1]), fastest = time.predict(rows[2]);
  EXPECT_EQ(low.regime, "dispatch_low_latency_network");
  EXPECT_EQ(normal.regime, "dispatch_normal_network");
  EXPECT_EQ(fastest.time, std::min(low.time, normal.time));
  EXPECT_EQ(time(rows[3]), low.time) << "asked for by name, whatever else the row says";
  EXPECT_THROW(time(rows[4]), NoRegime) << "no time of other kernels is theirs";
  EXPECT_THROW(time(rows[5]), InputError) << "no regime goes by the name";
  EXPECT_THROW(time(rows[6]), NoRegime) << "normal kernels are not direct";
  EXPECT_EQ(time.predict(rows[7]).regime, "") << "a schedule is of no kernel";
}

TEST(CollectiveTimes, LeaveTheLibraryWhereAnAlgorithmIsNamedOrServersAreJoined) {
  const auto library = load_library("hgx-h100");
  ASSERT_TRUE(library);
  const auto with = collective_time("hgx-h100", &*library), without = collective_time("hgx-h100", nullptr);
  const auto rows = collective_rows(
      table_of("operation,ranks,bytes,algorithm,nodes\nall_gather,8,4096,direct,\nall_gather,8,4096,,2\n"
               "all_gather,8,4096,,\n"));
  EXPECT_EQ(with(rows[0]), without(rows[0]));
  EXPECT_EQ(with(rows[1]), without(rows[1]));
  EXPECT_NE(with(rows[2]), without(rows[2]));
}

TEST(CollectiveRows, RefuseTwoColumnsThatSayTheSame) {
  const auto problem = [](const char* text) { return error_of([&] { collective_rows(table_of(text)); }); };
  EXPECT_THAT(problem("op,ranks,bytes,seconds,latency_us\nall_gather,8,1024,1e-5,30\n"),
              testing::HasSubstr("latency_us: another column has a time already"));
  EXPECT_THAT(problem("op,ranks,bytes,bytes_per_rank\nall_gather,8,1024,1024\n"),
              testing::HasSubstr("bytes_per_rank: the bytes of all are given already"));
  EXPECT_EQ(collective_rows(table_of("op,ranks,bytes,bytes_per_rank\nall_gather,8,,1024\n"))[0].bytes, Bytes(8192));
}

/// Rows that a library would give, of two regimes.
std::string rows_of(const CommunicationLibrary& library) {
  std::string text = "operation,ranks,bytes,seconds\n";
  const auto time = collective_time("hgx-h100", &library);
  for (const std::uint32_t ranks : {2U, 4U, 8U}) {
    for (double bytes = 512; bytes < 1e9; bytes *= 4) {
      const CollectiveRow row{{}, CollectiveKind::all_gather, ranks, 0, Bytes(bytes), "auto", {}};
      text += fmt::format("all_gather,{},{},{}\n", ranks, bytes, time(row).value());
    }
  }
  return text;
}

Regime regime(const std::string& name, double launch, double step, double port) {
  Regime result;
  result.name = name;
  result.algorithm = "ring";
  result.kinds = {CollectiveKind::all_gather};
  result.launch = launch;
  result.step = step;
  result.port = port;
  return result;
}

CommunicationLibrary two_regimes() {
  return {"test", "nvlink", {regime("low", 4e-6, 4e-7, 0.1), regime("bulk", 3e-5, 1e-6, 0.9)}};
}

TEST(CollectiveFit, FindsRegimesThatBeginAsNeverTheFastest) {
  const CommunicationLibrary truth = two_regimes();
  const auto rows = collective_rows(table_of(rows_of(truth)));
  CommunicationLibrary start{"test", "nvlink", {regime("low", 6e-6, 8e-7, 0.3), regime("bulk", 9e-5, 3e-6, 0.3)}};
  start.regimes.push_back(regime("other", 1e-6, 1e-6, 0.5));
  start.regimes.back().kinds = {CollectiveKind::all_reduce};
  const auto found = calibrate_collectives(rows, "hgx-h100", start);
  for (std::size_t i = 0; i < truth.regimes.size(); ++i) {
    EXPECT_NEAR(found.figures.regimes[i].launch, truth.regimes[i].launch, 0.02 * truth.regimes[i].launch);
    EXPECT_NEAR(found.figures.regimes[i].port, truth.regimes[i].port, 0.02 * truth.regimes[i].port);
  }
  EXPECT_EQ(found.measured, (std::set<std::string>{"low", "bulk"}));
  EXPECT_EQ(found.figures.regimes[2].launch, 1e-6) << "no row is done so";
}

TEST(CollectiveFit, LeavesFiguresThatNoRowTellsWhereTheyWere) {
  const CommunicationLibrary truth = two_regimes();
  auto rows = collective_rows(table_of(rows_of(truth)));
  std::erase_if(rows, [](const CollectiveRow& row) { return row.bytes > Bytes(70e3); });
  ASSERT_GE(rows.size(), 12U);
  CommunicationLibrary start = truth;
  start.regimes[0].launch *= 1.5;
  const auto found = calibrate_collectives(rows, "hgx-h100", start);
  EXPECT_NEAR(found.figures.regimes[0].launch / truth.regimes[0].launch, 1, 0.05);
  EXPECT_NEAR(found.figures.regimes[1].port / truth.regimes[1].port, 1, 0.1) << "bulk is of large messages";
}

TEST(CollectiveFit, FindsTheFiguresThatMadeTheRows) {
  const CommunicationLibrary truth = two_regimes();
  const CommunicationLibrary start{"test", "nvlink", {regime("low", 6e-6, 8e-7, 0.2), regime("bulk", 2e-5, 5e-7, 0.7)}};
  const auto rows = collective_rows(table_of(rows_of(truth)));
  const auto found = calibrate_collectives(rows, "hgx-h100", start);
  for (const auto& [size, error] : found.unseen) {
    EXPECT_LT(error.mean, 0.01) << size;
    EXPECT_GT(found.before.at(size).mean, 0.03) << size;
  }
  for (std::size_t i = 0; i < truth.regimes.size(); ++i) {
    EXPECT_NEAR(found.figures.regimes[i].launch, truth.regimes[i].launch, 0.02 * truth.regimes[i].launch);
    EXPECT_NEAR(found.figures.regimes[i].port, truth.regimes[i].port, 0.02 * truth.regimes[i].port);
  }
  const CommunicationLibrary read = read_library(Document::parse(to_yaml(found, "hgx-h100", "made", "a guess")));
  EXPECT_NEAR(read.regimes[1].port, found.figures.regimes[1].port, 1e-3);
  EXPECT_THROW(calibrate_collectives(std::span(rows).first(5), "hgx-h100", start), InputError);
  CommunicationLibrary elsewhere = start;
  elsewhere.plane = "ub";
  EXPECT_THROW(calibrate_collectives(rows, "hgx-h100", elsewhere), InputError) << "no regime does any of the rows";
}

}  // namespace
}  // namespace podium::test
