#include "sim/study/uncertainty.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <map>

#include "sim/study/evaluate.h"
#include "sim/study/model_error.h"
#include "sim/study/odds.h"
#include "sim/study/parallel.h"
#include "sim/study/ranged_figures.h"

namespace podium {
namespace {

/// So many figures, those that move a contest most, are evaluated in full.
constexpr std::size_t simulated_figures = 3;

constexpr std::array both_ends{End::low, End::high};

/// The throughput of one case, by index, where one fact is at an end.
struct Question {
  std::size_t fact = 0, one = 0;
  End end = End::low;

  friend bool operator==(const Question&, const Question&) = default;
};

/// A case's throughput where a fact is at an end, over that where all is as it is.
struct Factor {
  std::optional<double> value = 1;  ///< nothing where the kept plan does not fit
  bool simulated = false;
};

/// The cases of one workload in one regime that have a plan, by index: the highest throughput first.
using Contenders = std::vector<std::size_t>;

/// What figures do to the cases of a comparison.
class Survey {
 public:
  Survey(const Study& study, const ComparisonResult& result, const RunOptions& options)
      : study_(study),
        result_(result),
        options_(options),
        cases_(cases_of(study)),
        alike_(first_alike(study)),
        facts_(ranged_figures(result.sources)),
        predicted_(cases_.size()) {}

  void ask_all();
  bool simulate_widest(const std::vector<Contenders>&);
  Uncertainty summarise(const Contenders&) const;

 private:
  void ask(const std::vector<Question>&, Depth);
  const Factor& factor(std::size_t fact, std::size_t one, End end) const;
  std::optional<double> ratio(std::size_t fact, const Contenders&, End end) const;
  double ratio_of(const Contenders&) const;
  double width(std::size_t fact, const Contenders&) const;
  std::vector<std::size_t> by_width(const Contenders&) const;
  bool touched(std::size_t fact, const Contenders&) const;
  Influence influence(std::size_t fact, const Contenders&) const;
  std::vector<Influence> model_errors(const Contenders&) const;
  FigureEffect effect(std::size_t fact, const Contenders&) const;

