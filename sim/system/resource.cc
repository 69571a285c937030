#include "sim/system/resource.h"

#include "sim/system/machine.h"

namespace podium {

std::string to_string(const Resource& resource) {
  switch (resource.kind) {
    case Resource::Kind::compute:
      return "compute rate";
    case Resource::Kind::memory:
      return "memory bandwidth";
    case Resource::Kind::launches:
      return "kernel launches";
    case Resource::Kind::host:
      return "host time";
    case Resource::Kind::bandwidth:
      return resource.plane + " bandwidth";
    case Resource::Kind::latency:
      return resource.plane + " latency";
  }
  return "";
}

namespace {

void widen(Topology& network, Protocol& protocol, std::uint32_t plane, double factor) {
  for (Link& link : network.links) {
    link.bandwidth *= link.plane == plane ? factor : 1;
  }
  for (SharedCapacity& shared : network.shared) {
    shared.capacity *= shared.plane == plane ? factor : 1;
  }
  for (std::optional<BytesPerSecond>* rate : {&protocol.sum_bandwidth, &protocol.injection}) {
    if (*rate) {
      **rate *= factor;
    }
  }
}

void hasten(Topology& network, Protocol& protocol, std::uint32_t plane, double factor) {
  for (Link& link : network.links) {
    link.latency *= link.plane == plane ? 1 / factor : 1;
  }
  network.planes[plane].endpoint_latency *= 1 / factor;
  network.planes[plane].switch_latency *= 1 / factor;
  for (Seconds* time : {&protocol.launch, &protocol.step, &protocol.send_launch, &protocol.dispatch_launch,
                        &protocol.combine_launch, &protocol.per_peer, &protocol.in_switch_launch}) {
    *time *= 1 / factor;
  }
}

}  // namespace

Machine Machine::improved(const Resource& resource, double factor) const {
  PODIUM_CHECK(factor > 0);
  Machine better = *this;
  switch (resource.kind) {
    case Resource::Kind::compute:
      for (auto& [type, peak] : better.chip_.matrix_peak) {
        peak *= factor;
      }
      better.chip_.vector_peak *= factor;
      break;
    case Resource::Kind::memory:
      better.chip_.memory_bandwidth *= factor;
      break;
    case Resource::Kind::launches:
      better.launch_speed_ *= factor;
      break;
    case Resource::Kind::host:
      better.chip_.graph_launch *= 1 / factor;
      break;
    case Resource::Kind::bandwidth:
    case Resource::Kind::latency:
      const std::uint32_t plane = network_.plane_index(resource.plane);
      Protocol unused;
      const auto known = better.system_.protocols.find(resource.plane);
      Protocol& protocol = known == better.system_.protocols.end() ? unused : known->second;
      (resource.kind == Resource::Kind::bandwidth ? widen : hasten)(better.network_, protocol, plane, factor);
      break;
  }
  return better;
}

}  // namespace podium
