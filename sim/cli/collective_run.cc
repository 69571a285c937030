#include "sim/cli/collective_run.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "sim/cli/command.h"
#include "sim/collective/msccl.h"
#include "sim/collective/verify.h"
#include "sim/system/folding_check.h"

namespace podium {

namespace {

constexpr std::size_t most_sizes = 1000;
constexpr std::uint32_t most_ranks = 1 << 20;

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts{""};
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::uint32_t parse_rank(const std::string& text) {
  std::uint32_t rank = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), rank);
  if (error != std::errc() || end != text.data() + text.size() || rank > most_ranks) {
    throw InputError({"--ranks"},
                     "'" + text + "' is no rank; whole numbers up to " + std::to_string(most_ranks) + " are right");
  }
  return rank;
}

Placement placement_of(const Machine& machine, const std::vector<std::uint32_t>& ranks) {
  Placement placement;
  placement.groups.emplace_back();
  for (const std::uint32_t rank : ranks) {
    placement.groups.front().push_back(machine.node(rank));
  }
  return placement;
}

}  // namespace

bool is_algorithm_file(const std::string& algorithm) {
  return algorithm.ends_with(".xml") || algorithm.ends_with(".xml.gz") || algorithm.ends_with(".xml.zst");
}

std::vector<double> parse_steps(const std::string& text, const Location& where,
                                const std::function<double(const std::string&, const Location&)>& parse) {
  const std::vector<std::string> parts = split(text, ':');
  if (parts.size() > 3) {
    throw InputError(where, "'" + text + "' has " + std::to_string(parts.size()) + " parts; B, B:E or B:E:F is right");
  }
  const double first = parse(parts[0], where);
  const double last = parts.size() > 1 ? parse(parts[1], where) : first;
  const double factor = parts.size() > 2 ? parse_number(parts[2], where) : 2;
  if (last < first) {
    throw InputError(where, "'" + text + "' ends before it begins");
  }
  if (factor <= 1 || (first == 0 && last > first)) {
    throw InputError(where, "'" + text + "' never gets to its end: begin above zero, with a factor above one");
  }
  std::vector<double> sizes;
  for (double size = first; size <= last && sizes.size() <= most_sizes; size *= factor) {
    sizes.push_back(std::floor(size));
    if (size == 0) {
      break;
    }
  }
  if (sizes.size() > most_sizes) {
    throw InputError(where, "'" + text + "' is more than " + std::to_string(most_sizes) + " sizes");
  }
  return sizes;
}

std::vector<Bytes> parse_sizes(const std::string& text, const Location& where) {
  std::vector<Bytes> sizes;
  const auto parse = [](const std::string& part, const Location& place) { return parse_size(part, place).value(); };
  for (const double size : parse_steps(text, where, parse)) {
    sizes.emplace_back(size);
  }
  return sizes;
}

std::vector<std::uint32_t> parse_ranks(const std::string& text) {
  const Location where{"--ranks"};
  std::vector<std::uint32_t> ranks;
  const bool is_count = text.find_first_of(",.") == std::string::npos;
  if (is_count) {
    for (std::uint32_t rank = 0; rank < parse_rank(text); ++rank) {
      ranks.push_back(rank);
    }
  }
  for (const std::string& part : is_count ? std::vector<std::string>() : split(text, ',')) {
    const std::size_t dots = part.find("..");
    const std::uint32_t first = parse_rank(part.substr(0, dots));
    const std::uint32_t last = dots == std::string::npos ? first : parse_rank(part.substr(dots + 2));
    if (last < first) {
      throw InputError(where, "'" + part + "' ends before it begins");
    }
    for (std::uint32_t rank = first; rank <= last; ++rank) {
      ranks.push_back(rank);
    }
  }
  std::set<std::uint32_t> seen;
  for (const std::uint32_t rank : ranks) {
    if (!seen.insert(rank).second) {
      throw InputError(where, "rank " + std::to_string(rank) + " is there twice");
    }
  }
  if (ranks.size() < 2) {
    throw InputError(where, (ranks.empty() ? "0 ranks have" : "1 rank has") +
                                std::string(" nobody to exchange with; 2 or more are right"));
  }
  return ranks;
}

