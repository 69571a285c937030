#include "sim/network/packet_settings.h"

#include "sim/config/config.h"

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
    const std::int64_t channels = node.at("virtual_channels").figure_count();
    if (channels < 1 || channels > 256) {
      node.at("virtual_channels").fail("1 to 256 virtual channels would be right");
    }
    settings.virtual_channels = static_cast<std::uint32_t>(channels);
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
  return settings;
}

}  // namespace

PacketSettings enlarged(PacketSettings settings, double scale) {
  PODIUM_CHECK(scale > 0, "a packet holds something");
  settings.scale *= scale;
  for (Bytes* size :
       {&settings.payload, &settings.pause_at, &settings.resume_at, &settings.mark_from, &settings.mark_to}) {
    *size = *size * scale;
  }
  return settings;
}

std::vector<PacketSettings> load_packet_settings(const std::vector<std::string>& planes) {
  const Document document = Document::load(find_file("configs", "packets"));
  const Node root = document.root();
  const PacketSettings other = read_settings(root.at("other"));
  std::map<std::string, PacketSettings> known;
  for (const auto& [name, node] : root.at("planes").entries()) {
    known.emplace(name, read_settings(node));
  }
  document.close();
  std::vector<PacketSettings> result;
  for (const std::string& plane : planes) {
    const auto found = known.find(plane);
    result.push_back(found == known.end() ? other : found->second);
  }
  return result;
}

}  // namespace podium
