#include "sim/cli/results.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>
#include <map>
#include <utility>

#include "sim/report/verdict.h"

namespace podium {
namespace {

/// Of each system why nothing came of it; empty where something did.
using Reasons = std::vector<std::pair<std::string, std::string>>;

/// InputError where nothing came of any.
void insist(const Study& study, const Reasons& all) {
  std::vector<std::string> said;
  for (const auto& [system, reason] : all) {
    if (reason.empty()) {
      return;
    }
    if (std::string text = fmt::format("{}: {}", system, reason);
        std::find(said.begin(), said.end(), text) == said.end()) {
      said.push_back(std::move(text));
    }
  }
  throw InputError(Location{study.file}, fmt::format("no case has a plan that can be: {}", fmt::join(said, "; ")));
}

}  // namespace

void insist_on_a_result(const Study& study, const ComparisonResult& result) {
  std::map<std::string, Reasons> contests;
  for (const CaseResult& one : result.cases) {
    contests[one.workload + ", " + one.regime].emplace_back(one.system, refusal(one));
  }
  for (const auto& [name, reasons] : contests) {
    insist(study, reasons);
  }
}

void insist_on_a_result(const Study& study, const SweepResult& result) {
  Reasons reasons;
  for (const SweepPoint& point : result.points) {
    reasons.emplace_back(point.system, point.refused);
  }
  insist(study, reasons);
}

void write_file(const std::filesystem::path& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary);
  file << text;
  if (!file.flush()) {
    throw InputError("cannot write " + path.string());
  }
}

void check_folder(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  const fs::path whole = fs::absolute(folder).lexically_normal();  // "a/../b" makes no a
  std::vector<fs::path> missing;                                   // the innermost first
  fs::path there = whole;
  for (; !fs::exists(there) && there != there.parent_path(); there = there.parent_path()) {
    missing.push_back(there);
  }
  if (!fs::is_directory(there)) {
    throw InputError("cannot make the folder " + folder.string() + ": " + there.string() + " is a file");
  }
  if (access(there.c_str(), W_OK) != 0) {
    throw InputError("cannot write to the folder " + there.string());
  }
  // some file systems refuse what their permissions allow (/proc, a quota): only an attempt tells
  std::error_code failed;
  fs::create_directories(whole, failed);
  for (const fs::path& made : missing) {
    std::error_code ignored;
    fs::remove(made, ignored);
  }
  if (failed) {
    throw InputError("cannot make the folder " + folder.string() + ": " + failed.message());
  }
}

void check_file(const std::filesystem::path& path, const std::string& option) {
  const std::filesystem::path folder = std::filesystem::absolute(path).parent_path();
  if (std::filesystem::is_directory(path)) {
    throw InputError({option}, path.string() + " is a folder, and a file would be right");
  }
  if (!std::filesystem::is_directory(folder)) {
    throw InputError({option}, "there is no folder " + folder.string());
  }
  check_folder(folder);
}

void write_timeline_file(const std::filesystem::path& path, const std::string& text) {
  write_file(path, text);
  std::cerr << "timeline: " << path.string() << " (opens in ui.perfetto.dev)\n";
}

}  // namespace podium
