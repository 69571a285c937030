// podium list: what there is, by kind.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <iostream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "sim/cli/command.h"
#include "sim/collective/schedule.h"
#include "sim/compute/compute_model.h"
#include "sim/core/csv_cells.h"
#include "sim/network/network.h"
#include "sim/report/json_text.h"
#include "sim/serving/request.h"
#include "sim/topology/fabric.h"
#include "sim/workload/model.h"
#include "sim/workload/trace.h"

namespace podium {
namespace {

using Json = nlohmann::ordered_json;

struct Source {
  std::string grade;
  std::string text;
};

struct Item {
  std::string name;
  std::string description;
  std::vector<Source> sources;
};

/// The YAML files of a folder, with their `description:` and `sources:`.
std::vector<Item> files_of(const char* folder) {
  std::vector<Item> items;
  for (const std::string& name : list_files(folder)) {
    const Node root = Document::load(find_file(folder, name)).root();
    Item item{name, "", {}};
    if (const auto description = root.find("description")) {
      item.description = description->text();
    }
    if (const auto sources = root.find("sources")) {
      for (const auto& [key, source] : sources->entries()) {
        item.sources.push_back({source.at("grade").text(), source.at("text").text()});
      }
    }
    items.push_back(std::move(item));
  }
  return items;
}

template <class Things>
std::vector<Item> registered() {
  std::vector<Item> items;
  for (const std::string& name : Things::names()) {
    items.push_back({name, Things::description(name), {}});
  }
  return items;
}

/// Kinds of layers, in order of their first.
std::string layers_of(const ModelSpec& model) {
  std::vector<std::pair<Layer, std::size_t>> kinds;
  for (const Layer& layer : model.layers) {
    const auto known = std::find_if(kinds.begin(), kinds.end(), [&](const auto& kind) { return kind.first == layer; });
    if (known == kinds.end()) {
      kinds.emplace_back(layer, 1);
    } else {
      ++known->second;
    }
  }
  std::string text;
  for (const auto& [layer, count] : kinds) {
    text += fmt::format("{}{} with {}", text.empty() ? "" : ", ", count,
                        layer.moe ? fmt::format("{} of {} experts of {} and {} shared", layer.moe->top_k,
                                                layer.moe->experts, layer.moe->ffn, layer.moe->shared_experts)
                                  : fmt::format("a dense FFN of {}", layer.dense_ffn));
    text += layer.window > 0 ? fmt::format(" ({} {})", layer.chunked ? "chunks of" : "window", layer.window) : "";
  }
  return text;
}

std::string attention_of(const ModelSpec& model) {
  if (model.mla) {
    return fmt::format("latent, {} heads, query rank {}, latent {} + rope {}", model.mla->heads, model.mla->query_rank,
                       model.mla->latent, model.mla->rope);
  }
  return fmt::format("{} heads of {}, {} kv heads", model.gqa->heads, model.gqa->head_dim, model.gqa->kv_heads);
}

/// What was understood of one model, a row a fact.
std::vector<Item> facts_of_model(const std::string& name) {
  const ModelSpec model = load_model(name);
  const auto billions = [](double count) { return fmt::format("{:.4g} billion", count * 1e-9); };
  return {{"model", model.description, {}},
          {"parameters", billions(parameters(model)), {}},
          {"active", billions(active_parameters(model)), {}},
          {"hidden", std::to_string(model.hidden), {}},
          {"vocabulary", with_commas(model.vocabulary), {}},
          {"context", with_commas(model.max_context), {}},
          {"attention", attention_of(model), {}},
          {"layers", layers_of(model), {}},
          {"mtp layers", std::to_string(model.mtp_layers), {}}};
}

using Lister = std::vector<Item> (*)();

const std::map<std::string, Lister>& kinds() {
  static const std::map<std::string, Lister> all{
      {"algorithms", registered<Algorithms>},
      {"chips", [] { return files_of("configs/chips"); }},
      {"compute-models", registered<ComputeModels>},
      {"fabrics", registered<Fabrics>},
      {"formats",
       [] {
         std::vector<Item> items = registered<RequestFormats>();
         for (Item& trace : registered<TraceFormats>()) {
           items.push_back(std::move(trace));
         }
         return items;
       }},
      {"models", [] { return files_of("workloads/models"); }},
      {"networks", registered<Networks>},
      {"studies", [] { return files_of("configs/studies"); }},
      {"systems", [] { return files_of("configs/systems"); }},
      {"topologies", [] { return files_of("topologies"); }},
  };
  return all;
}

struct ListOptions {
  std::string kind, name;
  bool sources = false;
  OutputFormat format = OutputFormat::text;
};

void print_text(const std::vector<Item>& items, const ListOptions& options) {
  std::size_t widest = 0;
  for (const Item& item : items) {
    widest = std::max(widest, item.name.size());
  }
  for (const Item& item : items) {
    fmt::print(std::cout, "{:<{}}  {}\n", item.name, widest, item.description);
    for (const Source& source : options.sources ? item.sources : std::vector<Source>{}) {
      fmt::print(std::cout, "{:<{}}    [{}] {}\n", "", widest, source.grade, source.text);
    }
  }
}

void print_json(const std::vector<Item>& items, const ListOptions& options) {
  Json all = Json::array();
  for (const Item& item : items) {
    Json one{{"name", item.name}, {"description", item.description}};
    for (const Source& source : options.sources ? item.sources : std::vector<Source>{}) {
      one["sources"].push_back({{"grade", source.grade}, {"text", source.text}});
    }
    all.push_back(std::move(one));
  }
  std::cout << json_text(all);
}

void print_csv(const std::vector<Item>& items, const ListOptions& options) {
  std::cout << (options.sources ? "name,grade,source\n" : "name,description\n");
  for (const Item& item : items) {
    if (!options.sources) {
      std::cout << csv_cell(item.name) << ',' << csv_cell(item.description) << '\n';
    }
    for (const Source& source : options.sources ? item.sources : std::vector<Source>{}) {
      std::cout << csv_cell(item.name) << ',' << source.grade << ',' << csv_cell(source.text) << '\n';
    }
  }
}

int run_list(const ListOptions& options) {
  const auto found = kinds().find(options.kind);
  if (found == kinds().end()) {
    std::vector<std::string> known;
    for (const auto& [kind, lister] : kinds()) {
      known.push_back(kind);
    }
    throw InputError(unknown_name("kind", options.kind, known));
  }
  if (!options.name.empty() && options.kind != "models") {
    throw InputError(fmt::format("only of a model more is told, by its name or file: not of {}", options.kind));
  }
  const std::vector<Item> items = options.name.empty() ? found->second() : facts_of_model(options.name);
  switch (options.format) {
    case OutputFormat::text:
      print_text(items, options);
      break;
    case OutputFormat::json:
      print_json(items, options);
      break;
    case OutputFormat::csv:
      print_csv(items, options);
      break;
  }
  return 0;
}

std::function<int()> list_command(CLI::App& app) {
  const auto options = std::make_shared<ListOptions>();
  std::string known;
  for (const auto& [kind, lister] : kinds()) {
    known += (known.empty() ? "" : ", ") + kind;
  }
  app.add_option("KIND", options->kind, "One of: " + known)->required();
  app.add_option("NAME", options->name, "A model, or a file of one (YAML, or config.json): what was understood of it");
  app.add_flag("--sources", options->sources, "List the sources of each file's figures");
  add_format_option(app, options->format);
  app.footer("Example: podium list systems --sources");
  return [options] { return run_list(*options); };
}

const Commands::Entry list_entry{"list", "List chips, systems, topologies, models, algorithms …, with their sources",
                                 list_command};

}  // namespace
}  // namespace podium
