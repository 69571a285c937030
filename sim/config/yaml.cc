// The only file that sees yaml-cpp. Its events are turned into a tree of our own, so that every value has its place and
// nothing that it would pass over in silence gets through.
#include "sim/config/yaml.h"

#include <fmt/format.h>
#include <yaml-cpp/depthguard.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <mutex>
#include <sstream>
#include <utility>

#include "sim/core/utf8.h"

namespace podium {
namespace {

/// yaml-cpp replaces what is not UTF-8 and stops without a word at some control characters; here they are errors.
void check_characters(std::string_view text, const std::string& name) {
  Location where{name, 1, 1};
  std::size_t length = 0;
  for (std::size_t i = 0; i < text.size(); i += length) {
    length = utf8_length(text.substr(i));
    if (length == 0) {
      throw InputError(where, "the file is not UTF-8 text");
    }
    const auto c = static_cast<unsigned char>(text[i]);
    if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f) {
      throw InputError(where, fmt::format("the control character 0x{:02x} is not text", c));
    }
    where.column += static_cast<std::uint32_t>(length);  // in bytes, as yaml-cpp counts
    if (c == '\n') {
      where.line += 1;
      where.column = 1;
    }
  }
}

/// An alias is a copy, and a copy may hold copies: more than this is an attack or a mistake.
constexpr std::size_t most_copied = 100'000;

class Builder final : public YAML::EventHandler {
 public:
  Builder(YamlValue& root, std::string file) : root_(root), file_(std::move(file)) {}

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (started_) {
      throw InputError(place(mark), "a second document begins; a file holds one");
    }
    started_ = true;
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    begin(YamlValue::Kind::nothing, mark, "", anchor);
    end();
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto named = anchored_.find(anchor);
    if (named == anchored_.end()) {
      throw InputError(place(mark), "the alias stands inside what it names");
    }
    copied_ += size_of(named->second);
    if (copied_ > most_copied) {
      throw InputError(place(mark), "aliases of aliases make this file too large");
    }
    open_.push_back(named->second);
    anchors_.push_back(YAML::NullAnchor);
    end();
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    begin(YamlValue::Kind::scalar, mark, tag, anchor);
    open_.back().text = value;
    end();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    begin(YamlValue::Kind::sequence, mark, tag, anchor);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    begin(YamlValue::Kind::mapping, mark, tag, anchor);
    keys_.emplace_back();
  }
  void OnMapEnd() override {
    keys_.pop_back();
    end();
  }

 private:
  /// The keys of a mapping that is open, and the one whose value comes next.
  struct Keys {
    std::set<std::string> seen;
    std::optional<YamlValue> next;
  };

  Location place(const YAML::Mark& mark) const {
    if (mark.is_null()) {
      return {file_};
    }
    return {file_, static_cast<std::uint32_t>(mark.line) + 1, static_cast<std::uint32_t>(mark.column) + 1};
  }
  static std::size_t size_of(const YamlValue& value) {
    std::size_t size = 1;
    for (const YamlValue& child : value.children) {
      size += size_of(child);
    }
    return size;
  }

  void begin(YamlValue::Kind kind, const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) {
    if (!tag.empty() && tag != "?" && tag != "!") {  // what yaml-cpp calls plain and quoted
      throw InputError(place(mark), fmt::format("tags such as '{}' are not supported", tag));
    }
    YamlValue& value = open_.emplace_back();
    value.kind = kind;
    value.where = place(mark);
    anchors_.push_back(anchor);
  }

  /// The value begun last is whole: it is a key, or goes where it belongs.
  void end() {
    YamlValue value = std::move(open_.back());
    open_.pop_back();
    if (anchors_.back() != YAML::NullAnchor) {
      anchored_[anchors_.back()] = value;
    }
    anchors_.pop_back();
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    YamlValue& around = open_.back();
    if (around.kind == YamlValue::Kind::sequence) {
      value.key = std::to_string(around.children.size());
      value.key_where = value.where;
    } else if (!keys_.back().next) {
      begin_entry(std::move(value));
      return;
    } else {
      const YamlValue key = *std::exchange(keys_.back().next, std::nullopt);
      value.key = key.text;
      value.key_where = key.where;
      if (value.kind == YamlValue::Kind::nothing) {
        value.where = key.where;
      }
    }
    around.children.push_back(std::move(value));
  }

  void begin_entry(YamlValue key) {
    if (key.kind != YamlValue::Kind::scalar || key.text.empty()) {
      throw InputError(key.where, "a key must be a word");
    }
    const bool is_tail = key.text.size() == 3 && key.text.find_first_not_of("0123456789") == std::string::npos;
    if (is_tail) {
      throw InputError(key.where, fmt::format("'{}' is no key; within {{ }} and [ ] a number has no commas", key.text));
    }
    if (!keys_.back().seen.insert(key.text).second) {
      throw InputError(key.where, fmt::format("the key '{}' is given twice", key.text));
    }
    keys_.back().next = std::move(key);
  }

