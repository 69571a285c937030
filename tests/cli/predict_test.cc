// podium predict and podium calibrate from outside.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/compute/tiled.h"
#include "tests/cli/run_podium.h"

namespace podium::test {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string file_of(const std::string& name, const std::string& text) {
  const std::string path = (std::filesystem::temp_directory_path() / ("podium_predict_" + name)).string();
  std::ofstream(path) << text;
  return path;
}

TEST(PredictCommand, ReturnsEachRowWithItsTime) {
  const std::string rows = file_of("rows.csv", "m,n,k,dtype,note\n64,4096,4096,bfloat16,\"a, b\"\n");
  const Outcome outcome = run_podium("predict gemm --chip h100-sxm --in " + rows);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, StartsWith("m,n,k,dtype,note,predicted_seconds\n64,4096,4096,bfloat16,\"a, b\","));
  const double seconds = std::stod(outcome.output.substr(outcome.output.rfind(',') + 1));
  const Cost cost = tiled_cost(Gemm{DataType::bf16, 64, 4096, 4096, 1}, load_chip("h100-sxm"), load_tiled("h100-sxm"),
                               {}, Conditions::measured);
  EXPECT_NEAR(seconds, cost.time.value(), 1e-5 * seconds);
}

TEST(PredictCommand, TellsTheWorkAndWhatHeldOnRequest) {
  const std::string rows = file_of("details.csv", "m,n,k,dtype\n1,4096,4096,bf16\n8192,8192,8192,bf16\n");
  const Outcome outcome = run_podium("predict gemm --details --chip h100-sxm --in " + rows);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr(",3.35544e+07,"));  // flops of the first, and bytes of its weights below
  EXPECT_THAT(outcome.output, HasSubstr(",memory,0\n"));
  EXPECT_THAT(outcome.output, HasSubstr(",compute,0\n"));
}

TEST(PredictCommand, SaysHowManyRowsATableDoesNotEnclose) {
  const std::string measured = file_of("table.csv", "m,n,k,dtype,seconds\n1,512,512,bf16,1e-6\n3,512,512,bf16,3e-6\n");
  const std::string rows = file_of("table_rows.csv", "m,n,k,dtype\n2,512,512,bf16\n9,512,512,bf16\n");
  const Outcome outcome =
      run_podium("predict gemm --details --model table --rows " + measured + " --chip gb200 --in " + rows);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("\n2,512,512,bf16,2e-06,"));
  EXPECT_THAT(outcome.output, HasSubstr(",1\n"));
  EXPECT_THAT(outcome.errors, HasSubstr("1 of 2 rows"));
}

TEST(PredictCommand, KnowsTheStacksOfAChip) {
  const std::string rows = file_of("stack.csv", "m,n,k,dtype\n64,4096,4096,fp8\n");
  const Outcome plain = run_podium("predict gemm --chip h100-sxm --stack cublas --in " + rows);
  const Outcome quantising = run_podium("predict gemm --chip h100-sxm --stack tensorrt-llm --in " + rows);
  ASSERT_EQ(plain.status, 0) << plain.errors;
  ASSERT_EQ(quantising.status, 0) << quantising.errors;
  const auto seconds = [](const std::string& output) { return std::stod(output.substr(output.rfind(',') + 1)); };
  EXPECT_GT(seconds(quantising.output), seconds(plain.output) + 5e-6);
  EXPECT_EQ(run_podium("predict gemm --chip h100-sxm --stack cudnn --in " + rows).status, 2);
}

TEST(PredictCommand, KnowsHowTokensAreSpreadOverExperts) {
  const std::string columns = "dtype,tokens,hidden,ffn,experts,topk,ep,distribution\n";
  const auto seconds = [&](const std::string& distribution) {
    const std::string rows = file_of("moe.csv", columns + "bf16,2048,4096,1536,128,8,16," + distribution + "\n");
    const Outcome outcome = run_podium("predict moe --chip gb200 --in " + rows);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    return std::stod(outcome.output.substr(outcome.output.rfind(',') + 1));
  };
  EXPECT_GT(seconds("power_law_1.2"), seconds("balanced"));
  const std::string bad = file_of("moe.csv", columns + "bf16,2048,4096,1536,128,8,16,zipf\n");
  const Outcome outcome = run_podium("predict moe --chip gb200 --in " + bad);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.errors, HasSubstr("moe.csv:2"));
}

TEST(PredictCommand, RefusesCountsThatAreNotWholeOrBeyondSenseWithTheirPlace) {
  for (const char* const m : {"1.5", "1e30", "0", "-1"}) {
    const std::string rows = file_of("count.csv", std::string("dtype,m,n,k\nbf16,") + m + ",64,64\n");
    const Outcome outcome = run_podium("predict gemm --chip h100-sxm --in " + rows);
    EXPECT_EQ(outcome.status, 2) << m;
    EXPECT_THAT(outcome.errors, HasSubstr("count.csv:2")) << m;
  }
}

