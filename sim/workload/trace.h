#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "sim/collective/kind.h"
#include "sim/compute/kernel.h"
#include "sim/core/input_stream.h"
#include "sim/core/registry.h"
#include "sim/workload/task_graph.h"

namespace podium {

enum class TraceOperation : std::uint8_t { nothing, compute, memory, send, receive, collective };
/// What a node keeps busy: the chip's cores, or the processor that drives it.
enum class TracePlace : std::uint8_t { device, host };

/// Ranks of a trace; more are beyond sense.
inline constexpr std::uint32_t most_ranks = 10'000'000;
/// Streams of computing on a rank's device, and on its host.
inline constexpr std::uint32_t most_streams = 1024;

/// One recorded operation of a rank.
struct TraceNode {
  static constexpr std::uint32_t none = 0xFFFFFFFF;

  std::uint64_t id = 0;  ///< in its file
  TraceOperation operation = TraceOperation::nothing;
  TracePlace place = TracePlace::device;
  CollectiveKind kind = CollectiveKind::all_reduce;
  std::uint16_t stream = 0;         ///< nodes of one place and stream run one at a time; fewer than `most_streams`
  std::uint32_t name = 0;           ///< in Trace::names
  std::uint32_t line = 0;           ///< in its file; 0: it has no lines
  std::uint32_t place_in_file = 0;  ///< among its nodes
  std::uint32_t group = 0;          ///< of a collective: in Trace::groups
  std::uint32_t peer = 0;           ///< of a message: the other rank
  std::uint32_t kernel = none;      ///< in Trace::kernels, where shapes were recorded
  std::uint32_t alone = none;       ///< in Trace::alone, where `duration` is what it takes alone on its chip
  std::uint32_t exchange = none;    ///< of a dispatch or combine: in Trace::exchanges
  std::int64_t tag = 0;             ///< of a message
  Seconds duration;                 ///< as recorded; of communication it is not used
  Bytes bytes;                      ///< of communication, as CollectiveKind counts them; else what memory moves
  Flops flops;
  std::uint32_t first_after = 0, after_count = 0;  ///< what it waits for: a slice of TraceProgram::after
};

/// What ranks [base, base + count) do. Nodes stand in an order that their dependencies allow.
struct TraceProgram {
  std::string file;
  std::uint32_t base = 0, count = 1;
  std::vector<TraceNode> nodes;
  std::vector<std::uint32_t> after;  ///< indices of nodes
  /// Computing of one place and stream runs one after the other: in the order of the nodes, or the first that can.
  bool is_ordered = true;

  std::span<const std::uint32_t> dependencies(const TraceNode& node) const {
    return {after.data() + node.first_after, node.after_count};
  }
};

/// Texts that come again and again, each kept once, as UTF-8.
class NameTable {
 public:
  std::uint32_t add(std::string_view);
  std::optional<std::uint32_t> find(std::string_view) const;
  const std::string& at(std::uint32_t index) const { return texts_.at(index); }

 private:
  static constexpr std::uint32_t none = 0xFFFFFFFF;
  struct Slot {
    std::uint32_t hash = 0, index = none;
  };
  std::size_t place_of(std::string_view text, std::uint32_t hash) const;
  void grow();

  std::deque<std::string> texts_;
  std::vector<Slot> slots_ = std::vector<Slot>(64);  ///< by hash, or the next that is free: at least half of them are
};

/// Ranks that communicate: those that are named; or all of the trace; or, of each program's ranks, those that differ
/// only in (x / stride) mod size, as `Communicator` has it.
struct TraceGroup {
  enum class Members : std::uint8_t { all, listed, strided };
  std::string name = "world";
  Members members = Members::all;
  std::vector<std::uint32_t> ranks = {};
  std::uint32_t stride = 1, size = 1;
};

/// What else an exchange with experts depends on; the bytes of its node are the fullest rank's.
struct TraceExchange {
  double imbalance = 1;  ///< those bytes over the mean
  std::optional<TokenRouting> routing = {};
  bool operator==(const TraceExchange&) const = default;
};

/// An execution trace: the same for every format.
struct Trace {
  std::vector<TraceProgram> programs;  ///< in order of ranks
  std::vector<TraceGroup> groups;      ///< the first is all ranks
  NameTable names;
  std::vector<Kernel> kernels;
  std::vector<Demands> alone;
  std::vector<TraceExchange> exchanges;
  std::set<std::string> notes;              ///< what was left out, or read in one of several ways
  std::uint64_t dependencies_left_out = 0;  ///< on nodes that a file does not have

  /// The place of something that a node has besides.
  std::uint32_t add(const Kernel& kernel) { return add(kernels, kernel); }
  std::uint32_t add(const Demands& demands) { return add(alone, demands); }
  std::uint32_t add(const TraceExchange& exchange) { return add(exchanges, exchange); }

