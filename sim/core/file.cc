#include "sim/core/file.h"

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

namespace podium {
namespace {

void skip_byte_order_mark(std::ifstream& file) {
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  std::array<char, mark.size()> first{};
  file.read(first.data(), first.size());
  if (std::string_view(first.data(), static_cast<std::size_t>(file.gcount())) != mark) {
    file.clear();
    file.seekg(0);
  }
}

}  // namespace

std::ifstream open_file(const std::string& path, const std::string& what, const Location& where) {
  const auto refuse = [&](const std::string& reason) {
    throw InputError(where, "cannot read " + what + " '" + path + "': " + reason);
  };
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (std::filesystem::is_directory(status)) {
    refuse("it is a folder");
  }
  if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
    refuse("it is not a regular file");
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    refuse(std::generic_category().message(errno));
  }
  skip_byte_order_mark(file);
  return file;
}

}  // namespace podium
