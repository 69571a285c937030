#include "sim/cli/fold_option.h"

#include <CLI/CLI.hpp>

#include "sim/network/network.h"

namespace podium {

void add_fold_option(CLI::App& app, std::string& text) {
  app.add_option("--fold", text,
                 "on: simulate one of each class of equal ranks and messages; off: every one; check: both, and the run "
                 "fails where they differ by a picosecond. Packets are never folded")
      ->option_text("on|off|check")
      ->capture_default_str();
}

FoldChoice parse_fold(const std::string& text, const std::string& network) {
  if (text != "on" && text != "off" && text != "check") {
    throw InputError({"--fold"}, "'" + text + "' is none of on, off and check");
  }
  if (text == "check" && Networks::find(network).needs_wires()) {
    throw InputError({"--fold"}, "nothing is folded on the " + network + " network: there is nothing to check");
  }
  return {text == "off" ? Folding::off : Folding::exact, text == "check"};
}

void add_slow_option(CLI::App& app, std::vector<std::string>& texts) {
  app.add_option("--slow", texts,
                 "Chips that compute at a part of their speed: 5=80%, or 8..15=50%, by rank. May be given again")
      ->option_text("RANK[..LAST]=LEFT")
      ->allow_extra_args(false);
}

void add_defects(Allocation& allocation, const std::vector<std::string>& faults, const std::vector<std::string>& slow) {
  for (const std::string& text : faults) {
    allocation.faults.push_back(parse_fault(text, {"--fail"}));
    if (allocation.faults.back().at > Seconds()) {
      throw InputError({"--fail"}, "'" + text + "': faults of a run of tasks are there from its start");
    }
  }
  for (const std::string& text : slow) {
    const std::vector<SlowChip> chips = parse_slow_chips(text, {"--slow"});
    allocation.slow.insert(allocation.slow.end(), chips.begin(), chips.end());
  }
}

}  // namespace podium
