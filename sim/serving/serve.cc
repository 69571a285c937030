#include "sim/serving/serve.h"

#include <algorithm>
#include <memory>

#include "sim/core/rng.h"
#include "sim/serving/instance.h"

namespace podium {
namespace {

/// One run of a deployment.
class Server {
 public:
  Server(const Deployment& deployment, std::size_t requests, std::uint64_t seed, std::optional<GiveUp> give_up)
      : deployment_(deployment), give_up_(give_up), acceptance_(seed, "acceptance"), sequences_(requests) {
    outcomes_.resize(requests);
    const auto prompt_done = [this](std::uint32_t id, Instance& instance, Replica& replica) {
      return on_prompt(id, instance, replica);
    };
    const auto sequence_done = [this](std::uint32_t id) { finish(id); };
    const auto iterations_left = [this](const Sequence& sequence) { return draw_iterations(sequence); };
    events_ = {prompt_done, sequence_done, iterations_left};
    add(prefill_, deployment.prefill);
    add(decode_, deployment.decode);
  }

  std::optional<Served> run(const UnitRequests& requests, double rate) {
    for (std::uint32_t id = 0; id < requests.size(); ++id) {
      const Request& request = requests[id];
      sequences_[id].prompt = request.input;
      sequences_[id].output = request.output;
      outcomes_[id].arrival = Time() + request.arrival / rate;
      outcomes_[id].output = request.output;
      engine_.at(outcomes_[id].arrival, [this, id] { arrive(id); });
    }
    for (Time horizon = Time() + Seconds(1); engine_.pending() > 0 && !hopeless_; horizon = horizon + Seconds(1)) {
      engine_.run(horizon);
    }
    if (hopeless_) {
      return std::nullopt;
    }
    PODIUM_CHECK(finished_ == requests.size(), "every request is served or refused");
    Served served;
    served.prefill = mean(prefill_);
    served.decode = mean(decode_);
    served.outcomes = std::move(outcomes_);
    served.time = since_start(engine_.now());
    served.refused = refused_;
    served.signature = engine_.signature();
    for (const auto& instance : decode_) {
      served.preemptions += instance->preemptions();
    }
    return served;
  }

 private:
  using Instances = std::vector<std::unique_ptr<Instance>>;

  void add(Instances& instances, const Pool& pool) {
    for (std::uint32_t i = 0; i < pool.instances; ++i) {
      instances.push_back(std::make_unique<Instance>(engine_, pool, sequences_, events_));
    }
  }

  /// The replica of a pool with the least load, the first of equals.
  template <class Load>
  static std::pair<Instance*, Replica*> least(Instances& instances, Load load) {
    std::pair<Instance*, Replica*> best;
    for (const auto& instance : instances) {
      for (Replica& replica : instance->replicas()) {
        if (best.second == nullptr || load(replica) < load(*best.second)) {
          best = {instance.get(), &replica};
        }
      }
    }
    return best;
  }

  static std::size_t sequences_of(const Replica& r) {
    return r.running.size() + r.arrived.size() + r.waiting.size() + r.travelling;
  }

  /// Whether the cache of every replica that the request meets can hold it, with all that it may grow.
  bool fits(const Sequence& sequence) const {
    const double whole = sequence.prompt + sequence.output + 2.0;
    return whole <= deployment_.decode.cache_tokens &&
           (!deployment_.disaggregated() || sequence.prompt <= deployment_.prefill.cache_tokens);
  }

  void arrive(std::uint32_t id) {
    if (!fits(sequences_[id])) {
      outcomes_[id].refused = true;
      ++refused_;
      finish(id);
      return;
    }
    const auto [instance, replica] =
        deployment_.disaggregated()
            ? least(prefill_, [](const Replica& r) { return r.waiting_tokens; })
            : least(decode_, [](const Replica& r) { return std::pair(r.waiting_tokens, sequences_of(r)); });
    replica->waiting.push_back(id);
    replica->waiting_tokens += sequences_[id].prompt;
    instance->wake();
  }

  bool on_prompt(std::uint32_t id, const Instance& instance, Replica& replica) {
    Sequence& sequence = sequences_[id];
    const bool first = sequence.produced < 1;
    sequence.produced += 1;
    if (first) {
      outcomes_[id].first_token = engine_.now();
      if (give_up_ && outcomes_[id].ttft() > give_up_->ttft && ++late_ > give_up_->requests) {
        hopeless_ = true;
      }
    }
    if (sequence.produced >= sequence.output) {
      finish(id);
      return false;
    }
    const bool prefilled_here = std::any_of(prefill_.begin(), prefill_.end(),
                                            [&](const auto& candidate) { return candidate.get() == &instance; });
    if (!prefilled_here) {
      return true;
    }
    hand_over(id, replica);
    return false;
  }

  void hand_over(std::uint32_t id, Replica& from) {
    const auto [instance, to] = least(decode_, sequences_of);
    const CacheTransfer& transfer = deployment_.transfer;
    const Time begin = std::max({engine_.now(), from.link_free, to->link_free});
    const Time end = begin + transfer.per_token * sequences_[id].prompt / transfer.bandwidth;
    from.link_free = end;
    to->link_free = end;
    ++to->travelling;
    engine_.at(end + transfer.latency, [id, instance = instance, to = to] {
      --to->travelling;
      to->arrived.push_back(id);
      instance->wake();
    });
  }

  std::uint64_t draw_iterations(const Sequence& sequence) {
    const InferencePlan& plan = deployment_.decode.plan;
    double left = sequence.output - sequence.produced;
    std::uint64_t iterations = 0;
    while (left > 0) {
      left -= 1;
      for (int draft = 0; draft < plan.draft_tokens && acceptance_.uniform() < plan.acceptance; ++draft) {
        left -= 1;
      }
      ++iterations;
    }
    return iterations;
  }

  void finish(std::uint32_t id) {
    outcomes_[id].finish = engine_.now();
    ++finished_;
  }

  MeanStep mean(const Instances& instances) const {
    MeanStep sum;
    for (const auto& instance : instances) {
      const MeanStep& one = instance->sums();
      sum.shape.decode_sequences += one.shape.decode_sequences;
      sum.shape.decode_context += one.shape.decode_context;
      sum.shape.prefill_sequences += one.shape.prefill_sequences;
      sum.shape.prefill_tokens += one.shape.prefill_tokens;
      sum.shape.prefill_context += one.shape.prefill_context;
      sum.busy += one.busy;
      sum.iterations += one.iterations;
    }
    if (sum.busy > 0) {
      for (double* value : {&sum.shape.decode_sequences, &sum.shape.decode_context, &sum.shape.prefill_sequences,
                            &sum.shape.prefill_tokens, &sum.shape.prefill_context}) {
        *value /= sum.busy;
      }
      sum.busy /= since_start(engine_.now()).value() * static_cast<double>(instances.size());
    }
    return sum;
  }

  const Deployment& deployment_;
  std::optional<GiveUp> give_up_;
  Engine engine_;
  Rng acceptance_;
  std::vector<Sequence> sequences_;
  std::vector<Outcome> outcomes_;
  Instance::Events events_;
  Instances prefill_, decode_;
  std::size_t finished_ = 0, late_ = 0, refused_ = 0;
  bool hopeless_ = false;
};

}  // namespace

std::optional<Served> serve(const Deployment& deployment, const UnitRequests& requests, double rate, std::uint64_t seed,
                            std::optional<GiveUp> give_up) {
  PODIUM_CHECK(rate > 0 && deployment.decode.instances > 0);
  return Server(deployment, requests.size(), seed, give_up).run(requests, rate);
}

}  // namespace podium
