// Whether a trace can end: every node is let end as soon as what it waits for has, without times. What is left waits.
#include <algorithm>
#include <map>
#include <optional>

#include "sim/workload/trace.h"
#include "sim/workload/trace_graph.h"

namespace podium {
namespace {

using Index = std::uint32_t;  ///< of a node among those of all programs
constexpr Index nobody = 0xFFFFFFFF;

class Progress {
 public:
  Progress(const Trace& trace, const TraceMatch& match) : trace_(trace), match_(match) {
    Index count = 0;
    for (const TraceProgram& program : trace.programs) {
      first_.push_back(count);
      count += static_cast<Index>(program.nodes.size());
    }
    first_.push_back(count);
    missing_.resize(count);
    before_.resize(count, nobody);
    for (Index p = 0; p < trace.programs.size(); ++p) {
      link(p);
    }
    link_successors();
  }

  void run() {
    for (Index i = 0; i < missing_.size(); ++i) {
      if (missing_[i] == 0) {
        ready_.push_back(i);
      }
    }
    while (!ready_.empty()) {
      const Index i = ready_.back();
      ready_.pop_back();
      begin(i);
    }
    if (ended_ < missing_.size()) {
      report();
    }
  }

 private:
  struct Call {
    std::uint32_t come = 0;
    std::vector<Index> members;
  };

  Index program_of(Index i) const {
    return static_cast<Index>(std::upper_bound(first_.begin(), first_.end(), i) - first_.begin() - 1);
  }
  const TraceNode& node(Index i) const {
    const Index p = program_of(i);
    return trace_.programs[p].nodes[i - first_[p]];
  }

  /// What comes before each node on its stream, which receive is whose, and who meets in collectives.
  void link(Index p) {
    const TraceProgram& program = trace_.programs[p];
    std::map<std::uint16_t, Index> last;
    for (Index n = 0; n < program.nodes.size(); ++n) {
      const TraceNode& node = program.nodes[n];
      const Index i = first_[p] + n;
      missing_[i] = node.after_count;
      if (const std::uint16_t stream = stream_of(program, node); TaskGraph::is_ordered(stream)) {
        const auto [place, is_first] = last.try_emplace(stream, i);
        if (!is_first) {
          before_[i] = place->second;
          place->second = i;
          ++missing_[i];
        }
      }
      const Index number = match_[p][n];
      if (node.operation == TraceOperation::collective) {
        calls_[{node.group, number}].members.push_back(i);
      } else if (node.operation == TraceOperation::send) {
        sends_[{{program.base, node.peer}, number}] = i;
      } else if (node.operation == TraceOperation::receive) {
        ++missing_[i];
        receives_[{{node.peer, program.base}, number}] = i;
      }
    }
  }

  void link_successors() {
    first_next_.resize(missing_.size() + 1);
    for (const TraceProgram& program : trace_.programs) {
      const Index base = first_[static_cast<std::size_t>(&program - trace_.programs.data())];
      for (const Index before : program.after) {
        ++first_next_[base + before + 1];
      }
    }
    for (std::size_t i = 0; i < missing_.size(); ++i) {
      first_next_[i + 1] += first_next_[i];
    }
    next_.resize(first_next_.back());
    std::vector<Index> fill(first_next_.begin(), first_next_.end());
    after_on_stream_.resize(missing_.size(), nobody);
    for (Index p = 0; p < trace_.programs.size(); ++p) {
      const TraceProgram& program = trace_.programs[p];
      for (Index n = 0; n < program.nodes.size(); ++n) {
        for (const Index before : program.dependencies(program.nodes[n])) {
          next_[fill[first_[p] + before]++] = first_[p] + n;
        }
        if (const Index before = before_[first_[p] + n]; before != nobody) {
          after_on_stream_[before] = first_[p] + n;
        }
      }
    }
  }

  void begin(Index i) {
    const TraceNode& n = node(i);
    if (n.operation != TraceOperation::collective) {
      end(i);
      if (n.operation == TraceOperation::send) {
        const Index p = program_of(i);
        release(receives_.at({{trace_.programs[p].base, n.peer}, match_[p][i - first_[p]]}));
      }
      return;
    }
    const Index p = program_of(i);
    Call& call = calls_.at({n.group, match_[p][i - first_[p]]});
    const bool apart = trace_.groups[n.group].members == TraceGroup::Members::strided;
    if (++call.come == call.members.size() || apart) {
      for (const Index member : apart ? std::vector<Index>{i} : call.members) {
        end(member);
      }
    }
  }

