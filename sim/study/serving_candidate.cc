#include "sim/study/serving_candidate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include "sim/core/quantile.h"
#include "sim/core/text.h"
#include "sim/serving/deployment.h"
#include "sim/study/evaluate.h"

namespace podium {
namespace {

/// A plan needs more of memory or time than there is.
class TooMuch : public InputError {
 public:
  TooMuch(const std::string& problem, Lack lack, double excess) : InputError(problem), lack_(lack), excess_(excess) {}
  Lack lack() const { return lack_; }
  double excess() const { return excess_; }

 private:
  Lack lack_;
  double excess_;
};

}  // namespace

MeanRequest mean_request(const ServingWorkload& workload, const std::vector<Request>& recorded, double longest) {
  const Request drawn{Seconds(), workload.arrivals.input, workload.arrivals.output};
  const std::span<const Request> requests = recorded.empty() ? std::span(&drawn, 1) : std::span(recorded);
  const std::vector<double> repeated =
      workload.prefix_reuse == PrefixReuse::off ? std::vector<double>(requests.size()) : repeated_tokens(requests);
  MeanRequest mean;
  mean.slo = workload.slo;
  std::vector<double> inputs, computed, whole;
  double counted = 0, decoded = 0, repeated_decoded = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    const Request& request = requests[i];
    inputs.push_back(request.input);
    computed.push_back(request.input - repeated[i]);
    whole.push_back(double(request.input) + request.output);
    if (whole.back() <= longest) {
      const double tokens = request.output - 1.0;  // the first is the prompt's
      mean.input += request.input;
      mean.output += request.output;
      mean.computed += computed.back();
      mean.prefix += computed.back() * repeated[i];
      mean.context += tokens * (request.input + request.output / 2.0);
      repeated_decoded += tokens * repeated[i];
      decoded += tokens;
      ++counted;
    }
  }
  const double count = std::max(1.0, counted);
  mean.fitting = counted / static_cast<double>(requests.size());
  mean.prefix /= std::max(1.0, mean.computed);
  mean.input /= count;
  mean.output /= count;
  mean.computed /= count;
  mean.context = decoded > 0 ? mean.context / decoded : mean.input + mean.output / 2;
  mean.own_context = mean.context - (decoded > 0 ? repeated_decoded / decoded : mean.input - mean.computed);
  mean.long_input = quantile(inputs, workload.slo.quantile);
  mean.long_computed = quantile(computed, workload.slo.quantile);
  mean.long_request = quantile(whole, workload.slo.quantile);
  mean.shortest_input = inputs.front();  // a quantile sorts
  mean.longest = whole.back();
  return mean;
}

Candidates::Candidates(const Study& study, const ServingWorkload& workload, const std::vector<Request>& recorded,
                       ModelSpec model, SystemSpec system, const ServingOptions& options)
    : study_(study),
      workload_(workload),
      recorded_(recorded),
      all_(mean_request(workload, recorded)),
      model_(std::move(model)),
      system_(std::move(system)),
      chip_(load_chip(study, system_.chip)) {
  const auto add = [&](Stage stage, const std::vector<InstanceTemplate>& templates) {
    for (const InstanceTemplate& made_from : templates) {
      for (const double chunk : made_from.chunk_tokens) {
        for (const std::uint32_t cap : made_from.max_sequences) {
          entries_.push_back({stage, &made_from, chunk, cap, {}, ""});
        }
      }
    }
  };
  add(Stage::prefill, options.prefill);
  add(Stage::decode, options.decode);
  add(Stage::mixed, options.mixed);
}

const ServingCandidate* Candidates::get(Entry& entry) {
  if (!entry.candidate && entry.refused.empty()) {
    try {
      entry.candidate = make(entry);
    } catch (const TooMuch& error) {
      entry.refused = error.what();
      entry.excess = error.excess();
      entry.lack = error.lack();
    } catch (const InputError& error) {
      entry.refused = error.what();
    }
  }
  return entry.candidate ? &*entry.candidate : nullptr;
}

std::shared_ptr<InstanceSteps> Candidates::steps_of(const InstanceTemplate& made_from) {
  std::shared_ptr<InstanceSteps>& steps = steps_[&made_from];
  if (steps == nullptr) {
    const InferencePlan& plan = made_from.plan;
    steps = std::make_shared<InstanceSteps>(
        make_machine(study_, system_, chip_, allocate_instance(study_, system_.name, plan.ranks())),
        simulator_options(study_), model_, plan);
  }
  return steps;
}

