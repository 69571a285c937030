#include "sim/collective/kind.h"

#include <array>
#include <string>
#include <utility>

namespace podium {

namespace {

constexpr std::array<std::pair<CollectiveKind, std::string_view>, 12> kinds{{
    {CollectiveKind::all_reduce, "all_reduce"},
    {CollectiveKind::all_gather, "all_gather"},
    {CollectiveKind::reduce_scatter, "reduce_scatter"},
    {CollectiveKind::all_to_all, "all_to_all"},
    {CollectiveKind::broadcast, "broadcast"},
    {CollectiveKind::dispatch, "dispatch"},
    {CollectiveKind::combine, "combine"},
    {CollectiveKind::send, "send"},
    {CollectiveKind::scatter, "scatter"},
    {CollectiveKind::gather, "gather"},
    {CollectiveKind::barrier, "barrier"},
    {CollectiveKind::reduce, "reduce"},
}};

constexpr std::array<std::pair<std::string_view, CollectiveKind>, 10> aliases{{
    {"bcast", CollectiveKind::broadcast},
    {"sendrecv", CollectiveKind::send},
    {"sendreceive", CollectiveKind::send},
    {"p2p", CollectiveKind::send},
    {"moedispatch", CollectiveKind::dispatch},
    {"moecombine", CollectiveKind::combine},
    {"alltoalldispatch", CollectiveKind::dispatch},
    {"alltoallcombine", CollectiveKind::combine},
    {"alltoallv", CollectiveKind::all_to_all},
    {"allgatherv", CollectiveKind::all_gather},
}};

}  // namespace

std::string plain_name(std::string_view name) {
  std::string result;
  for (const char c : name) {
    if (c >= 'A' && c <= 'Z') {
      result += static_cast<char>(c - 'A' + 'a');
    } else if (c != '_' && c != '-' && c != ' ') {
      result += c;
    }
  }
  return result;
}

std::string_view to_string(CollectiveKind kind) { return kinds.at(static_cast<std::size_t>(kind)).second; }

CollectiveKind parse_collective_kind(std::string_view name, const Location& where) {
  const std::string wanted = plain_name(name);
  std::vector<std::string> known;
  for (const auto& [kind, text] : kinds) {
    if (plain_name(text) == wanted) {
      return kind;
    }
    known.emplace_back(text);
  }
  for (const auto& [alias, kind] : aliases) {
    if (alias == wanted) {
      return kind;
    }
  }
  throw InputError(where, unknown_name("collective operation", name, known));
}

std::vector<CollectiveKind> all_collective_kinds() {
  std::vector<CollectiveKind> result;
  for (const auto& [kind, text] : kinds) {
    PODIUM_CHECK(static_cast<std::size_t>(kind) == result.size(), "kinds are listed in the order of the enumeration");
    result.push_back(kind);
  }
  return result;
}

double bus_factor(CollectiveKind kind, int ranks) {
  PODIUM_CHECK(ranks > 0);
  const double others = static_cast<double>(ranks - 1) / static_cast<double>(ranks);
  switch (kind) {
    case CollectiveKind::all_reduce:
      return 2 * others;
    case CollectiveKind::all_gather:
    case CollectiveKind::reduce_scatter:
    case CollectiveKind::all_to_all:
    case CollectiveKind::scatter:
    case CollectiveKind::gather:
      return others;
    default:
      return 1;
  }
}

}  // namespace podium
