#include "sim/report/topology_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/core/text.h"
#include "sim/report/drawing.h"
#include "sim/report/svg.h"
#include "sim/report/topology_layers.h"

namespace podium {
namespace {

constexpr double topology_left = 270;   // where the drawing begins; captions stand before it
constexpr std::size_t most_chips = 36;  // of a row that are drawn one by one

/// A place on a box's edge that leans towards `target`, so that lines do not all meet in one point.
double lean(const Box& box, double target) {
  return box.x + box.w * (0.15 + 0.7 * (target - topology_left) / (page_right - topology_left));
}

std::string counted(std::size_t count, const std::string& one, const std::string& many) {
  return with_commas(static_cast<long long>(count)) + " " + (count == 1 ? one : many);
}

class TopologyPicture {
 public:
  TopologyPicture(const Topology& topology, const std::vector<PlaneMeasures>& measures)
      : topology_(topology), measures_(measures), layers_(find_layers(topology)) {}

  std::string draw() {
    canvas_.text(40, 44, topology_.name, 24, ink, "start", "bold");
    canvas_.text(40, 68, topology_.description, 14, faint);
    double y = 100;
    for (const SwitchRow& row : layers_.above) {
      caption(row, 40, y);
      y = draw_row(row, topology_left, page_right, y) + 95;
    }
    y = draw_below(draw_nodes(y) + 45);
    draw_links();
    return canvas_.finish(draw_figures(y + 20));
  }

 private:
  std::uint32_t servers() const {
    const std::uint32_t drawn = std::min(topology_.accelerators, topology_.accelerators_per_domain);
    return (drawn + topology_.accelerators_per_node - 1) / topology_.accelerators_per_node;
  }

  std::vector<NodeId> inside(std::uint32_t server) const {
    const auto found = layers_.inside.find(server);
    return found == layers_.inside.end() ? std::vector<NodeId>() : found->second;
  }

  std::string colour(NodeId node) const {
    const std::uint32_t part = layers_.sub_plane[node.index()];
    return part == 0 ? steel : fmt::format("hsl({}, 55%, 45%)", part * 47 % 360);
  }

  /// "5,376 links of 28 GB/s to L1" for each kind of link from a row down to what is nearer to the accelerators.
  std::vector<std::string> captions(const SwitchRow& row) const {
    Table<NodeId, std::uint8_t> here(topology_.nodes.size(), 0);
    for (const NodeId node : row.switches) {
      here[node] = 1;
    }
    std::map<std::pair<std::string, double>, long long> cables;
    for (const Link& link : topology_.links) {
      if (link.plane == row.plane && here[link.from] != 0 && link.from > link.to && link.cables > 0) {
        cables[{topology_.nodes[link.to].tier, link.bandwidth.value() / link.cables}] += link.cables;
      }
    }
    std::vector<std::string> lines;
    for (const auto& [kind, count] : cables) {
      lines.push_back(
          fmt::format("{} links of {} to {}", with_commas(count), to_text(BytesPerSecond(kind.second)), kind.first));
    }
    return lines;
  }

  /// Scale-out planes, the first one wide and others in columns beside it. Returns the y below them.
  double draw_below(double top) {
    constexpr double column = 170;
    const std::uint32_t wide = layers_.below.empty() ? 0 : layers_.below.front().plane;
    std::set<std::uint32_t> others;
    for (const SwitchRow& row : layers_.below) {
      others.insert(row.plane);
    }
    others.erase(wide);
    double lowest = top;
    double y = top;
    double x = page_right - column * static_cast<double>(others.size());
    const double split = x;
    std::uint32_t plane = wide;
    for (const SwitchRow& row : layers_.below) {
      if (row.plane != plane) {
        x += plane == wide ? 0 : column;
        y = top;
        plane = row.plane;
      }
      if (plane == wide) {
        caption(row, 40, y);
        y = draw_row(row, topology_left, split, y) + 50;
      } else {
        const double below = draw_row(row, x, x + column, y);
        caption(row, x + 20, below + 8);
        y = below + 80;
      }
      lowest = std::max(lowest, y);
    }
    return lowest;
  }

  void caption(const SwitchRow& row, double x, double y) {
    const NetworkNode& first = topology_.nodes[row.switches.front()];
    canvas_.text(x, y + 12, counted(row.switches.size(), first.tier, first.tier), 15, ink, "start", "bold");
    const Plane& plane = topology_.planes[row.plane];
    canvas_.text(x, y + 28, fmt::format("{} ({})", plane.name, plane.fabric), 12, faint);
    double line = y + 44;
    for (const std::string& text : captions(row)) {
      canvas_.text(x, line, text, 12, faint);
      line += 16;
    }
  }

