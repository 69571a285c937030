#include "sim/network/packet_settings.h"

#include <map>

#include "sim/config/config.h"
#include "sim/core/text.h"

namespace podium {

namespace {

FlowControl read_flow_control(const Node& node) {
  const std::string word = node.one_of({"credits", "pause", "drop"});
  return word == "credits" ? FlowControl::credits : word == "pause" ? FlowControl::pause : FlowControl::drop;
}

PathChoice read_path_choice(const Node& node) {
  const std::string word = node.one_of({"spray", "adaptive", "hash"});
  return word == "spray" ? PathChoice::spray : word == "adaptive" ? PathChoice::adaptive : PathChoice::hash;
}

DcqcnSettings read_dcqcn(const Node& node) {
  DcqcnSettings dcqcn;
  dcqcn.gain = node.at("gain").figure_number();
  dcqcn.notification = node.at("notification").figure<Seconds>();
  dcqcn.decay = node.at("decay").figure<Seconds>();
  dcqcn.increase_after = node.at("increase_after").figure<Seconds>();
  dcqcn.increase_each = node.at("increase_each").figure<Bytes>();
  dcqcn.fast_recovery = static_cast<int>(node.at("fast_recovery").figure_count());
  dcqcn.additive = node.at("additive").figure_number();
  dcqcn.hyper = node.at("hyper").figure_number();
  dcqcn.least = node.at("least").figure<BytesPerSecond>();
  return dcqcn;
}

PacketSettings read_settings(const Node& node) {
  PacketSettings settings;
  settings.payload = node.at("payload").figure<Bytes>();
  if (!(settings.payload > Bytes(0))) {
    node.at("payload").fail("a packet holds at least a byte");
  }
  settings.flow_control = read_flow_control(node.at("flow_control"));
  settings.path_choice = read_path_choice(node.at("path_choice"));
  settings.forwarding = node.at("forwarding").one_of({"cut_through", "store_and_forward"}) == "cut_through"
                            ? Forwarding::cut_through
                            : Forwarding::store_and_forward;
  if (settings.flow_control == FlowControl::credits) {
    settings.spare_packets = static_cast<std::uint32_t>(node.at("spare_packets").figure_count());
    return settings;
  }
  settings.pause_at = node.at("pause_at").figure<Bytes>();
  settings.resume_at = node.at("resume_at").figure<Bytes>();
  const Node marks = node.at("marks");
  settings.mark_from = marks.at("from").figure<Bytes>();
  settings.mark_to = marks.at("to").figure<Bytes>();
  settings.mark_most = marks.at("most").figure_number();
  settings.marks = true;
  settings.dcqcn = read_dcqcn(node.at("dcqcn"));
  return settings;
}

PacketSettings settings_of(const PacketPlane& plane, const std::map<std::string, PacketSettings>& known,
                           const PacketSettings& other) {
  const auto found = known.find(plane.packets.empty() ? plane.name : plane.packets);
  if (found == known.end() && !plane.packets.empty()) {
    std::vector<std::string> names;
    for (const auto& [name, settings] : known) {
      names.push_back(name);
    }
    throw InputError("plane '" + plane.name + "': " + unknown_name("kind of packets", plane.packets, names));
  }
  PacketSettings settings = found == known.end() ? other : found->second;
  settings.name = found == known.end() ? "other" : found->first;
  settings.channels = {plane.routing.order, 0, static_cast<std::uint8_t>(plane.routing.virtual_channels - 1)};
  settings.seed = plane.routing.seed;
  settings.detour = plane.routing.detour;
  return settings;
}

}  // namespace

PacketSettings enlarged(PacketSettings settings, double scale) {
  PODIUM_CHECK(scale > 0, "a packet holds something");
  settings.scale *= scale;
  if (settings.headroom) {
    settings.headroom = *settings.headroom * scale;
  }
  for (Bytes* size :
       {&settings.payload, &settings.pause_at, &settings.resume_at, &settings.mark_from, &settings.mark_to}) {
    *size = *size * scale;
  }
  return settings;
}

PacketPlane packet_plane(const Plane& plane) { return {plane.name, plane.packets, plane.routing}; }

std::vector<PacketPlane> packet_planes(const Topology& topology) {
  std::vector<PacketPlane> planes;
  for (const Plane& plane : topology.planes) {
    planes.push_back(packet_plane(plane));
  }
  return planes;
}

std::vector<PacketSettings> load_packet_settings(const std::vector<PacketPlane>& planes) {
  const Document document = Document::load(find_file("configs", "packets"));
  const Node root = document.root();
  const PacketSettings other = read_settings(root.at("other"));
  std::map<std::string, PacketSettings> known;
  for (const auto& [name, node] : root.at("planes").entries()) {
    known.emplace(name, read_settings(node));
  }
  document.close();
  std::vector<PacketSettings> result;
  for (const PacketPlane& plane : planes) {
    result.push_back(settings_of(plane, known, other));
  }
  return result;
}

}  // namespace podium