TEST(PredictCommand, ReplacesAnEarlierPrediction) {
  const std::string rows =
      file_of("again.csv", "\xEF\xBB\xBFm,predicted_seconds,n,k,dtype,note\n64,1,512,512,bf16,\"a, \"\"b\"\"\"\n");
  const Outcome outcome = run_podium("predict gemm --chip h100-sxm --in " + rows);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, StartsWith("m,n,k,dtype,note,predicted_seconds\n64,512,512,bf16,\"a, \"\"b\"\"\","));
}

TEST(PredictCommand, SaysWhichRowIsWrong) {
  const std::string rows = file_of("bad.csv", "m,n,k,dtype\n1,1,1,bf16\n1,1,1,nvfp4\n");
  const Outcome outcome = run_podium("predict gemm --chip h100-sxm --in " + rows);
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.errors, HasSubstr("bad.csv:3"));
  EXPECT_THAT(outcome.errors, HasSubstr("nvfp4"));
}

TEST(PredictCommand, TimesCollectivesOnASystem) {
  const std::string rows = file_of("collective.csv", "operation,ranks,bytes\nall_gather,8,65536\nall_reduce,16,1024\n");
  const Outcome outcome = run_podium("predict collective --system hgx-h100 --in " + rows);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, StartsWith("operation,ranks,bytes,predicted_seconds\nall_gather,8,65536,"));
  EXPECT_EQ(run_podium("predict collective --in " + rows).status, 2);
  EXPECT_EQ(run_podium("predict gemm --in " + rows).status, 2);
  const std::string in = " --in " + rows, out = " --out " + rows + ".yaml";
  EXPECT_THAT(run_podium("calibrate gemm" + in + out).errors, HasSubstr("--chip says"));
  EXPECT_THAT(run_podium("calibrate collective" + in + out).errors, HasSubstr("--system says"));
  EXPECT_THAT(run_podium("calibrate collective --system atlas-950-superpod" + in + out).errors,
              HasSubstr("atlas-950-superpod"));
}

TEST(CalibrateCommand, WritesOverNothingThatItReads) {
  const std::string rows = file_of("over.csv", "operation,ranks,bytes,latency_us\nall_gather,8,65536,10\n");
  const std::string command = "calibrate collective --system hgx-h100 --in " + rows + " --out ";
  EXPECT_THAT(run_podium(command + rows).errors, HasSubstr("--out: is the file of --in, which would be lost"));
  EXPECT_EQ(run_podium(command + rows).status, 2);
  EXPECT_THAT(run_podium(command + rows + ".yaml").errors, HasSubstr("1 rows that differ cannot determine"));
}

TEST(PredictCommand, LeavesRowsOfOtherKernelsWithoutATimeAndSaysWhy) {
  const std::string rows = file_of("kernels.csv",
                                   "kernel_source,op,moe_dtype,ep_size,tokens_per_rank,hidden_size,topk,num_experts\n"
                                   "NVLinkOneSided,alltoall_combine,nvfp4,16,64,7168,8,256\n"
                                   "NVLinkTwoSided,alltoall_combine_low_precision,nvfp4,16,64,7168,8,256\n"
                                   "NVLinkTwoSided,alltoall_prepare,nvfp4,16,64,7168,8,256\n");
  const Outcome outcome = run_podium("predict collective --system gb200-nvl72 --in " + rows);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("num_experts,predicted_seconds,predicted_note\n"));
  EXPECT_THAT(outcome.output, testing::ContainsRegex("OneSided,[a-z_0-9,]*256,[0-9.e-]+,\n"));
  EXPECT_THAT(
      outcome.output,
      HasSubstr(
          "256,,\"no regime of the library does combine among 16 ranks as NVLinkTwoSided and low_precision; those that "
          "do: combine\"\n"));
  EXPECT_THAT(outcome.output, HasSubstr("256,,\"what prepares"));
  EXPECT_THAT(outcome.errors, HasSubstr("2 of 3 rows are not predicted"));
  const std::string again = file_of("kernels_again.csv", outcome.output);
  EXPECT_EQ(run_podium("predict collective --system gb200-nvl72 --in " + again).output, outcome.output);
}

TEST(PredictCommand, TakesColumnsThatTheRowsOfCollectivesLack) {
  const std::string coreweave = file_of("coreweave.csv", "gpu,num_gpus,bytes\nh100,64,536870912\n");
  const Outcome reduced = run_podium("predict collective --system hgx-h100 --op all_reduce --in " + coreweave);
  ASSERT_EQ(reduced.status, 0) << reduced.errors;
  EXPECT_THAT(reduced.output, StartsWith("gpu,num_gpus,bytes,predicted_seconds\nh100,64,536870912,"));
  const std::string deepep = file_of("deepep.csv",
                                     "op_name,node_num,kernel_source,hidden_size,num_token,num_topk,num_experts\n"
                                     "ll,2,deepep,7168,128,8,256\nnormal,2,deepep,7168,4096,8,256\n");
  const Outcome tokens = run_podium(
      "predict collective --system hgx-h100 --op dispatch --column dtype=fp8_block --column routing=random --in " +
      deepep);
  ASSERT_EQ(tokens.status, 0) << tokens.errors;
  EXPECT_THAT(tokens.output, testing::Not(HasSubstr("note")));
  const std::string given = file_of("given.csv", "op,ranks,bytes\nall_gather,8,64\n");
  const std::string predict = "predict collective --system hgx-h100 --in " + given;
  expect_refused(predict + " --op all_reduce", "and not 2 of them");
  expect_refused(predict + " --column bytes=8", "there is a column 'bytes' already");
  expect_refused(predict + " --column bytes", "is not NAME=VALUE");
}

