// Chakra execution traces as JSON: {"workload_graph": [{"Id": 1, "Name": …, "NodeType": 4, "ctrlDeps": [], …}, …]}, as
// Chakra's feeder reads them, or with attributes in a list as protobuf's own JSON has them. Spelling differs from file
// to file ("ctrlDeps", "ctrl_deps"): case and underscores mean nothing. Nodes are taken one by one; nothing else is
// kept.
#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include "sim/workload/trace_chakra.h"
#include "sim/workload/trace_json.h"

namespace podium {
namespace {

constexpr std::string_view nodes_key = "workload_graph";

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// The next character that counts, in lower case; 0 at the end.
char next_letter(std::string_view text, std::size_t& at) {
  while (at < text.size() && text[at] == '_') {
    ++at;
  }
  return at < text.size() ? lower(text[at++]) : '\0';
}

bool same_name(std::string_view a, std::string_view b) {
  for (std::size_t i = 0, j = 0;;) {
    const char one = next_letter(a, i), other = next_letter(b, j);
    if (one != other || one == '\0') {
      return one == other;
    }
  }
}

/// What a node has under a key.
struct Field {
  enum class Meaning : std::uint8_t {
    nothing,
    id,
    name,
    type,
    dependencies,
    duration,
    inputs,
    list_of_attributes,
    attribute
  };
  std::string_view name;
  Meaning meaning = Meaning::attribute;
};
using Meaning = Field::Meaning;

constexpr std::array fields{Field{"id", Meaning::id},
                            Field{"name", Meaning::name},
                            Field{"type", Meaning::type},
                            Field{"node_type", Meaning::type},
                            Field{"ctrl_deps", Meaning::dependencies},
                            Field{"data_deps", Meaning::dependencies},
                            Field{"duration_micros", Meaning::duration},
                            Field{"inputs", Meaning::inputs},
                            Field{"attr", Meaning::list_of_attributes}};

Field field_of(std::string_view key) {
  for (const Field& field : fields) {
    if (same_name(key, field.name)) {
      return field;
    }
  }
  const std::string_view attribute = chakra_attribute(key, same_name);
  return attribute.empty() ? Field{key, Meaning::nothing} : Field{attribute};
}

/// Fields by keys as files write them, few in all the nodes of a file.
class FieldTable {
 public:
  Field find(std::string_view key) {
    if (const auto known = known_.find(key); known != known_.end()) {
      return known->second;
    }
    const Field field = field_of(key);
    if (field.meaning != Meaning::nothing) {
      known_.emplace(key, field);
    }
    return field;
  }

 private:
  std::map<std::string, Field, std::less<>> known_;
};

std::string plain(std::string_view key) {
  std::string result;
  for (std::size_t at = 0; const char c = next_letter(key, at);) {
    result += c;
  }
  return result;
}

/// A whole number, which protobuf's JSON writes as text.
std::optional<std::uint64_t> id_of(const JsonValue& value) {
  if (value.kind() == JsonKind::whole) {
    return value.whole();
  }
  const std::string_view text = value.text();
  std::uint64_t id = 0;
  const auto [after, error] = std::from_chars(text.data(), text.data() + text.size(), id);
  const bool is_id = value.is_text() && error == std::errc() && after == text.data() + text.size();
  return is_id ? std::optional(id) : std::nullopt;
}

/// None of a list, an object or nothing.
std::optional<ChakraValue> value_of(const JsonValue& value) {
  switch (value.kind()) {
    case JsonKind::truth:
      return value.truth();
    case JsonKind::real:
      return value.real();
    case JsonKind::whole:
      return whole_value(value.whole());
    case JsonKind::negative:
      return value.negative();
    case JsonKind::text:
      return std::string(value.text());
    case JsonKind::nothing:
    case JsonKind::list:
    case JsonKind::object:
      break;
  }
  return std::nullopt;
}

constexpr std::array<std::string_view, 8> node_type_names{"INVALID_NODE",   "METADATA_NODE", "MEM_LOAD_NODE",
                                                          "MEM_STORE_NODE", "COMP_NODE",     "COMM_SEND_NODE",
                                                          "COMM_RECV_NODE", "COMM_COLL_NODE"};

class JsonReader {
 public:
  JsonReader(InputStream& in, std::uint32_t rank, const TraceOptions& options, Trace& trace)
      : in_(in), rank_(rank), program_(trace, in.path(), rank, options) {}

