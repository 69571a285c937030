#pragma once

#include <string>
#include <utility>
#include <vector>

namespace podium {

/// What to type for the same result again. Options at their defaults are left out; what has a space is quoted.
class CommandText {
 public:
  /// "podium replay".
  explicit CommandText(std::string command) : text_(std::move(command)) {}

  CommandText& argument(const std::string& value);
  /// `name` without its dashes.
  CommandText& option(const std::string& name, const std::string& value, const std::string& by_default = {});
  /// One that may be given again.
  CommandText& options(const std::string& name, const std::vector<std::string>& values);

  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace podium
