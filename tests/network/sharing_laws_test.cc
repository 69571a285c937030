#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "tests/network/problems.h"

namespace podium {
namespace {

using testing::add;
using testing::capacities_of;
using testing::Problem;
using testing::random_capacity;
using testing::random_problem;
using testing::random_share;
using testing::rates_of;
using testing::Share;

/// Progressive filling as sharing.h words it, all from scratch at each level.
std::vector<double> filled_by_the_book(const Problem& problem) {
  const std::vector<Share>& shares = problem.shares;
  std::vector<Level> level(shares.size(), no_level);
  std::vector<Level> cap;
  for (const Share& share : shares) {
    cap.push_back(cap_level(BytesPerSecond(share.cap), share.weight));
  }
  const auto fills_at = [&](std::size_t link) {
    Wide left = to_wide(BytesPerSecond(problem.capacity[link]));
    Wide rising = 0;
    for (std::size_t flow = 0; flow < shares.size(); ++flow) {
      for (const auto& [used, load] : shares[flow].uses) {
        const Demand demand = to_demand(load, shares[flow].weight);
        if (used == link && level[flow] == no_level) {
          rising += demand;
        } else if (used == link) {
          left -= product(demand, level[flow]);
        }
      }
    }
    return full_level(left, rising);
  };
  while (std::find(level.begin(), level.end(), no_level) != level.end()) {
    std::vector<Level> fills;
    for (std::size_t link = 0; link < problem.capacity.size(); ++link) {
      fills.push_back(fills_at(link));
    }
    std::vector<Level> stops = cap;
    Level least = no_level;
    for (std::size_t flow = 0; flow < shares.size(); ++flow) {
      for (const auto& use : shares[flow].uses) {
        stops[flow] = std::min(stops[flow], fills[use.first]);
      }
      least = level[flow] == no_level ? std::min(least, stops[flow]) : least;
    }
    for (std::size_t flow = 0; flow < shares.size(); ++flow) {
      level[flow] = level[flow] == no_level && stops[flow] == least ? least : level[flow];
    }
  }
  std::vector<double> rates;
  for (std::size_t flow = 0; flow < shares.size(); ++flow) {
    rates.push_back(rate_at(level[flow], shares[flow].weight).value());
  }
  return rates;
}

/// Max-min's certificate: the rates fit, and each flow is at its cap or crosses a full link where nobody has a higher
/// rate per weight, within what rounding to levels and demands can do.
bool certified(const Problem& problem, const std::vector<double>& rates) {
  constexpr double tolerance = 1e-10;
  std::vector<double> use(problem.capacity.size());
  std::vector<double> highest(problem.capacity.size());
  for (std::size_t flow = 0; flow < rates.size(); ++flow) {
    for (const auto& [link, load] : problem.shares[flow].uses) {
      use[link] += load * rates[flow];
      highest[link] = std::max(highest[link], rates[flow] / problem.shares[flow].weight);
    }
  }
  const auto near = [](double value, double limit) { return value >= limit * (1 - tolerance) - 1; };
  for (std::size_t link = 0; link < use.size(); ++link) {
    if (use[link] > problem.capacity[link] * (1 + tolerance)) {
      return false;
    }
  }
  for (std::size_t flow = 0; flow < rates.size(); ++flow) {
    const Share& share = problem.shares[flow];
    const bool at_cap = share.cap > 0 && near(rates[flow], share.cap);
    const bool held = std::any_of(share.uses.begin(), share.uses.end(), [&](const auto& crossed) {
      const std::uint32_t link = crossed.first;
      return near(use[link], problem.capacity[link]) && near(rates[flow] / share.weight, highest[link]);
    });
    if ((share.cap > 0 && rates[flow] > share.cap) || (!at_cap && !held)) {
      return false;
    }
  }
  return true;
}

TEST(SharingLaws, MeetsTheCertificateAndTheBookOnManyProblems) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const Problem problem = random_problem(seed);
    const std::vector<double> rates = rates_of(problem);
    ASSERT_TRUE(certified(problem, rates)) << "seed " << seed;
    ASSERT_EQ(rates, filled_by_the_book(problem)) << "seed " << seed;
  }
}

