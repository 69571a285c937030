#include "sim/core/file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <iterator>

#include "tests/core/error_of.h"

namespace podium::test {
namespace {

std::string text_of(const std::string& written) {
  const std::string path = std::filesystem::temp_directory_path() / ("podium_file_" + std::to_string(::getpid()));
  std::ofstream(path) << written;
  std::ifstream file = open_file(path, "the file");
  std::filesystem::remove(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(OpenFile, ReadsFromTheFirstCharacterWhichAByteOrderMarkIsNot) {
  EXPECT_EQ(text_of("\xEF\xBB\xBF"
                    "abc"),
            "abc");
  for (const std::string text : {"abc", "a", "", "\xEF\xBB", "\xC3\xA9"}) {
    EXPECT_EQ(text_of(text), text);
  }
}

TEST(OpenFile, RefusesWhatMayHaveNoEndAndWhatIsNotThere) {
  EXPECT_EQ(error_of([] { open_file("/dev/zero", "the trace"); }),
            "cannot read the trace '/dev/zero': it is not a regular file");
  EXPECT_EQ(error_of([] {
              open_file("/", "the trace", {"study.yaml", 3});
            }),
            "study.yaml:3: cannot read the trace '/': it is a folder");
  EXPECT_EQ(error_of([] { open_file("/no/such", "the trace"); }),
            "cannot read the trace '/no/such': No such file or directory");
}

}  // namespace
}  // namespace podium::test
