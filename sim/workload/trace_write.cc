// Traces out: task graphs and traces as Chakra protobuf, for other programs to run.
#include "sim/workload/trace_write.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "sim/workload/trace_graph.h"

namespace podium {
namespace {

/// Puts together a message of protobuf's wire format.
class Encoder {
 public:
  void number(std::uint32_t field, std::uint64_t value) {
    varint(field << 3);
    varint(value);
  }
  void real(std::uint32_t field, double value) {
    varint(field << 3 | 1);
    char bits[sizeof value];
    std::memcpy(bits, &value, sizeof value);
    out_.append(bits, sizeof value);
  }
  void bytes(std::uint32_t field, std::string_view value) {
    varint(field << 3 | 2);
    varint(value.size());
    out_ += value;
  }
  void varint(std::uint64_t value) {
    for (; value >= 0x80; value >>= 7) {
      out_ += static_cast<char>(value | 0x80);
    }
    out_ += static_cast<char>(value);
  }
  const std::string& out() const { return out_; }

 private:
  std::string out_;
};

enum ValueField : std::uint32_t { double_value = 3, int64_value = 9, bool_value = 27, string_value = 29 };

void attribute(Encoder& node, std::string_view name, std::uint64_t value, ValueField field = int64_value) {
  Encoder attribute;
  attribute.bytes(1, name);
  attribute.number(field, value);
  node.bytes(10, attribute.out());
}

void attribute(Encoder& node, std::string_view name, double value) {
  Encoder attribute;
  attribute.bytes(1, name);
  attribute.real(double_value, value);
  node.bytes(10, attribute.out());
}

void attribute(Encoder& node, std::string_view name, std::string_view value) {
  Encoder attribute;
  attribute.bytes(1, name);
  attribute.bytes(string_value, value);
  node.bytes(10, attribute.out());
}

std::uint64_t whole(double value) { return static_cast<std::uint64_t>(std::llround(value)); }

/// Dispatch and combine are all-to-alls to others.
std::uint64_t comm_type(CollectiveKind kind) {
  switch (kind) {
    case CollectiveKind::all_reduce:
      return 0;
    case CollectiveKind::reduce:
      return 1;
    case CollectiveKind::all_gather:
      return 2;
    case CollectiveKind::gather:
      return 3;
    case CollectiveKind::scatter:
      return 4;
    case CollectiveKind::broadcast:
      return 5;
    case CollectiveKind::reduce_scatter:
      return 7;
    case CollectiveKind::barrier:
      return 9;
    default:
      return 6;
  }
}

std::uint32_t chakra_type(const TraceNode& node) {
  switch (node.operation) {
    case TraceOperation::nothing:
      return 1;
    case TraceOperation::memory:
      return 2;
    case TraceOperation::compute:
      return 4;
    case TraceOperation::send:
      return 5;
    case TraceOperation::receive:
      return 6;
    case TraceOperation::collective:
      return 7;
  }
  return 0;
}

/// What Chakra has no word for: others see an all-to-all of the fullest rank's bytes.
void exchange(Encoder& out, CollectiveKind kind, const TraceExchange& exchange) {
  attribute(out, "podium_exchange", to_string(kind));
  attribute(out, "podium_imbalance", exchange.imbalance);
  if (exchange.routing) {
    attribute(out, "podium_choices", std::uint64_t{exchange.routing->choices});
    attribute(out, "podium_slots", exchange.routing->slots);
    attribute(out, "podium_shared", std::uint64_t{exchange.routing->shared});
    attribute(out, "podium_groups", std::uint64_t{exchange.routing->groups});
    attribute(out, "podium_groups_chosen", std::uint64_t{exchange.routing->groups_chosen});
  }
}

void communication(Encoder& out, const Trace& trace, const TraceNode& node, std::uint32_t rank) {
  const bool sends = node.operation == TraceOperation::send;
  if (node.operation == TraceOperation::collective) {
    const TraceGroup& group = trace.groups[node.group];
    const double part = is_gathered(node.kind) ? trace.size_of(group) : 1;
    attribute(out, "comm_type", comm_type(node.kind));
    attribute(out, "comm_size", whole(node.bytes.value() / part));
    if (group.members == TraceGroup::Members::listed) {
      attribute(out, "pg_name", group.name);
    }
    PODIUM_CHECK(group.members != TraceGroup::Members::strided, "groups of one rank's trace are listed");
    if (node.exchange != TraceNode::none) {
      exchange(out, node.kind, trace.exchanges[node.exchange]);
    }
  } else if (sends || node.operation == TraceOperation::receive) {
    attribute(out, "comm_src", std::uint64_t{sends ? rank : node.peer});
    attribute(out, "comm_dst", std::uint64_t{sends ? node.peer : rank});
    attribute(out, "comm_tag", static_cast<std::uint64_t>(node.tag));
    attribute(out, "comm_size", whole(node.bytes.value()));
  }
}

}  // namespace

std::string chakra_bytes(const Trace& trace, std::uint32_t rank) {
  const auto program = std::find_if(trace.programs.begin(), trace.programs.end(), [rank](const TraceProgram& p) {
    return rank >= p.base && rank < p.base + p.count;
  });
  PODIUM_CHECK(program != trace.programs.end(), "the trace has the rank");
  Encoder metadata;
  metadata.bytes(1, "0.0.4");
  std::string result;
  const auto append = [&](const Encoder& message) {
    Encoder length;
    length.varint(message.out().size());
    result += length.out() + message.out();
  };
  append(metadata);
  std::map<std::uint16_t, std::uint64_t> last_on_stream;
  for (const TraceNode& node : program->nodes) {
    Encoder out;
    out.number(1, node.id);
    out.bytes(2, trace.names.at(node.name));
    out.number(3, chakra_type(node));
    Encoder after;
    std::vector<std::uint64_t> ids;
    for (const std::uint32_t before : program->dependencies(node)) {
      ids.push_back(program->nodes[before].id);
    }
    if (const std::uint16_t stream = stream_of(*program, node); TaskGraph::is_ordered(stream)) {
      const auto [place, is_first] = last_on_stream.try_emplace(stream, node.id);
      if (!is_first && std::find(ids.begin(), ids.end(), place->second) == ids.end()) {
        ids.push_back(place->second);
      }
      place->second = node.id;
    }
    for (const std::uint64_t id : ids) {
      after.varint(id);
    }
    if (!ids.empty()) {
      out.bytes(5, after.out());
    }
    const double microseconds = node.duration.value() * 1e6;
    out.number(7, whole(microseconds));
    attribute(out, "is_cpu_op", node.place == TracePlace::host ? 1 : 0, bool_value);
    if (node.duration > Seconds()) {
      attribute(out, "runtime", microseconds);
    }
    if (node.stream > 0) {
      attribute(out, "podium_stream", std::uint64_t{node.stream});
    }
    if (node.alone != TraceNode::none) {
      attribute(out, "podium_cores_us", trace.alone[node.alone].cores.value() * 1e6);
      attribute(out, "podium_memory_us", trace.alone[node.alone].memory.value() * 1e6);
      attribute(out, "podium_launch_us", trace.alone[node.alone].launch.value() * 1e6);
    }
    communication(out, trace, node, rank);
    if (node.operation == TraceOperation::compute || node.operation == TraceOperation::memory) {
      attribute(out, "num_ops", whole(node.flops.value()));
      attribute(out, "tensor_size", whole(node.bytes.value()));
    }
    append(out);
  }
  return result;
}

namespace {

void write(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary);
  file << bytes;
  file.close();
  if (!file) {
    throw InputError({path.string()}, "the file cannot be written");
  }
}

/// Who reads a folder reads all that is in it.
void refuse_others(const std::filesystem::path& folder, const std::set<std::filesystem::path>& own) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".et" && !own.contains(entry.path())) {
      throw InputError({entry.path().string()},
                       "is of another trace, and who reads the folder would take it for a part of this one: remove it, "
                       "or name another folder");
    }
  }
}

}  // namespace

