#include "sim/collective/refine.h"

#include <algorithm>
#include <unordered_map>

#include "sim/collective/colours.h"
#include "sim/core/check.h"
#include "sim/core/mix.h"

namespace podium {

namespace {

using Colours = std::vector<std::uint64_t>;

std::uint64_t edge_hash(std::uint64_t colour, std::uint32_t label) { return mix(colour ^ mix(label)); }

/// Colours of messages follow from those of links: a sum, so that the order of the edges does not matter.
void colour_messages(const Crossings& graph, const Colours& links, Colours& messages) {
  for (std::size_t m = 0; m < messages.size(); ++m) {
    std::uint64_t sum = mix(graph.message_colour[m]);
    for (std::uint32_t e = graph.first[m]; e < graph.first[m + 1]; ++e) {
      sum += edge_hash(links[graph.link[e]], graph.label[e]);
    }
    messages[m] = mix(sum);
  }
}

/// `shares` are by link one over its weight; empty where all weigh one.
void colour_links(const Crossings& graph, const Colours& messages, const Colours& shares, Colours& links) {
  Colours sums(links.size());
  for (std::size_t m = 0; m < messages.size(); ++m) {
    for (std::uint32_t e = graph.first[m]; e < graph.first[m + 1]; ++e) {
      const std::uint64_t hash = edge_hash(messages[m], graph.label[e]) % modulus;
      std::uint64_t& sum = sums[graph.link[e]];
      sum = (sum + (shares.empty() ? hash : times(hash, graph.message_weight[m]))) % modulus;
    }
  }
  for (std::size_t l = 0; l < links.size(); ++l) {
    links[l] = mix(links[l] + mix(shares.empty() ? sums[l] : times(sums[l], shares[l])));
  }
}

template <class Weight>
Weight weight_of(const std::vector<Weight>& weights, std::size_t i) {
  return weights.empty() ? 1 : weights[i];
}

/// Classes by colour, numbered by first appearance, and how many each has.
template <class Weight>
std::vector<std::uint32_t> number(const Colours& colours, const std::vector<Weight>& weights,
                                  std::vector<Weight>& members) {
  std::unordered_map<std::uint64_t, std::uint32_t> classes;
  std::vector<std::uint32_t> result;
  result.reserve(colours.size());
  for (std::size_t i = 0; i < colours.size(); ++i) {
    const auto [place, is_new] = classes.try_emplace(colours[i], static_cast<std::uint32_t>(members.size()));
    if (is_new) {
      members.push_back(0);
    }
    members[place->second] += weight_of(weights, i);
    result.push_back(place->second);
  }
  return result;
}

std::vector<std::uint64_t> sorted_keys(std::vector<std::uint64_t> keys) {
  std::sort(keys.begin(), keys.end());
  return keys;
}

std::uint64_t key(std::uint32_t class_number, std::uint32_t label) { return std::uint64_t{class_number} << 32 | label; }

/// By link: (class of message, label) of each crossing, with its weight, in CSR form.
struct LinkView {
  std::vector<std::uint32_t> first;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> keys;