TEST(SharingLaws, RefusesTheCertificateToOtherRates) {
  // the certificate itself must be able to fail: a little more or less for one flow breaks it
  int broken = 0;
  int tried = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const Problem problem = random_problem(seed);
    std::vector<double> rates = rates_of(problem);
    for (std::size_t flow = 0; flow < rates.size(); ++flow) {
      if (rates[flow] > 1e5) {
        const double kept = rates[flow];
        rates[flow] = kept * (flow % 2 == 0 ? 1.001 : 0.999);
        ++tried;
        broken += certified(problem, rates) ? 0 : 1;
        rates[flow] = kept;
      }
    }
  }
  EXPECT_EQ(broken, tried);
  EXPECT_GT(tried, 1000);
}

void shuffle(std::vector<std::uint32_t>& places, Rng& rng) {
  for (std::size_t i = places.size(); i > 1; --i) {
    std::swap(places[i - 1], places[rng.below(i)]);
  }
}

TEST(SharingLaws, GivesTheSameBitsWhateverTheOrderOfFlowsAndLinks) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const Problem problem = random_problem(seed);
    Rng rng(seed, "shuffle");
    std::vector<std::uint32_t> link_place(problem.capacity.size());
    std::vector<std::uint32_t> flow_place(problem.shares.size());
    std::iota(link_place.begin(), link_place.end(), 0U);
    std::iota(flow_place.begin(), flow_place.end(), 0U);
    shuffle(link_place, rng);
    shuffle(flow_place, rng);
    Problem shuffled = problem;
    for (std::size_t link = 0; link < link_place.size(); ++link) {
      shuffled.capacity[link_place[link]] = problem.capacity[link];
    }
    for (std::size_t flow = 0; flow < flow_place.size(); ++flow) {
      Share share = problem.shares[flow];
      std::reverse(share.uses.begin(), share.uses.end());
      for (auto& use : share.uses) {
        use.first = link_place[use.first];
      }
      shuffled.shares[flow_place[flow]] = share;
    }
    const std::vector<double> rates = rates_of(problem);
    const std::vector<double> other = rates_of(shuffled);
    for (std::size_t flow = 0; flow < rates.size(); ++flow) {
      ASSERT_EQ(rates[flow], other[flow_place[flow]]) << "seed " << seed << " flow " << flow;
    }
  }
}

TEST(SharingLaws, LetsProblemsThatShareNoLinkNotDisturbEachOtherByABit) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const Problem one = random_problem(2 * seed);
    const Problem other = random_problem(2 * seed + 1);
    Problem both = one;
    both.capacity.insert(both.capacity.end(), other.capacity.begin(), other.capacity.end());
    for (Share share : other.shares) {
      for (auto& use : share.uses) {
        use.first += static_cast<std::uint32_t>(one.capacity.size());
      }
      both.shares.push_back(share);
    }
    std::vector<double> expected = rates_of(one);
    const std::vector<double> rest = rates_of(other);
    expected.insert(expected.end(), rest.begin(), rest.end());
    ASSERT_EQ(rates_of(both), expected) << "seed " << seed;
  }
}

TEST(SharingLaws, ScalesWithCapacitiesAndCaps) {
  const double scale = 8;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Problem problem = random_problem(seed);
    const std::vector<double> before = rates_of(problem);
    for (double& capacity : problem.capacity) {
      capacity *= scale;
    }
    for (Share& share : problem.shares) {
      share.cap *= scale;
    }
    const std::vector<double> rates = rates_of(problem);
    for (std::size_t flow = 0; flow < rates.size(); ++flow) {
      // but for what is rounded down, at each of the levels that a rate depends on
      ASSERT_NEAR(rates[flow], before[flow] * scale, 1 + 1e-12 * rates[flow]) << "seed " << seed << " flow " << flow;
    }
  }
}

