#include "sim/study/serving_rate.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <valarray>

#include "sim/core/quantile.h"

namespace podium {
namespace {

constexpr std::array patiences{1, 2, 4, 8};  ///< how many times as long runs are, while it is not clear what they show
constexpr double precision = 1.01;           ///< to which the highest rate is found: from a step to the next
constexpr double tail = 500;                 ///< requests that are measured beyond the quantile, at least

constexpr Seconds longest_run(8e6);  ///< somewhat less than can be simulated

/// A rate of one instance that decodes. All that are tried are steps of this one ladder, so that what a deployment is
/// found to sustain does not depend on where the search began, and copies of it are compared at equal loads.
double rate_at(int step) { return std::pow(precision, step); }
int step_below(double rate) { return static_cast<int>(std::floor(std::log(rate) / std::log(precision))); }

/// No lower rate is tried: a thousandth of the prediction, and what brings all requests in the longest run.
double lowest_rate(double predicted, double requests) {
  return std::max(1e-3 * predicted, requests / longest_run.value());
}

/// Where a pool is a split's prefill or decode instances.
Pool pool_of(const ServingCandidate& c, std::uint32_t instances) {
  Pool pool;
  pool.plan = c.plan;
  pool.step_time = [&c](const StepShape& shape) { return c.steps->times.time(shape); };
  pool.instances = instances;
  pool.chunk_tokens = c.chunk;
  pool.max_sequences = c.sequences;
  pool.cache_tokens = c.cache_tokens;
  return pool;
}

CacheTransfer cache_transfer(const ModelSpec& model, const ServingCandidate& from, const ServingCandidate& to,
                             const std::string& plane_name) {
  const Topology& network = from.steps->machine.network();
  const std::uint32_t plane = network.plane_index(plane_name);
  CacheTransfer transfer;
  transfer.sent = cache_bytes_per_token(model, from.plan);
  transfer.taken = cache_bytes_per_token(model, to.plan);
  for (const Link& link : network.links) {
    if (link.plane == plane && link.from == network.accelerator(0)) {
      transfer.bandwidth += link.bandwidth * network.planes[plane].payload_efficiency_far;
    }
  }
  transfer.latency = from.steps->machine.protocol(plane).send_launch;
  return transfer;
}

/// Whether queues keep their length. At a load of r > 1 each request stays longer than the one before: by r - 1 for
/// each second between their arrivals. A line by least squares may rise by a hundredth, of which chance must leave no
/// doubt, but where there is no longer run to tell. A request stays as long as its neighbours, which met the same
/// queue, so chance is told from the means of batches (Law, Simulation Modeling and Analysis, section 9.5.3), by
/// Student's t at 95 % two-sided. The passes of a trace have the same requests each (of a part of a machine, requests
/// that are alike): what their means differ by is not taken for chance.
bool is_steady(const Measured& m, std::size_t passes, bool is_last) {
  const std::size_t batches = passes > 0 ? passes : 10;
  constexpr double student_t = 2.306;  // of the 8 degrees of freedom that a line leaves to 10 batches
  const std::size_t count = m.stay.size();
  if (count < batches) {
    return true;
  }
  std::valarray<double> arrival(batches), stay(batches);
  for (std::size_t b = 0; b < batches; ++b) {
    const std::size_t first = b * count / batches, length = (b + 1) * count / batches - first;
    arrival[b] = mean(std::span(m.arrival).subspan(first, length));
    stay[b] = mean(std::span(m.stay).subspan(first, length));
  }
  arrival -= arrival.sum() / static_cast<double>(batches);
  stay -= stay.sum() / static_cast<double>(batches);
  const double spread = (arrival * arrival).sum();
  if (spread == 0) {
    return true;
  }
  const double slope = (arrival * stay).sum() / spread;
  const double left = std::pow(stay - slope * arrival, 2.0).sum();
  const double chance = passes > 0 ? 0 : student_t * std::sqrt(left / static_cast<double>(batches - 2) / spread);
  return slope + (is_last ? 0 : chance) <= 0.01;
}

/// Of those that were served and of others that wait for ever: between the two stands the last that was served.
double quantile_with_refused(std::vector<double> seen, std::size_t refused, double of) {
  constexpr double ever = std::numeric_limits<double>::max();
  const auto below = static_cast<std::size_t>(of * static_cast<double>(seen.size() + refused - 1));
  if (refused > 0 && below + 1 >= seen.size()) {
    return below < seen.size() ? *std::max_element(seen.begin(), seen.end()) : ever;
  }
  seen.insert(seen.end(), refused, ever);
  return quantile(seen, of);
}

}  // namespace

double Measured::ttft_at(double of) const { return quantile_with_refused(ttft, refused, of); }

std::optional<double> Measured::tpot_at(double of) const {
  return tpot.empty() && refused_decoding == 0 ? std::nullopt
                                               : std::optional(quantile_with_refused(tpot, refused_decoding, of));
}

bool RateSearch::can_transfer(const Split& split) const {
  return split.prefill == nullptr ||
         cache_transfer(model_, *split.prefill, *split.decode, transfer_plane_).bandwidth > BytesPerSecond(0);
}

Deployment RateSearch::deploy(const Split& split) const {
  Deployment deployment;
  deployment.decode = pool_of(*split.decode, split.decode_instances);
  if (split.prefill != nullptr) {
    deployment.prefill = pool_of(*split.prefill, split.prefill_instances);
    deployment.transfer = cache_transfer(model_, *split.prefill, *split.decode, transfer_plane_);
  }
  for (Pool* pool : {&deployment.prefill, &deployment.decode}) {
    pool->reuses_prefixes = workload_.prefix_reuse != PrefixReuse::off;
  }
  return deployment;
}

double RateSearch::fewest() const { return tail / (1 - mean_.slo.quantile); }

/// As long as the workload says, or longer where requests stay long: a machine has to fill up before it is measured,
/// and queues need time to show that they grow. The end is not measured: the last requests have the machine to
/// themselves. At low rates it takes longer until enough requests have come to tell a quantile by. With patience it all
/// lasts that many times as long.
RateSearch::Run RateSearch::plan_run(const Split& split, double rate, double patience) const {
  const Seconds stay = split.decode->stay + (split.prefill != nullptr ? split.prefill->stay : Seconds());
  const Seconds latest = mean_.slo.ttft + mean_.slo.tpot * mean_.output;
  const Seconds measured = std::max({workload_.measured, 4 * stay, Seconds(fewest() / rate)});
  return {patience * std::max(workload_.warm_up, 2 * stay), patience * measured, std::min(latest, 2 * stay)};
}

const RateSearch::Offer& RateSearch::offer(std::size_t size, double copies, const InferencePlan& plan) {
  const auto [place, is_new] = offers_.try_emplace({size, copies, plan.draft_tokens, plan.acceptance});
  Offer& offer = place->second;
  if (is_new) {
    offer.requests = recorded_.empty()
                         ? poisson_requests(size, workload_.arrivals.input, workload_.arrivals.output, seed_)
                         : scale_to_unit_rate(recorded_, size, copies);
    offer.iterations = draw_iterations(offer.requests, plan, seed_);
  }
  return offer;
}

Measured RateSearch::measure(const Served& served, const Watch& watch) const {
  Measured m;
  for (const Outcome& outcome : served.outcomes) {
    if (!watch.covers(outcome.arrival)) {
      continue;
    }
    if (outcome.refused) {
      ++m.refused;
      m.refused_decoding += outcome.output > 1 ? 1 : 0;
      continue;
    }
    m.ttft.push_back(outcome.ttft().value());
    m.arrival.push_back(since_start(outcome.arrival).value());
    m.stay.push_back((outcome.finish - outcome.arrival).value());
    if (outcome.output > 1) {
      m.tpot.push_back(outcome.tpot().value());
    }
    m.tokens += outcome.output;
  }
  m.time = watch.until - watch.from;
  return m;
}

bool RateSearch::keeps_objective(const Measured& m) const {
  const Slo& slo = mean_.slo;
  return !m.ttft.empty() && m.ttft_at(slo.quantile) <= slo.ttft.value() &&
         m.tpot_at(slo.quantile).value_or(0) <= slo.tpot.value();
}

/// Where prefixes are reused a machine is whole: what a replica's cache has depends on how many others there are.
Cell RateSearch::cell_of(const Split& split) const {
  if (workload_.prefix_reuse != PrefixReuse::off) {
    return {split, 1};
  }
  // quantiles of so many requests are sure enough, however many instances there are
  constexpr double enough = 20'000;
  return make_cell(split, std::max(enough, fewest()) / plan_run(split, split.rate, 1).measured.value());
}

/// The least time that requests of a trace are measured for.
Seconds RateSearch::least_passes(const Cell& cell, double rate, double patience) const {
  return Seconds(patience * std::max(2.0, cell.copies) * static_cast<double>(recorded_.size()) / (cell.copies * rate));
}

bool RateSearch::is_too_long(const Cell& cell, double rate, double patience) const {
  return patience > 1 &&
         std::max(plan_run(cell.split, rate, patience).length(), least_passes(cell, rate, patience)) > longest_run;
}

/// At a rate of the cell. Random arrivals are stretched so that while they are measured exactly so many a second come:
/// how many are drawn is chance, which would be taken for a difference between rates. Of a trace whole passes are
/// measured, so that all deployments are measured by the same requests: at least two, which tell whether queues grow,
/// and so many that a cell which stands for a whole has had about as many requests as there are.
RateSearch::Trial RateSearch::plan_trial(const Cell& cell, double rate, double patience) {
  Run run = plan_run(cell.split, rate, patience);
  const Slo& slo = mean_.slo;
  if (recorded_.empty()) {
    const auto come_in = [&](Seconds time) { return static_cast<std::size_t>(std::ceil(rate * time.value())); };
    const std::size_t first = come_in(run.warm_up), last = first + come_in(run.measured);
    const std::size_t count = last + come_in(run.drain) + 1;
    const Offer& offered = offer(std::bit_ceil(count), 1, cell.split.decode->plan);  // so that few numbers are drawn
    const Seconds from = offered.requests[first].arrival, until = offered.requests[last].arrival;
    const double drawn_rate = static_cast<double>(last - first) / (until - from).value();
    const double offered_rate = rate / drawn_rate;
    return {std::span(offered.requests).first(count),
            std::span(offered.iterations).first(count),
            offered_rate,
            {Time() + from / offered_rate, Time() + until / offered_rate, slo.quantile, slo.ttft, slo.tpot},
            0};
  }
  const double offered_rate = cell.copies * rate;
  const Seconds pass(static_cast<double>(recorded_.size()) / offered_rate);
  const double passes = std::ceil(std::max(run.measured, least_passes(cell, rate, patience)) / pass * (1 - 1e-9));
  run.measured = passes * pass;
  const auto whole = static_cast<std::size_t>(std::ceil(run.length() / pass));
  const Offer& offered = offer(std::bit_ceil(whole), cell.copies, cell.split.decode->plan);
  const auto comes_before = [&](const Request& request) { return request.arrival / offered_rate < run.length(); };
  const auto end = std::ranges::partition_point(offered.requests, comes_before);
  const auto count = static_cast<std::size_t>(end - offered.requests.begin());
  return {std::span(offered.requests).first(count),
          std::span(offered.iterations).first(count),
          offered_rate,
          {Time() + run.warm_up, Time() + run.warm_up + run.measured, slo.quantile, slo.ttft, slo.tpot},
          static_cast<std::size_t>(passes)};
}

ServingLog RateSearch::log(const Split& split, double rate, std::size_t most_iterations, std::size_t most_requests) {
  const Cell cell = cell_of(split);
  ServingLog log;
  log.most_iterations = most_iterations;
  log.most_requests = most_requests;
  const double own = rate / cell.copies;
  const Trial trial = plan_trial(cell, own, 1);
  log.from = trial.watched.from;
  serve(deploy(cell.split), trial.requests, trial.iterations, trial.rate, trial.watched, &log);
  return log;
}

Measured RateSearch::look(const Split& split, double rate) {
  const Cell cell = cell_of(split);
  const Deployment deployment = deploy(cell.split);
  const double own = rate / cell.copies;
  Measured seen;
  for (const int patience : patiences) {
    if (is_too_long(cell, own, patience)) {
      break;
    }
    const Trial trial = plan_trial(cell, own, patience);
    seen = measure(serve(deployment, trial.requests, trial.iterations, trial.rate).value(), trial.watched);
    if (!keeps_objective(seen)) {
      break;
    }
  }
  return seen;
}

/// Where queues grow, the objective is kept only for as long as the run lasts. Just below its limit a machine fills up
/// slowly, since a fuller one takes longer steps: what grows still is looked at again for longer, and so is what cannot
/// be told from chance.
std::optional<Sustained> RateSearch::hold(const Cell& cell, const Deployment& deployment, double rate) {
  for (const int patience : patiences) {
    if (is_too_long(cell, rate, patience)) {
      break;
    }
    const bool is_last = patience == patiences.back() || is_too_long(cell, rate, 2 * patience);
    const Trial trial = plan_trial(cell, rate, patience);
    std::optional<Served> served = serve(deployment, trial.requests, trial.iterations, trial.rate, trial.watched);
    if (!served) {
      return std::nullopt;
    }
    Measured measured = measure(*served, trial.watched);
    if (!keeps_objective(measured)) {
      return std::nullopt;
    }
    if (is_steady(measured, trial.passes, is_last)) {
      const double tokens = cell.copies * rate * measured.tokens_of_each();
      return Sustained{cell.copies * rate, tokens, cell.split, cell.copies, std::move(*served), std::move(measured)};
    }
  }
  return std::nullopt;
}

std::optional<Sustained> RateSearch::sustain(const Split& split, double at_least) {
  const Cell cell = cell_of(split);
  const Deployment deployment = deploy(cell.split);
  if (at_least > 0 && !hold(cell, deployment, at_least / cell.copies)) {
    return std::nullopt;
  }
  const double instances = cell.split.decode_instances;
  std::optional<Sustained> best;
  const auto holds_at = [&](int step) {
    std::optional<Sustained> held = hold(cell, deployment, instances * rate_at(step));
    const bool holds = held.has_value();
    if (holds) {
      best = std::move(held);
    }
    return holds;
  };
  // the prediction is mostly within some 10 %: step away from it, ever further, until the limit is bracketed; then
  // bisect
  constexpr int stride = 10;
  const double requests = std::max(fewest(), 2.0 * static_cast<double>(recorded_.size()));
  const int lowest = step_below(lowest_rate(cell.split.rate, requests) / instances) + 1;
  std::optional<int> low;
  int high = std::max(lowest + 1, step_below(cell.split.rate / instances));
  while (holds_at(high)) {
    low = high;
    high += stride;
  }
  for (int down = stride; !low && high > lowest; down *= 2) {
    const int lower = std::max(lowest, high - down);
    if (holds_at(lower)) {
      low = lower;
    } else {
      high = lower;
    }
  }
  while (low && high - *low > 1) {
    const int middle = std::midpoint(*low, high);
    if (holds_at(middle)) {
      low = middle;
    } else {
      high = middle;
    }
  }
  if (best) {
    best->above = cell.copies * instances * rate_at(high);
  }
  return best;
}

}  // namespace podium
