#include <algorithm>

#include "sim/core/rng.h"
#include "sim/serving/serve.h"

namespace podium {
namespace {

/// What an iteration brings: one token, and the draft tokens before the first that is refused.
class Gain {
 public:
  explicit Gain(const InferencePlan& plan) : draft_tokens_(plan.draft_tokens), acceptance_(plan.acceptance) {
    std::vector<double> one(static_cast<std::size_t>(draft_tokens_) + 1);  // chances of 1, 2 ... tokens
    double accepted = 1;
    for (std::size_t more = 0; more + 1 < one.size(); ++more) {
      one[more] = accepted * (1 - acceptance_);
      accepted *= acceptance_;
    }
    one.back() = accepted;
    std::vector<double> chances{1};
    for (int i = 0; i < block; ++i) {
      std::vector<double> longer(chances.size() + one.size() - 1);
      for (std::size_t before = 0; before < chances.size(); ++before) {
        for (std::size_t more = 0; more < one.size(); ++more) {
          longer[before + more] += chances[before] * one[more];
        }
      }
      chances = std::move(longer);
    }
    double sum = 0;
    for (const double chance : chances) {
      sum += chance;
      at_most_.push_back(sum);
    }
  }

  /// After its first token, until the answer has so many more. What many iterations bring together is drawn at once
  /// where the answer is longer than they can make it.
  std::uint32_t iterations(double tokens, Rng& rng) const {
    std::uint32_t count = 0;
    const double most = static_cast<double>(block) * (draft_tokens_ + 1);
    while (draft_tokens_ > 0 && tokens > most) {
      const auto gained = std::upper_bound(at_most_.begin(), at_most_.end() - 1, rng.uniform()) - at_most_.begin();
      tokens -= static_cast<double>(block + gained);
      count += block;
    }
    while (tokens > 0) {
      // without branches: they would follow the draws, which nobody can foretell
      double gained = 1, accepted = 1;
      for (int draft = 0; draft < draft_tokens_; ++draft) {
        accepted *= static_cast<double>(rng.uniform() < acceptance_);
        gained += accepted;
      }
      tokens -= gained;
      ++count;
    }
    return count;
  }

 private:
  static constexpr int block = 128;  ///< iterations
  int draft_tokens_;
  double acceptance_;
  std::vector<double> at_most_;  ///< chance that a block brings no more draft tokens than 0, 1 ...
};

}  // namespace

std::vector<std::uint32_t> draw_iterations(const UnitRequests& requests, const InferencePlan& plan,
                                           std::uint64_t seed) {
  Rng acceptance(seed, "acceptance");
  const Gain gain(plan);
  std::vector<std::uint32_t> iterations;
  iterations.reserve(requests.size());
  for (const Request& request : requests) {
    iterations.push_back(gain.iterations(request.output - 1.0, acceptance));
  }
  return iterations;
}

}  // namespace podium
