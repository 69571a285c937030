#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "sim/cli/fold_option.h"
#include "sim/collective/faulty_run.h"
#include "sim/collective/library.h"
#include "sim/collective/uneven.h"
#include "sim/system/simulator.h"

namespace podium {

/// What `podium collective` is asked to play, as written.
struct CollectiveOptions {
  std::string system, algorithm = "auto", network = "flow", library = "on";
  FoldChoice fold;
  std::vector<std::string> faults;
  std::string recovery = "0 s";
  std::string regime;  ///< of the library, by which all is done; empty: the fastest
  std::string sizes;   ///< a file of uneven sizes, rank by rank; empty: all parts are alike
  std::optional<TokenRouting> routing;
  bool check = false;
};

/// One size of a collective.
struct TimedCollective {
  Bytes bytes;
  Seconds time;
  std::string algorithm;
  std::string regime;                 ///< of the library; empty where it is a schedule with the system's own figures
  std::vector<Candidate> candidates;  ///< the fastest first; empty where the algorithm was named
  FoldingUse folding;                 ///< nothing where links change in the course of a run
};

/// Whether an algorithm is a file of MSCCL's XML, compressed or not, and no name.
bool is_algorithm_file(const std::string& algorithm);
/// B, or B:E, or B:E:F: from B to E, times F (2 where it is not given) at each step; `parse` reads B and E.
std::vector<double> parse_steps(const std::string& text, const Location& where,
                                const std::function<double(const std::string&, const Location&)>& parse);
/// The same of bytes.
std::vector<Bytes> parse_sizes(const std::string& text, const Location& where = {"--bytes"});
/// "8" is the first 8 ranks; "0,1,4..7" those that it names, in this order. InputError: fewer than two, one twice.
std::vector<std::uint32_t> parse_ranks(const std::string& text);

/// Chooses and plays calls among some ranks of a machine, size by size. Each algorithm is folded once, and not where
/// links change in the course of a run. The machine outlives it.
class CollectiveRun {
 public:
  /// InputError where a rank is not on the machine, or uneven sizes are not those of an all-to-all among so many.
  CollectiveRun(const Machine&, CollectiveKind, const std::vector<std::uint32_t>& ranks, const CollectiveOptions&);

  /// Uneven sizes: what the busiest rank exchanges with others; nothing where all parts are alike.
  std::optional<Bytes> size() const;
  /// nccl-tests' bus bandwidth over the algorithm bandwidth; of uneven sizes 1, as these are what a port carries.
  double bus_factor() const;
  /// RunErrors: with `check`, a schedule that does not do what the operation promises; where folding is checked, a time
  /// that differs by a picosecond from that of every message by itself.
  TimedCollective play(Bytes);
  /// The library that is looked at; nothing where it is off, an algorithm is named, or none was measured.
  const std::optional<CommunicationLibrary>& library() const { return library_; }
  /// What was played for it, and what it puts on each link of the network: how long it is busy.
  const Schedule& schedule(const TimedCollective&) const;
  Table<LinkId, Seconds> busy_times(const TimedCollective&) const;
  /// What this network does not do in switches, and of files what is not looked at.
  const std::set<std::string>& notes() const { return notes_; }

 private:
  struct Known {
    Operation operation;
    std::optional<FoldedFabric> fabric;    ///< where nothing fails
    std::optional<FoldedFabric> unfolded;  ///< to check it against
  };
  const Known& known(const std::string& algorithm, Bytes);
  std::vector<LibraryChoice> library_choices(Bytes);
  void take_library(const CollectiveOptions&);
  CommunicationCosts costs_of(const TimedCollective&) const;
  void check_folding(const TimedCollective&, Seconds unfolded) const;

  const Machine& machine_;
  CollectiveKind kind_;
  CollectiveOptions options_;
  Placement placement_;
  CommunicationCosts costs_;
  std::set<std::string> notes_;
  Router router_;
  Selector selector_;
  Faults faults_;
  SizeMatrix sizes_;  ///< none: all parts are alike
  std::optional<CommunicationLibrary> library_;
  std::optional<LibraryTimes> times_;
  std::map<std::string, Known> known_;
  std::map<std::string, LibraryChoice> regimes_;  ///< the last choice of each
};

}  // namespace podium
