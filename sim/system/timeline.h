#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/system/critical_path.h"

namespace podium {

/// What a role did on one track: a kernel, an exchange, host time, or passes through a block.
struct Slice {
  std::uint32_t track = 0;  ///< in Timeline::tracks
  Time begin, end;
  std::string name = {};     ///< "gemm bf16 4,096 x 7,168 x 2,048", "all_reduce, ring"
  std::string part = {};     ///< the task's label: "attention", "tp"
  Flops flops = {};          ///< of one rank
  Bytes bytes = {};          ///< of a kernel, of one rank; of an exchange, as its kind counts them
  std::string bound = {};    ///< of a kernel: "compute", "memory", "launch"
  double drive = 0;          ///< of a kernel: of what the chip's power may rise by, as `drive_of` tells it
  std::uint32_t ranks = 0;   ///< of a collective: in each group
  std::uint32_t pass = 0;    ///< of a block: its first, from 1
  std::uint32_t passes = 0;  ///< of a block: how many
};

/// Slices of a track are in order and do not overlap.
struct Track {
  RoleId role;
  std::string name;  ///< "compute (stream 0)", "ep (stream 0.2)": stream 2 of a block that runs on stream 0
};

/// From the slice of a send to that of its receive.
struct Arrow {
  std::size_t from = 0, to = 0;
};

/// A quantity over time: each value from its instant to the next.
struct Counter {
  std::optional<RoleId> role;  ///< of one rank of it; nothing: of the whole machine
  std::string name, series;    ///< "links of nvlink", "mean %": series of one name are drawn together
  std::vector<std::pair<Time, double>> values;
};

/// A run as a drawing shows it. A role stands for all its ranks. Passes through a block are slices of a track of their
/// own; below them lies what one pass does, stretched to the time that a pass took beside other work.
struct Timeline {
  std::vector<Role> roles;
  std::vector<Track> tracks;  ///< role by role, in order of streams
  std::vector<Slice> slices;  ///< track by track, in order of time
  std::vector<Arrow> arrows;
  std::vector<Counter> counters;
  std::vector<Slice> critical_path;   ///< in order of time, of no track; blocks are one slice
  std::uint32_t detailed_passes = 0;  ///< the first ones through each block: of later ones only the passes are told
  Seconds time;                       ///< of the whole run
};

/// Of a run of this graph that kept its spans. Of each role's passes through a block, so many of the first are told in
/// detail that there are at most `most_slices` slices, but one at least. A block within a block is one slice.
/// `names`, where there are any, are what tasks without kernels are called, and those of the critical path; they may be
/// empty. Messages that overlap, since their stream has no order, are on several tracks.
using TaskNames = std::function<std::string(TaskId)>;
Timeline make_timeline(const Machine&, const TaskGraph&, const Execution&, const CriticalPath&, std::size_t most_slices,
                       const TaskNames& names = {});

}  // namespace podium
