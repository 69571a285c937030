// GOAL (Hoefler et al., "Group Operation Assembly Language", ICPP 2009; the text form of LogGOPSim): for each rank,
// computations in ns, sends and receives with tags, and what each requires. A rank's cpus are streams; messages run as
// soon as what they require has ended.
#include <algorithm>
#include <optional>
#include <span>
#include <unordered_map>

#include "sim/workload/trace.h"
#include "sim/workload/trace_text.h"

namespace podium {
namespace {

class GoalReader {
 public:
  GoalReader(InputStream& in, const TraceOptions& options, Trace& trace) : in_(in), options_(options), trace_(trace) {}

  void read() {
    std::vector<std::string_view> words;
    for (std::string line; std::getline(in_, line);) {
      lines_.at(lines_.number() + 1);
      if (const std::size_t comment = line.find("//"); comment != std::string::npos) {
        line.resize(comment);
      }
      find_words(line, words);
      if (!words.empty()) {
        take(words);
      }
    }
    if (program_) {
      lines_.fail("the file ends inside the block of rank " + std::to_string(rank_));
    }
    if (ranks_ == 0) {
      lines_.fail("the file has no num_ranks");
    }
    if (seen_.size() != ranks_) {
      lines_.fail("num_ranks is " + std::to_string(ranks_) + ", and blocks are there for " +
                  std::to_string(seen_.size()) + " ranks");
    }
    std::sort(trace_.programs.begin(), trace_.programs.end(),
              [](const TraceProgram& a, const TraceProgram& b) { return a.base < b.base; });
  }

 private:
  using Words = std::span<const std::string_view>;
  /// The operation of the last rank that gave it a name.
  struct Label {
    std::uint32_t rank = TraceNode::none;
    std::uint64_t id = 0;
  };

  void take(Words words) {
    if (!program_) {
      outside(words);
    } else if (words[0] == "}") {
      program_->finish(options_.missing);
      program_.reset();
    } else if (words.size() == 3 && (words[1] == "requires" || words[1] == "irequires")) {
      require(words);
    } else if (words[0].ends_with(':')) {
      operation(words[0].substr(0, words[0].size() - 1), words.subspan(1));
    } else {
      operation("", words);
    }
  }

  void outside(Words words) {
    if (words[0] == "num_ranks" && words.size() == 2) {
      if (ranks_ > 0) {
        lines_.fail("num_ranks has been said already: " + std::to_string(ranks_));
      }
      ranks_ = static_cast<std::uint32_t>(lines_.whole(words[1], "number of ranks", most_ranks));
    } else if (words[0] == "rank" && words.size() == 3 && words[2] == "{") {
      rank_ = static_cast<std::uint32_t>(lines_.whole(words[1], "rank", most_ranks));
      if (rank_ >= ranks_) {
        lines_.fail("rank " + std::to_string(rank_) + " is beyond num_ranks " + std::to_string(ranks_));
      }
      if (!seen_.emplace(rank_, lines_.number()).second) {
        lines_.fail("rank " + std::to_string(rank_) + " has a block already, in line " + std::to_string(seen_[rank_]));
      }
      program_.emplace(trace_, in_.path(), rank_);
      count_ = 0;
    } else {
      lines_.fail("'" + std::string(words[0]) + "' is neither 'num_ranks N' nor 'rank N {'");
    }
  }

