#pragma once

#include <optional>

#include "sim/calibration/row_table.h"
#include "sim/collective/kind.h"

namespace podium {

/// The columns of a collective's rows that say how much is sent: bytes, or of dispatch and combine the tokens of a
/// rank.
class TokenColumns {
 public:
  explicit TokenColumns(const RowTable&);

  /// How tokens choose experts, where a row says that they do so at random (`routing`).
  std::optional<TokenRouting> routing(const TableRow&, CollectiveKind) const;
  /// What a rank sends: each of its tokens once to all ranks that it goes to, dispatched in its type and combined in
  /// bf16. Where tokens choose at random, a copy for each choice (TokenRouting).
  Bytes bytes(const TableRow&, CollectiveKind, std::uint32_t ranks) const;

 private:
  double copies(const TableRow&, CollectiveKind, std::uint32_t ranks) const;

  Column bytes_, tokens_, hidden_, choices_, type_, routing_, experts_, redundant_, groups_, groups_chosen_;
};

}  // namespace podium
