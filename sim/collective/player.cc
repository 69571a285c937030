#include "sim/collective/player.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <utility>

#include "sim/network/closed_form.h"

namespace podium {

const Protocol& CommunicationCosts::protocol(std::uint32_t plane) const {
  PODIUM_CHECK(plane < protocols.size());
  if (!protocols[plane]) {
    throw InputError("the system has no communication protocol for plane '" + planes[plane].name + "'");
  }
  return *protocols[plane];
}

CommunicationCosts communication_costs(const SystemSpec& system, const ChipSpec& chip, const Topology& topology) {
  CommunicationCosts costs;
  costs.memory_bandwidth = chip.memory_bandwidth;
  for (const Plane& plane : topology.planes) {
    const auto found = system.protocols.find(plane.name);
    costs.protocols.push_back(found == system.protocols.end() ? std::nullopt : std::optional(found->second));
  }
  costs.planes = packet_planes(topology);
  return costs;
}

std::string leave_out_unequal_trees(CommunicationCosts& costs, const Topology& topology, Router& router) {
  constexpr double equal = 1e-6;
  std::string planes;
  for (std::uint32_t plane = 0; plane < costs.protocols.size() && topology.accelerators > 1; ++plane) {
    std::optional<Protocol>& protocol = costs.protocols[plane];
    if (!protocol || !protocol->in_switch_reduction) {
      continue;
    }
    const NodeId pair[] = {NodeId(0), NodeId(1)};
    const std::optional<Route> tree = router.multicast(pair[0], pair, plane);
    const auto differs = [&](const LinkLoad& use) { return std::abs(use.load / tree->links[0].load - 1) > equal; };
    if (tree && std::any_of(tree->links.begin(), tree->links.end(), differs)) {
      protocol->in_switch_reduction = false;
      planes += (planes.empty() ? "" : ", ") + topology.planes[plane].name;
    }
  }
  return planes.empty() ? "" : "switches of " + planes + " are not alike: this network does no collective in them";
}

const Protocol& protocol_of(const CollectiveCall& call, const FoldedOperation& operation,
                            const CommunicationCosts& costs) {
  return call.protocol != nullptr ? *call.protocol : costs.protocol(operation.plane);
}

namespace {

/// Those to which a rank sends in all, or that send to it.
double peers_of_rank(const Schedule& schedule) {
  double peers = 0;
  for (const std::vector<Step>& stage : schedule.stages) {
    for (const Step& step : stage) {
      peers += messages_at_port(step, schedule.ranks) * step.repeat;
    }
  }
  return peers;
}

}  // namespace

Seconds launch_time(CollectiveKind kind, const Schedule& schedule, const Protocol& protocol) {
  const Seconds peers = protocol.per_peer * peers_of_rank(schedule);
  switch (kind) {
    case CollectiveKind::send:
      return protocol.send_launch;
    case CollectiveKind::dispatch:
      return protocol.dispatch_launch + peers;
    case CollectiveKind::combine:
      return protocol.combine_launch + peers;
    default:
      return schedule.in_switch() ? protocol.in_switch_launch : protocol.launch;
  }
}

double efficiency(const Step& step, const Protocol& protocol) {
  return in_switch(step.pairing) ? protocol.in_switch_efficiency : protocol.bulk_efficiency;
}

Seconds step_time(CollectiveKind kind, const Protocol& protocol) {
  const bool one_sided = kind == CollectiveKind::send || is_expert_exchange(kind);
  return one_sided ? Seconds() : protocol.step;
}

std::uint32_t splits_of(CollectiveKind kind, const Protocol& protocol) {
  return kind == CollectiveKind::send ? 1 : protocol.splits;
}

Seconds reduction_time(const std::vector<Step>& stage, Bytes bytes, BytesPerSecond memory, const Protocol& protocol) {
  double reduced = 0;
  for (const Step& step : stage) {
    reduced += step.reduced;
  }
  if (reduced > 0 && protocol.sum_bandwidth) {
    return 3 * closed_form_delay(Seconds(), reduced * bytes, *protocol.sum_bandwidth);
  }
  return reduced > 0 ? 3 * reduced * bytes / memory : Seconds();
}

Seconds injection_time(const std::vector<Step>& stage, std::uint32_t ranks, Bytes bytes, const Protocol& protocol) {
  return protocol.injection ? sent_at_once(stage, ranks) * bytes / *protocol.injection : Seconds();
}

Seconds fill_time(const Step& step, std::uint32_t ranks, const std::vector<Bundle>& bundles,
                  const Table<LinkId, BytesPerSecond>& capacities, Bytes message, Seconds step_time) {
  if (step.depth == 1) {
    return Seconds();
  }
  // by latency, in lowest terms below: the mean is the same for one group and for many that are alike
  std::map<double, std::uint64_t> count_of;
  // of one message and not of all on a link: those of other groups are here only where groups are simulated as one
  Seconds alone;
  for (const Bundle& bundle : bundles) {
    count_of[bundle.route.latency.value()] += static_cast<std::uint64_t>(bundle.multiplicity);
    for (const LinkLoad& link : bundle.route.links) {
      alone = std::max(alone, link.load * message / capacities[link.link]);
    }
  }
  const Seconds wire = messages_at_port(step, ranks) * alone;
  std::uint64_t common = 0;
  for (const auto& [latency, count] : count_of) {
    common = std::gcd(common, count);
  }
  Seconds latencies;
  double messages = 0;
  for (const auto& [latency, count] : count_of) {
    const auto reduced = static_cast<double>(count) / static_cast<double>(common);
    latencies += Seconds(latency) * reduced;
    messages += reduced;
  }
  const Seconds hops = messages > 0 ? (step.depth - 1) * (latencies / messages + step_time) : Seconds();
  return in_switch(step.pairing) ? hops : hops + Seconds(2 * std::sqrt(hops.value() * wire.value()));
}

Player::Player(Engine& engine, Network& network, const FoldedFabric& fabric, const CommunicationCosts& costs)
    : engine_(engine), network_(network), fabric_(&fabric), costs_(costs) {}

void Player::play(const CollectiveCall& call, Action done) {
  PODIUM_CHECK(call.operation < fabric_->operations.size());
  PODIUM_CHECK(call.bytes >= Bytes() && call.imbalance >= 1);
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(plays_.size()));
    plays_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  Play& play = plays_[index];
  play = Play();
  play.call = call;
  play.done = std::move(done);
  const FoldedOperation& folded = operation(play);
  if (!folded.schedule.stages.empty()) {
    const Protocol& protocol = this->protocol(play);
    play.step_time = step_time(call.kind, protocol);
    play.launch = launch_time(call.kind, folded.schedule, protocol);
    play.splits = splits_of(call.kind, protocol);
  }
  play.bytes = call.bytes * call.imbalance / play.splits;
  engine_.after(play.launch, [this, index] { begin(index); });
}

