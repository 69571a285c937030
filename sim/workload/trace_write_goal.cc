// Traces of computing and messages as GOAL's text.
#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <tuple>

#include "sim/workload/trace_graph.h"
#include "sim/workload/trace_write.h"

namespace podium {
namespace {

class GoalWriter {
 public:
  explicit GoalWriter(const Trace& trace) : trace_(trace), match_(match_ranks(trace)) {
    for (std::size_t p = 0; p < trace.programs.size(); ++p) {
      const TraceProgram& program = trace.programs[p];
      for (std::size_t i = 0; i < program.nodes.size(); ++i) {
        const TraceNode& node = program.nodes[i];
        if (node.operation == TraceOperation::send) {
          sizes_[{program.base, node.peer, match_[p][i]}] = node.bytes;
        }
      }
    }
  }

  std::string write() {
    text_ = "num_ranks " + std::to_string(trace_.ranks()) + "\n";
    for (std::size_t p = 0; p < trace_.programs.size(); ++p) {
      block(p);
    }
    return std::move(text_);
  }

  void add_notes(std::set<std::string>& notes) const {
    const auto nodes = [](std::size_t count, const char* what) { return std::to_string(count) + " nodes " + what; };
    if (untimed_ > 0) {
      notes.insert(nodes(
          untimed_, "have counts of operations or bytes and no time, which is all that GOAL has: they are calc 0"));
    }
    if (empty_ > 0) {
      notes.insert(nodes(empty_, "do nothing: they are calc 0 on a cpu of their own"));
    }
    if (alone_ > 0) {
      notes.insert(nodes(alone_,
                         "take these times alone, and share memory and cores with what runs beside them; GOAL has no "
                         "word for that"));
    }
    if (has_other_places_) {
      notes.insert("work of the host and of memory has cpus of its own, numbered after those of the device");
    }
  }

 private:
  using Cpus = std::map<std::uint16_t, std::uint32_t>;  ///< by stream of a task graph

  static bool is_of_device(const TraceNode& node) {
    return node.operation == TraceOperation::compute && node.place == TracePlace::device;
  }
  static bool is_of_a_cpu(const TraceNode& node) { return node.operation <= TraceOperation::memory; }

  /// A number for each stream: what runs in order, or beside each other, does so in GOAL too.
  Cpus cpus_of(const TraceProgram& program) {
    Cpus cpus;
    std::uint32_t next = 0;
    for (const TraceNode& node : program.nodes) {
      if (is_of_device(node)) {
        cpus[stream_of(program, node)] = node.stream;
        next = std::max(next, node.stream + 1U);
      }
    }
    for (const TraceNode& node : program.nodes) {
      if (is_of_a_cpu(node) && cpus.try_emplace(stream_of(program, node), next).second) {
        ++next;
        has_other_places_ = has_other_places_ || node.operation != TraceOperation::nothing;
      }
    }
    return cpus;
  }

  void block(std::size_t p) {
    const TraceProgram& program = trace_.programs[p];
    if (program.count > 1) {
      throw InputError({program.file},
                       "GOAL has a block a rank, and this is one file for " + std::to_string(program.count) + " ranks");
    }
    const Cpus cpus = cpus_of(program);
    text_ += "\nrank " + std::to_string(program.base) + " {\n";
    std::vector<std::size_t> by_place(program.nodes.size());
    std::iota(by_place.begin(), by_place.end(), std::size_t{0});
    std::ranges::sort(by_place, {}, [&](std::size_t i) { return program.nodes[i].place_in_file; });
    for (const std::size_t i : by_place) {
      text_ += "l" + std::to_string(i + 1) + ": " + operation(program, program.nodes[i], match_[p][i], cpus) + "\n";
    }
    for (std::size_t i = 0; i < program.nodes.size(); ++i) {
      for (const std::uint32_t before : program.dependencies(program.nodes[i])) {
        text_ += "l" + std::to_string(i + 1) + " requires l" + std::to_string(before + 1) + "\n";
      }
    }
    text_ += "}\n";
  }

  std::string operation(const TraceProgram& program, const TraceNode& node, std::uint32_t number, const Cpus& cpus) {
    switch (node.operation) {
      case TraceOperation::send:
        return "send " + message(program, node, node.bytes, " to ");
      case TraceOperation::receive:
        return "recv " + message(program, node, sizes_.at({node.peer, program.base, number}), " from ");
      case TraceOperation::collective:
        throw InputError(trace_.place(program, node) + ": GOAL has no collectives");
      default:
        break;
    }
    empty_ += node.operation == TraceOperation::nothing ? 1 : 0;
    alone_ += node.alone != TraceNode::none ? 1 : 0;
    const bool counts = node.operation == TraceOperation::memory
                            ? node.bytes > Bytes()
                            : is_of_device(node) && (node.flops > Flops() || node.bytes > Bytes());
    untimed_ += counts && node.duration <= Seconds() ? 1 : 0;
    return "calc " + rounded(node.duration.value() * 1e9) + on(cpus.at(stream_of(program, node)));
  }

  std::string message(const TraceProgram& program, const TraceNode& node, Bytes bytes, const char* where) const {
    if (node.tag < 0 || node.tag > TraceNode::none) {
      throw InputError(trace_.place(program, node) + ": its tag is " + std::to_string(node.tag) +
                       ", and GOAL's are 0 to " + std::to_string(TraceNode::none));
    }
    return rounded(bytes.value()) + "b" + where + std::to_string(node.peer) + " tag " + std::to_string(node.tag) +
           on(node.stream);
  }

  static std::string rounded(double number) { return std::to_string(std::llround(number)); }
  static std::string on(std::uint32_t cpu) { return cpu > 0 ? " cpu " + std::to_string(cpu) : ""; }

  const Trace& trace_;
  TraceMatch match_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, std::uint32_t>, Bytes>
      sizes_;  ///< by ranks and number of a message
  std::string text_;
  std::size_t untimed_ = 0, empty_ = 0, alone_ = 0;
  bool has_other_places_ = false;
};

}  // namespace

std::string goal_text(const Trace& trace, std::set<std::string>& notes) {
  GoalWriter writer(trace);
  std::string text = writer.write();
  writer.add_notes(notes);
  return text;
}

}  // namespace podium