  void end(Index i) {
    ++ended_;
    for (Index at = first_next_[i]; at < first_next_[i + 1]; ++at) {
      release(next_[at]);
    }
    if (after_on_stream_[i] != nobody) {
      release(after_on_stream_[i]);
    }
    done_.resize(missing_.size());
    done_[i] = true;
  }

  void release(Index i) {
    if (--missing_[i] == 0) {
      ready_.push_back(i);
    }
  }

  struct Wait {
    Index on = nobody;
    const char* why = "";
  };

  /// Something that a node which has not ended waits for, and that has not ended either.
  Wait wait_of(Index i) const {
    const Index p = program_of(i);
    const TraceNode& n = node(i);
    for (const Index before : trace_.programs[p].dependencies(n)) {
      if (!done_[first_[p] + before]) {
        return {first_[p] + before, "which it depends on"};
      }
    }
    if (before_[i] != nobody && !done_[before_[i]]) {
      return {before_[i], "which is before it on its stream"};
    }
    const Index number = match_[p][i - first_[p]];
    if (n.operation == TraceOperation::receive) {
      return {sends_.at({{n.peer, trace_.programs[p].base}, number}), "which is the send"};
    }
    for (const Index member : calls_.at({n.group, number}).members) {
      if (missing_[member] > 0) {
        return {member, "which has not come to the collective"};
      }
    }
    PODIUM_CHECK(false, "a node that has not ended waits for something");
    return {};
  }

  [[noreturn]] void report() {
    done_.resize(missing_.size());
    const auto stuck = static_cast<Index>(std::find(done_.begin(), done_.end(), false) - done_.begin());
    std::vector<Index> path;
    std::vector<Wait> waits;
    std::vector<bool> seen(missing_.size());
    Index at = stuck;
    while (!seen[at]) {
      seen[at] = true;
      path.push_back(at);
      waits.push_back(wait_of(at));
      at = waits.back().on;
    }
    const auto start = static_cast<std::size_t>(std::find(path.begin(), path.end(), at) - path.begin());
    constexpr std::size_t most = 12;
    std::string text = "the trace cannot end: " + std::to_string(missing_.size() - ended_) + " of " +
                       std::to_string(missing_.size()) + " nodes are left, and " + std::to_string(path.size() - start) +
                       " wait for each other in a circle:";
    for (std::size_t i = start; i < std::min(path.size(), start + most); ++i) {
      text +=
          "\n  " + place(path[i]) + " (" + what(path[i]) + ") waits for " + place(waits[i].on) + ", " + waits[i].why;
    }
    throw RunError(text + (path.size() > start + most ? "\n  …" : ""));
  }

  std::string place(Index i) const { return trace_.place(trace_.programs[program_of(i)], node(i)); }

  std::string what(Index i) const {
    const TraceNode& n = node(i);
    switch (n.operation) {
      case TraceOperation::send:
        return "send to rank " + std::to_string(n.peer) + ", tag " + std::to_string(n.tag);
      case TraceOperation::receive:
        return "receive from rank " + std::to_string(n.peer) + ", tag " + std::to_string(n.tag);
      case TraceOperation::collective:
        return std::string(to_string(n.kind)) + " of group '" + trace_.groups[n.group].name + "'";
      default:
        return n.operation == TraceOperation::nothing ? "nothing" : "computing";
    }
  }

  using Pair = std::pair<std::uint32_t, std::uint32_t>;
  const Trace& trace_;
  const TraceMatch& match_;
  std::vector<Index> first_;  ///< of each program, and the end
  std::vector<std::uint32_t> missing_;
  std::vector<Index> before_, after_on_stream_;  ///< on the same stream
  std::vector<Index> first_next_, next_;         ///< CSR of what depends on each
  std::map<Pair, Call> calls_;                   ///< by group and number
  std::map<std::pair<Pair, std::uint32_t>, Index> sends_, receives_;
  std::vector<Index> ready_;
  std::vector<bool> done_;
  std::size_t ended_ = 0;
};

}  // namespace

void check_progress(const Trace& trace, const TraceMatch& match) { Progress(trace, match).run(); }

}  // namespace podium
