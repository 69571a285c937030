#include "sim/calibration/row_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "sim/calibration/operator_rows.h"
#include "sim/hardware/chip.h"

namespace podium {
namespace {

using testing::HasSubstr;

RowTable table_of(const std::string& text) {
  std::istringstream in(text);
  return read_table(in, "rows.csv");
}

template <class Action>
std::string error_of(Action action) {
  try {
    action();
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

TEST(Rows, KeepTheirTextAndPlace) {
  const RowTable table = table_of("m,\"a, b\"\r\n\n1,\"x, \"\"y\"\"\"\n");
  EXPECT_EQ(table.columns[1], "a, b");
  ASSERT_EQ(table.rows.size(), 1U);
  EXPECT_EQ(table.rows[0].cells[1], "x, \"y\"");
  EXPECT_EQ(table.rows[0].text, "1,\"x, \"\"y\"\"\"");
  EXPECT_EQ(table.rows[0].where.line, 3U);
}

TEST(Rows, SayTheSameByAllNamesOfAColumn) {
  constexpr std::string_view names[] = {"ranks", "num_gpus"};
  std::istringstream in("num_gpus,ranks\n8,8\n4,\n,2\n4,8\n");
  const RowTable table = read_table(in, "t.csv");
  const Column ranks = Column::required(table, names);
  EXPECT_EQ(ranks.text(table.rows[0]), "8");
  EXPECT_EQ(ranks.text(table.rows[1]), "4");
  EXPECT_EQ(ranks.text(table.rows[2]), "2");
  EXPECT_EQ(error_of([&] { ranks.text(table.rows[3]); }),
            "t.csv:5: 'ranks' is 8, and 'num_gpus', which says the same, is 4");
}

TEST(Rows, AreRefusedWithTheirLine) {
  EXPECT_THAT(error_of([] { table_of("a,b\n1,2\n1\n"); }), HasSubstr("rows.csv:3: 1 cells do not fit 2 columns"));
  EXPECT_THAT(error_of([] { table_of("a,a\n"); }), HasSubstr("rows.csv:1: the column 'a' is there twice"));
  EXPECT_THAT(error_of([] { table_of(""); }), HasSubstr("no header"));
  const auto read = [](const std::string& text) {
    return error_of([&] {
      const RowTable table = table_of(text);
      OperatorRows::find("gemm")(table)(table.rows.front());
    });
  };
  EXPECT_THAT(read("dtype,m,n\nbf16,1,1\n"), HasSubstr("rows.csv:1: there is no column 'k'"));
  EXPECT_THAT(read("dtype,m,n,k\nbf16,x,1,1\n"), HasSubstr("rows.csv:2: m: 'x' is not a number"));
  EXPECT_THAT(read("dtype,m,n,k\nbf16,0,1,1\n"), HasSubstr("rows.csv:2: m: '0' is not a whole number"));
  EXPECT_THAT(read("dtype,m,n,k\nbf61,1,1,1\n"), HasSubstr("rows.csv:2: unknown data type 'bf61'"));
}

std::vector<Kernel> kernels_of(const std::string& kind, const std::string& text) {
  const RowTable table = table_of(text);
  return OperatorRows::find(kind)(table)(table.rows.front());
}

TEST(OperatorRows, TakeTheNamesFoundInTheWild) {
  const auto gemm = std::get<Gemm>(kernels_of("gemm", "k,n,m,dtype,note\n3,2,1,w8a8_dynamic,x\n").front());
  EXPECT_EQ(gemm.type, DataType::w8a8);
  EXPECT_EQ(gemm.m, 1);
  EXPECT_EQ(gemm.k, 3);
  const auto attention = std::get<Attention>(
      kernels_of("attention", "phase,batch_size,seq_len,num_heads,kv_heads,head_dim\nprefill,2,100,8,4,128\n").front());
  EXPECT_EQ(attention.query, 100);
  EXPECT_EQ(attention.context, 100);
  EXPECT_TRUE(attention.causal);
}

TEST(OperatorRows, RefuseAContextThatCannotHoldItsNewTokens) {
  EXPECT_THAT(error_of([] { kernels_of("mla", "phase,batch,heads,q_len,kv_len\nprefill,1,16,100,50\n"); }),
              HasSubstr("rows.csv:2: kv_len: 50 tokens cannot hold the 100 new ones"));
}

TEST(OperatorRows, ALayerHasTheFlopsOfItsWeightsAndItsAttention) {
  const double hidden = 4096, heads = 32, kv_heads = 8, dim = 128, ffn = 14336, tokens = 2 * 1000;
  double flops = 0;
  for (const Kernel& kernel : kernels_of("layer",
                                         "hidden,q_heads,kv_heads,head_dim,ffn,batch,q_len,kv_len\n"
                                         "4096,32,8,128,14336,2,1000,1000\n")) {
    flops += std::holds_alternative<MemoryOp>(kernel) ? 0 : work(kernel).flops.value();
  }
  const double weights = hidden * (heads + 2 * kv_heads) * dim + hidden * heads * dim + 3 * hidden * ffn;
  const double pairs = 2 * attended_pairs(1000, 1000, true, 0);
  EXPECT_NEAR(flops, 2 * tokens * weights + 4 * pairs * heads * dim, 1e-9 * flops);
}

TEST(OperatorRows, ARanksShareOfExpertsIsItsPartOfTheTokens) {
  double flops = 0;
  for (const Kernel& kernel : kernels_of("moe",
                                         "dtype,tokens,hidden,ffn,experts,topk,ep,tp\n"
                                         "fp8,1024,7168,2048,256,8,32,1\n")) {
    flops += std::holds_alternative<MemoryOp>(kernel) ? 0 : work(kernel).flops.value();
  }
  EXPECT_NEAR(flops, 2 * 1024.0 * 8 / 32 * 3 * 7168 * 2048, 1e-9 * flops);
}

}  // namespace
}  // namespace podium
