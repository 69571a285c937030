// Collectives against nccl-tests on one server or board: schedules, and the library that was fitted to these rows. The
// figures of the systems' files come from small sizes and from the largest of these rows; what lies between is not
// fitted.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <iostream>

#include "sim/calibration/collective_rows.h"
#include "sim/collective/experts.h"
#include "sim/collective/select.h"
#include "sim/hardware/data_type.h"
#include "sim/system/machine.h"
#include "tests/validation/kernel_rows.h"

namespace podium::test {
namespace {

/// From here on a call is bound by bandwidth; below, NCCL changes protocols, which Podium does not know.
constexpr double large = 128 << 20;
constexpr double large_bound = 0.12;

/// What `auto` takes for an all-reduce among the first ranks of a system, and how long.
std::pair<std::string, Seconds> all_reduce(const Machine& machine, Bytes bytes) {
  const CollectiveKind kind = CollectiveKind::all_reduce;
  const CommunicationCosts costs = communication_costs(machine.system(), machine.chip(), machine.network());
  Router router(machine.network());
  Placement placement{{{}}};
  for (std::uint32_t rank = 0; rank < machine.ranks(); ++rank) {
    placement.groups.front().push_back(machine.node(rank));
  }
  const Operation operation{
      Selector(machine.network(), router, costs).choose("auto", kind, placement, bytes), placement, {}};
  const FoldedFabric fabric = fold(machine.network(), router, {&operation, 1});
  return {operation.schedule.algorithm, time_alone({0, kind, bytes}, fabric, costs, "flow")};
}

void validate(const std::string& system, std::uint32_t ranks, const std::string& file) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const Machine machine = load_machine(system, {ranks, 0});
  std::size_t count = 0;
  for (const Row& row : read_rows(file)) {
    if (row.at("op") != "all_reduce" || row.at("dtype") != "half" || number(row, "num_gpus") != ranks ||
        number(row, "bytes") < 4 << 20) {
      continue;
    }
    const auto [algorithm, time] = all_reduce(machine, Bytes(number(row, "bytes")));
    const double error = time.value() / measured_seconds(row, "latency_us") - 1;
    std::cout << fmt::format("all-reduce {:>11} B, {} x {:<12}{:>+7.1f} %  {}\n", row.at("bytes"), ranks, system,
                             100 * error, algorithm);
    if (number(row, "bytes") >= large) {
      EXPECT_LE(std::abs(error), large_bound) << row.at("bytes");
      ++count;
    }
  }
  EXPECT_GE(count, 3U);
}

TEST(CollectiveValidation, LargeAllReducesOnHopperAreNear) {
  validate("hgx-h100", 4, "collectives/aic_nccl_h100_sxm.csv");
  validate("hgx-h100", 8, "collectives/aic_nccl_h100_sxm.csv");
}

TEST(CollectiveValidation, LargeAllReducesOnBlackwellAreNear) {
  validate("gb200-nvl72", 4, "collectives/aic_nccl_gb200.csv");
}

/// Nothing is fitted to these rows, nor to any of more than one server but the adapter's share (NCCL's own model).
TEST(CollectiveValidation, LargeAllReducesOverEightServersAreNear) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const Machine machine = load_machine("hgx-h100", {64, 0});
  std::size_t count = 0;
  for (const Row& row : read_rows("collectives/coreweave_h100_64_allreduce.csv")) {
    const auto [algorithm, time] = all_reduce(machine, Bytes(number(row, "bytes")));
    const double error = time.value() / measured_seconds(row, "oop_time_us") - 1;
    std::cout << fmt::format("all-reduce {:>11} B, 64 x hgx-h100    {:>+7.1f} %  {}\n", row.at("bytes"), 100 * error,
                             algorithm);
    EXPECT_LE(std::abs(error), 0.10) << row.at("bytes");
    ++count;
  }
  EXPECT_EQ(count, 5U);
}

/// The bounds are those for rows that nobody fitted, by size: 64 KiB and 4 MiB apart.
void validate_library(const std::string& system, const std::string& file, const std::map<std::string, double>& bounds) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  std::vector<CollectiveRow> rows;
  for (const Row& row : read_rows(file)) {
    rows.push_back({{},
                    parse_collective_kind(row.at("op")),
                    static_cast<std::uint32_t>(number(row, "num_gpus")),
                    0,
                    Bytes(number(row, "bytes")),
                    "auto",
                    Seconds(measured_seconds(row, "latency_us"))});
  }
  const auto library = load_library(system);
  ASSERT_TRUE(library);
  const auto errors = errors_of(rows, collective_time(system, &*library));
  for (const auto& [size, most] : bounds) {
    std::cout << fmt::format("{:<12} {:<16} {:>4} rows {:>5.1f} %\n", system, size, errors.at(size).rows,
                             100 * errors.at(size).mean);
    EXPECT_LE(errors.at(size).mean, most) << size;
  }
}

