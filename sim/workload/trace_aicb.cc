// AICB's CSV: what one rank of all calls of the communication library, in order, with sizes in bytes. Every rank does
// the same. Times in the file are what the calls took where they were recorded, so that a replay does not use them.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "sim/workload/trace.h"
#include "sim/workload/trace_text.h"

namespace podium {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view header = "comm_type,comm_group,comm_group_size,msg_size,stage,";

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  if (line.ends_with('\r')) {
    line.remove_suffix(1);
  }
  for (;;) {
    const std::size_t end = std::min(line.find(','), line.size());
    cells.push_back(line.substr(0, end));
    if (end == line.size()) {
      return cells;
    }
    line.remove_prefix(end + 1);
  }
}

class AicbReader {
 public:
  AicbReader(InputStream& in, const TraceOptions& options, Trace& trace)
      : in_(in), options_(options), trace_(trace), ranks_(options.ranks) {}

  void read() {
    read_header();
    std::vector<Call> calls;
    for (std::string line; lines_.next(line);) {
      if (!words_of(line).empty()) {
        take(cells_of(line), calls);
      }
    }
    write(calls);
  }

 private:
  struct Call {
    std::uint32_t line = 0, name = 0;
    std::string group;
    std::uint32_t size = 0;  ///< of the group; 0: the file does not say
    CollectiveKind kind{};
    Bytes bytes;
  };

  void read_header() {
    std::string line;
    lines_.next(line);
    if (line.starts_with("[rank0 ~ rank")) {
      const std::size_t start = "[rank0 ~ rank"sv.size();
      const std::size_t end = std::min(line.find(']'), line.size());
      const auto last = lines_.whole(std::string_view(line).substr(start, end - start), "rank", most_ranks - 1);
      if (ranks_ > 0 && ranks_ != last + 1) {
        trace_.notes.insert(fmt::format("--ranks {} goes before the {} of the file", ranks_, last + 1));
      }
      ranks_ = ranks_ == 0 ? static_cast<std::uint32_t>(last + 1) : ranks_;
      lines_.next(line);
    }
    if (!line.starts_with(header)) {
      lines_.fail("the columns are not AICB's: " + std::string(header) + "…");
    }
    const auto columns = cells_of(line);
    count_column_ = static_cast<std::size_t>(std::find(columns.begin(), columns.end(), "count") - columns.begin());
  }

  void take(const std::vector<std::string_view>& cells, std::vector<Call>& calls) {
    if (cells.size() < 5) {
      lines_.fail("a row has " + std::to_string(cells.size()) + " of the columns");
    }
    if (cells.size() > count_column_ && cells[count_column_] != "1") {
      lines_.fail("count is '" + std::string(cells[count_column_]) +
                  "': rows are read that stand for one call, count 1");
    }
    std::string_view type = cells[0], group = cells[1];
    if (!type.starts_with("CommType.")) {
      lines_.fail("'" + std::string(type) + "' is no CommType");
    }
    type.remove_prefix("CommType."sv.size());
    if (type == "epoch_end") {
      return;
    }
    if (type == "computation") {
      lines_.fail(
          "computation has no time in AICB's rows that could be replayed; SimAI's text form of the workload has");
    }
    if (!group.starts_with("CommGroup.") || !group.ends_with("_group")) {
      lines_.fail("'" + std::string(group) + "' is no CommGroup");
    }
    group.remove_prefix("CommGroup."sv.size());
    group.remove_suffix("_group"sv.size());
    Call call;
    call.line = lines_.number();
    call.name = trace_.names.add(cells[4]);
    call.group = group;
    call.size = cells[2] == "None" ? 0 : static_cast<std::uint32_t>(lines_.whole(cells[2], "group size", most_ranks));
    call.kind = parse_collective_kind(type, lines_.where());
    if (call.kind == CollectiveKind::send) {
      lines_.fail("messages between pipeline stages are not read: the file says what one rank does, not which");
    }
    call.bytes = Bytes(static_cast<double>(lines_.whole(cells[3], "number of bytes", std::uint64_t{1} << 53)));
    calls.push_back(std::move(call));
  }

