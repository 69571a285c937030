// One run of requests as trace events.
#include <fmt/format.h>

#include <map>
#include <utility>

#include "sim/core/text.h"
#include "sim/report/format.h"
#include "sim/report/timeline_trace.h"

namespace podium {
namespace {

class ServingWriter {
 public:
  ServingWriter(TraceEvents& out, const ServingLog& log, std::uint32_t first) : out_(out), log_(log), first_(first) {}
  void write(const std::string& run);
  /// Of requests, and of the whole deployment.
  std::uint32_t all() const { return first_ + log_.prefill_instances + log_.decode_instances; }

 private:
  Time at(Time time) const { return Time::from_picoseconds(time.picoseconds() - log_.from.picoseconds()); }
  EventPlace place(const LoggedIteration& one) const { return {first_ + one.instance, 1, at(one.begin)}; }
  bool decodes(std::uint32_t instance) const { return instance >= log_.prefill_instances; }
  std::string name_of(std::uint32_t instance) const;
  void write(const LoggedIteration&);
  void write(const LoggedRequest&);
  void connect(const LoggedRequest&);
  void write_sums();

  TraceEvents& out_;
  const ServingLog& log_;
  std::uint32_t first_;
  std::map<std::pair<std::uint32_t, Time>, const LoggedIteration*> by_begin_, by_end_;  ///< and by instance
};

std::string ServingWriter::name_of(std::uint32_t instance) const {
  return log_.prefill_instances == 0 ? fmt::format("mixed instance {}", instance)
         : decodes(instance)         ? fmt::format("decode instance {}", instance - log_.prefill_instances)
                                     : fmt::format("prefill instance {}", instance);
}

void ServingWriter::write(const std::string& run) {
  for (std::uint32_t i = 0; i < log_.prefill_instances + log_.decode_instances; ++i) {
    out_.name(first_ + i, 0, run + ": " + name_of(i));
    out_.name(first_ + i, 1, "iterations");
  }
  out_.name(all(), 0, run + ": requests");
  for (const LoggedIteration& one : log_.iterations) {
    by_begin_[{one.instance, one.begin}] = &one;
    by_end_[{one.instance, one.end}] = &one;
    write(one);
  }
  for (const LoggedRequest& request : log_.requests) {
    write(request);
    connect(request);
  }
  write_sums();
}

void ServingWriter::write(const LoggedIteration& one) {
  std::string name;
  if (one.running > 0) {
    name = fmt::format("decode {}", with_commas(one.running));
  }
  if (one.prompts > 0) {
    name += fmt::format("{}prefill {}", name.empty() ? "" : ", ", with_commas(one.prompts));
  }
  const StepShape& step = one.step;
  TraceArguments arguments{{"decode_sequences", std::to_string(one.running)},
                           {"decode_sequences_of_fullest_replica", exact(step.decode_sequences)},
                           {"decode_context", exact(step.decode_context)},
                           {"prompts", std::to_string(one.prompts)},
                           {"prefill_tokens_of_each", exact(step.prefill_tokens)},
                           {"prefill_context", exact(step.prefill_context)},
                           {"preemptions_so_far", std::to_string(one.preemptions)}};
  out_.slice(place(one), at(one.end), name, decodes(one.instance) ? "decode" : "prefill", arguments);
  const std::uint32_t process = first_ + one.instance;
  const Time begin = at(one.begin);
  const auto count = [&](const char* counter, const char* series, double value) {
    out_.count(process, begin, counter, series, value);
  };
  count("running", "requests", one.running);
  count("waiting for prefill", "requests", one.waiting);
  if (log_.prefill_instances > 0 && decodes(one.instance)) {
    count("waiting for room", "requests", one.delivered);
  }
  count("batch of the fullest replica", "sequences", step.decode_sequences);
  count("prompts in the batch of the fullest replica", "tokens", step.prefill_sequences * step.prefill_tokens);
  const double capacity = decodes(one.instance) ? log_.decode_capacity : log_.prefill_capacity;
  count("cache", "tokens", one.cached);
  if (capacity > 0) {
    count("cache full", "%", 100 * one.cached / capacity);
  }
}

/// Those that the run ended before are left out.
void ServingWriter::write(const LoggedRequest& request) {
  if (!request.finish || request.refused) {
    return;
  }
  const std::string id = fmt::format("{}.{}", first_, request.id);
  const auto span = [&](const std::optional<Time>& begin, const std::optional<Time>& end, const char* name) {
    if (begin && end && *begin < *end) {
      out_.span(all(), id, at(*begin), at(*end), name, {});
    }
  };
  out_.span(all(), id, at(request.arrival), at(*request.finish), fmt::format("request {}", request.id),
            {{"input", std::to_string(request.input)}, {"output", std::to_string(request.output)}});
  span(request.arrival, request.prefill, "waits");
  span(request.prefill, request.first_token, "prefill");
  span(request.first_token, request.delivered, "cache on its way");
  span(request.delivered, request.decode, "waits for room");
  span(request.decode, request.finish, "decode");
}

void ServingWriter::connect(const LoggedRequest& request) {
  if (!request.delivered || !request.first_token || !request.decode) {
    return;
  }
  const auto from = by_end_.find({*request.prefilled_by, *request.first_token});
  const auto to = by_begin_.find({*request.decoded_by, *request.decode});
  if (from != by_end_.end() && to != by_begin_.end()) {
    out_.arrow(fmt::format("{}.{}", first_, request.id), place(*from->second), place(*to->second));
  }
}

/// Of all instances, each as it was at its last iteration.
void ServingWriter::write_sums() {
  struct Held {
    double running = 0, waiting = 0, cached = 0;
  };
  std::map<Time, std::vector<const LoggedIteration*>> in_order;
  for (const LoggedIteration& one : log_.iterations) {
    in_order[one.begin].push_back(&one);
  }
  std::map<std::uint32_t, Held> held;
  Held sum;
  for (const auto& [time, iterations] : in_order) {
    for (const LoggedIteration* one : iterations) {
      Held& of = held[one->instance];
      const Held now{double(one->running), double(one->waiting) + one->delivered, one->cached};
      sum = {sum.running + now.running - of.running, sum.waiting + now.waiting - of.waiting,
             sum.cached + now.cached - of.cached};
      of = now;
    }
    out_.count(all(), at(time), "requests of all instances", "running", sum.running);
    out_.count(all(), at(time), "requests of all instances", "waiting", sum.waiting);
    out_.count(all(), at(time), "cache of all instances", "tokens", sum.cached);
  }
}

}  // namespace

std::uint32_t write_serving(TraceEvents& out, const ServingLog& log, const std::string& run, std::uint32_t first) {
  ServingWriter writer(out, log, first);
  writer.write(run);
  return writer.all() + 1;
}

}  // namespace podium
