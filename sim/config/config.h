#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/core/check.h"
#include "sim/core/text.h"

namespace podium {

/// How far a figure can be trusted.
enum class Grade { measured, claimed, derived, estimated, assumed };
std::string_view to_string(Grade);

/// One figure that was read from a file, with where it comes from: what a report lists and what a study samples.
struct Figure {
  std::string path;   ///< keys from the file's root, joined by dots: "memory.bandwidth"
  std::string value;  ///< as written: "1.6 TB/s"
  std::string low;    ///< empty where the file gives no range
  std::string high;
  std::string source;
  Grade grade = Grade::assumed;
};

/// A place in a strict YAML document. Contract:
///  - every accessor throws InputError (file:line:column, what was found, what would be right);
///  - a key that nobody read is an error when the document is closed (`Document::close`), so misspelling is found;
///  - copies are cheap views; they keep the document alive.
class Node {
 public:
  bool has(std::string_view key) const;
  /// The child; a missing key is an error that names the nearest key that is there.
  Node at(std::string_view key) const;
  std::optional<Node> find(std::string_view key) const;
  /// The children of a sequence.
  std::vector<Node> items() const;
  /// Keys and children of a mapping, in the file's order.
  std::vector<std::pair<std::string, Node>> entries() const;

  bool is_scalar() const;
  bool is_sequence() const;
  bool is_mapping() const;

  std::string text() const;
  bool flag() const;
  double number() const;
  /// A whole number, not negative; "4,096" and "4096" are the same.
  std::int64_t count() const;
  /// A quantity in a file that states a choice (a study's SLO, a request length): no source is needed.
  template <class Q>
  Q quantity() const {
    return parse_quantity<Q>(text(), where());
  }
  /// A fact: a scalar with its unit, or {value, low, high, source}. Its source is its own, or that of the nearest
  /// mapping around it that has a `source:`; a figure without a source is an error. What is read is noted in
  /// `figures()`.
  template <class Q>
  Q figure() const {
    return parse_quantity<Q>(note_figure(), where());
  }
  /// A fact without a dimension ("0.85" or "85 %").
  double figure_number() const { return parse_number(note_figure(), where()); }
  /// One of a closed set of words.
  std::string one_of(const std::vector<std::string>& words) const;

  Location where() const;
  [[noreturn]] void fail(const std::string& problem) const { throw InputError(where(), problem); }

 private:
  friend class Document;
  struct Impl;
  explicit Node(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::string note_figure() const;
  std::shared_ptr<const Impl> impl_;
};

/// One YAML file. `sources:` at its root maps short names to {text, grade}; `source: name` in any mapping covers the
/// figures below it.
class Document {
 public:
  /// `overrides` replaces scalars by path ("memory.bandwidth" -> "4 TB/s"); a path that the file has not is an error.
  static Document load(const std::string& path, const std::map<std::string, std::string>& overrides = {});
  static Document parse(const std::string& yaml, const std::string& name = "<text>",
                        const std::map<std::string, std::string>& overrides = {});

  Node root() const;
  /// Throws for the first key that nobody read.
  void close() const;
  /// The figures read so far, in the file's order.
  std::vector<Figure> figures() const;

 private:
  struct Impl;
  explicit Document(std::shared_ptr<Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<Impl> impl_;
};

/// Where the program's data lies: the folder that has `configs/`, `topologies/` and `workloads/`. It is $PODIUM_HOME,
/// or else the nearest one above the executable or the working directory.
std::string data_root();

/// "name" -> data_root()/folder/name.yaml; a path that ends in .yaml or has a '/' is taken as it is. An unknown name is
/// an InputError with the nearest name that is there.
std::string find_file(std::string_view folder, std::string_view name, const Location& where = {});
/// The names of the files in a data folder, sorted.
std::vector<std::string> list_files(std::string_view folder);

}  // namespace podium
