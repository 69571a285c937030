#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include "sim/config/config.h"
#include "tests/config/temporary_folder.h"
#include "tests/core/error_of.h"

namespace podium {
namespace {

using test::error_of;
namespace fs = std::filesystem;

/// A data folder of our own, found by $PODIUM_HOME.
class DataFiles : public testing::Test {
 protected:
  void SetUp() override {
    if (const char* const home = std::getenv("PODIUM_HOME")) {
      before_ = home;
    }
    fs::create_directories(home_ / "configs" / "chips");
    fs::create_directories(home_ / "topologies");
    for (const char* const name : {"zeta.yaml", "alpha-2.yaml", "notes.txt"}) {
      std::ofstream(home_ / "configs" / "chips" / name) << "a: 1\n";
    }
    setenv("PODIUM_HOME", home_.c_str(), 1);
  }
  void TearDown() override { before_ ? setenv("PODIUM_HOME", before_->c_str(), 1) : unsetenv("PODIUM_HOME"); }
  std::optional<std::string> before_;
  test::TemporaryFolder folder_;
  const fs::path& home_ = folder_.path();
};

TEST_F(DataFiles, AreListedSortedWithoutTheirEnding) {
  EXPECT_EQ(list_files("configs/chips"), (std::vector<std::string>{"alpha-2", "zeta"}));
  EXPECT_TRUE(list_files("configs/absent").empty());
}

TEST_F(DataFiles, AreFoundByName) {
  EXPECT_EQ(find_file("configs/chips", "zeta"), (home_ / "configs" / "chips" / "zeta.yaml").string());
}

TEST_F(DataFiles, PathsAreTakenAsTheyAre) {
  EXPECT_EQ(find_file("configs/chips", "my.yaml"), "my.yaml");
  EXPECT_EQ(find_file("configs/chips", "./my"), "./my");
}

TEST_F(DataFiles, UnknownNamesGetTheNearest) {
  EXPECT_EQ(error_of([] {
              find_file("configs/chips", "alpha-3", {"s.yaml", 4, 7});
            }),
            "s.yaml:4:7: unknown chip 'alpha-3' (did you mean 'alpha-2'?); known: alpha-2, zeta");
  EXPECT_EQ(error_of([] { find_file("topologies", "torus"); }), "unknown topology 'torus'; none is known");
}

TEST_F(DataFiles, AHomeWithoutDataIsAnError) {
  setenv("PODIUM_HOME", (home_ / "configs").c_str(), 1);
  EXPECT_NE(error_of([] { data_root(); }).find("which has no configs/ and topologies/"), std::string::npos);
}

TEST_F(DataFiles, LieAboveTheProgramOrTheWorkingDirectory) {
  unsetenv("PODIUM_HOME");
  const fs::path here = fs::current_path();
  fs::current_path(home_ / "configs" / "chips");
  const fs::path root = data_root();
  fs::current_path(here);
  EXPECT_TRUE(fs::is_directory(root / "configs")) << root;
  EXPECT_TRUE(fs::is_directory(root / "topologies")) << root;
}

}  // namespace
}  // namespace podium
