#include "sim/collective/schedule.h"

#include <algorithm>

namespace podium {

namespace {

/// Messages of full size that leave one position in one repeat of a step; a tree in the switches takes one from each.
double messages_out(const Step& step, std::uint32_t ranks) {
  switch (step.pairing) {
    case Pairing::shift:
    case Pairing::chain:
    case Pairing::exclusive_or:
    case Pairing::multicast:
      return 1;
    case Pairing::all_others:
      return static_cast<double>(ranks - 1);
    case Pairing::reduce_in_switch:
      return static_cast<double>(ranks);
  }
  return 0;
}

}  // namespace

double messages_at_port(const Step& step, std::uint32_t ranks) {
  // a copy of each position's part comes back from the switches to every port
  return step.pairing == Pairing::multicast ? ranks : messages_out(step, ranks);
}

bool Schedule::in_switch() const {
  return std::any_of(stages.begin(), stages.end(), [](const std::vector<Step>& stage) {
    return std::any_of(stage.begin(), stage.end(), [](const Step& step) { return podium::in_switch(step.pairing); });
  });
}

double Schedule::sent_per_rank() const {
  double sent = 0;
  for (const std::vector<Step>& stage : stages) {
    for (const Step& step : stage) {
      sent += messages_out(step, ranks) * step.share * static_cast<double>(step.repeat);
    }
  }
  return sent;
}

std::size_t Schedule::messages() const {
  std::size_t count = 0;
  for (const std::vector<Step>& stage : stages) {
    for (const Step& step : stage) {
      const bool to_all = step.pairing == Pairing::all_others;
      count += to_all ? std::size_t{ranks} * (ranks - 1) : ranks;
    }
  }
  return count;
}

std::vector<std::string> suitable_algorithms(CollectiveKind kind, const GroupShape& shape) {
  std::vector<std::string> names;
  for (const std::string& name : Algorithms::names()) {
    if (Algorithms::find(name).suits(kind, shape)) {
      names.push_back(name);
    }
  }
  return names;
}

Schedule make_schedule(std::string_view algorithm, CollectiveKind kind, const GroupShape& shape,
                       const Location& where) {
  const Algorithm& found = Algorithms::find(algorithm, where);
  if (shape.ranks == 0) {
    throw InputError(where, "a group has at least one rank, this one has none");
  }
  if (shape.ranks == 1) {
    return Schedule{std::string(algorithm), 1, {}};
  }
  if (!found.suits(kind, shape)) {
    std::string known;
    for (const std::string& name : suitable_algorithms(kind, shape)) {
      known += (known.empty() ? "" : ", ") + name;
    }
    throw InputError(where, "algorithm '" + std::string(algorithm) + "' cannot do " + std::string(to_string(kind)) +
                                " among " + std::to_string(shape.ranks) + " ranks here; " +
                                (known.empty() ? "no algorithm can" : "those that can: " + known));
  }
  Schedule schedule = found.make(kind, shape);
  schedule.algorithm = algorithm;
  schedule.ranks = shape.ranks;
  return schedule;
}

}  // namespace podium
