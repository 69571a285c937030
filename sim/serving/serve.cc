#include "sim/serving/serve.h"

#include <algorithm>
#include <limits>
#include <memory>

#include "sim/serving/instance.h"

namespace podium {
namespace {

/// One run of a deployment.
class Server {
 public:
  Server(const Deployment& deployment, std::size_t requests, std::optional<Watch> watch, ServingLog* log)
      : deployment_(deployment), watch_(watch), log_(log), sequences_(requests), outcomes_(requests) {
    const auto sequence_done = [this](std::uint32_t id) { finish(id); };
    const auto stay = [this](std::uint32_t id, Replica&) { return has_more(id); };
    const auto hand_on = [this](std::uint32_t id, Replica& replica) {
      if (has_more(id)) {
        hand_over(id, replica);
      }
      return false;
    };
    prefill_events_ = {hand_on, sequence_done};
    decode_events_ = {stay, sequence_done};
    add(prefill_, deployment.prefill, prefill_events_, 0);
    add(decode_, deployment.decode, decode_events_, deployment.prefill.instances);
    if (log_ != nullptr) {
      log_->prefill_instances = deployment.prefill.instances;
      log_->decode_instances = deployment.decode.instances;
      log_->prefill_capacity = deployment.prefill.cache_tokens * deployment.prefill.plan.dp;
      log_->decode_capacity = deployment.decode.cache_tokens * deployment.decode.plan.dp;
    }
  }

  std::optional<Served> run(std::span<const Request> requests, std::span<const std::uint32_t> iterations, double rate) {
    for (std::uint32_t id = 0; id < requests.size(); ++id) {
      const Request& request = requests[id];
      sequences_[id].prompt = request.input;
      sequences_[id].output = request.output;
      sequences_[id].iterations = iterations[id];
      if (first_pool().reuses_prefixes) {
        sequences_[id].blocks = std::span(request.blocks).first(whole_blocks(request));
      }
      outcomes_[id].arrival = Time() + request.arrival / rate;
      outcomes_[id].output = request.output;
      open_ += counts(id) ? 1 : 0;
      engine_.at(outcomes_[id].arrival, [this, id] { arrive(id); });
    }
    // in slices, between which a run may be ended: short, and not too many of them where requests are rare
    const Seconds slice = std::max(Seconds(0.25), since_start(outcomes_.back().arrival) / 1000);
    const auto late = static_cast<std::size_t>(watch_ ? (1 - watch_->quantile) * static_cast<double>(open_) + 1 : 0);
    const auto is_hopeless = [&] { return std::max(late_first_, late_after_) > late; };
    for (Time horizon = Time() + slice; engine_.pending() > 0 && open_ > 0; horizon = horizon + slice) {
      engine_.run(horizon);
      if (is_hopeless()) {
        return std::nullopt;
      }
    }
    PODIUM_CHECK(open_ == 0, "every request is served or refused");
    Served served;
    served.prefill = mean(prefill_, Of::all);
    served.decode = mean(decode_, Of::all);
    served.with_prompts = mean(decode_, Of::with_prompts);
    served.without_prompts = mean(decode_, Of::without_prompts);
    for (std::uint32_t id = 0; id < requests.size(); ++id) {
      if (counts(id) && sequences_[id].reused) {
        served.prompt_tokens += requests[id].input;
        served.reused_tokens += *sequences_[id].reused;
      }
    }
    served.outcomes = std::move(outcomes_);
    served.time = since_start(engine_.now());
    served.refused = refused_;
    served.signature = engine_.signature();
    for (const Instances* instances : {&prefill_, &decode_}) {
      for (const auto& instance : *instances) {
        served.preemptions += instance->preemptions();
      }
    }
    return served;
  }

 private:
  using Instances = std::vector<std::unique_ptr<Instance>>;

  void add(Instances& instances, const Pool& pool, const Instance::Events& events, std::uint32_t first) {
    for (std::uint32_t i = 0; i < pool.instances; ++i) {
      instances.push_back(std::make_unique<Instance>(engine_, pool, sequences_, events, watch_, first + i, log_));
    }
  }

