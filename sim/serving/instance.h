#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <set>
#include <span>
#include <vector>

#include "sim/engine/engine.h"
#include "sim/serving/deployment.h"
#include "sim/serving/prefix_cache.h"
#include "sim/serving/serve.h"

namespace podium {

/// A request inside the servers.
struct Sequence {
  std::uint32_t prompt = 0;                    ///< tokens to prefill (grows when it must be computed again)
  std::uint32_t output = 0;                    ///< tokens wanted in all; the batcher never looks
  std::uint64_t iterations = 0;                ///< of decoding until they are there; nor here
  std::span<const std::uint64_t> blocks = {};  ///< of the prompt, whole ones; none where prefixes are not reused
  std::size_t held = 0;                        ///< of these, in the replica's prefix cache by this sequence
  bool begun = false;                          ///< it knows what it takes over of its prompt
  std::optional<double> reused;                ///< tokens of its prompt that a cache had when it first began
  double prefilled = 0;
  double produced = 0;         ///< tokens so far
  std::uint64_t admitted = 0;  ///< iteration in which decoding began
};

/// One attention replica (dp rank) of an instance: its queue, what it decodes and its cache.
struct Replica {
  std::deque<std::uint32_t> waiting;  ///< to be prefilled here, first come first served
  double waiting_tokens = 0;
  std::deque<std::uint32_t> arrived;                          ///< prefilled elsewhere, not yet admitted
  std::uint32_t held = 0;                                     ///< sequences here, or on their way with their cache
  std::set<std::pair<std::uint64_t, std::uint32_t>> running;  ///< by the iteration in which it will have ended
  std::vector<std::uint32_t> by_age;                          ///< running, the youngest last
  double cached = 0;                                          ///< tokens in cache that sequences use, each once
  double shared = 0;                                          ///< tokens more that they would be without sharing
  double prompts = 0;                                         ///< tokens of prompts that are begun and not through
  PrefixCache prefixes;
  Time link_free;  ///< when its cache transfers so far have passed
};

/// One instance of a pool: iterates while any of its replicas has work. Contract: `prompt_done` is called when a
/// prompt's last chunk, and with it the first token, is through; it returns whether the sequence decodes here.
/// `sequence_done` is called at the iteration that brings a sequence's last token.
class Instance {
 public:
  struct Events {
    std::function<bool(std::uint32_t sequence, Replica&)> prompt_done;
    std::function<void(std::uint32_t sequence)> sequence_done;
  };

  /// `number` is that of the log, where there is one.
  Instance(Engine&, const Pool&, std::vector<Sequence>& sequences, const Events&, const std::optional<Watch>&,
           std::uint32_t number, ServingLog* log);

  std::uint32_t number() const { return number_; }

  std::vector<Replica>& replicas() { return replicas_; }
  /// Of all replicas: tokens still to be prefilled, and sequences held.
  double waiting_tokens() const { return waiting_tokens_; }
  std::uint32_t held() const { return held_; }

  /// A prompt to prefill.
  void enqueue(Replica&, std::uint32_t id);
  /// A sequence that was prefilled elsewhere is on its way; `deliver` says that it has come.
  void expect(Replica&);
  void deliver(Replica&, std::uint32_t id);
  /// Of iterations that take prompts, and of those that only decode, as far as they are watched.
  const StepSums& with_prompts() const { return with_prompts_; }
  const StepSums& without_prompts() const { return without_prompts_; }
  std::uint64_t preemptions() const { return preemptions_; }
  /// Tokens of a prompt that this replica would take over from its cache, were it begun now.
  double would_reuse(const Replica&, std::uint32_t id) const;

 private:
  struct Chunk {
    std::uint32_t replica, sequence;
    double tokens;
  };
  void wake();
  void iterate();
  void finish_iteration();
  void wait_for_prefill(Replica&, double tokens);
  void leave(Replica&);
  void take_what_fits(std::uint32_t index);
  bool give_up_begun(Replica&, std::size_t from);
  bool has_room_for_newcomer(const Replica&, double tokens) const;
  void admit(Replica&);
  void preempt(Replica&);
  void join(Replica&, std::uint32_t id);
  void add_up(const StepShape&, Seconds time);
  void log(const StepShape&, Seconds time);
  void take_chunks(std::uint32_t index);
  void begin(Replica&, Sequence&, std::size_t found);
  static void hold(Replica&, std::uint64_t block, double own);
  static void share_prompt(Replica&, Sequence&);
  static void give_back(Replica&, Sequence&, double grown);
  StepShape shape() const;
  void advance(Replica&);

  Engine& engine_;
  const Pool& pool_;
  std::vector<Sequence>& sequences_;
  const Events& events_;
  const std::optional<Watch>& watch_;
  std::uint32_t number_;
  ServingLog* log_;
  double tokens_per_iteration_;
  std::vector<Replica> replicas_;
  std::vector<Chunk> chunks_;  ///< of the iteration under way, in order of replica
  std::uint64_t iteration_ = 0;
  bool busy_ = false;
  double waiting_tokens_ = 0;
  std::uint32_t held_ = 0;
  StepSums with_prompts_, without_prompts_;
  std::uint64_t preemptions_ = 0;
};

}  // namespace podium
