#include "sim/core/registry.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace podium {
namespace {

struct ShapeKind {
  static constexpr const char* what = "shape";
  using Value = int (*)();
};
using Shapes = Registry<ShapeKind>;

int corners_of_square() { return 4; }
int corners_of_triangle() { return 3; }
int corners_of_circle() { return 0; }

const Shapes::Entry square{"square", "four corners", corners_of_square};
const Shapes::Entry circle{"circle", "no corner", corners_of_circle};
const Shapes::Entry triangle{"triangle", "three corners", corners_of_triangle};

struct EmptyKind {
  static constexpr const char* what = "ghost";
  using Value = int;
};

TEST(Registry, ListsNamesSortedWhateverTheOrderOfRegistration) {
  EXPECT_EQ(Shapes::names(), (std::vector<std::string>{"circle", "square", "triangle"}));
  EXPECT_TRUE(Registry<EmptyKind>::names().empty());
  EXPECT_THROW(Registry<EmptyKind>::find("casper"), InputError);
}

TEST(Registry, FindsByName) {
  EXPECT_EQ(Shapes::find("triangle")(), 3);
  EXPECT_EQ(Shapes::find("square")(), 4);
  EXPECT_EQ(Shapes::description("circle"), "no corner");
}

TEST(Registry, NamesTheNearestForAnUnknownName) {
  try {
    Shapes::find("sqare", {"a.yaml", 2, 7});
    FAIL();
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(),
                 "a.yaml:2:7: unknown shape 'sqare' (did you mean 'square'?); known: circle, square, triangle");
  }
}

TEST(Registry, RefusesANameThatIsTaken) {
  EXPECT_THROW(Shapes::Entry("square", "again", corners_of_circle), Bug);
  EXPECT_EQ(Shapes::find("square")(), 4);
}

}  // namespace
}  // namespace podium
