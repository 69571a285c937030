#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/collective/kind.h"
#include "sim/hardware/data_type.h"

namespace CLI {
class App;
}

namespace podium {

/// What `podium collective dispatch` and `combine` are told of tokens and experts, as written.
struct ExpertOptions {
  std::string tokens;
  std::uint32_t hidden = 0, experts = 0, choices = 0, redundant = 0, shared = 0, groups = 1;
  std::uint32_t groups_chosen = 0;  ///< 0: not given
};

void add_expert_options(CLI::App&, ExpertOptions&);

/// Nothing where no experts are given. InputError where they make no sense, or the operation has none.
std::optional<TokenRouting> routing_of(const ExpertOptions&, CollectiveKind);

/// Bytes of a copy for each choice of each of a rank's tokens, by the numbers of tokens asked for; none where no tokens
/// are given. InputError where tokens are given and no experts or width.
std::vector<Bytes> token_bytes(const ExpertOptions&, const std::optional<TokenRouting>&, DataType);

}  // namespace podium