  void read() {
    read_json_nodes(in_, rank_,
                    {std::string(nodes_key), [](std::string_view key) { return same_name(key, nodes_key); },
                     [this](const JsonValue& value) { node(value); }});
    program_.finish();
  }

 private:
  [[noreturn]] void fail(const std::string& problem) const {
    throw InputError({in_.path()}, "rank " + std::to_string(rank_) + ": " +
                                       (has_id_ ? "node " + std::to_string(node_.id)
                                                : "the node in place " + std::to_string(count_)) +
                                       ": " + problem);
  }

  void node(const JsonValue& json) {
    ++count_;
    node_.clear();
    members_.clear();
    for (const JsonValue value : json) {
      members_.emplace_back(fields_.find(value.key()), value);
    }
    find_id();
    refuse_twice();
    for (const auto& [field, value] : members_) {
      take(field, value);
    }
    program_.add(node_);
  }

  /// None is zero, which protobuf's JSON leaves out.
  void find_id() {
    has_id_ = false;
    for (const auto& [field, value] : members_) {
      if (field.meaning == Meaning::id && value.kind() != JsonKind::nothing) {
        const auto id = id_of(value);
        if (!id) {
          fail("its id is " + value.written() + ", and a whole number from 0 to 2^64 - 1 would be right");
        }
        node_.id = *id;
      }
    }
    has_id_ = true;
  }

  void refuse_twice() {
    keys_.clear();
    for (const auto& [field, value] : members_) {
      keys_.push_back(field.meaning == Meaning::type ? "type" : field.name);
    }
    std::sort(keys_.begin(), keys_.end());
    if (const auto twice = std::adjacent_find(keys_.begin(), keys_.end()); twice != keys_.end()) {
      fail("it has '" + std::string(*twice) + "' twice");
    }
  }

  /// What is null is as if it were not there.
  void take(const Field& field, const JsonValue& value) {
    if (value.kind() == JsonKind::nothing) {
      return;
    }
    switch (field.meaning) {
      case Meaning::name:
        node_.name = value.is_text() ? std::string(value.text()) : value.written();
        break;
      case Meaning::type:
        type(value);
        break;
      case Meaning::dependencies:
        dependencies(field.name, value);
        break;
      case Meaning::duration:
        duration(value);
        break;
      case Meaning::inputs:
        inputs(value);
        break;
      case Meaning::list_of_attributes:
        attributes(value);
        break;
      case Meaning::attribute:
        attribute(field.name, value);
        break;
      case Meaning::id:
      case Meaning::nothing:
        break;
    }
  }

  void type(const JsonValue& value) {
    const auto known = std::find(node_type_names.begin(), node_type_names.end(), value.text());
    const auto number = id_of(value);
    if (known == node_type_names.end() && !number) {
      fail("its type is none of Chakra's: " + value.written());
    }
    node_.type = known != node_type_names.end() ? static_cast<std::uint32_t>(known - node_type_names.begin())
                                                : static_cast<std::uint32_t>(std::min<std::uint64_t>(*number, 255));
  }

  void dependencies(std::string_view key, const JsonValue& value) {
    if (!value.is_list()) {
      dependency(key, value);
    }
    for (const JsonValue one : value) {
      dependency(key, one);
    }
  }

  void dependency(std::string_view key, const JsonValue& value) {
    const auto id = id_of(value);
    if (!id) {
      fail(std::string(key) + " has what is no id: " + value.written());
    }
    node_.after.push_back(*id);
  }

