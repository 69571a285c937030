#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sim/core/time.h"

namespace podium {

/// Where an event is drawn: a process, a thread of it, and an instant.
struct EventPlace {
  std::uint32_t process = 0, thread = 0;
  Time at;
};

/// Names and values, values as JSON.
using TraceArguments = std::vector<std::pair<const char*, std::string>>;

/// As JSON writes a text.
std::string json_string(std::string_view text);

/// Events in the Trace Event Format (Chrome's JSON, which Perfetto opens). Times are microseconds, written to the
/// picosecond.
class TraceEvents {
 public:
  /// Of a process (`thread` 0) or a thread. They are shown in the order of their numbers.
  void name(std::uint32_t process, std::uint32_t thread, const std::string& text);
  void slice(const EventPlace& begin, Time end, const std::string& name, const std::string& category,
             const TraceArguments& arguments);
  /// From within a slice to within another; each `id` once.
  void arrow(const std::string& id, const EventPlace& from, const EventPlace& to);
  void count(std::uint32_t process, Time at, const std::string& name, const std::string& series, double value);
  /// A stretch of something that belongs to no thread: those of one `id` lie within each other.
  void span(std::uint32_t process, const std::string& id, Time begin, Time end, const std::string& name,
            const TraceArguments& arguments);

  /// The whole file. `other` is what it says beside events, as JSON, without braces.
  std::string file(const std::string& other) const;

 private:
  void add(const std::string& event);
  std::string events_;
};

}  // namespace podium
