#pragma once

#include "sim/study/result.h"
#include "sim/study/run.h"
#include "sim/study/study.h"

namespace podium {

/// Runs the steps of a comparison's kept plans again where each resource of their machine is a tenth better, one at a
/// time: rates so much higher, times shorter by that factor. A plane on which the step sends nothing, as far as it
/// shows, changes nothing. Requests are not served again: with shorter steps a deployment could take larger batches.
void add_gains(const Study&, ComparisonResult&, const RunOptions& = {});

}  // namespace podium
