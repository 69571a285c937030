#pragma once

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

namespace podium {

/// A place in an input file. Line and column count from 1; zero means that they are not known.
struct Location {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

/// "file:line:column", leaving out what is not known.
std::string to_string(const Location& where);

/// The user's input is wrong. The message says where, what was found, and what would be right.
class InputError : public std::runtime_error {
 public:
  explicit InputError(const std::string& problem) : std::runtime_error(problem) {}
  InputError(const Location& where, const std::string& problem)
      : std::runtime_error(where.file.empty() ? problem : to_string(where) + ": " + problem) {}
};

/// The work was well formed but cannot end: a stall, a plan that does not fit, a budget that is spent.
class RunError : public std::runtime_error {
 public:
  explicit RunError(const std::string& problem) : std::runtime_error(problem) {}
};

/// Podium itself is wrong.
class Bug : public std::logic_error {
 public:
  explicit Bug(const std::string& what) : std::logic_error(what) {}
};

[[noreturn]] void throw_bug(const char* condition, const char* file, int line, const std::string& why);

/// The name in `known` that is nearest to `name` by edit distance, or else the first that begins with it; empty where
/// none is near.
std::string nearest(std::string_view name, std::span<const std::string> known);

/// "unknown <what> 'name' (did you mean 'x'?); known: a, b, c".
std::string unknown_name(std::string_view what, std::string_view name, std::span<const std::string> known);

}  // namespace podium

/// Throws Bug where the condition does not hold; on in every build. A second argument says why it should.
#define PODIUM_CHECK(condition, ...) \
  ((condition) ? void(0) : ::podium::throw_bug(#condition, __FILE__, __LINE__, std::string{__VA_ARGS__}))
