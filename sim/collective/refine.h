#pragma once

#include <cstdint>
#include <vector>

namespace podium {

/// Messages and the links that they cross: a bipartite graph with colours on both sides and labels (loads) on its
/// edges, in CSR form. Message m crosses link[e] with label[e] for e in [first[m], first[m + 1]).
struct Crossings {
  std::vector<std::uint64_t> message_colour;
  std::vector<std::uint64_t> link_colour;
  /// A message or link may stand for many, which are alike by a symmetry of the whole. Empty: each for itself.
  std::vector<std::uint64_t> message_weight;
  std::vector<std::uint32_t> link_weight;
  std::vector<std::uint32_t> first;
  std::vector<std::uint32_t> link;
  std::vector<std::uint32_t> label;
};

/// So many of a class's messages cross a link of another class with one label.
struct ClassCrossing {
  std::uint32_t message_class = 0;
  std::uint32_t label = 0;
  std::uint64_t count = 0;
  bool operator==(const ClassCrossing&) const = default;
};

/// An equitable partition: links of a class are crossed by as many messages of each class with each label, messages of
/// a class cross as many links of each class with each label, and all have equal colours. Classes are numbered in the
/// order of their first members.
struct Partition {
  std::vector<std::uint32_t> class_of_message;
  std::vector<std::uint32_t> class_of_link;
  std::vector<std::uint64_t> messages;                 ///< by class of messages, with weights
  std::vector<std::uint32_t> links;                    ///< by class of links, with weights
  std::vector<std::vector<ClassCrossing>> crossed_by;  ///< by class of links: of each of its links
};

/// The coarsest equitable partition, by colour refinement on 64-bit hashes, then verified exactly: should two hashes
/// ever collide, that is a Bug and not a wrong answer. Cost: crossings x rounds, and one sort of the crossings.
Partition coarsest_equitable(const Crossings&);
/// Every message and every link is a class of its own.
Partition discrete(const Crossings&);

}  // namespace podium
