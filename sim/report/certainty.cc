#include "sim/report/certainty.h"

#include <algorithm>
#include <cmath>

#include "sim/report/format.h"
#include "sim/study/model_error.h"

namespace podium {
namespace {

std::string place_of(const FigureEffect& effect) { return effect.file + " " + effect.figure.path; }

/// Whether the ratio changes by half a percent, or the plan does not fit.
bool is_visible(const Uncertainty& contest, const FigureEffect& effect) {
  const auto moves = [&](const std::optional<double>& ratio) {
    return !ratio || std::abs(*ratio / contest.ratio - 1) >= 0.005;
  };
  return moves(effect.at_low) || moves(effect.at_high);
}

/// By how much a figure moves the ratio at least where it does so the same way at both its ends: then it is not the
/// figure that does, but a search that ends elsewhere. 0: it does not.
double scatter_of(const Uncertainty& contest, const FigureEffect& effect) {
  const auto moved = [&](const std::optional<double>& ratio) { return ratio ? *ratio / contest.ratio - 1 : 0; };
  const double low = moved(effect.at_low), high = moved(effect.at_high);
  const double less = std::min(std::abs(low), std::abs(high)), more = std::max(std::abs(low), std::abs(high));
  return low * high > 0 && less >= 0.005 && less >= more / 3 ? less : 0;
}

/// "chips/gb200 peak.fp8 at its low end, 4900 TFLOP/s (0.97×)", for each figure that alone makes another the winner.
std::vector<std::string> flips(const Uncertainty& contest) {
  std::vector<std::string> found;
  for (const FigureEffect& effect : contest.effects) {
    if (scatter_of(contest, effect) > 0) {
      continue;
    }
    const auto look = [&](const std::optional<double>& ratio, const char* end, const std::string& value) {
      if (ratio && *ratio < 1) {
        found.push_back(place_of(effect) + " at its " + end + " end, " + value + " (" + factor(*ratio) + ")");
      }
    };
    look(effect.at_low, "low", effect.figure.low);
    look(effect.at_high, "high", effect.figure.high);
  }
  return found;
}

/// "NVIDIA GB200 NVL72: +11.3 % (a name), -2.0 % (another)", of the system's published results of one kind.
std::string beside_published(const ComparisonResult& result, const std::string& system, bool training) {
  std::string text;
  for (const Validated& one : result.validated) {
    if (one.system == system && one.training == training) {
      text += (text.empty() ? "" : ", ") + (one.speed < 1 ? std::string() : "+") + percent(one.speed - 1) + " (" +
              one.name + ")";
    }
  }
  return display_name(result.systems, system) + ": " +
         (text.empty() ? "nothing published to hold it against, a mean miss of " +
                             percent(expected_miss(result.validated, system, training)) + " taken for it"
                       : text);
}

/// The most that the lead would shrink by if one published result of either machine told its speed; of a machine
/// without any, if the miss that is expected of it did.
double largest_miss(const ComparisonResult& result, const Uncertainty& contest) {
  const auto trains = std::any_of(result.cases.begin(), result.cases.end(), [&](const CaseResult& one) {
    return one.workload == contest.workload && is_training(one);
  });
  const auto largest_of = [&](const std::string& system, const auto& shrinks) {
    std::optional<double> most;
    for (const Validated& one : result.validated) {
      if (one.training == trains && one.system == system) {
        most = std::max(most.value_or(1), shrinks(one.speed));
      }
    }
    return most ? *most : 1 + expected_miss(result.validated, system, trains);
  };
  return std::max(largest_of(contest.leader, [](double speed) { return speed; }),
                  largest_of(contest.next, [](double speed) { return 1 / speed; }));
}

/// " In 1 of 4 the lead is …", of the contests whose lead is no larger than a miss against a published result.
std::string within_misses(const ComparisonResult& result) {
  const std::vector<Uncertainty>& all = result.uncertainties;
  const auto doubtful = std::count_if(all.begin(), all.end(),
                                      [&](const Uncertainty& one) { return one.ratio < largest_miss(result, one); });
  return doubtful == 0 ? ""
                       : " In " + std::to_string(doubtful) + " of " + std::to_string(all.size()) +
                             " the lead is no larger than a miss against published results (see there).";
}

std::string shortened(const std::string& text, std::size_t letters) {
  if (text.size() <= letters) {
    return text;
  }
  const std::size_t end = text.find_last_of(' ', letters);
  return text.substr(0, end == std::string::npos ? letters : end) + " ...";
}

}  // namespace

const Uncertainty* uncertainty_of(const ComparisonResult& result, const Contest& contest) {
  for (const Uncertainty& one : result.uncertainties) {
    if (one.workload == contest.workload && one.regime == contest.regime) {
      return &one;
    }
  }
  return nullptr;
}

std::string probability(double share) {
  constexpr double sure = 0.99;  // triangles and a straight line between ends say nothing of what is rarer
  const auto whole = [](double part) { return count(std::round(100 * part)) + " %"; };
  return share > sure ? "over " + whole(sure) : share < 1 - sure ? "under " + whole(1 - sure) : whole(share);
}

std::string interval(const Odds& odds) { return factor(odds.low) + " to " + factor(odds.high); }

std::string anchors_sentence(const ComparisonResult& result, const std::string& workload, const std::string& regime) {
  std::string text;
  for (const CaseResult& one : result.cases) {
    if (one.workload == workload && one.regime == regime) {
      text += (text.empty() ? std::string("Predicted against published speed (podium validate): ") : "; ") +
              beside_published(result, one.system, is_training(one));
    }
  }
  return text + ".";
}

std::vector<std::string> certainty(const ComparisonResult& result, const Uncertainty& contest) {
  const std::string leader = display_name(result.systems, contest.leader);
  const std::string next = display_name(result.systems, contest.next);
  std::vector<std::string> sentences;
  const Odds& odds = contest.with_model_error;
  if (odds.low == 1 && odds.high == 1) {
    return {leader + " and " + next + " are level, whatever is drawn."};
  }
  sentences.push_back(leader + " wins with a probability of " + probability(contest.by_figures.leader_wins) +
                      " when figures are drawn from their ranges: " + interval(contest.by_figures) + " as much as " +
                      next + " in 90 % of the draws.");
  sentences.push_back("With the model's own error on top, with a probability of " + probability(odds.leader_wins) +
                      ": " + interval(odds) + ".");
  sentences.push_back(anchors_sentence(result, contest.workload, contest.regime));
  if (const double miss = largest_miss(result, contest); contest.ratio < miss) {
    sentences.push_back("The lead of " + factor(contest.ratio) + " is no larger than the largest of these misses, " +
                        factor(miss) + ": it is not sure.");
  }
  const std::vector<std::string> found = flips(contest);
  std::string flipping =
      found.empty() ? "No single figure flips the winner." : "A single figure makes " + next + " the winner: ";
  for (std::size_t i = 0; i < found.size(); ++i) {
    flipping += (i == 0 ? "" : "; or ") + found[i] + (i + 1 == found.size() ? "." : "");
  }
  sentences.push_back(flipping);
  double scatter = 0;
  for (const FigureEffect& effect : contest.effects) {
    scatter = std::max(scatter, scatter_of(contest, effect));
  }
  if (scatter > 0) {
    sentences.push_back("Some figures move the ratio the same way at both their ends, by up to " + percent(scatter) +
                        ": that much is no effect of theirs, but a matter of where the search for a rate ends.");
  }
  const auto hidden = std::count_if(contest.effects.begin(), contest.effects.end(),
                                    [&](const FigureEffect& effect) { return !is_visible(contest, effect); });
  sentences.push_back(count(static_cast<double>(contest.effects.size()) - static_cast<double>(hidden)) +
                      " figures with a range move the ratio by 0.5 % or more, " + count(static_cast<double>(hidden)) +
                      " by less, and " + count(static_cast<double>(contest.without_effect)) + " not at all.");
  return sentences;
}

std::string draws_sentence(const std::vector<Validated>& validated) {
  const Misses all = misses(validated), training = misses(validated, true), inference = misses(validated, false);
  const auto of_kind = [](const Misses& found) {
    return "by " + percent(found.mean) + " on average and " + percent(found.largest) + " at most, " +
           count(static_cast<double>(found.too_fast)) + " of " + count(static_cast<double>(found.results)) +
           " predicted too fast";
  };
  return "Each figure with a range is put at its ends, all else as it is, with the plan that was kept (of training, "
         "where it no longer fits into memory, the best of those tried that does) and without a new search. Draws take "
         "all figures at random: independently, from triangular distributions with the value as the most likely. What "
         "a file says in several places is one figure. The model's own error is a further factor for each machine, the "
         "same draw for machines of one chip: "
         "predictions miss " +
         count(static_cast<double>(all.results)) + " published results by " + percent(all.mean) +
         " on average (podium validate): steps of serving " + of_kind(inference) + "; training " + of_kind(training) +
         ". It is drawn from a triangle with the mean of its kind of work, at least that of all; where nothing is "
         "published of a machine's work of a kind, with the largest of its kind.";
}

std::string certainty_in_short(const ComparisonResult& result) {
  if (result.uncertainties.empty()) {
    return "";
  }
  double least = 1, most = 0;
  for (const Uncertainty& one : result.uncertainties) {
    least = std::min(least, one.with_model_error.leader_wins);
    most = std::max(most, one.with_model_error.leader_wins);
  }
  const std::string range =
      probability(least) == probability(most) ? probability(least) : probability(least) + " to " + probability(most);
  return "How sure: over the ranges of the figures and the model's own error, the leaders as a whole stay ahead with a "
         "probability of " +
         range + "." + within_misses(result);
}

TextTable effects_table(const Uncertainty& contest, std::size_t most, std::size_t letters_of_source) {
  TextTable table{{{"figure"},
                   {"low", Align::right},
                   {"value", Align::right},
                   {"high", Align::right},
                   {"ratio at low", Align::right},
                   {"at high", Align::right},
                   {"evaluated"},
                   {"grade"},
                   {"source"}},
                  {}};
  const auto text = [](const std::optional<double>& value) { return value ? factor(*value) : "no plan fits"; };
  for (const FigureEffect& effect : contest.effects) {
    if (table.rows.size() < most && is_visible(contest, effect)) {
      const Figure& figure = effect.figure;
      table.rows.push_back({place_of(effect), figure.low, figure.value, figure.high, text(effect.at_low),
                            text(effect.at_high), effect.simulated ? "in full" : "predicted",
                            std::string(to_string(figure.grade)), shortened(figure.source, letters_of_source)});
    }
  }
  return table;
}

}  // namespace podium
