#pragma once

#include "sim/workload/training.h"

namespace podium::test {

/// A small dense model of equal layers.
inline ModelSpec small_model(std::size_t layers) {
  ModelSpec model;
  model.name = "small";
  model.hidden = 512;
  model.vocabulary = 1000;
  model.max_context = 4096;
  model.gqa = GqaShape{8, 4, 64, false, false};
  model.layers.assign(layers, Layer{0, false, {}, 1024});
  return model;
}

/// The same with experts: `shared` of them for all tokens, the rest routed.
inline ModelSpec small_moe(std::size_t layers, int shared) {
  ModelSpec model = small_model(layers);
  for (Layer& layer : model.layers) {
    layer.dense_ffn = 0;
    layer.moe = MoeShape{16, shared, 4, 256, shared > 0 ? 256 : 0};
  }
  return model;
}

/// The same with latent attention.
inline ModelSpec small_mla(std::size_t layers) {
  ModelSpec model = small_moe(layers, 1);
  model.gqa.reset();
  model.mla = MlaShape{8, 128, 64, 32, 64, 64};
  return model;
}

inline TrainingPlan small_plan(std::uint32_t pp, std::uint32_t virtual_stages, std::uint32_t micro_batches) {
  TrainingPlan plan;
  plan.name = "small";
  plan.global_batch = micro_batches;
  plan.sequence = 1024;
  plan.pp = pp;
  plan.virtual_stages = virtual_stages;
  return plan;
}

}  // namespace podium::test
