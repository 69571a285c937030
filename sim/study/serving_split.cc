#include "sim/study/serving_split.h"

#include <algorithm>
#include <cmath>

#include "sim/core/text.h"

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

/// `d` decode instances, and as many prefill ones as fit beside them.
Split split_with(const ServingCandidate& prefill, const ServingCandidate& decode, std::uint32_t d,
                 const std::vector<std::uint32_t>& domains) {
  const std::uint32_t p = most_instances(domains, prefill.plan.ranks(), decode.plan.ranks(), d);
  return make_split(&prefill, decode, p, d);
}

/// Of all splits of two kinds of instances the one that is predicted to sustain most, and the one that would if its
/// instances were never idle: the shorter the time to the first token is to be, the further they lie apart.
std::vector<Split> balance(const ServingCandidate& prefill, const ServingCandidate& decode,
                           const std::vector<std::uint32_t>& domains) {
  Split best, busiest;
  double most = 0;
  for (std::uint32_t d = 1; d <= most_instances(domains, decode.plan.ranks()); ++d) {
    const Split split = split_with(prefill, decode, d, domains);
    const double busy = std::min(split.prefill_instances * prefill.most, d * decode.most);
    if (split.rate > best.rate) {
      best = split;
    }
    if (busy > most) {
      busiest = split;
      most = busy;
    }
  }
  return busiest == best ? std::vector{best} : std::vector{best, busiest};
}

/// `decode` instances of the split and, where it has any, `prefill` ones.
Cell part_of(const Split& whole, std::uint32_t prefill, std::uint32_t decode) {
  Cell cell{make_split(whole.prefill, *whole.decode, prefill, decode), whole.decode_instances / double(decode)};
  if (whole.prefill != nullptr) {
    cell.copies = std::min(cell.copies, whole.prefill_instances / double(prefill));
  }
  return cell;
}

}  // namespace

std::string describe(const Split& split) {
  const auto part = [](std::uint32_t count, const ServingCandidate& c) {
    const bool has_chunks = c.stage != Stage::decode;
    return std::to_string(count) + " x " + c.plan.name +
           (has_chunks ? ", chunks of " + with_commas(std::llround(c.chunk)) : "") +
           (c.cap < most_sequences ? ", at most " + with_commas(c.cap) + " sequences a replica" : "");
  };
  return split.prefill == nullptr ? "mixed " + part(split.decode_instances, *split.decode)
                                  : "prefill " + part(split.prefill_instances, *split.prefill) + ", decode " +
                                        part(split.decode_instances, *split.decode);
}

Split make_split(const ServingCandidate* prefill, const ServingCandidate& decode, std::uint32_t prefill_instances,
                 std::uint32_t decode_instances) {
  const double decoded = decode_instances * decode.rate;
  const double rate = prefill == nullptr ? decoded : std::min(prefill_instances * prefill->rate, decoded);
  return {prefill, &decode, prefill_instances, decode_instances, rate};
}

std::vector<Split> make_splits(const std::vector<const ServingCandidate*>& candidates,
                               const std::vector<std::uint32_t>& domains) {
  std::vector<Split> splits;
  for (const ServingCandidate* decode : candidates) {
    if (decode->stage == Stage::mixed) {
      const std::uint32_t count = most_instances(domains, decode->plan.ranks());
      splits.push_back(make_split(nullptr, *decode, 0, count));
    }
    for (const ServingCandidate* prefill : candidates) {
      if (decode->stage == Stage::decode && prefill->stage == Stage::prefill) {
        const std::vector<Split> found = balance(*prefill, *decode, domains);
        splits.insert(splits.end(), found.begin(), found.end());
      }
    }
  }
  std::erase_if(splits, [](const Split& split) { return !(split.rate > 0); });
  std::stable_sort(splits.begin(), splits.end(), [](const Split& a, const Split& b) { return a.rate > b.rate; });
  return splits;
}

std::vector<Split> neighbours(const Split& split, const std::vector<std::uint32_t>& domains) {
  std::vector<Split> found;
  if (split.prefill != nullptr) {
    for (const std::uint32_t d : {split.decode_instances - 1, split.decode_instances + 1}) {
      found.push_back(split_with(*split.prefill, *split.decode, d, domains));
    }
  }
  std::erase_if(found, [](const Split& one) { return !(one.rate > 0); });
  return found;
}

Cell make_cell(const Split& whole, double most_rate) {
  constexpr double most_loss = 0.015, most_unbalanced = 0.015;
  const auto taken = [](const Cell& cell) { return cell.copies * cell.split.rate; };
  // of prefill and decode each the part is as large
  const auto is_balanced = [&](const Cell& cell) {
    const double decode = cell.split.decode_instances * cell.copies / whole.decode_instances;
    const double prefill =
        whole.prefill != nullptr ? cell.split.prefill_instances * cell.copies / whole.prefill_instances : decode;
    return std::max(prefill, decode) <= (1 + most_unbalanced) * std::min(prefill, decode);
  };
  // a few queues side by side are worse than many that one request in all may choose from
  constexpr double pooled = 8;
  const auto is_pooled = [&](const Cell& cell) {
    const auto has_many = [](const ServingCandidate* c, std::uint32_t instances, std::uint32_t all) {
      return c == nullptr || instances == all || instances * double(c->plan.dp) >= pooled;
    };
    return has_many(whole.prefill, cell.split.prefill_instances, whole.prefill_instances) &&
           has_many(whole.decode, cell.split.decode_instances, whole.decode_instances);
  };
  Cell best{whole, 1};
  // of cells that are small enough the one that loses least, the largest of equals; else the smallest there is
  const auto is_better = [&](const Cell& cell) {
    const bool is_small = cell.split.rate <= most_rate, is_best_small = best.split.rate <= most_rate;
    if (is_small && is_best_small) {
      return taken(cell) >= taken(best) * (1 - 1e-9);
    }
    return is_small || (!is_best_small && cell.split.rate < best.split.rate);
  };
  if (whole.rate <= most_rate) {
    return best;
  }
  for (std::uint32_t decode = 1; decode <= whole.decode_instances; ++decode) {
    const double balanced = double(whole.prefill_instances) * decode / whole.decode_instances;
    for (const double prefill : {std::floor(balanced), std::ceil(balanced)}) {
      if (whole.prefill == nullptr || prefill > 0) {
        const Cell cell = part_of(whole, static_cast<std::uint32_t>(prefill), decode);
        if (is_balanced(cell) && is_pooled(cell) && taken(cell) >= (1 - most_loss) * whole.rate && is_better(cell)) {
          best = cell;
        }
      }
    }
  }
  return best;
}

}  // namespace podium
