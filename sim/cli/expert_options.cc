#include "sim/cli/expert_options.h"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

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

namespace {

/// In the order of the help.
std::vector<std::string> given_options(const ExpertOptions& options) {
  const std::pair<const char*, bool> all[] = {
      {"--tokens", !options.tokens.empty()},  {"--hidden", options.hidden > 0},
      {"--experts", options.experts > 0},     {"--topk", options.choices > 0},
      {"--redundant", options.redundant > 0}, {"--shared", options.shared > 0},
      {"--groups", options.groups != 1},      {"--groups-per-token", options.groups_chosen > 0}};
  std::vector<std::string> given;
  for (const auto& [option, is_given] : all) {
    if (is_given) {
      given.emplace_back(option);
    }
  }
  return given;
}

void check_groups(const ExpertOptions& options) {
  if (options.groups < 1 || options.groups > options.experts || options.experts % options.groups != 0) {
    throw InputError({"--groups"},
                     fmt::format("{} experts do not lie in {} groups of equal size", options.experts, options.groups));
  }
  if (options.groups > 1 && options.groups_chosen == 0) {
    throw InputError({"--groups"}, "goes with --groups-per-token, in how many of them a token's experts are");
  }
  if (options.groups_chosen > options.groups) {
    throw InputError({"--groups-per-token"}, fmt::format("a token's experts are in 1 to {} groups, not in {}",
                                                         options.groups, options.groups_chosen));
  }
}

double parse_tokens(const std::string& text, const Location& where) {
  const double tokens = parse_number(text, where);
  if (tokens != std::floor(tokens) || tokens < 0) {
    throw InputError(where, "'" + text + "' is not a whole number of tokens");
  }
  return tokens;
}

}  // namespace

std::optional<TokenRouting> routing_of(const ExpertOptions& options, CollectiveKind kind) {
  const std::vector<std::string> given = given_options(options);
  if (given.empty()) {
    return std::nullopt;
  }
  if (!is_expert_exchange(kind)) {
    throw InputError({given.front()},
                     "tokens and experts are of dispatch and combine, not of " + std::string(to_string(kind)));
  }
  if (options.hidden > 0 && options.tokens.empty()) {
    throw InputError({"--hidden"}, "is the size of --tokens, which --bytes are in place of");
  }
  if (options.experts == 0 && options.choices == 0) {
    throw InputError({given.front()}, "goes with --experts and --topk, which say how tokens choose");
  }
  if (options.experts > 0) {
    check_groups(options);
  }
  const TokenRouting routing{.choices = options.choices,
                             .slots = static_cast<double>(options.experts) + options.redundant,
                             .shared = options.shared,
                             .groups = options.groups,
                             .groups_chosen = std::max(1U, options.groups_chosen)};
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
  for (const double tokens : parse_steps(options.tokens, {"--tokens"}, parse_tokens)) {
    const double copies = tokens * (routing->choices + routing->shared);
    sizes.push_back(copies * token_size(type, options.hidden));
  }
  return sizes;
}

}  // namespace podium
