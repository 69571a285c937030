#include "sim/network/max_min.h"

#include <algorithm>
#include <limits>
#include <numeric>
#include <utility>

#include "sim/core/check.h"

namespace podium {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// Sums of load x weight, exact: whole numbers of 2^-80.
__extension__ using Wide = unsigned __int128;

Wide to_wide(double demand) { return static_cast<Wide>(demand * 0x1p80); }
double to_double(Wide demand) { return static_cast<double>(demand) * 0x1p-80; }

/// One run of progressive filling. The level is the rate per weight of all flows that are not frozen yet.
class Filling {
 public:
  explicit Filling(const MaxMinProblem& problem);
  std::vector<double> run();

 private:
  struct LinkState {
    double residual = 0;      ///< capacity that frozen flows leave
    Wide demand = 0;          ///< load x weight of flows that are not frozen
    Wide frozen = 0;          ///< load x weight that freezes in this batch
    std::uint32_t users = 0;  ///< flows that are not frozen
  };
  /// A lower bound on the level at which a link is full: levels only rise, as others freeze.
  struct Bound {
    double level = 0;
    std::uint32_t link = 0;
    friend bool operator>(const Bound& a, const Bound& b) {
      return a.level > b.level || (a.level == b.level && a.link > b.link);
    }
  };

  void list_users();
  double full_level(const LinkState& link) const;
  void push(Bound bound);
  void pop();
  double next_link_level();
  double next_cap_level();
  double cap_level(std::uint32_t flow) const { return problem_.cap[flow] / problem_.weight[flow]; }
  void gather(std::uint32_t flow);
  void gather_batch();
  void freeze_batch();