  const Study& study_;
  const ComparisonResult& result_;
  const RunOptions& options_;
  std::vector<CaseId> cases_;
  std::vector<std::size_t> alike_;  ///< by case: the first that is the same but for its regime's name
  std::vector<RangedFigure> facts_;
  std::vector<std::optional<double>> predicted_;                         ///< of each case where all is as it is
  std::map<std::tuple<std::size_t, std::size_t, End>, Factor> factors_;  ///< by fact, case, end; of what is touched
};

void Survey::ask_all() {
  std::vector<Question> questions;
  for (std::size_t one = 0; one < cases_.size(); ++one) {
    if (result_.cases[one].plan.empty()) {
      continue;
    }
    const std::vector<std::string> files = files_of(study_, cases_[one]);
    for (std::size_t fact = 0; fact < facts_.size(); ++fact) {
      if (touches(facts_[fact], study_, cases_[one], files)) {
        questions.push_back({fact, one, End::low});
        questions.push_back({fact, one, End::high});
      }
    }
  }
  RunOptions quiet = options_;
  quiet.progress = nullptr;
  parallel_for(cases_.size(), quiet, [&](std::size_t one) {
    predicted_[one] = pinned_throughput(study_, cases_[one], result_.cases[one].kept, Depth::predicted);
  });
  ask(questions, Depth::predicted);
}

void Survey::ask(const std::vector<Question>& questions, Depth depth) {
  // a study's own figures may be of one regime only: such cases are alike no more
  const auto canonical = [&](Question question) {
    question.one = facts_[question.fact].file.starts_with("studies/") ? question.one : alike_[question.one];
    return question;
  };
  std::vector<Question> distinct;
  std::vector<std::size_t> answer_of;
  for (const Question& question : questions) {
    const auto known = std::find(distinct.begin(), distinct.end(), canonical(question));
    answer_of.push_back(static_cast<std::size_t>(known - distinct.begin()));
    if (known == distinct.end()) {
      distinct.push_back(canonical(question));
    }
  }
  std::vector<Factor> answers(distinct.size());
  parallel_for(distinct.size(), options_, [&](std::size_t i) {
    const auto& [fact, one, end] = distinct[i];
    const CaseResult& known = result_.cases[one];
    const Study there = changed(study_, at_end(facts_[fact], end));
    const std::optional<double> throughput = pinned_throughput(there, cases_[one], known.kept, depth);
    const double before = depth == Depth::simulated ? known.throughput.per_system : predicted_[one].value();
    answers[i] = {throughput ? std::optional(*throughput / before) : std::nullopt, depth == Depth::simulated};
  });
  for (std::size_t i = 0; i < questions.size(); ++i) {
    factors_[{questions[i].fact, questions[i].one, questions[i].end}] = answers[answer_of[i]];
  }
}

const Factor& Survey::factor(std::size_t fact, std::size_t one, End end) const {
  static const Factor untouched;
  const auto found = factors_.find({fact, one, end});
  return found == factors_.end() ? untouched : found->second;
}

/// The leader over the next where all is as it is.
double Survey::ratio_of(const Contenders& contenders) const {
  return result_.cases[contenders[0]].throughput.per_system / result_.cases[contenders[1]].throughput.per_system;
}

/// The same where a fact is at an end.
std::optional<double> Survey::ratio(std::size_t fact, const Contenders& contenders, End end) const {
  const std::optional<double> leader = factor(fact, contenders[0], end).value;
  const std::optional<double> next = factor(fact, contenders[1], end).value;
  return leader && next ? std::optional(ratio_of(contenders) * (*leader / *next)) : std::nullopt;
}

/// How many times the least of the ratios, at the value and at the ends, the largest is.
double Survey::width(std::size_t fact, const Contenders& contenders) const {
  const double as_it_is = ratio_of(contenders);
  const double low = ratio(fact, contenders, End::low).value_or(as_it_is);
  const double high = ratio(fact, contenders, End::high).value_or(as_it_is);
  return std::max({low, as_it_is, high}) / std::min({low, as_it_is, high});
}

bool Survey::touched(std::size_t fact, const Contenders& contenders) const {
  return std::any_of(contenders.begin(), contenders.end(), [&](std::size_t one) {
    return factors_.contains({fact, one, End::low});
  });
}

/// The facts that touch one of the contenders, the widest first.
std::vector<std::size_t> Survey::by_width(const Contenders& contenders) const {
  std::vector<std::size_t> facts;
  for (std::size_t fact = 0; fact < facts_.size(); ++fact) {
    if (touched(fact, contenders)) {
      facts.push_back(fact);
    }
  }
  std::stable_sort(facts.begin(), facts.end(),
                   [&](std::size_t a, std::size_t b) { return width(a, contenders) > width(b, contenders); });
  return facts;
}

/// Evaluates in full those of the widest figures that are only predicted so far. As that may put others in their place,
/// it is to be called until there are none.
bool Survey::simulate_widest(const std::vector<Contenders>& contests) {
  std::vector<Question> questions;
  for (const Contenders& contenders : contests) {
    std::vector<std::size_t> facts = by_width(contenders);
    facts.resize(std::min(simulated_figures, facts.size()));
    for (const std::size_t fact : facts) {
      for (const std::size_t one : contenders) {
        for (const End end : both_ends) {
          const auto known = factors_.find({fact, one, end});
          if (known != factors_.end() && !known->second.simulated) {
            questions.push_back({fact, one, end});
          }
        }
      }
    }
  }
  ask(questions, Depth::simulated);
  return !questions.empty();
}

Influence Survey::influence(std::size_t fact, const Contenders& contenders) const {
  const Range& range = facts_[fact].figure.range.value();
  Influence result;
  result.below = (range.value - range.low) / (range.high - range.low);
  for (const std::size_t one : contenders) {
    result.at_low.push_back(factor(fact, one, End::low).value.value_or(1));
    result.at_high.push_back(factor(fact, one, End::high).value.value_or(1));
  }
  return result;
}

/// What the model's own error does to the contenders: a triangular distribution whose mean distance from 1 is the
/// expected miss reaches three times as far; none is slower than a tenth of what is predicted. Machines of one chip are
/// mispredicted alike: most of their steps is the same kernels.
std::vector<Influence> Survey::model_errors(const Contenders& contenders) const {
  const std::vector<double> ones(contenders.size(), 1);
  std::map<std::string, Influence> by_chip;
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    const CaseResult& one = result_.cases[contenders[i]];
    const double reach = std::min(0.9, 3 * expected_miss(result_.validated, one.system, is_training(one)));
    const std::string chip = load_system(study_, one.system).chip;
    Influence& influence = by_chip.try_emplace(chip, Influence{0.5, ones, ones}).first->second;
    influence.at_low[i] -= reach;
    influence.at_high[i] += reach;
  }
  std::vector<Influence> influences;
  for (auto& [chip, influence] : by_chip) {
    influences.push_back(std::move(influence));
  }
  return influences;
}

FigureEffect Survey::effect(std::size_t fact, const Contenders& contenders) const {
  FigureEffect result;
  result.file = facts_[fact].file;
  result.figure = facts_[fact].figure;
  result.places = facts_[fact].paths.size();
  result.at_low = ratio(fact, contenders, End::low);
  result.at_high = ratio(fact, contenders, End::high);
  for (const std::size_t one : contenders) {
    if (factors_.contains({fact, one, End::low})) {
      result.systems.push_back(result_.cases[one].system);
      result.simulated = factor(fact, one, End::low).simulated;
    }
  }
  return result;
}

Uncertainty Survey::summarise(const Contenders& contenders) const {
  const CaseResult &leader = result_.cases[contenders[0]], &next = result_.cases[contenders[1]];
  Uncertainty result;
  result.workload = leader.workload;
  result.regime = leader.regime;
  result.leader = leader.system;
  result.next = next.system;
  result.ratio = ratio_of(contenders);
  std::vector<Influence> influences;
  for (const std::size_t fact : by_width(contenders)) {
    influences.push_back(influence(fact, contenders));
    if (width(fact, contenders) > 1 || !ratio(fact, contenders, End::low) || !ratio(fact, contenders, End::high)) {
      result.effects.push_back(effect(fact, contenders));
    } else {
      ++result.without_effect;
    }
  }
  std::vector<double> throughputs;
  for (const std::size_t one : contenders) {
    throughputs.push_back(result_.cases[one].throughput.per_system);
  }
  const Rng rng(study_.seed, "uncertainty of " + result.workload + ", " + result.regime);
  result.by_figures = draw_odds(throughputs, influences, rng);
  for (Influence& own : model_errors(contenders)) {
    influences.push_back(std::move(own));
  }
  result.with_model_error = draw_odds(throughputs, influences, rng);
  return result;
}

std::vector<Contenders> contests_of(const ComparisonResult& result) {
  std::vector<Contenders> contests;
  for (std::size_t one = 0; one < result.cases.size(); ++one) {
    const auto is_of_the_same = [&](const Contenders& contenders) {
      const CaseResult& other = result.cases[contenders.front()];
      return other.workload == result.cases[one].workload && other.regime == result.cases[one].regime;
    };
    if (!result.cases[one].plan.empty()) {
      const auto contest = std::find_if(contests.begin(), contests.end(), is_of_the_same);
      contest == contests.end() ? contests.push_back({one}) : contest->push_back(one);
    }
  }
  std::erase_if(contests, [](const Contenders& contenders) { return contenders.size() < 2; });
  for (Contenders& contenders : contests) {
    std::stable_sort(contenders.begin(), contenders.end(), [&](std::size_t a, std::size_t b) {
      return result.cases[a].throughput.per_system > result.cases[b].throughput.per_system;
    });
  }
  return contests;
}

}  // namespace

void add_uncertainty(const Study& study, ComparisonResult& result, const RunOptions& options) {
  const std::vector<Contenders> contests = contests_of(result);
  if (contests.empty()) {
    return;
  }
  RunOptions quiet = options;
  quiet.progress = nullptr;
  result.validated = validate_anchors(quiet);
  Survey survey(study, result, options);
  survey.ask_all();
  while (survey.simulate_widest(contests)) {
  }
  for (const Contenders& contenders : contests) {
    result.uncertainties.push_back(survey.summarise(contenders));
  }
}

}  // namespace podium
