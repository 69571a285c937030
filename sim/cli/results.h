#pragma once

#include <filesystem>
#include <string>

#include "sim/cli/command.h"
#include "sim/report/report.h"
#include "sim/study/study.h"

namespace podium {

/// A study of which nothing came is wrong as it stands, and no report is made of it: an InputError with the reasons.
/// Nor is one of a comparison in which a workload came to nothing on all systems, in some regime.
void insist_on_a_result(const Study&, const ComparisonResult&);
void insist_on_a_result(const Study&, const SweepResult&);

/// InputError where it cannot be written.
void write_file(const std::filesystem::path&, const std::string& text);
/// Finds before long work that a file could not be made in this folder, nor the folder, after it. Nothing is made yet:
/// a run may fail.
void check_folder(const std::filesystem::path&);
/// The same of a file that `option` names.
void check_file(const std::filesystem::path&, const std::string& option);

/// Slices of a timeline's file at most, counters beside them: some 25 MB of text, and some 5 MB for each step and
/// serving run.
constexpr std::size_t timeline_slices = 100'000;
/// And where to look at it.
void write_timeline_file(const std::filesystem::path&, const std::string& text);

template <class Result>
std::string formatted(const Result& result, OutputFormat format) {
  return format == OutputFormat::json  ? to_json(result)
         : format == OutputFormat::csv ? to_csv(result)
                                       : to_text(result);
}

}  // namespace podium
