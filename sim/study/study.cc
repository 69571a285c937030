#include "sim/study/study.h"

#include <algorithm>

#include "sim/hardware/system.h"
#include "sim/network/network.h"
#include "sim/topology/topology.h"
#include "sim/workload/plan_file.h"

namespace podium {
namespace {

std::uint32_t positive(const Node& node) {
  const std::int64_t value = node.count();
  if (value < 1 || value > 100'000'000) {
    node.fail("a whole number from 1 is expected, not '" + node.text() + "'");
  }
  return static_cast<std::uint32_t>(value);
}

std::string known_file(std::string_view folder, const Node& node) {
  std::string name = node.text();
  find_file(folder, name, node.where());
  return name;
}

/// The name of a plane of the system's network.
std::string known_plane(const std::string& system, const Node& node) {
  const std::string name = node.text();
  std::vector<std::string> names;
  for (const Plane& plane : load_topology(load_system(system, {}, node.where()).topology).planes) {
    names.push_back(plane.name);
  }
  if (std::find(names.begin(), names.end(), name) == names.end()) {
    node.fail(unknown_name("plane of " + system, name, names));
  }
  return name;
}

StudySystem read_system(const Node& node) {
  const std::string name = known_file("configs/systems", node.at("name"));
  const std::uint32_t domains = positive(node.at("domains"));
  const int most = load_system(name).max_domains;
  if (domains > static_cast<std::uint32_t>(most)) {
    node.at("domains").fail(name + " has at most " + std::to_string(most) + " domains, not " +
                            node.at("domains").text());
  }
  return {name, domains};
}

InstanceTemplate read_template(const Node& node, const InferencePlan& base) {
  InstanceTemplate result;
  result.plan = base;
  read_inference_plan(node, result.plan);
  result.plan.name = describe(result.plan);
  for (const Node& item : node.at("chunk_tokens").items()) {
    result.chunk_tokens.push_back(positive(item));
  }
  return result;
}

ServingOptions read_serving_options(const std::string& system, const Node& node, const InferencePlan& base) {
  ServingOptions result;
  result.system = system;
  InferencePlan common = base;
  if (const auto child = node.find("common")) {
    read_inference_plan(*child, common);
  }
  if (const auto child = node.find("ranks_per_domain")) {
    result.ranks_per_domain = positive(*child);
  }
  const auto templates = [&](std::string_view key, std::vector<InstanceTemplate>& into) {
    if (const auto list = node.find(key)) {
      for (const Node& item : list->items()) {
        into.push_back(read_template(item, common));
      }
    }
  };
  templates("prefill", result.prefill);
  templates("decode", result.decode);
  templates("mixed", result.mixed);
  if (result.mixed.empty() && (result.prefill.empty() || result.decode.empty())) {
    node.fail("templates are missing: 'prefill' and 'decode', or 'mixed'");
  }
  if (!result.prefill.empty()) {
    result.transfer_plane = known_plane(system, node.at("transfer_plane"));
  }
  return result;
}

Arrivals read_arrivals(const Node& node) {
  Arrivals result;
  if (const auto trace = node.find("trace")) {
    result.trace = trace->text();
    return result;
  }
  result.input = positive(node.at("input"));
  result.output = positive(node.at("output"));
  return result;
}

Slo read_slo(const Node& node) {
  Slo result;
  result.quantile = node.at("quantile").number();
  if (result.quantile <= 0 || result.quantile >= 1) {
    node.at("quantile").fail("a quantile lies between 0 and 1");
  }
  result.ttft = node.at("ttft").quantity<Seconds>();
  result.tpot = node.at("tpot").quantity<Seconds>();
  return result;
}

template <class Regime, class ReadSystem>
std::vector<Regime> read_regimes(const Node& node, ReadSystem read_system) {
  std::vector<Regime> regimes;
  for (const Node& item : node.items()) {
    Regime regime;
    regime.name = item.at("name").text();
    if (const auto note = item.find("note")) {
      regime.note = note->text();
    }
    for (const auto& [system, options] : item.at("systems").entries()) {
      find_file("configs/systems", system, options.where());
      regime.systems.push_back(read_system(system, options));
    }
    regimes.push_back(std::move(regime));
  }
  return regimes;
}

ServingWorkload read_serving(const Node& node) {
  ServingWorkload result;
  result.name = node.at("name").text();
  result.model = known_file("workloads/models", node.at("model"));
  result.arrivals = read_arrivals(node.at("arrivals"));
  result.slo = read_slo(node.at("slo"));
  result.warm_up = node.at("warm_up").quantity<Seconds>();
  result.measured = node.at("measured").quantity<Seconds>();
  InferencePlan base;
  if (const auto common = node.find("common")) {
    read_inference_plan(*common, base);
  }
  result.regimes = read_regimes<ServingRegime>(node.at("regimes"), [&](const std::string& system, const Node& options) {
    return read_serving_options(system, options, base);
  });
  return result;
}

TrainingOptions read_training_options(const std::string& system, const Node& node, const TrainingPlan& base) {
  TrainingOptions result;
  result.system = system;
  result.base = base;
  read_training_settings(node, result.base);
  const auto list = [&](std::string_view key, std::vector<std::int64_t>& into) {
    const auto child = node.find(key);
    if (!child) {
      into = {1};
      return;
    }
    for (const Node& item : child->items()) {
      into.push_back(positive(item));
    }
  };
  list("tp", result.tp);
  list("cp", result.cp);
  list("pp", result.pp);
  list("ep", result.ep);
  list("virtual_stages", result.virtual_stages);
  list("micro_batch", result.micro_batch);
  for (const Node& item : node.at("recompute").items()) {
    result.recompute.push_back(parse_recompute(item));
  }
  if (const auto child = node.find("ranks_per_domain")) {
    for (const Node& item : child->items()) {
      result.ranks_per_domain.push_back(positive(item));
    }
  } else {
    result.ranks_per_domain = {0};
  }
  return result;
}

TrainingWorkload read_training(const Node& node) {
  TrainingWorkload result;
  result.name = node.at("name").text();
  result.model = known_file("workloads/models", node.at("model"));
  result.global_batch = positive(node.at("global_batch"));
  result.sequence = positive(node.at("sequence"));
  TrainingPlan base;
  base.global_batch = result.global_batch;
  base.sequence = result.sequence;
  result.regimes = read_regimes<TrainingRegime>(
      node.at("regimes"),
      [&](const std::string& system, const Node& options) { return read_training_options(system, options, base); });
  return result;
}

Workload read_workload(const Node& node) {
  if (node.at("kind").one_of({"serving", "training"}) == "serving") {
    return read_serving(node);
  }
  return read_training(node);
}

/// Every system of a regime, and of a question, is one of the study's.
void check_systems(const Study& study, const Node& root) {
  std::vector<std::string> names;
  for (const StudySystem& system : study.systems) {
    names.push_back(system.name);
  }
  const auto check = [&](const std::string& name) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      root.at("systems").fail(unknown_name("system in this study", name, names));
    }
  };
  for (const Workload& workload : study.workloads) {
    std::visit(
        [&](const auto& w) {
          for (const auto& regime : w.regimes) {
            for (const auto& options : regime.systems) {
              check(options.system);
            }
          }
        },
        workload);
  }
  for (const CrossoverQuestion& question : study.crossovers) {
    check(question.challenger);
    check(question.reference);
  }
}

}  // namespace

Study load_study(const std::string& path) {
  const Document document = Document::load(find_file("configs/studies", path));
  const Node root = document.root();
  Study study;
  study.name = root.at("name").text();
  study.title = root.at("title").text();
  study.question = root.at("question").text();
  study.network = root.at("network").text();
  Networks::find(study.network, root.at("network").where());
  study.seed = static_cast<std::uint64_t>(root.at("seed").count());
  for (const Node& item : root.at("systems").items()) {
    study.systems.push_back(read_system(item));
  }
  for (const Node& item : root.at("workloads").items()) {
    study.workloads.push_back(read_workload(item));
  }
  if (const auto list = root.find("crossovers")) {
    for (const Node& item : list->items()) {
      study.crossovers.push_back({item.at("challenger").text(), item.at("reference").text()});
    }
  }
  if (const auto list = root.find("chips")) {
    for (const Node& item : list->items()) {
      study.chips.push_back(positive(item));
    }
  }
  if (const auto list = root.find("assumptions")) {
    for (const Node& item : list->items()) {
      study.assumptions.push_back(item.text());
    }
  }
  check_systems(study, root);
  document.close();
  study.figures = document.figures();
  return study;
}

}  // namespace podium
