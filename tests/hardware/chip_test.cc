#include "sim/hardware/chip.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

#include "tests/core/error_of.h"

namespace podium {
namespace {

using test::error_of;

const std::string file =
    "description: a chip of round numbers\n"
    "source: {text: this test, grade: assumed}\n"
    "peak: {bf16: 100 TFLOP/s, fp8: 200 TFLOP/s}\n"
    "vector_peak: 10 TFLOP/s\n"
    "matrix_cores: 24\n"
    "vector_cores: 48\n"
    "memory: {size: 64 GB, bandwidth: 1.6 TB/s, reserved: 4 GB}\n"
    "cache_size: 192 MB\n"
    "power: 300 W\n"
    "idle_power: 50 W\n"
    "graph_launch: 100 us\n"
    "compute_model: roofline\n"
    "achieved:\n"
    "  gemm:\n"
    "    default: {compute: 0.7, memory: 0.8, start: 5 us}\n"
    "    fp8: {compute: 0.6}\n"
    "    fp8_block: {start: 9 us}\n"
    "  grouped_gemm: {default: {compute: 0.5, memory: 0.5, start: 1 us}}\n"
    "  attention_prefill: {default: {compute: 0.5, memory: 0.5, start: 1 us}}\n"
    "  attention_decode: {default: {compute: 0.5, memory: 0.5, start: 1 us}}\n"
    "  mla_prefill: {default: {compute: 0.5, memory: 0.5, start: 1 us}}\n"
    "  mla_decode: {default: {compute: 0.5, memory: 0.5, start: 1 us}}\n"
    "  memory: {default: {compute: 0.5, memory: 0.9, start: 1 us}}\n";

ChipSpec chip_of(const std::string& yaml, const std::map<std::string, std::string>& overrides = {}) {
  return read_chip(Document::parse(yaml, "chip.yaml", overrides), "test");
}

/// The file with one piece of text replaced, which must be there.
std::string with(const std::string& before, const std::string& after) {
  std::string changed = file;
  const std::size_t place = changed.find(before);
  EXPECT_NE(place, std::string::npos) << before;
  return changed.replace(place, before.size(), after);
}

std::string error_with(const std::string& before, const std::string& after) {
  return error_of([&] { chip_of(with(before, after)); });
}

TEST(Chip, IsReadFromItsFile) {
  const ChipSpec chip = chip_of(file);
  EXPECT_EQ(chip.name, "test");
  EXPECT_EQ(chip.description, "a chip of round numbers");
  EXPECT_EQ(chip.peak(DataType::bf16), FlopsPerSecond(100e12));
  EXPECT_EQ(chip.vector_peak, FlopsPerSecond(10e12));
  EXPECT_EQ(chip.matrix_cores, 24);
  EXPECT_EQ(chip.vector_cores, 48);
  EXPECT_EQ(chip.memory_size, Bytes(64e9));
  EXPECT_EQ(chip.memory_bandwidth, BytesPerSecond(1.6e12));
  EXPECT_EQ(chip.reserved, Bytes(4e9));
  EXPECT_EQ(chip.cache_size, Bytes(192e6));
  EXPECT_EQ(chip.power, Watts(300));
  EXPECT_EQ(chip.idle_power, Watts(50));
  EXPECT_DOUBLE_EQ(chip.graph_launch.value(), 100e-6);
  EXPECT_EQ(chip.compute_model, "roofline");
  EXPECT_EQ(chip.achieves(KernelFamily::memory, DataType::bf16).memory, 0.9);
}

TEST(Chip, NotesEveryFigure) {
  // 2 peaks, 10 scalars, 3 in each of 7 families, 2 by type
  EXPECT_EQ(chip_of(file).figures.size(), 2u + 10 + 3 * 7 + 2);
}

TEST(Chip, SupportsATypeWhoseProductsItHas) {
  const ChipSpec chip = chip_of(file);
  EXPECT_TRUE(chip.supports(DataType::fp8_block));
  EXPECT_EQ(chip.peak(DataType::fp8_block), chip.peak(DataType::fp8));
  EXPECT_FALSE(chip.supports(DataType::w8a8));
  EXPECT_EQ(error_of([&] { chip.peak(DataType::w8a8); }), "chip test does not compute in w8a8; it does in bf16, fp8");
  EXPECT_EQ(error_of([&] { chip.achieves(KernelFamily::gemm, DataType::int8); }),
            "chip test does not compute in int8; it does in bf16, fp8");
}

TEST(Chip, AchievesTheDefaultButForWhatATypeChanges) {
  const ChipSpec chip = chip_of(file);
  const Achieved bf16 = chip.achieves(KernelFamily::gemm, DataType::bf16);
  EXPECT_EQ(bf16.compute, 0.7);
  EXPECT_EQ(bf16.memory, 0.8);
  EXPECT_DOUBLE_EQ(bf16.start.value(), 5e-6);
  const Achieved fp8 = chip.achieves(KernelFamily::gemm, DataType::fp8);
  EXPECT_EQ(fp8.compute, 0.6);
  EXPECT_EQ(fp8.memory, 0.8);
  const Achieved block = chip.achieves(KernelFamily::gemm, DataType::fp8_block);  // fp8's, changed once more
  EXPECT_EQ(block.compute, 0.6);
  EXPECT_DOUBLE_EQ(block.start.value(), 9e-6);
}

TEST(Chip, TakesOverrides) {
  const ChipSpec chip = chip_of(file, {{"memory.bandwidth", "4 TB/s"}, {"achieved.gemm.fp8.compute", "0.9"}});
  EXPECT_EQ(chip.memory_bandwidth, BytesPerSecond(4e12));
  EXPECT_EQ(chip.achieves(KernelFamily::gemm, DataType::fp8).compute, 0.9);
}

TEST(Chip, RefusesFiguresThatCannotBe) {
  EXPECT_EQ(error_with("1.6 TB/s", "0 TB/s"), "chip.yaml:7:34: memory.bandwidth: must be more than nothing");
  EXPECT_EQ(error_with("reserved: 4 GB", "reserved: 64 GB"),
            "chip.yaml:7:54: memory.reserved: the reserve leaves nothing of 64 GB");
  EXPECT_EQ(error_with("idle_power: 50 W", "idle_power: 301 W"),
            "chip.yaml:10:13: idle_power: this is more than the power limit, 300 W");
  EXPECT_EQ(error_with("matrix_cores: 24", "matrix_cores: 0"),
            "chip.yaml:5:15: matrix_cores: 0 cores are not between 1 and 1000000");
  EXPECT_EQ(error_with("compute: 0.7", "compute: 1.1"),
            "chip.yaml:15:24: achieved.gemm.default.compute: an efficiency is more than 0 and at most 1");
  EXPECT_NE(error_with("memory: 0.8", "memory: 0").find("an efficiency is more than 0"), std::string::npos);
  EXPECT_NE(error_with("300 W", "300").find("needs a unit of power"), std::string::npos);
  EXPECT_NE(error_with("300 W", "nan W").find("not a finite number"), std::string::npos);
}

TEST(Chip, RefusesRangesWithAnEndThatCannotBe) {
  EXPECT_EQ(error_with("bf16: 100 TFLOP/s", "bf16: {value: 100 TFLOP/s, low: 0 TFLOP/s, high: 100 TFLOP/s}"),
            "chip.yaml:3:40: peak.bf16.low: must be more than nothing");
  EXPECT_EQ(error_with("bandwidth: 1.6 TB/s", "bandwidth: {value: 1.6 TB/s, low: 0 TB/s, high: 2 TB/s}"),
            "chip.yaml:7:57: memory.bandwidth.low: must be more than nothing");
  EXPECT_NE(error_with("memory: 0.8", "memory: {value: 0.8, low: 0.7, high: 1.1}").find("memory.high: an efficiency"),
            std::string::npos);
}

TEST(Chip, RefusesPeaksAndFamiliesThatMakeNoSense) {
  EXPECT_EQ(error_with("bf16: 100", "fp8_block: 100"),
            "chip.yaml:3:19: peak.fp8_block: fp8_block is multiplied as fp8; give the peak of that");
  EXPECT_EQ(error_with("bf16: 100", "e4m3: 100"),
            "chip.yaml:3:32: peak.fp8: the peak of fp8 is given twice, under two names");
  EXPECT_EQ(error_with("{bf16: 100 TFLOP/s, fp8: 200 TFLOP/s}", "{}"),
            "chip.yaml:3:7: peak: a chip has a peak for one data type at least");
  EXPECT_EQ(error_with("    fp8: {compute", "    int8: {compute"),
            "chip.yaml:16:11: achieved.gemm.int8: the chip has no peak for int8");
  EXPECT_EQ(error_with("    fp8_block: {start", "    e4m3: {start"),
            "chip.yaml:17:11: achieved.gemm.e4m3: the figures of fp8 are given twice, under two names");
  EXPECT_NE(error_with("  mla_decode:", "  mla_decoed:").find("'mla_decode' is missing; is 'mla_decoed'"),
            std::string::npos);
}

TEST(Chip, TransposesOperandsWhereItsFileSaysSo) {
  EXPECT_FALSE(chip_of(file).transposes_operands);
  EXPECT_TRUE(chip_of(file + "transposes_operands: true\n").transposes_operands);
}

TEST(Chip, EveryKeyIsRequiredAndNoOtherIsTaken) {
  for (const char* const key : {"description", "peak", "vector_peak", "matrix_cores", "vector_cores", "size",
                                "bandwidth", "reserved", "cache_size", "idle_power", "graph_launch", "compute_model"}) {
    const std::string message = error_with(std::string(key) + ":", std::string(key) + "_x:");
    EXPECT_NE(message.find("the key '" + std::string(key) + "' is missing; is '" + key + "_x' meant to be it?"),
              std::string::npos)
        << message;
  }
  EXPECT_NE(error_with("power: 300 W", "power: 300 W\nprice: 5 k$").find("unknown key 'price'"), std::string::npos);
  EXPECT_NE(
      error_with("fp8: {compute: 0.6}", "fp8: {compte: 0.6}").find("unknown key 'compte' (did you mean 'compute'"),
      std::string::npos);
}

TEST(KernelFamily, EachHasAName) {
  std::string names;
  for (const KernelFamily family : all_kernel_families()) {
    names += std::string(to_string(family)) + " ";
  }
  EXPECT_EQ(names, "gemm grouped_gemm attention_prefill attention_decode mla_prefill mla_decode memory ");
}

/// Laws over every chip that has a file.
class ChipFiles : public testing::TestWithParam<std::string> {};

TEST_P(ChipFiles, AreReadAndComplete) {
  const ChipSpec chip = load_chip(GetParam());
  EXPECT_EQ(chip.name, GetParam());
  EXPECT_FALSE(chip.description.empty());
  EXPECT_TRUE(chip.supports(DataType::bf16));
  for (const Figure& figure : chip.figures) {
    EXPECT_FALSE(figure.source.empty()) << figure.path;
  }
  for (const KernelFamily family : all_kernel_families()) {
    for (const DataType type : all_data_types()) {
      if (chip.supports(type)) {
        const Achieved& achieved = chip.achieves(family, type);
        EXPECT_LE(achieved.start, Seconds(1e-3)) << to_string(family) << " " << to_string(type);
      }
    }
  }
}

TEST_P(ChipFiles, AreFasterWithFewerBits) {
  const ChipSpec chip = load_chip(GetParam());
  for (const auto& [type, peak] : chip.matrix_peak) {
    for (const auto& [other, other_peak] : chip.matrix_peak) {
      // int8 is no float: Blackwell Ultra has cut it
      if (other != DataType::int8 && size_of(other) * 1.5 < size_of(type)) {
        EXPECT_LE(peak, other_peak) << to_string(type) << " against " << to_string(other);
      }
    }
  }
  EXPECT_LT(chip.vector_peak, chip.peak(DataType::bf16));
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    c = c == '-' || c == '.' ? '_' : c;
  }
  return name;
}
INSTANTIATE_TEST_SUITE_P(All, ChipFiles, testing::ValuesIn(list_files("configs/chips")), test_name);

}  // namespace
}  // namespace podium
