#include "sim/system/counters.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <utility>

namespace podium {

Time Stretch::at(double own) const {
  const auto whole = static_cast<double>(end.picoseconds() - begin.picoseconds());
  const double share = length > 0 ? std::min(own / length, 1.0) : 1;
  return Time::from_picoseconds(begin.picoseconds() + std::llround(whole * share));
}

namespace {
constexpr double streaming = 0.66;  // of what computing takes
}

double drive_of(const Kernel& kernel, const Cost& cost, const ChipSpec& chip) {
  if (cost.time <= Seconds()) {
    return 0;
  }
  const DataType type = work(kernel).type;
  const bool multiplies = !std::holds_alternative<MemoryOp>(kernel) && chip.supports(type);
  const Achieved& memory = chip.achieves(KernelFamily::memory, DataType::bf16);
  const Seconds busy = cost.time - cost.launch;
  Seconds computing, moving = std::min(busy, cost.bytes / (chip.memory_bandwidth * memory.memory));
  if (multiplies) {
    computing = cost.flops / (chip.peak(type) * chip.achieves(family_of(kernel), type).compute);
  }
  // what bounds a kernel works all the time that it is not being launched
  computing = cost.bound == Bound::compute ? busy : std::min(busy, computing);
  moving = cost.bound == Bound::memory ? busy : moving;
  return std::min((computing + streaming * moving) / cost.time, 1.0);
}

double drive_of(const DelayTask& work, Seconds took, const ChipSpec& chip) {
  if (took <= Seconds() || work.worker == Worker::host) {
    return 0;
  }
  const double computing = work.worker == Worker::cores ? 1 : work.flops / chip.peak(DataType::bf16) / took;
  const double moving = work.worker == Worker::memory ? 1 : work.bytes / chip.memory_bandwidth / took;
  return std::min(computing + streaming * std::min(moving, 1.0), 1.0);
}

namespace {

/// What changes a rate, in order of time; times at which nothing changes are left out.
class Changes {
 public:
  void add(Time begin, Time end, double rate) {
    if (begin < end && rate > 0) {
      changes_[begin] += rate;
      changes_[end] -= rate;
    }
  }
  /// `value` of each sum so far; sums of differences may end a little below zero.
  template <class Value>
  std::vector<std::pair<Time, double>> values(Value value) const {
    std::vector<std::pair<Time, double>> result;
    double sum = 0;
    for (const auto& [time, change] : changes_) {
      sum += change;
      result.emplace_back(time, value(std::max(0.0, sum)));
    }
    return result;
  }

 private:
  std::map<Time, double> changes_;
};

/// One rank of a role.
struct Rates {
  Changes bytes, flops, drive;
};

std::vector<std::pair<Time, double>> or_idle(std::vector<std::pair<Time, double>> values, double idle) {
  if (values.empty() || values.front().first > Time()) {
    values.insert(values.begin(), {Time(), idle});
  }
  return values;
}

/// The sum over roles of a value of one rank times their ranks.
std::vector<std::pair<Time, double>> sum_over_ranks(const std::vector<Counter>& counters, const Timeline& timeline) {
  std::map<Time, double> changes;
  for (const Counter& counter : counters) {
    double before = 0;
    for (const auto& [time, value] : counter.values) {
      changes[time] += (value - before) * timeline.roles[counter.role->index()].count;
      before = value;
    }
  }
  std::vector<std::pair<Time, double>> values;
  double sum = 0;
  for (const auto& [time, change] : changes) {
    sum += change;
    values.emplace_back(time, sum);
  }
  return values;
}

}  // namespace

std::vector<Counter> count_work(const ChipSpec& chip, const Timeline& timeline) {
  std::vector<Rates> rates(timeline.roles.size());
  for (const Slice& slice : timeline.slices) {
    const Seconds length = slice.end - slice.begin;
    if (!slice.bound.empty() && length > Seconds()) {
      Rates& role = rates[timeline.tracks[slice.track].role.index()];
      role.bytes.add(slice.begin, slice.end, slice.bytes / length / BytesPerSecond(1));
      role.flops.add(slice.begin, slice.end, slice.flops / length / FlopsPerSecond(1));
      role.drive.add(slice.begin, slice.end, slice.drive);
    }
  }
  std::vector<Counter> counters, power;
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const RoleId role(i);
    const auto add = [&](const char* name, const char* series, std::vector<std::pair<Time, double>> values) {
      if (!values.empty()) {
        counters.push_back({role, name, series, std::move(values)});
      }
    };
    add("memory traffic", "GB/s", rates[i].bytes.values([](double rate) { return rate * 1e-9; }));
    const double bandwidth = chip.memory_bandwidth.value();
    add("memory use", "% of bandwidth", rates[i].bytes.values([&](double rate) { return 100 * rate / bandwidth; }));
    add("compute", "TFLOP/s", rates[i].flops.values([](double rate) { return rate * 1e-12; }));
    const double idle = chip.idle_power.value(), rise = (chip.power - chip.idle_power).value();
    power.push_back(
        {role, "power of a chip", "W",
         or_idle(rates[i].drive.values([&](double drive) { return idle + rise * std::min(drive, 1.0); }), idle)});
  }
  std::vector<std::pair<Time, double>> all = sum_over_ranks(power, timeline);
  for (auto& [time, watts] : all) {
    watts *= 1e-3;
  }
  std::move(power.begin(), power.end(), std::back_inserter(counters));
  counters.push_back({std::nullopt, "power of all chips", "kW", std::move(all)});
  return counters;
}

