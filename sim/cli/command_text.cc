#include "sim/cli/command_text.h"

namespace podium {

CommandText& CommandText::argument(const std::string& value) {
  text_ += value.find(' ') == std::string::npos ? " " + value : " \"" + value + "\"";
  return *this;
}

CommandText& CommandText::option(const std::string& name, const std::string& value, const std::string& by_default) {
  if (value != by_default) {
    text_ += " --" + name;
    argument(value);
  }
  return *this;
}

CommandText& CommandText::options(const std::string& name, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    option(name, value);
  }
  return *this;
}

}  // namespace podium
