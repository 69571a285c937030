#pragma once

#include <string>

#include "sim/report/verdict.h"

/// Why a contest came out as it did, in sentences.
namespace podium {

/// How the systems spend the time of a phase: computing, on memory, on exposed communication, on all else. Empty where
/// no case of the contest has the phase.
std::string time_sentence(const ComparisonResult&, const Contest&, const std::string& phase);

/// How many ranks, messages and links of each system's step were simulated by how many (docs/FOLDING.md). Empty where
/// nothing is known of it.
std::string folding_sentence(const ComparisonResult&, const Contest&, const std::string& phase);

/// Why the first system leads the next. Of training, its factor as the product of two causes: the peaks that the
/// machines have, and how much of them they use. Of serving, what the machines have, the first over the next, and what
/// share of it the ranks of each phase put to use. Empty where only one has a plan.
std::string why_sentence(const ComparisonResult&, const Contest&);

/// What keeps each system that serves from a higher rate: the latency that is at its limit, or neither, where at the
/// next higher rate requests come faster than they are finished, or latencies jump beyond their limits. Empty where
/// none serves.
std::string limit_sentence(const ComparisonResult&, const Contest&);

}  // namespace podium
