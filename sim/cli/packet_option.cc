#include "sim/cli/packet_option.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>

#include "sim/core/text.h"
#include "sim/network/network.h"
#include "sim/system/packet_work.h"

namespace podium {

void add_packet_scale_option(CLI::App& app, std::string& text) {
  app.add_option("--packet-scale", text,
                 fmt::format("Packets so many times as large as real ones (default: the power of two that keeps a step "
                             "to {:.0f} million packet-hops)",
                             most_packet_hops / 1e6));
}

std::optional<double> parse_packet_scale(const std::string& text, const std::string& network) {
  if (text.empty()) {
    return std::nullopt;
  }
  const Location where{"--packet-scale"};
  if (!Networks::find(network).has_packets()) {
    throw InputError(where, "the " + network + " network has no packets; 'packet' has");
  }
  const double scale = parse_number(text, where);
  if (scale < 1) {
    throw InputError(where, "'" + text + "' is under 1, the size of real packets");
  }
  return scale;
}

void tell_packet_cost(double hops) {
  constexpr double each_second = 5e6;  // packet-hops on one core; 4 to 18 million were measured
  constexpr double long_work = 5;
  const double seconds = hops / each_second;
  if (seconds > long_work) {
    std::cerr << fmt::format("{:.0f} million packet-hops to do: about {:.0f} {} on one core\n", hops / 1e6,
                             seconds < 90 ? seconds : std::ceil(seconds / 60), seconds < 90 ? "s" : "min");
  }
}

}  // namespace podium
