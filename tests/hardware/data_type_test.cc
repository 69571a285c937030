#include "sim/hardware/data_type.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/core/error_of.h"

namespace podium {
namespace {

TEST(DataType, EachIsReadBackFromItsName) {
  std::set<std::string_view> names;
  for (const DataType type : all_data_types()) {
    EXPECT_EQ(parse_data_type(to_string(type)), type);
    EXPECT_TRUE(names.insert(to_string(type)).second) << to_string(type);
  }
  EXPECT_EQ(names.size(), 11u);
}

TEST(DataType, HasTheNamesFoundInTheWild) {
  EXPECT_EQ(parse_data_type("bfloat16"), DataType::bf16);
  EXPECT_EQ(parse_data_type("BF16"), DataType::bf16);
  EXPECT_EQ(parse_data_type("half"), DataType::fp16);
  EXPECT_EQ(parse_data_type("float16"), DataType::fp16);
  EXPECT_EQ(parse_data_type("float"), DataType::fp32);
  EXPECT_EQ(parse_data_type("e4m3"), DataType::fp8);
  EXPECT_EQ(parse_data_type("w8a8_dynamic"), DataType::w8a8);
  EXPECT_EQ(parse_data_type("int8_w8a8"), DataType::w8a8);
  EXPECT_EQ(parse_data_type("fp4"), DataType::nvfp4);
}

TEST(DataType, RefusesOthersWithTheNearestName) {
  const std::string message = test::error_of([] { parse_data_type("bf61", {"chip.yaml", 3, 5}); });
  EXPECT_EQ(message.find("chip.yaml:3:5: unknown data type 'bf61' (did you mean 'bf16'?)"), 0u) << message;
}

TEST(DataType, StoresItsScalesWithItsElements) {
  const auto bytes = [](DataType type) { return size_of(type).value(); };
  EXPECT_EQ(bytes(DataType::fp32), 4);
  EXPECT_EQ(bytes(DataType::bf16), 2);
  EXPECT_EQ(bytes(DataType::fp8), 1);
  EXPECT_EQ(bytes(DataType::int8), 1);
  EXPECT_EQ(bytes(DataType::nvfp4) * 16, 16 * 0.5 + 1);                // a block of 16 and its scale
  EXPECT_EQ(bytes(DataType::mxfp4) * 32, 32 * 0.5 + 1);                // a block of 32 and its scale
  EXPECT_EQ(bytes(DataType::fp8_block) * 128 * 128, 128.0 * 128 + 4);  // a tile and its scale
  EXPECT_EQ(bytes(DataType::mxfp8) * 32, 32 + 1);                      // a block and its scale
}

TEST(DataType, SendsScalesWithTokens) {
  EXPECT_EQ(token_size(DataType::int8, 7168), Bytes(7168 + 512)) << "a block with a scale and metadata";
  EXPECT_EQ(token_size(DataType::w8a8, 7168), Bytes(7168 + 512));
  EXPECT_EQ(token_size(DataType::fp8_block, 7168), Bytes(7168 + 56 * 4)) << "a scale per 128";
  EXPECT_EQ(token_size(DataType::nvfp4, 7168), 7168 * size_of(DataType::nvfp4));
  EXPECT_EQ(token_size(DataType::bf16, 7168), Bytes(2 * 7168));
}

TEST(DataType, IsMultipliedAsATypeThatIsMultipliedAsItself) {
  for (const DataType type : all_data_types()) {
    EXPECT_EQ(multiplied_as(multiplied_as(type)), multiplied_as(type)) << to_string(type);
  }
  EXPECT_EQ(multiplied_as(DataType::fp8_block), DataType::fp8);
  EXPECT_EQ(multiplied_as(DataType::w8a8), DataType::int8);
  EXPECT_EQ(multiplied_as(DataType::bf16), DataType::bf16);
}

}  // namespace
}  // namespace podium
