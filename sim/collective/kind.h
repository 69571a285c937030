#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace podium {

/// Operations among a group of ranks. `bytes` of an operation means: all-reduce and all-to-all: one rank's buffer;
/// all-gather: the gathered output; reduce-scatter: the full input; broadcast and reduce: the buffer; dispatch and
/// combine: what one rank sends in all (its own share included, which stays); scatter and gather: the root's buffer;
/// send: the message, from the first rank to the second, and among more from each to the next, all round, as
/// nccl-tests' sendrecv; barrier: none. The root, where there is one, is the first rank of the group.
enum class CollectiveKind {
  all_reduce,
  all_gather,
  reduce_scatter,
  all_to_all,
  broadcast,
  dispatch,
  combine,
  send,
  scatter,
  gather,
  barrier,
  reduce
};

std::string_view to_string(CollectiveKind);
/// Lower case, without what people put between words: as names found in the wild are compared.
std::string plain_name(std::string_view name);
/// Accepts the names found in the wild (all-reduce, allreduce, all_reduce, alltoall …).
CollectiveKind parse_collective_kind(std::string_view name, const Location& where = {});
std::vector<CollectiveKind> all_collective_kinds();

/// From or to one rank, and whole in every message.
constexpr bool is_whole(CollectiveKind kind) {
  return kind == CollectiveKind::broadcast || kind == CollectiveKind::reduce;
}

/// Every rank begins with, or ends with, a part of all; an all-reduce is the two.
constexpr bool is_of_parts(CollectiveKind kind) {
  return kind == CollectiveKind::all_reduce || kind == CollectiveKind::all_gather ||
         kind == CollectiveKind::reduce_scatter;
}

/// What ends at one rank, or at each, are the parts of all.
constexpr bool is_gathered(CollectiveKind kind) {
  return kind == CollectiveKind::all_gather || kind == CollectiveKind::gather;
}

/// From one rank to all, or from all to one.
constexpr bool has_root(CollectiveKind kind) {
  return is_whole(kind) || kind == CollectiveKind::scatter || kind == CollectiveKind::gather;
}

/// Dispatch and combine: tokens to their experts and back.
constexpr bool is_expert_exchange(CollectiveKind kind) {
  return kind == CollectiveKind::dispatch || kind == CollectiveKind::combine;
}

/// How tokens choose their experts, and how these lie in a group: what decides to how many ranks and nodes a token
/// goes. With it, the bytes of a dispatch or combine are a copy for each choice of each token of a rank; algorithms
/// that know it send less. Without it, they are what a rank sends.
struct TokenRouting {
  std::uint32_t choices = 0;        ///< experts of a token, all different
  double slots = 0;                 ///< of routed experts and their redundant copies, as many on each rank, in a row
  std::uint32_t shared = 0;         ///< further copies of a token, each to any of the ranks: shared experts with slots
  std::uint32_t groups = 1;         ///< of slots in a row; by nodes, in node-limited routing
  std::uint32_t groups_chosen = 1;  ///< in how many of them all choices of a token are (DeepSeek-V3, arXiv 2412.19437)
  auto operator<=>(const TokenRouting&) const = default;
};

/// nccl-tests' bus bandwidth: what a link sees if the operation is optimal, from (bytes / time). All-reduce 2(n-1)/n,
/// all-gather, reduce-scatter, all-to-all, scatter and gather (n-1)/n, the others 1.
double bus_factor(CollectiveKind, int ranks);

}  // namespace podium
