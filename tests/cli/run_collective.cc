#include "tests/cli/run_collective.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/run_podium.h"

namespace podium::test {

nlohmann::json run_json(const std::string& arguments) {
  const Outcome outcome = run_podium("collective " + arguments + " --format json");
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.errors, testing::IsEmpty());
  return nlohmann::json::parse(outcome.output);
}

double seconds_of(const std::string& arguments) { return run_json(arguments).at("results").at(0).at("time_seconds"); }

void expect_refused_collective(const std::string& arguments, const std::string& problem) {
  expect_refused("collective " + arguments, problem);
}

}  // namespace podium::test
