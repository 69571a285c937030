#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/collective/kind.h"
#include "sim/core/registry.h"

namespace podium {

/// How the positions of a group exchange bytes within a step, symbolically: position i sends to …
enum class Pairing : std::uint8_t {
  shift,             ///< (i + offset) mod n
  chain,             ///< i + offset, where that is below n: no way round
  exclusive_or,      ///< i xor offset, where that is below n
  all_others,        ///< every other position, in one step (n - 1 messages each)
  reduce_in_switch,  ///< each position j receives the sum of everybody's part j, its own too, added up in the switches
  multicast,         ///< each position sends one part to all, copied in the switches; a copy comes back to it
  listed,            ///< the pairs that the step lists, and no others
};

/// Whether switches add up or copy.
constexpr bool in_switch(Pairing pairing) {
  return pairing == Pairing::reduce_in_switch || pairing == Pairing::multicast;
}

/// What all positions do at the same time. `share` is the bytes of *one message* over the operation's bytes. Written as
/// i = ... + digit x stride, a position may exchange only with those that differ from it in this digit: with the other
/// ranks of its node, or those of its rail. The pairing is then among the `size` values of the digit.
struct Step {
  Pairing pairing = Pairing::shift;
  std::uint32_t offset = 1;
  double share = 0;
  double reduced = 0;  ///< the step's part of what the busiest rank adds up in a stage, over the operation's bytes
  std::uint32_t repeat = 1;  ///< the same step so many times, one after the other; equal within a stage
  /// Messages in a row that a chunk passes until the step is in full flow: more than one where chunks are passed on as
  /// they arrive (a pipelined broadcast; a multicast of what is being reduced).
  std::uint32_t depth = 1;
  std::uint32_t stride = 1;  ///< of the digit
  std::uint32_t size = 0;    ///< values of the digit; 0: the whole group is one
  std::uint32_t lane = 0;    ///< the part of the operation's bytes that it moves, see Schedule::lanes
  std::vector<std::pair<std::uint32_t, std::uint32_t>> pairs = {};  ///< from and to, of Pairing::listed
};

/// Whether two steps send the same messages, whatever the sizes.
bool same_messages(const Step&, const Step&);
/// The positions that position `i` may exchange with in a step, itself among them, ascending.
std::vector<std::uint32_t> peers_of(const Step&, std::uint32_t ranks, std::uint32_t i);
/// Visits the messages of a step, none of listed pairs, that position `i` sends, by their ends.
void for_each_message_from(const Step&, std::uint32_t ranks, std::uint32_t i,
                           const std::function<void(std::uint32_t from, std::uint32_t to)>& visit);
/// Visits all messages of a step by their ends: unicasts, and of trees in the switches each branch between two ranks.
void for_each_message(const Step&, std::uint32_t ranks,
                      const std::function<void(std::uint32_t from, std::uint32_t to)>& visit);
/// Bytes that come to the busiest position by the steps of a stage that add up (`reduced` above zero), over the
/// operation's bytes.
double reduced_at_once(const std::vector<Step>& stage, std::uint32_t ranks);
/// Gives the steps of a stage that add up equal parts of this.
void share_reduced(std::vector<Step>& stage, std::uint32_t ranks);
/// Bytes that the busiest position sends in one repeat of a stage, over the operation's bytes.
double sent_at_once(const std::vector<Step>& stage, std::uint32_t ranks);
/// Messages of a step that pass a rank's port at once, the same way.
double messages_at_port(const Step&, std::uint32_t ranks);

/// A collective algorithm worked out for one group size: a program by role, never expanded to ranks here. Position 0 is
/// the root of a broadcast and the sender of a send.
struct Schedule {
  std::string algorithm;
  std::uint32_t ranks = 0;
  std::vector<std::vector<Step>> stages;  ///< steps within a stage run together; a stage waits for the one before
  /// The bytes are cut in so many equal parts, each moved by steps of its own (several rings, two trees).
  std::uint32_t lanes = 1;
  /// That its shares rest on, where a message takes a token once for all of its experts that lie behind it.
  std::optional<TokenRouting> routing = {};
  /// Whether a step of it is done in the switches.
  bool in_switch() const;
  /// Bytes that the busiest position sends, over the operation's bytes.
  double sent_per_rank() const;
  /// Messages of one group when every stage is expanded once (repeats are not counted).
  std::size_t messages() const;
};

/// Ranks of a group that are as near to one another: the dies of a package, the packages of a node, the nodes.
struct Tier {
  std::uint32_t count = 0;   ///< of the units of the tier below that one of this tier has
  std::uint32_t stride = 1;  ///< positions from one such unit to the next
  bool operator==(const Tier&) const = default;
};

/// What an algorithm may know of the group: its size, whether the switches can reduce and multicast, and its tiers.
struct GroupShape {
  std::uint32_t ranks = 0;
  bool in_switch_reduction = false;
  std::vector<Tier> tiers = {};  ///< the nearest first, their counts multiply to `ranks`; none: no tiers are known
  std::optional<TokenRouting> routing = {};  ///< of a dispatch or combine, where it is known
  /// Where there are no tiers: ranks of each unit that the farthest plane joins, in the order of positions, of which
  /// there are several and not all of one rank (a server of 8 and one of 4). Nothing: no such units are known.
  std::vector<std::uint32_t> units = {};
};

/// One algorithm for one or more kinds: `make` is a pure function, called only where `suits` and for two ranks or more.
struct Algorithm {
  bool (*suits)(CollectiveKind, const GroupShape&) = nullptr;
  Schedule (*make)(CollectiveKind, const GroupShape&) = nullptr;
};

struct AlgorithmKind {
  static constexpr const char* what = "collective algorithm";
  using Value = Algorithm;
};
using Algorithms = Registry<AlgorithmKind>;

/// The schedule of a named algorithm. A group of one has nothing to do: an empty schedule. InputError where there is no
/// such algorithm, or it does not suit (the message lists those that do); a group of none is an InputError.
Schedule make_schedule(std::string_view algorithm, CollectiveKind, const GroupShape&, const Location& where = {});
/// The names of the algorithms that suit, sorted.
std::vector<std::string> suitable_algorithms(CollectiveKind, const GroupShape&);

}  // namespace podium
