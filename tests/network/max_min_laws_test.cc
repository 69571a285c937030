#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "sim/network/max_min.h"
#include "tests/network/problems.h"

namespace podium {
namespace {

using testing::problem_of;
using testing::RandomProblem;
using testing::Share;

constexpr double tolerance = 1e-12;

std::vector<double> use_of_links(const std::vector<double>& capacity, const std::vector<Share>& shares,
                                 const std::vector<double>& rates) {
  std::vector<double> use(capacity.size());
  for (std::size_t flow = 0; flow < shares.size(); ++flow) {
    for (const auto& [link, load] : shares[flow].uses) {
      use[link] += load * rates[flow];
    }
  }
  return use;
}

/// Max-min's certificate: the rates fit, and each flow is at its cap or crosses a full link where nobody has a higher
/// rate per weight. There is only one such vector.
bool certified(const std::vector<double>& capacity, const std::vector<Share>& shares,
               const std::vector<double>& rates) {
  const std::vector<double> use = use_of_links(capacity, shares, rates);
  std::vector<double> highest(capacity.size());
  for (std::size_t flow = 0; flow < shares.size(); ++flow) {
    for (const auto& [link, load] : shares[flow].uses) {
      highest[link] = std::max(highest[link], rates[flow] / shares[flow].weight);
    }
  }
  for (std::size_t link = 0; link < capacity.size(); ++link) {
    if (use[link] > capacity[link] * (1 + tolerance)) {
      return false;
    }
  }
  for (std::size_t flow = 0; flow < shares.size(); ++flow) {
    const bool at_cap = rates[flow] == shares[flow].cap;
    const bool held = std::any_of(shares[flow].uses.begin(), shares[flow].uses.end(), [&](const auto& crossed) {
      const std::uint32_t link = crossed.first;
      return use[link] >= capacity[link] * (1 - tolerance) &&
             rates[flow] / shares[flow].weight >= highest[link] * (1 - tolerance);
    });
    if (rates[flow] > shares[flow].cap || (!at_cap && !held)) {
      return false;
    }
  }
  return true;
}

/// Progressive filling as the textbook words it: all from scratch at each step, one link or cap at a time.
std::vector<double> textbook_rates(const std::vector<double>& capacity, const std::vector<Share>& shares) {
  std::vector<double> rates(shares.size());
  std::vector<bool> frozen(shares.size());
  const auto room = [&](std::uint32_t link) {
    long double left = capacity[link];
    long double demand = 0;
    for (std::size_t flow = 0; flow < shares.size(); ++flow) {
      for (const auto& [used, load] : shares[flow].uses) {
        if (used == link) {
          left -= frozen[flow] ? static_cast<long double>(load) * rates[flow] : 0;
          demand += frozen[flow] ? 0 : static_cast<long double>(load) * shares[flow].weight;
        }
      }
    }
    return demand > 0 ? std::max(left, 0.0L) / demand : std::numeric_limits<long double>::infinity();
  };
  while (std::find(frozen.begin(), frozen.end(), false) != frozen.end()) {
    // the flow whose own limit is the least freezes there
    long double least = std::numeric_limits<long double>::infinity();
    std::size_t chosen = 0;
    for (std::size_t flow = 0; flow < shares.size(); ++flow) {
      long double limit = static_cast<long double>(shares[flow].cap) / shares[flow].weight;
      for (const auto& use : shares[flow].uses) {
        limit = std::min(limit, room(use.first));
      }
      if (!frozen[flow] && limit < least) {
        least = limit;
        chosen = flow;
      }
    }
    frozen[chosen] = true;
    rates[chosen] = static_cast<double>(least * shares[chosen].weight);
  }
  return rates;
}

RC_GTEST_PROP(MaxMinLaws, MeetsTheCertificate, ()) {
  const RandomProblem random(*rc::gen::arbitrary<std::uint64_t>());
  RC_ASSERT(certified(random.capacity, random.shares, max_min_rates(random.problem())));
}

TEST(MaxMinLaws, MeetsTheCertificateOnManyProblems) {
  for (std::uint64_t seed = 0; seed < 2000; ++seed) {
    const RandomProblem random(seed);
    ASSERT_TRUE(certified(random.capacity, random.shares, max_min_rates(random.problem()))) << "seed " << seed;
  }
}

TEST(MaxMinLaws, RefusesTheCertificateToOtherRates) {
  // the certificate itself must be able to fail: a little more or less for one flow breaks it
  int broken = 0;
  int tried = 0;
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const RandomProblem random(seed);
    std::vector<double> rates = max_min_rates(random.problem());
    for (std::size_t flow = 0; flow < rates.size(); ++flow) {
      if (rates[flow] > 0) {
        const double kept = rates[flow];
        rates[flow] = kept * (flow % 2 == 0 ? 1.001 : 0.999);
        ++tried;
        broken += certified(random.capacity, random.shares, rates) ? 0 : 1;
        rates[flow] = kept;
      }
    }
  }
  EXPECT_EQ(broken, tried);
  EXPECT_GT(tried, 1000);
}

TEST(MaxMinLaws, AgreesWithTheTextbook) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    const RandomProblem random(seed);
    const std::vector<double> rates = max_min_rates(random.problem());
    const std::vector<double> expected = textbook_rates(random.capacity, random.shares);
    for (std::size_t flow = 0; flow < rates.size(); ++flow) {
      ASSERT_NEAR(rates[flow], expected[flow], tolerance * (1 + expected[flow])) << "seed " << seed << " flow " << flow;
    }
  }
}