CollectiveRun::CollectiveRun(const Machine& machine, CollectiveKind kind, const std::vector<std::uint32_t>& ranks,
                             const CollectiveOptions& options)
    : machine_(machine),
      kind_(kind),
      options_(options),
      placement_(placement_of(machine, ranks)),
      costs_(communication_costs(machine.system(), machine.chip(), machine.network())),
      router_(machine.network()),
      selector_(machine.network(), router_, costs_),
      faults_{machine.changes(), parse_quantity<Seconds>(options.recovery, {"--recovery"})} {
  if (Networks::find(options.network).needs_wires()) {
    if (const std::string text = leave_out_unequal_trees(costs_, machine.network(), router_); !text.empty()) {
      notes_.insert(text);
    }
  }
  if (!options.sizes.empty()) {
    if (kind != CollectiveKind::all_to_all) {
      throw InputError({"--sizes"}, "are of an all_to_all, not of " + std::string(to_string(kind)));
    }
    if (options.algorithm != "auto") {
      throw InputError({"--sizes"}, "have one algorithm, which no name says: leave out --algorithm");
    }
    sizes_ = read_sizes(options.sizes);
    if (sizes_.size() != ranks.size()) {
      throw InputError({"--sizes"}, options.sizes + " has sizes of an all_to_all among " +
                                        std::to_string(sizes_.size()) + " ranks, not among " +
                                        std::to_string(ranks.size()));
    }
    options_.algorithm = uneven_exchange(sizes_).algorithm;
  }
  if (options.routing && options.routing->slots < static_cast<double>(ranks.size())) {
    throw InputError({"--experts"}, fmt::format("{:g} leave some of {} ranks without one, and those that have some the "
                                                "more to take, which is not modelled: as many as ranks at least",
                                                options.routing->slots, ranks.size()));
  }
  take_library(options);
}

void CollectiveRun::take_library(const CollectiveOptions& options) {
  if (options.library == "on" && options.algorithm == "auto") {
    library_ = load_library(machine_.system());
  }
  if (!options.regime.empty() && !library_) {
    throw InputError({"--regime"}, options.library == "off"      ? "is of the library, which --library turns off"
                                   : options.algorithm != "auto" ? "is of the library, which --algorithm leaves"
                                                                 : "no library was measured on " + options.system);
  }
  if (library_) {
    times_.emplace(*library_, machine_.network(), router_, costs_);
  }
  if (!options.regime.empty()) {
    check_regime(*library_, options.regime, {"--regime"});
  }
}

std::optional<Bytes> CollectiveRun::size() const {
  return sizes_.empty() ? std::nullopt : std::optional(largest_exchange(sizes_));
}

double CollectiveRun::bus_factor() const {
  return sizes_.empty() ? podium::bus_factor(kind_, static_cast<int>(placement_.groups.front().size())) : 1;
}

/// Of uneven sizes, how the library does an even exchange in which every rank has as much for others.
std::vector<LibraryChoice> CollectiveRun::library_choices(Bytes bytes) {
  if (!times_) {
    return {};
  }
  const auto ranks = static_cast<double>(placement_.groups.front().size());
  const Bytes even = sizes_.empty() ? bytes : bytes * ranks / (ranks - 1);
  const auto asked = options_.regime.empty() ? std::vector<std::string>() : std::vector{options_.regime};
  std::vector<LibraryChoice> choices = times_->rank(kind_, placement_, even, options_.routing, asked);
  if (!sizes_.empty()) {
    std::erase_if(choices, [](const LibraryChoice& choice) { return choice.algorithm != "direct"; });
  }
  if (choices.empty() && !asked.empty()) {
    throw InputError({"--regime"},
                     fmt::format("{} does no {} among these ranks; those that do: {}", options_.regime,
                                 to_string(kind_), times_->regimes_that_do(kind_, placement_, even, options_.routing)));
  }
  return choices;
}

