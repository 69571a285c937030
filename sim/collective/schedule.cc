#include "sim/collective/schedule.h"

#include <algorithm>

namespace podium {

namespace {

std::uint32_t values_of(const Step& step, std::uint32_t ranks) { return step.size > 0 ? step.size : ranks; }

/// The most pairs that begin, or end, at one position.
std::uint32_t busiest(const Step& step, bool senders) {
  std::vector<std::uint32_t> ends;
  for (const auto& [from, to] : step.pairs) {
    ends.push_back(senders ? from : to);
  }
  std::sort(ends.begin(), ends.end());
  std::ptrdiff_t most = 0;
  for (auto first = ends.begin(); first != ends.end();) {
    const auto last = std::upper_bound(first, ends.end(), *first);
    most = std::max(most, last - first);
    first = last;
  }
  return static_cast<std::uint32_t>(most);
}

/// Messages of full size that leave one position in one repeat of a step; a tree in the switches takes one from each.
double messages_out(const Step& step, std::uint32_t ranks) {
  switch (step.pairing) {
    case Pairing::shift:
    case Pairing::chain:
    case Pairing::exclusive_or:
    case Pairing::multicast:
      return 1;
    case Pairing::all_others:
      return values_of(step, ranks) - 1;
    case Pairing::reduce_in_switch:
      return values_of(step, ranks);
    case Pairing::listed:
      return busiest(step, true);
  }
  return 0;
}

}  // namespace

bool same_messages(const Step& a, const Step& b) {
  const bool has_offset =
      a.pairing == Pairing::shift || a.pairing == Pairing::chain || a.pairing == Pairing::exclusive_or;
  return a.pairing == b.pairing && (!has_offset || a.offset == b.offset) && a.stride == b.stride && a.size == b.size &&
         a.pairs == b.pairs;
}

std::vector<std::uint32_t> peers_of(const Step& step, std::uint32_t ranks, std::uint32_t i) {
  const std::uint32_t size = values_of(step, ranks);
  const std::uint32_t first = i - i / step.stride % size * step.stride;
  std::vector<std::uint32_t> peers;
  for (std::uint32_t digit = 0; digit < size; ++digit) {
    peers.push_back(first + digit * step.stride);
  }
  return peers;
}

void for_each_message_from(const Step& step, std::uint32_t ranks, std::uint32_t i,
                           const std::function<void(std::uint32_t from, std::uint32_t to)>& visit) {
  const std::uint32_t size = values_of(step, ranks);
  const std::uint32_t digit = i / step.stride % size;
  const auto with = [&](std::uint32_t other) { return i - digit * step.stride + other * step.stride; };
  switch (step.pairing) {
    case Pairing::shift:
      visit(i, with((digit + step.offset) % size));
      break;
    case Pairing::chain:
    case Pairing::exclusive_or:
      if (const std::uint32_t to = step.pairing == Pairing::chain ? digit + step.offset : digit ^ step.offset;
          to < size) {
        visit(i, with(to));
      }
      break;
    default:
      // each begins with its neighbour, as libraries do, so that they do not all begin with the same one
      for (std::uint32_t further = 1; further < size; ++further) {
        visit(i, with((digit + further) % size));
      }
      break;
  }
}

void for_each_message(const Step& step, std::uint32_t ranks,
                      const std::function<void(std::uint32_t from, std::uint32_t to)>& visit) {
  const std::uint32_t size = values_of(step, ranks);
  PODIUM_CHECK(step.stride > 0 && ranks % (std::uint64_t{step.stride} * size) == 0, "the digit divides the group");
  if (step.pairing == Pairing::listed) {
    for (const auto& [from, to] : step.pairs) {
      visit(from, to);
    }
    return;
  }
  for (std::uint32_t i = 0; i < ranks; ++i) {
    for_each_message_from(step, ranks, i, visit);
  }
}

double reduced_at_once(const std::vector<Step>& stage, std::uint32_t ranks) {
  std::vector<double> received(ranks);
  for (const Step& step : stage) {
    if (step.reduced > 0) {
      for_each_message(step, ranks, [&](std::uint32_t, std::uint32_t to) { received[to] += step.share; });
    }
  }
  return *std::max_element(received.begin(), received.end());
}

void share_reduced(std::vector<Step>& stage, std::uint32_t ranks) {
  const double all = reduced_at_once(stage, ranks);
  const auto adding = std::count_if(stage.begin(), stage.end(), [](const Step& step) { return step.reduced > 0; });
  for (Step& step : stage) {
    step.reduced = step.reduced > 0 ? all / static_cast<double>(adding) : 0;
  }
}

double sent_at_once(const std::vector<Step>& stage, std::uint32_t ranks) {
  double sent = 0;
  for (const Step& step : stage) {
    sent += messages_out(step, ranks) * step.share;
  }
  return sent;
}

double messages_at_port(const Step& step, std::uint32_t ranks) {
  if (step.pairing == Pairing::listed) {
    return std::max(busiest(step, true), busiest(step, false));
  }
  // a copy of each position's part comes back from the switches to every port
  return step.pairing == Pairing::multicast ? values_of(step, ranks) : messages_out(step, ranks);
}

bool Schedule::in_switch() const {
  return std::any_of(stages.begin(), stages.end(), [](const std::vector<Step>& stage) {
    return std::any_of(stage.begin(), stage.end(), [](const Step& step) { return podium::in_switch(step.pairing); });
  });
}

double Schedule::sent_per_rank() const {
  double by_all = 0;
  std::vector<double> listed(ranks);
  for (const std::vector<Step>& stage : stages) {
    for (const Step& step : stage) {
      const double sent = step.share * static_cast<double>(step.repeat);
      by_all += step.pairing == Pairing::listed ? 0 : messages_out(step, ranks) * sent;
      for (const auto& pair : step.pairs) {
        listed.at(pair.first) += sent;
      }
    }
  }
  return by_all + (listed.empty() ? 0 : *std::max_element(listed.begin(), listed.end()));
}

std::size_t Schedule::messages() const {
  std::size_t count = 0;
  for (const std::vector<Step>& stage : stages) {
    for (const Step& step : stage) {
      count += step.pairing == Pairing::listed       ? step.pairs.size()
               : step.pairing == Pairing::all_others ? std::size_t{ranks} * (values_of(step, ranks) - 1)
                                                     : ranks;
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