TEST(CollectiveValidation, TheLibraryIsNearAtAllSizesOnHopper) {
  validate_library("hgx-h100", "collectives/aic_nccl_h100_sxm.csv",
                   {{"below 64 KiB", 0.15}, {"64 KiB to 4 MiB", 0.10}, {"4 MiB and up", 0.06}});
}

TEST(CollectiveValidation, TheLibraryIsNearAtAllSizesOnBlackwell) {
  validate_library("gb200-nvl72", "collectives/aic_nccl_gb200.csv",
                   {{"below 64 KiB", 0.20}, {"64 KiB to 4 MiB", 0.15}, {"4 MiB and up", 0.08}});
}

TEST(CollectiveValidation, ExpertsTokensOnBlackwellAreNear) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const auto library = load_library("gb200-nvl72");
  ASSERT_TRUE(library);
  const auto time = collective_time("gb200-nvl72", &*library);
  const RowTable table = load_table(data_folder() + "/collectives/aic_gb200_nvl72_moe_alltoall.csv");
  std::map<std::string, std::vector<double>> errors;
  for (const TableRow& row : table.rows) {
    const CollectiveRow call = collective_rows({table.where, table.header, table.columns, {row}}).front();
    if (row.cells[1] == "alltoall_dispatch" || row.cells[1] == "alltoall_combine") {
      errors[fmt::format("{} {} {}", row.cells.front(), to_string(call.kind), call.ranks)].push_back(
          time(call) / *call.time - 1);
    }
  }
  ASSERT_EQ(errors.size(), 8U) << "of two kernels";
  for (const auto& [name, all] : errors) {
    std::cout << fmt::format("gb200-nvl72 {:<12} {:>4} rows {:>5.1f} %\n", name, all.size(),
                             100 * summary_of(all).mean);
    EXPECT_LE(summary_of(all).mean, 0.12) << name;
  }
}

/// Table 6 of arXiv 2506.12708, 128 tokens a rank: time over 8, 16 and 32 dies.
TEST(CollectiveValidation, ExpertsTokensOnCloudMatrixAreNear) {
  const auto library = load_library("cloudmatrix384");
  ASSERT_TRUE(library);
  const auto time = collective_time("cloudmatrix384", &*library);
  const std::map<CollectiveKind, std::map<std::uint32_t, double>> table{
      {CollectiveKind::dispatch, {{8, 116e-6}, {16, 131e-6}, {32, 133e-6}}},
      {CollectiveKind::combine, {{8, 118e-6}, {16, 132e-6}, {32, 146e-6}}}};
  for (const auto& [kind, published] : table) {
    const Bytes bytes(128 * 8 * (kind == CollectiveKind::dispatch ? 7168 + 512 : 7168 * 2));
    for (const auto& [ranks, seconds] : published) {
      const Seconds predicted = time({{}, kind, ranks, 0, bytes, "auto", {}});
      EXPECT_NEAR(predicted.value(), seconds, 0.03 * seconds) << to_string(kind) << " among " << ranks;
    }
  }
}

/// Tokens of 7,168 elements that choose 8 of 256 experts at random: dispatch in FP8 with scales, combine in bf16.
Seconds expert_time(const CollectiveTime& time, CollectiveKind kind, std::uint32_t ranks, double tokens,
                    std::uint32_t groups = 1, std::uint32_t groups_chosen = 1) {
  const DataType type = kind == CollectiveKind::dispatch ? DataType::fp8_block : DataType::bf16;
  CollectiveRow row{{}, kind, ranks, ranks > 8 ? 8U : 0U, tokens * 8 * token_size(type, 7168), "auto", {}};
  row.routing = TokenRouting{.choices = 8, .slots = 256, .groups = groups, .groups_chosen = groups_chosen};
  return time(row);
}

constexpr std::pair<CollectiveKind, const char*> expert_kinds[] = {{CollectiveKind::dispatch, "dispatch"},
                                                                   {CollectiveKind::combine, "combine"}};

