#include "sim/cli/expert_options.h"

#include <CLI/CLI.hpp>

#include "sim/cli/collective_run.h"
#include "sim/collective/experts.h"

namespace podium {

void add_expert_options(CLI::App& app, ExpertOptions& options) {
  const std::string group = "Tokens (dispatch, combine)";
  app.add_option("--tokens", options.tokens, "Tokens of a rank, in place of --bytes: a copy for each choice of each")
      ->option_text("B[:E[:F]]")
      ->group(group);
  app.add_option("--hidden", options.hidden, "Elements of a token, of --type")->group(group);
  app.add_option("--experts", options.experts,
                 "Routed experts, spread over all ranks; tokens choose among them at random")
      ->group(group);
  app.add_option("--topk", options.choices, "Experts that a token chooses")->group(group);
  app.add_option("--redundant", options.redundant, "Further copies of routed experts")->group(group);
  app.add_option("--shared", options.shared, "Shared experts with slots of their own: a further copy of each token")
      ->group(group);
  app.add_option("--groups", options.groups, "Groups of experts in a row, by nodes as a rule")->group(group);
  app.add_option("--groups-per-token", options.groups_chosen, "In how many of them all choices of a token are")
      ->group(group);
}

std::optional<TokenRouting> routing_of(const ExpertOptions& options, CollectiveKind kind) {
  const bool given = options.experts > 0 || options.choices > 0 || options.groups != 1 || !options.tokens.empty();
  if (!given) {
    return std::nullopt;
  }
  if (!is_expert_exchange(kind)) {
    throw InputError({"--experts"},
                     "tokens and experts are of dispatch and combine, not of " + std::string(to_string(kind)));
  }
  const TokenRouting routing{.choices = options.choices,
                             .slots = static_cast<double>(options.experts) + options.redundant,
                             .shared = options.shared,
                             .groups = options.groups,
                             .groups_chosen = options.groups_chosen};
  check_routing(routing, {options.experts > 0 ? "--topk" : "--experts"});
  return routing;
}

std::vector<Bytes> token_bytes(const ExpertOptions& options, const std::optional<TokenRouting>& routing,
                               DataType type) {
  if (options.tokens.empty()) {
    return {};
  }
  if (!routing || options.hidden == 0) {
    throw InputError({"--tokens"}, "how large tokens are is said by --hidden, with --experts and --topk");
  }
  std::vector<Bytes> sizes;
  for (const Bytes tokens : parse_sizes(options.tokens, {"--tokens"})) {
    const double copies = tokens.value() * (routing->choices + routing->shared);
    sizes.push_back(copies * token_size(type, options.hidden));
  }
  return sizes;
}

}  // namespace podium
