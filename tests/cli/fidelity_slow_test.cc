// podium traffic from outside, and whether the network models agree where they should.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "tests/cli/run_podium.h"

namespace podium::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Timing {
  double time = 0;
  double busiest = 0;
};
using Timings = std::map<std::string, Timing>;

/// By network model.
Timings timings_of(const std::string& arguments) {
  const Outcome outcome = run_podium("traffic " + arguments + " --network analytic,flow,packet --format json");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  const nlohmann::json result = nlohmann::json::parse(outcome.output);
  Timings timings;
  for (const nlohmann::json& row : result.at("results")) {
    timings[row.at("network")] = {row.at("time_seconds"), row.at("busiest_link_seconds")};
    EXPECT_EQ(row.at("drops"), 0);
  }
  EXPECT_EQ(timings.size(), 3U);
  return timings;
}

constexpr const char* systems[] = {"gb200-nvl72 --ranks 16", "cloudmatrix384 --ranks 32"};
constexpr const char* patterns[] = {"permutation", "incast",  "all_to_all", "ring",       "tornado",
                                    "tree",        "hotspot", "stencil",    "complement", "multi_job"};

TEST(Fidelity, FluidsAndPacketsAgreeWhereMessagesAreManyPackets) {
  for (const std::string system : systems) {
    for (const std::string pattern : patterns) {
      const Timings timings = timings_of(pattern + " --bytes 1MiB --system " + system);
      const double flow = timings.at("flow").time;
      EXPECT_NEAR(timings.at("packet").time, flow, 0.05 * flow) << pattern << " " << system;
    }
  }
}

TEST(Fidelity, NothingIsOverBeforeItsBusiestLinkHasSentAll) {
  for (const std::string system : systems) {
    for (const std::string pattern : patterns) {
      for (const auto& [network, timing] : timings_of(pattern + " --bytes 64KiB --system " + system)) {
        EXPECT_GT(timing.busiest, 0) << network << " " << pattern << " " << system;
        EXPECT_GT(timing.time, timing.busiest) << network << " " << pattern << " " << system;
      }
    }
  }
}

TEST(Fidelity, FormulaAndFluidsAreOneWhereATransferHasOneSharedLink) {
  for (const std::string system : systems) {
    for (const std::string pattern : {"permutation", "incast", "all_to_all"}) {
      const Timings timings = timings_of(pattern + " --bytes 64KiB --system " + system);
      EXPECT_NEAR(timings.at("analytic").time, timings.at("flow").time, 1e-9) << pattern << " " << system;
    }
  }
}

TEST(Fidelity, AFailedSwitchSlowsAllModelsByItsShare) {
  const std::string pattern = "incast --bytes 1MiB --system gb200-nvl72 --ranks 8";
  const Timings whole = timings_of(pattern);
  for (const auto& [network, timing] : timings_of(pattern + " --fail 'NVSwitch[3]'")) {
    EXPECT_NEAR(timing.time / whole.at(network).time, 18.0 / 17, 0.01) << network << ": 17 of 18 switches are left";
  }
}

TEST(TrafficCommand, RefusesWhatItDoesNotKnow) {
  for (const auto& [arguments, problem] :
       {std::pair("incasts --system hgx-h100 --ranks 8", "incast"),
        std::pair("incast --system hgx-h100 --ranks 1", "2 or more are right"),
        std::pair("incast --system hgx-h100 --ranks 8 --network flows", "--network"),
        std::pair("incast --system hgx-h100 --ranks 8 --bytes 1.5B", "not a whole number of bytes")}) {
    const Outcome outcome = run_podium(std::string("traffic ") + arguments);
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_THAT(outcome.output, IsEmpty());
    EXPECT_THAT(outcome.errors, HasSubstr(problem));
  }
}

}  // namespace
}  // namespace podium::test
