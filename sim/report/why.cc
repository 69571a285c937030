#include "sim/report/why.h"

#include "sim/report/format.h"
#include "sim/system/folding_check.h"

namespace podium {
namespace {

/// "int8 against fp8"; one alone where both run on the same.
std::string peak_types(const CaseResult& first, const CaseResult& next) {
  return first.peak_type == next.peak_type ? first.peak_type : first.peak_type + " against " + next.peak_type;
}

/// "A prefill (416 of 768 dies) 38.0 % and 12.0 %, decode (320) 14.0 % and 49.0 %".
std::string use_of(const ComparisonResult& result, const CaseResult& one) {
  std::string ranks = "ranks";
  for (const SystemSummary& system : result.systems) {
    ranks = system.name == one.system ? system.rank_word + "s" : ranks;
  }
  std::string text = display_name(result.systems, one.system);
  for (const PhaseResult& phase : one.phases) {
    const bool is_first = &phase == &one.phases.front();
    text += (is_first ? " " : ", ") + phase.name.substr(0, phase.name.find(' ')) + " (" + count(phase.ranks) +
            (is_first ? " of " + count(one.ranks) + " " + ranks : "") +
            (phase.time_share < 1 ? ", " + percent(phase.time_share) + " of the time" : "") + ") " +
            percent(phase.peak_share) + " and " + percent(phase.bandwidth_share);
  }
  return text;
}

/// The lead of training as a product.
std::string peak_sentence(const ComparisonResult& result, const Standing::Place& leader,
                          const Standing::Place& behind) {
  // both do the same FLOPs a token: throughput over utilisation is in proportion to the peak
  const CaseResult &first = *leader.of, &next = *behind.of;
  const double used = *first.model_flops_utilisation / *next.model_flops_utilisation;
  const std::string peaks = factor(behind.behind / used);
  return display_name(result.systems, first.system) + " runs on " + peaks + " the peak (" + peak_types(first, next) +
         ") and makes " + percent(*first.model_flops_utilisation) + " of it into the model's FLOPs, against " +
         percent(*next.model_flops_utilisation) + " of " + display_name(result.systems, next.system) + ": " + peaks +
         " by " + factor(used) + ".";
}

/// What machines that serve have and use.
std::string use_sentence(const ComparisonResult& result, const std::vector<Standing::Place>& places) {
  const CaseResult &first = *places[0].of, &next = *places[1].of;
  std::string text = display_name(result.systems, first.system) + " has " + factor(first.peak / next.peak) +
                     " the peak (" + peak_types(first, next) + ") and " +
                     factor(first.memory_bandwidth / next.memory_bandwidth) + " the memory bandwidth.";
  for (const Standing::Place& place : places) {
    text += (&place == &places.front() ? " What steps use of peak and bandwidth: " : "; ") + use_of(result, *place.of);
  }
  return text + ".";
}

}  // namespace

std::string time_sentence(const ComparisonResult& result, const Contest& contest, const std::string& phase) {
  const char* const words[] = {" computing", " on memory", " on exposed communication", " on all else"};
  std::string text;
  for (const CaseResult* one : contest.cases) {
    for (const PhaseResult& spent : one->phases) {
      if (spent.name != phase) {
        continue;
      }
      double shares[4] = {};
      for (const auto& [part, time] : spent.breakdown) {
        const int kind = part == "compute" ? 0 : part == "memory" ? 1 : part.starts_with("exposed") ? 2 : 3;
        shares[kind] += time / spent.time;
      }
      const bool first = text.empty();
      text += (first ? "Of the " + phase + ", " : "; ") + display_name(result.systems, one->system) +
              (first ? " spends " : " ");
      for (int kind = 0; kind < 4; ++kind) {
        text += (kind == 0 ? "" : kind == 3 ? " and " : ", ") + percent(shares[kind]) + (first ? words[kind] : "");
      }
    }
  }
  return text.empty() ? text : text + ".";
}

std::string folding_sentence(const ComparisonResult& result, const Contest& contest, const std::string& phase) {
  std::string text;
  for (const CaseResult* one : contest.cases) {
    for (const PhaseResult& simulated : one->phases) {
      if (simulated.name == phase && simulated.folding.ranks > 0) {
        text += (text.empty() ? "Simulated by one of each that are exactly alike, of one " + phase + ": " : "; ") +
                display_name(result.systems, one->system) + " " + describe(simulated.folding);
      }
    }
  }
  return text.empty() ? text : text + ".";
}

std::string why_sentence(const ComparisonResult& result, const Contest& contest) {
  const std::vector<Standing::Place>& places = contest.standings.front().places;
  if (places.size() < 2) {
    return "";
  }
  const bool trains = places[0].of->model_flops_utilisation && places[1].of->model_flops_utilisation;
  return trains ? peak_sentence(result, places[0], places[1]) : use_sentence(result, places);
}

std::string limit_sentence(const ComparisonResult& result, const Contest& contest) {
  std::string text;
  for (const CaseResult* one : contest.cases) {
    if (!one->objective || !one->ttft) {
      continue;
    }
    std::string limits;
    const auto look = [&](const char* name, Seconds reached, Seconds above, Seconds limit) {
      if (above > limit) {
        limits += (limits.empty() ? "by " : " and ") + std::string(name) + " (" + to_text(reached) + " of " +
                  to_text(limit) + ", " + to_text(above) + " at a rate a hundredth higher)";
      }
    };
    const Objective::Seen &seen = one->objective->seen, &above = one->objective->above;
    look("TTFT", seen.ttft, above.ttft, one->objective->ttft);
    look("TPOT", seen.tpot.value_or(Seconds()), above.tpot.value_or(Seconds()), one->objective->tpot);
    text +=
        (text.empty() ? "What limits the rate: " : "; ") + display_name(result.systems, one->system) + " is held " +
        (!limits.empty() ? limits
                         : "by neither latency yet: at a rate a hundredth higher queues grow for as long as it lasts");
  }
  return text.empty() ? text : text + ".";
}

}  // namespace podium
