#include "sim/serving/step_times.h"

#include <cmath>

namespace podium {
namespace {

/// The grid nodes below and above a value: twice the value where it is one.
using Bracket = std::pair<double, double>;

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

bool StepTimes::Cell::holds(const Point& point) const {
  for (std::size_t axis = 0; axis < point.size(); ++axis) {
    const auto& [below, above] = axes[axis];
    const bool is_within = below < point[axis] && point[axis] < above;
    if (!is_within && (point[axis] != below || below != above)) {
      return false;
    }
  }
  return !corners.empty();
}

StepTimes::Cell StepTimes::around(const Point& point) {
  Cell cell{{bracket_count(point[0]), bracket_context(point[1]), bracket_count(point[2]), bracket_count(point[3]),
             bracket_context(point[4])},
            {}};
  for (unsigned corner = 0; corner < 32; ++corner) {
    Point node{};
    bool is_distinct = true;
    for (std::size_t axis = 0; axis < node.size(); ++axis) {
      const auto& [below, above] = cell.axes[axis];
      const bool upper = (corner >> axis & 1U) != 0;
      node[axis] = upper ? above : below;
      is_distinct = is_distinct && (!upper || above > below);
    }
    if (is_distinct) {
      cell.corners.emplace_back(corner, at_node(node));
    }
  }
  return cell;
}

Seconds StepTimes::time(const StepShape& shape) {
  const bool decodes = shape.decode_sequences > 0;
  const bool prefills = shape.prefill_sequences > 0 && shape.prefill_tokens > 0;
  const Point wanted{decodes ? shape.decode_sequences : 0, decodes ? shape.decode_context : 0,
                     prefills ? shape.prefill_sequences : 0, prefills ? shape.prefill_tokens : 0,
                     prefills ? shape.prefill_context : 0};
  if (!last_.holds(wanted)) {
    last_ = around(wanted);
  }
  Point part{};
  for (std::size_t axis = 0; axis < part.size(); ++axis) {
    const auto& [below, above] = last_.axes[axis];
    part[axis] = above > below ? (wanted[axis] - below) / (above - below) : 0;
  }
  Seconds sum;  // multilinear over the corners
  for (const auto& [corner, time] : last_.corners) {
    double share = 1;
    for (std::size_t axis = 0; axis < part.size(); ++axis) {
      share *= (corner >> axis & 1U) != 0 ? part[axis] : 1 - part[axis];
    }
    sum += time * share;
  }
  return sum;
}

}  // namespace podium
