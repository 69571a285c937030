#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/cli/run_podium.h"
#include "tests/config/temporary_folder.h"

namespace podium::test {

/// A file of this text, in a folder that goes away with the test.
class StudyCommands : public testing::Test {
 protected:
  std::string file(const std::string& name, const std::string& text) const {
    const std::string path = (folder_.path() / name).string();
    std::ofstream(path) << text;
    return path;
  }
  std::string path(const std::string& name) const { return (folder_.path() / name).string(); }

  /// Status 2, one line on stderr, nothing on stdout, no report.
  void expect_refused(const std::string& arguments, const std::string& problem) const {
    const Outcome outcome = run_podium(arguments + " --output " + path("report"));
    EXPECT_EQ(outcome.status, 2) << arguments;
    EXPECT_THAT(outcome.output, testing::IsEmpty()) << arguments;
    EXPECT_THAT(outcome.errors, testing::HasSubstr(problem));
    EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
    EXPECT_FALSE(std::filesystem::exists(path("report"))) << arguments;
  }

  const TemporaryFolder folder_;
};

/// The quick look, with one place replaced.
inline std::string quick_look(const std::string& from = "", const std::string& to = "") {
  std::ifstream in(PODIUM_SOURCE_DIR "/configs/studies/quick-look.yaml");
  std::string text{std::istreambuf_iterator<char>(in), {}};
  const std::size_t place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

}  // namespace podium::test