TEST(SharingLaws, DoesNotDependOnWhatAllWeigh) {
  // so little that rates per weight are beyond 2^46 B/s, where levels are coarse
  const double scale = 0x1p-20;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Problem problem = random_problem(seed);
    for (Share& share : problem.shares) {
      share.weight = 1 + (share.weight < 2 ? 0 : 1);
    }
    const std::vector<double> before = rates_of(problem);
    for (Share& share : problem.shares) {
      share.weight *= scale;
    }
    const std::vector<double> rates = rates_of(problem);
    for (std::size_t flow = 0; flow < rates.size(); ++flow) {
      ASSERT_NEAR(rates[flow], before[flow], 1e-4 * before[flow]) << "seed " << seed << " flow " << flow;
    }
  }
}

/// Loads that sums of members keep exact.
void put_on_a_grid(Problem& problem) {
  for (Share& share : problem.shares) {
    share.weight = std::ceil(share.weight * 16) / 16;
    for (auto& use : share.uses) {
      use.second = std::ceil(use.second * 0x1p20) * 0x1p-20;
    }
  }
}

TEST(SharingLaws, GivesABundleWhatItGivesToEachOfItsMembersToTheLastBit) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    Problem members = random_problem(seed);
    put_on_a_grid(members);
    Problem bundles = members;
    Rng rng(seed, "members");
    std::vector<std::size_t> bundle_of;
    members.shares.clear();
    for (std::size_t flow = 0; flow < bundles.shares.size(); ++flow) {
      const std::uint64_t count = 1 + rng.below(5);
      members.shares.insert(members.shares.end(), count, bundles.shares[flow]);
      bundle_of.insert(bundle_of.end(), count, flow);
      for (auto& use : bundles.shares[flow].uses) {
        use.second *= static_cast<double>(count);
      }
    }
    const std::vector<double> folded = rates_of(bundles);
    const std::vector<double> unfolded = rates_of(members);
    for (std::size_t member = 0; member < unfolded.size(); ++member) {
      ASSERT_EQ(unfolded[member], folded[bundle_of[member]]) << "seed " << seed << " member " << member;
    }
  }
}

TEST(SharingLaws, GivesAFoldedProblemTheRatesOfAllThatItStandsFor) {
  // an equitable partition: each link stands for 1, 2 or 3 equal ones, and each flow for 6 that are spread over them
  constexpr std::uint32_t members = 6;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    Problem whole = random_problem(seed);
    put_on_a_grid(whole);
    Problem folded = whole;
    Rng rng(seed, "classes");
    std::vector<std::uint32_t> first;
    std::vector<std::uint32_t> equals;
    whole.capacity.clear();
    for (const double capacity : folded.capacity) {
      first.push_back(static_cast<std::uint32_t>(whole.capacity.size()));
      equals.push_back(1 + static_cast<std::uint32_t>(rng.below(3)));
      whole.capacity.insert(whole.capacity.end(), equals.back(), capacity);
    }
    whole.shares.clear();
    for (Share& share : folded.shares) {
      const auto shift = static_cast<std::uint32_t>(rng.below(members));
      for (std::uint32_t member = 0; member < members; ++member) {
        whole.shares.push_back(share);
        for (auto& use : whole.shares.back().uses) {
          use.first = first[use.first] + (member + shift) % equals[use.first];
        }
      }
      for (auto& use : share.uses) {
        const std::uint32_t on_each = members / equals[use.first];
        use.second *= on_each;
      }
    }
    const std::vector<double> expected = rates_of(folded);
    const std::vector<double> rates = rates_of(whole);
    for (std::size_t flow = 0; flow < rates.size(); ++flow) {
      ASSERT_EQ(rates[flow], expected[flow / members]) << "seed " << seed << " flow " << flow;
    }
  }
}