  /// Returns the y below the row.
  double draw_row(const SwitchRow& row, double from, double to, double y) {
    std::map<std::uint32_t, std::vector<NodeId>> groups;
    const bool one_by_one = row.switches.size() <= most_chips;
    for (std::size_t i = 0; i < row.switches.size(); ++i) {
      groups[one_by_one ? static_cast<std::uint32_t>(i) : layers_.sub_plane[row.switches[i].index()]].push_back(
          row.switches[i]);
    }
    if (groups.size() > most_chips) {
      groups = {{0, row.switches}};
    }
    const double height = one_by_one ? 26 : 46;
    const double slot = (to - from) / static_cast<double>(groups.size());
    double x = from;
    for (const auto& [key, switches] : groups) {
      const double w = std::min(slot * 0.8, switches.size() == 1 ? 60.0 : 400.0);
      draw_group(switches, {x + (slot - w) / 2, y, w, height});
      x += slot;
    }
    return y + height;
  }

  void draw_group(const std::vector<NodeId>& switches, const Box& box) {
    const std::string fill = colour(switches.front());
    for (const NodeId node : switches) {
      place_[node] = box;
    }
    if (switches.size() == 1) {
      canvas_.rectangle(box, fill, "white", 4);
      return;
    }
    canvas_.rectangle(box, paper, fill, 4);
    const auto fit = static_cast<std::size_t>(std::max(1.0, (box.w - 8) / 7));
    const std::size_t columns = std::min({(switches.size() + 1) / 2, std::size_t{16}, fit});
    const std::size_t shown = std::min(switches.size(), 2 * columns);
    const double chip = std::min((box.w - 8) / static_cast<double>(columns), 12.0);
    for (std::size_t i = 0; i < shown; ++i) {
      const std::size_t row = i / columns;
      canvas_.rectangle({box.middle() + (static_cast<double>(i % columns) - static_cast<double>(columns) / 2) * chip,
                         box.y + 4 + static_cast<double>(row) * chip, chip - 2, chip - 2},
                        fill, "none");
    }
    canvas_.text(box.middle(), box.bottom() - 5, "× " + with_commas(static_cast<long long>(switches.size())), 11, ink,
                 "middle");
  }

  // the size of what is drawn inside a node
  std::size_t packages() const { return topology_.accelerators_per_node / topology_.accelerators_per_package; }
  std::size_t columns() const {
    return packages() <= 2    ? std::max<std::size_t>(1, packages())
           : packages() <= 4  ? 2
           : packages() <= 8  ? 4
           : packages() <= 16 ? 8
                              : 16;
  }
  double die() const { return packages() > 16 ? 8 : 14; }
  double package_width() const { return static_cast<double>(topology_.accelerators_per_package) * (die() + 2) + 4; }
  double node_width() const { return std::max(48.0, static_cast<double>(columns()) * (package_width() + 4) + 8); }
  double node_height() const {
    const std::size_t rows = (packages() + columns() - 1) / columns();
    return (layers_.inside.empty() ? 10 : 34) + static_cast<double>(rows) * (die() + 10) +
           (topology_.hosts_per_node > 0 ? 24 : 4);
  }

  /// Returns the y below the nodes.
  double draw_nodes(double y) {
    const double pitch = node_width() + (packages() > 4 ? 40 : 4);
    const auto fits = static_cast<std::uint32_t>(std::max(3.0, (page_right - topology_left) / pitch));
    const bool all = servers() <= fits;
    const std::uint32_t slots = all ? servers() : fits;
    const double slot = (page_right - topology_left) / slots;
    for (std::uint32_t i = 0; i < slots; ++i) {
      const Box box{topology_left + slot * (i + 0.5) - node_width() / 2, y, node_width(), node_height()};
      if (!all && i + 2 == slots) {
        canvas_.text(box.middle(), y + box.h / 2, "…", 36, faint, "middle");
        continue;
      }
      draw_node(!all && i + 1 == slots ? servers() - 1 : i, box);
    }
    caption_nodes(y);
    return y + node_height() + 18;
  }

  void draw_node(std::uint32_t server, const Box& box) {
    canvas_.rectangle(box, paper, faint, 6);
    canvas_.text(box.middle(), box.bottom() + 14, fmt::format("{}", server), 11, faint, "middle");
    const std::vector<NodeId> chips = inside(server);
    const double pitch = chips.empty() ? 0 : (box.w - 12) / static_cast<double>(chips.size());
    for (std::size_t i = 0; i < chips.size(); ++i) {
      const double w = std::min(pitch - 2, 24.0);
      place_[chips[i]] = {box.x + 6 + pitch * (static_cast<double>(i) + 0.5) - w / 2, box.y + 6, w, 16};
      canvas_.rectangle(place_[chips[i]], colour(chips[i]), "none");
    }
    double y = box.y + (layers_.inside.empty() ? 8 : 32);
    const std::uint32_t first = server * topology_.accelerators_per_node;
    const std::uint32_t count = std::min(topology_.accelerators_per_node, topology_.accelerators - first);
    for (std::uint32_t i = 0; i < count; ++i) {
      place_[topology_.accelerator(first + i)] = box;
      const std::uint32_t package = i / topology_.accelerators_per_package;
      const std::size_t row = package / columns();
      const std::uint32_t in_package = i % topology_.accelerators_per_package;
      const double inner = static_cast<double>(columns()) * (package_width() + 4) - 4;
      const Box outline{box.middle() - inner / 2 + static_cast<double>(package % columns()) * (package_width() + 4),
                        y + static_cast<double>(row) * (die() + 10), package_width(), die() + 6};
      if (in_package == 0) {
        canvas_.rectangle(outline, "white", "#9aa5b1");
      }
      canvas_.rectangle({outline.x + 3 + in_package * (die() + 2), outline.y + 3, die(), die()}, green, "none");
    }
    const double cpu = (box.w - 12) / std::max(1U, topology_.hosts_per_node);
    for (std::uint32_t k = 0; k < topology_.hosts_per_node; ++k) {
      canvas_.rectangle({box.x + 8 + cpu * k, box.bottom() - 20, cpu - 4, 14}, orange, "none");
    }
  }