  LoggedRequest* logged(std::uint32_t id) { return log_ != nullptr ? log_->find(id) : nullptr; }

  void log_arrival(std::uint32_t id) {
    const Time arrival = outcomes_[id].arrival;
    if (log_ != nullptr && arrival >= log_->from && log_->requests.size() < log_->most_requests) {
      LoggedRequest& request = log_->requests.emplace_back();
      request.id = id;
      request.arrival = arrival;
      request.input = sequences_[id].prompt;
      request.output = sequences_[id].output;
    }
  }

  /// The instance of a pool with the least load, and its replica with the least; the first of equals.
  template <class Load>
  static std::pair<Instance*, Replica*> least(Instances& instances, Load load) {
    const auto instance = std::min_element(instances.begin(), instances.end(),
                                           [&](const auto& a, const auto& b) { return load(*a) < load(*b); });
    std::vector<Replica>& replicas = (*instance)->replicas();
    const auto replica = std::min_element(replicas.begin(), replicas.end(),
                                          [&](const Replica& a, const Replica& b) { return load(a) < load(b); });
    return {instance->get(), &*replica};
  }

  /// The pool to which requests come.
  const Pool& first_pool() const { return deployment_.disaggregated() ? deployment_.prefill : deployment_.decode; }

  double fewest_held() const {
    double fewest = std::numeric_limits<double>::infinity();
    for (const auto& instance : decode_) {
      for (const Replica& replica : instance->replicas()) {
        fewest = std::min(fewest, double(replica.held));
      }
    }
    return fewest;
  }

  /// Where the prompt's own part that no cache has, and those that wait there, are the fewest tokens to prefill; of
  /// replicas that decode too, those that hold half as many sequences again as another are left out, as SGLang's router
  /// does (balance_rel_threshold 1.5).
  std::pair<Instance*, Replica*> least_left(std::uint32_t id) {
    const bool decodes_too = !deployment_.disaggregated();
    const Instances& instances = decodes_too ? decode_ : prefill_;
    const double most_held = decodes_too ? 1.5 * fewest_held() + 2 : std::numeric_limits<double>::infinity();
    std::pair<Instance*, Replica*> best{};
    double fewest = 0;
    for (const auto& instance : instances) {
      for (Replica& replica : instance->replicas()) {
        if (replica.held > most_held) {
          continue;
        }
        const double left = replica.waiting_tokens - instance->would_reuse(replica, id);
        if (best.first == nullptr || left < fewest) {
          best = {instance.get(), &replica};
          fewest = left;
        }
      }
    }
    return best;
  }

  /// Load by tokens to prefill, or by sequences held: of an instance and of a replica alike.
  struct ByTokens {
    double operator()(const Instance& i) const { return i.waiting_tokens(); }
    double operator()(const Replica& r) const { return r.waiting_tokens; }
  };
  struct BySequences {
    std::uint32_t operator()(const Instance& i) const { return i.held(); }
    std::uint32_t operator()(const Replica& r) const { return r.held; }
  };

  /// Whether the cache of every replica that the request meets can hold it, with all that it may grow.
  bool fits(const Sequence& sequence) const {
    const double whole = sequence.prompt + sequence.output + 2.0;
    return whole <= deployment_.decode.cache_tokens &&
           (!deployment_.disaggregated() || sequence.prompt <= deployment_.prefill.cache_tokens);
  }

  void arrive(std::uint32_t id) {
    log_arrival(id);
    if (!fits(sequences_[id])) {
      outcomes_[id].refused = true;
      ++refused_;
      late_first_ += watch_ && counts(id) ? 1 : 0;
      finish(id);
      return;
    }
    const auto [instance, replica] = first_pool().reuses_prefixes  ? least_left(id)
                                     : deployment_.disaggregated() ? least(prefill_, ByTokens{})
                                                                   : least(decode_, BySequences{});
    instance->enqueue(*replica, id);
  }

