#include "sim/serving/instance.h"

#include <algorithm>

namespace podium {
namespace {

/// Share of a cache that a new sequence may not take: vLLM's and Vidur's watermark.
constexpr double kept_free = 0.01;

}  // namespace

Instance::Instance(Engine& engine, const Pool& pool, std::vector<Sequence>& sequences, const Events& events,
                   const std::optional<Watch>& watch, std::uint32_t number, ServingLog* log)
    : engine_(engine),
      pool_(pool),
      sequences_(sequences),
      events_(events),
      watch_(watch),
      number_(number),
      log_(log),
      tokens_per_iteration_(pool.plan.tokens_per_iteration()),
      replicas_(pool.plan.dp) {}

void Instance::enqueue(Replica& replica, std::uint32_t id) {
  expect(replica);
  replica.waiting.push_back(id);
  wait_for_prefill(replica, sequences_[id].prompt);
  wake();
}

void Instance::expect(Replica& replica) {
  ++replica.held;
  ++held_;
}

void Instance::deliver(Replica& replica, std::uint32_t id) {
  replica.arrived.push_back(id);
  wake();
}

void Instance::leave(Replica& replica) {
  --replica.held;
  --held_;
}

void Instance::wait_for_prefill(Replica& replica, double tokens) {
  replica.waiting_tokens += tokens;
  waiting_tokens_ += tokens;
}

void Instance::wake() {
  if (!busy_) {
    busy_ = true;
    // in settle, so that requests of one instant go into one iteration
    engine_.after(
        Seconds(), [this] { iterate(); }, Phase::settle);
  }
}

void Instance::join(Replica& replica, std::uint32_t id) {
  Sequence& sequence = sequences_[id];
  sequence.admitted = iteration_;
  if (LoggedRequest* logged = log_ != nullptr ? log_->find(id) : nullptr) {
    logged->decode = logged->decode.value_or(engine_.now());
    logged->decoded_by = number_;
  }
  replica.running.emplace(iteration_ + sequence.iterations, id);
  replica.by_age.push_back(id);
}

/// Those that run need room to grow.
bool Instance::has_room_for_newcomer(const Replica& replica, double tokens) const {
  const double kept = replica.running.empty() ? 0 : pool_.cache_tokens * kept_free;
  return replica.cached + tokens <= pool_.cache_tokens - kept;
}

/// Those that were sent back come first.
void Instance::admit(Replica& replica) {
  while (!replica.arrived.empty() && replica.waiting.empty() && replica.running.size() < pool_.max_sequences) {
    const std::uint32_t id = replica.arrived.front();
    const double tokens = sequences_[id].prefilled;
    if (!has_room_for_newcomer(replica, tokens)) {
      return;
    }
    replica.arrived.pop_front();
    replica.cached += tokens;
    join(replica, id);
  }
}

double Instance::would_reuse(const Replica& replica, std::uint32_t id) const {
  const Sequence& sequence = sequences_[id];
  const std::size_t most = static_cast<std::size_t>((sequence.prompt - 1) / prompt_block);
  return static_cast<double>(replica.prefixes.find(sequence.blocks.first(std::min(most, sequence.blocks.size())))) *
         prompt_block;
}

/// A sequence uses a block, of which it had `own` tokens for itself until now.
void Instance::hold(Replica& replica, std::uint64_t block, double own) {
  const double taken = replica.prefixes.hold(block);
  replica.cached += taken - own;
  replica.shared += prompt_block - taken;
}

/// The beginning of its prompt is there already.
void Instance::begin(Replica& replica, Sequence& sequence, std::size_t found) {
  sequence.begun = true;
  for (; sequence.held < found; ++sequence.held) {
    hold(replica, sequence.blocks[sequence.held], 0);
  }
  sequence.prefilled = static_cast<double>(found) * prompt_block;
  replica.prompts += sequence.prefilled;
  wait_for_prefill(replica, -sequence.prefilled);
  if (!sequence.reused) {
    sequence.reused = sequence.prefilled;
  }
}

/// What it has computed of its prompt is there for others. What another has brought meanwhile is kept once.
void Instance::share_prompt(Replica& replica, Sequence& sequence) {
  for (; sequence.held < sequence.blocks.size(); ++sequence.held) {
    hold(replica, sequence.blocks[sequence.held], prompt_block);
  }
}

/// A sequence leaves, after it has grown by so many tokens.
void Instance::give_back(Replica& replica, Sequence& sequence, double grown) {
  replica.cached -= sequence.prefilled + grown - static_cast<double>(sequence.held) * prompt_block;
  for (; sequence.held > 0; --sequence.held) {
    const double freed = replica.prefixes.release(sequence.blocks[sequence.held - 1]);
    replica.cached -= freed;
    replica.shared -= prompt_block - freed;
  }
  sequence.begun = false;
}

/// Where nothing runs and the first in line has no room beside prompts that others have begun, the last of these gives
/// its room back.
void Instance::take_chunks(std::uint32_t index) {
  const std::size_t before = chunks_.size();
  const auto is_stuck = [&, this] {
    const Replica& replica = replicas_[index];
    return replica.running.empty() && !replica.waiting.empty() && chunks_.size() == before;
  };
  take_what_fits(index);
  while (is_stuck() && give_up_begun(replicas_[index], 1)) {
    take_what_fits(index);
  }
}

/// The last prompt in line that is begun and has no chunk under way is as if it were not begun; those before `from`
/// stay. False where there is none.
bool Instance::give_up_begun(Replica& replica, std::size_t from) {
  const auto rests = [this](std::uint32_t id) {
    return sequences_[id].begun && std::ranges::find(chunks_, id, &Chunk::sequence) == chunks_.end();
  };
  const auto end = replica.waiting.rend() - static_cast<std::ptrdiff_t>(std::min(from, replica.waiting.size()));
  const auto last = std::find_if(replica.waiting.rbegin(), end, rests);
  if (last == end) {
    return false;
  }
  Sequence& sequence = sequences_[*last];
  replica.prompts -= sequence.prefilled;
  wait_for_prefill(replica, sequence.prefilled);
  give_back(replica, sequence, 0);
  sequence.prefilled = 0;
  ++preemptions_;
  return true;
}

void Instance::take_what_fits(std::uint32_t index) {
  Replica& replica = replicas_[index];
  double budget = pool_.chunk_tokens;
  std::size_t joining = 0;
  for (const std::uint32_t id : replica.waiting) {
    replica.prefixes.shrink(pool_.cache_tokens - replica.cached);
    Sequence& sequence = sequences_[id];
    const double reused = sequence.begun ? 0 : would_reuse(replica, id);
    const double tokens = std::min(budget, sequence.prompt - sequence.prefilled - reused);
    const auto found = static_cast<std::size_t>(reused / prompt_block);
    const double taken = replica.prefixes.unused(sequence.blocks.first(found)) + tokens;
    const bool has_room =
        sequence.begun ? replica.cached + taken <= pool_.cache_tokens : has_room_for_newcomer(replica, taken);
    if (tokens < 1 || !has_room || replica.running.size() + joining >= pool_.max_sequences) {
      return;
    }
    if (!sequence.begun) {
      begin(replica, sequence, found);
    }
    chunks_.push_back({index, id, tokens});
    replica.cached += tokens;
    replica.prompts += tokens;
    budget -= tokens;
    ++joining;
  }
}

StepShape Instance::shape() const {
  StepShape shape;
  double sequences = 0, cached = 0;
  for (const Replica& replica : replicas_) {
    const auto running = static_cast<double>(replica.running.size());
    shape.decode_sequences = std::max(shape.decode_sequences, running);
    if (running > 0) {
      sequences += running;
      cached += replica.cached + replica.shared - replica.prompts;
    }
  }
  // the fullest replica's chunks set the pace; their pairs of tokens are kept when lengths are averaged
  double most = 0;
  for (auto first = chunks_.begin(); first != chunks_.end();) {
    const auto last = std::find_if(first, chunks_.end(), [&](const Chunk& c) { return c.replica != first->replica; });
    double tokens = 0, pairs = 0;
    for (auto chunk = first; chunk != last; ++chunk) {
      tokens += chunk->tokens;
      pairs += chunk->tokens * (sequences_[chunk->sequence].prefilled + chunk->tokens / 2);
    }
    if (tokens > most) {
      most = tokens;
      const auto count = static_cast<double>(last - first);
      shape.prefill_sequences = count;
      shape.prefill_tokens = tokens / count;
      shape.prefill_context = std::max(0.0, pairs / tokens - shape.prefill_tokens / 2);
    }
    first = last;
  }
  shape.decode_context = sequences > 0 ? std::max(1.0, cached / sequences) : 0;
  return shape;
}

/// Counts a step that begins now, as much of it as is watched.
void Instance::add_up(const StepShape& step, Seconds time) {
  const Seconds watched = watch_ ? watch_->overlap(engine_.now(), engine_.now() + time) : time;
  if (watched <= Seconds()) {
    return;
  }
  auto sequences = static_cast<double>(chunks_.size());
  for (const Replica& replica : replicas_) {
    sequences += static_cast<double>(replica.running.size());
  }
  (chunks_.empty() ? without_prompts_ : with_prompts_).add(step, sequences, time, watched / time);
}

void Instance::log(const StepShape& step, Seconds time) {
  for (const Chunk& chunk : chunks_) {
    if (LoggedRequest* request = log_->find(chunk.sequence)) {
      request->prefill = request->prefill.value_or(engine_.now());
      request->prefilled_by = number_;
    }
  }
  if (!log_->takes_iteration(engine_.now())) {
    return;
  }
  LoggedIteration& one = log_->iterations.emplace_back();
  one.instance = number_;
  one.begin = engine_.now();
  one.end = engine_.now() + time;
  one.step = step;
  one.prompts = static_cast<std::uint32_t>(chunks_.size());
  one.preemptions = preemptions_;
  for (const Replica& replica : replicas_) {
    one.running += static_cast<std::uint32_t>(replica.running.size());
    one.waiting += static_cast<std::uint32_t>(replica.waiting.size());
    one.delivered += static_cast<std::uint32_t>(replica.arrived.size());
    one.cached += replica.cached;
  }
}

void Instance::iterate() {
  chunks_.clear();
  for (std::uint32_t i = 0; i < replicas_.size(); ++i) {
    if (!replicas_[i].arrived.empty()) {
      admit(replicas_[i]);
    }
    if (!replicas_[i].waiting.empty()) {
      take_chunks(i);
    }
  }
  const StepShape step = shape();
  if (step.decode_sequences == 0 && step.prefill_sequences == 0) {
    busy_ = false;
    return;
  }
  const Seconds time = pool_.step_time(step);
  add_up(step, time);
  if (log_ != nullptr) {
    log(step, time);
  }
  engine_.after(time, [this] { finish_iteration(); });
}

void Instance::advance(Replica& replica) {
  replica.cached += static_cast<double>(replica.running.size()) * tokens_per_iteration_;
  while (!replica.running.empty() && replica.running.begin()->first <= iteration_) {
    const std::uint32_t id = replica.running.begin()->second;
    Sequence& sequence = sequences_[id];
    replica.running.erase(replica.running.begin());
    replica.by_age.erase(std::find(replica.by_age.begin(), replica.by_age.end(), id));
    give_back(replica, sequence, static_cast<double>(iteration_ - sequence.admitted) * tokens_per_iteration_);
    leave(replica);
    events_.sequence_done(id);
  }
  // the youngest first: prompts, then what runs
  const auto is_over = [&, this] { return replica.cached > pool_.cache_tokens; };
  while (is_over() && give_up_begun(replica, 0)) {
  }
  while (is_over() && replica.by_age.size() > 1) {
    preempt(replica);
  }
}

void Instance::preempt(Replica& replica) {
  const std::uint32_t id = replica.by_age.back();
  replica.by_age.pop_back();
  const auto place = std::find_if(replica.running.begin(), replica.running.end(),
                                  [&](const auto& running) { return running.second == id; });
  replica.running.erase(place);
  Sequence& sequence = sequences_[id];
  const std::uint64_t run = iteration_ - sequence.admitted;
  const double grown = static_cast<double>(run) * tokens_per_iteration_;
  give_back(replica, sequence, grown);
  // it grows by what an iteration brings in the mean, and never beyond its answer
  const double kept = std::clamp(grown, 0.0, sequence.output - 1.0 - sequence.produced);
  sequence.produced += kept;
  // all tokens that it has are computed again, the last for the first time; that brings the next one, without an
  // iteration
  sequence.prompt += static_cast<std::uint32_t>(kept) + 1;
  sequence.iterations -= run + 1;
  sequence.prefilled = 0;
  replica.waiting.push_front(id);
  wait_for_prefill(replica, sequence.prompt);
  ++preemptions_;
}

void Instance::finish_iteration() {
  ++iteration_;
  for (Replica& replica : replicas_) {
    advance(replica);
  }
  for (const Chunk& chunk : chunks_) {
    Sequence& sequence = sequences_[chunk.sequence];
    Replica& replica = replicas_[chunk.replica];
    sequence.prefilled += chunk.tokens;
    wait_for_prefill(replica, -chunk.tokens);
    if (sequence.prefilled >= sequence.prompt) {
      replica.prompts -= sequence.prefilled;
      replica.waiting.erase(std::find(replica.waiting.begin(), replica.waiting.end(), chunk.sequence));
      share_prompt(replica, sequence);
      if (events_.prompt_done(chunk.sequence, replica)) {
        join(replica, chunk.sequence);
      } else {
        give_back(replica, sequence, 0);
        leave(replica);
      }
    }
  }
  iterate();
}

}  // namespace podium
