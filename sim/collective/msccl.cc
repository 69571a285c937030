#include "sim/collective/msccl.h"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <tuple>

#include "sim/collective/bit_set.h"
#include "sim/config/xml.h"

namespace podium {

namespace {

/// A chunk of the operation, or a sum of it: which chunk, and whose contributions are in it.
struct Chunk {
  std::uint32_t id = 0;
  BitSet ranks;
};

enum class Buffer : std::uint8_t { input, output, scratch };

struct Range {
  Buffer buffer = Buffer::input;
  std::uint32_t first = 0;
};

/// What a step does: each is a combination of these.
struct MscclAction {
  bool receives = false, reduces = false, stores = false, sends = false;
};

struct Instruction {
  Location where;
  MscclAction action;
  Range source, destination;
  std::uint32_t count = 1;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> after;  ///< thread block and step of the same GPU
};

struct ThreadBlock {
  Location where;
  std::optional<std::uint32_t> send, receive;
  int channel = 0;
  std::vector<Instruction> steps;
  std::uint32_t done = 0;
  std::uint32_t stage = 0;            ///< the first in which it can send what it has
  std::vector<std::uint32_t> stages;  ///< of its steps
};

struct Gpu {
  std::array<std::vector<std::optional<Chunk>>, 3> buffers;
  std::vector<ThreadBlock> blocks;
};

/// On its way between two thread blocks.
struct MscclMessage {
  std::uint32_t stage = 0;
  std::vector<Chunk> chunks;
  std::size_t sent = 0;  ///< its place among all that was sent
};

struct Sent {
  std::uint32_t from = 0, to = 0, stage = 0, count = 0;
  bool reduces = false;
};

constexpr std::pair<const char*, CollectiveKind> operations[] = {{"allreduce", CollectiveKind::all_reduce},
                                                                 {"allgather", CollectiveKind::all_gather},
                                                                 {"reduce_scatter", CollectiveKind::reduce_scatter},
                                                                 {"reducescatter", CollectiveKind::reduce_scatter},
                                                                 {"alltoall", CollectiveKind::all_to_all}};

const std::map<std::string, MscclAction> actions{
    {"s", {false, false, false, true}},   {"r", {true, false, true, false}},  {"rcs", {true, false, true, true}},
    {"rrc", {true, true, true, false}},   {"rrs", {true, true, false, true}}, {"rrcs", {true, true, true, true}},
    {"cpy", {false, false, true, false}}, {"re", {false, true, true, false}}, {"nop", {false, false, false, false}},
};

class Program {
 public:
  Program(const std::string& path, CollectiveKind kind, std::uint32_t ranks)
      : root_(read_xml(path)), kind_(kind), ranks_(ranks) {
    read();
    fill_inputs();
  }

  /// Of how MSCCL runs the algorithm, and of when it takes it.
  std::set<std::string> notes() const {
    std::string unread;
    for (const char* name : {"proto", "nchannels", "minBytes", "maxBytes"}) {
      const auto found = root_.attributes.find(name);
      if (found != root_.attributes.end()) {
        unread += (unread.empty() ? "" : ", ") + found->first + " " + found->second;
      }
    }
    return unread.empty() ? std::set<std::string>()
                          : std::set{root_.where.file + ": how MSCCL runs it has no effect here: " + unread};
  }

  Schedule run() {
    follow();
    check_end();
    return schedule();
  }

 private:
  [[noreturn]] static void fail(const Location& where, const std::string& problem) { throw InputError(where, problem); }