/// Random changes, a few at a time; after each batch of them all that a caller can see must be as if the problem had
/// come at once. Where capacities are a few levels, almost everything ties, or nearly does.
class History {
 public:
  History(std::uint64_t seed, double unit)
      : rng_(seed, "history"), unit_(unit), plain_(rng_.below(3) == 0), links_(1 + rng_.below(12)) {
    for (std::uint64_t link = 0; link < links_; ++link) {
      problem_.capacity.push_back(capacity());
    }
    sharing_ = Sharing(capacities_of(problem_.capacity));
  }

  /// What is wrong; empty where nothing is.
  std::string step() {
    std::vector<double> before;
    for (const ShareId id : ids_) {
      before.push_back(sharing_.rate(id).value());
    }
    for (std::uint64_t changes = 1 + rng_.below(rng_.below(4) == 0 ? 8 : 2); changes > 0; --changes) {
      change(before);
    }
    const std::span<const ShareId> changed = sharing_.solve();
    const std::vector<double> expected = filled_by_the_book(problem_);
    std::size_t told = 0;
    for (std::size_t flow = 0; flow < ids_.size(); ++flow) {
      if (sharing_.rate(ids_[flow]).value() != expected[flow]) {
        return "a rate differs";
      }
      const auto times = std::count(changed.begin(), changed.end(), ids_[flow]);
      if (times != (before[flow] != expected[flow] ? 1 : 0)) {
        return "what has changed is not told once";
      }
      told += static_cast<std::size_t>(times);
    }
    return told == changed.size() ? "" : "what is not there has changed";
  }

 private:
  double capacity() { return unit_ == 0 ? random_capacity(rng_) : unit_ * static_cast<double>(rng_.below(40)); }

  Share share() {
    Share share = random_share(rng_, links_, plain_);
    if (rng_.below(8) == 0) {
      share.uses.clear();
      share.cap = 1e8;
    }
    if (unit_ > 0) {
      share.weight = 1;
      share.cap = share.cap > 0 ? unit_ * static_cast<double>(1 + rng_.below(20)) : 0;
      for (auto& use : share.uses) {
        use.second = static_cast<double>(1 + rng_.below(3));
      }
    }
    return share;
  }

  void change(std::vector<double>& before) {
    const std::uint64_t kind = rng_.below(10);
    if (kind < 5 || ids_.empty()) {
      problem_.shares.push_back(share());
      ids_.push_back(add(sharing_, problem_.shares.back()));
      before.push_back(-1);
    } else if (kind < 9) {
      const auto place = static_cast<std::ptrdiff_t>(rng_.below(ids_.size()));
      sharing_.remove(ids_[static_cast<std::size_t>(place)]);
      ids_.erase(ids_.begin() + place);
      problem_.shares.erase(problem_.shares.begin() + place);
      before.erase(before.begin() + place);
    } else {
      const std::uint64_t link = rng_.below(links_);
      problem_.capacity[link] = capacity();
      sharing_.set_capacity(LinkId(link), BytesPerSecond(problem_.capacity[link]));
    }
  }

  Rng rng_;
  double unit_;  ///< of capacities and caps; 0: any
  bool plain_;
  std::uint64_t links_;
  Problem problem_;
  Sharing sharing_{{}};
  std::vector<ShareId> ids_;
};

RC_GTEST_PROP(SharingLaws, GivesRatesWithoutAHistory, (std::uint64_t seed, bool near_ties)) {
  History history(seed, near_ties ? 0x1p-16 : 0);
  for (int step = 0; step < 30; ++step) {
    RC_ASSERT(history.step() == "");
  }
}

TEST(SharingLaws, GivesRatesWithoutAHistoryOnManyProblems) {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    History history(seed, seed % 2 == 0 ? 0 : 0x1p-16);
    for (int step = 0; step < 30; ++step) {
      ASSERT_EQ(history.step(), "") << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace podium
