#include "sim/network/sharing.h"

#include <algorithm>

// Why a round may touch so little, and still gives what a filling from scratch does, to the last bit.
//
// Let phi(x) be what a link carries if its users that froze below level x stay there and each of the others goes one
// level beyond x. A link fills at the least x where phi(x) exceeds its capacity, and a flow freezes at the least level
// where one of its links fills, or at its cap. As phi(x) depends on the levels below x alone, this is a recursion over
// levels with one solution. A round replays the last one, and looks only where it takes another course:
//  - A link whose users freeze as before fills as before. It is looked at if a flow that it holds is of interest.
//  - Users that freeze at lower levels than before, or are gone, only lower phi. A link that is *disturbed* like that
//    need not be looked at before the level where it filled; never, if it did not fill.
//  - Users that rise beyond their old level may fill a link earlier. Of one that did not fill, phi(x) is at most what
//    the others use + their demand + (x + 1) x the demand of those that rise. So it need not be looked at before its
//    *room* is used up, which takes O(1) a flow to keep.
// To look at a link closely is to *open* it: its users are read once, and from then on it has the two sums of
// progressive filling, which change by one subtraction for each user that freezes.

namespace podium {

namespace {
constexpr std::uint32_t none = UINT32_MAX;
}  // namespace

Sharing::Sharing(const Table<LinkId, BytesPerSecond>& capacities) : links_(capacities.size()) {
  for (const LinkId id : capacities.ids()) {
    Link& link = links_[id.index()];
    link.capacity = to_wide(capacities[id]);
    link.left = link.capacity;
  }
}

ShareId Sharing::add(std::span<const LinkLoad> loads, double weight, BytesPerSecond cap) {
  if (free_flows_.empty()) {
    free_flows_.push_back(static_cast<std::uint32_t>(flows_.size()));
    flows_.emplace_back();
  }
  const std::uint32_t index = free_flows_.back();
  free_flows_.pop_back();
  Flow& flow = flows_[index];
  flow = Flow();
  flow.cap = cap_level(cap, weight);
  flow.weight = weight;
  flow.count = static_cast<std::uint32_t>(loads.size());
  flow.first = new_uses(flow.count);
  PODIUM_CHECK(flow.count > 0 || flow.cap != no_level, "a flow needs a link or a cap");
  for (std::uint32_t i = 0; i < flow.count; ++i) {
    const std::uint32_t place = loads[i].link.index();
    Link& link = links_[place];
    const Demand demand = to_demand(loads[i].load, weight, loads[i].members);
    uses_[flow.first + i] = {place, static_cast<std::uint32_t>(link.users.size()), demand};
    link.users.push_back({index, flow.first + i, demand});
    link.demand += demand;
    link.rising += demand;
    link.may_fill = true;
    change(place);
  }
  new_flows_.push_back(index);
  ++unsettled_;
  return ShareId(index);
}

void Sharing::remove(ShareId id) {
  Flow& flow = flows_[id.index()];
  const bool rises = flow.level == no_level;
  unsettled_ -= rises ? 1 : 0;
  for (const Use& use : uses(flow)) {
    Link& link = links_[use.link];
    link.users[use.place] = link.users.back();
    uses_[link.users[use.place].use].place = use.place;
    link.users.pop_back();
    link.demand -= use.demand;
    link.rising -= rises ? use.demand : 0;
    link.left += rises ? 0 : product(use.demand, flow.level);
    if (link.fills()) {
      change(use.link);
    }
  }
  free_uses_[flow.count].push_back(flow.first);
  free_flows_.push_back(id.index());
  flow = Flow();
}

ShareId Sharing::move(ShareId id, std::span<const LinkLoad> loads) {
  const Flow before = flows_[id.index()];
  remove(id);
  const ShareId moved = add(loads, before.weight);
  flows_[moved.index()].cap = before.cap;
  return moved;
}

void Sharing::set_capacity(LinkId id, BytesPerSecond bandwidth) {
  Link& link = links_[id.index()];
  const Wide capacity = to_wide(bandwidth);
  link.may_fill |= capacity < link.capacity;
  link.left += capacity - link.capacity;
  link.capacity = capacity;
  change(id.index());
}

std::uint32_t Sharing::new_uses(std::uint32_t count) {
  if (count >= free_uses_.size()) {
    free_uses_.resize(count + 1);
  }
  if (free_uses_[count].empty()) {
    uses_.resize(uses_.size() + count);
    return static_cast<std::uint32_t>(uses_.size() - count);
  }
  const std::uint32_t first = free_uses_[count].back();
  free_uses_[count].pop_back();
  return first;
}

void Sharing::change(std::uint32_t link_index) {
  if (!links_[link_index].changed) {
    links_[link_index].changed = true;
    changed_links_.push_back(link_index);
  }
}

std::span<const ShareId> Sharing::solve() {
  begin();
  do {
    const Level now = queue_.now();
    for (std::uint32_t index = 0; queue_.take(index);) {
      if (index >= links_.size()) {
        freeze(index - static_cast<std::uint32_t>(links_.size()), none, now);
      } else if (links_[index].due == now) {
        look_at_link(index, now);
      }
    }
    for (const std::uint32_t link : freed_) {
      set_free(link, now);
    }
    close_batch(now);
  } while (unsettled_ > 0 && queue_.rise());
  end();
  return changed_flows_;
}

/// Queues what has changed since the last round for the first level where it can make a difference.
void Sharing::begin() {
  ++round_;
  changed_flows_.clear();
  opened_.clear();
  for (const std::uint32_t index : changed_links_) {
    Link& link = links_[index];
    if (link.users.empty()) {
      link.level = no_level;
      link.left = link.capacity;
      link.rising = 0;
    } else if (!link.fills()) {
      watch(index, 0);
    } else {
      disturb(index, link.may_fill ? std::min(link.level, full_level(link.capacity, link.demand)) : link.level);
    }
    link.changed = false;
    link.may_fill = false;
  }
  changed_links_.clear();
  for (const std::uint32_t flow : new_flows_) {
    queue_flow(flow, flows_[flow].cap);
  }
  new_flows_.clear();
}

/// A link that did not fill may do so now, but not below `level`.
void Sharing::watch(std::uint32_t link_index, Level level) {
  const Link& link = links_[link_index];
  if (link.room() < 0) {
    disturb(link_index, std::max(level, full_level(link.capacity, link.demand)));
  } else {
    queue_link(link_index, std::max(level, full_level(link.room(), link.rising)));
  }
}

void Sharing::queue_link(std::uint32_t link_index, Level level) {
  if (level < links_[link_index].due) {
    links_[link_index].due = level;
    queue_.push(level, link_index);
  }
}

/// A link will not fill, or not fill, just as before; until `level` it makes no difference.
void Sharing::disturb(std::uint32_t link_index, Level level) {
  unsettled_ += links_[link_index].stage == Stage::as_before ? 1 : 0;
  links_[link_index].stage = Stage::disturbed;
  queue_link(link_index, level);
}

void Sharing::queue_flow(std::uint32_t flow_index, Level level) {
  if (level != no_level) {
    queue_.push(level, static_cast<std::uint32_t>(links_.size()) + flow_index);
  }
}

void Sharing::look_at_link(std::uint32_t link_index, Level now) {
  Link& link = links_[link_index];
  link.due = no_level;
  if (link.stage == Stage::as_before && link.fills()) {
    freeze_users(link_index, now);
    return;
  }
  if (link.stage == Stage::as_before && full_level(link.room(), link.rising) > now) {
    watch(link_index, now);
    return;
  }
  if (link.stage != Stage::open) {
    open(link_index, now);
  }
  const Level fills = full_level(link.left, link.rising);
  PODIUM_CHECK(fills >= now);
  if (fills == now) {
    link.filled = now;
    freeze_users(link_index, now);
  } else if (link.rising > 0) {
    if (link.level == now) {
      freed_.push_back(link_index);
    }
    queue_link(link_index, link.fills() && link.level > now ? std::min(fills, link.level) : fills);
  }
}

/// Reads all users of a link, before any freezes at this level; sees to it that those which may freeze as before are
/// looked at when they did.
void Sharing::open(std::uint32_t link_index, Level now) {
  Link& link = links_[link_index];
  unsettled_ -= link.stage == Stage::disturbed ? 1 : 0;
  link.stage = Stage::open;
  opened_.push_back(link_index);
  link.left = link.capacity;
  link.rising = 0;
  for (const User& user : link.users) {
    const Flow& flow = flows_[user.flow];
    if (flow.level < now) {
      link.left -= product(user.demand, flow.level);
      continue;
    }
    link.rising += user.demand;
    if (flow.level == no_level || flow.frozen == round_) {
      continue;
    }
    if (flow.holder == none) {
      queue_flow(user.flow, flow.level);
    } else if (links_[flow.holder].stage == Stage::as_before) {
      queue_link(flow.holder, flow.level);
    }
  }
  unsettled_ += link.rising > 0 ? 1 : 0;
}

void Sharing::freeze(std::uint32_t flow_index, std::uint32_t holder, Level now) {
  Flow& flow = flows_[flow_index];
  if (flow.level >= now && flow.frozen != round_) {
    batch_.push_back({flow_index, flow.level});
    flow.level = now;
    flow.holder = holder;
    flow.frozen = round_;
  }
}

void Sharing::freeze_users(std::uint32_t link_index, Level now) {
  for (const User& user : links_[link_index].users) {
    freeze(user.flow, link_index, now);
  }
}

/// A link does not fill where it did: its users that froze with it rise, unless something else holds them there.
void Sharing::set_free(std::uint32_t link_index, Level now) {
  for (const User& user : links_[link_index].users) {
    const Flow& flow = flows_[user.flow];
    if (flow.level != now || flow.frozen == round_) {
      continue;
    }
    std::uint32_t holder = none;
    for (const Use& use : uses(flow)) {
      const Link& link = links_[use.link];
      holder = link.stage == Stage::as_before && link.level == now ? use.link : holder;
    }
    if (holder != none || flow.cap == now) {
      freeze(user.flow, holder, now);
    } else {
      rise(user.flow, now);
    }
  }
}

void Sharing::rise(std::uint32_t flow_index, Level now) {
  Flow& flow = flows_[flow_index];
  flow.level = no_level;
  ++unsettled_;
  queue_flow(flow_index, flow.cap);
  for (const Use& use : uses(flow)) {
    Link& link = links_[use.link];
    if (link.stage == Stage::open) {
      continue;
    }
    if (link.fills()) {
      disturb(use.link, now + 1);
    } else {
      link.left += product(use.demand, now);
      link.rising += use.demand;
      watch(use.link, now + 1);
    }
  }
}

/// Subtracts what has frozen at this level from the links that are open, and tells those that are not.
void Sharing::close_batch(Level now) {
  for (const Frozen& frozen : batch_) {
    const bool rose = frozen.before == no_level;
    unsettled_ -= rose ? 1 : 0;
    for (const Use& use : uses(flows_[frozen.flow])) {
      Link& link = links_[use.link];
      if (link.stage == Stage::open || (rose && !link.fills())) {
        link.left -= product(use.demand, now);
        link.rising -= use.demand;
        unsettled_ -= link.stage == Stage::open && link.rising == 0 ? 1 : 0;
      } else if (frozen.before != now && link.fills()) {
        disturb(use.link, link.level);
      } else if (frozen.before != now) {
        link.left += product(use.demand, frozen.before) - product(use.demand, now);
      }
    }
    if (frozen.before != now) {
      changed_flows_.push_back(ShareId(frozen.flow));
    }
  }
  batch_.clear();
  freed_.clear();
}

void Sharing::end() {
  PODIUM_CHECK(unsettled_ == 0, "a flow's rate is under 2^63 B/s a weight");
  for (const std::uint32_t index : opened_) {
    Link& link = links_[index];
    link.stage = Stage::as_before;
    link.level = link.filled;
    link.filled = no_level;
  }
  queue_.clear([this](std::uint32_t index) {
    if (index < links_.size()) {
      links_[index].due = no_level;
    }
  });
}

}  // namespace podium
