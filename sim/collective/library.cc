#include "sim/collective/library.h"

#include <algorithm>
#include <cmath>

#include "sim/collective/experts.h"

namespace podium {

namespace {

using Unit = Parameter::Unit;

// no operation on a network begins within a tenth of a microsecond, nor has a library been seen that takes a
// millisecond
constexpr ParameterEntry<Regime> figures[] = {
    {"launch", &Regime::launch, 1e-7, 1e-3, Unit::seconds},
    {"step", &Regime::step, 1e-8, 2e-5, Unit::seconds, false},
    {"per_peer", &Regime::per_peer, 1e-9, 1e-5, Unit::seconds, false},
    {"port", &Regime::port, 1e-3, 1, Unit::none},
    {"peer", &Regime::peer, 1e-4, 1, Unit::none, false},
    {"injection", &Regime::injection, 1e10, 1e13, Unit::bytes_per_second, false},
    {"own", &Regime::own, 1e10, 1e13, Unit::bytes_per_second, false},
};

Regime read_regime(std::string name, const Node& node) {
  Regime regime;
  regime.name = std::move(name);
  const Node algorithm = node.at("algorithm");
  regime.algorithm = algorithm.text();
  Algorithms::find(regime.algorithm, algorithm.where());
  for (const Node& kind : node.at("kinds").items()) {
    regime.kinds.push_back(parse_collective_kind(kind.text(), kind.where()));
  }
  if (const auto also = node.find("also")) {
    for (const Node& name : also->items()) {
      regime.also.push_back(name.text());
    }
  }
  if (const auto plane = node.find("plane")) {
    regime.plane = plane->text();
  }
  if (const auto fewest = node.find("fewest")) {
    regime.fewest = static_cast<std::uint32_t>(fewest->count());
  }
  if (const auto most = node.find("most")) {
    regime.most = most->figure<Bytes>().value();
  }
  if (const auto other = node.find("at_least")) {
    regime.at_least = other->text();
  }
  if (const auto choices = node.find("choices")) {
    regime.choices = static_cast<double>(choices->count());
  }
  if (const auto by_name = node.find("by_name")) {
    regime.by_name = by_name->flag();
  }
  if (const auto balanced = node.find("balanced")) {
    regime.balanced = balanced->flag();
  }
  read_parameters(figures, node, regime);
  return regime;
}

/// InputError where a regime names one that is not there, or does something else.
void check_bounds(const CommunicationLibrary& library, const Node& regimes) {
  for (const Regime& regime : library.regimes) {
    const bool found = std::any_of(library.regimes.begin(), library.regimes.end(), [&](const Regime& other) {
      return other.name == regime.at_least && other.algorithm == regime.algorithm && other.at_least.empty();
    });
    if (!regime.at_least.empty() && !found) {
      regimes.at(regime.name).at("at_least").fail("names a regime of the same algorithm that has no 'at_least' itself");
    }
  }
}

const Regime& regime_named(const CommunicationLibrary& library, const std::string& name) {
  return *std::find_if(library.regimes.begin(), library.regimes.end(),
                       [&](const Regime& regime) { return regime.name == name; });
}

bool goes_by(const Regime& regime, std::string_view name) {
  const auto is_it = [wanted = plain_name(name)](const std::string& own) { return plain_name(own) == wanted; };
  return is_it(regime.name) || std::any_of(regime.also.begin(), regime.also.end(), is_it);
}

bool goes_by_all(const Regime& regime, const std::vector<std::string>& names) {
  return (!names.empty() || !regime.by_name) &&
         std::all_of(names.begin(), names.end(), [&](const std::string& name) { return goes_by(regime, name); });
}

bool does(const Regime& regime, CollectiveKind kind) {
  return std::count(regime.kinds.begin(), regime.kinds.end(), kind) > 0;
}

/// Of `choices` random ones among n, the different ones: n (1 - (1 - 1/n)^choices).
double peers(const Regime& regime, double messages, std::uint32_t ranks, const std::optional<TokenRouting>& routing) {
  if (regime.choices <= 0) {
    return messages;
  }
  if (routing) {
    const std::uint32_t one[] = {0};
    return ranks * chance_to_reach(*routing, ranks, one);
  }
  return regime.balanced ? std::min<double>(ranks, regime.choices)
                         : ranks * (1 - std::pow(1 - 1.0 / ranks, regime.choices));
}

/// What a call costs in a regime, as the player and the predictions take it.
Protocol protocol_of(const Regime& regime, const Schedule& schedule, Bytes bytes,
                     const std::optional<TokenRouting>& routing, Protocol protocol) {
  const double messages = messages_at_port(schedule.stages.front().front(), schedule.ranks);
  protocol.launch = Seconds(regime.launch + regime.per_peer * peers(regime, messages, schedule.ranks, routing));
  if (regime.own > 0) {
    protocol.launch += bytes / schedule.ranks / BytesPerSecond(regime.own);
  }
  protocol.in_switch_launch = protocol.send_launch = protocol.launch;
  protocol.dispatch_launch = protocol.combine_launch = protocol.launch;
  protocol.per_peer = Seconds();
  protocol.step = Seconds(regime.step);
  if (regime.injection > 0) {
    protocol.injection = BytesPerSecond(regime.injection);
  }
  protocol.bulk_efficiency = regime.peer > 0 ? std::min(regime.port, messages * regime.peer) : regime.port;
  protocol.in_switch_efficiency = protocol.bulk_efficiency;
  return protocol;
}

}  // namespace

std::vector<Parameter> parameters_of(CommunicationLibrary& library) {
  std::vector<Parameter> all;
  for (Regime& regime : library.regimes) {
    add_parameters(all, figures, "regimes." + regime.name + ".", regime);
  }
  return all;
}

CommunicationLibrary read_library(const Document& document) {
  const Node root = document.root();
  root.at("description").text();
  CommunicationLibrary library{root.at("stack").text(), root.at("plane").text(), {}};
  for (const auto& [name, node] : root.at("regimes").entries()) {
    library.regimes.push_back(read_regime(name, node));
  }
  check_bounds(library, root.at("regimes"));
  document.close();
  return library;
}

std::optional<CommunicationLibrary> load_library(const SystemSpec& system) {
  if (!system.library) {
    return std::nullopt;
  }
  constexpr const char* folder = "configs/calibration/collective";
  const Document document = Document::load(find_file(folder, *system.library, system.library_where));
  const auto same = document.root().find("same_as");
  if (!same) {
    return read_library(document);
  }
  document.root().at("description").text();
  const std::string shared = find_file(folder, same->text(), same->where());
  document.close();
  return read_library(Document::load(shared));
}

std::optional<CommunicationLibrary> load_library(std::string_view system) { return load_library(load_system(system)); }

std::vector<std::string> regime_names(const CommunicationLibrary& library) {
  std::vector<std::string> names;
  const auto add = [&](const std::string& name) {
    if (std::count(names.begin(), names.end(), name) == 0) {
      names.push_back(name);
    }
  };
  for (const Regime& regime : library.regimes) {
    add(regime.name);
    std::for_each(regime.also.begin(), regime.also.end(), add);
  }
  return names;
}

void check_regime(const CommunicationLibrary& library, std::string_view name, const Location& where) {
  if (std::none_of(library.regimes.begin(), library.regimes.end(),
                   [&](const Regime& regime) { return goes_by(regime, name); })) {
    throw InputError(where, unknown_name("regime", name, regime_names(library)));
  }
}

LibraryTimes::LibraryTimes(const CommunicationLibrary& library, const Topology& merged, Router& router,
                           const CommunicationCosts& costs)
    : library_(library), topology_(merged), router_(router), costs_(costs) {}

const LibraryTimes::Known& LibraryTimes::known(CollectiveKind kind, const Placement& placement,
                                               const std::optional<TokenRouting>& routing) {
  for (const Known& entry : known_) {
    if (entry.kind == kind && entry.routing == routing && entry.placement.groups == placement.groups) {
      return entry;
    }
  }
  const GroupShape shape = shape_of(placement, {}, router_, costs_, routing);
  Known fresh{kind, routing, placement, {}};
  for (const Regime& regime : library_.regimes) {
    const bool as_sent = regime.algorithm == "once_per_rank" && !routing;
    const std::string name = as_sent ? "direct" : regime.algorithm;
    if (does(regime, kind) && fresh.fabrics.count(regime.algorithm) == 0 && Algorithms::find(name).suits(kind, shape)) {
      const Operation operation{make_schedule(name, kind, shape), placement, {}};
      fresh.fabrics.emplace(regime.algorithm, fold(topology_, router_, {&operation, 1}));
    }
  }
  known_.push_back(std::move(fresh));
  return known_.back();
}

LibraryChoice LibraryTimes::choice(const Regime& regime, const FoldedFabric& fabric, CollectiveKind kind, Bytes bytes,
                                   const std::optional<TokenRouting>& routing) const {
  const FoldedOperation& operation = fabric.operations.front();
  const Protocol protocol = protocol_of(regime, operation.schedule, bytes, routing, costs_.protocol(operation.plane));
  const CollectiveCall call{.operation = 0, .kind = kind, .bytes = bytes, .protocol = &protocol};
  const Seconds time = predict(call, fabric, costs_);
  return {regime.name, operation.schedule.algorithm, time, operation.plane, protocol};
}

std::vector<LibraryChoice> LibraryTimes::rank(CollectiveKind kind, const Placement& placement, Bytes bytes,
                                              const std::optional<TokenRouting>& routing,
                                              const std::vector<std::string>& names) {
  const Known& algorithms = known(kind, placement, routing);
  std::vector<LibraryChoice> choices, beyond;
  for (const Regime& regime : library_.regimes) {
    const auto found = algorithms.fabrics.find(regime.algorithm);
    const bool few = placement.groups.front().size() < regime.fewest;
    if (!does(regime, kind) || !goes_by_all(regime, names) || few || found == algorithms.fabrics.end()) {
      continue;
    }
    const FoldedOperation& operation = found->second.operations.front();
    const std::string& plane = regime.plane.empty() ? library_.plane : regime.plane;
    if (operation.schedule.stages.empty() || costs_.planes.at(operation.plane).name != plane) {
      continue;
    }
    LibraryChoice own = choice(regime, found->second, kind, bytes, routing);
    if (!regime.at_least.empty()) {
      const LibraryChoice other = choice(regime_named(library_, regime.at_least), found->second, kind, bytes, routing);
      if (other.predicted > own.predicted) {
        own.predicted = other.predicted;
        own.protocol = other.protocol;
      }
    }
    const double message = bytes.value() * operation.schedule.stages.front().front().share;
    (regime.most > 0 && message > regime.most ? beyond : choices).push_back(std::move(own));
  }
  if (choices.empty()) {
    choices = std::move(beyond);
  }
  std::stable_sort(choices.begin(), choices.end(),
                   [](const LibraryChoice& a, const LibraryChoice& b) { return a.predicted < b.predicted; });
  return choices;
}

std::string LibraryTimes::regimes_that_do(CollectiveKind kind, const Placement& placement, Bytes bytes,
                                          const std::optional<TokenRouting>& routing) {
  std::string names;
  for (const LibraryChoice& choice : rank(kind, placement, bytes, routing)) {
    names += (names.empty() ? "" : ", ") + choice.regime;
  }
  return names.empty() ? "none" : names;
}

std::optional<Seconds> LibraryTimes::time(CollectiveKind kind, const Placement& placement, Bytes bytes,
                                          const std::optional<TokenRouting>& routing) {
  const std::vector<LibraryChoice> choices = rank(kind, placement, bytes, routing);
  return choices.empty() ? std::nullopt : std::optional(choices.front().predicted);
}

}  // namespace podium
