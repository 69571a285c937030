// podium simulate: the steps of a study's kept plans, executed on the network model that is asked for.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

#include "sim/cli/command_text.h"
#include "sim/cli/fold_option.h"
#include "sim/cli/packet_option.h"
#include "sim/cli/progress.h"
#include "sim/cli/results.h"
#include "sim/network/network.h"
#include "sim/study/case_choice.h"
#include "sim/study/simulate.h"

namespace podium {
namespace {

struct SimulateOptions {
  std::string study, network, fold = "on", packet_scale, timeline;
  std::vector<std::string> faults, slow;
  CaseChoice choice;
  int threads = 0;
  OutputFormat format = OutputFormat::text;
};

StepOptions parse(const SimulateOptions& options, const Study& study) {
  StepOptions result;
  result.network = options.network.empty() ? study.network : options.network;
  Networks::find(result.network, {"--network"});
  const FoldChoice fold = parse_fold(options.fold, result.network);
  result.folding = fold.folding;
  result.check_folding = fold.check;
  for (const std::string& fault : options.faults) {
    if (parse_fault(fault, {"--fail"}).at > Seconds()) {
      throw InputError({"--fail"}, "'" + fault + "': a step's faults are there from the start");
    }
  }
  result.faults = options.faults;
  for (const std::string& slow : options.slow) {
    parse_slow_chips(slow, {"--slow"});
  }
  result.slow = options.slow;
  result.timeline_slices = options.timeline.empty() ? 0 : timeline_slices;
  result.packet_scale = parse_packet_scale(options.packet_scale, result.network);
  return result;
}

/// What does not change the result (threads, format, timeline) is left out.
std::string simulate_command_line(const SimulateOptions& options) {
  return CommandText("podium simulate")
      .argument(options.study)
      .option("workload", options.choice.workload)
      .option("regime", options.choice.regime)
      .option("system", options.choice.system)
      .option("network", options.network)
      .option("fold", options.fold, "on")
      .option("packet-scale", options.packet_scale)
      .options("fail", options.faults)
      .options("slow", options.slow)
      .text();
}

int run_simulate(const SimulateOptions& options) {
  const Study whole = load_study(options.study);
  const StepOptions steps = parse(options, whole);
  const Study study = choose(whole, options.choice);
  if (!options.timeline.empty()) {
    check_file(options.timeline, "--timeline");
  }
  RunOptions run_options;
  run_options.threads = options.threads;
  ProgressBar search(study.title + ": plans");
  run_options.progress = [&search](std::size_t done, std::size_t of) { search.update(done, of); };
  SimulationResult result = find_steps(study, steps, run_options);
  search.finish();
  insist_on_a_result(study, result.found);
  tell_packet_cost(packet_hops(result));
  ProgressBar execution(study.title + ": steps");
  run_options.progress = [&execution](std::size_t done, std::size_t of) { execution.update(done, of); };
  execute_steps(result, run_options);
  execution.finish();
  result.command = simulate_command_line(options);
  if (!options.timeline.empty()) {
    write_timeline_file(options.timeline, to_trace(result));
  }
  std::cout << formatted(result, options.format);
  return 0;
}

std::function<int()> simulate(CLI::App& app) {
  const auto options = std::make_shared<SimulateOptions>();
  app.footer(
      "Plans are searched as 'podium compare' does, with the study's own network. Then the steps of each kept plan (a\n"
      "training step; the mean iteration of a prefill and of a decode instance) are executed on the network asked "
      "for.\n"
      "An experiment is a study of one system, one workload and one plan.\n\n"
      "Names may be cut short as long as only one fits.\n\n"
      "Example: podium simulate cm384-vs-nvl72 --workload serving --system gb200 --network packet");
  app.add_option("study", options->study, "A study: a file, or a name in configs/studies")->required();
  app.add_option("--workload", options->choice.workload, "One workload of the study (default: all)");
  app.add_option("--regime", options->choice.regime, "One regime of the study (default: all)");
  app.add_option("--system", options->choice.system, "One system of the study (default: all)");
  app.add_option("--network", options->network,
                 fmt::format("Network model: {} (default: the study's)", fmt::join(Networks::names(), ", ")));
  add_fold_option(app, options->fold);
  add_slow_option(app, options->slow);
  app.add_option("--fail", options->faults,
                 "A link or node of the network that has failed, or keeps a part of its bandwidth, beside the study's "
                 "own faults. May be given again")
      ->option_text("PART[=LEFT]")
      ->allow_extra_args(false);
  add_packet_scale_option(app, options->packet_scale);
  app.add_option(
      "--timeline", options->timeline,
      "File for a timeline of the steps, and of serving's requests, which Perfetto and chrome://tracing open");
  app.add_option("-j,--jobs", options->threads, "Threads (default: all cores); the result does not depend on it")
      ->check(CLI::Range(1, 1024));
  add_format_option(app, options->format);
  return [options] { return run_simulate(*options); };
}

const Commands::Entry simulate_entry{"simulate", "Execute the steps of a study's plans on any network model", simulate};

}  // namespace
}  // namespace podium
