// The program from outside: statuses, and what it says about commands that are wrong.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <vector>

#include "tests/cli/run_podium.h"

namespace podium::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

/// The commands that `podium --help` lists.
std::vector<std::string> commands() {
  std::istringstream help(run_podium("--help").output);
  std::vector<std::string> names;
  bool in_commands = false;
  for (std::string line; std::getline(help, line);) {
    if (line == "Commands:") {
      in_commands = true;
    } else if (in_commands && line.starts_with("  ") && line.size() > 2 && line[2] != ' ') {
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
    }
  }
  return names;
}

TEST(Program, SaysHowToUseItWhereThereIsNoCommand) {
  const Outcome outcome = run_podium("");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.output, IsEmpty());
  EXPECT_THAT(outcome.errors, HasSubstr("Usage: podium"));
}

TEST(Program, PrintsItsVersionAndHelpToStandardOutput) {
  for (const std::string asked : {"--version", "--help"}) {
    const Outcome outcome = run_podium(asked);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.output, HasSubstr("podium "));
    EXPECT_THAT(outcome.errors, IsEmpty());
  }
}

TEST(Program, RefusesAnUnknownCommandAndNamesTheNearest) {
  for (const std::string& name : commands()) {
    expect_refused(name + "x", "unknown command '" + name + "x' (did you mean '" + name + "'?)");
  }
}

TEST(Program, RefusesAnUnknownOptionAndNamesTheNearest) {
  expect_refused("--versoin", "unknown option '--versoin' (did you mean '--version'?)");
  for (const std::string& name : commands()) {
    expect_refused(name + " --hepl", "--hepl");
  }
}

TEST(Program, HelpsWithEveryCommandByAnExampleOfIt) {
  ASSERT_FALSE(commands().empty());
  for (const std::string& name : commands()) {
    const Outcome outcome = run_podium(name + " --help");
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.output, HasSubstr("Example: podium " + name + " "));
  }
}

TEST(Program, IsDescribedByTheReadme) {
  std::ifstream file(PODIUM_SOURCE_DIR "/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  for (const std::string& name : commands()) {
    EXPECT_THAT(readme, HasSubstr("| `podium " + name + " ")) << "the table of commands";
  }
}

TEST(Program, FailsWhereItsResultsCannotBeWritten) {
  const Outcome outcome = run_podium("--version >/dev/full");
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.errors, HasSubstr("could not be written"));
}

}  // namespace
}  // namespace podium::test
