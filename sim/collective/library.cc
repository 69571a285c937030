#include "sim/collective/library.h"

#include <algorithm>
#include <cmath>

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

bool does(const Regime& regime, CollectiveKind kind) {
  return std::count(regime.kinds.begin(), regime.kinds.end(), kind) > 0;
}

/// Of `choices` random ones among n, the different ones: n (1 - (1 - 1/n)^choices).
double peers(const Regime& regime, double messages, double ranks) {
  return regime.choices > 0 ? ranks * (1 - std::pow(1 - 1 / ranks, regime.choices)) : messages;
}

/// What a call costs in a regime, as the player and the predictions take it.
Protocol protocol_of(const Regime& regime, const Schedule& schedule, Bytes bytes, Protocol protocol) {
  const double messages = messages_at_port(schedule.stages.front().front(), schedule.ranks);
  protocol.launch = Seconds(regime.launch + regime.per_peer * peers(regime, messages, schedule.ranks));
  if (regime.own > 0) {
    protocol.launch += bytes / schedule.ranks / BytesPerSecond(regime.own);
  }
  protocol.in_switch_launch = protocol.send_launch = protocol.launch;
  protocol.dispatch_launch = protocol.combine_launch = protocol.launch;
  protocol.per_peer = Seconds();
  protocol.step = Seconds(regime.step);
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

std::optional<CommunicationLibrary> load_library(std::string_view system) {
  constexpr const char* folder = "configs/calibration/collective";
  const std::vector<std::string> files = list_files(folder);
  if (std::count(files.begin(), files.end(), system) == 0) {
    return std::nullopt;
  }
  const Document document = Document::load(find_file(folder, system));
  if (const auto same = document.root().find("same_as")) {
    document.root().at("description").text();
    const std::string other = same->text();
    document.close();
    return load_library(other);
  }
  return read_library(document);
}

LibraryTimes::LibraryTimes(const CommunicationLibrary& library, const Topology& merged, Router& router,
                           const CommunicationCosts& costs)
    : library_(library), topology_(merged), router_(router), costs_(costs) {}

const LibraryTimes::Known& LibraryTimes::known(CollectiveKind kind, const Placement& placement) {
  for (const Known& entry : known_) {
    if (entry.kind == kind && entry.placement.groups == placement.groups) {
      return entry;
    }
  }
  const GroupShape shape = shape_of(placement, {}, router_, costs_);
  Known fresh{kind, placement, {}};
  for (const std::string& name : suitable_algorithms(kind, shape)) {
    const bool wanted = std::any_of(library_.regimes.begin(), library_.regimes.end(), [&](const Regime& regime) {
      return does(regime, kind) && regime.algorithm == name;
    });
    if (wanted) {
      const Operation operation{make_schedule(name, kind, shape), placement, {}};
      fresh.fabrics.emplace(name, fold(topology_, router_, {&operation, 1}));
    }
  }
  known_.push_back(std::move(fresh));
  return known_.back();
}

LibraryChoice LibraryTimes::choice(const Regime& regime, const FoldedFabric& fabric, CollectiveKind kind, Bytes bytes) {
  const FoldedOperation& operation = fabric.operations.front();
  const Protocol before = costs_.protocol(operation.plane);
  const Protocol protocol = protocol_of(regime, operation.schedule, bytes, before);
  costs_.protocols[operation.plane] = protocol;
  const Seconds time = predict({.operation = 0, .kind = kind, .bytes = bytes}, fabric, costs_);
  costs_.protocols[operation.plane] = before;
  return {regime.name, regime.algorithm, time, operation.plane, protocol};
}

std::vector<LibraryChoice> LibraryTimes::rank(CollectiveKind kind, const Placement& placement, Bytes bytes) {
  const Known& algorithms = known(kind, placement);
  std::vector<LibraryChoice> choices, beyond;
  for (const Regime& regime : library_.regimes) {
    const auto found = algorithms.fabrics.find(regime.algorithm);
    const bool few = placement.groups.front().size() < regime.fewest;
    if (!does(regime, kind) || few || found == algorithms.fabrics.end()) {
      continue;
    }
    const FoldedOperation& operation = found->second.operations.front();
    if (operation.schedule.stages.empty() || costs_.planes.at(operation.plane) != library_.plane) {
      return {};
    }
    LibraryChoice own = choice(regime, found->second, kind, bytes);
    if (!regime.at_least.empty()) {
      const LibraryChoice other = choice(regime_named(library_, regime.at_least), found->second, kind, bytes);
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

std::optional<Seconds> LibraryTimes::time(CollectiveKind kind, const Placement& placement, Bytes bytes) {
  const std::vector<LibraryChoice> choices = rank(kind, placement, bytes);
  return choices.empty() ? std::nullopt : std::optional(choices.front().predicted);
}

}  // namespace podium