void write_chakra(const TaskGraph& graph, const KernelTimes& times, const std::string& folder, const std::string& name,
                  const FileWritten& written) {
  const auto file_of = [&](std::uint32_t rank) {
    return std::filesystem::path(folder) / (name + "." + std::to_string(rank) + ".et");
  };
  nlohmann::ordered_json groups = nlohmann::ordered_json::object();
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  if (problem) {
    throw InputError({folder}, "the folder cannot be made: " + problem.message());
  }
  std::set<std::filesystem::path> files;
  for (const Role& role : graph.roles()) {
    for (std::uint32_t rank = role.base; rank < role.base + role.count; ++rank) {
      files.insert(file_of(rank));
    }
  }
  refuse_others(folder, files);
  std::size_t done = 0;
  for (const Role& role : graph.roles()) {
    for (std::uint32_t rank = role.base; rank < role.base + role.count; ++rank) {
      const Trace trace = trace_of_rank(graph, rank, times);
      for (const TraceGroup& group : trace.groups) {
        if (group.members == TraceGroup::Members::listed) {
          groups[group.name] = group.ranks;
        }
      }
      const std::string bytes = chakra_bytes(trace, rank);
      write(file_of(rank), bytes);
      ++done;
      if (written) {
        written(bytes.size(), done, files.size());
      }
    }
  }
  write(std::filesystem::path(folder) / "comm_group.json", groups.dump(1) + "\n");
}

}  // namespace podium
