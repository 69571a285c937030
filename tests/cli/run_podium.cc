#include "tests/cli/run_podium.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace podium::test {
namespace {

std::string content(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Outcome run_podium(const std::string& arguments) {
  // a folder of each test's own, and of each process: they run at the same time
  const testing::TestInfo* test = testing::UnitTest::GetInstance()->current_test_info();
  const std::filesystem::path folder =
      std::filesystem::path(testing::TempDir()) / ("podium." + std::to_string(getpid())) / test->name();
  std::filesystem::create_directories(folder);
  const std::string command = "cd " PODIUM_SOURCE_DIR " && exec </dev/null >" + (folder / "output").string() + " 2>" +
                              (folder / "errors").string() + " && " PODIUM_BINARY " " + arguments;
  const int status = std::system(command.c_str());
  Outcome outcome{WIFEXITED(status) ? WEXITSTATUS(status) : -1, content(folder / "output"), content(folder / "errors")};
  std::filesystem::remove_all(folder.parent_path());
  return outcome;
}

void expect_refused(const std::string& arguments, const std::string& problem) {
  const Outcome outcome = run_podium(arguments);
  EXPECT_EQ(outcome.status, 2) << arguments;
  EXPECT_THAT(outcome.output, testing::IsEmpty()) << arguments;
  EXPECT_THAT(outcome.errors, testing::StartsWith("podium: ")) << arguments;
  EXPECT_THAT(outcome.errors, testing::HasSubstr(problem)) << arguments;
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
}

}  // namespace podium::test
