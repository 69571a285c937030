#pragma once

#include <set>
#include <string>

#include "sim/collective/schedule.h"

namespace podium {

/// An algorithm of a user's own, in the XML of MSCCL (Cowan et al., MSCCLang, ASPLOS 2023; msccl-tools): for each GPU
/// thread blocks with a peer to send to and one to receive from, and their steps in order. Steps are followed chunk by
/// chunk, as in `flaw_of`; what is sent at the same time, by data and dependencies, is a stage. Instances and channels
/// are thread blocks beside each other. All-reduce, all-gather, reduce-scatter and all-to-all.
/// InputError, with its place: what is not well formed, of another operation or number of ranks, that waits for ever,
/// or does not end with what the operation promises. `notes` get what the file says and is not looked at.
Schedule read_msccl(const std::string& path, CollectiveKind, std::uint32_t ranks, std::set<std::string>& notes);

}  // namespace podium
