// podium export: workloads as execution traces that other programs run.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>

#include "sim/cli/progress.h"
#include "sim/cli/results.h"
#include "sim/compute/compute_model.h"
#include "sim/study/case_choice.h"
#include "sim/study/simulate.h"
#include "sim/system/kernel_time.h"
#include "sim/workload/trace_write.h"

namespace podium {
namespace {

struct ExportOptions {
  std::string study, out, to = "chakra";
  std::vector<std::string> traces;
  CaseChoice choice;
};

/// "training step" as a part of a file's name.
std::string file_name(std::string text) {
  for (char& c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
    c = plain ? c : '_';
  }
  return text;
}

KernelTimes times_on(const ChipSpec& chip) {
  const std::shared_ptr<ComputeModel> model = compute_model_of(chip);
  return [model, chip](const std::vector<Kernel>& kernels, CoreShare cores) {
    const KernelTime alone = time_of(kernels, *model, chip, cores);
    return TimeAlone{alone.time, {alone.compute, alone.streaming, alone.launch}};
  };
}

/// How far a folder's files are; of a large one, what it will take.
FileWritten tell_files(const std::string& folder, ProgressBar& bar) {
  return [folder, &bar](std::size_t bytes, std::size_t done, std::size_t of) {
    constexpr double large = 1e9;
    const double all = static_cast<double>(bytes) * static_cast<double>(of);
    if (done == 1 && all > large) {
      std::cerr << fmt::format("{}: {} files of about {:.0f} MB, {:.1f} GB in all\n", folder, of,
                               static_cast<double>(bytes) / 1e6, all / 1e9);
    }
    bar.update(done, of);
  };
}

/// A folder for each step: WORKLOAD.REGIME.SYSTEM/STEP.RANK.et.
void export_study(const ExportOptions& options) {
  const Study whole = load_study(options.study);
  const Study study = choose(whole, options.choice);
  ProgressBar search(study.title + ": plans");
  RunOptions run_options;
  run_options.progress = [&search](std::size_t done, std::size_t of) { search.update(done, of); };
  StepOptions steps;
  steps.network = study.network;
  const SimulationResult result = find_steps(study, steps, run_options);
  search.finish();
  insist_on_a_result(study, result.found);
  std::size_t number = 0;
  for (const SimulatedCase& one : result.cases) {
    ++number;
    for (const SimulatedStep& step : one.steps) {
      const Allocation& on = step.phase.step.allocation;
      if (!on.slow.empty() || !on.faults.empty()) {
        std::cerr << fmt::format(
            "note: {} on {}: a trace does not say which chips are slow and what has failed; times "
            "are those of whole chips, and 'podium replay' takes --slow and --fail\n",
            step.phase.name, step.phase.step.system);
      }
      const ChipSpec chip = load_chip(load_system(step.phase.step.system).chip);
      const TaskGraph graph = graph_of(step.phase.step, chip);
      const std::filesystem::path folder =
          std::filesystem::path(options.out) /
          (std::to_string(number) + "." + file_name(step.phase.step.system) + "." + file_name(step.phase.name));
      ProgressBar files(folder.string());
      write_chakra(graph, times_on(chip), folder.string(), file_name(step.phase.name),
                   tell_files(folder.string(), files));
      files.finish();
      std::cout << folder.string() << ": " << step.phase.name << ", " << step.phase.plan << '\n';
    }
  }
}

int run_export(const ExportOptions& options) {
  if (options.to != "chakra" && options.to != "goal") {
    throw InputError({"--to"}, "'" + options.to + "' is neither chakra nor goal");
  }
  if (options.study.empty() == options.traces.empty()) {
    throw InputError("either traces or --study NAME is what to export");
  }
  if (options.out.empty()) {
    throw InputError({"--out"}, "is empty, and a folder for Chakra or a file for GOAL would be right");
  }
  if (options.study.empty() && !(options.choice == CaseChoice())) {
    throw InputError(
        "--workload, --regime and --system choose among the steps of a study (--study), and traces are "
        "what to export");
  }
  if (!options.study.empty() && options.to == "chakra") {
    export_study(options);
  } else if (options.to == "goal" && !options.traces.empty()) {
    const Trace trace = load_trace(options.traces);
    std::set<std::string> notes = trace.notes;
    write_file(options.out, goal_text(trace, notes));
    for (const std::string& note : notes) {
      std::cerr << "note: " << note << '\n';
    }
  } else {
    throw InputError({"--to"}, options.to == "goal"
                                   ? "steps of a study have collectives, which GOAL has not; chakra is right"
                                   : "traces are written as goal; steps of a study (--study) as chakra");
  }
  return 0;
}

std::function<int()> export_command(CLI::App& app) {
  const auto options = std::make_shared<ExportOptions>();
  app.footer(
      "Steps of a study's kept plans become Chakra traces, a file a rank, with the times of the system's chip, counts\n"
      "of operations and bytes, and communicator groups. Traces of messages become GOAL.\n\n"
      "Example: podium export --study quick-look --workload training --system h100 --out traces");
  app.add_option("trace", options->traces, "Files of a trace, or a folder of them");
  app.add_option("--study", options->study, "A study: a file, or a name in configs/studies");
  app.add_option("--workload", options->choice.workload, "One workload of the study (default: all)");
  app.add_option("--regime", options->choice.regime, "One regime of the study (default: all)");
  app.add_option("--system", options->choice.system, "One system of the study (default: all)");
  app.add_option("--to", options->to, "chakra (of a study) or goal (of traces)")->capture_default_str();
  app.add_option("--out", options->out, "Folder for Chakra, file for GOAL")->required();
  return [options] { return run_export(*options); };
}

const Commands::Entry export_entry{"export", "Write workloads as execution traces for other programs", export_command};

}  // namespace
}  // namespace podium
