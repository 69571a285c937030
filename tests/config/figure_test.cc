#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/config/config.h"
#include "tests/core/error_of.h"

namespace podium {
namespace {

using test::error_of;

const std::string sources =
    "sources:\n"
    "  sheet: {text: data sheet, grade: claimed}\n"
    "  bench: {text: benchmark, grade: measured}\n"
    "  guess: {text: a guess, grade: assumed}\n";

Figure only_figure(const Document& document) {
  const std::vector<Figure> figures = document.figures();
  EXPECT_EQ(figures.size(), 1u);
  return figures.at(0);
}

std::string figure_error(const std::string& yaml) {
  return error_of([&] { Document::parse(yaml, "a.yaml").root().at("size").figure<Bytes>(); });
}

TEST(Figure, TakesTheSourceOfTheNearestMappingAroundIt) {
  const Document document = Document::parse(sources +
                                            "source: guess\n"
                                            "memory:\n"
                                            "  source: sheet\n"
                                            "  size: 64 GB\n"
                                            "  bandwidth: {value: 1.6 TB/s, source: bench}\n"
                                            "tiers:\n"
                                            "  - latency: 1 us\n");
  const Node root = document.root();
  root.at("tiers").items().front().at("latency").figure<Seconds>();
  root.at("memory").at("bandwidth").figure<BytesPerSecond>();
  EXPECT_EQ(root.at("memory").at("size").figure<Bytes>(), Bytes(64e9));
  EXPECT_NO_THROW(document.close());

  const std::vector<Figure> figures = document.figures();  // in the order of the file, not of reading
  ASSERT_EQ(figures.size(), 3u);
  EXPECT_EQ(figures[0].path, "memory.size");
  EXPECT_EQ(figures[0].value, "64 GB");
  EXPECT_EQ(figures[0].source, "data sheet");
  EXPECT_EQ(figures[0].grade, Grade::claimed);
  EXPECT_EQ(figures[1].path, "memory.bandwidth");
  EXPECT_EQ(figures[1].source, "benchmark");
  EXPECT_EQ(figures[1].grade, Grade::measured);
  EXPECT_EQ(figures[2].path, "tiers.0.latency");
  EXPECT_EQ(figures[2].source, "a guess");
  EXPECT_EQ(figures[2].grade, Grade::assumed);
}

TEST(Figure, KeepsItsRange) {
  const Document document =
      Document::parse(sources + "size: {value: 64 GB, low: 60 GB, high: 64 GiB, source: sheet}\n");
  EXPECT_EQ(document.root().at("size").figure<Bytes>(), Bytes(64e9));
  EXPECT_EQ(only_figure(document).low, "60 GB");
  EXPECT_EQ(only_figure(document).high, "64 GiB");
  ASSERT_TRUE(only_figure(document).range);
  EXPECT_EQ(only_figure(document).range->low, 60e9);
  EXPECT_EQ(only_figure(document).range->value, 64e9);
  EXPECT_EQ(only_figure(document).range->high, 64.0 * 1024 * 1024 * 1024);
}

TEST(Figure, HasNoRangeWhereTheFileGivesNone) {
  const Document document = Document::parse(sources + "size: {value: 64 GB, source: sheet}\n");
  document.root().at("size").figure<Bytes>();
  EXPECT_FALSE(only_figure(document).range);
}

TEST(Figure, HasANumbersRangeAsNumbers) {
  const Document document = Document::parse(sources +
                                            "source: sheet\n"
                                            "share: {value: 85 %, low: 0.8, high: 90 %}\n"
                                            "cores: {value: 132, low: 128, high: 144}\n");
  document.root().at("share").figure_number();
  document.root().at("cores").figure_count();
  const std::vector<Figure> figures = document.figures();
  ASSERT_EQ(figures.size(), 2u);
  EXPECT_EQ(figures[0].range->value, 0.85);
  EXPECT_EQ(figures[1].range->low, 128);
}

TEST(Figure, MayBringItsSourceAlong) {
  const Document document = Document::parse("size: {value: 64 GB, source: {text: own data sheet, grade: claimed}}\n");
  document.root().at("size").figure<Bytes>();
  EXPECT_EQ(only_figure(document).source, "own data sheet");
  EXPECT_EQ(only_figure(document).grade, Grade::claimed);
  EXPECT_NO_THROW(document.close());
}

TEST(Figure, IsAsGoodAsTheWeakestOfItsSources) {
  const Document document = Document::parse(sources + "size: {value: 64 GB, source: [bench, guess, sheet]}\n");
  document.root().at("size").figure<Bytes>();
  EXPECT_EQ(only_figure(document).source, "benchmark; a guess; data sheet");
  EXPECT_EQ(only_figure(document).grade, Grade::assumed);
}

TEST(Figure, IsNotedOnceHoweverOftenItIsRead) {
  const Document document = Document::parse(sources + "source: sheet\nsize: 64 GB\n");
  document.root().at("size").figure<Bytes>();
  document.root().at("size").figure<Bytes>();
  EXPECT_EQ(only_figure(document).value, "64 GB");
}

TEST(Figure, MayBeANumberOrACount) {
  const Document document = Document::parse(sources + "source: sheet\nshare: 85 %\ncores: 132\nbad: -0.5\n", "a.yaml");
  EXPECT_EQ(document.root().at("share").figure_number(), 0.85);
  EXPECT_EQ(document.root().at("cores").figure_count(), 132);
  EXPECT_EQ(document.figures().size(), 2u);
  EXPECT_EQ(error_of([&] { document.root().at("bad").figure_number(); }), "a.yaml:8:6: bad: '-0.5' is negative");
  EXPECT_THROW(document.root().at("share").figure_count(), InputError);
}

TEST(Figure, NeedsASource) {
  EXPECT_EQ(figure_error("size: 64 GB\n"),
            "a.yaml:1:7: size: the figure has no source; give it one, or put 'source:' into a mapping around it");
  EXPECT_EQ(figure_error("source: shet\n" + sources + "size: 64 GB\n"),
            "a.yaml:1:9: source: unknown source 'shet' (did you mean 'sheet'?); known: sheet, bench, guess");
  EXPECT_EQ(figure_error("source: sheet\nsize: 64 GB\n"), "a.yaml:1:9: source: unknown source 'sheet'; none is known");
  EXPECT_EQ(figure_error("source: {text: x, grade: true}\nsize: 64 GB\n"),
            "a.yaml:1:26: source.grade: unknown word 'true'; known: measured, claimed, derived, estimated, assumed");
  EXPECT_EQ(figure_error("source: {text: x}\nsize: 64 GB\n"), "a.yaml:1:9: source: the key 'grade' is missing");
}

TEST(Figure, LiesInsideItsOwnRange) {
  EXPECT_EQ(figure_error(sources + "size: {value: 64 GB, low: 65 GB, high: 70 GB, source: sheet}\n"),
            "a.yaml:5:15: size.value: '64 GB' is outside of its own range, '65 GB' to '70 GB'");
  EXPECT_NE(figure_error(sources + "size: {value: 64 GB, low: 1 GB, high: 63.9 GB, source: sheet}\n").find("outside"),
            std::string::npos);
  EXPECT_EQ(figure_error(sources + "size: {value: 64 GB, low: 1 GB, source: sheet}\n"),
            "a.yaml:5:7: size: a range has both, 'low' and 'high'");
  EXPECT_NE(figure_error(sources + "size: {value: 64 GB, low: 1 s, high: 70 GB, source: sheet}\n").find("size.low"),
            std::string::npos);
}

TEST(Figure, IsCheckedAtTheEndsOfItsRangeToo) {
  const auto error = [](const std::string& size) {
    return error_of([&] {
      Document::parse(sources + "source: sheet\nsize: " + size + "\n", "a.yaml")
          .root()
          .at("size")
          .figure_count([](std::int64_t count) {
            if (count < 2 || count > 8) {
              throw InputError("from 2 to 8");
            }
          });
    });
  };
  EXPECT_EQ(error("9"), "a.yaml:6:7: size: from 2 to 8");
  EXPECT_EQ(error("{value: 1, low: 1, high: 8}"), "a.yaml:6:15: size.value: from 2 to 8");
  EXPECT_EQ(error("{value: 4, low: 1, high: 8}"), "a.yaml:6:23: size.low: from 2 to 8");
  EXPECT_EQ(error("{value: 4, low: 2, high: 9}"), "a.yaml:6:32: size.high: from 2 to 8");
  EXPECT_EQ(error("{value: 4, low: 2, high: 8}"), "nothing thrown");
}

TEST(Figure, IsAScalarOrAMappingWithAValue) {
  EXPECT_EQ(figure_error("size: {low: 1 GB}\n"), "a.yaml:1:7: size: the key 'value' is missing");
  EXPECT_EQ(figure_error("size: [1 GB]\n"),
            "a.yaml:1:7: size: a figure is a single value or {value, low, high, source}, found a list");
  EXPECT_EQ(figure_error("size:\n"),
            "a.yaml:1:1: size: a figure is a single value or {value, low, high, source}, found nothing");
}

TEST(Figure, MisspeltPartsAreFoundAtTheEnd) {
  const Document document = Document::parse(sources + "size: {value: 64 GB, hihg: 70 GB, source: sheet}\n", "a.yaml");
  document.root().at("size").figure<Bytes>();
  EXPECT_EQ(error_of([&] { document.close(); }), "a.yaml:3:3: sources: the source 'bench' is cited by no figure");
  const Document other =
      Document::parse("size: {value: 64 GB, hihg: 70 GB, source: {text: x, grade: assumed}}\n", "a.yaml");
  other.root().at("size").figure<Bytes>();
  EXPECT_EQ(error_of([&] { other.close(); }),
            "a.yaml:1:22: size: unknown key 'hihg' (did you mean 'high'?); known: high, low, value");
}

TEST(Figure, ASourceThatCoversNothingIsAnError) {
  const Document document =
      Document::parse(sources + "memory: {source: sheet, size: {value: 1 GB, source: [bench, guess]}}\n", "a.yaml");
  document.root().at("memory").at("size").figure<Bytes>();
  EXPECT_EQ(error_of([&] { document.close(); }), "a.yaml:2:3: sources: the source 'sheet' is cited by no figure");
  const Document other = Document::parse(
      "source: {text: x, grade: claimed}\nsize: {value: 1 GB, source: {text: y, grade: claimed}}\n", "a.yaml");
  other.root().at("size").figure<Bytes>();
  EXPECT_EQ(error_of([&] { other.close(); }),
            "a.yaml:1:1: no figure takes this source: each has one of its own, or there is none");
}

TEST(Figure, IsHiddenFromEntriesAsASource) {
  const Document document = Document::parse("peak: {bf16: 1 TFLOP/s, source: {text: x, grade: claimed}}\n");
  const auto entries = document.root().at("peak").entries();
  ASSERT_EQ(entries.size(), 1u);
  EXPECT_EQ(entries[0].first, "bf16");
  entries[0].second.figure<FlopsPerSecond>();
  EXPECT_NO_THROW(document.close());
}

TEST(Figure, RemembersWhatAnOverrideTookThePlaceOf) {
  const std::string yaml = sources +
                           "memory:\n"
                           "  source: [sheet, guess]\n"
                           "  size: 64 GB\n"
                           "  bandwidth: {value: 1.6 TB/s, low: 1.5 TB/s, high: 1.7 TB/s, source: bench}\n";
  const Document document = Document::parse(yaml, "a.yaml", {{"memory.size", "1 GB"}, {"memory.bandwidth", "4 TB/s"}});
  const Node memory = document.root().at("memory");
  EXPECT_EQ(memory.at("size").figure<Bytes>(), Bytes(1e9));
  EXPECT_EQ(memory.at("bandwidth").figure<BytesPerSecond>(), BytesPerSecond(4e12));
  EXPECT_NO_THROW(document.close());
  const std::vector<Figure> figures = document.figures();
  EXPECT_EQ(figures.at(0).source, "override of 64 GB (data sheet; a guess)");
  EXPECT_EQ(figures.at(1).source, "override of 1.6 TB/s (benchmark)");
  EXPECT_EQ(figures.at(1).low, "");
  EXPECT_EQ(figures.at(1).grade, Grade::assumed);
}

TEST(Grade, HasAWordForEach) {
  EXPECT_EQ(to_string(Grade::measured), "measured");
  EXPECT_EQ(to_string(Grade::claimed), "claimed");
  EXPECT_EQ(to_string(Grade::derived), "derived");
  EXPECT_EQ(to_string(Grade::estimated), "estimated");
  EXPECT_EQ(to_string(Grade::assumed), "assumed");
}

}  // namespace
}  // namespace podium
