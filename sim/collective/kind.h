#pragma once

#include <string_view>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/units.h"

namespace podium {

/// Operations among a group of ranks. `bytes` of an operation means: all-reduce and all-to-all: one rank's buffer;
/// all-gather: the gathered output; reduce-scatter: the full input; broadcast: the buffer; dispatch and combine: what
/// one rank sends in all (its own share included, which stays); scatter and gather: the root's buffer; barrier: none.
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
  barrier
};

std::string_view to_string(CollectiveKind);
/// Accepts the names found in the wild (all-reduce, allreduce, all_reduce, alltoall …).
CollectiveKind parse_collective_kind(std::string_view name, const Location& where = {});
std::vector<CollectiveKind> all_collective_kinds();

/// nccl-tests' bus bandwidth: what a link sees if the operation is optimal, from (bytes / time). All-reduce 2(n-1)/n,
/// all-gather, reduce-scatter, all-to-all, scatter and gather (n-1)/n, the others 1.
double bus_factor(CollectiveKind, int ranks);

}  // namespace podium
