// libFuzzer: any bytes given to one reader of execution traces are a trace or an InputError, nothing else. A program is
// built for each folder of corpus/, which is named after the format (PODIUM_FUZZ_FORMAT).
#include <cstddef>
#include <cstdint>
#include <string>

#include "sim/workload/trace_graph.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace podium;
  TraceOptions options{.missing = TraceOptions::Missing::ignore, .groups = {{"g", {0, 1}}}};
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  for (const std::uint32_t ranks : {0U, 8U}) {
    options.ranks = ranks;
    options.model_parallel = ranks / 4;
    try {
      const Trace trace = read_trace(InputStream::of_bytes(bytes, "fuzz"), options, PODIUM_FUZZ_FORMAT);
      check_progress(trace, match_ranks(trace));
    } catch (const InputError&) {
    } catch (const RunError&) {  // it cannot end
    }
  }
  return 0;
}
