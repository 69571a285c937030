// The patterns by which networks are judged: Dally and Towles, Principles and Practices of Interconnection Networks
// (2004), section 3.2, and what collectives and shared machines add to them.
#include <algorithm>
#include <numeric>

#include "sim/core/rng.h"
#include "sim/workload/traffic.h"

namespace podium {
namespace {

constexpr std::uint32_t hotspot_messages = 8;

/// Everybody sends to one other and hears from one other.
void permutation(const TrafficShape& shape, TrafficWriter& writer) {
  Rng rng(shape.seed, "permutation");
  std::vector<std::uint32_t> to(shape.ranks);
  std::iota(to.begin(), to.end(), 0U);
  // Sattolo's shuffle makes one cycle of all, so that nobody sends to itself
  for (std::uint32_t i = shape.ranks - 1; i > 0; --i) {
    std::swap(to[i], to[rng.below(i)]);
  }
  for (std::uint32_t from = 0; from < shape.ranks; ++from) {
    writer.send(from, to[from], shape.bytes);
  }
}

void shift(const TrafficShape& shape, TrafficWriter& writer, std::uint32_t offset) {
  for (std::uint32_t from = 0; from < shape.ranks; ++from) {
    writer.send(from, (from + offset) % shape.ranks, shape.bytes);
  }
}

void ring(const TrafficShape& shape, TrafficWriter& writer) { shift(shape, writer, 1); }

/// As far round a ring as traffic goes without turning back: ceil(n / 2) - 1.
void tornado(const TrafficShape& shape, TrafficWriter& writer) {
  shift(shape, writer, std::max(1U, (shape.ranks - 1) / 2));
}

/// The bit complement, for any number of ranks: all traffic crosses the middle.
void complement(const TrafficShape& shape, TrafficWriter& writer) {
  for (std::uint32_t from = 0; from < shape.ranks; ++from) {
    const std::uint32_t to = shape.ranks - 1 - from;
    if (to != from) {
      writer.send(from, to, shape.bytes);
    }
  }
}

void incast(const TrafficShape& shape, TrafficWriter& writer) {
  for (std::uint32_t from = 1; from < shape.ranks; ++from) {
    writer.send(from, 0, shape.bytes);
  }
}

/// Among every `stride`-th rank. Each begins with its neighbour, so that they do not all begin with the same one.
void exchange(const TrafficShape& shape, TrafficWriter& writer, std::uint32_t stride) {
  const std::uint32_t count = (shape.ranks + stride - 1) / stride;
  for (std::uint32_t step = 1; step < count; ++step) {
    for (std::uint32_t from = 0; from < count; ++from) {
      writer.send(from * stride, (from + step) % count * stride, shape.bytes);
    }
  }
}

void all_to_all(const TrafficShape& shape, TrafficWriter& writer) { exchange(shape, writer, 1); }

/// A broadcast from rank 0 down a binary tree: a rank passes on to both of its children what it has received.
void tree(const TrafficShape& shape, TrafficWriter& writer) {
  std::vector<std::vector<TaskId>> received(shape.ranks);
  for (std::uint32_t to = 1; to < shape.ranks; ++to) {
    const std::uint32_t parent = (to - 1) / 2;
    received[to] = {writer.send(parent, to, shape.bytes, received[parent])};
  }
}

/// Messages to anybody, one in eight of them to rank 0: Pfister and Norton, "Hot spot" contention and combining in
/// multistage interconnection networks, IEEE ToC C-34, 1985.
void hotspot(const TrafficShape& shape, TrafficWriter& writer) {
  Rng rng(shape.seed, "hotspot");
  for (std::uint32_t from = 0; from < shape.ranks; ++from) {
    for (std::uint32_t message = 0; message < hotspot_messages; ++message) {
      const bool is_hot = rng.below(hotspot_messages) == 0 && from != 0;
      const auto others = static_cast<std::uint32_t>(rng.below(shape.ranks - 1));
      writer.send(from, is_hot ? 0 : (from + 1 + others) % shape.ranks, shape.bytes);
    }
  }
}

/// Two jobs on the same switches: even ranks exchange all to all, odd ones gather round a ring, step after step.
void multi_job(const TrafficShape& shape, TrafficWriter& writer) {
  exchange(shape, writer, 2);
  const std::uint32_t count = shape.ranks / 2;
  std::vector<std::vector<TaskId>> received(count);
  for (std::uint32_t step = 1; step < count; ++step) {
    std::vector<std::vector<TaskId>> next(count);
    for (std::uint32_t from = 0; from < count; ++from) {
      const std::uint32_t to = (from + 1) % count;
      next[to] = {writer.send(2 * from + 1, 2 * to + 1, shape.bytes, received[from])};
    }
    received = std::move(next);
  }
}

/// Everybody sends to its neighbours on a grid that is closed both ways and as square as the number of ranks allows.
void stencil(const TrafficShape& shape, TrafficWriter& writer) {
  std::uint32_t rows = 1;
  for (std::uint32_t divisor = 2; divisor * divisor <= shape.ranks; ++divisor) {
    rows = shape.ranks % divisor == 0 ? divisor : rows;
  }
  const std::uint32_t columns = shape.ranks / rows;
  for (std::uint32_t from = 0; from < shape.ranks; ++from) {
    const std::uint32_t row = from / columns;
    const std::uint32_t column = from % columns;
    for (const std::uint32_t to :
         {row * columns + (column + 1) % columns, row * columns + (column + columns - 1) % columns,
          (row + 1) % rows * columns + column, (row + rows - 1) % rows * columns + column}) {
      if (to != from) {
        writer.send(from, to, shape.bytes);
      }
    }
  }
}

const TrafficPatterns::Entry all_to_all_entry{"all_to_all", "everybody to everybody", all_to_all};
const TrafficPatterns::Entry complement_entry{"complement", "rank i to rank n - 1 - i", complement};
const TrafficPatterns::Entry hotspot_entry{"hotspot", "eight messages a rank, one in eight to rank 0", hotspot};
const TrafficPatterns::Entry incast_entry{"incast", "everybody to rank 0", incast};
const TrafficPatterns::Entry multi_job_entry{"multi_job", "even ranks all to all, odd ones round a ring", multi_job};
const TrafficPatterns::Entry permutation_entry{"permutation", "everybody to one other, at random", permutation};
const TrafficPatterns::Entry ring_entry{"ring", "rank i to rank i + 1", ring};
const TrafficPatterns::Entry stencil_entry{"stencil", "to the four neighbours on a closed grid", stencil};
const TrafficPatterns::Entry tornado_entry{"tornado", "rank i half a ring on", tornado};
const TrafficPatterns::Entry tree_entry{"tree", "rank 0 to all, down a binary tree", tree};

}  // namespace
}  // namespace podium
