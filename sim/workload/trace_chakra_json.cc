// Chakra execution traces as JSON: {"workload_graph": [{"Id": 1, "Name": …, "NodeType": 4, "ctrlDeps": [], …}, …]}, as
// Chakra's feeder reads them, or with attributes in a list as protobuf's own JSON has them. Spelling differs from file
// to file ("ctrlDeps", "ctrl_deps"): case and underscores mean nothing. Nodes are taken one by one; nothing else is
// kept.
#include <algorithm>
#include <array>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "sim/workload/trace_chakra.h"

namespace podium {
namespace {

using Json = nlohmann::json;

constexpr std::string_view nodes_key = "workloadgraph";  ///< the section of nodes, in plain spelling
constexpr int most_depth = 64;                           ///< of lists in lists: printing and the like go down into them

std::string plain(std::string_view key) {
  std::string result;
  for (const char c : key) {
    if (c != '_') {
      result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
  }
  return result;
}

std::map<std::string, std::string_view> plain_attributes() {
  std::map<std::string, std::string_view> result;
  for (const std::string_view name : chakra_attributes()) {
    result.emplace(plain(name), name);
  }
  return result;
}

/// A whole number, which protobuf's JSON writes as text.
std::optional<std::uint64_t> id_of(const Json& value) {
  if (value.is_number_unsigned()) {
    return value.get<std::uint64_t>();
  }
  if (value.is_string()) {
    const auto& text = value.get_ref<const std::string&>();
    if (!text.empty() && text.size() < 20 && text.find_first_not_of("0123456789") == std::string::npos) {
      return std::stoull(text);
    }
  }
  return std::nullopt;
}

/// None of a list, an object or nothing.
std::optional<ChakraValue> value_of(const Json& value) {
  if (value.is_boolean()) {
    return value.get<bool>();
  }
  if (value.is_number_float()) {
    return value.get<double>();
  }
  if (value.is_number_unsigned()) {
    return whole_value(value.get<std::uint64_t>());
  }
  if (value.is_number()) {
    return value.get<std::int64_t>();
  }
  return value.is_string() ? std::optional<ChakraValue>(value.get<std::string>()) : std::nullopt;
}

constexpr std::array node_type_names{"INVALID_NODE", "METADATA_NODE",  "MEM_LOAD_NODE",  "MEM_STORE_NODE",
                                     "COMP_NODE",    "COMM_SEND_NODE", "COMM_RECV_NODE", "COMM_COLL_NODE"};

class JsonReader {
 public:
  JsonReader(InputStream& in, std::uint32_t rank, const TraceOptions& options, Trace& trace)
      : in_(in), rank_(rank), program_(trace, in.path(), rank, options) {}

  void read() {
    bool found = false, in_nodes = false;
    const auto take = [&](int depth, Event event, Json& parsed) {
      if (depth > most_depth) {
        throw InputError({in_.path()}, "lists in lists, more than " + std::to_string(most_depth) + " deep");
      }
      if (depth == 1 && event == Event::key) {
        in_nodes = plain(parsed.get_ref<const std::string&>()) == nodes_key;
        found |= in_nodes;
      } else if (in_nodes && (event == Event::value || is_start(event))) {
        check_list(depth, event);
      } else if (in_nodes && depth == 2 && event == Event::object_end) {
        node(parsed);
        return false;
      } else if (in_nodes && depth == 3 && event == Event::key) {
        keys_.push_back(parsed.get_ref<const std::string&>());
      }
      return true;
    };
    try {
      const Json rest = Json::parse(in_, take);
    } catch (const Json::exception& error) {
      throw InputError({in_.path()}, "rank " + std::to_string(rank_) + ": after " + std::to_string(count_) +
                                         " nodes: " + error.what());
    }
    if (!found) {
      throw InputError({in_.path()}, "there is no \"workload_graph\", the list of nodes");
    }
    program_.finish();
  }

 private:
  using Event = Json::parse_event_t;

  static bool is_start(Event event) { return event == Event::object_start || event == Event::array_start; }

  /// The section is a list, and what it holds are objects.
  void check_list(int depth, Event event) const {
    if (depth == 1 && event != Event::array_start) {
      throw InputError({in_.path()}, "\"workload_graph\" is no list of nodes");
    }
    if (depth == 2 && event != Event::object_start) {
      throw InputError({in_.path()}, "rank " + std::to_string(rank_) + ": what stands in place " +
                                         std::to_string(count_ + 1) + " of \"workload_graph\" is no node");
    }
  }

  [[noreturn]] void fail(const std::string& problem) const {
    throw InputError({in_.path()}, "rank " + std::to_string(rank_) + ": " +
                                       (has_id_ ? "node " + std::to_string(node_.id)
                                                : "the node in place " + std::to_string(count_)) +
                                       ": " + problem);
  }

  void node(const Json& json) {
    ++count_;
    node_.clear();
    has_id_ = false;
    plain_keys_.clear();
    for (const auto& [key, value] : json.items()) {
      plain_keys_.push_back(plain(key));
      if (plain_keys_.back() == "id") {
        const auto id = id_of(value);
        has_id_ = id.has_value();
        node_.id = id.value_or(0);
      }
    }
    if (!has_id_) {
      fail("it has no id");
    }
    if (keys_.size() > json.size()) {
      std::sort(keys_.begin(), keys_.end());
      fail("it has '" + *std::adjacent_find(keys_.begin(), keys_.end()) + "' twice");
    }
    keys_.clear();
    auto key = plain_keys_.begin();
    for (const Json& value : json) {
      field(*key++, value);
    }
    program_.add(node_);
  }

  void field(const std::string& key, const Json& value) {
    if (key == "name") {
      node_.name = value.is_string() ? value.get<std::string>() : "";
    } else if (key == "nodetype" || key == "type") {
      type(value);
    } else if (key == "ctrldeps" || key == "datadeps") {
      dependencies(key, value);
    } else if (key == "durationmicros") {
      attribute("duration_micros", value);
    } else if (key == "inputs" && value.is_object()) {
      node_.shapes = value.contains("shapes") ? value["shapes"].dump() : "";
      node_.types = value.contains("types") ? value["types"].dump() : "";
    } else if (key == "attr") {
      attributes(value);
    } else {
      static const std::map<std::string, std::string_view> known = plain_attributes();
      if (const auto found = known.find(key); found != known.end()) {
        attribute(found->second, value);
      }
    }
  }

  void type(const Json& value) {
    const auto* name = value.is_string() ? &value.get_ref<const std::string&>() : nullptr;
    const auto known = std::find_if(node_type_names.begin(), node_type_names.end(),
                                    [&](const char* text) { return name && *name == text; });
    const auto number = id_of(value);
    if (known == node_type_names.end() && !number) {
      fail("its type is none of Chakra's: " + value.dump());
    }
    node_.type = known != node_type_names.end() ? static_cast<std::uint32_t>(known - node_type_names.begin())
                                                : static_cast<std::uint32_t>(std::min<std::uint64_t>(*number, 255));
  }

  void dependencies(const std::string& key, const Json& value) {
    for (const Json& one : value.is_array() ? value : Json::array({value})) {
      const auto id = id_of(one);
      if (!id) {
        fail(key + " has what is no id: " + one.dump());
      }
      node_.after.push_back(*id);
    }
  }

  void attribute(std::string_view name, const Json& value) {
    if (value.is_array() && name == "involved_dim") {
      for (const Json& one : value) {
        node_.involve(value_of(one).value_or(one.dump()));
      }
    } else if (const auto known = value_of(value)) {
      node_.set(name, *known);
    } else if (!value.is_null()) {  // which is as if it were not there
      node_.refuse(name, std::string("an ") + value.type_name(), "one value");
    }
  }

  /// [{"name": "comm_size", "int64Val": "1048576"}, …]
  void attributes(const Json& list) {
    if (!list.is_array()) {
      fail("its attr is no list of attributes");
    }
    for (const Json& one : list) {
      if (!one.is_object() || !one.contains("name") || !one["name"].is_string()) {
        fail("an attribute without a name");
      }
      const auto& name = one["name"].get_ref<const std::string&>();
      for (const auto& [key, value] : one.items()) {
        if (is_chakra_attribute(name)) {
          value_in_list(name, plain(key), value);
        }
      }
    }
  }

  void value_in_list(const std::string& name, const std::string& kind, const Json& value) {
    if (kind.ends_with("list") && value.is_object()) {
      attribute(name, value.value("values", Json::array()));
    } else if (kind.ends_with("val") || kind.ends_with("list")) {
      attribute(name, value);
    } else if (kind != "name" && kind != "docstring") {
      fail("attribute " + name + " has '" + kind + "', and a kind of value like int64_val would be right");
    }
  }

  InputStream& in_;
  std::uint32_t rank_;
  ChakraProgram program_;
  ChakraNode node_;
  bool has_id_ = false;
  std::vector<std::string> keys_;        ///< of the node, as often as they come
  std::vector<std::string> plain_keys_;  ///< each once, as its values are sorted
  std::uint64_t count_ = 0;
};

void read_chakra_json(InputStream& in, std::uint32_t rank, const TraceOptions& options, Trace& trace) {
  JsonReader(in, rank, options, trace).read();
}

bool recognises_chakra_json(std::string_view head) {
  const std::size_t start = head.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && head[start] == '{' &&
         plain(head).find('"' + std::string(nodes_key) + '"') != std::string::npos;
}

const TraceFormats::Entry trace_chakra_json_entry{"chakra-json",
                                                  "Chakra execution traces as JSON, a file a rank",
                                                  {recognises_chakra_json, read_chakra_json, true, true, false}};

}  // namespace
}  // namespace podium