  const MaxMinProblem& problem_;
  double level_ = 0;
  std::vector<double> rates_;
  std::vector<bool> frozen_;  ///< by flow
  std::vector<LinkState> links_;
  std::vector<std::uint32_t> first_user_;  ///< by link, and one past the end
  std::vector<std::uint32_t> users_;       ///< flows, by link
  std::vector<Bound> bounds_;              ///< a heap, the least on top
  std::vector<std::uint32_t> capped_;      ///< flows by their cap per weight
  std::size_t next_capped_ = 0;
  std::vector<std::uint32_t> batch_;    ///< flows
  std::vector<std::uint32_t> touched_;  ///< links of the batch
};

Filling::Filling(const MaxMinProblem& problem)
    : problem_(problem), rates_(problem.flows()), frozen_(problem.flows()), links_(problem.capacity.size()) {
  PODIUM_CHECK(problem.first.size() == problem.flows() + 1 && problem.cap.size() == problem.flows());
  PODIUM_CHECK(problem.link.size() == problem.load.size() && problem.first.back() == problem.link.size());
  list_users();
  for (std::uint32_t link = 0; link < links_.size(); ++link) {
    links_[link].residual = problem.capacity[link];
    if (links_[link].users > 0) {
      bounds_.push_back({full_level(links_[link]), link});
    }
  }
  std::make_heap(bounds_.begin(), bounds_.end(), std::greater<>());
  for (std::uint32_t flow = 0; flow < problem.flows(); ++flow) {
    if (problem.cap[flow] < infinity) {
      capped_.push_back(flow);
    }
  }
  std::sort(capped_.begin(), capped_.end(), [this](std::uint32_t a, std::uint32_t b) {
    return std::pair(cap_level(a), a) < std::pair(cap_level(b), b);
  });
}

/// The transpose of the problem, by a counting sort.
void Filling::list_users() {
  for (std::uint32_t flow = 0; flow < problem_.flows(); ++flow) {
    for (std::uint32_t j = problem_.first[flow]; j < problem_.first[flow + 1]; ++j) {
      LinkState& link = links_[problem_.link[j]];
      link.demand += to_wide(problem_.load[j] * problem_.weight[flow]);
      ++link.users;
    }
  }
  first_user_.assign(links_.size() + 1, 0);
  for (std::size_t link = 0; link < links_.size(); ++link) {
    first_user_[link + 1] = first_user_[link] + links_[link].users;
  }
  std::vector<std::uint32_t> place(first_user_.begin(), first_user_.end() - 1);
  users_.resize(problem_.link.size());
  for (std::uint32_t flow = 0; flow < problem_.flows(); ++flow) {
    for (std::uint32_t j = problem_.first[flow]; j < problem_.first[flow + 1]; ++j) {
      users_[place[problem_.link[j]]++] = flow;
    }
  }
}

/// Never below the present level, where rounding would say so.
double Filling::full_level(const LinkState& link) const {
  PODIUM_CHECK(link.demand > 0, "a load times a weight is beyond the arithmetic");
  return std::max(level_, link.residual / to_double(link.demand));
}

void Filling::push(Bound bound) {
  bounds_.push_back(bound);
  std::push_heap(bounds_.begin(), bounds_.end(), std::greater<>());
}

void Filling::pop() {
  std::pop_heap(bounds_.begin(), bounds_.end(), std::greater<>());
  bounds_.pop_back();
}

/// Brings the least bound up to date until it is exact.
double Filling::next_link_level() {
  while (!bounds_.empty()) {
    const Bound least = bounds_.front();
    const LinkState& link = links_[least.link];
    const double level = link.users > 0 ? full_level(link) : infinity;
    if (level <= least.level) {
      return level;
    }
    pop();
    if (link.users > 0) {
      push({level, least.link});
    }
  }
  return infinity;
}

double Filling::next_cap_level() {
  while (next_capped_ < capped_.size() && frozen_[capped_[next_capped_]]) {
    ++next_capped_;
  }
  return next_capped_ < capped_.size() ? cap_level(capped_[next_capped_]) : infinity;
}

void Filling::gather(std::uint32_t flow) {
  if (!frozen_[flow]) {
    frozen_[flow] = true;
    batch_.push_back(flow);
  }
}

/// All flows that are at their cap, or on a link that is full, at the present level; nothing is updated before all are
/// found.
void Filling::gather_batch() {
  while (next_link_level() <= level_) {
    const std::uint32_t link = bounds_.front().link;
    pop();
    for (std::uint32_t j = first_user_[link]; j < first_user_[link + 1]; ++j) {
      gather(users_[j]);
    }
  }
  while (next_cap_level() <= level_) {
    gather(capped_[next_capped_]);
  }
}

void Filling::freeze_batch() {
  for (const std::uint32_t flow : batch_) {
    const bool at_cap = cap_level(flow) <= level_;
    rates_[flow] = at_cap ? problem_.cap[flow] : std::min(problem_.cap[flow], problem_.weight[flow] * level_);
    for (std::uint32_t j = problem_.first[flow]; j < problem_.first[flow + 1]; ++j) {
      LinkState& link = links_[problem_.link[j]];
      if (link.frozen == 0) {
        touched_.push_back(problem_.link[j]);
      }
      link.frozen += to_wide(problem_.load[j] * problem_.weight[flow]);
      --link.users;
    }
  }
  for (const std::uint32_t touched : touched_) {
    LinkState& link = links_[touched];
    link.residual -= level_ * to_double(link.frozen);
    link.demand -= link.frozen;
    link.frozen = 0;
  }
}

std::vector<double> Filling::run() {
  std::size_t left = problem_.flows();
  while (left > 0) {
    level_ = std::min(next_link_level(), next_cap_level());
    PODIUM_CHECK(level_ < infinity, "a flow needs a link or a cap");
    batch_.clear();
    touched_.clear();
    gather_batch();
    freeze_batch();
    left -= batch_.size();
  }
  return std::move(rates_);
}

}  // namespace

std::vector<double> max_min_rates(const MaxMinProblem& problem) { return Filling(problem).run(); }

}  // namespace podium
