#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <system_error>

#include "sim/config/config.h"

namespace podium {
namespace {

namespace fs = std::filesystem;

bool holds_data(const fs::path& folder) {
  std::error_code error;
  return fs::is_directory(folder / "configs", error) && fs::is_directory(folder / "topologies", error);
}

std::optional<fs::path> data_at_or_above(fs::path folder) {
  while (!folder.empty()) {
    if (holds_data(folder)) {
      return folder;
    }
    if (folder == folder.root_path()) {
      break;
    }
    folder = folder.parent_path();
  }
  return std::nullopt;
}

/// What a folder holds one of: "configs/chips" -> "chip", "topologies" -> "topology".
std::string singular(std::string_view folder) {
  std::string word = fs::path(folder).filename().string();
  if (word.ends_with("ies")) {
    word.replace(word.size() - 3, 3, "y");
  } else if (word.ends_with('s')) {
    word.pop_back();
  }
  return word;
}

}  // namespace

std::string data_root() {
  if (const char* const home = std::getenv("PODIUM_HOME"); home != nullptr && *home != '\0') {
    if (!holds_data(home)) {
      throw InputError(fmt::format("PODIUM_HOME is '{}', which has no configs/ and topologies/", home));
    }
    return home;
  }
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);
  for (const fs::path& start : {program.parent_path(), fs::current_path(error)}) {
    if (const std::optional<fs::path> root = data_at_or_above(start)) {
      return root->string();
    }
  }
  throw InputError(
      "Podium's data (a folder with configs/ and topologies/) lies neither above the program nor above the working "
      "directory; set PODIUM_HOME");
}

std::string find_file(std::string_view folder, std::string_view name, const Location& where) {
  if (name.ends_with(".yaml") || name.ends_with(".json") || name.find('/') != std::string_view::npos) {
    return std::string(name);
  }
  const std::vector<std::string> known = list_files(folder);
  if (!std::binary_search(known.begin(), known.end(), name)) {
    throw InputError(where, unknown_name(singular(folder), name, known));
  }
  return (fs::path(data_root()) / folder / fmt::format("{}.yaml", name)).string();
}

std::vector<std::string> list_files(std::string_view folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(data_root()) / folder, error)) {
    if (entry.path().extension() == ".yaml") {
      names.push_back(entry.path().stem().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace podium
