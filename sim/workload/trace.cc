#include "sim/workload/trace.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "sim/core/text.h"
#include "sim/core/utf8.h"

namespace podium {

namespace {

std::uint32_t hash_of(std::string_view text) { return static_cast<std::uint32_t>(std::hash<std::string_view>()(text)); }

}  // namespace

std::uint32_t NameTable::add(std::string_view text) {
  std::string valid = valid_utf8(text);  // timelines are JSON, which takes nothing else
  const std::uint32_t hash = hash_of(valid);
  std::size_t place = place_of(valid, hash);
  if (slots_[place].index == none) {
    if (2 * (texts_.size() + 1) > slots_.size()) {
      grow();
      place = place_of(valid, hash);
    }
    slots_[place] = {hash, static_cast<std::uint32_t>(texts_.size())};
    texts_.push_back(std::move(valid));
  }
  return slots_[place].index;
}

std::optional<std::uint32_t> NameTable::find(std::string_view text) const {
  const std::string valid = valid_utf8(text);
  const Slot& slot = slots_[place_of(valid, hash_of(valid))];
  return slot.index != none ? std::optional(slot.index) : std::nullopt;
}

/// Where the text is, or would be.
std::size_t NameTable::place_of(std::string_view text, std::uint32_t hash) const {
  const std::size_t last = slots_.size() - 1;
  std::size_t place = hash & last;
  while (slots_[place].index != none && (slots_[place].hash != hash || texts_[slots_[place].index] != text)) {
    place = (place + 1) & last;
  }
  return place;
}

void NameTable::grow() {
  const std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(2 * slots_.size()));
  for (const Slot& slot : before) {
    if (slot.index != none) {
      slots_[place_of(texts_[slot.index], slot.hash)] = slot;
    }
  }
}

std::uint32_t Trace::ranks() const {
  std::uint32_t count = 0;
  for (const TraceProgram& program : programs) {
    count = std::max(count, program.base + program.count);
  }
  return count;
}

std::uint32_t Trace::size_of(const TraceGroup& group) const {
  return group.members == TraceGroup::Members::all      ? ranks()
         : group.members == TraceGroup::Members::listed ? static_cast<std::uint32_t>(group.ranks.size())
                                                        : group.size;
}

std::string Trace::place(const TraceProgram& program, const TraceNode& node) const {
  std::string text = to_string(Location{program.file, node.line});
  if (program.count == 1) {
    text += ": rank " + std::to_string(program.base);
  }
  text += ": node " + std::to_string(node.id);
  const std::string name = printable(names.at(node.name));
  return name.empty() ? text : text + " ('" + name + "')";
}

TraceProgramBuilder::TraceProgramBuilder(Trace& trace, const std::string& file, std::uint32_t base, std::uint32_t count)
    : trace_(trace) {
  program_.file = file;
  program_.base = base;
  program_.count = count;
  if (trace_.groups.empty()) {
    trace_.groups.emplace_back();
  }
}

std::uint32_t TraceProgramBuilder::group(const TraceGroup& wanted) {
  // the first is all ranks, which a file may not know: its own "world" is another
  const auto found = std::find_if(trace_.groups.begin() + 1, trace_.groups.end(),
                                  [&](const TraceGroup& group) { return group.name == wanted.name; });
  if (found == trace_.groups.end()) {
    trace_.groups.push_back(wanted);
    return static_cast<std::uint32_t>(trace_.groups.size() - 1);
  }
  return static_cast<std::uint32_t>(found - trace_.groups.begin());
}

void TraceProgramBuilder::add(const TraceNode& node, std::span<const std::uint64_t> after) {
  TraceNode& added = program_.nodes.emplace_back(node);
  added.place_in_file = static_cast<std::uint32_t>(program_.nodes.size() - 1);
  added.first_after = static_cast<std::uint32_t>(after_ids_.size());
  added.after_count = static_cast<std::uint32_t>(after.size());
  after_ids_.insert(after_ids_.end(), after.begin(), after.end());
}

