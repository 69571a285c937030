// The texts of the hand-made results as whole files, so that a change of a report is seen and read. The laws beside:
// json_test.cc, csv_test.cc, verdict_test.cc, table_test.cc.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "sim/report/report.h"
#include "tests/report/example.h"

namespace podium {
namespace {

/// Compares with tests/golden/report/NAME; with PODIUM_UPDATE_GOLDEN=1 in the environment it writes the file instead.
void expect_golden(const std::string& name, const std::string& text) {
  const std::filesystem::path path = std::filesystem::path(PODIUM_SOURCE_DIR) / "tests/golden/report" / name;
  if (const char* update = std::getenv("PODIUM_UPDATE_GOLDEN"); update != nullptr && std::string(update) == "1") {
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path, std::ios::binary) << text;
    return;
  }
  std::ifstream file(path, std::ios::binary);
  const std::string golden{std::istreambuf_iterator<char>(file), {}};
  EXPECT_EQ(text, golden) << path << " differs; PODIUM_UPDATE_GOLDEN=1 writes it anew";
}

template <class Result>
void expect_golden(const std::string& name, const Result& result) {
  expect_golden(name + ".txt", to_text(result));
  expect_golden(name + ".md", to_markdown(result));
  expect_golden(name + ".json", to_json(result));
  expect_golden(name + ".csv", to_csv(result));
}

TEST(Golden, ComparisonIsWrittenAsBefore) { expect_golden("comparison", test::example_comparison()); }

TEST(Golden, SweepIsWrittenAsBefore) { expect_golden("sweep", test::example_sweep()); }

}  // namespace
}  // namespace podium
