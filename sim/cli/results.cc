#include "sim/cli/results.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <iostream>

#include "sim/report/verdict.h"

namespace podium {
namespace {

/// Why a point has no result; empty where it has one.
std::string refusal(const SweepPoint& point) { return point.refused; }

template <class Results>
void insist(const Study& study, const Results& results) {
  std::vector<std::string> reasons;
  for (const auto& one : results) {
    const std::string reason = refusal(one);
    if (reason.empty()) {
      return;
    }
    std::string said = one.system + ": " + reason;
    if (std::find(reasons.begin(), reasons.end(), said) == reasons.end()) {
      reasons.push_back(std::move(said));
    }
  }
  throw InputError(Location{study.file}, fmt::format("no case has a plan that can be: {}", fmt::join(reasons, "; ")));
}

}  // namespace

void insist_on_a_result(const Study& study, const ComparisonResult& result) { insist(study, result.cases); }
void insist_on_a_result(const Study& study, const SweepResult& result) { insist(study, result.points); }

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