ServingCandidate Candidates::make(const Entry& entry) {
  ServingCandidate c;
  c.stage = entry.stage;
  c.plan = entry.made_from->plan;
  c.chunk = entry.chunk;
  c.cap = entry.cap;
  check_plan(model_, chip_, c.plan);
  c.request = all_;
  fill_memory(c);
  // as a server turns requests away
  const double needed = c.stage == Stage::prefill ? c.request.long_input : c.request.long_request + 2;
  if (c.cache_tokens < std::min(needed, c.request.input + c.request.output)) {
    const std::string chunks =
        c.stage == Stage::decode ? "" : " (chunks of " + with_commas(std::llround(c.chunk)) + " tokens)";
    const Bytes size = chip_.memory_size - c.memory.kept_free;
    throw TooMuch("weights, activations and reserve take " + to_text(c.memory.total()) + " of the " + to_text(size) +
                      " that a server may have of a rank" + chunks + ": no room for the cache of one request",
                  Lack::memory, c.memory.total() / size);
  }
  if (c.cache_tokens < needed) {
    throw TooMuch(fmt::format("the cache of a replica holds {} tokens, but 1 in {:.0f} requests has more than {}",
                              with_commas(std::llround(c.cache_tokens)), 1 / (1 - c.request.slo.quantile),
                              with_commas(std::llround(needed))),
                  Lack::memory, needed / c.cache_tokens);
  }
  // longer ones are turned away, and cost nothing
  if (!recorded_.empty() && all_.longest > c.cache_tokens) {
    c.request = mean_request(workload_, recorded_, c.cache_tokens);
    fill_memory(c);
  }
  if (c.request.output <= 1) {
    c.request.slo.tpot = Seconds(std::numeric_limits<double>::infinity());  // no answer has a second token
  }
  c.steps = steps_of(*entry.made_from);
  c.stage == Stage::prefill ? predict_prefill(c) : predict(c);
  c.rate /= c.request.fitting;
  c.most /= c.request.fitting;
  return c;
}

/// What a replica takes into one iteration at most: a chunk of prompts, beside the sequences that it decodes. Where
/// prefill is elsewhere, the prompts are those of sequences that were sent back.
StepShape Candidates::largest_step(const ServingCandidate& c) const {
  StepShape step;
  if (c.stage != Stage::prefill) {
    step.decode_sequences = c.sequences;
    step.decode_context = c.request.context;
  }
  step.prefill_sequences = std::clamp(c.chunk / c.request.computed, 1.0, double(most_sequences));
  step.prefill_tokens = std::min(c.chunk, c.request.computed);
  return step;
}

/// Memory is kept for the step of as many sequences as the cache holds beside it, so that the more there are of them,
/// the fewer can be: the largest number that is consistent. Where a replica reuses prefixes, all of them may have begun
/// alike, and what they share is there once.
void Candidates::fill_memory(ServingCandidate& c) const {
  const double own = c.stage == Stage::mixed ? c.request.own_context : c.request.context;
  const auto holds = [&](std::uint32_t sequences) {
    c.sequences = sequences;
    c.cache_tokens = cache_capacity(model_, chip_, c.plan, largest_step(c), c.request.context);
    return c.cache_tokens >= sequences * own + (c.request.context - own);
  };
  std::uint32_t low = 1;
  for (std::uint32_t high = c.cap + 1; high - low > 1;) {
    const std::uint32_t middle = (low + high) / 2;
    (holds(middle) ? low : high) = middle;
  }
  holds(c.stage == Stage::prefill ? most_sequences : low);
  c.memory = inference_memory(model_, chip_, c.plan, largest_step(c));
}

StepShape Candidates::full_step(const ServingCandidate& c, double batch) {
  const double prompts = std::ceil(c.chunk / c.request.computed * (1 - 1e-9));
  return {batch, batch > 0 ? c.request.context : 0, prompts, c.chunk / prompts, c.request.prefix};
}

/// Time of a long prompt that has the instance to itself, chunk after chunk: no first token comes sooner.
Seconds Candidates::check_prompt_alone(const ServingCandidate& c) {
  const double tokens = c.request.long_computed;
  Seconds alone;
  double done = 0;
  while (done < tokens) {
    alone += c.steps->times.time({0, 0, 1, std::min(c.chunk, tokens - done), done});
    done += c.chunk;
  }
  if (alone >= c.request.slo.ttft) {
    throw TooMuch("a prompt of " + with_commas(static_cast<long long>(tokens)) + " tokens alone takes " +
                      to_text(alone) + " of the " + to_text(c.request.slo.ttft) + " to the first token",
                  Lack::time, alone / c.request.slo.ttft);
  }
  return alone;
}

