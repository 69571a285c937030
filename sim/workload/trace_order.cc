// The order of a rank's nodes: that of its file as far as dependencies let it be.
#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <tuple>

#include "sim/workload/trace.h"

namespace podium {
namespace {

using Edge = std::pair<std::uint32_t, std::uint32_t>;  ///< before, after

/// What follows each node, in CSR.
struct Followers {
  std::vector<std::uint32_t> first, next;

  Followers(std::size_t count, const std::vector<Edge>& edges) : first(count + 1), next(edges.size()) {
    for (const auto& [before, after] : edges) {
      ++first[before + 1];
    }
    std::partial_sum(first.begin(), first.end(), first.begin());
    std::vector<std::uint32_t> fill(first.begin(), first.end());
    for (const auto& [before, after] : edges) {
      next[fill[before]++] = after;
    }
  }
};

/// An order in which edges lead forward, else that of the file; those that are never free are left out of it. `missing`
/// is how many others each of these waits for.
std::vector<std::uint32_t> sort_nodes(std::size_t count, const std::vector<Edge>& edges,
                                      std::vector<std::uint32_t>& missing) {
  const Followers followers(count, edges);
  std::vector<std::uint32_t> order;
  missing.assign(count, 0);
  for (const auto& [before, after] : edges) {
    ++missing[after];
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
    for (std::uint32_t at = followers.first[i]; at < followers.first[i + 1]; ++at) {
      if (--missing[followers.next[at]] == 0) {
        free.push(followers.next[at]);
      }
    }
  }
  return order;
}

/// By node, the number of its strongly connected component: those that wait for each other in circles share one
/// (Tarjan, SIAM Journal on Computing 1, 1972, without recursion).
std::vector<std::uint32_t> find_components(std::size_t count, const std::vector<Edge>& edges) {
  constexpr std::uint32_t none = 0xFFFFFFFF;
  const Followers followers(count, edges);
  std::vector<std::uint32_t> component(count, none), found(count, none), low(count), at = followers.first, open, path;
  std::uint32_t components = 0, visited = 0;
  for (std::uint32_t root = 0; root < count; ++root) {
    if (found[root] == none) {
      path.push_back(root);
    }
    while (!path.empty()) {
      const std::uint32_t i = path.back();
      if (found[i] == none) {
        found[i] = low[i] = visited++;
        open.push_back(i);
      }
      if (at[i] < followers.first[i + 1]) {
        const std::uint32_t after = followers.next[at[i]++];
        if (found[after] == none) {
          path.push_back(after);
        } else if (component[after] == none) {
          low[i] = std::min(low[i], found[after]);
        }
        continue;
      }
      path.pop_back();
      if (!path.empty()) {
        low[path.back()] = std::min(low[path.back()], low[i]);
      }
      if (low[i] == found[i]) {
        for (std::uint32_t member = none; member != i; open.pop_back()) {
          member = open.back();
          component[member] = components;
        }
        ++components;
      }
    }
  }
  return component;
}

using Chains = std::vector<std::vector<std::uint32_t>>;

/// What is counted, each in the order of the file: the messages of a channel at one end, the collectives of a group.
Chains find_chains(const TraceProgram& program) {
  using Counted = std::tuple<TraceOperation, std::uint32_t, std::int64_t>;  // with group, or peer and tag
  std::map<Counted, std::size_t> known;
  Chains chains;
  for (std::uint32_t i = 0; i < program.nodes.size(); ++i) {
    const TraceNode& node = program.nodes[i];
    if (node.operation >= TraceOperation::send) {
      const bool is_message = node.operation != TraceOperation::collective;
      const Counted counted{node.operation, is_message ? node.peer : node.group, is_message ? node.tag : 0};
      const auto [place, is_new] = known.try_emplace(counted, chains.size());
      if (is_new) {
        chains.emplace_back();
      }
      chains[place->second].push_back(i);
    }
  }
  return chains;
}

/// Dependencies, and the order of each chain. Those of a chain that are of one component in a row have no order of
/// their own: they follow all of the one before.
std::vector<Edge> with_chains(std::vector<Edge> edges, const Chains& chains,
                              const std::vector<std::uint32_t>& component) {
  for (const std::vector<std::uint32_t>& chain : chains) {
    std::vector<std::uint32_t> before, here;
    for (const std::uint32_t i : chain) {
      if (!here.empty() && component[here.back()] != component[i]) {
        before = std::exchange(here, {});
      }
      for (const std::uint32_t one : before) {
        edges.emplace_back(one, i);
      }
      here.push_back(i);
    }
  }
  return edges;
}

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

/// Brings nodes into an order in which each follows what it waits for. What is counted keeps the order of the file
/// unless dependencies force another.
void TraceProgramBuilder::order() {
  std::vector<TraceNode>& nodes = program_.nodes;
  bool in_order = true;
  for (std::uint32_t i = 0; i < nodes.size() && in_order; ++i) {
    const auto after = program_.dependencies(nodes[i]);
    in_order = std::all_of(after.begin(), after.end(), [i](std::uint32_t before) { return before < i; });
  }
  if (in_order) {
    return;
  }
  std::vector<Edge> edges;
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    for (const std::uint32_t before : program_.dependencies(nodes[i])) {
      edges.emplace_back(before, i);
    }
  }
  const Chains chains = find_chains(program_);
  std::vector<std::uint32_t> missing, apart(nodes.size());
  std::iota(apart.begin(), apart.end(), 0U);
  const std::vector<std::uint32_t> component = find_components(nodes.size(), with_chains(edges, chains, apart));
  const std::vector<std::uint32_t> order = sort_nodes(nodes.size(), with_chains(edges, chains, component), missing);
  if (order.size() < nodes.size()) {
    sort_nodes(nodes.size(), edges, missing);
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