/// DeepEP's kernels where each kind is used: low-latency ones for few tokens, normal ones for many.
TEST(CollectiveValidation, ExpertsTokensOnHopperAreNear) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const auto library = load_library("hgx-h100");
  ASSERT_TRUE(library);
  const auto time = collective_time("hgx-h100", &*library);
  std::map<std::string, std::vector<double>> errors;
  const auto add = [&](const Row& row, const std::string& style, auto&& measured_us) {
    const auto ranks = static_cast<std::uint32_t>(8 * number(row, "node_num"));
    for (const auto& [kind, name] : expert_kinds) {
      const Seconds predicted = expert_time(time, kind, ranks, number(row, "num_token"));
      errors[fmt::format("{} {} {}", style, name, ranks)].push_back(predicted.value() * 1e6 / measured_us(name) - 1);
    }
  };
  for (const Row& row : read_rows("collectives/aic_deepep_lowlatency_h100_sxm.csv")) {
    if (number(row, "num_token") <= 64) {
      add(row, "low-latency", [&](const std::string& name) { return number(row, name + "_avg_t_us"); });
    }
  }
  for (const Row& row : read_rows("collectives/aic_deepep_normal_h100_sxm.csv")) {
    if (number(row, "num_token") >= 1024 && row.at("dispatch_sms") == "20") {
      add(row, "normal", [&](const std::string& name) {
        return number(row, name + "_transmit_us") + number(row, name + "_notify_us");
      });
    }
  }
  ASSERT_EQ(errors.size(), 8U);
  for (const auto& [name, all] : errors) {
    std::cout << fmt::format("hgx-h100 {:<24} {:>3} rows {:>5.1f} %\n", name, all.size(), 100 * summary_of(all).mean);
    EXPECT_LE(summary_of(all).mean, 0.12) << name;
  }
}

/// H800: nothing is fitted to it. Low-latency kernels by their time; normal ones by their bandwidth, which counts what
/// reaches other ranks of the server, or nodes, each with the own one.
TEST(CollectiveValidation, ExpertsTokensOnHopperWithHalfTheLinksAreNear) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const auto library = load_library("hgx-h800");
  ASSERT_TRUE(library);
  const auto time = collective_time("hgx-h800", &*library);
  for (const Row& row : read_rows("collectives/deepep_h800_readme.csv")) {
    if (row.at("version") != "v1_final") {
      continue;
    }
    const auto ranks = static_cast<std::uint32_t>(number(row, "ep_size")), nodes = ranks / 8;
    for (const auto& [kind, name] : expert_kinds) {
      const bool few = row.at("mode") == "low_latency";
      const std::uint32_t groups = few ? 1 : nodes, chosen = std::min(groups, 4U);
      double measured = few ? number(row, std::string(name) + "_us") * 1e-6 : 0;
      if (!few) {
        const TokenRouting routing{.choices = 8, .slots = 256, .groups = groups, .groups_chosen = chosen};
        const std::uint32_t units = nodes > 1 ? nodes : 8, one[] = {0};
        const Bytes token = token_size(kind == CollectiveKind::dispatch ? DataType::fp8_block : DataType::bf16, 7168);
        measured = 4096 * units * chance_to_reach(routing, units, one) * token.value() /
                   (number(row, std::string(name) + "_GBps") * 1e9);
      }
      const double error = expert_time(time, kind, ranks, few ? 128 : 4096, groups, chosen).value() / measured - 1;
      std::cout << fmt::format("hgx-h800 {:<11} {:<8} {:>2} ranks {:>+6.1f} %\n", row.at("mode"), name, ranks,
                               100 * error);
      EXPECT_LE(std::abs(error), 0.2) << name << " among " << ranks;
    }
  }
}

/// HCCL within a node: production times, of those that were not measured twice the same.
TEST(CollectiveValidation, GatheringOnCloudMatrixIsNear) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const auto library = load_library("cloudmatrix384");
  ASSERT_TRUE(library);
  const auto time = collective_time("cloudmatrix384", &*library);
  std::size_t count = 0;
  for (const Row& row : read_rows("collectives/ascend_a3_hccl.csv")) {
    const double shard = number(row, "bytes_per_rank_approx");
    if (row.at("op") != "all_gather" || row.at("production_us").empty() || shard < 512 << 10) {
      continue;
    }
    const auto ranks = static_cast<std::uint32_t>(number(row, "num_dies"));
    const Seconds predicted = time({{}, CollectiveKind::all_gather, ranks, 0, Bytes(shard * ranks), "auto", {}});
    const double error = predicted.value() * 1e6 / number(row, "production_us") - 1;
    std::cout << fmt::format("cloudmatrix384 all-gather {:>9} B of {:>2} dies {:>+6.1f} %\n", shard, ranks,
                             100 * error);
    EXPECT_LE(std::abs(error), 0.16) << shard;
    ++count;
  }
  EXPECT_EQ(count, 4U);
}

}  // namespace
}  // namespace podium::test
