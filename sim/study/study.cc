#include "sim/study/study.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "sim/network/network.h"
#include "sim/study/study_check.h"
#include "sim/study/training_plans.h"
#include "sim/topology/fault.h"
#include "sim/workload/plan_file.h"

namespace podium {
namespace {

/// The items of a list that says nothing where it is empty.
std::vector<Node> some(const Node& list) {
  std::vector<Node> items = list.items();
  if (items.empty()) {
    list.fail("the list is empty");
  }
  return items;
}

std::uint32_t positive(const Node& node) {
  const std::int64_t value = node.count();
  if (value < 1 || value > 1'000'000) {
    node.fail("'" + node.text() + "' is not a whole number from 1 to 1,000,000");
  }
  return static_cast<std::uint32_t>(value);
}

Seconds positive_time(const Node& node) {
  const Seconds value = node.quantity<Seconds>();
  if (value <= Seconds()) {
    node.fail("'" + node.text() + "' is no time: more than zero is expected");
  }
  return value;
}

std::string known_file(std::string_view folder, const Node& node) {
  std::string name = node.text();
  find_file(folder, name, node.where());
  return name;
}

/// Refuses a name that was there before.
void insist_on_new(std::vector<std::string>& seen, const std::string& name, const Node& node) {
  if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
    node.fail("'" + name + "' is there twice");
  }
  seen.push_back(name);
}

/// One value to try or a list of them, each once.
std::vector<std::uint32_t> values_to_try(const Node& node) {
  std::vector<std::uint32_t> values;
  for (const Node& item : some(node)) {
    values.push_back(positive(item));
    if (std::count(values.begin(), values.end(), values.back()) > 1) {
      item.fail("'" + item.text() + "' is there twice");
    }
  }
  return values;
}

/// Prompts that wait for their turn do not slow down what is decoded where both share their steps only.
void read_max_sequences(const Node& node, bool is_mixed, InstanceTemplate& result) {
  if (!is_mixed) {
    node.fail(
        "'max_sequences' is for mixed templates: where prefill and decode are apart, what waits for a place waits "
        "between its tokens");
  }
  result.max_sequences = values_to_try(node);
}

InstanceTemplate read_template(const Node& node, const InferencePlan& base, const PlanTarget& target, bool is_mixed) {
  InstanceTemplate result;
  result.plan = base;
  read_inference_plan(node, result.plan);
  result.plan.name = describe(result.plan, target.model);
  for (const std::uint32_t tokens : values_to_try(node.at("chunk_tokens"))) {
    result.chunk_tokens.push_back(tokens);
  }
  if (const auto child = node.find("max_sequences")) {
    read_max_sequences(*child, is_mixed, result);
  }
  check_instance(target, result.plan, node);
  return result;
}

/// The ranks of a domain that may be used.
std::uint32_t read_ranks_per_domain(const Node& node, const PlanTarget& target) {
  const std::uint32_t ranks = positive(node);
  const auto most = static_cast<std::uint32_t>(target.system.ranks_per_domain());
  if (ranks > most) {
    node.fail("a domain of " + target.system.name + " has " + std::to_string(most) + " ranks, not " + node.text());
  }
  return ranks;
}

ServingOptions read_serving_options(PlanTarget target, const Node& node, const InferencePlan& base) {
  ServingOptions result;
  InferencePlan common = base;
  if (const auto child = node.find("common")) {
    read_inference_plan(*child, common);
  }
  if (const auto child = node.find("ranks_per_domain")) {
    result.ranks_per_domain = target.ranks_per_domain = read_ranks_per_domain(*child, target);
  }
  const auto templates = [&](std::string_view key, std::vector<InstanceTemplate>& into) {
    if (const auto list = node.find(key)) {
      for (const Node& item : some(*list)) {
        into.push_back(read_template(item, common, target, key == "mixed"));
      }
    }
  };
  templates("prefill", result.prefill);
  templates("decode", result.decode);
  templates("mixed", result.mixed);
  if (result.prefill.empty() != result.decode.empty()) {
    node.fail("'prefill' and 'decode' go together: instances of one need those of the other");
  }
  if (result.mixed.empty() && result.prefill.empty()) {
    node.fail("templates are missing: 'prefill' and 'decode', or 'mixed'");
  }
  if (!result.prefill.empty()) {
    result.transfer_plane = node.at("transfer_plane").text();
    check_plane(target, node.at("transfer_plane"));
  } else if (const auto child = node.find("transfer_plane")) {
    child->fail("'transfer_plane' has no use without 'prefill' and 'decode': mixed instances keep their caches");
  }
  return result;
}

/// The path of a file that a study names: from the study's own folder.
std::string beside(const Node& node) {
  return (std::filesystem::path(node.where().file).parent_path() / node.text()).string();
}

/// Requests that a model of `context` tokens takes.
Arrivals recorded_arrivals(const std::string& trace, const Location& where, int context) {
  std::vector<Request> all = load_requests(trace, where, context);
  Arrivals result;
  result.trace = trace;
  result.in_trace = all.size();
  for (const Request& request : all) {
    result.trace_input += request.input / static_cast<double>(all.size());
    result.trace_output += request.output / static_cast<double>(all.size());
  }
  result.recorded = std::make_shared<const std::vector<Request>>(sample_stretches(std::move(all), most_recorded));
  return result;
}

Arrivals read_arrivals(const Node& node, int context) {
  if (const auto trace = node.find("trace")) {
    return recorded_arrivals(beside(*trace), trace->where(), context);
  }
  Arrivals result;
  result.input = positive(node.at("input"));
  result.output = positive(node.at("output"));
  return result;
}

void refuse_over(const Node& node, Seconds longest, const std::string& problem) {
  if (node.quantity<Seconds>() > longest) {
    node.fail("'" + node.text() + "' is " + problem + " expected");
  }
}

/// A run lasts several times as long as what it may take to serve a request.
Seconds latency_limit(const Node& node) {
  refuse_over(node, Seconds(86400), "no limit that a user could wait for: at most a day is");
  return positive_time(node);
}

/// Runs are simulated request by request.
void refuse_long_run(const Node& node) {
  refuse_over(node, Seconds(30 * 86400), "longer than a run can be: at most 30 days are");
}

PrefixReuse read_prefix_reuse(const Node& node) {
  if (node.text() != "off" && node.text() != "replica") {
    node.fail("'" + node.text() + "' is neither off nor replica: what prompts take over from the caches of replicas");
  }
  return node.text() == "off" ? PrefixReuse::off : PrefixReuse::replica;
}

Slo read_slo(const Node& node) {
  Slo result;
  result.quantile = node.at("quantile").number();
  if (result.quantile <= 0 || result.quantile >= 1) {
    node.at("quantile").fail("'" + node.at("quantile").text() + "' is not a quantile, which lies between 0 and 1");
  }
  result.ttft = latency_limit(node.at("ttft"));
  result.tpot = latency_limit(node.at("tpot"));
  return result;
}

/// `read_system` makes a regime's options for one system from what a plan is checked against and the options' node.
template <class Regime, class ReadSystem>
std::vector<Regime> read_regimes(const Study& study, const std::string& model, const Node& list,
                                 ReadSystem read_system) {
  std::vector<std::string> known;
  for (const StudySystem& system : study.systems) {
    known.push_back(system.name);
  }
  std::vector<Regime> regimes;
  std::vector<std::string> seen;
  for (const Node& item : some(list)) {
    Regime regime;
    regime.name = item.at("name").text();
    insist_on_new(seen, regime.name, item.at("name"));
    if (const auto note = item.find("note")) {
      regime.note = note->text();
    }
    for (const auto& [system, options] : item.at("systems").entries()) {
      if (std::find(known.begin(), known.end(), system) == known.end()) {
        options.fail(unknown_name("system in this study", system, known));
      }
      regime.systems.push_back(read_system(load_target(model, system, options.where()), options));
      regime.systems.back().system = system;
    }
    if (regime.systems.empty()) {
      item.at("systems").fail("no system is named");
    }
    regimes.push_back(std::move(regime));
  }
  return regimes;
}

ServingWorkload read_serving(const Study& study, const Node& node) {
  ServingWorkload result;
  result.name = node.at("name").text();
  result.model = known_file("workloads/models", node.at("model"));
  const int most = load_model(result.model).max_context;
  result.arrivals = read_arrivals(node.at("arrivals"), most);
  if (std::int64_t{result.arrivals.input} + result.arrivals.output > most) {
    node.at("arrivals")
        .fail(fmt::format("a request has {} tokens, but {} takes at most {}",
                          with_commas(result.arrivals.input + result.arrivals.output), result.model,
                          with_commas(most)));
  }
  if (const auto reuse = node.find("prefix_reuse")) {
    result.prefix_reuse = read_prefix_reuse(*reuse);
  }
  result.slo = read_slo(node.at("slo"));
  refuse_long_run(node.at("warm_up"));
  refuse_long_run(node.at("measured"));
  result.warm_up = node.at("warm_up").quantity<Seconds>();
  result.measured = positive_time(node.at("measured"));
  InferencePlan base;
  if (const auto common = node.find("common")) {
    read_inference_plan(*common, base);
  }
  result.regimes = read_regimes<ServingRegime>(
      study, result.model, node.at("regimes"),
      [&](PlanTarget target, const Node& options) { return read_serving_options(std::move(target), options, base); });
  return result;
}

TrainingOptions read_training_options(const PlanTarget& target, const Node& node, const TrainingPlan& base) {
  TrainingOptions result;
  result.base = base;
  read_training_settings(node, result.base);
  if (const auto child = node.find("matrix")) {
    result.matrix.clear();
    for (const Node& item : child->is_sequence() ? some(*child) : std::vector{*child}) {
      result.matrix.push_back(parse_data_type(item.text(), item.where()));
    }
  }
  for (const auto& [key, list] : degree_lists(result)) {
    if (const auto child = node.find(key)) {
      list->clear();
      for (const Node& item : some(*child)) {
        list->push_back(positive(item));
      }
    }
  }
  for (const Node& item : some(node.at("recompute"))) {
    result.recompute.push_back(parse_recompute(item));
  }
  if (const auto child = node.find("ranks_per_domain")) {
    result.ranks_per_domain.clear();
    for (const Node& item : some(*child)) {
      result.ranks_per_domain.push_back(read_ranks_per_domain(item, target));
    }
  }
  check_degrees(target, result, node);
  return result;
}

/// Tokens of a sequence that a model takes.
double read_sequence(const Node& node, const std::string& model) {
  const std::uint32_t tokens = positive(node);
  const int most = load_model(model).max_context;
  if (tokens > static_cast<std::uint32_t>(most)) {
    node.fail(fmt::format("a sequence has {} tokens, but {} takes at most {}", with_commas(tokens), model,
                          with_commas(most)));
  }
  return tokens;
}

TrainingWorkload read_training(const Study& study, const Node& node) {
  TrainingWorkload result;
  result.name = node.at("name").text();
  result.model = known_file("workloads/models", node.at("model"));
  result.global_batch = positive(node.at("global_batch"));
  result.sequence = read_sequence(node.at("sequence"), result.model);
  TrainingPlan base;
  base.global_batch = result.global_batch;
  base.sequence = result.sequence;
  result.regimes = read_regimes<TrainingRegime>(
      study, result.model, node.at("regimes"),
      [&](const PlanTarget& target, const Node& options) { return read_training_options(target, options, base); });
  return result;
}

Workload read_workload(const Study& study, const Node& node) {
  if (node.at("kind").one_of({"serving", "training"}) == "serving") {
    return read_serving(study, node);
  }
  return read_training(study, node);
}

StudySystem read_system_entry(const Node& node) {
  StudySystem result{known_file("configs/systems", node.at("name")), positive(node.at("domains")), {}, {}};
  const SystemSpec spec = load_system(result.name, {}, node.at("name").where());
  check_machine(spec, node.at("name").where());
  if (result.domains > static_cast<std::uint32_t>(spec.max_domains)) {
    node.at("domains").fail(result.name + " has at most " + std::to_string(spec.max_domains) + " domains, not " +
                            node.at("domains").text());
  }
  if (const auto faults = node.find("faults")) {
    const Topology network = load_topology(spec.topology, result.domains);
    LinkFinder links(network);
    for (const Node& fault : some(*faults)) {
      const Fault read = parse_fault(fault.text(), fault.where());
      if (read.at > Seconds()) {
        fault.fail("a study's faults are there from the start; podium collective takes later ones");
      }
      links.find(read.part, fault.where());
      result.faults.push_back(fault.text());
    }
  }
  if (const auto chips = node.find("slow")) {
    Allocation whole{.ranks = static_cast<std::uint32_t>(spec.ranks_per_domain()) * result.domains};
    for (const Node& slow : some(*chips)) {
      const std::vector<SlowChip> read = parse_slow_chips(slow.text(), slow.where());
      whole.slow.insert(whole.slow.end(), read.begin(), read.end());
      result.slow.push_back(slow.text());
    }
    check_slow_chips(whole);
  }
  return result;
}

/// Whether some regime has plans of all these systems.
bool has_plans(const Study& study, const std::vector<std::string>& names) {
  const auto has = [&](const auto& regime) {
    return std::ranges::all_of(names, [&](const std::string& name) {
      return std::ranges::any_of(regime.systems, [&](const auto& options) { return options.system == name; });
    });
  };
  return std::ranges::any_of(study.workloads, [&](const Workload& workload) {
    return std::visit([&](const auto& one) { return std::ranges::any_of(one.regimes, has); }, workload);
  });
}

CrossoverQuestion read_crossover(const Study& study, const Node& node) {
  CrossoverQuestion result{node.at("challenger").text(), node.at("reference").text()};
  std::vector<std::string> names;
  for (const StudySystem& system : study.systems) {
    names.push_back(system.name);
  }
  for (const char* key : {"challenger", "reference"}) {
    if (std::find(names.begin(), names.end(), node.at(key).text()) == names.end()) {
      node.at(key).fail(unknown_name("system in this study", node.at(key).text(), names));
    }
  }
  if (result.challenger == result.reference) {
    node.fail("'" + result.reference + "' is asked to reach itself");
  }
  if (!has_plans(study, {result.challenger, result.reference})) {
    node.fail("no regime of a workload has plans for both '" + result.challenger + "' and '" + result.reference + "'");
  }
  return result;
}

/// A study's name is that of a folder, too.
std::string read_name(const Node& node) {
  std::string name = node.text();
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
           c == '.';
  };
  if (name.empty() || name.front() == '.' || !std::all_of(name.begin(), name.end(), plain)) {
    node.fail("'" + name + "' names the folder of results: letters, digits, '-', '_' and '.' are expected");
  }
  return name;
}

