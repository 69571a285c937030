#include "sim/report/schedule_drawing.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "sim/core/text.h"
#include "sim/report/drawing.h"
#include "sim/report/svg.h"

namespace podium {
namespace {

constexpr double schedule_left = 110;
constexpr std::uint32_t most_drawn_ranks = 32;  // that are drawn, of a group
constexpr std::size_t most_stages = 24;         // likewise of a schedule
constexpr std::size_t most_links = 12;          // that are named one by one

const char* const lanes[] = {"#486581", "#2f6f4f", "#8d5a97", "#b44d12", "#3e7cb1", "#7a8b2e", "#a23b72", "#5c5346"};

/// Links of a plane between two tiers.
struct LinkKind {
  std::size_t links = 0;
  Seconds sum, most;
};

class SchedulePicture {
 public:
  explicit SchedulePicture(const PlayedSchedule& played)
      : played_(played),
        names_(shown_names(played.topology)),
        ranks_(std::min(played.schedule.ranks, most_drawn_ranks)),
        stages_(std::min(played.schedule.stages.size(), most_stages)) {}

  std::string draw() {
    const Schedule& schedule = played_.schedule;
    canvas_.text(40, 44,
                 fmt::format("{} among {} ranks of {}", to_string(played_.kind), schedule.ranks, played_.system), 24,
                 ink, "start", "bold");
    canvas_.text(40, 68,
                 fmt::format("{}{}: {} in {}, {} steps; a rank sends {} at most", schedule.algorithm,
                             played_.regime.empty() ? "" : " (" + played_.regime + ")", to_text(played_.bytes),
                             to_text(played_.time), steps(), to_text(played_.bytes * schedule.sent_per_rank())),
                 14, faint);
    return canvas_.finish(draw_links(draw_schedule(110)) + 20);
  }

 private:
  std::size_t steps() const {
    std::size_t count = 0;
    for (const std::vector<Step>& stage : played_.schedule.stages) {
      count += stage.front().repeat;
    }
    return count;
  }

  double row(std::uint32_t rank) const { return top_ + 14 + pitch_ * rank; }
  double column(std::size_t stage) const {
    return schedule_left + (page_right - schedule_left) * static_cast<double>(stage) /
                               static_cast<double>(std::max<std::size_t>(1, stages_));
  }

  /// A line for each rank from left to right, crossed by messages. Returns the y below.
  double draw_schedule(double y) {
    top_ = y;
    pitch_ = ranks_ > 16 ? 14 : 20;
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      canvas_.line(schedule_left, row(rank), page_right, row(rank), "#d9e2ec");
      canvas_.text(schedule_left - 10, row(rank) + 4, fmt::format("rank {}", rank), 11, ink, "end");
    }
    for (std::size_t stage = 0; stage < stages_; ++stage) {
      draw_stage(stage);
    }
    y = row(ranks_) + 6;
    if (ranks_ < played_.schedule.ranks || stages_ < played_.schedule.stages.size()) {
      canvas_.text(schedule_left, y,
                   fmt::format("drawn are {} of {} ranks, with what they send to each other, and {} of {} stages",
                               ranks_, played_.schedule.ranks, stages_, played_.schedule.stages.size()),
                   12, faint);
      y += 18;
    }
    return y + 30;
  }

  void draw_stage(std::size_t number) {
    const std::vector<Step>& stage = played_.schedule.stages[number];
    const double from = column(number) + 4;
    const double to = column(number + 1) - 4;
    std::set<std::string> captions;
    for (const Step& step : stage) {
      for_each_message(step, played_.schedule.ranks, [&](std::uint32_t sender, std::uint32_t receiver) {
        if (sender < ranks_ && receiver < ranks_) {
          canvas_.line(from, row(sender), to, row(receiver), lanes[step.lane % std::size(lanes)]);
        }
      });
      captions.insert(to_text(played_.bytes * step.share) + (step.reduced > 0 ? ", added up" : ""));
    }
    std::string caption = captions.size() == 1 ? *captions.begin() : fmt::format("{} sizes", captions.size());
    if (stage.front().repeat > 1) {
      caption += fmt::format(", × {}", stage.front().repeat);
    }
    if (stages_ <= 8) {
      canvas_.text((from + to) / 2, top_ - 4, caption, 11, faint, "middle");
    }
    for (std::uint32_t rank = 0; rank < ranks_; ++rank) {
      canvas_.rectangle({from - 2, row(rank) - 2, 4, 4}, steel, "none", 2);
      canvas_.rectangle({to - 2, row(rank) - 2, 4, 4}, steel, "none", 2);
    }
  }

