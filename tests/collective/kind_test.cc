#include "sim/collective/kind.h"

#include <gtest/gtest.h>

namespace podium {
namespace {

TEST(CollectiveKind, IsReadAsItIsWritten) {
  for (const CollectiveKind kind : all_collective_kinds()) {
    EXPECT_EQ(parse_collective_kind(to_string(kind)), kind);
  }
  EXPECT_EQ(all_collective_kinds().size(), 12U);
}

TEST(CollectiveKind, AcceptsTheNamesFoundInTheWild) {
  for (const char* name : {"all-reduce", "allreduce", "AllReduce", "ALL_REDUCE", "all reduce"}) {
    EXPECT_EQ(parse_collective_kind(name), CollectiveKind::all_reduce) << name;
  }
  EXPECT_EQ(parse_collective_kind("alltoall"), CollectiveKind::all_to_all);
  EXPECT_EQ(parse_collective_kind("sendrecv"), CollectiveKind::send);
  EXPECT_EQ(parse_collective_kind("reducescatter"), CollectiveKind::reduce_scatter);
}

TEST(CollectiveKind, NamesTheNearestOfAnUnknownOne) {
  try {
    parse_collective_kind("all_redoce", {"rows.csv", 3, 7});
    FAIL();
  } catch (const InputError& error) {
    const std::string text = error.what();
    EXPECT_NE(text.find("rows.csv:3:7"), std::string::npos) << text;
    EXPECT_NE(text.find("all_redoce"), std::string::npos) << text;
    EXPECT_NE(text.find("did you mean 'all_reduce'"), std::string::npos) << text;
  }
}

TEST(BusFactor, IsThatOfNcclTests) {
  const double n = 8;
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::all_reduce, 8), 2 * (n - 1) / n);
  for (const CollectiveKind kind :
       {CollectiveKind::all_gather, CollectiveKind::reduce_scatter, CollectiveKind::all_to_all}) {
    EXPECT_DOUBLE_EQ(bus_factor(kind, 8), (n - 1) / n);
  }
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::broadcast, 8), 1);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::reduce, 8), 1);
  EXPECT_DOUBLE_EQ(bus_factor(CollectiveKind::all_reduce, 1), 0);
}

}  // namespace
}  // namespace podium