/// Begins the stage that is next, or ends the split.
void Player::begin(std::uint32_t index) {
  Play& play = plays_[index];
  if (play.stage == operation(play).schedule.stages.size()) {
    end_split(index);
    return;
  }
  if (play.step_time > Seconds()) {
    engine_.after(play.step_time, [this, index] { send(index); });
  } else {
    send(index);
  }
}

void Player::end_split(std::uint32_t index) {
  Play& play = plays_[index];
  if (--play.splits > 0) {
    play.stage = 0;
    engine_.after(play.launch, [this, index] { begin(index); });
    return;
  }
  Action done = std::move(play.done);
  free_.push_back(index);
  done();
}

void Player::send(std::uint32_t index) {
  Play& play = plays_[index];
  const FoldedOperation& folded = operation(play);
  const std::vector<Step>& stage = folded.schedule.stages[play.stage];
  const Protocol& protocol = this->protocol(play);
  const Seconds sums =
      protocol.sum_bandwidth ? Seconds() : reduction_time(stage, play.bytes, costs_.memory_bandwidth, protocol);
  const Seconds own = std::max(sums, injection_time(stage, folded.schedule.ranks, play.bytes, protocol));
  play.sent.clear();
  play.outstanding = own > Seconds() ? 1 : 0;
  for (const std::uint32_t pattern : folded.patterns[play.stage]) {
    play.outstanding += fabric_->patterns[pattern].size();
  }
  if (play.outstanding == 0) {
    play.outstanding = 1;
    arrived(index);
    return;
  }
  if (own > Seconds()) {
    engine_.after(own, [this, index] { arrived(index); });
  }
  for (std::size_t step = 0; step < stage.size(); ++step) {
    const Seconds fill =
        fill_time(stage[step], folded.schedule.ranks, fabric_->patterns[folded.patterns[play.stage][step]],
                  fabric_->capacities, message_size(play, stage[step]), play.step_time);
    if (fill > Seconds()) {
      engine_.after(fill, [this, index, step] { send_step(index, step); });
    } else {
      send_step(index, step);
    }
  }
}

/// One message of a step as the wire takes it, what the protocol loses included.
Bytes Player::message_size(const Play& play, const Step& step) const {
  return play.bytes * (step.share / efficiency(step, protocol(play)));
}

void Player::send_step(std::uint32_t index, std::size_t step) {
  Play& play = plays_[index];
  const FoldedOperation& folded = operation(play);
  const Step& sent = folded.schedule.stages[play.stage][step];
  const Bytes bytes = message_size(play, sent);
  const double weight = 1 / messages_at_port(sent, folded.schedule.ranks);
  const std::uint32_t pattern = folded.patterns[play.stage][step];
  const std::vector<Bundle>& bundles = fabric_->patterns[pattern];
  for (std::uint32_t i = 0; i < bundles.size(); ++i) {
    const TransferId transfer = network_.send(
        {.route = &bundles[i].route, .bytes = bytes, .weight = weight, .multiplicity = bundles[i].multiplicity},
        [this, index] { arrived(index); });
    play.sent.push_back({transfer, pattern, i});
  }
}

