// Results as CSV (RFC 4180): one row a case or a point, SI units, numbers that read back as they were.
#include "sim/core/csv_cells.h"
#include "sim/report/format.h"
#include "sim/report/report.h"
#include "sim/report/verdict.h"

namespace podium {
namespace {

std::string line(const std::vector<std::string>& fields) {
  std::string text;
  for (std::size_t i = 0; i < fields.size(); ++i) {
    text += (i == 0 ? "" : ",") + csv_cell(fields[i]);
  }
  return text + "\n";
}

void add(std::vector<std::string>& row, const Throughput& t, bool there) {
  row.push_back(t.unit);
  for (const double value : {t.per_system, t.per_chip, t.per_rank, t.per_watt}) {
    row.push_back(there ? exact(value) : "");
  }
  row.push_back(there && t.per_dollar ? exact(*t.per_dollar) : "");
}

void add(std::vector<std::string>& row, const std::optional<Percentiles>& p) {
  row.push_back(p ? exact(p->p50.value()) : "");
  row.push_back(p ? exact(p->p95.value()) : "");
  row.push_back(p ? exact(p->p99.value()) : "");
}

}  // namespace

std::string to_csv(const ComparisonResult& result) {
  std::string text = line({"workload",
                           "regime",
                           "system",
                           "plan",
                           "chips",
                           "ranks",
                           "domains",
                           "unit",
                           "per_system",
                           "per_chip",
                           "per_rank",
                           "per_watt",
                           "per_dollar",
                           "power_watts",
                           "request_rate_per_second",
                           "requests",
                           "ttft_p50_seconds",
                           "ttft_p95_seconds",
                           "ttft_p99_seconds",
                           "tpot_p50_seconds",
                           "tpot_p95_seconds",
                           "tpot_p99_seconds",
                           "model_flops_utilisation",
                           "peak_type",
                           "refused",
                           "signature"});
  for (const CaseResult& one : result.cases) {
    std::vector<std::string> row{one.workload,
                                 one.regime,
                                 one.system,
                                 one.plan,
                                 std::to_string(one.chips),
                                 std::to_string(one.ranks),
                                 std::to_string(one.domains)};
    add(row, one.throughput, !one.plan.empty());
    row.push_back(one.plan.empty() ? "" : exact(one.power.value()));
    row.push_back(one.ttft ? exact(one.request_rate) : "");
    row.push_back(one.ttft ? std::to_string(one.requests) : "");
    add(row, one.ttft);
    add(row, one.tpot);
    row.push_back(one.model_flops_utilisation ? exact(*one.model_flops_utilisation) : "");
    row.push_back(one.peak_type);
    row.push_back(refusal(one));
    row.push_back(hexadecimal(one.signature));
    text += line(row);
  }
  return text;
}

std::string to_csv(const SweepResult& result) {
  std::string text = line({"workload", "system", "chips", "ranks", "domains", "plan", "unit", "per_system", "per_chip",
                           "per_rank", "per_watt", "per_dollar", "refused", "signature"});
  for (const SweepPoint& point : result.points) {
    std::vector<std::string> row{point.workload,
                                 point.system,
                                 std::to_string(point.chips),
                                 std::to_string(point.ranks),
                                 std::to_string(point.domains),
                                 point.plan};
    add(row, point.throughput, point.refused.empty());
    row.push_back(point.refused);
    row.push_back(hexadecimal(point.signature));
    text += line(row);
  }
  return text;
}

std::string to_csv(const SimulationResult& result) {
  std::string text = line({"workload", "regime", "system", "plan", "step", "step_plan", "ranks", "network",
                           "packet_scale", "packet_hops", "time_seconds", "search_network", "search_time_seconds",
                           "busiest_plane", "busiest_link", "busiest_utilisation", "signature"});
  for (const SimulatedCase& one : result.cases) {
    for (const SimulatedStep& step : one.steps) {
      const bool moves = !step.run.tiers.empty();
      const PortTier busiest = moves ? step.run.tiers.front() : PortTier();
      text += line({one.found.workload, one.found.regime, one.found.system, one.found.plan, step.phase.name,
                    step.phase.plan, std::to_string(step.phase.step.allocation.ranks), result.options.network,
                    exact(step.packet_scale), std::to_string(step.run.packet_hops), exact(step.run.time.value()),
                    result.network, exact(step.planned.time.value()), busiest.plane,
                    moves ? busiest.busiest.front().name : "", moves ? exact(busiest.busiest.front().utilisation) : "",
                    hexadecimal(step.run.signature)});
    }
  }
  return text;
}

}  // namespace podium