/// Gives each node that others begin with a node for its beginning, which takes over all that it waits for, and for
/// which it waits, as they do.
void TraceProgramBuilder::resolve_begins() {
  if (begins_as_.empty()) {
    return;
  }
  std::map<std::uint64_t, std::uint64_t> beginnings;  ///< by the node that begins
  for (const auto& [id, other] : begins_as_) {
    beginnings[other] = 0;
  }
  std::uint64_t last = 0;
  for (const TraceNode& node : program_.nodes) {
    last = std::max(last, node.id);
  }
  for (auto& [other, beginning] : beginnings) {
    beginning = ++last;
  }
  for (const auto& [id, other] : begins_as_) {
    later_.emplace_back(id, beginnings.at(other));
  }
  for (auto& [id, before] : later_) {
    const auto beginning = beginnings.find(id);
    id = beginning == beginnings.end() ? id : beginning->second;
  }
  std::vector<TraceNode> added;
  for (const TraceNode& node : program_.nodes) {
    if (const auto beginning = beginnings.find(node.id); beginning != beginnings.end()) {
      PODIUM_CHECK(node.after_count == 0, "what an operation waits for is said later, as that others begin with it");
      later_.emplace_back(node.id, beginning->second);
      TraceNode& start = added.emplace_back();
      start.id = beginning->second;
      start.name = name("the beginning of " + trace_.names.at(node.name));
      start.line = node.line;
    }
  }
  std::sort(added.begin(), added.end(), [](const TraceNode& a, const TraceNode& b) { return a.id < b.id; });
  for (const TraceNode& node : added) {
    add(node);
  }
}

/// Brings what was said after the nodes to them. Their ids rise where anything was.
void TraceProgramBuilder::merge_later() {
  if (later_.empty()) {
    return;
  }
  std::stable_sort(later_.begin(), later_.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<std::uint64_t> merged;
  auto next = later_.begin();
  for (TraceNode& node : program_.nodes) {
    const auto first = after_ids_.begin() + node.first_after;
    node.first_after = static_cast<std::uint32_t>(merged.size());
    merged.insert(merged.end(), first, first + node.after_count);
    for (; next != later_.end() && next->first == node.id; ++next) {
      merged.push_back(next->second);
    }
    node.after_count = static_cast<std::uint32_t>(merged.size()) - node.first_after;
  }
  PODIUM_CHECK(next == later_.end(), "what is said later is said of nodes in the order of their ids");
  after_ids_ = std::move(merged);
}

void TraceProgramBuilder::fail(const TraceNode& node, const std::string& problem) const {
  throw InputError(trace_.place(program_, node) + ": " + problem);
}

void TraceProgramBuilder::finish(TraceOptions::Missing missing) {
  resolve_begins();
  merge_later();
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_id(program_.nodes.size());
  for (std::uint32_t i = 0; i < by_id.size(); ++i) {
    by_id[i] = {program_.nodes[i].id, i};
  }
  if (!std::is_sorted(by_id.begin(), by_id.end())) {
    std::sort(by_id.begin(), by_id.end());
  }
  for (std::size_t i = 1; i < by_id.size(); ++i) {
    if (by_id[i].first == by_id[i - 1].first) {
      fail(program_.nodes[by_id[i].second],
           "this id has come before, as '" + trace_.names.at(program_.nodes[by_id[i - 1].second].name) + "'");
    }
  }
  std::size_t ignored = 0;
  program_.after.reserve(after_ids_.size());
  for (TraceNode& node : program_.nodes) {
    const std::uint32_t first = node.first_after;
    node.first_after = static_cast<std::uint32_t>(program_.after.size());
    for (std::uint32_t i = 0; i < node.after_count; ++i) {
      const std::uint64_t id = after_ids_[first + i];
      const auto found = std::lower_bound(by_id.begin(), by_id.end(), std::pair(id, std::uint32_t{0}));
      if (found != by_id.end() && found->first == id) {
        program_.after.push_back(found->second);
      } else if (missing == TraceOptions::Missing::refuse) {
        fail(node, "waits for node " + std::to_string(id) + ", which the file does not have");
      } else {
        ++ignored;
      }
    }
    node.after_count = static_cast<std::uint32_t>(program_.after.size()) - node.first_after;
  }
  trace_.dependencies_left_out += ignored;
  if (ignored > 0) {
    trace_.notes.insert(program_.file + ": " + std::to_string(ignored) +
                        " dependencies on nodes that the file does not have were left out");
  }
  order();
  trace_.programs.push_back(std::move(program_));
}

}  // namespace podium
