#include "sim/core/large_pages.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>

namespace podium {

void begin_with_large_pages(char** argv) {
  constexpr const char* name = "GLIBC_TUNABLES";
  std::error_code none;
  const std::filesystem::path program = std::filesystem::read_symlink("/proc/self/exe", none);
  const bool is_own = argv[0] != nullptr && program.filename() == std::filesystem::path(argv[0]).filename();
  // of a loader that was asked to run it, say, this is another program
  if (is_own && std::getenv(name) == nullptr && setenv(name, "glibc.malloc.hugetlb=1", 0) == 0) {
    execv(program.c_str(), argv);  // returns where it fails, and all goes on as it was
  }
}

}  // namespace podium
