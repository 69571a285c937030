#include "sim/workload/trace_json.h"

#include <nlohmann/json.hpp>

#include "sim/core/utf8.h"

namespace podium {

void JsonTape::clear() {
  items_.clear();
  open_.clear();
  characters_.clear();
  key_ = key_size_ = 0;
}

void JsonTape::key(std::string_view name) {
  key_ = characters_.size();
  key_size_ = name.size();
  characters_ += name;
}

JsonTape::Item& JsonTape::add(JsonKind kind) {
  Item& item = items_.emplace_back();
  item.kind = kind;
  item.next = items_.size();
  item.key = key_;
  item.key_size = key_size_;
  key_size_ = 0;
  return item;
}

void JsonTape::text(std::string_view characters) {
  Item& item = add(JsonKind::text);
  item.text = characters_.size();
  item.text_size = characters.size();
  characters_ += characters;
}

void JsonTape::open(JsonKind kind) {
  open_.push_back(items_.size());
  add(kind);
}

void JsonTape::close() {
  items_[open_.back()].next = items_.size();
  open_.pop_back();
}

namespace {

using Json = nlohmann::json;

constexpr std::size_t most_shown = 60;  ///< of what was read last
constexpr std::size_t most_depth = 64;  ///< of lists in lists: writing goes down into them

Json tree_of(const JsonValue& value) {
  switch (value.kind()) {
    case JsonKind::nothing:
      return nullptr;
    case JsonKind::truth:
      return value.truth();
    case JsonKind::whole:
      return value.whole();
    case JsonKind::negative:
      return value.negative();
    case JsonKind::real:
      return value.real();
    case JsonKind::text:
      return value.text();
    case JsonKind::list:
    case JsonKind::object:
      break;
  }
  Json result = value.is_list() ? Json::array() : Json::object();
  for (const JsonValue one : value) {
    (value.is_list() ? result.emplace_back() : result[std::string(one.key())]) = tree_of(one);
  }
  return result;
}

/// Takes the events of nlohmann's parser (its SAX interface, which sets the names): false ends the parse.
class NodeEvents {
 public:
  NodeEvents(const std::string& file, std::uint32_t rank, const JsonNodes& nodes)
      : file_(file), rank_(rank), nodes_(nodes) {}

  bool null() {
    return value(JsonKind::nothing, [](auto&) {});
  }
  bool boolean(bool truth) {
    return value(JsonKind::truth, [&](JsonTape::Item& item) { item.whole = truth ? 1 : 0; });
  }
  bool number_integer(std::int64_t number) {
    return value(JsonKind::negative, [&](JsonTape::Item& item) { item.negative = number; });
  }
  bool number_unsigned(std::uint64_t number) {
    return value(JsonKind::whole, [&](JsonTape::Item& item) { item.whole = number; });
  }
  bool number_float(double number, const std::string& /*as_written*/) {
    return value(JsonKind::real, [&](JsonTape::Item& item) { item.real = number; });
  }
  bool string(const std::string& text) {
    check_place(JsonKind::text);
    if (in_node()) {
      tape_.text(text);
    }
    return true;
  }
  bool binary(const Json::binary_t& /*bytes*/) { return false; }  // JSON has none

  bool start_object(std::size_t /*size*/) { return start(JsonKind::object); }
  bool start_array(std::size_t /*size*/) { return start(JsonKind::list); }
  bool key(const std::string& name) {
    if (depth_ == 1) {
      in_nodes_ = nodes_.is_it(name);
      found_ |= in_nodes_;
    } else if (in_node()) {
      tape_.key(name);
    }
    return true;
  }
  bool end_object() { return end(); }
  bool end_array() { return end(); }

  bool parse_error(std::size_t /*position*/, const std::string& /*token*/, const Json::exception& error) {
    // what the lexer read may be the rest of the file
    const std::string_view text = error.what();
    const std::size_t read = text.find("last read: ");
    const bool is_long = read != std::string_view::npos && text.size() > read + most_shown;
    fail(is_long ? valid_utf8(text.substr(0, read + most_shown)) + " …" : std::string(text));
  }
  bool found() const { return found_; }

 private:
  bool in_node() const { return in_nodes_ && depth_ > 2; }
  [[noreturn]] void fail(const std::string& problem) const {
    throw InputError({file_},
                     "rank " + std::to_string(rank_) + ": after " + std::to_string(count_) + " nodes: " + problem);
  }

  /// The section is a list, and what it holds are objects.
  void check_place(JsonKind kind) const {
    if (in_nodes_ && depth_ == 1 && kind != JsonKind::list) {
      throw InputError({file_}, "\"" + nodes_.name + "\" is no list of nodes");
    }
    if (in_nodes_ && depth_ == 2 && kind != JsonKind::object) {
      throw InputError({file_}, "rank " + std::to_string(rank_) + ": what stands in place " +
                                    std::to_string(count_ + 1) + " of \"" + nodes_.name + "\" is no node");
    }
  }

  template <class Set>
  bool value(JsonKind kind, const Set& set) {
    check_place(kind);
    if (in_node()) {
      set(tape_.add(kind));
    }
    return true;
  }

  bool start(JsonKind kind) {
    check_place(kind);
    if (++depth_ > most_depth) {
      fail("lists in lists, more than " + std::to_string(most_depth) + " deep");
    }
    if (in_node()) {
      tape_.open(kind);
    }
    return true;
  }

  bool end() {
    if (in_node()) {
      tape_.close();
      if (depth_ == 3) {
        ++count_;
        nodes_.take({tape_, 0});
        tape_.clear();
      }
    }
    --depth_;
    return true;
  }

  const std::string& file_;
  std::uint32_t rank_;
  const JsonNodes& nodes_;
  JsonTape tape_;
  std::size_t depth_ = 0;  ///< of lists and objects that are open
  std::uint64_t count_ = 0;
  bool in_nodes_ = false, found_ = false;
};

}  // namespace

std::string JsonValue::written() const { return tree_of(*this).dump(-1, ' ', false, Json::error_handler_t::replace); }

void read_json_nodes(InputStream& in, std::uint32_t rank, const JsonNodes& nodes) {
  NodeEvents events(in.path(), rank, nodes);
  Json::sax_parse(in, &events);
  if (!events.found()) {
    throw InputError({in.path()}, "there is no \"" + nodes.name + "\", the list of nodes");
  }
}

}  // namespace podium
