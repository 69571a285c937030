#include "sim/report/trace_events.h"

#include <fmt/format.h>

#include "sim/core/utf8.h"

namespace podium {
namespace {

std::string microseconds(std::int64_t picoseconds) {
  constexpr std::int64_t each = 1'000'000;
  return fmt::format("{}.{:06}", picoseconds / each, picoseconds % each);
}

std::string text_of(const EventPlace& place) {
  return fmt::format("\"pid\":{},\"tid\":{},\"ts\":{}", place.process, place.thread,
                     microseconds(place.at.picoseconds()));
}

std::string text_of(const TraceArguments& arguments) {
  std::string text;
  for (const auto& [key, value] : arguments) {
    text += fmt::format("{}\"{}\":{}", text.empty() ? "" : ",", key, value);
  }
  return "{" + text + "}";
}

}  // namespace

std::string json_string(std::string_view text) {
  std::string result = "\"";
  for (const char c : valid_utf8(text)) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

void TraceEvents::name(std::uint32_t process, std::uint32_t thread, const std::string& text) {
  const char* const what = thread > 0 ? "thread" : "process";
  const std::string place = fmt::format("\"ph\":\"M\",\"pid\":{},\"tid\":{}", process, thread);
  add(fmt::format("{},\"name\":\"{}_name\",\"args\":{{\"name\":{}}}", place, what, json_string(text)));
  add(fmt::format("{},\"name\":\"{}_sort_index\",\"args\":{{\"sort_index\":{}}}", place, what,
                  thread > 0 ? thread : process));
}

void TraceEvents::slice(const EventPlace& begin, Time end, const std::string& name, const std::string& category,
                        const TraceArguments& arguments) {
  add(fmt::format("\"ph\":\"X\",{},\"dur\":{},\"name\":{},\"cat\":{},\"args\":{}", text_of(begin),
                  microseconds(end.picoseconds() - begin.at.picoseconds()), json_string(name), json_string(category),
                  text_of(arguments)));
}

void TraceEvents::arrow(const std::string& id, const EventPlace& from, const EventPlace& to) {
  const std::string what = fmt::format("\"id\":{},\"name\":\"message\",\"cat\":\"message\"", json_string(id));
  add(fmt::format("\"ph\":\"s\",{},{}", text_of(from), what));
  add(fmt::format("\"ph\":\"f\",\"bp\":\"e\",{},{}", text_of(to), what));
}

void TraceEvents::count(std::uint32_t process, Time at, const std::string& name, const std::string& series,
                        double value) {
  add(fmt::format("\"ph\":\"C\",{},\"name\":{},\"args\":{{{}:{:.6g}}}", text_of({process, 0, at}), json_string(name),
                  json_string(series), value));
}

void TraceEvents::span(std::uint32_t process, const std::string& id, Time begin, Time end, const std::string& name,
                       const TraceArguments& arguments) {
  const std::string what = fmt::format("\"id\":{},\"cat\":\"request\",\"name\":{}", json_string(id), json_string(name));
  add(fmt::format("\"ph\":\"b\",{},{},\"args\":{}", text_of({process, 0, begin}), what, text_of(arguments)));
  add(fmt::format("\"ph\":\"e\",{},{}", text_of({process, 0, end}), what));
}

std::string TraceEvents::file(const std::string& other) const {
  return fmt::format("{{\"displayTimeUnit\":\"ns\",\"otherData\":{{{}}},\"traceEvents\":[\n{}\n]}}\n", other, events_);
}

void TraceEvents::add(const std::string& event) {
  events_ += events_.empty() ? "{" : ",\n{";
  events_ += event;
  events_ += '}';
}

}  // namespace podium
