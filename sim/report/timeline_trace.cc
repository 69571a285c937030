// One run of tasks as trace events.
#include "sim/report/timeline_trace.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/report/format.h"

namespace podium {
namespace {

class TimelineWriter {
 public:
  TimelineWriter(TraceEvents& out, const Timeline& timeline, std::uint32_t first)
      : out_(out), timeline_(timeline), first_(first) {}
  void write(const std::string& run);
  std::uint32_t path() const { return first_ + static_cast<std::uint32_t>(timeline_.roles.size()); }
  std::uint32_t machine() const { return path() + 1; }

 private:
  EventPlace place(const Slice& slice, Time at) const {
    return {first_ + timeline_.tracks[slice.track].role.index(), slice.track + 1, at};
  }
  void write(const Slice&, const EventPlace& begin);
  void write(const Arrow&);
  void write(const Counter&);

  TraceEvents& out_;
  const Timeline& timeline_;
  std::uint32_t first_;
};

void TimelineWriter::write(const std::string& run) {
  for (std::uint32_t i = 0; i < timeline_.roles.size(); ++i) {
    const Role& role = timeline_.roles[i];
    const std::string ranks = role.count > 1 ? fmt::format("ranks {} to {}", role.base, role.base + role.count - 1)
                                             : fmt::format("rank {}", role.base);
    out_.name(first_ + i, 0, fmt::format("{}: {} ({})", run, role.name, ranks));
  }
  for (std::uint32_t i = 0; i < timeline_.tracks.size(); ++i) {
    out_.name(first_ + timeline_.tracks[i].role.index(), i + 1, timeline_.tracks[i].name);
  }
  for (const Slice& slice : timeline_.slices) {
    write(slice, place(slice, slice.begin));
  }
  if (!timeline_.critical_path.empty()) {
    out_.name(path(), 0, run + ": critical path");
    out_.name(path(), 1, "what the step waited for");
  }
  for (const Slice& slice : timeline_.critical_path) {
    write(slice, {path(), 1, slice.begin});
  }
  for (const Arrow& arrow : timeline_.arrows) {
    write(arrow);
  }
  const auto of_machine = [](const Counter& counter) { return !counter.role; };
  if (std::any_of(timeline_.counters.begin(), timeline_.counters.end(), of_machine)) {
    out_.name(machine(), 0, run + ": machine");
  }
  for (const Counter& counter : timeline_.counters) {
    write(counter);
  }
}

void TimelineWriter::write(const Slice& slice, const EventPlace& begin) {
  TraceArguments arguments;
  if (slice.flops > Flops()) {
    arguments.emplace_back("flops", exact(slice.flops.value()));
  }
  if (slice.bytes > Bytes()) {
    arguments.emplace_back("bytes", exact(slice.bytes.value()));
  }
  if (!slice.bound.empty()) {
    arguments.emplace_back("bound", json_string(slice.bound));
  }
  if (slice.ranks > 0) {
    arguments.emplace_back("ranks", std::to_string(slice.ranks));
  }
  if (slice.passes > 0) {
    arguments.emplace_back("pass", std::to_string(slice.pass));
    arguments.emplace_back("passes", std::to_string(slice.passes));
  }
  out_.slice(begin, slice.end, slice.name, slice.part, arguments);
}

/// Ends where both are under way; a receive that had not begun when its bytes arrived has no arrow.
void TimelineWriter::write(const Arrow& arrow) {
  const Slice &from = timeline_.slices[arrow.from], &to = timeline_.slices[arrow.to];
  const Time end = std::max(from.begin, to.begin);
  if (end < to.end) {
    out_.arrow(fmt::format("{}.{}", first_, arrow.from), place(from, from.begin), place(to, end));
  }
}

void TimelineWriter::write(const Counter& counter) {
  const std::uint32_t process = counter.role ? first_ + counter.role->index() : machine();
  for (const auto& [time, value] : counter.values) {
    out_.count(process, time, counter.name, counter.series, value);
  }
}

}  // namespace

std::uint32_t write_timeline(TraceEvents& out, const Timeline& timeline, const std::string& run, std::uint32_t first) {
  TimelineWriter writer(out, timeline, first);
  writer.write(run);
  return writer.machine() + 1;
}

}  // namespace podium