  std::uint32_t ranks() const;
  std::uint32_t size_of(const TraceGroup&) const;
  /// "a.3.et: rank 3: node 7 ('attention')", or with the line in its file.
  std::string place(const TraceProgram&, const TraceNode&) const;

 private:
  template <class T>
  static std::uint32_t add(std::vector<T>& all, const T& one) {
    all.push_back(one);
    return static_cast<std::uint32_t>(all.size() - 1);
  }
};

/// Whether two nodes have the same in a list of a trace, or neither has anything.
template <class T>
bool same_entry(const std::vector<T>& all, std::uint32_t a, std::uint32_t b) {
  return a == b || (a != TraceNode::none && b != TraceNode::none && all[a] == all[b]);
}

/// What a trace does not say by itself.
struct TraceOptions {
  enum class Missing : std::uint8_t { refuse, ignore };
  std::uint32_t ranks = 0;            ///< that run a file which is the same for all; 0: as the file says
  std::uint32_t model_parallel = 0;   ///< ranks of a model-parallel group; 0: as the file says
  Missing missing = Missing::refuse;  ///< dependencies on nodes that a file does not have
  std::map<std::string, std::vector<std::uint32_t>> groups = {};  ///< communicators by name
  std::string why_no_groups = {};                                 ///< what kept those beside the files from being read
};

/// Takes a file's nodes in the order of the file and puts them into a trace. `finish` resolves what nodes wait for, and
/// orders them. InputError, which names file, rank and node: an id that comes twice, a dependency that the file does
/// not have, a cycle.
class TraceProgramBuilder {
 public:
  TraceProgramBuilder(Trace& trace, const std::string& file, std::uint32_t base, std::uint32_t count = 1);
  std::uint32_t name(std::string_view text) { return trace_.names.add(text); }
  /// The place of a group of this name, added where it is new.
  std::uint32_t group(const TraceGroup&);
  void add(const TraceNode&, std::span<const std::uint64_t> after = {});
  /// Of nodes that were added: one waits for another too, or for all that `wait` says of the other, before or after.
  void wait(std::uint64_t id, std::uint64_t before) { later_.emplace_back(id, before); }
  void wait_as(std::uint64_t id, std::uint64_t other) { begins_as_.emplace_back(id, other); }
  void finish(TraceOptions::Missing);
  [[noreturn]] void fail(const TraceNode&, const std::string& problem) const;
  Trace& trace() { return trace_; }

 private:
  void resolve_begins();
  void merge_later();
  void order();

  Trace& trace_;
  TraceProgram program_;
  std::vector<std::uint64_t> after_ids_;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> later_, begins_as_;
};

/// A format of execution traces: tells by a file's beginning whether it is its own, and reads it. One a file.
struct TraceFormatKind {
  static constexpr const char* what = "trace format";
  struct Value {
    bool (*recognises)(std::string_view head);
    /// `rank` is what the file's name says; a file of all ranks does not look at it.
    void (*read)(InputStream&, std::uint32_t rank, const TraceOptions&, Trace&);
    bool file_a_rank = false;
    bool gathers_parts = false;  ///< the bytes of its gathers are one rank's part, not what is gathered
    bool is_ordered = true;      ///< computing runs in the order of the file, dependencies apart
  };
};
using TraceFormats = Registry<TraceFormatKind>;

/// Reads files, or the files of folders; the format is found by content where `format` is empty. One format has a file
/// a rank ("NAME.RANK.et") and every rank has to be there; communicator groups are read from "comm_group*.json" beside
/// the files. InputError where ranks do not fit together: a send without its receive, collectives of a group that
/// differ in kind, size or number.
Trace load_trace(const std::vector<std::string>& paths, TraceOptions options = {}, const std::string& format = {});

/// One file's content, as `load_trace` reads it (tests, fuzzing), of the rank that its name says: not checked against
/// other ranks.
Trace read_trace(InputStream, const TraceOptions& = {}, const std::string& format = {});

/// How ranks meet, by program and node: of a message, which of those between its two ranks it is, counted from zero;
/// of a collective, which of its group's. The k-th send from one rank to another with a tag is for the k-th receive.
using TraceMatch = std::vector<std::vector<std::uint32_t>>;
/// InputErrors of `load_trace` on how ranks fit together.
TraceMatch match_ranks(const Trace&);

/// Whether everything in a trace can end, whatever things take: streams with an order keep to it, messages are
/// buffered, collectives begin when all ranks have come. RunError with the cycle of nodes that wait for each other
/// where not.
void check_progress(const Trace&, const TraceMatch&);

/// {"tp0": [0, 1], …}: communicator groups by name.
std::map<std::string, std::vector<std::uint32_t>> load_trace_groups(const std::string& path);

}  // namespace podium