  std::uint32_t size_of(const std::vector<Call>& calls, std::string_view group) const {
    std::uint32_t size = 0;
    for (const Call& call : calls) {
      if (call.group == group && call.size > 0) {
        if (size > 0 && size != call.size) {
          throw InputError({in_.path(), call.line}, "group " + call.group + " has " + std::to_string(call.size) +
                                                        " ranks here and " + std::to_string(size) + " before");
        }
        size = call.size;
      }
    }
    return size;
  }

  void write(const std::vector<Call>& calls) {
    const std::uint32_t tp = std::max(1U, size_of(calls, "tp")), dp = std::max(1U, size_of(calls, "dp"));
    lines_.at(1);
    if (ranks_ == 0 && std::uint64_t{tp} * dp <= most_ranks) {
      ranks_ = tp * dp;
      trace_.notes.insert("the file does not say how many ranks run it: " + std::to_string(ranks_) + ", as tp " +
                          std::to_string(tp) + " x dp " + std::to_string(dp) + " (--ranks says otherwise)");
    }
    if (ranks_ == 0 || ranks_ % (std::uint64_t{tp} * dp) != 0) {
      lines_.fail(std::to_string(ranks_) + " ranks are no multiple of tp " + std::to_string(tp) + " x dp " +
                  std::to_string(dp));
    }
    TraceProgramBuilder builder(trace_, in_.path(), 0, ranks_);
    trace_.notes.insert("calls follow each other: AICB's rows have no computing between them");
    std::uint64_t id = 0;
    for (const Call& call : calls) {
      TraceNode node;
      node.id = ++id;
      node.operation = TraceOperation::collective;
      node.kind = call.kind;
      node.name = call.name;
      node.line = call.line;
      node.bytes = call.bytes;
      node.group = builder.group(group_of(call, calls, tp, dp));
      const std::uint64_t before = id - 1;
      builder.add(node, std::span(&before, id > 1 ? 1 : 0));
    }
    builder.finish(options_.missing);
  }

  /// Tensor-parallel ranks are neighbours, as in Megatron; expert-parallel ones stand over them, as data-parallel do.
  TraceGroup group_of(const Call& call, const std::vector<Call>& calls, std::uint32_t tp, std::uint32_t dp) const {
    const auto strided = [&](std::uint32_t stride, std::uint32_t size) {
      return TraceGroup{call.group, TraceGroup::Members::strided, {}, stride, size};
    };
    if (call.group == "tp") {
      return strided(1, tp);
    }
    if (call.group == "dp") {
      return strided(tp, dp);
    }
    if (call.group == "ep") {
      std::uint32_t ep = size_of(calls, "ep");
      if (ep == 0) {
        ep = dp;
        trace_.notes.insert("the file does not say how many ranks share the experts: all " + std::to_string(dp) +
                            " data-parallel ones");
      }
      if (dp % ep == 0) {
        return strided(tp, ep);
      }
    }
    throw InputError({in_.path(), call.line},
                     "group '" + call.group + "' is none that is read: tp, dp, and ep where it divides dp");
  }

  InputStream& in_;
  TraceLines lines_{in_};
  const TraceOptions& options_;
  Trace& trace_;
  std::uint32_t ranks_ = 0;
  std::size_t count_column_ = 0;  ///< behind the last where there is none
};

void read_aicb(InputStream& in, std::uint32_t, const TraceOptions& options, Trace& trace) {
  AicbReader(in, options, trace).read();
}

bool recognises_aicb(std::string_view head) {
  if (head.starts_with("[rank0 ~ rank")) {
    head.remove_prefix(std::min(head.find('\n'), head.size() - 1) + 1);
  }
  return head.starts_with(header);
}

const TraceFormats::Entry trace_aicb_entry{"aicb", "AICB's CSV of communication calls", {recognises_aicb, read_aicb}};

}  // namespace
}  // namespace podium
