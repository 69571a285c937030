#include "sim/core/id.h"

#include <gtest/gtest.h>

#include <concepts>
#include <string>
#include <type_traits>
#include <vector>

namespace podium {
namespace {

using LinkId = Id<struct LinkTag>;
using NodeId = Id<struct NodeTag>;

template <class Container, class Key>
concept Indexable = requires(Container container, Key key) {
  container[key];
};

static_assert(!std::convertible_to<LinkId, NodeId> && !std::constructible_from<LinkId, NodeId>);
static_assert(!std::convertible_to<int, LinkId>);
static_assert(!std::equality_comparable_with<LinkId, NodeId>);
static_assert(Indexable<Table<LinkId, int>, LinkId>);
static_assert(!Indexable<Table<LinkId, int>, NodeId> && !Indexable<Table<LinkId, int>, int>);
static_assert(sizeof(LinkId) == 4 && std::is_trivially_copyable_v<LinkId>);

TEST(Id, IsOrderedByIndex) {
  EXPECT_EQ(LinkId(3), LinkId(3));
  EXPECT_LT(LinkId(3), LinkId(4));
  EXPECT_EQ(LinkId().index(), 0u);
}

TEST(Table, HandsOutIdsInOrder) {
  Table<LinkId, std::string> table;
  EXPECT_TRUE(table.empty());
  EXPECT_EQ(table.push_back("a"), LinkId(0));
  EXPECT_EQ(table.push_back("b"), LinkId(1));
  table[LinkId(0)] = "c";
  EXPECT_EQ(table.at(LinkId(0)), "c");
  EXPECT_EQ(table.size(), 2u);
}

TEST(Table, RangesOverItsIds) {
  const Table<LinkId, int> table{10, 20, 30};
  std::vector<std::uint32_t> indices;
  int sum = 0;
  for (const LinkId id : table.ids()) {
    indices.push_back(id.index());
    sum += table[id];
  }
  EXPECT_EQ(indices, (std::vector<std::uint32_t>{0, 1, 2}));
  EXPECT_EQ(sum, 60);
}

TEST(Table, ChecksTheIndexWhereAsked) {
  Table<LinkId, int> table(2, 7);
  EXPECT_EQ(table.at(LinkId(1)), 7);
  EXPECT_THROW(table.at(LinkId(2)), Bug);
  EXPECT_THROW(std::as_const(table).at(LinkId(2)), Bug);
  table.resize(3, 9);
  EXPECT_EQ(table.at(LinkId(2)), 9);
}

}  // namespace
}  // namespace podium
