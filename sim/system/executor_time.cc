// How fast a role's tasks go beside each other, and where its time goes.
#include <algorithm>
#include <numeric>

#include "sim/system/executor.h"

namespace podium {
namespace {

const char* const part_names[] = {"compute", "memory", "launch", "host", "bubble"};

/// A whole, shared max-min fairly among demands: the small ones get theirs, the others equal parts of what is left.
std::vector<double> fair_shares(const std::vector<double>& demands) {
  std::vector<std::size_t> order(demands.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(),
            [&](std::size_t a, std::size_t b) { return std::pair(demands[a], a) < std::pair(demands[b], b); });
  std::vector<double> shares(demands.size());
  double left = 1;
  for (std::size_t i = 0; i < order.size(); ++i) {
    shares[order[i]] = std::min(demands[order[i]], left / static_cast<double>(order.size() - i));
    left -= shares[order[i]];
  }
  return shares;
}

}  // namespace

void Executor::schedule_end(Work& work) {
  const Seconds left = std::max(work.left, Seconds()) / work.pace;
  work.end = engine_.after(left, [this, id = work.task] { finish(id); });
}

/// Of a chip's, beside the collectives in flight.
double Executor::cores_left(const RoleState& role) const {
  return std::accumulate(role.sharing.begin(), role.sharing.end(), 1.0, [&](double left, const Flight& flight) {
    return left * (1 - prepared_.core_shares[prepared_.index[flight.task]]);
  });
}

void Executor::find_demands(Work& work) const {
  const std::uint32_t index = prepared_.index[work.task];
  if (work.doing == Doing::block) {
    const Execution& once = prepared_.blocks[index];
    work.whole = once.time;
    work.computing = once.account.part("compute");
    work.streaming = once.account.part("memory");
  } else {
    const KernelTime& cost = prepared_.kernel_times[index];
    work.whole = cost.time;
    work.computing = cost.compute;
    work.streaming = cost.streaming;
  }
}

/// What computes needs cores, and the rest of its time does not.
double Executor::core_pace(const Work& work, double cores) {
  return cores < 1 && work.whole > Seconds() ? work.whole / (work.whole + work.computing * (1 / cores - 1)) : 1;
}

/// The share of the memory's bandwidth that a task takes at full pace.
double Executor::memory_demand(const Work& work) { return work.whole > Seconds() ? work.streaming / work.whole : 0; }

/// After something has begun or ended beside what works.
void Executor::set_pace(RoleState& role) {
  if (role.works.empty()) {
    return;
  }
  paces_.clear();
  demands_.clear();
  const double cores = cores_left(role);
  for (const Work& work : role.works) {
    paces_.push_back(core_pace(work, cores));
    demands_.push_back(memory_demand(work) * paces_.back());
  }
  const bool enough = std::accumulate(demands_.begin(), demands_.end(), 0.0) <= 1;
  const std::vector<double> shares = enough ? std::vector<double>() : fair_shares(demands_);
  for (std::size_t i = 0; i < role.works.size(); ++i) {
    Work& work = role.works[i];
    work.core_pace = paces_[i];
    const double pace = !enough && shares[i] < demands_[i] ? paces_[i] * (shares[i] / demands_[i]) : paces_[i];
    if (pace != work.pace) {
      engine_.cancel(work.end);
      work.pace = pace;
      schedule_end(work);
    }
  }
}

void Executor::settle(RoleState& role) {
  const Seconds elapsed = engine_.now() - role.settled;
  role.settled = engine_.now();
  if (elapsed.value() <= 0) {
    return;
  }
  for (Work& work : role.works) {
    work.left -= elapsed * work.pace;
    work.waited += elapsed - elapsed * (work.pace / work.core_pace);
  }
  if (!role.is_open(Doing::block)) {  // which brings its own account when it ends
    attribute(role, elapsed);
  }
}

void Executor::attribute(RoleState& role, Seconds elapsed) {
  if (role.is_open(Doing::kernels)) {
    const auto is_kernels = [](const Work& work) { return work.doing == Doing::kernels; };
    attribute_kernels(role, *std::find_if(role.works.begin(), role.works.end(), is_kernels), elapsed);
  } else if (role.is_open(Doing::cores_busy)) {
    role.parts[compute] += elapsed;
  } else if (role.is_open(Doing::memory_busy)) {
    role.parts[memory] += elapsed;
  } else if (role.is_open(Doing::host_busy)) {
    role.parts[host] += elapsed;
  } else {
    while (!role.flights.empty() && progress_[role.flights.top().task] == Progress::ended) {
      role.flights.pop();
    }
    const bool waits = role.flights.empty();
    role.parts[waits ? std::size_t{bubble} : exposed + graph_.tasks()[role.flights.top().task].label] += elapsed;
  }
}

void Executor::attribute_kernels(RoleState& role, const Work& work, Seconds elapsed) {
  const KernelTime& cost = prepared_.kernel_times[prepared_.index[work.task]];
  const Seconds done = elapsed * work.pace;
  const Seconds launch_time = done * (cost.launch / cost.time);
  const Seconds memory_time = done * (cost.memory / cost.time) + (elapsed - done / work.core_pace);
  role.parts[memory] += memory_time;
  role.parts[launch] += launch_time;
  role.parts[compute] += elapsed - memory_time - launch_time;
}

Account Executor::account(const RoleState& role, Time end) const {
  Account result;
  for (std::size_t i = 0; i < role.parts.size(); ++i) {
    Seconds time = role.parts[i];
    if (i == bubble) {
      time += end - role.settled;
    }
    if (time.value() > 0) {
      result.add(i < exposed ? part_names[i] : "exposed " + graph_.labels()[i - exposed], time);
    }
  }
  for (const auto& [block, repeats] : role.blocks) {
    result.add(prepared_.blocks[block].account, repeats);
  }
  return result;
}

}  // namespace podium
