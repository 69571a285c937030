#include "sim/study/serving_rate.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <span>

#include "sim/core/quantile.h"

namespace podium {
namespace {

constexpr double fewest = 2000;  ///< requests that are measured: the last twentieth of fewer is a handful

/// No lower rate is tried: a thousandth of the prediction, and what brings the fewest requests in some weeks.
double lowest_rate(double predicted) {
  constexpr Seconds longest(4e6);
  return std::max(1e-3 * predicted, fewest / longest.value());
}

/// Where a pool is a split's prefill or decode instances.
Pool pool_of(const ServingCandidate& c, std::uint32_t instances) {
  Pool pool;
  pool.plan = c.plan;
  pool.step_time = [&c](const StepShape& shape) { return c.steps->time(shape); };
  pool.instances = instances;
  pool.chunk_tokens = c.chunk;
  pool.max_sequences = c.sequences;
  pool.cache_tokens = c.cache_tokens;
  return pool;
}

CacheTransfer cache_transfer(const ModelSpec& model, const ServingCandidate& from, const std::string& plane_name) {
  const Topology& network = from.machine->network();
  const std::uint32_t plane = network.plane_index(plane_name);
  CacheTransfer transfer;
  transfer.per_token = cache_bytes_per_token(model, from.plan);
  for (const Link& link : network.links) {
    if (link.plane == plane && link.from == network.accelerator(0)) {
      transfer.bandwidth += link.bandwidth * network.planes[plane].payload_efficiency_far;
    }
  }
  transfer.latency = from.machine->protocol(plane).send_launch;
  return transfer;
}

/// Whether queues keep their length. At a load of r > 1 each request stays longer than the one before: by r - 1 for
/// each second between their arrivals. A line through all (least squares) may rise by a hundredth, and by what chance
/// may do (two standard errors).
bool is_steady(const Measured& m) {
  const auto count = static_cast<double>(m.stay.size());
  if (count < 3) {
    return true;
  }
  const double mean_arrival = mean(m.arrival), mean_stay = mean(m.stay);
  double spread = 0, covered = 0;
  for (std::size_t i = 0; i < m.stay.size(); ++i) {
    spread += (m.arrival[i] - mean_arrival) * (m.arrival[i] - mean_arrival);
    covered += (m.arrival[i] - mean_arrival) * (m.stay[i] - mean_stay);
  }
  const double slope = spread > 0 ? covered / spread : 0;
  double left = 0;
  for (std::size_t i = 0; i < m.stay.size(); ++i) {
    const double error = m.stay[i] - mean_stay - slope * (m.arrival[i] - mean_arrival);
    left += error * error;
  }
  const double standard_error = spread > 0 ? std::sqrt(left / (count - 2) / spread) : 0;
  return slope <= 0.01 + 2 * standard_error;
}

}  // namespace

Deployment RateSearch::deploy(const Split& split) const {
  Deployment deployment;
  deployment.decode = pool_of(*split.decode, split.decode_instances);
  if (split.prefill != nullptr) {
    deployment.prefill = pool_of(*split.prefill, split.prefill_instances);
    deployment.transfer = cache_transfer(model_, *split.prefill, transfer_plane_);
  }
  for (Pool* pool : {&deployment.prefill, &deployment.decode}) {
    pool->reuses_prefixes = workload_.prefix_reuse != PrefixReuse::off;
  }
  return deployment;
}

/// As long as the workload says, or longer where requests stay long: a machine has to fill up before it is measured,
/// and queues need time to show that they grow. The end is not measured: the last requests have the machine to
/// themselves. At low rates it takes longer until enough requests have come to tell a quantile by.
RateSearch::Run RateSearch::plan_run(const Split& split, double rate) const {
  const Seconds stay = split.decode->stay + (split.prefill != nullptr ? split.prefill->stay : Seconds());
  const Seconds latest = mean_.slo.ttft + mean_.slo.tpot * mean_.output;
  const Seconds measured = std::max({workload_.measured, 4 * stay, Seconds(fewest / rate)});
  return {std::max(workload_.warm_up, 2 * stay), measured, std::min(latest, 2 * stay)};
}

/// How many requests arrive at this rate while a run lasts.
std::size_t RateSearch::requests_at(double rate, const Run& run) const {
  return static_cast<std::size_t>(std::ceil(rate * run.length().value()));
}

/// At least so many requests: a power of two, so that few numbers have to be drawn.
const RateSearch::Offer& RateSearch::offer(std::size_t count, const InferencePlan& plan) {
  const std::size_t drawn = std::bit_ceil(count);
  const auto [place, is_new] = offers_.try_emplace({drawn, plan.draft_tokens, plan.acceptance});
  Offer& offer = place->second;
  if (is_new) {
    offer.requests = recorded_.empty()
                         ? poisson_requests(drawn, workload_.arrivals.input, workload_.arrivals.output, seed_)
                         : scale_to_unit_rate(recorded_, drawn);
    offer.iterations = draw_iterations(offer.requests, plan, seed_);
  }
  return offer;
}

/// The requests that are measured. The last one draws nearer or farther than planned, and the parts of the run with it.
Watch RateSearch::watch(const Request& last, double rate, const Run& run) const {
  const Seconds whole = last.arrival / rate;
  const Slo& slo = mean_.slo;
  return {Time() + whole * (run.warm_up / run.length()), Time() + whole * ((run.warm_up + run.measured) / run.length()),
          slo.quantile, slo.ttft, slo.tpot};
}

Measured RateSearch::measure(const Served& served, const Watch& watch) const {
  Measured m;
  for (const Outcome& outcome : served.outcomes) {
    if (!watch.covers(outcome.arrival)) {
      continue;
    }
    if (outcome.refused) {
      ++m.refused;
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

/// A request that is turned away does not see the times that it should. Where queues grow, the objective is kept only
/// for as long as the run lasts.
bool RateSearch::keeps_objective(Measured m) const {
  const Slo& slo = mean_.slo;
  const auto seen = static_cast<double>(m.ttft.size()), refused = static_cast<double>(m.refused);
  return seen > 0 && refused <= (1 - slo.quantile) * (seen + refused) &&
         quantile(m.ttft, slo.quantile) <= slo.ttft.value() &&
         (m.tpot.empty() || quantile(m.tpot, slo.quantile) <= slo.tpot.value()) && is_steady(m);
}

Cell RateSearch::cell_of(const Split& split) const {
  // quantiles of so many requests are sure enough, however many instances there are
  constexpr double enough = 20'000;
  return make_cell(split, enough / plan_run(split, split.rate).measured.value());
}

/// One run of the split's cell, at a rate of the cell.
RateSearch::Attempt RateSearch::attempt(const Split& split, const Deployment& cell, double rate, ServingLog* log) {
  const Run run = plan_run(split, rate);
  const std::size_t count = requests_at(rate, run);
  const Offer& offered = offer(count, split.decode->plan);
  const Watch watched = watch(offered.requests[count - 1], rate, run);
  if (log != nullptr) {
    log->from = watched.from;
  }
  return {serve(cell, std::span(offered.requests).first(count), std::span(offered.iterations).first(count), rate,
                watched, log),
          watched};
}

ServingLog RateSearch::log(const Split& split, double rate, std::size_t most_iterations, std::size_t most_requests) {
  const Cell cell = cell_of(split);
  ServingLog log;
  log.most_iterations = most_iterations;
  log.most_requests = most_requests;
  attempt(split, deploy(cell.split), rate / cell.copies, &log);
  return log;
}

/// Bisection for the highest rate that keeps the objective, to 1 %; nothing where there is none.
std::optional<Sustained> RateSearch::sustain(const Split& split) {
  const Cell cell = cell_of(split);
  const Deployment deployment = deploy(cell.split);
  std::optional<Sustained> best;
  const auto holds_at = [&](double rate) {
    Attempt run = attempt(split, deployment, rate);
    if (!run.served) {
      return false;
    }
    Measured measured = measure(*run.served, run.watched);
    const bool holds = keeps_objective(measured);
    if (holds) {
      const double tokens = cell.copies * measured.tokens / measured.time.value();
      best =
          Sustained{cell.copies * rate, tokens, cell.split, cell.copies, std::move(*run.served), std::move(measured)};
    }
    return holds;
  };
  // the prediction is mostly within some 10 %: step away from it, ever further, until the limit is bracketed; then
  // bisect
  const double lowest = lowest_rate(cell.split.rate);
  double low = 0, high = std::max(lowest, cell.split.rate);
  while (holds_at(high)) {
    low = high;
    high *= 1.1;
  }
  for (double step = 0.9; low == 0 && high > lowest; step *= step) {
    const double lower = std::max(lowest, step * high);
    (holds_at(lower) ? low : high) = lower;
  }
  while (low > 0 && high - low > 0.01 * high) {
    const double middle = (low + high) / 2;
    (holds_at(middle) ? low : high) = middle;
  }
  return best;
}

}  // namespace podium
