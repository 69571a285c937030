#include "sim/serving/step_times.h"

#include <cmath>

namespace podium {
namespace {

/// The grid nodes around a value: below <= value <= above.
struct Bracket {
  double below = 0, above = 0;
};

Bracket on_powers(double value, double ratio, double start) {
  // the exponent by search, so that the nodes are the same numbers however they are reached
  double below = start;
  while (std::round(below * ratio) <= value) {
    below = below * ratio;
  }
  const double low = std::round(below);
  return value <= low ? Bracket{low, low} : Bracket{low, std::round(below * ratio)};
}

Bracket bracket_count(double value) {
  if (value <= 8) {
    return {std::floor(value), std::ceil(value)};
  }
  return on_powers(value, std::sqrt(2.0), 8);
}

Bracket bracket_context(double value) { return value < 1 ? Bracket{0, std::ceil(value)} : on_powers(value, 2, 1); }

}  // namespace

StepTimes::StepTimes(Simulator& simulator, const ModelSpec& model, const InferencePlan& plan)
    : simulator_(simulator), model_(model), plan_(plan) {}

Execution StepTimes::execute(const StepShape& shape) {
  return simulator_.run(inference_step(model_, simulator_.machine().chip(), plan_, shape));
}

Seconds StepTimes::at_node(const Point& p) {
  const auto found = known_.find(p);
  if (found != known_.end()) {
    return found->second;
  }
  const Seconds time = execute({p[0], p[1], p[2], p[3], p[4]}).time;
  known_.emplace(p, time);
  return time;
}

Seconds StepTimes::time(const StepShape& shape) {
  const bool decodes = shape.decode_sequences > 0;
  const bool prefills = shape.prefill_sequences > 0 && shape.prefill_tokens > 0;
  const Point wanted{decodes ? shape.decode_sequences : 0, decodes ? shape.decode_context : 0,
                     prefills ? shape.prefill_sequences : 0, prefills ? shape.prefill_tokens : 0,
                     prefills ? shape.prefill_context : 0};
  const std::array<Bracket, 5> brackets{bracket_count(wanted[0]), bracket_context(wanted[1]), bracket_count(wanted[2]),
                                        bracket_count(wanted[3]), bracket_context(wanted[4])};
  // multilinear over the corners; an axis that sits on a node has one corner
  Seconds sum;
  for (unsigned corner = 0; corner < 32; ++corner) {
    Point node{};
    double share = 1;
    for (std::size_t axis = 0; axis < 5; ++axis) {
      const Bracket& b = brackets[axis];
      const bool upper = (corner >> axis & 1U) != 0;
      const double part = b.above > b.below ? (wanted[axis] - b.below) / (b.above - b.below) : 0;
      share *= upper ? part : 1 - part;
      node[axis] = upper ? b.above : b.below;
    }
    if (share > 0) {
      sum += at_node(node) * share;
    }
  }
  return sum;
}

}  // namespace podium
