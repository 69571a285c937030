#include "sim/calibration/operator_rows.h"

#include <gtest/gtest.h>

#include <sstream>

namespace podium {
namespace {

/// The kernels of the one row of a table.
std::vector<Kernel> kernels(const std::string& kind, const std::string& header, const std::string& row) {
  std::istringstream in(header + "\n" + row + "\n");
  const RowTable table = read_table(in, "rows.csv");
  return OperatorRows::find(kind)(table)(table.rows.front());
}

MemoryOp operation(const std::string& row) {
  return std::get<MemoryOp>(kernels("memory", "op,rows,cols,dtype", row).front());
}

constexpr double elements = 100 * 512;

TEST(OperatorRows, QuantiseBetweenBf16AndTheTypeOfTheRow) {
  EXPECT_EQ(operation("quantise,100,512,fp8").read, Bytes(2 * elements));
  EXPECT_EQ(operation("quantise,100,512,fp8").written, Bytes(elements));
  EXPECT_EQ(operation("quantise,100,512,").written, Bytes(elements)) << "fp8 without a type";
  EXPECT_EQ(operation("dequantise,100,512,int8").read, Bytes(elements));
  EXPECT_EQ(operation("dequantise,100,512,int8").written, Bytes(2 * elements));
}

TEST(OperatorRows, SampleWithoutWritingTheLogits) {
  EXPECT_EQ(operation("sampling,100,512,bf16").read, Bytes(2 * elements));
  EXPECT_EQ(operation("sampling,100,512,bf16").written, Bytes(0));
  EXPECT_EQ(operation("sampling,100,512,bf16").columns, 512);
  EXPECT_EQ(operation("embedding,100,512,bf16").read, operation("copy,100,512,bf16").read);
}

TEST(OperatorRows, KeepInAFusedChainWhatPassesFromOneToTheNext) {
  const MemoryOp chain = operation("add+rmsnorm+quantise,100,512,fp8");
  EXPECT_EQ(chain.read, Bytes(2 * 2 * elements));
  EXPECT_EQ(chain.written, Bytes(elements));
  EXPECT_EQ(chain.vector_flops, Flops((1 + 4 + 3) * elements));
  EXPECT_EQ(chain.columns, 512);
  EXPECT_EQ(operation("silu+mul,100,512,bf16").read, operation("swiglu,100,512,bf16").read);
  EXPECT_THROW(operation("add+rmsnrm,100,512,bf16"), InputError);
}

TEST(OperatorRows, TellALayersKernelsApartUnlessTheyAreFused) {
  const std::string header = "hidden,q_heads,kv_heads,head_dim,ffn,batch,q_len,kv_len,fused";
  const auto apart = kernels("layer", header, "4096,32,8,128,14336,4,1,1000,0");
  const auto fused = kernels("layer", header, "4096,32,8,128,14336,4,1,1000,1");
  EXPECT_EQ(apart.size(), fused.size() + 2);
  Flops flops;
  for (const Kernel& kernel : apart) {
    flops += std::holds_alternative<Gemm>(kernel) ? work(kernel).flops : Flops();
  }
  EXPECT_EQ(flops, Flops(2.0 * 4 * 4096 * ((32 + 2 * 8) * 128 + 4096 + 3 * 14336)));
}

TEST(OperatorRows, KnowTheLongestOfContextsThatDiffer) {
  const std::string header = "phase,batch,q_heads,kv_heads,head_dim,kv_len,kv_len_max";
  const auto row = kernels("attention", header, "decode,8,32,8,128,1000,5000");
  EXPECT_EQ(std::get<Attention>(row.front()).longest, 5000);
}

}  // namespace
}  // namespace podium