TimedCollective CollectiveRun::play(Bytes bytes) {
  TimedCollective row{bytes, {}, options_.algorithm, {}, {}, {}};
  if (const std::vector<LibraryChoice> choices = library_choices(bytes); !choices.empty()) {
    row.algorithm = sizes_.empty() ? choices.front().algorithm : row.algorithm;
    row.regime = choices.front().regime;
    regimes_[row.regime] = choices.front();
    for (const LibraryChoice& choice : sizes_.empty() ? choices : std::vector<LibraryChoice>()) {
      const auto same = [&](const Candidate& other) { return other.algorithm == choice.algorithm; };
      if (std::none_of(row.candidates.begin(), row.candidates.end(), same)) {
        row.candidates.push_back({choice.algorithm, choice.predicted});
      }
    }
  } else if (row.algorithm == "auto") {
    row.candidates = selector_.rank(kind_, placement_, bytes, 1, {}, options_.routing);
    row.algorithm = row.candidates.front().algorithm;
  }
  const Known& played = known(row.algorithm, bytes);
  const CollectiveCall call{0, kind_, bytes};
  row.time = played.fabric
                 ? time_alone(call, *played.fabric, costs_of(row), options_.network)
                 : time_alone(call, machine_.network(), played.operation, costs_of(row), options_.network, faults_);
  if (played.fabric) {
    row.folding = folding_use(*played.fabric);
  }
  if (played.unfolded) {
    check_folding(row, time_alone(call, *played.unfolded, costs_of(row), options_.network));
  }
  return row;
}

/// All ranks of a group end with it.
void CollectiveRun::check_folding(const TimedCollective& row, Seconds unfolded) const {
  const auto picoseconds = [](Seconds time) { return (Time() + time).picoseconds(); };
  if (picoseconds(row.time) != picoseconds(unfolded)) {
    throw RunError("folding is wrong: " + row.algorithm + " of " + std::to_string(std::llround(row.bytes.value())) +
                   " B ends on all ranks after " + std::to_string(picoseconds(row.time)) + " ps, and after " +
                   std::to_string(picoseconds(unfolded)) + " ps where every message runs by itself");
  }
}

CommunicationCosts CollectiveRun::costs_of(const TimedCollective& row) const {
  CommunicationCosts costs = costs_;
  if (!row.regime.empty()) {
    const LibraryChoice& choice = regimes_.at(row.regime);
    costs.protocols[choice.plane] = choice.protocol;
  }
  return costs;
}

const CollectiveRun::Known& CollectiveRun::known(const std::string& algorithm, Bytes bytes) {
  const auto found = known_.find(algorithm);
  if (found != known_.end()) {
    return found->second;
  }
  const auto ranks = static_cast<std::uint32_t>(placement_.groups.front().size());
  Known fresh{{!sizes_.empty() ? uneven_exchange(sizes_)
               : is_algorithm_file(algorithm)
                   ? read_msccl(algorithm, kind_, ranks, notes_)
                   : selector_.choose(algorithm, kind_, placement_, bytes, 1, {}, {"--algorithm"}, options_.routing),
               placement_},
              {},
              {}};
  if (options_.check && !is_algorithm_file(algorithm)) {  // files are followed as they are read
    const Schedule& schedule = fresh.operation.schedule;
    if (const std::string flaw = sizes_.empty() ? flaw_of(kind_, schedule) : flaw_of(sizes_, schedule); !flaw.empty()) {
      throw RunError(algorithm + " does not do " + std::string(to_string(kind_)) + " among " + std::to_string(ranks) +
                     " ranks: " + flaw);
    }
  }
  if (faults_.changes.empty()) {
    const std::string cause = unfoldable(options_.network, machine_.network());
    if (options_.fold.check && !cause.empty()) {
      throw InputError({"--fold"}, "nothing is folded on " + cause + ": there is nothing to check");
    }
    fresh.fabric =
        fold(machine_.network(), router_, {&fresh.operation, 1}, cause.empty() ? options_.fold.folding : Folding::off);
    if (options_.fold.check) {
      fresh.unfolded = fold(machine_.network(), router_, {&fresh.operation, 1}, Folding::off);
    }
  }
  return known_.emplace(algorithm, std::move(fresh)).first->second;
}

const Schedule& CollectiveRun::schedule(const TimedCollective& row) const {
  return known_.at(row.algorithm).operation.schedule;
}

Table<LinkId, Seconds> CollectiveRun::busy_times(const TimedCollective& row) const {
  const Known& played = known_.at(row.algorithm);
  if (!played.fabric) {
    throw InputError({"--draw"}, "the links of a network that changes in the course of a run have no one load");
  }
  const Table<LinkId, Seconds> by_class = podium::busy_times({0, kind_, row.bytes}, *played.fabric, costs_of(row));
  Table<LinkId, Seconds> result;
  for (const std::optional<LinkId>& of : played.fabric->classes) {
    result.push_back(of ? by_class[*of] : Seconds());
  }
  return result;
}

}  // namespace podium