  void duration(const JsonValue& value) {
    if (const auto known = value_of(value)) {
      node_.set_duration(*known);
    } else {
      node_.refuse("duration_micros", value.is_list() ? "an array" : "an object", "one value");
    }
  }

  void inputs(const JsonValue& value) {
    std::array<bool, 2> given{};
    for (const JsonValue part : value) {
      for (const bool types : {false, true}) {
        if (same_name(part.key(), types ? "types" : "shapes")) {
          if (std::exchange(given[types ? 1 : 0], true)) {
            fail("its inputs have '" + std::string(types ? "types" : "shapes") + "' twice");
          }
          (types ? node_.types : node_.shapes) = part.written();
        }
      }
    }
  }

  void attribute(std::string_view name, const JsonValue& value) {
    if (value.is_list() && name == "involved_dim") {
      for (const JsonValue one : value) {
        node_.involve(value_of(one).value_or(one.written()));
      }
    } else if (const auto known = value_of(value)) {
      node_.set(name, *known);
    } else if (value.kind() != JsonKind::nothing) {  // which is as if it were not there
      node_.refuse(name, value.is_list() ? "an array" : "an object", "one value");
    }
  }

  /// [{"name": "comm_size", "int64Val": "1048576"}, …]
  void attributes(const JsonValue& list) {
    if (!list.is_list()) {
      fail("its attr is no list of attributes");
    }
    for (const JsonValue one : list) {
      std::string_view name;
      for (const JsonValue value : one) {
        name = same_name(value.key(), "name") && value.is_text() ? value.text() : name;
      }
      if (name.data() == nullptr) {
        fail("an attribute without a name");
      }
      if (const Field known = fields_.find(name); is_chakra_attribute(known.name)) {
        for (const JsonValue value : one) {
          value_in_list(known.name, plain(value.key()), value);
        }
      }
    }
  }

  void value_in_list(std::string_view name, const std::string& kind, const JsonValue& value) {
    if (kind.ends_with("list") && value.is_object()) {
      bool has_values = name == "involved_dim";  // no dimension at all
      for (const JsonValue values : value) {
        if (!same_name(values.key(), "values")) {
          fail("the list of attribute " + std::string(name) + " has '" + std::string(values.key()) +
               "', and 'values' would be right");
        }
        attribute(name, values);
        has_values = true;
      }
      if (!has_values) {
        attribute(name, value);
      }
    } else if (kind == "bytesval") {
      node_.refuse(name, "bytes in base64", "text");
    } else if (kind.ends_with("val") || kind.ends_with("list")) {
      attribute(name, value);
    } else if (kind != "name" && kind != "docstring") {
      fail("attribute " + std::string(name) + " has '" + kind + "', and a kind of value like int64_val would be right");
    }
  }

  InputStream& in_;
  std::uint32_t rank_;
  ChakraProgram program_;
  ChakraNode node_;
  bool has_id_ = false;
  FieldTable fields_;
  std::vector<std::pair<Field, JsonValue>> members_;  ///< of the node
  std::vector<std::string_view> keys_;
  std::uint64_t count_ = 0;
};

void read_chakra_json(InputStream& in, std::uint32_t rank, const TraceOptions& options, Trace& trace) {
  JsonReader(in, rank, options, trace).read();
}

/// By a key, not by a value that is spelled as one.
bool recognises_chakra_json(std::string_view head) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t start = head.find_first_not_of(blanks);
  if (start == std::string_view::npos || head[start] != '{') {
    return false;
  }
  const std::string text = plain(head), key = '"' + plain(nodes_key) + '"';
  for (std::size_t at = text.find(key); at != std::string::npos; at = text.find(key, at + 1)) {
    const std::size_t after = text.find_first_not_of(blanks, at + key.size());
    if (after != std::string::npos && text[after] == ':') {
      return true;
    }
  }
  return false;
}

const TraceFormats::Entry trace_chakra_json_entry{"chakra-json",
                                                  "Chakra execution traces as JSON, a file a rank",
                                                  {recognises_chakra_json, read_chakra_json, true, true, false}};

}  // namespace
}  // namespace podium
