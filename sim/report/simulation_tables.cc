#include "sim/report/simulation_tables.h"

#include <fmt/format.h>

#include <algorithm>

#include "sim/core/text.h"
#include "sim/network/network.h"
#include "sim/report/format.h"
#include "sim/report/tables.h"
#include "sim/system/folding_check.h"

namespace podium {
namespace {

bool serves(const SimulationResult& result) {
  return std::any_of(result.cases.begin(), result.cases.end(),
                     [](const SimulatedCase& one) { return one.found.objective.has_value(); });
}

/// A column of a kind of link's packets, and what to show of one.
struct Column {
  const char* title;
  double (*value)(const PortStatistics&);
  std::string (*text)(double);
};

std::string size_text(double bytes) { return to_text(Bytes(bytes)); }
std::string time_text(double seconds) { return to_text(Seconds(seconds)); }

const Column columns[] = {
    {"fullest queue", [](const PortStatistics& p) { return p.queue_most.value(); }, size_text},
    {"packets", [](const PortStatistics& p) { return static_cast<double>(p.packets); }, count},
    {"found no room", [](const PortStatistics& p) { return static_cast<double>(p.stalls); }, count},
    {"waited for it", [](const PortStatistics& p) { return p.stalled.value(); }, time_text},
    {"pauses", [](const PortStatistics& p) { return static_cast<double>(p.pauses); }, count},
    {"paused", [](const PortStatistics& p) { return p.paused.value(); }, time_text},
    {"marked", [](const PortStatistics& p) { return static_cast<double>(p.marks); }, count},
    {"dropped", [](const PortStatistics& p) { return static_cast<double>(p.drops); }, count},
};

}  // namespace

bool differs(const SimulationResult& result) {
  return result.options.network != result.network || !folds(result.options) || is_worse(result.options);
}

std::vector<std::string> scope(const SimulationResult& result) {
  std::vector<std::string> text;
  text.push_back(differs(result) ? fmt::format("Plans are those that the study's search keeps on the {} network; their "
                                               "steps were executed on the {} network.",
                                               result.network, result.options.network)
                                 : fmt::format("Plans are those that the study's search keeps on the {} network, on "
                                               "which their steps were executed again.",
                                               result.network));
  if (serves(result)) {
    text.emplace_back(
        "A serving step is the mean iteration of one instance, alone: other instances, and caches on their way from "
        "prefill to decode, are not on its network, and requests were served by the search only.");
  }
  text.emplace_back(
      "A layer that comes again is executed once, alone on the network, and counts as often as it comes; what is "
      "between layers runs together.");
  if (has_packets(result.options)) {
    text.emplace_back(
        "Every message is sent, packet by packet, over real links. A port serves its messages in turn; with flows, "
        "each "
        "step of a collective has one share of a port however many messages it sends.");
  } else {
    text.emplace_back(folds(result.options) ? "One of each class of equal messages is simulated, which is exact."
                                            : "Every message is simulated.");
  }
  if (result.options.folding == Folding::off && Networks::find(result.options.network).needs_wires()) {
    text.push_back("--fold off has no effect: the " + result.options.network + " network is never folded.");
  }
  if (result.options.check_folding) {
    text.emplace_back(
        "Every rank was simulated by itself, too: each has done each task at the same time, to the picosecond.");
  }
  if (!result.options.faults.empty()) {
    text.push_back(fmt::format("Steps run on a network with faults that their plans know nothing of: {}.",
                               fmt::join(result.options.faults, ", ")));
  }
  if (!result.options.slow.empty()) {
    text.push_back(fmt::format("Steps run with slow chips that their plans know nothing of: {}.",
                               fmt::join(result.options.slow, ", ")));
  }
  return text;
}

std::vector<std::string> step_notes(const SimulationResult& result, const SimulatedStep& step) {
  std::vector<std::string> notes;
  if (folds(result.options)) {
    notes.push_back("simulated " + describe(step.run.folding));
  }
  if (has_packets(result.options)) {
    notes.push_back(step.packet_scale == 1
                        ? fmt::format("packets of their real size, {} packet-hops", count(double(step.run.packet_hops)))
                        : fmt::format("packets {:g} times as large as real ones, {} packet-hops instead of {}",
                                      step.packet_scale, count(double(step.run.packet_hops)),
                                      three_digits(step.planned.real_packet_hops)));
  }
  if (step.run.critical_path_loss > Seconds()) {
    notes.push_back(
        fmt::format("{} of the step is what work of its critical path lost to what ran beside it (the "
                    "memory's bandwidth, cores of collectives): less of that would help too.",
                    percent(step.run.critical_path_loss / step.run.time)));
  }
  notes.insert(notes.end(), step.run.notes.begin(), step.run.notes.end());
  return notes;
}

TextTable step_table(const SimulationResult& result, const SimulatedStep& step) {
  const bool both = differs(result);
  TextTable table{{{"part"}, {result.options.network, Align::right}, {"share", Align::right}}, {}};
  if (both) {
    table.columns.push_back({result.network + " (search)", Align::right});
    table.columns.push_back({"times", Align::right});
  }
  const auto add = [&](const std::string& part, Seconds time, Seconds planned) {
    std::vector<std::string> row{part, to_text(time), percent(time / step.run.time)};
    if (both) {
      row.push_back(to_text(planned));
      row.push_back(planned > Seconds() ? fmt::format("{:.3f}×", time / planned) : "");
    }
    table.rows.push_back(row);
  };
  for (const std::string& part : time_parts({&step.run.breakdown, &step.planned.breakdown})) {
    add(part, time_of(step.run.breakdown, part), time_of(step.planned.breakdown, part));
  }
  add("all", step.run.time, step.planned.time);
  return table;
}

TextTable path_table(const SimulatedStep& step) {
  TextTable table{{{"critical path"}, {"time", Align::right}, {"share", Align::right}}, {}};
  Breakdown parts = step.run.critical_path;
  std::stable_sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.second > b.second; });
  for (const auto& [part, time] : parts) {
    table.rows.push_back({part, to_text(time), percent(time / step.run.time)});
  }
  return table;
}

