#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/collective/select.h"
#include "sim/compute/parameter.h"

namespace podium {

/// One way in which a library of collectives moves bytes: NCCL's LL, LL128 and Simple protocols, with few channels or
/// many. In SI units.
struct Regime {
  std::string name;
  std::string algorithm;  ///< one of Algorithms
  std::vector<CollectiveKind> kinds;
  /// What rows and users call its kernels beside its name: "low_latency", "deepep". Several regimes may share a name.
  std::vector<std::string> also = {};
  std::string plane;         ///< the farthest that messages take, where it is not the library's
  std::uint32_t fewest = 0;  ///< the fewest ranks for which the library takes it
  /// The largest message of a step, in bytes, for which the library takes it, where that is known: a library chooses by
  /// a model of its own, which is not always right. Nothing: any size.
  double most = 0;
  /// A regime of the same algorithm in whose time a call does not end sooner: one of chunks on their way through a
  /// pipeline that they do not fill. Nothing: none.
  std::string at_least;
  /// Of one-sided exchanges: `per_peer` counts the different peers among so many choices (a token's experts), which is
  /// as many as they are in a large group: a kernel looks up and writes, or reads, a token's copies one after the
  /// other. Nothing: all messages that a rank sends at once.
  double choices = 0;
  bool by_name = false;   ///< taken only where rows or users name it: the library itself takes another kernel
  bool balanced = false;  ///< the choices of the rows fall on as many peers as they can; otherwise at random
  double launch = 0;      ///< once a call
  double step = 0;        ///< synchronisation of a step with its peers, beside the wire's latency
  double per_peer = 0;    ///< once a call for each message that a rank sends at once
  double port = 0;        ///< of a port's payload bandwidth, that all messages of a step reach together
  double peer = 0;        ///< likewise of one message; nothing: as much as all
  double injection = 0;   ///< B/s that a rank's kernel sends at most over all links; nothing: as the system's file says
  double own = 0;         ///< B/s at which a rank copies its own part, out of place; nothing: it costs no time
};

/// How a library does collectives on the planes of a system, fitted to its measured rows.
struct CommunicationLibrary {
  std::string stack;  ///< "nccl"
  std::string plane;  ///< of all regimes that name none
  std::vector<Regime> regimes;
};

/// All that can be fitted, in the order of the file: "regimes.bulk.launch".
std::vector<Parameter> parameters_of(CommunicationLibrary&);
CommunicationLibrary read_library(const Document&);
/// The one that a system's file names, so that a copy of the file keeps it; `same_as` in a library's file names the one
/// that it shares. Nothing where the system names none.
std::optional<CommunicationLibrary> load_library(const SystemSpec&);
/// Of a system by its name, or the path of its file.
std::optional<CommunicationLibrary> load_library(std::string_view system);

/// All names of regimes, each once: what may be asked for.
std::vector<std::string> regime_names(const CommunicationLibrary&);
/// InputError, with the nearest name, where no regime goes by `name`.
void check_regime(const CommunicationLibrary&, std::string_view name, const Location& where);

/// A way in which a library can do a call.
struct LibraryChoice {
  std::string regime, algorithm;
  Seconds predicted;
  std::uint32_t plane = 0;
  Protocol protocol;  ///< what the regime costs on that plane, for this size
};

/// How long single calls take with a library, by `predict` (select.h); it takes the regime that is fastest, of those
/// for as many ranks and for messages so large; where there are none for such messages, of all. Where it is not known
/// how tokens choose experts, and bytes are what a rank sends, `once_per_rank` is `direct`. Each algorithm is folded
/// once for each placement. All arguments outlive it; the library's figures may change between calls.
class LibraryTimes {
 public:
  LibraryTimes(const CommunicationLibrary&, const Topology& merged, Router&, const CommunicationCosts&);
  /// The fastest first, of the regimes that go by each of `names`. Nothing where none of them does the operation on the
  /// farthest plane that the group takes.
  std::vector<LibraryChoice> rank(CollectiveKind, const Placement&, Bytes bytes,
                                  const std::optional<TokenRouting>& routing = {},
                                  const std::vector<std::string>& names = {});
  /// The names of those of `rank`, joined by commas, or "none".
  std::string regimes_that_do(CollectiveKind, const Placement&, Bytes bytes,
                              const std::optional<TokenRouting>& routing = {});
  /// Of the first of `rank`.
  std::optional<Seconds> time(CollectiveKind, const Placement&, Bytes bytes,
                              const std::optional<TokenRouting>& routing = {});

 private:
  struct Known {
    CollectiveKind kind;
    std::optional<TokenRouting> routing;
    Placement placement;
    std::map<std::string, FoldedFabric> fabrics;  ///< by the algorithm of a regime, of those that suit
  };
  const Known& known(CollectiveKind, const Placement&, const std::optional<TokenRouting>& routing);
  LibraryChoice choice(const Regime&, const FoldedFabric&, CollectiveKind, Bytes bytes,
                       const std::optional<TokenRouting>& routing) const;

  const CommunicationLibrary& library_;
  const Topology& topology_;
  Router& router_;
  const CommunicationCosts& costs_;
  std::vector<Known> known_;
};

}  // namespace podium
