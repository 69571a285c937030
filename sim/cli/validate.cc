// podium validate: predictions against published results.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <memory>

#include "sim/calibration/anchors.h"
#include "sim/cli/command.h"

namespace podium {
namespace {

void print_breakdown(const Execution& execution) {
  for (const auto& [part, time] : execution.account.parts()) {
    std::cout << fmt::format("      {:<24} {:>10}  {:4.1f} %\n", part, to_text(time), 100 * (time / execution.time));
  }
}

int validate(const std::string& file, bool breakdown) {
  std::cout << fmt::format("{:<50} {:>12} {:>12} {:>8}  {}\n", "published result (none fitted)", "published",
                           "predicted", "error", "unit");
  double sum = 0;
  const std::vector<Anchor> anchors = load_anchors(file);
  for (const Anchor& anchor : anchors) {
    const AnchorResult result = evaluate(anchor);
    std::cout << fmt::format("{:<50} {:>12.4g} {:>12.4g} {:>+7.1f}%  {}\n", anchor.name, anchor.published,
                             result.predicted, 100 * result.error(), anchor.unit);
    if (breakdown) {
      print_breakdown(result.execution);
    }
    sum += std::abs(result.error());
  }
  std::cout << fmt::format("mean absolute error {:.1f} %\n", 100 * sum / static_cast<double>(anchors.size()));
  return 0;
}

std::function<int()> add(CLI::App& app) {
  struct Options {
    std::string file = "anchors";
    bool breakdown = false;
  };
  auto options = std::make_shared<Options>();
  app.add_option("file", options->file, "Published results: a file, or a name in configs/calibration")
      ->capture_default_str();
  app.add_flag("--breakdown", options->breakdown, "Where the time of each predicted step goes");
  app.footer("Example: podium validate --breakdown");
  return [options] { return validate(options->file, options->breakdown); };
}

const Commands::Entry entry{"validate", "Predictions against published results", add};

}  // namespace
}  // namespace podium
