// MSCCL's XML: known, so that it is refused by its name and with what reads it.
#include "sim/workload/trace.h"

namespace podium {
namespace {

constexpr std::size_t most_head = 65536;

bool recognises_msccl(std::string_view head) {
  const std::size_t start = head.find_first_not_of(" \t\r\n\xEF\xBB\xBF");
  return start != std::string_view::npos && head[start] == '<' && head.find("<algo") != std::string_view::npos;
}

void refuse(InputStream& in, std::uint32_t, const TraceOptions&, Trace&) {
  std::string head(most_head, '\0');
  in.read(head.data(), most_head);
  head.resize(static_cast<std::size_t>(in.gcount()));
  if (!recognises_msccl(head)) {
    throw InputError({in.path()}, "this is no algorithm in MSCCL's XML, which --trace-format says that it is");
  }
  throw InputError({in.path()},
                   "this is an algorithm in MSCCL's XML: how ranks do one collective, whatever its size, and not what "
                   "ran. 'podium collective all-reduce --algorithm FILE.xml' plays it (or all-gather, reduce-scatter, "
                   "all-to-all: what it is for)");
}

const TraceFormats::Entry trace_msccl_entry{
    "msccl-xml",
    "algorithms of MSCCL: known and refused, for 'podium collective --algorithm' plays them",
    {recognises_msccl, refuse}};

}  // namespace
}  // namespace podium
