#pragma once

#include "sim/config/config.h"
#include "sim/workload/inference.h"
#include "sim/workload/training.h"

namespace podium {

/// Reads the keys of an inference plan that are there into `plan`; what is not there keeps its value.
void read_inference_plan(const Node&, InferencePlan& plan);
/// "TP4 DP8 EP32 int8, 2 micro-batches": what tells plans of one regime apart.
std::string describe(const InferencePlan&, const ModelSpec&);

/// The same for a training plan's settings (data types, recompute, sharding, overlap, layers a stage), those excepted
/// of which a study lists several.
void read_training_settings(const Node&, TrainingPlan& plan);

/// The same for those: the type of its linear layers, degrees, batch, sequence and recomputation.
void read_training_degrees(const Node&, TrainingPlan& plan);

Recompute parse_recompute(const Node&);

}  // namespace podium
