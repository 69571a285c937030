#pragma once

#include <string>
#include <vector>

#include "sim/collective/fold.h"
#include "sim/system/machine.h"

namespace CLI {
class App;
}

namespace podium {

/// What --fold asks for.
struct FoldChoice {
  Folding folding = Folding::exact;
  bool check = false;  ///< every rank by itself too, and the two compared
};

/// Adds `--fold on|off|check`.
void add_fold_option(CLI::App& app, std::string& text);
/// InputError: another word, or `check` where the network never folds.
FoldChoice parse_fold(const std::string& text, const std::string& network);

/// Adds `--slow RANK=LEFT`, which may be given again; `parse_slow_chips` reads it.
void add_slow_option(CLI::App& app, std::vector<std::string>& texts);

/// What --fail and --slow name, there from the start of a run.
void add_defects(Allocation&, const std::vector<std::string>& faults, const std::vector<std::string>& slow);

}  // namespace podium