  /// Of all that the link stands for, by class and label.
  std::vector<ClassCrossing> of(std::size_t link) {
    std::sort(keys.begin() + first[link], keys.begin() + first[link + 1]);
    std::vector<ClassCrossing> runs;
    for (std::uint32_t i = first[link]; i < first[link + 1]; ++i) {
      const auto& [key, weight] = keys[i];
      if (i == first[link] || key != keys[i - 1].first) {
        runs.push_back({static_cast<std::uint32_t>(key >> 32), static_cast<std::uint32_t>(key), 0});
      }
      runs.back().count += weight;
    }
    return runs;
  }
};

LinkView view_from_links(const Crossings& graph, const Partition& partition) {
  LinkView view;
  view.first.assign(graph.link_colour.size() + 1, 0);
  for (const std::uint32_t link : graph.link) {
    ++view.first[link + 1];
  }
  for (std::size_t l = 0; l + 1 < view.first.size(); ++l) {
    view.first[l + 1] += view.first[l];
  }
  view.keys.resize(graph.link.size());
  std::vector<std::uint32_t> filled(view.first.begin(), view.first.end() - 1);
  for (std::size_t m = 0; m < graph.message_colour.size(); ++m) {
    for (std::uint32_t e = graph.first[m]; e < graph.first[m + 1]; ++e) {
      view.keys[filled[graph.link[e]]++] = {key(partition.class_of_message[m], graph.label[e]),
                                            weight_of(graph.message_weight, m)};
    }
  }
  return view;
}

/// The first member of each class.
std::vector<std::uint32_t> representatives(const std::vector<std::uint32_t>& class_of, std::size_t classes) {
  std::vector<std::uint32_t> first(classes);
  for (std::size_t i = class_of.size(); i-- > 0;) {
    first[class_of[i]] = static_cast<std::uint32_t>(i);
  }
  return first;
}

void verify_messages(const Crossings& graph, const Partition& partition) {
  const auto first = representatives(partition.class_of_message, partition.messages.size());
  const auto keys = [&](std::size_t m) {
    std::vector<std::uint64_t> result;
    for (std::uint32_t e = graph.first[m]; e < graph.first[m + 1]; ++e) {
      result.push_back(key(partition.class_of_link[graph.link[e]], graph.label[e]));
    }
    return sorted_keys(std::move(result));
  };
  std::vector<std::vector<std::uint64_t>> expected;
  for (const std::uint32_t message : first) {
    expected.push_back(keys(message));
  }
  for (std::size_t m = 0; m < graph.message_colour.size(); ++m) {
    const std::uint32_t of = partition.class_of_message[m];
    PODIUM_CHECK(graph.message_colour[m] == graph.message_colour[first[of]]);
    PODIUM_CHECK(m == first[of] || keys(m) == expected[of], "messages of a class must cross equal links");
  }
}

/// Checks the links' half of the definition and fills `crossed_by`.
void verify_links(const Crossings& graph, Partition& partition) {
  const auto first = representatives(partition.class_of_link, partition.links.size());
  LinkView view = view_from_links(graph, partition);
  const auto of_one = [&](std::uint32_t link) {
    std::vector<ClassCrossing> crossings = view.of(link);
    for (ClassCrossing& crossing : crossings) {
      PODIUM_CHECK(crossing.count % weight_of(graph.link_weight, link) == 0, "as many cross each link");
      crossing.count /= weight_of(graph.link_weight, link);
    }
    return crossings;
  };
  for (const std::uint32_t link : first) {
    partition.crossed_by.push_back(of_one(link));
  }
  for (std::size_t l = 0; l < graph.link_colour.size(); ++l) {
    const std::uint32_t of = partition.class_of_link[l];
    PODIUM_CHECK(graph.link_colour[l] == graph.link_colour[first[of]]);
    PODIUM_CHECK(l == first[of] || of_one(static_cast<std::uint32_t>(l)) == partition.crossed_by[of],
                 "links of a class must be crossed by equal messages");
  }
}

Partition classify(const Crossings& graph, const Colours& messages, const Colours& links) {
  Partition partition;
  partition.class_of_message = number(messages, graph.message_weight, partition.messages);
  partition.class_of_link = number(links, graph.link_weight, partition.links);
  verify_messages(graph, partition);
  verify_links(graph, partition);
  return partition;
}

}  // namespace

Partition coarsest_equitable(const Crossings& graph) {
  Colours links;
  for (const std::uint64_t colour : graph.link_colour) {
    links.push_back(mix(colour));
  }
  Colours shares;
  for (const std::uint32_t weight : graph.link_weight) {
    shares.push_back(inverse(weight));
  }
  Colours messages(graph.message_colour.size());
  for (std::size_t before = 0, now = count_distinct(links); now > before;) {
    colour_messages(graph, links, messages);
    colour_links(graph, messages, shares, links);
    before = now;
    now = count_distinct(links);
  }
  colour_messages(graph, links, messages);
  return classify(graph, messages, links);
}

Partition discrete(const Crossings& graph) {
  Colours messages(graph.message_colour.size());
  Colours links(graph.link_colour.size());
  for (std::size_t m = 0; m < messages.size(); ++m) {
    messages[m] = m;
  }
  for (std::size_t l = 0; l < links.size(); ++l) {
    links[l] = l;
  }
  return classify(graph, messages, links);
}

}  // namespace podium
