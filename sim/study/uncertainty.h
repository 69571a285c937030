#pragma once

#include "sim/study/run.h"

namespace podium {

/// Fills in how sure the contests of a study's comparison are. Each figure with a range that a machine or a plan has is
/// put at its low and its high end, all else as it is, and the plan that each case kept is evaluated again: a training
/// step in full; a deployment by the rate that its search predicts, and the figures that move the ratio most in full.
/// Draws of all figures then tell how likely the leader wins, without and with the model's own error. A pure function
/// of the study and the result: the same for any number of threads.
void add_uncertainty(const Study&, ComparisonResult&, const RunOptions& = {});

}  // namespace podium
