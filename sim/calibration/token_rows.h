#pragma once

#include <optional>

#include "sim/calibration/row_table.h"
#include "sim/collective/kind.h"

namespace podium {

/// The columns of a collective's rows that say how much is sent: bytes, those of each rank, or of dispatch and combine
/// the tokens of a rank.
class TokenColumns {
 public:
  explicit TokenColumns(const RowTable&);

  /// In which type results come back in a combine: bf16, or that of the row, quantised on their way.
  enum class Results { bf16, quantised };

  /// How tokens choose experts, where a row says that they do so at random (`routing`).
  std::optional<TokenRouting> routing(const TableRow&, CollectiveKind) const;
  /// As kind.h defines them; nothing of a barrier. Of tokens, each goes once to all ranks that it goes to, dispatched
  /// in its type; where tokens choose at random, a copy for each choice (TokenRouting).
  Bytes bytes(const TableRow&, CollectiveKind, std::uint32_t ranks, Results) const;

 private:
  double copies(const TableRow&, CollectiveKind, std::uint32_t ranks) const;
  Bytes bytes_of_all(const TableRow&, CollectiveKind, std::uint32_t ranks) const;
  void check(const TableRow&, CollectiveKind) const;

  Column bytes_, per_rank_, tokens_, hidden_, choices_, type_, routing_, experts_, redundant_, groups_, groups_chosen_;
};

}  // namespace podium
