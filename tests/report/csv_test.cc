#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "sim/report/report.h"
#include "tests/report/example.h"

namespace podium {
namespace {

/// The fields of each line of RFC 4180 text.
std::vector<std::vector<std::string>> parse_csv(const std::string& text) {
  std::vector<std::vector<std::string>> rows(1, {""});
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted && c == '"' && i + 1 < text.size() && text[i + 1] == '"') {
      rows.back().back() += text[++i];
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == ',') {
      rows.back().emplace_back();
    } else if (!quoted && c == '\n') {
      rows.push_back({""});
    } else {
      rows.back().back() += c;
    }
  }
  rows.pop_back();
  return rows;
}

/// One row by the names of its columns.
std::map<std::string, std::string> named(const std::vector<std::vector<std::string>>& rows, std::size_t row) {
  std::map<std::string, std::string> result;
  EXPECT_EQ(rows.at(row).size(), rows.front().size());
  for (std::size_t i = 0; i < rows.front().size(); ++i) {
    result[rows.front()[i]] = rows.at(row).at(i);
  }
  return result;
}

TEST(Csv, HasARowForEachCaseWithNumbersThatReadBack) {
  const ComparisonResult result = test::example_comparison();
  const auto rows = parse_csv(to_csv(result));
  ASSERT_EQ(rows.size(), result.cases.size() + 1);
  for (std::size_t i = 0; i < result.cases.size(); ++i) {
    auto row = named(rows, i + 1);
    const CaseResult& one = result.cases[i];
    EXPECT_EQ(row["plan"], one.plan);  // has commas
    EXPECT_EQ(std::stod(row["per_system"]), one.throughput.per_system);
    EXPECT_EQ(std::stod(row["per_watt"]), one.throughput.per_watt);
    EXPECT_EQ(row["ttft_p95_seconds"].empty(), !one.ttft);
    if (one.tpot) {
      EXPECT_EQ(std::stod(row["tpot_p99_seconds"]), one.tpot->p99.value());
    }
  }
}

TEST(Csv, HasARowForEachPointAndNoNumbersWhereItWasRefused) {
  const SweepResult result = test::example_sweep();
  const auto rows = parse_csv(to_csv(result));
  ASSERT_EQ(rows.size(), result.points.size() + 1);
  for (std::size_t i = 0; i < result.points.size(); ++i) {
    auto row = named(rows, i + 1);
    EXPECT_EQ(row["chips"], std::to_string(result.points[i].chips));
    EXPECT_EQ(row["per_system"].empty(), !result.points[i].refused.empty());
    EXPECT_EQ(row["refused"], result.points[i].refused);
  }
}

TEST(Csv, QuotesWhatWouldEndAField) {
  ComparisonResult result = test::example_comparison();
  const std::string awkward = "a \"quoted\", comma\nand line";
  result.cases[0].plan = awkward;
  EXPECT_EQ(named(parse_csv(to_csv(result)), 1)["plan"], awkward);
}

}  // namespace
}  // namespace podium
