#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/core/input_stream.h"

namespace podium {

enum class JsonKind : std::uint8_t { nothing, truth, whole, negative, real, text, list, object };

/// JSON values one after the other, each in front of those that it holds, in memory that the next text uses again: a
/// trace has millions of small objects, and a tree of each costs more than reading it.
class JsonTape {
 public:
  struct Item {
    JsonKind kind = JsonKind::nothing;
    std::size_t next = 0;  ///< of the item after it and all that it holds
    std::size_t key = 0, key_size = 0, text = 0, text_size = 0;
    std::uint64_t whole = 0;
    std::int64_t negative = 0;
    double real = 0;
  };

  void clear();
  void key(std::string_view);  ///< of the item that comes next
  void text(std::string_view);
  Item& add(JsonKind);
  void open(JsonKind);
  void close();

  const Item& item(std::size_t index) const { return items_[index]; }
  std::string_view characters(std::size_t start, std::size_t size) const {
    return std::string_view(characters_).substr(start, size);
  }

 private:
  std::vector<Item> items_;
  std::vector<std::size_t> open_;
  std::string characters_;
  std::size_t key_ = 0, key_size_ = 0;
};

/// A value on a tape: good until the tape is cleared.
class JsonValue {
 public:
  JsonValue(const JsonTape& tape, std::size_t index) : tape_(&tape), index_(index) {}

  JsonKind kind() const { return item().kind; }
  bool is_list() const { return kind() == JsonKind::list; }
  bool is_object() const { return kind() == JsonKind::object; }
  bool is_text() const { return kind() == JsonKind::text; }
  std::string_view key() const { return tape_->characters(item().key, item().key_size); }  ///< in its object
  std::string_view text() const { return tape_->characters(item().text, item().text_size); }
  bool truth() const { return item().whole != 0; }
  std::uint64_t whole() const { return item().whole; }
  std::int64_t negative() const { return item().negative; }
  double real() const { return item().real; }
  std::string written() const;  ///< as JSON

  /// The values that a list or object holds; none of any other kind.
  class Iterator {
   public:
    Iterator(const JsonTape& tape, std::size_t index) : tape_(&tape), index_(index) {}
    JsonValue operator*() const { return {*tape_, index_}; }
    Iterator& operator++() {
      index_ = tape_->item(index_).next;
      return *this;
    }
    bool operator==(const Iterator&) const = default;

   private:
    const JsonTape* tape_;
    std::size_t index_;
  };
  Iterator begin() const { return {*tape_, index_ + 1}; }
  Iterator end() const { return {*tape_, item().next}; }

 private:
  const JsonTape::Item& item() const { return tape_->item(index_); }
  const JsonTape* tape_;
  std::size_t index_;
};

/// What a document has at its top under one key: a list of nodes, whatever else there may be.
struct JsonNodes {
  std::string name;                             ///< of the key, in messages
  std::function<bool(std::string_view)> is_it;  ///< of a key at the top
  std::function<void(JsonValue)> take;          ///< of each node, an object
};

/// Reads a document and keeps one node of it at a time. InputError, which says how many nodes came before: what is no
/// JSON, no list of nodes or nested beyond sense; a document without the list.
void read_json_nodes(InputStream&, std::uint32_t rank, const JsonNodes&);

}  // namespace podium
