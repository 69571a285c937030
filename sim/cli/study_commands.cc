// podium compare and podium sweep: run a study, write its report, print its summary.
#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>

#include "sim/cli/command.h"
#include "sim/cli/command_text.h"
#include "sim/cli/progress.h"
#include "sim/cli/results.h"
#include "sim/report/report.h"
#include "sim/study/gains.h"
#include "sim/study/run.h"
#include "sim/study/uncertainty.h"

namespace podium {
namespace {

struct StudyOptions {
  std::string study, output, requests, network;
  int threads = 0;
  OutputFormat format = OutputFormat::text;
};

/// The folder for the report; nothing where none is wanted.
std::filesystem::path report_folder(const Study& study, const StudyOptions& options) {
  if (options.output.empty() && options.format == OutputFormat::text) {
    return std::filesystem::path("results") / study.name;
  }
  return options.output;
}

template <class Result>
void write_report(const Result& result, const std::filesystem::path& folder) {
  const std::pair<const char*, std::string> files[] = {{"report.html", to_html(result)},
                                                       {"report.md", to_markdown(result)},
                                                       {"result.json", to_json(result)},
                                                       {"result.csv", to_csv(result)}};
  std::error_code failed;
  std::filesystem::create_directories(folder, failed);
  if (failed) {
    throw InputError("cannot make the folder " + folder.string() + ": " + failed.message());
  }
  for (const auto& [name, text] : files) {
    write_file(folder / name, text);
  }
  std::cerr << "report: " << (folder / "report.html").string() << '\n';
}

/// What does not change the result (threads, format, folder) is left out.
std::string study_command_line(const std::string& command, const StudyOptions& options) {
  return CommandText("podium " + command)
      .argument(options.study)
      .option("requests", options.requests)
      .option("network", options.network)
      .text();
}

template <class Run>
int run_study(const std::string& command, const StudyOptions& options, Run run_study) {
  const Study study = load_study(options.study, {options.network, options.requests});
  const std::filesystem::path folder = report_folder(study, options);
  if (!folder.empty()) {
    check_folder(folder);
  }
  ProgressBar bar(study.title);
  RunOptions run_options;
  run_options.threads = options.threads;
  run_options.progress = [&bar](std::size_t done, std::size_t of) { bar.update(done, of); };
  auto result = run_study(study, run_options);
  bar.finish();
  insist_on_a_result(study, result);
  result.command = study_command_line(command, options);
  if (!folder.empty()) {
    write_report(result, folder);
  }
  std::cout << formatted(result, options.format);
  return 0;
}

std::shared_ptr<StudyOptions> add_options(CLI::App& app, const std::string& example) {
  auto options = std::make_shared<StudyOptions>();
  const auto some = [](const std::string& name) { return name.empty() ? "is empty; a name is expected" : ""; };
  app.add_option("study", options->study, "A study: a file, or a name in configs/studies")->required();
  app.add_option("-o,--output", options->output, "Folder for the report (default: results/NAME, with --format text)")
      ->check(some);
  app.add_option("--requests", options->requests, "A request trace that replaces the arrivals of serving workloads")
      ->check(some);
  app.add_option("--network", options->network, "Network model instead of the study's: flow, analytic");
  app.add_option("-j,--jobs", options->threads, "Threads (default: all cores); the result does not depend on it")
      ->check(CLI::Range(1, 1024));
  add_format_option(app, options->format);
  app.footer("Example: " + example);
  return options;
}

std::function<int()> compare(CLI::App& app) {
  auto options = add_options(app, "podium compare configs/studies/cm384-vs-nvl72.yaml");
  return [options] {
    return run_study("compare", *options, [](const Study& study, const RunOptions& run_options) {
      ComparisonResult result = run_comparison(study, run_options);
      add_gains(study, result, run_options);
      add_uncertainty(study, result, run_options);
      return result;
    });
  };
}

std::function<int()> sweep(CLI::App& app) {
  auto options = add_options(app, "podium sweep configs/studies/chip-count.yaml --format csv");
  return [options] {
    return run_study("sweep", *options, [](const Study& study, const RunOptions& run_options) {
      if (study.chips.empty()) {
        throw InputError(Location{study.file}, "a sweep needs 'chips', a list of counts");
      }
      return run_sweep(study, run_options);
    });
  };
}

const Commands::Entry compare_entry{"compare", "Compare systems on the workloads of a study", compare};
const Commands::Entry sweep_entry{"sweep", "Run a study over chip counts, in parallel", sweep};

}  // namespace
}  // namespace podium
