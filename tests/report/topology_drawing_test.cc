#include "sim/report/topology_drawing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/report/svg.h"
#include "sim/report/topology_layers.h"

namespace podium {
namespace {

std::size_t count_words(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size())) {
    ++found;
  }
  return found;
}

class Drawings : public ::testing::TestWithParam<std::string> {};

void expect_well_formed(const std::string& svg) {
  EXPECT_TRUE(svg.starts_with("<svg "));
  EXPECT_TRUE(svg.ends_with("</svg>\n"));
  // every element is a text with an end, or closes itself
  const std::size_t closed = count_words(svg, "<rect ") + occurrences(svg, "<line ");
  EXPECT_EQ(count_words(svg, "/>"), closed);
  EXPECT_EQ(count_words(svg, "<text "), occurrences(svg, "</text>"));
  EXPECT_EQ(count_words(svg, "<"), closed + 2 * occurrences(svg, "<text ") + 2);
  EXPECT_EQ(count_words(svg, "nan"), 0U);
  EXPECT_EQ(count_words(svg, "inf\""), 0U);
}

TEST_P(Drawings, AreWellFormedAndNameEveryTierAndPlane) {
  const Topology topology = load_topology(GetParam());
  const std::vector<PlaneMeasures> measures = measure(topology);
  const std::string svg = to_svg(topology, measures);
  expect_well_formed(svg);
  for (const NodeId id : topology.nodes.ids()) {
    if (is_switch(topology, id) && topology.nodes[id].domain == 0) {
      ASSERT_NE(svg.find(" " + topology.nodes[id].tier), std::string::npos) << topology.nodes[id].tier;
    }
  }
  for (const PlaneMeasures& plane : measures) {
    EXPECT_NE(svg.find(">" + plane.plane + "<"), std::string::npos);
  }
}

INSTANTIATE_TEST_SUITE_P(Topologies, Drawings, ::testing::ValuesIn(list_files("topologies")), [](const auto& name) {
  std::string word = name.param;
  std::replace(word.begin(), word.end(), '-', '_');
  return word;
});

TEST(Layers, PutTheL1ChipsIntoTheirNodesAndTheL2ChipsIntoSubPlanes) {
  const Topology topology = load_topology("cloudmatrix384");
  const Layers layers = find_layers(topology);
  std::vector<std::uint32_t> chips_of_sub_plane(8, 0);
  ASSERT_EQ(layers.above.size(), 1U);
  for (const NodeId chip : layers.above.front().switches) {
    ++chips_of_sub_plane.at(layers.sub_plane[chip.index()]);
  }
  EXPECT_EQ(chips_of_sub_plane, (std::vector<std::uint32_t>{0, 16, 16, 16, 16, 16, 16, 16}));
  const auto& inside = layers.inside.at(47);
  EXPECT_EQ(std::count_if(inside.begin(), inside.end(), [&](NodeId id) { return topology.nodes[id].tier == "L1"; }), 7);
}

TEST(SvgCanvas, EscapesWhatWouldBeMarkup) {
  SvgCanvas canvas(10);
  canvas.text(0, 0, "a < b & c", 12, "black");
  EXPECT_NE(canvas.finish(10).find("a &lt; b &amp; c"), std::string::npos);
}

}  // namespace
}  // namespace podium
