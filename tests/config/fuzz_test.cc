#include <gtest/gtest.h>

#include <string>

#include "sim/config/config.h"
#include "tests/config/mutate.h"

namespace podium {
namespace {

const std::string sound =
    "# a file with one of everything\n"
    "sources:\n"
    "  sheet: {text: \"a data sheet: 2025, page 3\", grade: claimed}\n"
    "  bench: {text: 'a benchmark', grade: measured}\n"
    "source: sheet\n"
    "memory:\n"
    "  size: 64 GB\n"
    "  bandwidth: {value: 1.6 TB/s, low: 1.5 TB/s, high: 1.6 TB/s, source: [sheet, bench]}\n"
    "planes:\n"
    "  - name: ub\n"
    "    links: 7\n"
    "    latency: 1.2 us\n"
    "  - {name: roce, links: 1, latency: 2 us}\n"
    "text: >\n"
    "  folded\n"
    "  lines\n";

void read(const Document& document) {
  const Node root = document.root();
  root.at("memory").at("size").figure<Bytes>();
  root.at("memory").at("bandwidth").figure<BytesPerSecond>();
  for (const Node& plane : root.at("planes").items()) {
    plane.at("name").text();
    plane.at("links").count();
    plane.at("latency").figure<Seconds>();
  }
  root.at("text").text();
  document.close();
}

TEST(Fuzz, TheSoundFileIsRead) { EXPECT_NO_THROW(read(Document::parse(sound))); }

TEST(Fuzz, WoundedFilesThrowNothingButInputErrors) {
  Rng rng(1, "wounds");
  int refused = 0;
  constexpr int files = 4000;
  for (int i = 0; i < files; ++i) {
    const std::string wounded = test::mutated(sound, rng);
    try {
      read(Document::parse(wounded, "wounded.yaml"));
    } catch (const InputError& error) {
      ++refused;
      EXPECT_EQ(std::string(error.what()).find("wounded.yaml"), 0u) << error.what();
    } catch (const std::exception& error) {
      FAIL() << error.what() << " from:\n" << wounded;
    }
  }
  EXPECT_GT(refused, files / 2);
}

TEST(Fuzz, WoundedOverridesThrowNothingButInputErrors) {
  Rng rng(2, "wounds");
  for (int i = 0; i < 1000; ++i) {
    const std::string path = test::mutated("planes.1.latency", rng);
    const std::string value = test::mutated("1.6 us", rng);
    try {
      read(Document::parse(sound, "sound.yaml", {{path, value}}));
    } catch (const InputError&) {
    } catch (const std::exception& error) {
      FAIL() << error.what() << " from: " << path << " -> " << value;
    }
  }
}

}  // namespace
}  // namespace podium
