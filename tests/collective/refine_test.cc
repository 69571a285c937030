#include "sim/collective/refine.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace podium {
namespace {

struct Crossing {
  std::uint32_t link = 0;
  std::uint32_t label = 0;
};

Crossings make(std::size_t links, const std::vector<std::vector<Crossing>>& messages) {
  Crossings graph;
  graph.link_colour.assign(links, 0);
  graph.first.push_back(0);
  for (const auto& message : messages) {
    for (const Crossing& crossing : message) {
      graph.link.push_back(crossing.link);
      graph.label.push_back(crossing.label);
    }
    graph.first.push_back(static_cast<std::uint32_t>(graph.link.size()));
    graph.message_colour.push_back(0);
  }
  return graph;
}

/// Messages of a ring of n hosts behind one switch: host i goes up link i and comes down link n + i + 1.
Crossings ring_crossings(std::uint32_t n) {
  std::vector<std::vector<Crossing>> messages;
  for (std::uint32_t i = 0; i < n; ++i) {
    messages.push_back({{i, 0}, {n + (i + 1) % n, 0}});
  }
  return make(std::size_t{2} * n, messages);
}

TEST(Refinement, FindsARingAndItsLinksEqual) {
  const Partition partition = coarsest_equitable(ring_crossings(6));
  EXPECT_EQ(partition.messages, std::vector<std::uint64_t>{6});
  EXPECT_EQ(partition.links, std::vector<std::uint32_t>{12}) << "up and down links are crossed alike";
  EXPECT_EQ(partition.crossed_by[0], (std::vector<ClassCrossing>{{0, 0, 1}}));
}

TEST(Refinement, KeepsColoursApart) {
  Crossings graph = ring_crossings(6);
  for (std::size_t l = 6; l < 12; ++l) {
    graph.link_colour[l] = 1;
  }
  EXPECT_EQ(coarsest_equitable(graph).links, (std::vector<std::uint32_t>{6, 6}));
}

TEST(Refinement, SplitsAroundOneOddLinkAsFarAsItCanBeFelt) {
  Crossings graph = ring_crossings(6);
  graph.link_colour[0] = 1;
  const Partition partition = coarsest_equitable(graph);
  EXPECT_EQ(partition.messages, (std::vector<std::uint64_t>{1, 5})) << "a ring's messages share no link";
  EXPECT_EQ(partition.links, (std::vector<std::uint32_t>{1, 10, 1})) << "the odd one, the others, and where it leads";
}

TEST(Refinement, TellsLoadsApart) {
  const Partition partition = coarsest_equitable(make(2, {{{0, 0}}, {{1, 1}}}));
  EXPECT_EQ(partition.messages, (std::vector<std::uint64_t>{1, 1}));
  EXPECT_EQ(partition.links, (std::vector<std::uint32_t>{1, 1}));
}

TEST(Refinement, GroupsMessagesWithoutLinksByColour) {
  Crossings graph = make(0, {{}, {}, {}});
  graph.message_colour[2] = 7;
  EXPECT_EQ(coarsest_equitable(graph).messages, (std::vector<std::uint64_t>{2, 1}));
}

TEST(Refinement, LeavesAllApartWhenDiscrete) {
  const Partition partition = discrete(ring_crossings(4));
  EXPECT_EQ(partition.messages, std::vector<std::uint64_t>(4, 1));
  EXPECT_EQ(partition.links, std::vector<std::uint32_t>(8, 1));
}

/// The definition, spelled out by brute force: rounds of exact signatures, no hashing.
std::pair<std::size_t, std::size_t> classes_by_brute_force(const Crossings& graph) {
  using Signature = std::pair<std::uint64_t, std::vector<std::pair<std::uint64_t, std::uint32_t>>>;
  const auto renumber = [](const std::vector<Signature>& signatures) {
    std::vector<Signature> sorted = signatures;
    std::sort(sorted.begin(), sorted.end());
    sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
    std::vector<std::uint64_t> result;
    for (const Signature& signature : signatures) {
      result.push_back(
          static_cast<std::uint64_t>(std::lower_bound(sorted.begin(), sorted.end(), signature) - sorted.begin()));
    }
    return std::make_pair(result, sorted.size());
  };
  std::vector<std::uint64_t> links = graph.link_colour;
  std::vector<std::uint64_t> messages = graph.message_colour;
  std::pair<std::size_t, std::size_t> counts;
  for (std::size_t round = 0; round <= links.size() + messages.size(); ++round) {
    std::vector<Signature> of_messages, of_links;
    for (const std::uint64_t colour : messages) {
      of_messages.push_back({colour, {}});
    }
    for (const std::uint64_t colour : links) {
      of_links.push_back({colour, {}});
    }
    for (std::size_t m = 0; m < messages.size(); ++m) {
      for (std::uint32_t e = graph.first[m]; e < graph.first[m + 1]; ++e) {
        of_messages[m].second.push_back({links[graph.link[e]], graph.label[e]});
        of_links[graph.link[e]].second.push_back({messages[m], graph.label[e]});
      }
    }
    for (auto* signatures : {&of_messages, &of_links}) {
      for (Signature& signature : *signatures) {
        std::sort(signature.second.begin(), signature.second.end());
      }
    }
    std::tie(messages, counts.first) = renumber(of_messages);
    std::tie(links, counts.second) = renumber(of_links);
  }
  return counts;
}

TEST(Refinement, AgreesWithTheDefinitionOnRandomGraphs) {
  for (unsigned seed = 0; seed < 50; ++seed) {
    std::mt19937 random(seed);
    const std::uint32_t links = 2 + random() % 8;
    std::vector<std::vector<Crossing>> messages(1 + random() % 12);
    for (auto& message : messages) {
      for (std::uint32_t l = 0; l < links; ++l) {
        if (random() % 3 == 0) {
          message.push_back({l, static_cast<std::uint32_t>(random() % 4 == 0)});
        }
      }
    }
    Crossings graph = make(links, messages);
    graph.link_colour[0] = random() % 2;
    const Partition partition = coarsest_equitable(graph);
    const auto expected = classes_by_brute_force(graph);
    EXPECT_EQ(partition.messages.size(), expected.first) << "seed " << seed;
    EXPECT_EQ(partition.links.size(), expected.second) << "seed " << seed;
  }
}

}  // namespace
}  // namespace podium