void Player::reroute(const FoldedFabric& other) {
  PODIUM_CHECK(other.capacities.size() == fabric_->capacities.size(), "both are unfolded");
  for (const Play& play : plays_) {
    for (const Sent& sent : play.sent) {
      network_.reroute(sent.transfer, other.patterns.at(sent.pattern).at(sent.bundle).route);
    }
  }
  fabric_ = &other;
}

void Player::arrived(std::uint32_t index) {
  Play& play = plays_[index];
  if (--play.outstanding > 0) {
    return;
  }
  const FoldedOperation& folded = operation(play);
  const Protocol& protocol = this->protocol(play);
  const Seconds sums = protocol.sum_bandwidth ? reduction_time(folded.schedule.stages[play.stage], play.bytes,
                                                               costs_.memory_bandwidth, protocol)
                                              : Seconds();
  if (sums > Seconds()) {
    engine_.after(sums, [this, index] { end_step(index); });
  } else {
    end_step(index);
  }
}

void Player::end_step(std::uint32_t index) {
  Play& play = plays_[index];
  if (++play.repeat == operation(play).schedule.stages[play.stage].front().repeat) {
    play.repeat = 0;
    ++play.stage;
  }
  begin(index);
}

std::unique_ptr<Network> make_network(std::string_view name, Engine& engine, const FoldedFabric& fabric,
                                      const std::vector<PacketSettings>& packets) {
  const NetworkModel& model = Networks::find(name);
  const bool has_wires = fabric.wires.size() == fabric.capacities.size();
  if (model.needs_wires() && !has_wires && !fabric.wires.empty()) {
    throw InputError("network model '" + std::string(name) +
                     "' knows no capacities that links share (half-duplex cables, switch chips); flow does");
  }
  return model.needs_wires() && has_wires ? model.on(engine, {fabric.wires, packets})
                                          : model(engine, fabric.capacities);
}

std::vector<PacketSettings> packets_of(std::string_view network, const CommunicationCosts& costs) {
  return Networks::find(network).needs_wires() ? load_packet_settings(costs.planes) : std::vector<PacketSettings>();
}

namespace {

/// All steps, one after the other.
Seconds play_alone(const CollectiveCall& call, const FoldedFabric& fabric, const CommunicationCosts& costs,
                   std::string_view network_name) {
  Engine engine;
  const std::unique_ptr<Network> network = make_network(network_name, engine, fabric, packets_of(network_name, costs));
  Player player(engine, *network, fabric, costs);
  std::optional<Time> end;
  player.play(call, [&] { end = engine.now(); });
  engine.run();
  if (!end) {
    throw RunError(
        "the collective never ended: a link that it needs has no capacity, or so little that it would end after the "
        "106 days that can be simulated");
  }
  return since_start(*end);
}

/// Each stage once: between the steps of one call nothing is under way, so that its repeats take as long.
Seconds play_stages_alone(const CollectiveCall& call, const FoldedFabric& fabric, const CommunicationCosts& costs,
                          std::string_view network_name) {
  const FoldedOperation& whole = fabric.operations[call.operation];
  const Protocol& protocol = protocol_of(call, whole, costs);
  Protocol launched = protocol;
  for (Seconds* launch : {&launched.launch, &launched.in_switch_launch, &launched.send_launch,
                          &launched.dispatch_launch, &launched.combine_launch, &launched.per_peer}) {
    *launch = Seconds();
  }
  launched.splits = 1;
  FoldedFabric stages = fabric;
  stages.operations.clear();
  const std::uint32_t splits = splits_of(call.kind, protocol);
  const Bytes bytes = call.bytes * call.imbalance / splits;
  Time end = Time() + launch_time(call.kind, whole.schedule, protocol);
  for (std::uint32_t s = 0; s < whole.schedule.stages.size(); ++s) {
    FoldedOperation& stage = stages.operations.emplace_back(whole);
    stage.schedule.stages = {whole.schedule.stages[s]};
    stage.patterns = {whole.patterns[s]};
    const std::uint32_t repeat = stage.schedule.stages.front().front().repeat;
    for (Step& step : stage.schedule.stages.front()) {
      step.repeat = 1;
    }
    end = end + repeat * play_alone({s, call.kind, bytes, 1, &launched}, stages, costs, network_name);
  }
  return since_start(Time() + splits * since_start(end));  // in whole picoseconds
}

}  // namespace

Seconds time_alone(const CollectiveCall& call, const FoldedFabric& fabric, const CommunicationCosts& costs,
                   std::string_view network_name) {
  const std::vector<std::vector<Step>>& stages = fabric.operations.at(call.operation).schedule.stages;
  const bool repeats = std::ranges::any_of(stages, [](const auto& stage) { return stage.front().repeat > 1; });
  // packets leave traces behind: credits on their way back, marks, rates
  const bool forgets = !Networks::find(network_name).needs_wires();
  return repeats && forgets ? play_stages_alone(call, fabric, costs, network_name)
                            : play_alone(call, fabric, costs, network_name);
}

}  // namespace podium
