#include "sim/config/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>

#include "sim/config/yaml.h"
#include "sim/core/file.h"

namespace podium {
namespace {

using Kind = YamlValue::Kind;

constexpr std::string_view grades[] = {"measured", "claimed", "derived", "estimated", "assumed"};

std::string path_of(const YamlValue& value) {
  if (value.parent == nullptr) {
    return "";
  }
  const std::string around = path_of(*value.parent);
  return around.empty() ? value.key : around + "." + value.key;
}

std::string described(const YamlValue& value) {
  switch (value.kind) {
    case Kind::nothing:
      return "nothing";
    case Kind::scalar:
      return "'" + value.text + "'";
    case Kind::sequence:
      return "a list";
    case Kind::mapping:
      return "a mapping";
  }
  throw_bug("kind of YAML value", __FILE__, __LINE__, "");
}

std::vector<std::string> keys_of(const YamlValue& value) {
  std::vector<std::string> keys;
  for (const YamlValue& child : value.children) {
    keys.push_back(child.key);
  }
  return keys;
}

/// The path as the user would type it: relative to the working directory where it lies below.
std::string displayed(const std::string& path) {
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  const std::filesystem::path absolute = std::filesystem::absolute(path, error);
  if (error) {
    return path;
  }
  const std::filesystem::path relative = absolute.lexically_normal().lexically_relative(here);
  return relative.empty() || *relative.begin() == ".." ? path : relative.string();
}

std::string read_file(const std::string& path) {
  std::ifstream file = open_file(displayed(path), "the YAML file");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// A key that nobody read, in words: misspelt, or of no use where it stands.
std::string unread(const YamlValue& value) {
  const YamlValue& around = *value.parent;
  if (around.key == "sources" && around.parent != nullptr && around.parent->parent == nullptr) {
    return fmt::format("the source '{}' is cited by no figure", value.key);
  }
  if (value.key == "source") {
    return "no figure takes this source: each has one of its own, or there is none";
  }
  if (around.asked.contains(value.key)) {
    return fmt::format("the key '{}' has no effect here", value.key);
  }
  return unknown_name("key", value.key, std::vector<std::string>(around.asked.begin(), around.asked.end()));
}

void check_read(const YamlValue& value) {
  for (const YamlValue& child : value.children) {
    if (value.kind == Kind::mapping && !child.read) {
      const std::string path = path_of(value);
      throw InputError(child.key_where, (path.empty() ? "" : path + ": ") + unread(child));
    }
    check_read(child);
  }
}

void collect_figures(const YamlValue& value, std::vector<Figure>& figures) {
  if (value.figure) {
    figures.push_back(*value.figure);
  }
  for (const YamlValue& child : value.children) {
    collect_figures(child, figures);
  }
}

/// The `source:` that covers a figure: its own, or that of the nearest mapping around it.
YamlValue* covering_source(YamlValue* value) {
  for (; value != nullptr; value = value->parent) {
    if (YamlValue* const source = value->child("source"); source != nullptr) {
      return source;
    }
  }
  return nullptr;
}

}  // namespace

std::string_view to_string(Grade grade) { return grades[static_cast<std::size_t>(grade)]; }

bool Node::is_scalar() const { return value_->kind == Kind::scalar; }
bool Node::is_sequence() const { return value_->kind == Kind::sequence; }
bool Node::is_mapping() const { return value_->kind == Kind::mapping; }

Location Node::where() const { return value_->where; }
std::string Node::path() const { return path_of(*value_); }
void Node::fail(const std::string& problem) const {
  const std::string at = path();
  throw InputError(where(), at.empty() ? problem : at + ": " + problem);
}

bool Node::has(std::string_view key) const {
  value_->asked.emplace(key);
  return value_->kind == Kind::mapping && value_->child(key) != nullptr;
}

std::optional<Node> Node::find(std::string_view key) const {
  value_->asked.emplace(key);
  if (value_->kind != Kind::mapping) {
    fail(fmt::format("a mapping with the key '{}' is expected, found {}", key, described(*value_)));
  }
  YamlValue* const child = value_->child(key);
  if (child == nullptr) {
    return std::nullopt;
  }
  child->read = true;
  return view(*child);
}

Node Node::at(std::string_view key) const {
  const std::optional<Node> child = find(key);
  if (!child) {
    if (value_->child("<<") != nullptr) {
      fail(fmt::format("the key '{}' is missing; merge keys ('<<') are not read: write the keys out", key));
    }
    const std::string near = nearest(key, keys_of(*value_));
    fail(fmt::format("the key '{}' is missing", key) + (near.empty() ? "" : "; is '" + near + "' meant to be it?"));
  }
  return *child;
}

std::vector<Node> Node::items() const {
  if (value_->kind != Kind::sequence) {
    fail("a list is expected, found " + described(*value_));
  }
  std::vector<Node> result;
  for (YamlValue& child : value_->children) {
    child.read = true;
    result.push_back(view(child));
  }
  return result;
}

std::vector<std::pair<std::string, Node>> Node::entries() const {
  if (value_->kind != Kind::mapping) {
    fail("a mapping is expected, found " + described(*value_));
  }
  std::vector<std::pair<std::string, Node>> result;
  for (YamlValue& child : value_->children) {
    if (child.key != "source") {
      child.read = true;
      result.emplace_back(child.key, view(child));
    }
  }
  return result;
}

std::string Node::text() const {
  if (value_->kind != Kind::scalar) {
    fail("a single value is expected, found " + described(*value_));
  }
  return value_->text;
}

bool Node::flag() const { return one_of({"true", "false"}) == "true"; }
double Node::number() const {
  return parsed([](std::string_view written) { return parse_number(written); });
}
std::int64_t Node::count() const {
  return parsed([](std::string_view written) { return parse_count(written); });
}

std::uint32_t Node::positive_count(std::string_view what) const {
  constexpr std::int64_t most = 1'000'000;
  const std::int64_t value = count();
  if (value < 1 || value > most) {
    fail("'" + text() + "' is not " + std::string(what));
  }
  return static_cast<std::uint32_t>(value);
}

std::string Node::one_of(const std::vector<std::string>& words) const {
  std::string word = text();
  if (std::find(words.begin(), words.end(), word) == words.end()) {
    fail(unknown_name("word", word, words));
  }
  return word;
}

double Node::figure_number(const std::function<void(double)>& check) const {
  return parsed_figure(
      [](std::string_view written) {
        const double number = parse_number(written);
        if (number < 0) {
          throw InputError(fmt::format("'{}' is negative", written));
        }
        return number;
      },
      check);
}
std::int64_t Node::figure_count(const std::function<void(std::int64_t)>& check) const {
  return parsed_figure([](std::string_view written) { return parse_count(written); }, check);
}

/// Reads one {text, grade}, or the names of such in the root's `sources:`, into a figure.
void Node::cite(Figure& figure) const {
  if (is_sequence()) {
    for (const Node& each : items()) {
      each.cite(figure);
    }
    return;
  }
  Node source = *this;
  if (is_scalar()) {
    YamlValue* root = value_.get();
    while (root->parent != nullptr) {
      root = root->parent;
    }
    const std::optional<Node> sources = view(*root).find("sources");
    if (!sources || !sources->has(text())) {
      fail(unknown_name("source", text(), sources ? keys_of(*sources->value_) : std::vector<std::string>{}));
    }
    source = sources->at(text());
  }
  const std::string grade = source.at("grade").one_of({std::begin(grades), std::end(grades)});
  const auto rank = std::find(std::begin(grades), std::end(grades), grade) - std::begin(grades);
  figure.grade = std::max(figure.grade, static_cast<Grade>(rank));
  figure.source += (figure.source.empty() ? "" : "; ") + source.at("text").text();
}

Node::FigureParts Node::note_figure() const {
  FigureParts parts{*this, std::nullopt, std::nullopt};
  if (is_mapping()) {
    parts = {at("value"), find("low"), find("high")};
    if (parts.low.has_value() != parts.high.has_value()) {
      fail("a range has both, 'low' and 'high'");
    }
  } else if (!is_scalar()) {
    fail("a figure is a single value or {value, low, high, source}, found " + described(*value_));
  }
  YamlValue* const source = covering_source(value_.get());
  if (source == nullptr) {
    fail("the figure has no source; give it one, or put 'source:' into a mapping around it");
  }
  source->read = true;
  Figure figure;
  figure.path = path();
  figure.value = parts.value.text();
  figure.grade = Grade::measured;
  if (parts.low) {
    figure.low = parts.low->text();
    figure.high = parts.high->text();
  }
  view(*source).cite(figure);
  if (value_->replaced) {
    figure.source = fmt::format("override of {} ({})", *value_->replaced, figure.source);
    figure.grade = Grade::assumed;
  }
  value_->figure = figure;
  return parts;
}

void Node::note_range(const Range& range) const { value_->figure->range = range; }

Document Document::load(const std::string& path, const std::map<std::string, std::string>& overrides) {
  const std::string text = read_file(path), name = displayed(path);
  return make(text, name, parse_yaml_once(text, name), overrides);
}

Document Document::parse(const std::string& yaml, const std::string& name,
                         const std::map<std::string, std::string>& overrides) {
  return make(yaml, name, parse_yaml(yaml, name), overrides);
}

Document Document::with(const std::map<std::string, std::string>& overrides) const {
  return make(text_, name_, parse_yaml_once(text_, name_), overrides);
}

Document Document::make(const std::string& text, const std::string& name, std::shared_ptr<YamlValue> root,
                        const std::map<std::string, std::string>& overrides) {
  for (const auto& [path, value] : overrides) {
    replace_value(*root, path, value);
  }
  return {text, name, std::move(root)};
}

Node Document::root() const { return Node(root_); }

void Document::close() const { check_read(*root_); }

std::vector<Figure> Document::figures() const {
  std::vector<Figure> figures;
  collect_figures(*root_, figures);
  return figures;
}

}  // namespace podium