void apply_choices(Study& study) {
  if (!study.choices.network.empty()) {
    study.network = study.choices.network;
    check_search_network(study.network, {"--network"});
  }
  if (study.choices.requests.empty()) {
    return;
  }
  bool serves = false;
  for (Workload& workload : study.workloads) {
    if (auto* serving = std::get_if<ServingWorkload>(&workload)) {
      serving->arrivals = recorded_arrivals(study.choices.requests, {}, load_model(serving->model).max_context);
      serves = true;
    }
  }
  if (!serves) {
    throw InputError("--requests: the study '" + study.name + "' has no serving workload");
  }
}

/// `study` has its file and choices; all else is read.
void read_study(const Document& document, Study& study) {
  const Node root = document.root();
  study.name = read_name(root.at("name"));
  study.title = root.at("title").text();
  study.question = root.at("question").text();
  study.network = root.at("network").text();
  check_search_network(study.network, root.at("network").where());
  if (const auto library = root.find("library")) {
    study.use_library = library->flag();
  }
  root.find("sources");  // welcome also where no figure names one
  study.seed = static_cast<std::uint64_t>(root.at("seed").count());
  std::vector<std::string> systems, workloads;
  for (const Node& item : some(root.at("systems"))) {
    study.systems.push_back(read_system_entry(item));
    insist_on_new(systems, study.systems.back().name, item.at("name"));
  }
  for (const Node& item : some(root.at("workloads"))) {
    study.workloads.push_back(read_workload(study, item));
    insist_on_new(workloads, name_of(study.workloads.back()), item.at("name"));
  }
  for (const Node& item : root.at("systems").items()) {
    if (const std::string name = item.at("name").text(); !has_plans(study, {name})) {
      item.at("name").fail("no regime of a workload has plans for '" + name +
                           "': list some there, or leave it out here");
    }
  }
  if (const auto list = root.find("crossovers")) {
    std::vector<std::string> seen;
    for (const Node& item : list->items()) {
      study.crossovers.push_back(read_crossover(study, item));
      const CrossoverQuestion& question = study.crossovers.back();
      insist_on_new(seen, question.challenger + " against " + question.reference, item);
    }
  }
  if (const auto list = root.find("chips")) {
    std::vector<std::string> seen;
    for (const Node& item : some(*list)) {
      study.chips.push_back(positive(item));
      insist_on_new(seen, std::to_string(study.chips.back()), item);
    }
  }
  if (const auto list = root.find("assumptions")) {
    for (const Node& item : list->items()) {
      study.assumptions.push_back(item.text());
    }
  }
  document.close();
  study.figures = document.figures();
  apply_choices(study);
}

}  // namespace

void check_search_network(const std::string& name, const Location& where) {
  if (Networks::find(name, where).needs_wires()) {
    throw InputError(where, "'" + name +
                                "' needs every link by itself, which no search can afford: search with flow or "
                                "analytic, and execute what it keeps by 'podium simulate STUDY --network " +
                                name + "'");
  }
}

Study load_study(const std::string& path, const StudyChoices& choices) {
  Study study;
  study.file = find_file("configs/studies", path);
  study.choices = choices;
  study.document = std::make_shared<const Document>(Document::load(study.file));
  read_study(*study.document, study);
  return study;
}

Study changed(const Study& study, const FigureChanges& changes) {
  Study result = study;
  for (const auto& [file, figures] : changes) {
    for (const auto& [path, text] : figures) {
      result.changes[file][path] = text;
    }
  }
  const std::map<std::string, std::string>& own = changes_to(result, "studies/" + study.name);
  if (!own.empty()) {
    Study again;
    again.file = study.file;
    again.choices = study.choices;
    read_study(study.document->with(own), again);
    result.workloads = std::move(again.workloads);
  }
  return result;
}

}  // namespace podium
