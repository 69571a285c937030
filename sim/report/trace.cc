// Timelines of executed steps in the Trace Event Format (Chrome's JSON, which Perfetto opens). Times are microseconds,
// written to the picosecond.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "sim/report/format.h"
#include "sim/report/report.h"
#include "sim/report/simulation_tables.h"
#include "sim/report/verdict.h"

namespace podium {
namespace {

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
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

std::string microseconds(std::int64_t picoseconds) {
  constexpr std::int64_t each = 1'000'000;
  return fmt::format("{}.{:06}", picoseconds / each, picoseconds % each);
}

/// The events of one step; its processes are numbered from `first`.
class StepTrace {
 public:
  StepTrace(std::string& out, const Timeline& timeline, std::uint32_t first)
      : out_(out), timeline_(timeline), first_(first) {}

  void write(const std::string& step) {
    for (std::uint32_t i = 0; i < timeline_.roles.size(); ++i) {
      const Role& role = timeline_.roles[i];
      const std::string ranks = role.count > 1 ? fmt::format("ranks {} to {}", role.base, role.base + role.count - 1)
                                               : fmt::format("rank {}", role.base);
      name("process", first_ + i, 0, fmt::format("{}: {} ({})", step, role.name, ranks));
    }
    for (std::uint32_t i = 0; i < timeline_.tracks.size(); ++i) {
      name("thread", process(timeline_.tracks[i]), i + 1, timeline_.tracks[i].name);
    }
    for (const Slice& slice : timeline_.slices) {
      write(slice, process(timeline_.tracks[slice.track]), slice.track + 1);
    }
    if (!timeline_.critical_path.empty()) {
      name("process", first_ + roles(), 0, step + ": critical path");
      name("thread", first_ + roles(), 1, "what the step waited for");
    }
    for (const Slice& slice : timeline_.critical_path) {
      write(slice, first_ + roles(), 1);
    }
    for (std::uint32_t i = 0; i < roles(); ++i) {
      write_rates(RoleId(i));
    }
    for (const Arrow& arrow : timeline_.arrows) {
      write(arrow);
    }
  }

 private:
  std::uint32_t process(const Track& track) const { return first_ + track.role.index(); }

  std::uint32_t roles() const { return static_cast<std::uint32_t>(timeline_.roles.size()); }

  /// Of a process or a thread, and its place among its like.
  void name(const char* what, std::uint32_t process, std::uint32_t thread, const std::string& text) {
    const std::string place = fmt::format("\"ph\":\"M\",\"pid\":{},\"tid\":{}", process, thread);
    add(fmt::format("{},\"name\":\"{}_name\",\"args\":{{\"name\":{}}}", place, what, quoted(text)));
    add(fmt::format("{},\"name\":\"{}_sort_index\",\"args\":{{\"sort_index\":{}}}", place, what,
                    thread > 0 ? thread : process));
  }

  void write(const Slice& slice, std::uint32_t process, std::uint32_t thread) {
    std::string arguments;
    const auto argue = [&](const char* key, const std::string& value) {
      arguments += fmt::format("{}\"{}\":{}", arguments.empty() ? "" : ",", key, value);
    };
    if (slice.flops > Flops()) {
      argue("flops", exact(slice.flops.value()));
    }
    if (slice.bytes > Bytes()) {
      argue("bytes", exact(slice.bytes.value()));
    }
    if (!slice.bound.empty()) {
      argue("bound", quoted(slice.bound));
    }
    if (slice.ranks > 0) {
      argue("ranks", std::to_string(slice.ranks));
    }
    if (slice.passes > 0) {
      argue("pass", std::to_string(slice.pass));
      argue("passes", std::to_string(slice.passes));
    }
    add(fmt::format("\"ph\":\"X\",{},\"dur\":{},\"name\":{},\"cat\":{},\"args\":{{{}}}",
                    place(process, thread, slice.begin),
                    microseconds((slice.end.picoseconds() - slice.begin.picoseconds())), quoted(slice.name),
                    quoted(slice.part), arguments));
  }