TEST(PredictCommand, RefusesOptionsThatCollectivesDoNotHave) {
  const std::string rows = file_of("plain.csv", "op,ranks,bytes\nall_gather,8,64\n");
  const std::string predict = "predict collective --system hgx-h100 --in " + rows;
  for (const std::string option : {"--chip h100-sxm", "--model nosuch", "--stack tensorrt-llm", "--details"}) {
    expect_refused(predict + " " + option, "is of operators");
  }
  expect_refused("predict gemm --chip h100-sxm --system hgx-h100 --in " + rows, "--system: is of collectives");
  const std::string calibrate = "calibrate collective --system hgx-h100 --out /nowhere/x.yaml --in " + rows;
  expect_refused(calibrate + " --chip nosuch", "--chip: is of operators");
  expect_refused(calibrate + " --folds 3", "--folds: is of operators");
}

TEST(PredictCommand, PlacesWhatIsWrongWithARowOfACollective) {
  const auto refused = [](const std::string& row, const std::string& problem) {
    const std::string rows = file_of("wrong.csv", "op,ranks,bytes,nodes\nall_gather,8,64,\n" + row + "\n");
    expect_refused("predict collective --system hgx-h100 --in " + rows, "wrong.csv:3: " + problem);
  };
  refused("all_reduce,16,1048576,1", "nodes: 16 ranks on 1 node; one of hgx-h100 has 8");
  refused("all_reduce,1,8,", "ranks: 1 rank has nobody to exchange with");
  refused("all_reduce,999999,8,", "999999 ranks need");
}

TEST(CalibrateCommand, SaysWhereALibraryHasNothingToFit) {
  std::string text = "op,ranks,bytes,seconds\n";
  for (int i = 0; i < 80; ++i) {
    text += "all_gather,8," + std::to_string(1000 * (i + 1)) + ",1e-5\n";
  }
  const std::string rows = file_of("no_library.csv", text), out = file_of("no_library.yaml", "");
  const std::string calibrate = "calibrate collective --system atlas-950-superpod --in " + rows + " --out " + out;
  expect_refused(calibrate, "--start: says from which regimes to start: no library was measured on atlas-950-superpod");
  expect_refused(calibrate + " --start hgx-h100", "no_library.csv:2: no regime of the start does all_gather");
}

TEST(CalibrateCommand, WritesFiguresThatPredict) {
  std::string text = "dtype,m,n,k,latency_us\n";
  const ChipSpec chip = load_chip("h100-sxm");
  for (const double width : {1024, 2048, 4096, 8192}) {
    for (double m = 1; m < 20000; m *= 4) {
      const Gemm gemm{DataType::bf16, m, width, width, 1};
      const Cost cost = tiled_cost(gemm, chip, load_tiled("h100-sxm"), {}, Conditions::measured);
      text += "bf16," + std::to_string(m) + "," + std::to_string(width) + "," + std::to_string(width) + "," +
              std::to_string(cost.time.value() * 1.1e6) + "\n";
    }
  }
  const std::string rows = file_of("measured.csv", text);
  const std::string out = file_of("out.yaml", "");
  const Outcome outcome = run_podium("calibrate gemm --folds 2 --chip h100-sxm --in " + rows + " --out " + out);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("unseen shapes"));
  EXPECT_EQ(load_tiled(out).stack, load_tiled("h100-sxm").stack);
}

TEST(CalibrateCommand, FitsAttentionAndKnowsItsKinds) {
  const ChipSpec chip = load_chip("h100-sxm");
  std::string text = "phase,batch,q_heads,kv_heads,q_len,kv_len,head_dim,seconds\n";
  for (const double batch : {1, 4, 16, 64}) {
    for (double context = 512; context < 100000; context *= 2) {
      Attention attention{AttentionPhase::decode, DataType::bf16, DataType::bf16, batch, 32, 8, 1, context, 128};
      const Cost cost = attention_cost(attention, chip, *load_tiled("h100-sxm").attention, {}, Conditions::measured);
      text += "decode," + std::to_string(batch) + ",32,8,1," + std::to_string(context) + ",128," +
              std::to_string(cost.time.value() * 1.2) + "\n";
    }
  }
  const std::string rows = file_of("attention.csv", text);
  const std::string out = file_of("attention.yaml", "");
  const std::string rest = " --folds 2 --chip h100-sxm --in " + rows + " --out " + out;
  const Outcome outcome = run_podium("calibrate attention" + rest);
  ASSERT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, HasSubstr("attention_decode bf16"));
  EXPECT_EQ(read_attention(Document::load(out)).stack, "cublas");
  const Outcome unknown = run_podium("calibrate atention" + rest);
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.errors, HasSubstr("attention"));
}

}  // namespace
}  // namespace podium::test
