#include "sim/network/sharing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <vector>

#include "tests/network/problems.h"

namespace podium {
namespace {

using testing::capacities_of;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::rates_of;
using testing::rounded_down;
using testing::Share;
using ::testing::UnorderedElementsAre;

constexpr double link_capacity = 12e9;

TEST(Sharing, SplitsOneLinkEvenly) {
  EXPECT_EQ(rates_of({{link_capacity}, {{{{0, 1}}}, {{{0, 1}}}, {{{0, 1}}}}}),
            std::vector<double>(3, link_capacity / 3));
}

TEST(Sharing, RoundsRatesDownToWholeLevels) {
  EXPECT_EQ(rates_of({{1e9}, {{{{0, 1}}}, {{{0, 1}}}, {{{0, 1}}}}}), std::vector<double>(3, rounded_down(1e9 / 3)));
}

TEST(Sharing, GivesWhatACrowdedPathCannotUseToTheOthers) {
  // two flows on the narrow link, one of which shares the wide link with a third
  const double narrow = 2e9;
  const double wide = 10e9;
  EXPECT_EQ(rates_of({{narrow, wide}, {{{{0, 1}}}, {{{0, 1}, {1, 1}}}, {{{1, 1}}}}}),
            (std::vector<double>{narrow / 2, narrow / 2, wide - narrow / 2}));
}

TEST(Sharing, GivesTheLongFlowOfAParkingLotItsEvenShareOfTheFullestLink) {
  // the parking lot: one flow over all links, and k flows of one link each on link k
  const std::vector<double> rates =
      rates_of({{link_capacity, link_capacity, link_capacity},
                {{{{0, 1}, {1, 1}, {2, 1}}}, {{{0, 1}}}, {{{1, 1}}}, {{{1, 1}}}, {{{2, 1}}}, {{{2, 1}}}, {{{2, 1}}}}});
  const double length = link_capacity / 4;
  EXPECT_EQ(rates, (std::vector<double>{length, link_capacity - length, (link_capacity - length) / 2,
                                        (link_capacity - length) / 2, length, length, length}));
}

TEST(Sharing, FillsTheLinksAroundTheFullestAfterIt) {
  // a chain of three links: three flows cross the middle one, and those at the ends take what these leave
  const std::vector<double> rates =
      rates_of({{link_capacity, link_capacity, link_capacity},
                {{{{1, 1}, {2, 1}}}, {{{0, 1}, {1, 1}}}, {{{1, 1}}}, {{{2, 1}}}, {{{0, 1}}}}});
  const double third = link_capacity / 3;
  EXPECT_EQ(rates, (std::vector<double>{third, third, third, link_capacity - third, link_capacity - third}));
}

TEST(Sharing, SharesByWeight) {
  Share light{{{0, 1}}, 1};
  Share heavy{{{0, 1}}, 3};
  EXPECT_EQ(rates_of({{link_capacity}, {light, heavy}}),
            (std::vector<double>{link_capacity * 1 / (1 + 3), link_capacity * 3 / (1 + 3)}));
}

TEST(Sharing, HoldsAFlowAtItsCapAndGivesTheRestAway) {
  const double cap = 2e9;
  Share capped{{{0, 1}}, 1, cap};
  Share open{{{0, 1}}};
  EXPECT_EQ(rates_of({{link_capacity}, {open, capped, open}}),
            (std::vector<double>{(link_capacity - cap) / 2, cap, (link_capacity - cap) / 2}));
}

TEST(Sharing, LeavesALinkIdleWhereAllItsFlowsAreCapped) {
  const double cap = 2e9;
  EXPECT_EQ(rates_of({{100e9}, {{{{0, 1}}, 1, cap}, {{{0, 1}}, 4, cap}}}), (std::vector<double>{cap, cap}));
}

TEST(Sharing, TakesACapForALinkOfOnesOwn) {
  EXPECT_EQ(rates_of({{}, {{{}, 1, 5e9}}}), std::vector<double>{5e9});
  EXPECT_THROW(rates_of({{}, {{{}}}}), Bug);
}

TEST(Sharing, CountsFractionsOfFlowsThatAreSprayed) {
  // half of each of two flows on each of two links: as one link of their summed capacity
  const Share sprayed{{{0, 0.5}, {1, 0.5}}};
  EXPECT_EQ(rates_of({{link_capacity, link_capacity}, {sprayed, sprayed}}), (std::vector<double>(2, link_capacity)));
}

TEST(Sharing, TakesABundleForItsMembers) {
  // a bundle of five members on one representative link, beside a single flow: a sixth each
  EXPECT_EQ(rates_of({{link_capacity}, {{{{0, 5}}}, {{{0, 1}}}}}), (std::vector<double>(2, link_capacity / 6)));
}

TEST(Sharing, StopsFlowsOnALinkWithoutCapacityAndNoOthers) {
  EXPECT_EQ(rates_of({{0, link_capacity}, {{{{0, 1}, {1, 1}}}, {{{1, 1}}}}}), (std::vector<double>{0, link_capacity}));
}

TEST(Sharing, KeepsCountOfTheLightBesideTheHeavy) {
  // heavy flows leave the link first; what is left goes to the light one, to the last bit
  const double heavy = 1 << 20;
  const double light = 1.0 / 1024;
  const double cap = 0.25 * link_capacity / heavy;
  const std::vector<double> rates =
      rates_of({{link_capacity}, {{{{0, heavy}}, 1, cap}, {{{0, heavy}}, 1, cap}, {{{0, light}}}}});
  EXPECT_EQ(rates[2], rounded_down((link_capacity - 2 * heavy * rounded_down(cap)) / light));
}

TEST(Sharing, FreezesAtOneLevelAllThatCannotRiseByAWholeOneMore) {
  // seven levels for two flows: three each, and the seventh is nobody's, though one of the flows could have it if the
  // other froze on its own link before
  const double level = 0x1p-16;
  EXPECT_EQ(rates_of({{7 * level, 3 * level}, {{{{0, 1}}}, {{{0, 1}, {1, 1}}}}}),
            (std::vector<double>{3 * level, 3 * level}));
}

TEST(Sharing, TellsWhatHasChangedAndNothingElse) {
  Sharing sharing(capacities_of({link_capacity, link_capacity}));
  const std::vector<LinkLoad> first{{LinkId(0), 1}};
  const std::vector<LinkLoad> second{{LinkId(1), 1}};
  const ShareId a = sharing.add(first);
  const ShareId b = sharing.add(second);
  EXPECT_THAT(sharing.solve(), UnorderedElementsAre(a, b));
  EXPECT_THAT(sharing.solve(), IsEmpty());
  const ShareId c = sharing.add(first);
  EXPECT_THAT(sharing.solve(), UnorderedElementsAre(a, c));
  EXPECT_EQ(sharing.rate(a), BytesPerSecond(link_capacity / 2));
  sharing.remove(c);
  EXPECT_THAT(sharing.solve(), ElementsAre(a));
  EXPECT_EQ(sharing.rate(a), BytesPerSecond(link_capacity));
  sharing.set_capacity(LinkId(1), BytesPerSecond(link_capacity / 3));
  EXPECT_THAT(sharing.solve(), ElementsAre(b));
  EXPECT_EQ(sharing.rate(b), BytesPerSecond(link_capacity / 3));
}

TEST(Sharing, LeavesAFlowAloneThatSomethingElseStillHolds) {
  // the link that filled first gets more capacity, but its flow is at another full link, or its cap, at the same level
  Sharing sharing(capacities_of({link_capacity, link_capacity}));
  const std::vector<LinkLoad> both{{LinkId(0), 1}, {LinkId(1), 1}};
  const std::vector<LinkLoad> first{{LinkId(0), 1}};
  const ShareId crossing = sharing.add(both);
  const ShareId capped = sharing.add(first, 1, BytesPerSecond(link_capacity / 2));
  sharing.add(std::vector<LinkLoad>{{LinkId(1), 1}});
  sharing.solve();
  sharing.set_capacity(LinkId(0), BytesPerSecond(2 * link_capacity));
  EXPECT_THAT(sharing.solve(), IsEmpty());
  EXPECT_EQ(sharing.rate(crossing), BytesPerSecond(link_capacity / 2));
  EXPECT_EQ(sharing.rate(capped), BytesPerSecond(link_capacity / 2));
}

TEST(Sharing, RefusesWhatIsBeyondItsArithmetic) {
  const auto share = [](double link, double load) { return rates_of({{link}, {{{{0, load}}}}}); };
  EXPECT_EQ(share(link_capacity, 1 << 23), std::vector<double>{rounded_down(link_capacity / (1 << 23))});
  EXPECT_THROW(share(link_capacity, 1 << 24), Bug);
  EXPECT_EQ(share(1, 0x1p-40), std::vector<double>{0x1p40});
  EXPECT_THROW(share(1, 0x1p-41), Bug);
  EXPECT_EQ(share(0x1p47, 1), std::vector<double>{0x1p47});
  EXPECT_EQ(share(0x1p62, 1), std::vector<double>{0x1p62});
  EXPECT_THROW(share(0x1p64, 1), Bug) << "a rate";
  EXPECT_THROW(share(0x1p70, 1), Bug) << "a capacity";
}

}  // namespace
}  // namespace podium
