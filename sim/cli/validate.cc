// podium validate: predictions against published results.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "sim/calibration/anchors.h"
#include "sim/cli/command.h"
#include "sim/report/json_text.h"

namespace podium {
namespace {

struct ValidateOptions {
  std::string file = "anchors";
  bool breakdown = false;
  OutputFormat format = OutputFormat::text;
};

double mean_error(const std::vector<AnchorResult>& results) {
  double sum = 0;
  for (const AnchorResult& result : results) {
    sum += std::abs(result.error());
  }
  return sum / static_cast<double>(results.size());
}

std::string to_text(const std::vector<AnchorResult>& results, bool breakdown) {
  std::string text = fmt::format("{:<50} {:>12} {:>12} {:>8}  {}\n", "published result (none fitted)", "published",
                                 "predicted", "error", "unit");
  for (const AnchorResult& result : results) {
    text += fmt::format("{:<50} {:>12.4g} {:>12.4g} {:>+7.1f}%  {}\n", result.anchor.name, result.anchor.published,
                        result.predicted, 100 * result.error(), result.anchor.unit);
    if (breakdown) {
      for (const auto& [part, time] : result.execution.account.parts()) {
        text +=
            fmt::format("      {:<24} {:>10}  {:4.1f} %\n", part, to_text(time), 100 * (time / result.execution.time));
      }
    }
  }
  return text + fmt::format("mean absolute error {:.1f} %\n", 100 * mean_error(results));
}

std::string to_csv(const std::vector<AnchorResult>& results) {
  std::string text = "name,unit,published,predicted,error\n";
  for (const AnchorResult& result : results) {
    text += fmt::format("\"{}\",{},{},{},{}\n", result.anchor.name, result.anchor.unit, result.anchor.published,
                        result.predicted, result.error());
  }
  return text;
}

std::string to_json(const std::vector<AnchorResult>& results) {
  nlohmann::ordered_json json{{"results", nlohmann::ordered_json::array()}};
  for (const AnchorResult& result : results) {
    nlohmann::ordered_json breakdown = nlohmann::ordered_json::object();
    for (const auto& [part, time] : result.execution.account.parts()) {
      breakdown[part] = time.value();
    }
    json["results"].push_back({{"name", result.anchor.name},
                               {"system", result.anchor.system},
                               {"model", result.anchor.model},
                               {"unit", result.anchor.unit},
                               {"published", result.anchor.published},
                               {"predicted", result.predicted},
                               {"error", result.error()},
                               {"time_seconds", result.execution.time.value()},
                               {"breakdown_seconds", breakdown},
                               {"source", result.anchor.source}});
  }
  json["mean_absolute_error"] = mean_error(results);
  return json_text(json);
}

int validate(const ValidateOptions& options) {
  std::vector<AnchorResult> results;
  for (const Anchor& anchor : load_anchors(options.file)) {
    results.push_back(evaluate(anchor));
  }
  switch (options.format) {
    case OutputFormat::json:
      std::cout << to_json(results);
      break;
    case OutputFormat::csv:
      std::cout << to_csv(results);
      break;
    case OutputFormat::text:
      std::cout << to_text(results, options.breakdown);
      break;
  }
  return 0;
}

std::function<int()> validate_command(CLI::App& app) {
  auto options = std::make_shared<ValidateOptions>();
  app.add_option("file", options->file, "Published results: a file, or a name in configs/calibration")
      ->capture_default_str();
  app.add_flag("--breakdown", options->breakdown, "Where the time of each predicted step goes (text; JSON has it)");
  add_format_option(app, options->format);
  app.footer("Example: podium validate --breakdown");
  return [options] { return validate(*options); };
}

const Commands::Entry validate_entry{"validate", "Predictions against published results", validate_command};

}  // namespace
}  // namespace podium