  void read() {
    if (root_.name != "algo") {
      fail(root_.where, "<" + root_.name + "> is no algorithm of MSCCL, whose root is <algo>");
    }
    const std::string& operation = root_.text("coll");
    const auto* known = std::find_if(std::begin(operations), std::end(operations),
                                     [&](const auto& entry) { return entry.first == operation; });
    if (known == std::end(operations) || known->second != kind_) {
      fail(root_.where,
           known == std::end(operations)
               ? "'" + operation + "' is none of allreduce, allgather, reduce_scatter and alltoall, which are read"
               : "it does " + operation + ", not " + std::string(to_string(kind_)));
    }
    if (const int gpus = root_.whole("ngpus", 1); static_cast<std::uint32_t>(gpus) != ranks_) {
      fail(root_.where, "it is for " + std::to_string(gpus) + " GPUs, not for " + std::to_string(ranks_) + " ranks");
    }
    constexpr std::uint32_t most_chunks = 1U << 20;
    const auto chunks = static_cast<std::uint32_t>(root_.whole("nchunksperloop", 1));
    if (chunks > most_chunks) {
      fail(root_.where, "nchunksperloop is beyond sense");
    }
    if (kind_ != CollectiveKind::all_reduce && chunks % ranks_ != 0) {
      fail(root_.where, "nchunksperloop is " + std::to_string(chunks) + ", not as many for each of " +
                            std::to_string(ranks_) + " GPUs");
    }
    all_ = chunks;
    own_ = chunks / ranks_;
    in_place_ = root_.attributes.contains("inplace") && root_.whole("inplace") == 1;
    gpus_.resize(ranks_);
    std::vector<bool> is_there(ranks_);
    for (const XmlElement& element : root_.children) {
      const auto id = static_cast<std::uint32_t>(element.name == "gpu" ? element.whole("id") : -1);
      if (id >= ranks_ || is_there[id]) {
        fail(element.where, "<" + element.name + "> is no GPU of " + std::to_string(ranks_) + ", or one twice");
      }
      is_there[id] = true;
      read_gpu(element, gpus_[id]);
    }
    if (const auto missing = std::find(is_there.begin(), is_there.end(), false); missing != is_there.end()) {
      fail(root_.where, "GPU " + std::to_string(missing - is_there.begin()) + " is missing");
    }
  }

  std::uint32_t input_chunks() const { return kind_ == CollectiveKind::all_gather ? own_ : all_; }
  std::uint32_t output_chunks() const { return kind_ == CollectiveKind::reduce_scatter ? own_ : all_; }

  static void expect_name(const XmlElement& element, const std::string& name) {
    if (element.name != name) {
      fail(element.where, "<" + element.name + "> where only <" + name + "> can be");
    }
  }

  void read_gpu(const XmlElement& element, Gpu& gpu) const {
    constexpr int most_scratch = 1 << 20;
    const int scratch = element.whole("s_chunks");
    if (scratch > most_scratch) {
      fail(element.where, "s_chunks is beyond sense");
    }
    gpu.buffers[0].resize(input_chunks());
    gpu.buffers[1].resize(output_chunks());
    gpu.buffers[2].resize(static_cast<std::size_t>(scratch));
    for (const XmlElement& child : element.children) {
      expect_name(child, "tb");
      ThreadBlock block{child.where, peer(child, "send"), peer(child, "recv"), child.whole("chan"), {}, 0, 0, {}};
      for (const XmlElement& step : child.children) {
        expect_name(step, "step");
        block.steps.push_back(read_step(step));
      }
      gpu.blocks.push_back(std::move(block));
    }
  }

  std::optional<std::uint32_t> peer(const XmlElement& block, const std::string& attribute) const {
    const int other = block.whole(attribute, -1);
    if (other >= static_cast<int>(ranks_)) {
      fail(block.where, attribute + " is " + std::to_string(other) + ", of " + std::to_string(ranks_) + " GPUs");
    }
    return other < 0 ? std::nullopt : std::optional(static_cast<std::uint32_t>(other));
  }

  static Instruction read_step(const XmlElement& step) {
    const std::string& type = step.text("type");
    const auto action = actions.find(type);
    if (action == actions.end()) {
      fail(step.where, "a step of type '" + type + "'; known: cpy, nop, r, rcs, re, rrc, rrcs, rrs, s");
    }
    Instruction instruction{step.where, action->second, {}, {}, 1, {}};
    if (type != "nop") {
      instruction.source = range(step, "src");
      instruction.destination = range(step, "dst");
      instruction.count = static_cast<std::uint32_t>(step.whole("cnt", 1));
    }
    if (const int block = step.whole("depid", -1); block >= 0) {
      instruction.after = {static_cast<std::uint32_t>(block), static_cast<std::uint32_t>(step.whole("deps"))};
    }
    return instruction;
  }