  /// A prompt is through, and with it a token: whether the sequence wants more.
  bool has_more(std::uint32_t id) {
    Sequence& sequence = sequences_[id];
    const bool first = sequence.produced < 1;
    sequence.produced += 1;
    if (first) {
      outcomes_[id].first_token = engine_.now();
      if (LoggedRequest* request = logged(id)) {
        request->first_token = engine_.now();
      }
      late_first_ += watch_ && counts(id) && outcomes_[id].ttft() > watch_->ttft ? 1 : 0;
    }
    if (sequence.produced >= sequence.output) {
      finish(id);
      return false;
    }
    return true;
  }

  void hand_over(std::uint32_t id, Replica& from) {
    const auto [instance, to] = least(decode_, BySequences{});
    const CacheTransfer& transfer = deployment_.transfer;
    const Time begin = std::max({engine_.now(), from.link_free, to->link_free});
    from.link_free = begin + transfer.sent * sequences_[id].prompt / transfer.bandwidth;
    to->link_free = begin + transfer.taken * sequences_[id].prompt / transfer.bandwidth;
    const Time end = std::max(from.link_free, to->link_free);
    instance->expect(*to);
    if (LoggedRequest* request = logged(id)) {
      request->delivered = end + transfer.latency;
    }
    engine_.at(end + transfer.latency, [id, instance = instance, to = to] { instance->deliver(*to, id); });
  }

  void finish(std::uint32_t id) {
    outcomes_[id].finish = engine_.now();
    if (LoggedRequest* request = logged(id)) {
      request->finish = engine_.now();
      request->refused = outcomes_[id].refused;
    }
    if (counts(id)) {
      --open_;
      const bool is_late = outcomes_[id].refused ? outcomes_[id].output > 1 : outcomes_[id].tpot() > watch_->tpot;
      late_after_ += watch_ && is_late ? 1 : 0;
    }
  }

  /// Whether the run is about this request.
  bool counts(std::uint32_t id) const { return !watch_ || watch_->covers(outcomes_[id].arrival); }

  enum class Of : std::uint8_t { all, with_prompts, without_prompts };

  MeanStep mean(const Instances& instances, Of of) const {
    StepSums sums;
    for (const auto& instance : instances) {
      if (of != Of::without_prompts) {
        sums.add(instance->with_prompts());
      }
      if (of != Of::with_prompts) {
        sums.add(instance->without_prompts());
      }
    }
    const Seconds time = watch_ ? watch_->overlap(Time(), engine_.now()) : since_start(engine_.now());
    return sums.mean(time, instances.size());
  }

  const Deployment& deployment_;
  std::optional<Watch> watch_;
  ServingLog* log_;
  Engine engine_;
  std::vector<Sequence> sequences_;
  std::vector<Outcome> outcomes_;
  Instance::Events prefill_events_, decode_events_;
  Instances prefill_, decode_;
  std::size_t open_ = 0;  ///< requests that the run is about and that are not served yet
  std::size_t late_first_ = 0, late_after_ = 0, refused_ = 0;
};

}  // namespace

Seconds Watch::overlap(Time begin, Time end) const {
  const Time first = std::max(begin, from), last = std::min(end, until);
  return last > first ? last - first : Seconds();
}

std::optional<Served> serve(const Deployment& deployment, std::span<const Request> requests,
                            std::span<const std::uint32_t> iterations, double rate, std::optional<Watch> watch,
                            ServingLog* log) {
  PODIUM_CHECK(rate > 0 && deployment.decode.instances > 0 && iterations.size() == requests.size());
  return Server(deployment, requests.size(), watch, log).run(requests, iterations, rate);
}

std::optional<Served> serve(const Deployment& deployment, const UnitRequests& requests, double rate, std::uint64_t seed,
                            std::optional<Watch> watch) {
  return serve(deployment, requests, draw_iterations(requests, deployment.decode.plan, seed), rate, watch);
}

}  // namespace podium
