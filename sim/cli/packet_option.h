#pragma once

#include <optional>
#include <string>

namespace CLI {
class App;
}

namespace podium {

/// Adds `--packet-scale N`.
void add_packet_scale_option(CLI::App& app, std::string& text);
/// Nothing where nothing was asked for. InputError: no number, under 1, or a network without packets.
std::optional<double> parse_packet_scale(const std::string& text, const std::string& network);

/// Before work that is long: says on stderr how long about.
void tell_packet_cost(double hops);

}  // namespace podium
