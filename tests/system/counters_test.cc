#include "sim/system/counters.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <utility>

#include "tests/system/graphs.h"

namespace podium::test {
namespace {

using namespace literals;

Time at(std::int64_t picoseconds) { return Time::from_picoseconds(picoseconds); }

const Counter* find(const std::vector<Counter>& counters, const std::string& name, const std::string& series) {
  const auto found = std::find_if(counters.begin(), counters.end(), [&](const Counter& one) {
    return one.name.ends_with(name) && one.series.find(series) != std::string::npos;
  });
  return found == counters.end() ? nullptr : &*found;
}

std::vector<double> values(const Counter& counter) {
  std::vector<double> result;
  for (const auto& [time, value] : counter.values) {
    result.push_back(value);
  }
  return result;
}

/// The area under a counter, in its unit times seconds, until the run's end.
double area(const Counter& counter, Seconds end) {
  double sum = 0;
  for (std::size_t i = 0; i < counter.values.size(); ++i) {
    const Seconds until = i + 1 < counter.values.size() ? since_start(counter.values[i + 1].first) : end;
    sum += counter.values[i].second * (until - since_start(counter.values[i].first)).value();
  }
  return sum;
}

TEST(Counters, TellWhatKernelsMoveAndComputeInASecond) {
  Timeline timeline;
  timeline.roles = {{"ranks", 0, 4}};
  timeline.tracks = {{RoleId(0), "a"}, {RoleId(0), "b"}};
  // 3 GB/s from 0 to 3 us and another 2 GB/s from 1 to 2 us, of the same rank
  timeline.slices = {{0, at(0), at(3'000'000), "a", "", Flops(6e6), Bytes(9000), "compute"},
                     {1, at(1'000'000), at(2'000'000), "b", "", Flops(), Bytes(2000), "memory"}};
  timeline.slices[0].drive = 1;
  timeline.slices[1].drive = 0.5;
  const ChipSpec& chip = server().chip();
  const std::vector<Counter> counters = count_work(chip, timeline);
  EXPECT_EQ(values(*find(counters, "memory traffic", "GB/s")), (std::vector<double>{3, 5, 3, 0}));
  EXPECT_EQ(values(*find(counters, "compute", "TFLOP/s")), (std::vector<double>{2, 0}));
  const double most = 100 * (5e9 / chip.memory_bandwidth.value());
  EXPECT_DOUBLE_EQ(values(*find(counters, "memory use", "%"))[1], most);
  const double limit = chip.power.value(), idle = chip.idle_power.value();
  EXPECT_EQ(values(*find(counters, "power of a chip", "W")), (std::vector<double>{limit, limit, limit, idle}))
      << "never over the limit";
  EXPECT_NEAR(values(*find(counters, "power of all chips", "kW"))[0], 4e-3 * limit, 1e-9);
}

TEST(Counters, DrawAsMuchPowerAsAnH100DidOverEachMeasuredLoad) {
  const auto watts = [](const Kernel& kernel) {
    const ChipSpec& chip = server().chip();
    const Cost cost = compute_model_of(chip)->cost(kernel, chip, {});
    return chip.idle_power.value() + drive_of(kernel, cost, chip) * (chip.power - chip.idle_power).value();
  };
  // medians that were measured for this project, at a limit of 700 W
  EXPECT_NEAR(watts(Gemm{DataType::bf16, 8192, 8192, 8192, 1}), 710, 0.03 * 710);
  EXPECT_NEAR(watts(Gemm{DataType::fp8, 8192, 8192, 8192, 1}), 697, 0.03 * 697);
  EXPECT_NEAR(watts(Gemm{DataType::bf16, 64, 8192, 8192, 1}), 643, 0.10 * 643);
  EXPECT_NEAR(watts(MemoryOp{"copy", 2_GiB, 2_GiB, {}}), 505, 0.03 * 505);
}

Execution traced(const TaskGraph& graph) {
  return run(graph, {.keep_spans = true, .keep_links = true, .link_samples = 64});
}

/// Bytes on all links of the plane, and on its busiest.
std::pair<double, double> carried(const Execution& execution, std::uint32_t plane) {
  double all = 0, most = 0;
  for (const LinkId id : execution.links.ports.ids()) {
    if (server().network().links[id].plane == plane) {
      all += execution.links.ports[id].bytes.value();
      most = std::max(most, execution.links.ports[id].bytes.value());
    }
  }
  return {all, most};
}

/// What counters say of links is what went over them in all.
void expect_all_bytes(const TaskGraph& graph) {
  const Execution execution = traced(graph);
  const std::vector<Counter> counters = count_links(server().network(), graph, execution);
  const std::uint32_t plane = server().network().plane_index("nvlink");
  BytesPerSecond used, one;
  for (const LinkId id : execution.links.ports.ids()) {
    const Link& link = server().network().links[id];
    if (link.plane == plane && execution.links.ports[id].bytes > Bytes()) {
      used += link.bandwidth;
      one = link.bandwidth;
    }
  }
  const Counter* mean = find(counters, "links of nvlink, mean", "%");
  const Counter* busiest = find(counters, "the busiest", "%");
  ASSERT_NE(mean, nullptr);
  ASSERT_NE(busiest, nullptr);
  const auto [all, most] = carried(execution, plane);
  EXPECT_GT(all, 0);
  EXPECT_NEAR(area(*mean, execution.time) / 100 * used.value() / all, 1, 1e-6);
  EXPECT_NEAR(area(*busiest, execution.time) / 100 * one.value() / most, 1, 1e-6);
  for (const auto& [time, value] : mean->values) {
    EXPECT_LE(value, 100 * (1 + 1e-6)) << "no link carries more than it can";
  }
}

TEST(Counters, OfLinksAddUpToTheBytesThatTheyCarried) {
  Builder b;
  b.delay(0, 20_us);
  b.all_reduce(0, 64_MiB);
  b.delay(0, 30_us);
  b.all_reduce(0, 1_MiB);
  expect_all_bytes(b.graph);
}

TEST(Counters, OfLinksAreThereForEveryPassThroughABlock) {
  Builder inner;
  const TaskId first = inner.compute(0, product(1024));
  inner.all_reduce(1, 16_MiB, {first});
  Builder b;
  const BlockId block = b.graph.add_block(inner.graph);
  b.graph.add(b.role, 0, 0, BlockTask{block, 3});
  b.all_reduce(0, 1_MiB);
  expect_all_bytes(b.graph);
  Builder many;  // passes too brief to be drawn one by one
  const BlockId small = many.graph.add_block(inner.graph);
  many.graph.add(many.role, 0, 0, BlockTask{small, 50'000});
  expect_all_bytes(many.graph);
}

TEST(Counters, OfLinksAreZeroWhereNothingIsSent) {
  Builder b;
  b.delay(0, 50_us);
  b.all_reduce(0, 64_MiB);
  b.delay(0, 50_us);
  const Execution execution = traced(b.graph);
  const std::vector<Counter> counters = count_links(server().network(), b.graph, execution);
  const Counter* mean = find(counters, "links of nvlink, mean", "%");
  ASSERT_NE(mean, nullptr);
  for (const auto& [time, value] : mean->values) {
    const Seconds when = since_start(time);
    if (when < 45_us || when > execution.time - 45_us) {  // samples are 4 us apart
      EXPECT_EQ(value, 0) << when.value();
    }
  }
}

TEST(LinkSampler, KeepsAboutAsManySamplesHoweverLongTheRunIs) {
  Builder brief, lengthy;
  brief.all_reduce(0, 1_MiB);
  for (int i = 0; i < 200; ++i) {
    lengthy.all_reduce(0, 64_MiB);
    lengthy.delay(0, 1_ms);
  }
  EXPECT_LE(traced(brief.graph).links.history.samples.size(), 128U);
  const std::vector<LinkHistory::Sample> samples = traced(lengthy.graph).links.history.samples;
  EXPECT_GE(samples.size(), 64U);
  EXPECT_LE(samples.size(), 128U);
  EXPECT_EQ(samples.front().at, Time());
  for (std::size_t i = 1; i < samples.size(); ++i) {
    EXPECT_LT(samples[i - 1].at, samples[i].at);
  }
}

TEST(LinkSampler, ChangesNothingThatARunComesTo) {
  Builder b;
  b.all_reduce(0, 64_MiB);
  b.compute(0, product(512));
  EXPECT_EQ(traced(b.graph).signature, run(b.graph).signature);
  EXPECT_EQ(traced(b.graph).time, run(b.graph).time);
}

}  // namespace
}  // namespace podium::test
