// The order of a rank's nodes: that of its file as far as dependencies let it be.
#include <algorithm>
#include <map>
#include <numeric>
#include <queue>
#include <span>
#include <tuple>

#include "sim/workload/trace.h"

namespace podium {
namespace {

using Edge = std::pair<std::uint32_t, std::uint32_t>;  ///< before, after

/// Nodes, joins with the numbers behind theirs, and edges. A join stands between many nodes that are before and many
/// that are after all of those: it is no node, only fewer edges.
struct Order {
  std::size_t nodes = 0, joins = 0;
  std::vector<Edge> edges;
  std::size_t size() const { return nodes + joins; }
};

/// What follows each node, in CSR.
struct Followers {
  std::vector<std::uint32_t> first, next;

  explicit Followers(const Order& graph) : first(graph.size() + 1), next(graph.edges.size()) {
    for (const auto& [before, after] : graph.edges) {
      ++first[before + 1];
    }
    std::partial_sum(first.begin(), first.end(), first.begin());
    std::vector<std::uint32_t> fill(first.begin(), first.end());
    for (const auto& [before, after] : graph.edges) {
      next[fill[before]++] = after;
    }
  }
};

/// An order in which edges lead forward, else that of the file; those that are never free are left out of it. `missing`
/// is how many others each of these waits for.
std::vector<std::uint32_t> sort_nodes(const Order& graph, std::vector<std::uint32_t>& missing) {
  const Followers followers(graph);
  std::vector<std::uint32_t> order, done;
  missing.assign(graph.size(), 0);
  for (const auto& [before, after] : graph.edges) {
    ++missing[after];
  }
  std::priority_queue<std::uint32_t, std::vector<std::uint32_t>, std::greater<>> free;
  for (std::uint32_t i = 0; i < graph.nodes; ++i) {
    if (missing[i] == 0) {
      free.push(i);
    }
  }
  while (!free.empty()) {
    order.push_back(free.top());
    done.push_back(free.top());
    free.pop();
    while (!done.empty()) {
      const std::uint32_t i = done.back();
      done.pop_back();
      for (std::uint32_t at = followers.first[i]; at < followers.first[i + 1]; ++at) {
        if (const std::uint32_t next = followers.next[at]; --missing[next] == 0) {
          next < graph.nodes ? free.push(next) : done.push_back(next);  // a join is through at once
        }
      }
    }
  }
  return order;
}

/// By node, the number of its strongly connected component: those that wait for each other in circles share one
/// (Tarjan, SIAM Journal on Computing 1, 1972, without recursion).
std::vector<std::uint32_t> find_components(const Order& graph) {
  constexpr std::uint32_t none = 0xFFFFFFFF;
  const Followers followers(graph);
  const std::size_t count = graph.size();
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

/// All of the one come before all of the other.
void join(Order& graph, std::span<const std::uint32_t> before, std::span<const std::uint32_t> after) {
  if (before.size() == 1 || after.size() == 1) {
    for (const std::uint32_t one : before) {
      for (const std::uint32_t next : after) {
        graph.edges.emplace_back(one, next);
      }
    }
    return;
  }
  const auto between = static_cast<std::uint32_t>(graph.nodes + graph.joins++);
  for (const std::uint32_t one : before) {
    graph.edges.emplace_back(one, between);
  }
  for (const std::uint32_t next : after) {
    graph.edges.emplace_back(between, next);
  }
}

/// Dependencies, and the order of each chain. Those of a chain that are of one component in a row have no order of
/// their own: they follow all of the one before.
Order with_chains(Order graph, const Chains& chains, const std::vector<std::uint32_t>& component) {
  for (const std::vector<std::uint32_t>& chain : chains) {
    const auto end_of_row = [&](auto first) {
      return std::find_if(first, chain.end(), [&](std::uint32_t i) { return component[i] != component[*first]; });
    };
    auto before = chain.begin(), here = end_of_row(before);
    while (here != chain.end()) {
      const auto end = end_of_row(here);
      join(graph, {before, here}, {here, end});
      before = here;
      here = end;
    }
  }
  return graph;
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
  Order graph;
  graph.nodes = nodes.size();
  graph.edges.reserve(program_.after.size());
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    for (const std::uint32_t before : program_.dependencies(nodes[i])) {
      graph.edges.emplace_back(before, i);
    }
  }
  const Chains chains = find_chains(program_);
  std::vector<std::uint32_t> missing, apart(nodes.size());
  std::iota(apart.begin(), apart.end(), 0U);
  const std::vector<std::uint32_t> component = find_components(with_chains(graph, chains, apart));
  const std::vector<std::uint32_t> order = sort_nodes(with_chains(graph, chains, component), missing);
  if (order.size() < nodes.size()) {
    sort_nodes(graph, missing);
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
