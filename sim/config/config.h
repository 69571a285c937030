#pragma once

#include <cstdint>
#include <functional>
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

/// A figure and its range as numbers, in SI units: low <= value <= high.
struct Range {
  double low = 0, value = 0, high = 0;
};

/// One figure that was read from a file, with where it comes from: what a report lists and what a study samples.
struct Figure {
  std::string path;   ///< keys from the file's root, joined by dots: "memory.bandwidth"
  std::string value;  ///< as written: "1.6 TB/s"
  std::string low;    ///< empty where the file gives no range
  std::string high;
  std::string source;
  Grade grade = Grade::assumed;  ///< the weakest, where there are several sources
  std::optional<Range> range{};  ///< nothing where the file gives none
};

struct YamlValue;

/// A place in a strict YAML document. Contract:
///  - every accessor throws InputError (file:line:column: path: what was found, what would be right);
///  - a key that nobody read is an error when the document is closed (`Document::close`), so misspelling is found;
///  - copies are cheap views; they keep the document alive;
///  - reading is noted in the document, so that one document is read by one thread.
class Node {
 public:
  bool has(std::string_view key) const;
  /// The child; a missing key is an error that names the nearest key that is there.
  Node at(std::string_view key) const;
  std::optional<Node> find(std::string_view key) const;
  /// The children of a sequence.
  std::vector<Node> items() const;
  /// Keys and children of a mapping, in the file's order, but for `source`, which belongs to the figures below.
  std::vector<std::pair<std::string, Node>> entries() const;

  bool is_scalar() const;
  bool is_sequence() const;
  bool is_mapping() const;

  std::string text() const;
  /// "true" or "false".
  bool flag() const;
  double number() const;
  /// A whole number, not negative; "4,096" and "4096" are the same.
  std::int64_t count() const;
  /// One from 1 to a million; `what` it is stands in the error.
  std::uint32_t positive_count(std::string_view what) const;
  /// One of a closed set of words.
  std::string one_of(const std::vector<std::string>& words) const;
  /// A quantity in a file that states a choice (a study's SLO, a request length): no source is needed.
  template <class Q>
  Q quantity() const {
    return parsed([](std::string_view written) { return parse_quantity<Q>(written); });
  }

  /// A fact: a scalar with its unit, or {value, low, high, source}, where low <= value <= high. Its source is its own,
  /// or that of the nearest mapping around it that has a `source:`; a figure without a source is an error. What is read
  /// is noted in `Document::figures()`. `check` throws InputError for what cannot be, and is asked of the ends of a
  /// range as well, since a study has the figure there: what it says gets the place.
  template <class Q>
  Q figure(const std::function<void(Q)>& check = {}) const {
    return parsed_figure([](std::string_view written) { return parse_quantity<Q>(written); }, check);
  }
  /// A fact without a dimension ("0.85" or "85 %"), not negative.
  double figure_number(const std::function<void(double)>& check = {}) const;
  /// A fact that is a whole number.
  std::int64_t figure_count(const std::function<void(std::int64_t)>& check = {}) const;

  Location where() const;
  /// Keys from the root, joined by dots ("memory.bandwidth", "planes.0.links"); empty at the root.
  std::string path() const;
  /// Throws InputError with the place and the path.
  [[noreturn]] void fail(const std::string& problem) const;

 private:
  friend class Document;
  struct FigureParts;
  explicit Node(std::shared_ptr<YamlValue> value) : value_(std::move(value)) {}
  Node view(YamlValue& value) const { return Node(std::shared_ptr<YamlValue>(value_, &value)); }

  /// What `parse` makes of the text; its errors get the place.
  template <class Parse>
  auto parsed(Parse parse) const {
    const std::string written = text();
    try {
      return parse(std::string_view(written));
    } catch (const InputError& error) {
      fail(error.what());
    }
  }
  template <class Parse, class Check>
  auto parsed_figure(Parse parse, const Check& check) const;
  FigureParts note_figure() const;
  void note_range(const Range& range) const;
  void cite(Figure& figure) const;

  std::shared_ptr<YamlValue> value_;
};

/// The nodes that a figure is written in; `low` and `high` are there both or not at all.
struct Node::FigureParts {
  Node value;
  std::optional<Node> low;
  std::optional<Node> high;
};

template <class Parse, class Check>
auto Node::parsed_figure(Parse parse, const Check& check) const {
  const auto checked = [&](std::string_view written) {
    const auto parsed_value = parse(written);
    if (check) {
      check(parsed_value);
    }
    return parsed_value;
  };
  const FigureParts parts = note_figure();
  const auto value = parts.value.parsed(checked);
  if (!parts.low) {
    return value;
  }
  const auto low = parts.low->parsed(checked), high = parts.high->parsed(checked);
  if (!(low <= value && value <= high)) {
    parts.value.fail("'" + parts.value.text() + "' is outside of its own range, '" + parts.low->text() + "' to '" +
                     parts.high->text() + "'");
  }
  const auto number = [](const auto& parsed_value) {
    if constexpr (requires { parsed_value.value(); }) {
      return parsed_value.value();
    } else {
      return static_cast<double>(parsed_value);
    }
  };
  note_range({number(low), number(value), number(high)});
  return value;
}

/// One YAML file. `sources:` at its root maps short names to {text, grade}; `source:` in any mapping covers the figures
/// below it. It is such a name, a list of names, or {text, grade} itself.
class Document {
 public:
  /// `overrides` replaces scalars and figures by path ("memory.bandwidth" -> "4 TB/s", "planes.0.links" -> "4"); a path
  /// that the file has not is an error. A figure that was replaced keeps a note of what it took the place of.
  static Document load(const std::string& path, const std::map<std::string, std::string>& overrides = {});
  static Document parse(const std::string& yaml, const std::string& name = "<text>",
                        const std::map<std::string, std::string>& overrides = {});

  /// The same text with other overrides, as if nobody had read it.
  Document with(const std::map<std::string, std::string>& overrides) const;

  Node root() const;
  /// Throws for the first key that nobody read.
  void close() const;
  /// The figures read so far, in the file's order.
  std::vector<Figure> figures() const;

 private:
  static Document make(const std::string& text, const std::string& name, std::shared_ptr<YamlValue> root,
                       const std::map<std::string, std::string>& overrides);
  Document(std::string text, std::string name, std::shared_ptr<YamlValue> root)
      : text_(std::move(text)), name_(std::move(name)), root_(std::move(root)) {}
  std::string text_, name_;
  std::shared_ptr<YamlValue> root_;
};

/// Where the program's data lies: the folder that has `configs/` and `topologies/`. It is $PODIUM_HOME, or else the
/// nearest one above the executable or above the working directory; InputError where there is none.
std::string data_root();

/// "name" -> data_root()/folder/name.yaml; a path that ends in .yaml or .json, or has a '/' is taken as it is. An
/// unknown name is an InputError with the nearest name that is there.
std::string find_file(std::string_view folder, std::string_view name, const Location& where = {});
/// The names (without .yaml) of the files in a data folder, sorted; none where there is no such folder.
std::vector<std::string> list_files(std::string_view folder);

/// A fact that is more than nothing, ends of its range included.
template <class Q>
Q positive_figure(const Node& node) {
  return node.figure<Q>([](Q value) {
    if (!(value > Q())) {
      throw InputError("must be more than nothing");
    }
  });
}

}  // namespace podium
