#include "sim/study/serving_split.h"

#include <algorithm>

namespace podium {
namespace {

/// How many instances of `ranks` fit, each within one domain, beside `others` of `other_ranks`, which go first.
std::uint32_t most_instances(const std::vector<std::uint32_t>& domains, std::uint32_t ranks,
                             std::uint32_t other_ranks = 1, std::uint32_t others = 0) {
  std::uint32_t count = 0;
  for (const std::uint32_t all : domains) {
    const std::uint32_t here = std::min(others, all / other_ranks);
    others -= here;
    count += (all - here * other_ranks) / ranks;
  }
  return others > 0 ? 0 : count;
}

Split balance(const ServingCandidate& prefill, const ServingCandidate& decode,
              const std::vector<std::uint32_t>& domains) {
  Split best;
  for (std::uint32_t d = 1; d <= most_instances(domains, decode.plan.ranks()); ++d) {
    const std::uint32_t p = most_instances(domains, prefill.plan.ranks(), decode.plan.ranks(), d);
    const double rate = std::min(p * prefill.rate, d * decode.rate);
    if (rate > best.rate) {
      best = {&prefill, &decode, p, d, rate};
    }
  }
  return best;
}

}  // namespace

std::string describe(const Split& split) {
  const auto part = [](std::uint32_t count, const ServingCandidate& c) {
    return std::to_string(count) + " x " + c.plan.name;
  };
  return split.prefill == nullptr ? "mixed " + part(split.decode_instances, *split.decode)
                                  : "prefill " + part(split.prefill_instances, *split.prefill) + ", decode " +
                                        part(split.decode_instances, *split.decode);
}

std::vector<Split> make_splits(const std::vector<const ServingCandidate*>& candidates,
                               const std::vector<std::uint32_t>& domains) {
  std::vector<Split> splits;
  for (const ServingCandidate* decode : candidates) {
    if (decode->stage == Stage::mixed) {
      const std::uint32_t count = most_instances(domains, decode->plan.ranks());
      splits.push_back({nullptr, decode, 0, count, count * decode->rate});
    }
    for (const ServingCandidate* prefill : candidates) {
      if (decode->stage == Stage::decode && prefill->stage == Stage::prefill) {
        splits.push_back(balance(*prefill, *decode, domains));
      }
    }
  }
  std::erase_if(splits, [](const Split& split) { return !(split.rate > 0); });
  std::stable_sort(splits.begin(), splits.end(), [](const Split& a, const Split& b) { return a.rate > b.rate; });
  return splits;
}

}  // namespace podium
