// libFuzzer: any bytes given to the reader of Hugging Face's config.json are a model or an InputError, nothing else.
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>

#include "sim/workload/model_hf.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string path =
      (std::filesystem::temp_directory_path() / ("podium_fuzz_config_" + std::to_string(::getpid()))).string();
  std::ofstream(path, std::ios::binary).write(reinterpret_cast<const char*>(data), static_cast<std::streamsize>(size));
  try {
    podium::load_hf_model(path, "fuzz");
  } catch (const podium::InputError&) {
  }
  std::filesystem::remove(path);
  return 0;
}
