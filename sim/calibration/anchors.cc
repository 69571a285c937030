#include "sim/calibration/anchors.h"

#include "sim/workload/plan_file.h"

namespace podium {
namespace {

double positive(const Node& node) {
  const double value = node.number();
  if (value <= 0) {
    node.fail("a number above zero is expected, not '" + node.text() + "'");
  }
  return value;
}

StepPoint read_step(const Node& node) {
  StepPoint point;
  read_inference_plan(node.at("plan"), point.plan);
  const auto read = [&](std::string_view key, double& field) {
    if (const auto child = node.find(key)) {
      field = positive(*child);
    }
  };
  read("decode_sequences", point.shape.decode_sequences);
  read("decode_context", point.shape.decode_context);
  read("prefill_sequences", point.shape.prefill_sequences);
  read("prefill_tokens", point.shape.prefill_tokens);
  read("prefill_context", point.shape.prefill_context);
  const StepShape& shape = point.shape;
  if ((shape.decode_sequences > 0) != (shape.decode_context > 0)) {
    node.fail("'decode_sequences' and 'decode_context' go together");
  }
  if ((shape.prefill_sequences > 0) != (shape.prefill_tokens > 0)) {
    node.fail("'prefill_sequences' and 'prefill_tokens' go together");
  }
  if (shape.decode_sequences == 0 && shape.prefill_sequences == 0) {
    node.fail("an iteration needs 'decode_sequences' or 'prefill_sequences'");
  }
  return point;
}

/// Tokens a second and chip suit every point; times suit iterations, and times a token those that decode.
std::string read_unit(const Node& node, const Anchor& anchor) {
  std::string unit = node.one_of({"tokens/s/chip", "ms/iteration", "ms/token"});
  const auto* step = std::get_if<StepPoint>(&anchor.point);
  if (step == nullptr && unit != "tokens/s/chip") {
    node.fail("a training step is published in tokens/s/chip, not in " + unit);
  }
  if (unit == "ms/token" && step->shape.decode_sequences == 0) {
    node.fail("ms/token is of a sequence that decodes, and this iteration has none");
  }
  return unit;
}

/// Refuses what could not run.
void check_point(const Anchor& anchor) {
  const ModelSpec model = load_model(anchor.model, anchor.where);
  const SystemSpec system = load_system(anchor.system, {}, anchor.where);
  const ChipSpec chip = load_chip(system.chip, {}, system.chip_where);
  if (const auto* training = std::get_if<TrainingPlan>(&anchor.point)) {
    check_plan(model, chip, *training, anchor.where);
  } else {
    check_plan(model, chip, std::get<StepPoint>(anchor.point).plan, anchor.where);
  }
}

Anchor read_anchor(const Node& node) {
  Anchor anchor;
  anchor.name = node.at("name").text();
  anchor.where = node.where();
  anchor.system = node.at("system").text();
  find_file("configs/systems", anchor.system, node.at("system").where());
  anchor.model = node.at("model").text();
  find_file("workloads/models", anchor.model, node.at("model").where());
  if (const auto training = node.find("training")) {
    TrainingPlan plan;
    plan.name = anchor.name;
    read_training_settings(*training, plan);
    read_training_degrees(*training, plan);
    anchor.point = plan;
  } else {
    anchor.point = read_step(node);
    std::get<StepPoint>(anchor.point).plan.name = anchor.name;
  }
  if (const auto child = node.find("ranks_per_domain")) {
    anchor.ranks_per_domain = static_cast<std::uint32_t>(positive(*child));
  }
  anchor.unit = read_unit(node.at("unit"), anchor);
  anchor.published = node.at("published").figure_number();
  if (anchor.published == 0) {
    node.at("published").fail("nothing is predicted against zero");
  }
  check_point(anchor);
  return anchor;
}

/// Tokens that a step brings to the whole instance.
double tokens(const StepPoint& point) {
  const StepShape& s = point.shape;
  return point.plan.dp *
         (s.decode_sequences * point.plan.tokens_per_iteration() + s.prefill_sequences * s.prefill_tokens);
}

double predict(const Anchor& anchor, const SystemSpec& system, Seconds time) {
  const auto per_chip = [&](double work, std::uint32_t ranks) {
    return work / time.value() * system.ranks_per_package / ranks;
  };
  if (const auto* training = std::get_if<TrainingPlan>(&anchor.point)) {
    return per_chip(training->global_batch * training->sequence, training->ranks());
  }
  const auto& step = std::get<StepPoint>(anchor.point);
  if (anchor.unit == "ms/iteration") {
    return time.value() * 1e3;
  }
  if (anchor.unit == "ms/token") {
    return time.value() * 1e3 / step.plan.tokens_per_iteration();
  }
  return per_chip(tokens(step), step.plan.ranks());
}

}  // namespace

std::vector<Anchor> load_anchors(const std::string& path) {
  const Document document = Document::load(find_file("configs/calibration", path));
  std::vector<Anchor> anchors;
  for (const Node& item : document.root().at("anchors").items()) {
    anchors.push_back(read_anchor(item));
  }
  document.close();
  if (anchors.empty()) {
    document.root().at("anchors").fail("the list is empty");
  }
  const std::vector<Figure> figures = document.figures();
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    const std::string path_of = "anchors." + std::to_string(i) + ".published";
    for (const Figure& figure : figures) {
      if (figure.path == path_of) {
        anchors[i].source = figure.source;
      }
    }
  }
  return anchors;
}

AnchorResult evaluate(const Anchor& anchor) {
  const ModelSpec model = load_model(anchor.model);
  const auto run = [&](std::uint32_t ranks, auto&& make_graph) {
    const Machine machine = load_machine(anchor.system, {ranks, anchor.ranks_per_domain}, anchor.where);
    AnchorResult result{anchor, 0, Simulator(machine).run(make_graph(machine.chip()))};
    result.predicted = predict(anchor, machine.system(), result.execution.time);
    return result;
  };
  if (const auto* training = std::get_if<TrainingPlan>(&anchor.point)) {
    return run(training->ranks(), [&](const ChipSpec& chip) {
      check_plan(model, chip, *training, anchor.where);
      return training_step(model, chip, *training);
    });
  }
  const auto& step = std::get<StepPoint>(anchor.point);
  return run(step.plan.ranks(), [&](const ChipSpec& chip) {
    check_plan(model, chip, step.plan, anchor.where);
    return inference_step(model, chip, step.plan, step.shape);
  });
}

}  // namespace podium