  /// Ends where both are under way; a receive that had not begun when its bytes arrived has no arrow.
  void write(const Arrow& arrow) {
    const Slice &from = timeline_.slices[arrow.from], &to = timeline_.slices[arrow.to];
    const Time end = std::max(from.begin, to.begin);
    if (end >= to.end) {
      return;
    }
    const std::string id = fmt::format("\"id\":\"{}.{}\",\"name\":\"message\",\"cat\":\"message\"", first_, arrow.from);
    add(fmt::format("\"ph\":\"s\",{},{}", place(from, from.begin), id));
    add(fmt::format("\"ph\":\"f\",\"bp\":\"e\",{},{}", place(to, end), id));
  }

  /// Counters of one rank: what its kernels move to and from memory and compute in a second, each kernel evenly over
  /// its time.
  void write_rates(RoleId role) {
    std::map<Time, std::pair<double, double>> changes;  ///< bytes and flops a second
    for (const Slice& slice : timeline_.slices) {
      const Seconds length = slice.end - slice.begin;
      if (timeline_.tracks[slice.track].role == role && !slice.bound.empty() && length > Seconds()) {
        const double bytes = slice.bytes / length / BytesPerSecond(1), flops = slice.flops / length / FlopsPerSecond(1);
        auto &begin = changes[slice.begin], &end = changes[slice.end];
        begin = {begin.first + bytes, begin.second + flops};
        end = {end.first - bytes, end.second - flops};
      }
    }
    double bytes = 0, flops = 0;
    const std::uint32_t process = first_ + role.index();
    for (const auto& [time, change] : changes) {
      bytes = std::max(0.0, bytes + change.first);  // sums of differences may end a little below zero
      flops = std::max(0.0, flops + change.second);
      count(process, "memory traffic", "GB/s", time, bytes * 1e-9);
      count(process, "compute", "TFLOP/s", time, flops * 1e-12);
    }
  }

  void count(std::uint32_t process, const char* name, const char* unit, Time at, double value) {
    add(fmt::format("\"ph\":\"C\",{},\"name\":\"{}\",\"args\":{{\"{}\":{}}}", place(process, 0, at), name, unit,
                    fmt::format("{:.6g}", value)));
  }

  std::string place(const Slice& slice, Time at) const {
    return place(process(timeline_.tracks[slice.track]), slice.track + 1, at);
  }
  static std::string place(std::uint32_t process, std::uint32_t thread, Time at) {
    return fmt::format("\"pid\":{},\"tid\":{},\"ts\":{}", process, thread, microseconds(at.picoseconds()));
  }

  void add(const std::string& event) {
    out_ += out_.empty() ? "{" : ",\n{";
    out_ += event;
    out_ += '}';
  }

  std::string& out_;
  const Timeline& timeline_;
  std::uint32_t first_;
};

}  // namespace

std::string to_trace(const SimulationResult& result) {
  std::string events, steps;
  std::uint32_t processes = 1;
  for (const SimulatedCase& one : result.cases) {
    for (const SimulatedStep& step : one.steps) {
      const Timeline& timeline = step.run.timeline;
      const std::string name = fmt::format("{}, {}, {}", full_name(one.found.workload, one.found.regime),
                                           machine_name(result.found.systems, one.found), step.phase.name);
      StepTrace(events, timeline, processes).write(name);
      steps += fmt::format("{}{{\"name\":{},\"plan\":{},\"first_pid\":{},\"time_seconds\":{},\"detailed_passes\":{}}}",
                           steps.empty() ? "" : ",\n", quoted(name), quoted(step.phase.plan), processes,
                           exact(timeline.time.value()), timeline.detailed_passes);
      processes += static_cast<std::uint32_t>(timeline.roles.size()) + 1;  // and the critical path
    }
  }
  return fmt::format(
      "{{\"displayTimeUnit\":\"ns\",\"otherData\":{{\"command\":{},\"network\":{},\"signature\":\"{}\",\"steps\":[\n{}"
      "\n"
      "]}},\"traceEvents\":[\n{}\n]}}\n",
      quoted(result.command), quoted(result.options.network), hexadecimal(result.signature), steps, events);
}

}  // namespace podium
