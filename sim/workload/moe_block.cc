#include <algorithm>
#include <cmath>

#include "sim/workload/layer_program.h"

namespace podium {
namespace {

/// base^exponent by multiplication alone, linear between whole exponents: the same on every machine, unlike pow.
double power(double base, double exponent) {
  const double whole = std::floor(exponent);
  double result = 1;
  double square = base;
  for (auto left = static_cast<std::uint64_t>(whole); left > 0; left /= 2) {
    if (left % 2 == 1) {
      result *= square;
    }
    square *= square;
  }
  return result * (1 - (exponent - whole) * (1 - base));
}

/// Bytes of one token on its way to an expert.
Bytes dispatched_token(const InferenceSetup& setup) { return token_size(setup.plan.dispatch_type, setup.model.hidden); }

/// Prompts' tokens, of which it is left to the exchange how often each is sent.
std::optional<TokenRouting> bulk_routing(const InferencePlan& plan, const MoeShape& moe, const StepTokens& tokens) {
  if (!plan.once_per_node || tokens.prefill() == 0) {
    return std::nullopt;
  }
  return TokenRouting{.choices = static_cast<std::uint32_t>(moe.top_k),
                      .slots = static_cast<double>(moe.experts) + plan.redundant_experts,
                      .shared = static_cast<std::uint32_t>(plan.shared_expert_slots > 0 ? moe.shared_experts : 0),
                      .groups = static_cast<std::uint32_t>(moe.groups),
                      .groups_chosen = static_cast<std::uint32_t>(moe.groups_chosen)};
}

/// How often a token is sent: to each of its experts, or once to each rank that has any of them.
double copies(const InferencePlan& plan, const MoeShape& moe, bool once_per_rank) {
  double routed = moe.top_k;
  if (once_per_rank) {
    const double slots = moe.experts + plan.redundant_experts;
    const double here = slots / plan.ep;
    double none_here = 1;
    for (int i = 0; i < moe.top_k; ++i) {
      none_here *= std::max(0.0, slots - here - i) / (slots - i);
    }
    routed = plan.ep * (1 - none_here);
  }
  return routed + (plan.shared_expert_slots > 0 ? moe.shared_experts : 0);
}

/// At the fullest rank of routed experts.
ExpertLoad routed_load(const InferencePlan& plan, const MoeShape& moe, double tokens) {
  const double slots = moe.experts + plan.redundant_experts;
  ExpertLoad load;
  load.slots = fullest_slots(plan, moe);
  load.rows = tokens * moe.top_k * load.slots / slots * plan.imbalance();
  // a token misses a slot with probability 1 - top_k / slots, whatever the other tokens do
  load.touched = load.slots * (1 - power(1 - moe.top_k / slots, tokens));
  load.ffn = moe.ffn;
  return load;
}

/// At a rank that holds a shared expert in a slot of its own.
ExpertLoad shared_load(const InferencePlan& plan, const MoeShape& moe, double tokens) {
  return {1, 1, tokens * moe.shared_experts / plan.shared_expert_slots, 1.0 * moe.shared_ffn};
}

/// Rows that the fullest rank receives over the mean.
double exchange_imbalance(const InferencePlan& plan, const MoeShape& moe, double tokens) {
  const bool has_slots = plan.shared_expert_slots > 0;
  const double routed = routed_load(plan, moe, tokens).rows;
  const double shared = has_slots ? shared_load(plan, moe, tokens).rows : 0;
  const double mean = tokens * (moe.top_k + (has_slots ? moe.shared_experts : 0)) / plan.ep;
  return std::max(1.0, std::max(routed, shared) / mean);
}

/// Lower bound of the time of a rank's experts on this chip, to compare ranks.
Seconds roofline(const InferenceSetup& setup, const ExpertLoad& load) {
  const DataType type = setup.plan.experts();
  const double hidden = setup.model.hidden;
  const double weights = (up_width(setup.model, 1) + 1) * load.ffn * hidden;
  const Seconds compute = Flops(2 * load.rows * weights) / setup.chip.peak(type);
  const Bytes rows = load.rows * hidden * (size_of(type) + Bytes(wide));
  return std::max(compute, (load.touched * weights * size_of(type) + rows) / setup.chip.memory_bandwidth);
}

/// Experts as a dense FFN over `rows` rows: shared ones, at every rank or split over tensor parallelism.
Compute shared_experts(const InferenceSetup& setup, const MoeShape& moe, double rows, double split) {
  const DataType type = setup.plan.experts();
  const double width = 1.0 * moe.shared_experts * moe.shared_ffn / split;
  return {"experts",
          {gemm(type, rows, up_width(setup.model, width), setup.model.hidden), activation(setup, rows, width, type),
           gemm(type, rows, setup.model.hidden, width)}};
}

Compute routed_experts(const InferenceSetup& setup, const ExpertLoad& load) {
  const InferencePlan& plan = setup.plan;
  const DataType type = plan.experts();
  const double width = load.ffn / plan.expert_tp;
  const GroupedGemm up{type, load.touched, load.rows, up_width(setup.model, width), 1.0 * setup.model.hidden, 0};
  const GroupedGemm down{type, load.touched, load.rows, 1.0 * setup.model.hidden, width, 0};
  return {"experts", {up, activation(setup, load.rows, width, type), down}};
}

/// Router, choice of experts, and quantising of the `rows` tokens for their way.
Compute router(const InferenceSetup& setup, const MoeShape& moe, double rows, DataType next) {
  Compute result{"router", {gemm(DataType::bf16, rows, moe.experts, setup.model.hidden)}};
  result.kernels.push_back(elementwise("top_k", rows, moe.experts, 4, 0, 8));
  if (takes_quantised(next)) {
    result.kernels.push_back(elementwise("quantise", rows, setup.model.hidden, wide, size_of(next).value(), 3));
  }
  return result;
}

/// Copies rows into the order in which they go to their ranks or experts, or back.
Compute permutation(const InferenceSetup& setup, const std::string& label, double rows, DataType type) {
  const double width = size_of(type).value();
  return {label, {elementwise("permute", rows, setup.model.hidden, width, width, 0)}};
}

/// Ranks differ in their tokens: those go to the ranks of their experts and come back. Prompts go in bulk,
/// and their rows are copied out for each rank, sorted by expert where they arrive, and back again (vllm-ascend's
/// init, re-routing and finalise operators; DeepEP's normal kernels copy and sum on the way); tokens of decode are
/// written straight into their experts' slots and summed as they return (low-latency kernels).
void add_exchanged(LayerProgram& program, const InferenceSetup& setup, const MoeShape& moe, const StepTokens& tokens) {
  const InferencePlan& plan = setup.plan;
  const double replica_tokens = tokens.all();
  const double hidden = setup.model.hidden;
  const double own = replica_tokens / plan.tp;
  const double held = own * plan.expert_tp;
  const std::optional<TokenRouting> routing = bulk_routing(plan, moe, tokens);
  const double sent = held * copies(plan, moe, plan.once_per_rank && !routing);
  const Bytes combined = hidden * size_of(plan.combine_type);
  program.front = {add_norm(setup, own, DataType::bf16), router(setup, moe, own, plan.dispatch_type)};
  if (plan.expert_tp > 1) {
    const Bytes gathered = held * dispatched_token(setup);
    program.send.push_back(Exchange{"tp", Among::expert_tp, CollectiveKind::all_gather, gathered});
  }
  if (plan.ep > 1) {
    const double imbalance = exchange_imbalance(plan, moe, replica_tokens * plan.dp);
    program.send.push_back(
        Exchange{"dispatch", Among::ep, CollectiveKind::dispatch, sent * dispatched_token(setup), imbalance, routing});
    program.back.push_back(
        Exchange{"combine", Among::ep, CollectiveKind::combine, sent * combined, imbalance, routing});
  }
  if (moe.shared_experts > 0 && plan.shared_expert_slots == 0) {
    program.beside = {shared_experts(setup, moe, own, 1)};
  }
  const ExpertLoad load = expert_load(setup, moe, replica_tokens * plan.dp);
  program.feed_forward = {routed_experts(setup, load)};
  const bool in_bulk = tokens.prefill() > 0 && plan.ep > 1;
  if (in_bulk && !plan.once_per_rank && !routing) {
    program.front.push_back(permutation(setup, "router", sent, plan.dispatch_type));
    Kernel sum = elementwise("sum_experts", sent, hidden, size_of(plan.combine_type).value(), wide * held / sent, 2);
    program.finish.push_back(Compute{"experts", {sum}});
  }
  if (in_bulk) {
    program.feed_forward.insert(program.feed_forward.begin(),
                                permutation(setup, "experts", load.rows, plan.dispatch_type));
    program.feed_forward.push_back(permutation(setup, "experts", load.rows, plan.combine_type));
  }
  if (plan.expert_tp > 1) {
    program.finish.push_back(Exchange{"tp", Among::expert_tp, CollectiveKind::reduce_scatter, held * combined});
  }
  if (plan.tp > 1 && !setup.splits_tokens()) {
    const Bytes gathered(replica_tokens * hidden * wide);
    program.finish.push_back(Exchange{"tp", Among::tp, CollectiveKind::all_gather, gathered});
  }
}

/// Every rank has all tokens, computes its part of the experts, and the parts are summed.
void add_replicated(LayerProgram& program, const InferenceSetup& setup, const MoeShape& moe, double tokens) {
  const InferencePlan& plan = setup.plan;
  const double hidden = setup.model.hidden;
  program.front = {add_norm(setup, tokens, DataType::bf16), router(setup, moe, tokens, plan.experts())};
  const ExpertLoad load = expert_load(setup, moe, tokens);
  Compute experts = routed_experts(setup, load);
  // what the experts gave for each token is added up
  experts.kernels.push_back(elementwise("sum_experts", load.rows, hidden, wide, wide * tokens / load.rows, 2));
  if (moe.shared_experts > 0) {
    program.feed_forward.push_back(shared_experts(setup, moe, tokens, plan.tp));
  }
  program.feed_forward.push_back(std::move(experts));
  if (plan.tp > 1) {
    program.back.push_back(Exchange{"tp", Among::tp, CollectiveKind::all_reduce, Bytes(tokens * hidden * wide)});
  }
}

}  // namespace

double fullest_slots(const InferencePlan& plan, const MoeShape& moe) {
  const double ranks = static_cast<double>(plan.ep) - plan.shared_expert_slots;
  return std::ceil((moe.experts + plan.redundant_experts) / ranks);
}

ExpertLoad expert_load(const InferenceSetup& setup, const MoeShape& moe, double tokens) {
  const ExpertLoad routed = routed_load(setup.plan, moe, tokens);
  if (setup.plan.shared_expert_slots == 0) {
    return routed;
  }
  const ExpertLoad shared = shared_load(setup.plan, moe, tokens);
  return roofline(setup, routed) < roofline(setup, shared) ? shared : routed;
}

void add_moe(LayerProgram& program, const InferenceSetup& setup, const Layer& layer, const StepTokens& tokens) {
  if (setup.exchanges_tokens()) {
    add_exchanged(program, setup, *layer.moe, tokens);
  } else {
    add_replicated(program, setup, *layer.moe, tokens.all());
  }
  add_post_norm(program.finish, setup, tokens);
}

}  // namespace podium
