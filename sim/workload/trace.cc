#include "sim/workload/trace.h"

#include <algorithm>
#include <numeric>
#include <queue>
#include <tuple>

#include "sim/core/utf8.h"

namespace podium {

std::uint32_t NameTable::add(std::string_view text) {
  if (const auto found = index_.find(text); found != index_.end()) {
    return found->second;
  }
  if (const std::string valid = valid_utf8(text); valid != text) {
    return add(valid);  // timelines are JSON, which takes nothing else
  }
  texts_.emplace_back(text);
  return index_.emplace(texts_.back(), static_cast<std::uint32_t>(index_.size())).first->second;
}

std::uint32_t Trace::ranks() const {
  std::uint32_t count = 0;
  for (const TraceProgram& program : programs) {
    count = std::max(count, program.base + program.count);
  }
  return count;
}

std::string Trace::place(const TraceProgram& program, const TraceNode& node) const {
  std::string text = to_string(Location{program.file, node.line});
  if (program.count == 1) {
    text += ": rank " + std::to_string(program.base);
  }
  text += ": node " + std::to_string(node.id);
  return names.at(node.name).empty() ? text : text + " ('" + names.at(node.name) + "')";
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

namespace {

/// "3 ('a') waits for 5 ('b') waits for 3": one cycle among nodes that never became free.
std::string cycle_of(const Trace& trace, const TraceProgram& program, const std::vector<std::uint32_t>& missing) {
  std::uint32_t at = 0;
  while (missing[at] == 0) {
    ++at;
  }
  std::vector<std::uint32_t> path;
  std::vector<bool> seen(program.nodes.size());
  while (!seen[at]) {
    seen[at] = true;
    path.push_back(at);
    const auto after = program.dependencies(program.nodes[at]);
    at = *std::find_if(after.begin(), after.end(), [&](std::uint32_t before) { return missing[before] > 0; });
  }
  path.erase(path.begin(), std::find(path.begin(), path.end(), at));
  constexpr std::size_t most = 8;
  std::string text = "its dependencies are a cycle of " + std::to_string(path.size()) + ":";
  for (std::size_t i = 0; i < std::min(path.size(), most); ++i) {
    const TraceNode& node = program.nodes[path[i]];
    text += " " + std::to_string(node.id) + " ('" + trace.names.at(node.name) + "') waits for";
  }
  return text + (path.size() > most ? " …" : "") + " " + std::to_string(program.nodes[at].id);
}

}  // namespace

namespace {

using Edge = std::pair<std::uint32_t, std::uint32_t>;  ///< before, after

/// The k-th send and receive of a channel, and the k-th collective of a group, are told by the order of the file.
std::vector<Edge> find_counted(const TraceProgram& program) {
  using Counted = std::tuple<TraceOperation, std::uint32_t, std::int64_t>;  // with group, or peer and tag
  std::map<Counted, std::uint32_t> last;
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i < program.nodes.size(); ++i) {
    const TraceNode& node = program.nodes[i];
    if (node.operation >= TraceOperation::send) {
      const bool is_message = node.operation != TraceOperation::collective;
      const Counted counted{node.operation, is_message ? node.peer : node.group, is_message ? node.tag : 0};
      const auto [place, is_first] = last.try_emplace(counted, i);
      if (!is_first) {
        edges.emplace_back(std::exchange(place->second, i), i);
      }
    }
  }
  return edges;
}

/// An order in which edges lead forward, else that of the file; those that are never free are left out of it. `missing`
/// is how many others each of these waits for.
std::vector<std::uint32_t> sort_nodes(std::size_t count, const std::vector<Edge>& edges,
                                      std::vector<std::uint32_t>& missing) {
  std::vector<std::uint32_t> first_next(count + 1), next(edges.size()), order;
  missing.assign(count, 0);
  for (const auto& [before, after] : edges) {
    ++missing[after];
    ++first_next[before + 1];
  }
  std::partial_sum(first_next.begin(), first_next.end(), first_next.begin());
  std::vector<std::uint32_t> fill(first_next.begin(), first_next.end());
  for (const auto& [before, after] : edges) {
    next[fill[before]++] = after;
  }
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> free;
  for (std::uint32_t i = 0; i < count; ++i) {
    if (missing[i] == 0) {
      free.push(i);
    }
  }
  while (!free.empty()) {
    const std::uint32_t i = free.top();
    free.pop();
    order.push_back(i);
    for (std::uint32_t at = first_next[i]; at < first_next[i + 1]; ++at) {
      if (--missing[next[at]] == 0) {
        free.push(next[at]);
      }
    }
  }
  return order;
}

}  // namespace

/// Brings nodes into an order in which each follows what it waits for. What is counted keeps the order of the file
/// unless dependencies force another.
void TraceProgramBuilder::order() {
  std::vector<TraceNode>& nodes = program_.nodes;
  std::vector<Edge> edges;
  bool in_order = true;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    for (const std::uint32_t before : program_.dependencies(nodes[i])) {
      edges.emplace_back(before, i);
      in_order &= before < i;
    }
  }
  if (in_order) {
    return;
  }
  std::vector<std::uint32_t> missing;
  std::vector<Edge> with_counted = find_counted(program_);
  with_counted.insert(with_counted.end(), edges.begin(), edges.end());
  std::vector<std::uint32_t> order = sort_nodes(nodes.size(), with_counted, missing);
  if (order.size() < nodes.size()) {
    order = sort_nodes(nodes.size(), edges, missing);
  }
  if (order.size() < nodes.size()) {
    const auto stuck = std::find_if(missing.begin(), missing.end(), [](std::uint32_t count) { return count > 0; });
    fail(nodes[static_cast<std::size_t>(stuck - missing.begin())], cycle_of(trace_, program_, missing));
  }
  std::vector<std::uint32_t> place(nodes.size());
  std::vector<TraceNode> ordered;
  ordered.reserve(nodes.size());
  for (const std::uint32_t i : order) {
    place[i] = static_cast<std::uint32_t>(ordered.size());
    ordered.push_back(nodes[i]);
  }
  nodes = std::move(ordered);
  for (std::uint32_t& before : program_.after) {
    before = place[before];
  }
}

}  // namespace podium