void Candidates::predict_prefill(ServingCandidate& c) const {
  const double longest = c.request.long_computed;
  const Seconds alone = check_prompt_alone(c);
  const Seconds step = c.steps->times.time(full_step(c, 0));
  // a prompt waits for the step under way and then takes its own, which others fill: beyond that the load must stay
  // below one
  const Seconds among_others = std::max(alone, step * std::ceil(longest / c.chunk));
  const double load = std::clamp(c.request.slo.ttft / among_others - 1, 0.1, 1.0);
  c.most = c.plan.dp / prompt_time(c, 0).value();
  c.rate = load * c.most;
  c.stay = among_others;
}

Seconds Candidates::predict_tpot(const ServingCandidate& c, double batch, double context) {
  const double tokens_per_iteration = c.plan.tokens_per_iteration();
  const Seconds decode = c.steps->times.time({batch, context, 0, 0, 0});
  if (c.stage == Stage::decode) {
    return decode / tokens_per_iteration;
  }
  const double computed = c.request.computed;
  const Seconds mixed = c.steps->times.time({batch, context, 1, std::min(c.chunk, computed), c.request.prefix});
  // the share of iterations that carry a chunk, so that prompts keep up with the sequences that end
  const double iterations = std::max(1.0, (c.request.output - 1) / tokens_per_iteration);
  const double share = std::min(1.0, batch / iterations * std::max(1.0, computed / c.chunk));
  return (mixed * share + decode * (1 - share)) / tokens_per_iteration;
}

/// The most sequences of so many tokens that a replica decodes in time; one at least.
double Candidates::most_in_time(const ServingCandidate& c, double context) {
  double low = 1;
  double high = c.sequences + 1.0;
  while (high - low > 1) {
    const double middle = std::floor((low + high) / 2);
    (predict_tpot(c, middle, context) <= c.request.slo.tpot ? low : high) = middle;
  }
  return low;
}

/// Requests a second of one instance that is always busy, within the objective as far as a step alone tells.
void Candidates::predict(ServingCandidate& c) const {
  // no sequence is ever faster, whatever its neighbours, than one that begins after the shortest prompt and whose draft
  // is always right
  const double shortest = c.request.shortest_input;
  const Seconds alone = c.steps->times.time({1, shortest, 0, 0, 0}) / (1.0 + c.plan.draft_tokens);
  if (alone > c.request.slo.tpot) {
    throw TooMuch(fmt::format("one sequence alone takes {} a token, {:.4g} times {}", to_text(alone),
                              alone / c.request.slo.tpot, to_text(c.request.slo.tpot)),
                  Lack::time, alone / c.request.slo.tpot);
  }
  if (c.stage == Stage::mixed) {
    check_prompt_alone(c);
  }
  const auto rate_at = [&](double batch) {
    return c.plan.dp * batch /
           (predict_tpot(c, batch, c.request.context).value() * std::max(1.0, c.request.output - 1));
  };
  const double batch = most_in_time(c, c.request.context);
  c.rate = rate_at(batch);
  c.stay = predict_tpot(c, batch, c.request.context) * c.request.output;
  if (c.stage == Stage::mixed) {
    c.rate = std::min(c.rate, c.plan.dp / prompt_time(c, batch).value());
    c.most = most_mixed(c);
  } else {
    // long sequences may be so few that they may be late
    c.most = rate_at(most_in_time(c, shortest));
  }
}

/// What a prompt takes of iterations that carry a full chunk beside `batch` sequences: where a prompt ends within one,
/// the next begins.
Seconds Candidates::prompt_time(const ServingCandidate& c, double batch) {
  StepShape step = full_step(c, batch);
  Seconds time;
  double done = 0;
  while (done < c.request.computed) {
    step.prefill_context = c.request.prefix + done;
    time += c.steps->times.time(step) * (std::min(c.chunk, c.request.computed - done) / c.chunk);
    done += c.chunk;
  }
  return time;
}

/// Chunks come now and then, so that a mean says little of what a quantile sees: any batch may be the right one. Of a
/// request's iterations some carry full chunks, the others only decode; so many sequences that there are no others are
/// best, if they have room.
double Candidates::most_mixed(const ServingCandidate& c) {
  const double chunks = c.request.computed / c.chunk;
  const double iterations = (c.request.output - 1) / c.plan.tokens_per_iteration();
  const double batch = std::clamp(iterations / chunks, 1.0, double(c.sequences));
  const Seconds decode = c.steps->times.time({batch, c.request.context, 0, 0, 0});
  return c.plan.dp / (prompt_time(c, batch) + std::max(0.0, iterations / batch - chunks) * decode).value();
}

}  // namespace podium
