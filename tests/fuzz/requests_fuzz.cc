// libFuzzer: any bytes given to the readers of request traces are a trace or an InputError, nothing else.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "sim/serving/request.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("podium_fuzz_requests_" + std::to_string(::getpid()))).string();
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    podium::load_requests(path);
  } catch (const podium::InputError&) {
  }
  std::filesystem::remove(path);
  return 0;
}
