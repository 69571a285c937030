#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sim/config/config.h"
#include "sim/serving/deployment.h"
#include "sim/serving/request.h"
#include "sim/system/machine.h"
#include "sim/workload/training.h"

namespace podium {

/// Service-level objective: the quantile of requests that must see at most these times.
struct Slo {
  double quantile = 0.95;
  Seconds ttft, tpot;
};

/// Requests of equal lengths that arrive at random, or a recorded stream.
struct Arrivals {
  std::uint32_t input = 0, output = 0;
  std::string trace;  ///< a file; empty: Poisson. A study names it from its own folder
  std::shared_ptr<const std::vector<Request>> recorded;  ///< what is in it, or stretches that stand for it
  std::size_t in_trace = 0;                              ///< requests, all of them
  double trace_input = 0, trace_output = 0;              ///< their mean tokens
  std::set<std::string> notes;                           ///< of who read it
};

/// Of a recorded stream so many requests are served, in every run the same.
constexpr std::size_t most_recorded = 20'000;

/// Whether prompts take over what a replica's cache has of the same beginning: needs a trace that names the blocks of
/// prompts. `off` computes every prompt whole, as if none began like another.
enum class PrefixReuse : std::uint8_t { off, replica };

/// Sequences that a replica decodes at once where a study does not say.
constexpr std::uint32_t most_sequences = 1024;

/// A plan for one instance and how its batcher feeds it.
struct InstanceTemplate {
  InferencePlan plan;
  std::vector<double> chunk_tokens;  ///< prompt tokens a replica takes into one iteration: the values to try
  /// Sequences that a replica decodes at once at most, whatever its memory holds: the values to try.
  std::vector<std::uint32_t> max_sequences = {most_sequences};

  friend bool operator==(const InstanceTemplate&, const InstanceTemplate&) = default;
};

/// What one system may do in one regime: templates to choose from. A deployment is prefill and decode instances, or
/// mixed ones that do both.
struct ServingOptions {
  std::string system;
  std::vector<InstanceTemplate> prefill, decode, mixed;
  std::uint32_t ranks_per_domain = 0;  ///< 0: all
  std::string transfer_plane;          ///< over which the cache gets from prefill to decode

  friend bool operator==(const ServingOptions&, const ServingOptions&) = default;
};

struct ServingRegime {
  std::string name, note;
  std::vector<ServingOptions> systems;
};

struct ServingWorkload {
  std::string name, model;
  Arrivals arrivals;
  PrefixReuse prefix_reuse = PrefixReuse::off;
  Slo slo;
  Seconds warm_up, measured;  ///< of each run, in simulated time
  std::vector<ServingRegime> regimes;
};

/// Plans of a system for one training step: the combinations of the lists; dp is the largest that the ranks hold and
/// the batch divides by.
struct TrainingOptions {
  std::string system;
  TrainingPlan base;
  std::vector<std::int64_t> tp{1}, cp{1}, pp{1}, ep{1}, virtual_stages{1}, micro_batch{1};
  std::vector<DataType> matrix{DataType::bf16};  ///< of linear layers
  std::vector<Recompute> recompute;
  std::vector<std::uint32_t> ranks_per_domain{0};  ///< 0: all

  friend bool operator==(const TrainingOptions&, const TrainingOptions&) = default;
};

struct TrainingRegime {
  std::string name, note;
  std::vector<TrainingOptions> systems;
};

struct TrainingWorkload {
  std::string name, model;
  double global_batch = 0, sequence = 0;
  std::vector<TrainingRegime> regimes;
};

using Workload = std::variant<ServingWorkload, TrainingWorkload>;

struct StudySystem {
  std::string name;
  std::uint32_t domains = 1;
  std::vector<std::string> faults;  ///< of the network, all the time, as `parse_fault` reads them
  std::vector<std::string> slow;    ///< chips, as `parse_slow_chips` reads them
};

/// Ask for the fewest chips of `challenger` that do as much as the whole reference machine.
struct CrossoverQuestion {
  std::string challenger, reference;
};

/// What takes the place of a study's own; empty: nothing does.
struct StudyChoices {
  std::string network;   ///< model
  std::string requests;  ///< a request trace, of all serving workloads
};

/// Figures that take the place of those in files: by the file's name in reports ("chips/gb200") and by path.
using FigureChanges = std::map<std::string, std::map<std::string, std::string>>;

/// One case of a study by its places in it: a workload, a regime of it, a system's options in that.
struct CaseId {
  std::size_t workload = 0, regime = 0, options = 0;
};

/// A study file, read: what to run, not how it ended. Immutable.
struct Study {
  std::string file;
  std::shared_ptr<const Document> document;  ///< that it was read from
  StudyChoices choices;
  FigureChanges changes;
  std::string name, title, question, network;
  bool use_library = false;  ///< collectives as libraries were measured to do them (SimulatorOptions)
  std::uint64_t seed = 1;
  std::vector<StudySystem> systems;
  std::vector<Workload> workloads;
  std::vector<CrossoverQuestion> crossovers;
  std::vector<std::uint32_t> chips;  ///< of a sweep: the counts; empty in a comparison
  std::vector<std::string> assumptions;
  std::vector<Figure> figures;
};

/// Reads a study: a file, or a name in configs/studies. What can be known before anything runs is an InputError at its
/// place: names, plans that cannot be on their model and chip, traces that cannot be read.
Study load_study(const std::string& path, const StudyChoices& choices = {});

/// The same study where more figures differ, in its own file ("studies/NAME") or in those that it names.
Study changed(const Study&, const FigureChanges&);

/// A network that plans can be searched with: one that is there, and that runs on folded links. InputError otherwise.
void check_search_network(const std::string& name, const Location& where);

const std::string& name_of(const Workload&);

/// All cases, in the study's order.
std::vector<CaseId> cases_of(const Study&);
const std::string& system_of(const Study&, const CaseId&);
/// By index in `cases_of`, the first case of which each one differs in nothing but the regime's name: regimes may have
/// a system's options in common, and what comes of them is the same.
std::vector<std::size_t> first_alike(const Study&);

/// The changes to one file; none where there are none.
const std::map<std::string, std::string>& changes_to(const Study&, const std::string& file);
// what a study names, with its changes
SystemSpec load_system(const Study&, const std::string& name);
ChipSpec load_chip(const Study&, const std::string& name);
Machine make_machine(const Study&, const SystemSpec&, const ChipSpec&, const Allocation&);

}  // namespace podium
