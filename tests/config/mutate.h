#pragma once

#include <fstream>
#include <iterator>
#include <string>

#include "sim/core/rng.h"

namespace podium::test {

/// The text with one to four random wounds: bytes changed, pieces cut out or doubled, YAML's own marks put in.
inline std::string mutated(std::string text, Rng& rng) {
  static const std::string marks[] = {"{",    "}",  "[",    "]",   ": ",   ":",     "- ",   "&a ",    "*a",     "\t",
                                      "\n",   "!x", "~",    "---", "\"",   "'",     "#",    ">",      "|",      "? ",
                                      ",",    "%",  "@",    "nan", "-inf", "1e999", "\xff", "\xc3",   "\x04",   "-5 ",
                                      "null", "<<", "\r\n", "0",   " ",    "\\",    "...",  "source", "value:", "low"};
  const std::uint64_t wounds = 1 + rng.below(4);
  for (std::uint64_t i = 0; i < wounds && !text.empty(); ++i) {
    const std::size_t place = rng.below(text.size());
    const std::size_t length = 1 + rng.below(1 + rng.below(40));
    switch (rng.below(6)) {
      case 0:
        text[place] = static_cast<char>(rng.below(256));
        break;
      case 1:
        text.erase(place, length);
        break;
      case 2:
        text.insert(rng.below(text.size()), text.substr(place, length));
        break;
      case 3:
        text.erase(place);
        break;
      default:
        text.insert(place, marks[rng.below(std::size(marks))]);
    }
  }
  return text;
}

inline std::string read_all(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace podium::test
