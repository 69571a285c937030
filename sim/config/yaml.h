#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "sim/config/config.h"

namespace podium {

/// One value of a YAML file with its place, and who asked for it: what a `Node` is a view of. Seen by sim/config only.
struct YamlValue {
  enum class Kind { nothing, scalar, sequence, mapping };

  Kind kind = Kind::nothing;
  Location where;
  std::string text;  ///< of a scalar, as written
  std::string key;   ///< in the mapping around it, or the index in the sequence
  Location key_where;
  std::vector<YamlValue> children;
  YamlValue* parent = nullptr;
  std::optional<std::string> replaced;  ///< what an override took the place of

  bool read = false;
  std::set<std::string> asked;   ///< keys of a mapping that somebody looked for, there or not
  std::optional<Figure> figure;  ///< noted when it was read as one

  YamlValue* child(std::string_view name);
};

/// Reads one YAML document. Throws InputError for what is malformed or not UTF-8, and for what a strict file does not
/// need: a key given twice, tags, a second document. An alias (*) is a copy of what its anchor (&) names.
std::shared_ptr<YamlValue> parse_yaml(const std::string& text, const std::string& name);

/// The same of a file that is read again and again: a text is parsed once and copied from then on, as a study asks for
/// a chip in each of thousands of cases. Threads may call it at once.
std::shared_ptr<YamlValue> parse_yaml_once(const std::string& text, const std::string& name);

/// Replaces the value at `path` (keys and indices joined by dots), which must be there and be a scalar or a figure.
void replace_value(YamlValue& root, const std::string& path, const std::string& text);

}  // namespace podium