/// The same problem with links and flows in another order, and the flows' new places.
struct Shuffled {
  Shuffled(const RandomProblem& random, std::uint64_t seed) {
    Rng rng(seed, "shuffle");
    std::vector<std::uint32_t> link_place(random.capacity.size());
    std::iota(link_place.begin(), link_place.end(), 0U);
    flow_place.resize(random.shares.size());
    std::iota(flow_place.begin(), flow_place.end(), 0U);
    shuffle(link_place, rng);
    shuffle(flow_place, rng);
    std::vector<double> capacity(random.capacity.size());
    std::vector<Share> shares(random.shares.size());
    for (std::size_t link = 0; link < capacity.size(); ++link) {
      capacity[link_place[link]] = random.capacity[link];
    }
    for (std::size_t flow = 0; flow < shares.size(); ++flow) {
      Share share = random.shares[flow];
      std::reverse(share.uses.begin(), share.uses.end());
      for (auto& use : share.uses) {
        use.first = link_place[use.first];
      }
      shares[flow_place[flow]] = share;
    }
    problem = problem_of(capacity, shares);
  }

  static void shuffle(std::vector<std::uint32_t>& places, Rng& rng) {
    for (std::size_t i = places.size(); i > 1; --i) {
      std::swap(places[i - 1], places[rng.below(i)]);
    }
  }

  std::vector<std::uint32_t> flow_place;
  MaxMinProblem problem;
};

TEST(MaxMinLaws, GivesTheSameBitsWhateverTheOrderOfFlowsAndLinks) {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const RandomProblem random(seed);
    const Shuffled shuffled(random, seed);
    const std::vector<double> rates = max_min_rates(random.problem());
    const std::vector<double> other = max_min_rates(shuffled.problem);
    for (std::size_t flow = 0; flow < rates.size(); ++flow) {
      ASSERT_EQ(rates[flow], other[shuffled.flow_place[flow]]) << "seed " << seed << " flow " << flow;
    }
  }
}

TEST(MaxMinLaws, LetsProblemsThatShareNoLinkNotDisturbEachOtherByABit) {
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const RandomProblem one(2 * seed);
    RandomProblem both = one;
    const RandomProblem other(2 * seed + 1);
    const auto shift = static_cast<std::uint32_t>(one.capacity.size());
    both.capacity.insert(both.capacity.end(), other.capacity.begin(), other.capacity.end());
    for (Share share : other.shares) {
      for (auto& use : share.uses) {
        use.first += shift;
      }
      both.shares.push_back(share);
    }
    std::vector<double> expected = max_min_rates(one.problem());
    const std::vector<double> rest = max_min_rates(other.problem());
    expected.insert(expected.end(), rest.begin(), rest.end());
    ASSERT_EQ(max_min_rates(both.problem()), expected) << "seed " << seed;
  }
}

TEST(MaxMinLaws, ScalesWithCapacitiesAndCaps) {
  const double scale = 8;  // a power of two, so that no bit is lost
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    RandomProblem random(seed);
    std::vector<double> expected = max_min_rates(random.problem());
    for (double& rate : expected) {
      rate *= scale;
    }
    for (double& capacity : random.capacity) {
      capacity *= scale;
    }
    for (Share& share : random.shares) {
      share.cap *= scale;
    }
    ASSERT_EQ(max_min_rates(random.problem()), expected) << "seed " << seed;
  }
}

TEST(MaxMinLaws, GivesABundleWhatItGivesToEachOfItsMembers) {
  // the fold of Podium: m equal flows, or one with m times the load
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    const RandomProblem random(seed);
    Rng rng(seed, "members");
    std::vector<Share> bundles;
    std::vector<Share> members;
    std::vector<std::size_t> bundle_of;
    for (std::size_t flow = 0; flow < random.shares.size(); ++flow) {
      const std::uint64_t count = 1 + rng.below(5);
      Share bundle = random.shares[flow];
      for (auto& use : bundle.uses) {
        use.second *= static_cast<double>(count);
      }
      bundles.push_back(bundle);
      members.insert(members.end(), count, random.shares[flow]);
      bundle_of.insert(bundle_of.end(), count, flow);
    }
    const std::vector<double> folded = max_min_rates(problem_of(random.capacity, bundles));
    const std::vector<double> unfolded = max_min_rates(problem_of(random.capacity, members));
    for (std::size_t member = 0; member < members.size(); ++member) {
      const double expected = folded[bundle_of[member]];
      ASSERT_NEAR(unfolded[member], expected, tolerance * (1 + expected)) << "seed " << seed << " member " << member;
    }
  }
}

}  // namespace
}  // namespace podium