namespace {

/// Spreads amounts evenly over the parts of a run that they fall into.
class Histogram {
 public:
  explicit Histogram(Time end) : end_(end), parts_(count) {}
  void add(Time begin, Time end, double amount) {
    if (amount <= 0 || begin >= end) {
      return;
    }
    const double first = place(begin), last = place(end), each = amount / (last - first);
    for (auto part = static_cast<std::size_t>(first); part < count && static_cast<double>(part) < last; ++part) {
      const auto at = static_cast<double>(part);
      parts_[part] += each * (std::min(last, at + 1) - std::max(first, at));
    }
  }
  /// Each part's amount in a second, where it differs from the one before.
  std::vector<std::pair<Time, double>> rates() const {
    std::vector<std::pair<Time, double>> result;
    const double length = since_start(end_).value() / static_cast<double>(count);
    for (std::size_t part = 0; part < count; ++part) {
      const double rate = parts_[part] / length;
      if (part == 0 || std::abs(rate - result.back().second) > 1e-9 * std::max(rate, result.back().second)) {
        result.emplace_back(time(static_cast<double>(part)), rate);
      }
    }
    result.emplace_back(end_, 0.0);
    return result;
  }

 private:
  static constexpr std::size_t count = 10'000;
  double place(Time at) const {
    return static_cast<double>(at.picoseconds()) / static_cast<double>(end_.picoseconds()) * static_cast<double>(count);
  }
  Time time(double place) const {
    const double whole = static_cast<double>(end_.picoseconds());
    return Time::from_picoseconds(std::llround(whole * place / static_cast<double>(count)));
  }
  Time end_;
  std::vector<double> parts_;
};

/// Traffic of one plane: of all its links that were used, and of the one that carried most.
struct PlaneTraffic {
  std::optional<LinkId> busiest;
  double most = 0;             ///< use of that one
  BytesPerSecond bandwidth{};  ///< of all
  Histogram all, one;
};

class LinkCounter {
 public:
  LinkCounter(const Topology& topology, const Execution& execution);
  void add(const TaskGraph&, const Execution&, const Stretch&);
  std::vector<Counter> counters() const;

 private:
  void add_samples(const LinkHistory&, const Stretch&);
  void add_mean(const LinkUse& pass, double passes, const Stretch&);
  void add_bytes(LinkId, double bytes, const Stretch&);

