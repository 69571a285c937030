#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "sim/report/table.h"
#include "sim/report/verdict.h"
#include "sim/study/result.h"

namespace podium {

/// How sure a contest's winner is; null where that was not asked.
const Uncertainty* uncertainty_of(const ComparisonResult&, const Contest&);

/// "96 %", "over 99 %".
std::string probability(double);
/// "1.02× to 1.50×".
std::string interval(const Odds&);

/// By how much the speed of each system of a contest is predicted too high or too low where results of such work were
/// published: "… NVIDIA GB200 NVL72: +11.3 % (name of the result); Huawei CloudMatrix384: none …".
std::string anchors_sentence(const ComparisonResult&, const std::string& workload, const std::string& regime);

/// How sure the winner of a contest is, in a few sentences: the odds without and with the model's own error, and which
/// single figures would make another the winner.
std::vector<std::string> certainty(const ComparisonResult&, const Uncertainty&);
/// What the model's own error is, how it is drawn, and how figures are.
std::string draws_sentence(const std::vector<Validated>&);
/// The least and the largest probability of all contests; empty where that was not asked.
std::string certainty_in_short(const ComparisonResult&);

/// One row a figure that moves the ratio by half a percent or more, the widest first, `most` at most; sources are cut
/// to so many letters.
TextTable effects_table(const Uncertainty&, std::size_t most = std::string::npos,
                        std::size_t letters_of_source = std::string::npos);

}  // namespace podium