  void operation(std::string_view label, Words words) {
    if (words.empty()) {
      lines_.fail("a label without an operation");
    }
    TraceNode node;
    node.id = ++count_;
    node.line = lines_.number();
    node.place = TracePlace::device;
    node.name = program_->name(label.empty() ? words[0] : label);
    std::size_t next = 0;
    if (words[0] == "calc" && words.size() >= 2) {
      node.operation = TraceOperation::compute;
      node.duration = Seconds(static_cast<double>(lines_.whole(words[1], "time in ns", std::uint64_t{1} << 53)) * 1e-9);
      next = 2;
    } else if ((words[0] == "send" || words[0] == "recv") && words.size() >= 4) {
      const bool sends = words[0] == "send";
      if (!words[1].ends_with('b') || words[2] != (sends ? "to" : "from")) {
        lines_.fail(sends ? "a send is 'send 8b to RANK tag N'" : "a receive is 'recv 8b from RANK tag N'");
      }
      node.operation = sends ? TraceOperation::send : TraceOperation::receive;
      node.bytes = Bytes(static_cast<double>(
          lines_.whole(words[1].substr(0, words[1].size() - 1), "number of bytes", std::uint64_t{1} << 53)));
      node.peer = static_cast<std::uint32_t>(lines_.whole(words[3], "rank", most_ranks));
      if (node.peer >= ranks_) {
        lines_.fail("rank " + std::to_string(node.peer) + " is beyond num_ranks " + std::to_string(ranks_));
      }
      next = 4;
    } else {
      lines_.fail("'" + std::string(words[0]) + "' is none of 'calc NS', 'send 8b to RANK', 'recv 8b from RANK'");
    }
    options(node, words, next);
    if (!label.empty()) {
      labels_.resize(std::max<std::size_t>(labels_.size(), node.name + 1));
      if (labels_[node.name].rank == rank_) {
        lines_.fail("'" + std::string(label) + "' is the label of an operation of this rank already");
      }
      labels_[node.name] = {rank_, count_};
    }
    program_->add(node);
  }

  /// "tag 3 cpu 1 nic 0", in any order.
  void options(TraceNode& node, Words words, std::size_t next) {
    for (; next + 1 < words.size(); next += 2) {
      if (words[next] == "tag") {
        node.tag = static_cast<std::int64_t>(lines_.whole(words[next + 1], "tag", TraceNode::none));
      } else if (words[next] == "cpu") {
        node.stream = static_cast<std::uint16_t>(lines_.whole(words[next + 1], "cpu", 1000));
      } else if (words[next] == "nic") {
        trace_.notes.insert("nic numbers are left out: the system says which ports a message takes");
      } else {
        lines_.fail("'" + std::string(words[next]) + "' is none of tag, cpu, nic");
      }
    }
    if (next < words.size()) {
      lines_.fail("'" + std::string(words[next]) + "' without its number");
    }
  }

  std::uint64_t labelled(std::string_view label) const {
    const auto name = trace_.names.find(label);
    if (!name || *name >= labels_.size() || labels_[*name].rank != rank_) {
      lines_.fail("no operation of rank " + std::to_string(rank_) + " has the label '" + std::string(label) + "'");
    }
    return labels_[*name].id;
  }

  void require(Words words) {
    const std::uint64_t id = labelled(words[0]);
    const std::uint64_t before = labelled(words[2]);
    if (words[1] == "requires") {
      program_->wait(id, before);
    } else {
      trace_.notes.insert(
          "irequires (begins when the other begins) is read as: begins when what the other waits for "
          "has ended");
      program_->wait_as(id, before);
    }
  }

  InputStream& in_;
  TraceLines lines_{in_};
  const TraceOptions& options_;
  Trace& trace_;
  std::uint32_t ranks_ = 0, rank_ = 0;
  std::unordered_map<std::uint32_t, std::uint32_t> seen_;  ///< ranks, and the lines of their blocks
  std::optional<TraceProgramBuilder> program_;
  std::vector<Label> labels_;  ///< by name
  std::uint64_t count_ = 0;
};

void read_goal(InputStream& in, std::uint32_t, const TraceOptions& options, Trace& trace) {
  GoalReader(in, options, trace).read();
}

bool recognises_goal(std::string_view head) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    const std::string_view line = head.substr(0, end);
    const std::size_t start = line.find_first_not_of(" \t\r");
    if (start != std::string_view::npos && !line.substr(start).starts_with("//")) {
      return line.substr(start).starts_with("num_ranks ");
    }
    head.remove_prefix(std::min(end + 1, head.size()));
  }
  return false;
}

const TraceFormats::Entry trace_goal_entry{
    "goal", "GOAL, the text form that LogGOPSim and ATLAHS compile", {recognises_goal, read_goal, false, false, false}};

}  // namespace
}  // namespace podium