  const Topology& topology_;
  const Table<LinkId, PortStatistics>& used_;
  Time end_;
  std::vector<PlaneTraffic> planes_;
};

LinkCounter::LinkCounter(const Topology& topology, const Execution& execution)
    : topology_(topology), used_(execution.links.ports), end_(Time() + execution.time) {
  planes_.resize(topology.planes.size(), {{}, 0, {}, Histogram(end_), Histogram(end_)});
  for (const LinkId id : used_.ids()) {
    const Link& link = topology.links[id];
    if (used_[id].bytes > Bytes() && link.bandwidth > BytesPerSecond()) {
      PlaneTraffic& plane = planes_[link.plane];
      plane.bandwidth += link.bandwidth;
      const double use = (used_[id].bytes / link.bandwidth).value();
      if (!plane.busiest || use > plane.most) {
        plane.busiest = id;
        plane.most = use;
      }
    }
  }
}

/// A pass too brief for the drawing counts as evenly spread.
void LinkCounter::add(const TaskGraph& graph, const Execution& execution, const Stretch& stretch) {
  add_samples(execution.links.history, stretch);
  for (const Span& span : execution.spans) {
    const auto* block = std::get_if<BlockTask>(&graph.tasks()[span.task].payload);
    if (block == nullptr) {
      continue;
    }
    const Execution& once = execution.blocks[span.detail];
    const Stretch all{stretch.at(span.begin), stretch.at(span.end), static_cast<double>(block->repeat)};
    const Seconds brief = since_start(end_) / 10'000;
    if ((all.end - all.begin) / block->repeat < brief) {
      add_mean(once.links, block->repeat, all);
      continue;
    }
    for (std::uint32_t pass = 0; pass < block->repeat; ++pass) {
      const auto length = static_cast<double>((Time() + once.time).picoseconds());
      add(graph.blocks()[block->block.index()], once, {all.at(double(pass)), all.at(double(pass) + 1), length});
    }
  }
}

void LinkCounter::add_samples(const LinkHistory& history, const Stretch& stretch) {
  if (history.samples.empty()) {
    return;
  }
  std::vector<std::map<LinkId, double>> members(planes_.size());  // by plane and class: links that were used
  for (const LinkId id : topology_.links.ids()) {
    if (history.classes[id] && used_[id].bytes > Bytes()) {
      members[topology_.links[id].plane][*history.classes[id]] += 1;
    }
  }
  for (std::size_t i = 1; i < history.samples.size(); ++i) {
    const LinkHistory::Sample &before = history.samples[i - 1], &after = history.samples[i];
    const Time begin = stretch.at(before.at), end = stretch.at(after.at);
    for (std::size_t p = 0; p < planes_.size(); ++p) {
      double sum = 0;
      for (const auto& [of, count] : members[p]) {
        sum += count * (after.carried[of] - before.carried[of]).value();
      }
      planes_[p].all.add(begin, end, sum);
      if (planes_[p].busiest) {
        if (const auto of = history.classes[*planes_[p].busiest]) {
          planes_[p].one.add(begin, end, (after.carried[*of] - before.carried[*of]).value());
        }
      }
    }
  }
}

/// Where another class of the role has what the ports did, by the history.
void LinkCounter::add_mean(const LinkUse& pass, double passes, const Stretch& where) {
  for (const LinkId id : pass.ports.ids()) {
    add_bytes(id, passes * pass.ports[id].bytes.value(), where);
  }
  const LinkHistory& history = pass.history;
  if (pass.ports.empty() && !history.samples.empty()) {
    for (const LinkId id : topology_.links.ids()) {
      if (history.classes[id]) {
        add_bytes(id, passes * history.samples.back().carried[*history.classes[id]].value(), where);
      }
    }
  }
}

void LinkCounter::add_bytes(LinkId id, double bytes, const Stretch& where) {
  PlaneTraffic& plane = planes_[topology_.links[id].plane];
  plane.all.add(where.begin, where.end, bytes);
  if (plane.busiest == id) {
    plane.one.add(where.begin, where.end, bytes);
  }
}

std::vector<Counter> LinkCounter::counters() const {
  const Table<NodeId, std::string> names = shown_names(topology_);
  std::vector<Counter> result;
  for (std::size_t p = 0; p < planes_.size(); ++p) {
    const PlaneTraffic& plane = planes_[p];
    if (!plane.busiest) {
      continue;
    }
    const Link& link = topology_.links[*plane.busiest];
    const auto add = [&](const std::string& series, const Histogram& traffic, BytesPerSecond bandwidth) {
      std::vector<std::pair<Time, double>> values = traffic.rates();
      for (auto& [time, value] : values) {
        value *= 100 / bandwidth.value();
      }
      // a name for each: chrome://tracing takes the series that an event lacks for zero
      result.push_back({std::nullopt, "links of " + topology_.planes[p].name + ", " + series, "%", std::move(values)});
    };
    add("mean", plane.all, plane.bandwidth);
    add(fmt::format("{} to {}, the busiest", names[link.from], names[link.to]), plane.one, link.bandwidth);
  }
  return result;
}

}  // namespace

std::vector<Counter> count_links(const Topology& topology, const TaskGraph& graph, const Execution& execution) {
  if (execution.links.ports.empty() || execution.time <= Seconds()) {
    return {};
  }
  LinkCounter counter(topology, execution);
  const Time end = Time() + execution.time;
  counter.add(graph, execution, {Time(), end, static_cast<double>(end.picoseconds())});
  return counter.counters();
}

}  // namespace podium
