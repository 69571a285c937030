#include <gtest/gtest.h>

#include <algorithm>
#include <tuple>

#include "sim/compute/compute_model.h"
#include "tests/compute/kernels.h"

/// Laws that every registered compute model obeys on every chip.
namespace podium {
namespace {

class ComputeLaws : public testing::TestWithParam<std::tuple<std::string, std::string>> {
 protected:
  const ChipSpec chip = load_chip(std::get<1>(GetParam()));
  const std::unique_ptr<ComputeModel> model = ComputeModels::find(std::get<0>(GetParam()))(chip);

  Seconds time(const Kernel& kernel) const { return model->cost(kernel, chip, {}).time; }

  /// Calls `check` with kernels of every kind, type and three sizes.
  template <class Check>
  void for_each_kernel(Check check) const {
    for (const DataType type : all_data_types()) {
      for (const double scale : {0.1, 1.0, 16.0}) {
        for (const Kernel& kernel : chip.supports(type) ? test::kernels(type, scale) : std::vector<Kernel>()) {
          SCOPED_TRACE(to_string(kernel));
          check(kernel);
        }
      }
    }
  }

  FlopsPerSecond peak_of(const Kernel& kernel) const {
    return family_of(kernel) == KernelFamily::memory ? chip.vector_peak : chip.peak(work(kernel).type);
  }
};

TEST_P(ComputeLaws, NothingIsFasterThanThePeak) {
  for (const CoreShare share : {CoreShare{}, CoreShare{0.25, 0.25}}) {
    for_each_kernel([&](const Kernel& kernel) {
      const Cost cost = model->cost(kernel, chip, share);
      EXPECT_GE(cost.time, cost.flops / (peak_of(kernel) * share.matrix));
    });
  }
}

TEST_P(ComputeLaws, NothingIsFasterThanTheMemoryButWhatTheCacheHolds) {
  for_each_kernel([&](const Kernel& kernel) {
    const Cost cost = model->cost(kernel, chip, {});
    EXPECT_GE(cost.time, (cost.bytes - chip.cache_size) / chip.memory_bandwidth);
  });
}

TEST_P(ComputeLaws, CostsTheWorkOfTheKernel) {
  for_each_kernel([&](const Kernel& kernel) {
    const Cost cost = model->cost(kernel, chip, {});
    const Work needed = work(kernel);
    EXPECT_EQ(cost.flops, needed.flops);
    EXPECT_EQ(cost.bytes, needed.read + needed.written);
    EXPECT_GE(cost.launch, Seconds(0));
    EXPECT_GE(cost.time, cost.launch);
  });
}

TEST_P(ComputeLaws, LargerIsNeverFaster) {
  for (const DataType type : all_data_types()) {
    if (!chip.supports(type)) {
      continue;
    }
    for (double scale = 0.01; scale < 100; scale *= 2) {
      const auto small = test::kernels(type, scale);
      const auto large = test::kernels(type, 2 * scale);
      for (std::size_t i = 0; i < small.size(); ++i) {
        EXPECT_LE(time(small[i]), time(large[i])) << to_string(small[i]) << " and " << to_string(large[i]);
      }
    }
  }
}

TEST_P(ComputeLaws, MoreBandwidthIsNeverSlower) {
  ChipSpec faster = chip;
  faster.memory_bandwidth *= 1.5;
  for_each_kernel([&](const Kernel& kernel) { EXPECT_LE(model->cost(kernel, faster, {}).time, time(kernel)); });
}

TEST_P(ComputeLaws, FewerCoresAreNeverFaster) {
  for_each_kernel([&](const Kernel& kernel) {
    const Seconds half = model->cost(kernel, chip, {0.5, 0.5}).time;
    EXPECT_GE(half, time(kernel));
    EXPECT_LE(half, 2 * time(kernel));
  });
}

TEST_P(ComputeLaws, IsAPureFunction) {
  const std::unique_ptr<ComputeModel> other = ComputeModels::find(std::get<0>(GetParam()))(chip);
  for_each_kernel([&](const Kernel& kernel) {
    const Seconds first = time(kernel);
    EXPECT_EQ(first, time(kernel));
    EXPECT_EQ(first, other->cost(kernel, chip, {}).time);
  });
}

TEST_P(ComputeLaws, RefusesATypeThatTheChipLacksAndNamesThoseItHas) {
  for (const DataType type : all_data_types()) {
    if (chip.supports(type)) {
      continue;
    }
    try {
      time(Gemm{type, 64, 64, 64, 1});
      ADD_FAILURE() << to_string(type) << " was accepted";
    } catch (const InputError& error) {
      const std::string message = error.what();
      EXPECT_NE(message.find(to_string(type)), std::string::npos) << message;
      EXPECT_NE(message.find("bf16"), std::string::npos) << message;
    }
  }
}

std::string test_name(const testing::TestParamInfo<ComputeLaws::ParamType>& tested) {
  std::string name = std::get<0>(tested.param) + "_" + std::get<1>(tested.param);
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(EveryModelAndChip, ComputeLaws,
                         testing::Combine(testing::ValuesIn(ComputeModels::names()),
                                          testing::ValuesIn(list_files("configs/chips"))),
                         test_name);

}  // namespace
}  // namespace podium