  std::string name(NodeId node) const {
    return node.index() < played_.topology.accelerators ? fmt::format("rank {}", node.index()) : names_[node];
  }

  std::map<std::string, LinkKind> kinds() const {
    std::map<std::string, LinkKind> kinds;
    const Topology& topology = played_.topology;
    for (const LinkId id : topology.links.ids()) {
      if (played_.busy[id] > Seconds()) {
        const Link& link = topology.links[id];
        LinkKind& kind = kinds[fmt::format("{}: {} to {}", topology.planes[link.plane].name,
                                           topology.nodes[link.from].tier, topology.nodes[link.to].tier)];
        ++kind.links;
        kind.sum += played_.busy[id];
        kind.most = std::max(kind.most, played_.busy[id]);
      }
    }
    return kinds;
  }

  /// A bar for each kind of link, then the busiest by name. Returns the y below.
  double draw_links(double y) {
    canvas_.text(40, y, "Links that are used, and how much of the time they carry bytes", 16, ink, "start", "bold");
    y += 24;
    Seconds most;
    const std::map<std::string, LinkKind> all = kinds();
    for (const auto& [name, kind] : all) {
      most = std::max(most, kind.most);
    }
    for (const auto& [name, kind] : all) {
      const double mean = kind.sum / static_cast<double>(kind.links) / played_.time;
      const double highest = kind.most / played_.time;
      const bool is_bottleneck = kind.most >= most * (1 - 1e-9);
      constexpr double bar = 620;
      canvas_.text(40, y + 13, name, 12, ink);
      canvas_.rectangle({330, y, bar, 18}, paper, "#d9e2ec");
      canvas_.rectangle({330, y, bar * std::min(1.0, highest), 18}, "#f0d9bf", "none");
      canvas_.rectangle({330, y, bar * std::min(1.0, mean), 18}, is_bottleneck ? orange : steel, "none");
      canvas_.text(330 + bar + 14, y + 13,
                   fmt::format("{} links, {:.0f} % of the time, the busiest {:.0f} %{}",
                               with_commas(static_cast<long long>(kind.links)), 100 * mean, 100 * highest,
                               is_bottleneck ? ": the bottleneck" : ""),
                   12, is_bottleneck ? orange : ink);
      y += 26;
    }
    return draw_busiest(y + 24, most);
  }

  double draw_busiest(double y, Seconds most) {
    std::vector<LinkId> busiest;
    for (const LinkId id : played_.topology.links.ids()) {
      if (most > Seconds() && played_.busy[id] >= most * (1 - 1e-9)) {
        busiest.push_back(id);
      }
    }
    if (busiest.empty()) {
      canvas_.text(40, y, "No link carries any bytes", 12, faint);
      return y + 18;
    }
    canvas_.text(40, y,
                 fmt::format("The bottleneck: {} links, each busy for {}",
                             with_commas(static_cast<long long>(busiest.size())), to_text(most)),
                 16, ink, "start", "bold");
    y += 22;
    for (std::size_t i = 0; i < std::min(busiest.size(), most_links); ++i) {
      const Link& link = played_.topology.links[busiest[i]];
      const std::size_t column = i % 4, row = i / 4;
      canvas_.text(40 + 330 * static_cast<double>(column), y + 18 * static_cast<double>(row),
                   fmt::format("{} to {}, {}", name(link.from), name(link.to), to_text(link.bandwidth)), 12, ink);
    }
    const std::size_t rows = (std::min(busiest.size(), most_links) + 3) / 4;
    return y + 18 * static_cast<double>(rows);
  }

  const PlayedSchedule& played_;
  Table<NodeId, std::string> names_;
  std::uint32_t ranks_;
  std::size_t stages_;
  double top_ = 0, pitch_ = 0;
  SvgCanvas canvas_{page_width};
};

}  // namespace

std::string to_svg(const PlayedSchedule& played) { return SchedulePicture(played).draw(); }

}  // namespace podium