  static Range range(const XmlElement& step, const std::string& end) {
    const std::string& buffer = step.text(end + "buf");
    if (buffer != "i" && buffer != "o" && buffer != "s") {
      fail(step.where, end + "buf is '" + buffer + "', not i, o or s");
    }
    return {buffer == "i"   ? Buffer::input
            : buffer == "o" ? Buffer::output
                            : Buffer::scratch,
            static_cast<std::uint32_t>(std::max(0, step.whole(end + "off", -1)))};
  }

  /// Of a call in place, the smaller buffer is a part of the larger one.
  std::optional<Chunk>& at(std::uint32_t rank, Range range, std::uint32_t further, const Location& where) {
    Buffer buffer = range.buffer;
    std::uint32_t index = range.first + further;
    if (index >= gpus_[rank].buffers[static_cast<std::size_t>(buffer)].size()) {
      fail(where, "chunk " + std::to_string(index) + " of a buffer that has " +
                      std::to_string(gpus_[rank].buffers[static_cast<std::size_t>(buffer)].size()));
    }
    if (in_place_ && kind_ != CollectiveKind::all_to_all) {
      if (kind_ == CollectiveKind::all_gather && buffer == Buffer::input) {
        buffer = Buffer::output;
        index += rank * own_;
      } else if (kind_ != CollectiveKind::all_gather && buffer == Buffer::output) {
        buffer = Buffer::input;
        index += kind_ == CollectiveKind::reduce_scatter ? rank * own_ : 0;
      }
    }
    return gpus_[rank].buffers[static_cast<std::size_t>(buffer)][index];
  }

  void fill_inputs() {
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      for (std::uint32_t k = 0; k < input_chunks(); ++k) {
        Chunk chunk{k, BitSet(ranks_)};
        chunk.id += kind_ == CollectiveKind::all_gather   ? rank * own_
                    : kind_ == CollectiveKind::all_to_all ? rank * all_
                                                          : 0;
        chunk.ranks.set(rank);
        at(rank, {Buffer::input, k}, 0, root_.where) = chunk;
      }
    }
  }

  /// Runs thread blocks as far as they come, in turn, until none can go on.
  void follow() {
    bool moved = true;
    while (moved) {
      moved = false;
      for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
        for (ThreadBlock& block : gpus_[rank].blocks) {
          while (block.done < block.steps.size() && step(rank, block)) {
            moved = true;
          }
        }
      }
    }
    for (const Gpu& gpu : gpus_) {
      for (const ThreadBlock& block : gpu.blocks) {
        if (block.done < block.steps.size()) {
          fail(block.steps[block.done].where, "the step waits for ever: for a message, or a step that it depends on");
        }
      }
    }
    for (const auto& [ends, messages] : on_the_way_) {
      if (!messages.empty()) {
        fail(root_.where, "GPU " + std::to_string(std::get<1>(ends)) + " never receives all that " +
                              std::to_string(std::get<0>(ends)) + " sends to it");
      }
    }
  }

  /// False where it has to wait.
  bool step(std::uint32_t rank, ThreadBlock& block) {
    const Instruction& now = block.steps[block.done];
    std::uint32_t stage = block.stage;
    if (now.after) {
      const std::vector<ThreadBlock>& blocks = gpus_[rank].blocks;
      if (now.after->first >= blocks.size() || now.after->second >= blocks[now.after->first].steps.size()) {
        fail(now.where, "it depends on a step that its GPU has not");
      }
      if (blocks[now.after->first].stages.size() <= now.after->second) {
        return false;
      }
      stage = std::max(stage, blocks[now.after->first].stages[now.after->second]);
    }
    std::vector<Chunk> chunks;
    if (now.action.receives) {
      if (!block.receive) {
        fail(now.where, "its thread block receives from nobody");
      }
      std::deque<MscclMessage>& waiting = on_the_way_[{*block.receive, rank, block.channel}];
      if (waiting.empty()) {
        return false;
      }
      chunks = std::move(waiting.front().chunks);
      stage = std::max(stage, waiting.front().stage + 1);
      sent_[waiting.front().sent].reduces = now.action.reduces;
      waiting.pop_front();
      if (chunks.size() != now.count) {
        fail(now.where,
             "it takes " + std::to_string(now.count) + " chunks of a message of " + std::to_string(chunks.size()));
      }
    }
    compute(rank, now, chunks);
    if (now.action.sends) {
      send(rank, block, now, stage, chunks);
    }
    block.stage = stage;
    block.stages.push_back(stage);
    ++block.done;
    return true;
  }