TextTable help_table(const SimulatedStep& step) {
  TextTable table{{{"what would help"}, {"1 % better", Align::right}}, {}};
  std::vector<Elasticity> all = step.run.elasticities;
  std::stable_sort(all.begin(), all.end(), [](const Elasticity& a, const Elasticity& b) { return a.value < b.value; });
  for (const Elasticity& one : all) {
    table.rows.push_back(
        {one.resource, one.value < 0 ? fmt::format("{:.3f} % of time", one.value) : std::string("no effect")});
  }
  return table;
}

TextTable tier_table(const SimulationResult& result, const SimulatedStep& step) {
  TextTable table{{{"plane"},
                   {"links"},
                   {"used", Align::right},
                   {"of", Align::right},
                   {"bytes", Align::right},
                   {"mean use", Align::right},
                   {"busiest", Align::right}},
                  {}};
  std::vector<const Column*> shown;
  for (const Column& column : columns) {
    const auto holds = [&](const PortTier& tier) { return column.value(tier.sum) > 0; };
    if (has_packets(result.options) && std::any_of(step.run.tiers.begin(), step.run.tiers.end(), holds)) {
      table.columns.push_back({column.title, Align::right});
      shown.push_back(&column);
    }
  }
  for (const PortTier& tier : step.run.tiers) {
    std::vector<std::string> row{tier.plane,
                                 tier.from + " to " + tier.to,
                                 count(double(tier.used)),
                                 count(double(tier.links)),
                                 to_text(tier.sum.bytes),
                                 percent(tier.mean_utilisation),
                                 percent(tier.busiest.front().utilisation)};
    for (const Column* column : shown) {
      row.push_back(column->text(column->value(tier.sum)));
    }
    table.rows.push_back(row);
  }
  return table;
}

std::string busiest_links(const PortTier& tier) {
  std::vector<std::string> links;
  for (const PortUse& port : tier.busiest) {
    links.push_back(port.name + " " + percent(port.utilisation));
  }
  return fmt::format("{}: {}", tier.plane, fmt::join(links, ", "));
}

}  // namespace podium