  YamlValue& root_;
  std::string file_;
  bool started_ = false;
  std::vector<YamlValue> open_;
  std::vector<YAML::anchor_t> anchors_;  // the name of each open value, where it has one
  std::vector<Keys> keys_;               // one for each open mapping
  std::map<YAML::anchor_t, YamlValue> anchored_;
  std::size_t copied_ = 0;  // values that came by alias
};

void link(YamlValue& value) {
  for (YamlValue& child : value.children) {
    child.parent = &value;
    link(child);
  }
}

/// The child whose key a dotted path begins with; keys may have dots themselves, so that the longest counts.
YamlValue* step(YamlValue& value, std::string_view path) {
  YamlValue* best = nullptr;
  for (YamlValue& child : value.children) {
    const bool begins =
        path.starts_with(child.key) && (path.size() == child.key.size() || path[child.key.size()] == '.');
    if (begins && (best == nullptr || child.key.size() > best->key.size())) {
      best = &child;
    }
  }
  return best;
}

}  // namespace

YamlValue* YamlValue::child(std::string_view name) {
  for (YamlValue& candidate : children) {
    if (candidate.key == name) {
      return &candidate;
    }
  }
  return nullptr;
}

std::shared_ptr<YamlValue> parse_yaml(const std::string& text, const std::string& name) {
  check_characters(text, name);
  auto root = std::make_shared<YamlValue>();
  root->where = {name};
  try {
    // the mark of the end, without which yaml-cpp takes an open quote at the end of the file for a closed one
    std::istringstream stream(text + (text.ends_with('\n') ? "...\n" : "\n...\n"));
    YAML::Parser parser(stream);
    Builder builder(*root, name);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const YAML::DeepRecursion&) {
    throw InputError({name}, "nested too deeply");
  } catch (const YAML::Exception& error) {
    Location where{name};
    if (!error.mark.is_null()) {
      where.line = static_cast<std::uint32_t>(error.mark.line) + 1;
      where.column = static_cast<std::uint32_t>(error.mark.column) + 1;
    }
    const bool open_quote = error.msg == YAML::ErrorMsg::DOC_IN_SCALAR;
    throw InputError(where, "malformed YAML: " + (open_quote ? "a quote before this is not closed" : error.msg));
  }
  if (root->kind == YamlValue::Kind::nothing) {
    root->where = {name};
  }
  root->read = true;
  link(*root);
  return root;
}

std::shared_ptr<YamlValue> parse_yaml_once(const std::string& text, const std::string& name) {
  static std::mutex mutex;
  static std::map<std::pair<std::string, std::string>, std::shared_ptr<const YamlValue>> parsed;
  std::shared_ptr<const YamlValue> known;
  {
    const std::scoped_lock lock(mutex);
    const auto found = parsed.find({name, text});
    known = found != parsed.end() ? found->second : nullptr;
  }
  if (!known) {
    known = parse_yaml(text, name);
    const std::scoped_lock lock(mutex);
    parsed.try_emplace({name, text}, known);
  }
  auto copy = std::make_shared<YamlValue>(*known);
  link(*copy);
  return copy;
}

void replace_value(YamlValue& root, const std::string& path, const std::string& text) {
  const auto refuse = [&](const std::string& problem) {
    throw InputError({root.where.file}, fmt::format("override of '{}': {}", path, problem));
  };
  YamlValue* value = &root;
  std::string_view rest = path;
  while (!rest.empty()) {
    YamlValue* const next = step(*value, rest);
    if (next == nullptr) {
      std::vector<std::string> known;
      for (const YamlValue& child : value->children) {
        known.push_back(child.key);
      }
      refuse(unknown_name("key", rest.substr(0, rest.find('.')), known));
    }
    rest.remove_prefix(std::min(rest.size(), next->key.size() + 1));
    value = next;
  }
  std::string before = value->text;
  if (value->kind == YamlValue::Kind::mapping && value->child("value") != nullptr) {
    before = value->child("value")->text;
  } else if (value->kind == YamlValue::Kind::sequence || value->kind == YamlValue::Kind::mapping) {
    refuse("only a single value can be replaced, and this is a list or a mapping");
  }
  value->replaced = std::move(before);
  value->kind = YamlValue::Kind::scalar;
  value->text = text;
  value->where = {fmt::format("{} (override of '{}')", root.where.file, path)};
  std::erase_if(value->children, [](const YamlValue& child) { return child.key != "source"; });
  link(*value);
}

}  // namespace podium
