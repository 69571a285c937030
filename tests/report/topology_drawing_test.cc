#include "sim/report/topology_drawing.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "sim/report/svg.h"
#include "sim/report/topology_layers.h"

namespace podium {
namespace {

std::size_t count(const std::string& text, const std::string& word) {
  std::size_t found = 0;
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + word.size())) {
    ++found;
  }
  return found;
}

class Drawings : public ::testing::TestWithParam<std::string> {
 protected:
  const Topology topology_ = load_topology(GetParam());
  const std::vector<PlaneMeasures> measures_ = measure(topology_);
  const std::string svg_ = to_svg(topology_, measures_);
};

TEST_P(Drawings, AreWellFormed) {
  EXPECT_TRUE(svg_.starts_with("<svg "));
  EXPECT_TRUE(svg_.ends_with("</svg>\n"));
  // every element is a text with an end, or closes itself
  const std::size_t open = count(svg_, "<rect ") + count(svg_, "<line ");
  EXPECT_EQ(count(svg_, "/>"), open);
  EXPECT_EQ(count(svg_, "<text "), count(svg_, "</text>"));
  EXPECT_EQ(count(svg_, "<"), open + 2 * count(svg_, "<text ") + 2);
  EXPECT_EQ(count(svg_, "nan"), 0U);
  EXPECT_EQ(count(svg_, "inf\""), 0U);
}

TEST_P(Drawings, NameEveryTierOfSwitchesAndEveryPlane) {
  for (const NodeId id : topology_.nodes.ids()) {
    if (is_switch(topology_, id) && topology_.nodes[id].domain == 0) {
      ASSERT_NE(svg_.find(" " + topology_.nodes[id].tier), std::string::npos) << topology_.nodes[id].tier;
    }
  }
  for (const PlaneMeasures& plane : measures_) {
    EXPECT_NE(svg_.find(">" + plane.plane + "<"), std::string::npos);
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