  void caption_nodes(double y) {
    const auto line = [this, &y](const std::string& text, double size, const char* fill, const char* weight) {
      canvas_.text(40, y += size + 4, text, size, fill, "start", weight);
    };
    line(counted(servers(), "node", "nodes"), 15, ink, "bold");
    if (topology_.domains > 1) {
      line(fmt::format("one of {} domains", with_commas(topology_.domains)), 12, ink, "normal");
    }
    const std::string& tier = topology_.nodes[NodeId(0)].tier;
    line(topology_.accelerators_per_package > 1
             ? fmt::format("each {} packages of {} {}", packages(), topology_.accelerators_per_package, tier)
             : fmt::format("each {} {}", packages(), tier),
         12, green, "normal");
    if (topology_.hosts_per_node > 0) {
      line(fmt::format("{} {}", topology_.hosts_per_node, topology_.nodes[topology_.host_of(0)].tier), 12, orange,
           "normal");
    }
    std::map<std::string, std::size_t> by_tier;
    for (const NodeId chip : inside(0)) {
      ++by_tier[topology_.nodes[chip].tier];
    }
    for (const auto& [name, count] : by_tier) {
      line(fmt::format("{} {}", count, name), 12, faint, "normal");
    }
  }

  /// One line for each two things that are drawn and linked.
  void draw_links() {
    std::set<std::tuple<double, double, double, double>> drawn;
    for (const Link& link : topology_.links) {
      const auto from = place_.find(link.from);
      const auto to = place_.find(link.to);
      if (from == place_.end() || to == place_.end()) {
        continue;
      }
      const Box& low = from->second;
      const Box& high = to->second;
      const bool is_inside = std::max(low.y, high.y) < std::min(low.bottom(), high.bottom());
      if (low.y < high.y || is_inside || !drawn.insert({low.x, low.y, high.x, high.y}).second) {
        continue;
      }
      const NodeId coloured = is_switch(topology_, link.from) ? link.from : link.to;
      canvas_.line(lean(low, high.middle()), low.y, lean(high, low.middle()), high.bottom(), colour(coloured));
    }
  }

  /// A table of the planes. Returns the height of the whole.
  double draw_figures(double y) {
    const auto row = [this, &y](const std::vector<std::string>& cells, const char* fill) {
      constexpr double columns[] = {40, 260, 420, 580, 760, 940, 1130};
      for (std::size_t i = 0; i < cells.size(); ++i) {
        canvas_.text(columns[i], y, cells[i], 13, fill, "start", i == 0 ? "bold" : "normal");
      }
      y += 20;
    };
    row({"plane", "networks", "injection", "bisection, one way", "diameter", "shortest paths", "one-way latency"},
        faint);
    for (const PlaneMeasures& plane : measures_) {
      const Plane& described = topology_.planes[topology_.plane_index(plane.plane)];
      row({plane.plane, with_commas(static_cast<long long>(plane.networks)), to_text(plane.injection),
           (plane.bisection_is_bound ? "at most " : "") + to_text(plane.bisection), describe_diameter(plane),
           with_commas(static_cast<long long>(plane.path_diversity)),
           to_text(described.endpoint_latency + plane.forwarders() * described.switch_latency)},
          ink);
    }
    return y + 10;
  }

  const Topology& topology_;
  const std::vector<PlaneMeasures>& measures_;
  Layers layers_;
  std::map<NodeId, Box> place_;
  SvgCanvas canvas_{page_width};
};

}  // namespace

std::string describe_diameter(const PlaneMeasures& plane) {
  return plane.direct ? counted(static_cast<std::size_t>(plane.diameter), "link", "links")
                      : counted(static_cast<std::size_t>(plane.forwarders()), "switch", "switches");
}

std::string to_svg(const Topology& topology, const std::vector<PlaneMeasures>& measures) {
  return TopologyPicture(topology, measures).draw();
}

}  // namespace podium