  const Chunk& filled(std::uint32_t rank, Range range, std::uint32_t further, const Location& where) {
    const std::optional<Chunk>& chunk = at(rank, range, further, where);
    if (!chunk) {
      fail(where, "it reads chunk " + std::to_string(range.first + further) + ", into which nothing was written");
    }
    return *chunk;
  }

  /// Reads, adds up and writes what a step does on its own GPU.
  void compute(std::uint32_t rank, const Instruction& now, std::vector<Chunk>& chunks) {
    const MscclAction& action = now.action;
    const bool is_local = !action.receives && (action.sends || action.stores);
    for (std::uint32_t k = 0; k < now.count && (is_local || action.receives); ++k) {
      if (is_local) {
        chunks.push_back(filled(rank, now.source, k, now.where));
      }
      if (action.reduces) {
        const Chunk& other = filled(rank, is_local ? now.destination : now.source, k, now.where);
        if (other.id != chunks[k].id || other.ranks.meets(chunks[k].ranks)) {
          fail(now.where, "it adds up different chunks, or a contribution that is in already");
        }
        chunks[k].ranks.add(other.ranks);
      }
      if (action.stores) {
        at(rank, now.destination, k, now.where) = chunks[k];
      }
    }
  }

  void send(std::uint32_t rank, const ThreadBlock& block, const Instruction& now, std::uint32_t stage,
            const std::vector<Chunk>& chunks) {
    if (!block.send || *block.send == rank) {
      fail(now.where, "its thread block sends to nobody else");
    }
    on_the_way_[{rank, *block.send, block.channel}].push_back({stage, chunks, sent_.size()});
    sent_.push_back({rank, *block.send, stage, now.count, false});
  }

  void check_end() {
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      for (std::uint32_t k = 0; k < output_chunks(); ++k) {
        const std::optional<Chunk>& chunk = at(rank, {Buffer::output, k}, 0, root_.where);
        const bool reduces = kind_ == CollectiveKind::all_reduce || kind_ == CollectiveKind::reduce_scatter;
        const std::uint32_t id = kind_ == CollectiveKind::reduce_scatter ? rank * own_ + k
                                 : kind_ == CollectiveKind::all_to_all   ? k / own_ * all_ + rank * own_ + k % own_
                                                                         : k;
        if (!chunk || chunk->id != id || chunk->ranks.count() != (reduces ? ranks_ : 1)) {
          fail(root_.where, "GPU " + std::to_string(rank) + " does not end with what " + std::string(to_string(kind_)) +
                                " promises as chunk " + std::to_string(k));
        }
      }
    }
  }

  /// Messages by stage, those of one size together.
  Schedule schedule() const {
    std::map<std::uint32_t, std::map<std::pair<std::uint32_t, bool>, Step>> stages;
    for (const Sent& sent : sent_) {
      Step& step = stages[sent.stage][{sent.count, sent.reduces}];
      step.pairing = Pairing::listed;
      step.share = 1.0 * sent.count / all_;
      step.pairs.emplace_back(sent.from, sent.to);
    }
    Schedule schedule{root_.attributes.contains("name") ? root_.text("name") : "msccl", ranks_, {}};
    for (auto& [stage, steps] : stages) {
      std::vector<Step>& together = schedule.stages.emplace_back();
      for (auto& [key, step] : steps) {
        step.reduced = key.second ? step.share : 0;
        together.push_back(std::move(step));
      }
      share_reduced(together, ranks_);
    }
    return schedule;
  }

  XmlElement root_;
  CollectiveKind kind_;
  std::uint32_t ranks_;
  std::uint32_t all_ = 0;  ///< chunks of the operation's bytes
  std::uint32_t own_ = 0;  ///< of which one rank has so many, where each has some
  bool in_place_ = false;
  std::vector<Gpu> gpus_;
  std::map<std::tuple<std::uint32_t, std::uint32_t, int>, std::deque<MscclMessage>>
      on_the_way_;  ///< by ends and channel
  std::vector<Sent> sent_;
};

}  // namespace

Schedule read_msccl(const std::string& path, CollectiveKind kind, std::uint32_t ranks, std::set<std::string>& notes) {
  Program program(path, kind, ranks);
  notes.merge(program.notes());
  return program.run();
}

}  // namespace podium
