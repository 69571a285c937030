// PyTorch's own records: known, so that they are refused for what they lack and not as some unknown file.
#include "sim/workload/trace.h"

namespace podium {
namespace {

bool is_json_with(std::string_view head, std::string_view key) {
  const std::size_t start = head.find_first_not_of(" \t\r\n");
  return start != std::string_view::npos && head[start] == '{' && head.find(key) != std::string_view::npos;
}

void refuse_execution_trace(InputStream& in, std::uint32_t, const TraceOptions&, Trace&) {
  throw InputError({in.path()},
                   "this is a PyTorch execution trace: what was called, without times and without what ran on the "
                   "device. Link it with the Kineto trace of the same step and convert it (chakra_trace_link and "
                   "chakra_converter of MLCommons Chakra); what they write is read");
}

void refuse_kineto(InputStream& in, std::uint32_t, const TraceOptions&, Trace&) {
  throw InputError({in.path()},
                   "this is a Kineto trace: when things ran, without what they waited for, so that nothing follows for "
                   "another machine. Link it with the PyTorch execution trace of the same step and convert it "
                   "(chakra_trace_link and chakra_converter of MLCommons Chakra); what they write is read");
}

const TraceFormats::Entry execution_trace{
    "pytorch-et",
    "PyTorch execution traces: known and refused, for they have no times",
    {[](std::string_view head) { return is_json_with(head, "\"schema\"") && is_json_with(head, "\"nodes\""); },
     refuse_execution_trace}};

const TraceFormats::Entry kineto{"kineto",
                                 "Kineto (PyTorch profiler) traces: known and refused, for they have no dependencies",
                                 {[](std::string_view head) {
                                    return is_json_with(head, "\"schemaVersion\"") ||
                                           is_json_with(head, "\"traceEvents\"");
                                  },
                                  refuse_kineto}};

}  // namespace
}  // namespace podium
