#include <gtest/gtest.h>

#include <fstream>
#include <string>

#include "sim/hardware/chip.h"
#include "sim/hardware/system.h"
#include "tests/config/mutate.h"
#include "tests/config/temporary_folder.h"

namespace podium {
namespace {

std::string source(const std::string& path) { return test::read_all(std::string(PODIUM_SOURCE_DIR "/") + path); }

/// Reads wounded copies of a file; what is thrown must be an InputError.
template <class Read>
void wound(const std::string& sound, const std::string& stream, int files, Read read) {
  ASSERT_FALSE(sound.empty());
  Rng rng(1, stream);
  int refused = 0;
  for (int i = 0; i < files; ++i) {
    const std::string wounded = test::mutated(sound, rng);
    try {
      read(wounded);
    } catch (const InputError&) {
      ++refused;
    } catch (const std::exception& error) {
      FAIL() << error.what() << " from:\n" << wounded;
    }
  }
  EXPECT_GT(refused, files / 2);
}

TEST(Fuzz, WoundedChipsThrowNothingButInputErrors) {
  wound(source("configs/chips/h100-sxm.yaml"), "chips", 2000,
        [](const std::string& yaml) { read_chip(Document::parse(yaml), "wounded"); });
}

TEST(Fuzz, WoundedChipFilesThrowNothingButInputErrors) {
  const test::TemporaryFolder folder;
  const std::string path = (folder.path() / "wounded.yaml").string();
  wound(source("configs/chips/h100-sxm.yaml"), "files", 100, [&](const std::string& yaml) {
    std::ofstream(path, std::ios::binary) << yaml;
    load_chip(path);
  });
}

TEST(Fuzz, WoundedSystemsThrowNothingButInputErrors) {
  wound(source("configs/systems/hgx-h100.yaml"), "systems", 2000,
        [](const std::string& yaml) { read_system(Document::parse(yaml), "wounded"); });
}

}  // namespace
}  // namespace podium
