#include "sim/serving/mean_step.h"

#include <algorithm>

namespace podium {

void StepSums::add(const StepShape& step, double sequences, Seconds time, double part) {
  const double tokens = step.prefill_sequences * step.prefill_tokens;
  iterations_ += part;
  sequences_ += part * sequences;
  decoded_ += part * step.decode_sequences;
  decoded_attended_ += part * step.decode_sequences * step.decode_context;
  prompts_ += part * step.prefill_sequences;
  prompt_tokens_ += part * tokens;
  prompt_attended_ += part * tokens * (step.prefill_context + step.prefill_tokens / 2);
  time_ += part * time;
}

void StepSums::add(const StepSums& other) {
  iterations_ += other.iterations_;
  sequences_ += other.sequences_;
  decoded_ += other.decoded_;
  decoded_attended_ += other.decoded_attended_;
  prompts_ += other.prompts_;
  prompt_tokens_ += other.prompt_tokens_;
  prompt_attended_ += other.prompt_attended_;
  time_ += other.time_;
}

MeanStep StepSums::mean(Seconds watched, std::size_t instances) const {
  const auto over = [](double sum, double count) { return count > 0 ? sum / count : 0; };
  MeanStep step;
  step.shape.decode_sequences = over(decoded_, iterations_);
  step.shape.decode_context = over(decoded_attended_, decoded_);
  step.shape.prefill_sequences = over(prompts_, iterations_);
  step.shape.prefill_tokens = over(prompt_tokens_, prompts_);
  step.shape.prefill_context = std::max(0.0, over(prompt_attended_, prompt_tokens_) - step.shape.prefill_tokens / 2);
  step.sequences = over(sequences_, iterations_);
  step.busy = over(time_.value(), watched.value() * static_cast<double>(instances));
  step.iterations = iterations_;
  return step;
}

}  // namespace podium
