// The text workloads of ASTRA-sim 1.0 and SimAI: a kind of parallelism, a count of layers, and a line a layer with the
// computing (ns) and the exchange of its forward pass, of the gradients of its inputs and of those of its weights. All
// ranks run the same: a forward pass, then a backward pass in which the exchanges of weights' gradients overlap.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "sim/workload/trace.h"
#include "sim/workload/trace_text.h"

namespace podium {
namespace {

using namespace std::string_view_literals;

constexpr std::uint64_t most_number = std::uint64_t{1} << 53;
/// Which ranks exchange activations, and which gradients.
enum class Parallelism { data, model, data_model, model_data, transformer, micro };

struct ParallelismName {
  std::string_view name;
  Parallelism parallelism;
};
constexpr std::array parallelisms{
    ParallelismName{"DATA"sv, Parallelism::data},
    ParallelismName{"MODEL"sv, Parallelism::model},
    ParallelismName{"HYBRID_DATA_MODEL"sv, Parallelism::data_model},
    ParallelismName{"HYBRID_MODEL_DATA"sv, Parallelism::model_data},
    ParallelismName{"HYBRID_TRANSFORMER"sv, Parallelism::transformer},
    ParallelismName{"HYBRID_TRANSFORMER_FWD_IN_BCKWD"sv, Parallelism::transformer},
    ParallelismName{"MICRO"sv, Parallelism::micro},
};
constexpr std::string_view customized = "HYBRID_CUSTOMIZED";

struct Exchange {
  std::optional<CollectiveKind> kind;  ///< none: nothing is exchanged
  std::string_view suffix;             ///< "", "EP" or "DP_EP"
  Bytes bytes;
};
struct AstraPass {
  Seconds time;
  Exchange exchange;
};
struct AstraLayer {
  std::uint32_t line = 0, name = 0;
  Parallelism parallelism{};
  std::array<AstraPass, 3> passes;  ///< forward, inputs' gradients, weights' gradients
  Seconds update;
};

class AstraReader {
 public:
  AstraReader(InputStream& in, const TraceOptions& options, Trace& trace) : in_(in), options_(options), trace_(trace) {}

  void read() {
    read_header();
    read_layers();
    set_groups();
    TraceProgramBuilder builder(trace_, in_.path(), 0, ranks_);
    builder_ = &builder;
    write_passes();
    builder.finish(options_.missing);
  }

 private:
  std::optional<Parallelism> parallelism(std::string_view name) const {
    const auto found = std::find_if(parallelisms.begin(), parallelisms.end(),
                                    [&](const ParallelismName& known) { return known.name == name; });
    return found == parallelisms.end() ? std::nullopt : std::optional(found->parallelism);
  }

  void read_header() {
    std::string line;
    lines_.next(line);
    const auto words = words_of(line);
    if (words.empty()) {
      lines_.fail("the first line names no kind of parallelism");
    }
    is_customized_ = words[0] == customized;
    all_ = parallelism(words[0]);
    if (!all_ && !is_customized_) {
      lines_.fail("parallelism '" + std::string(words[0]) +
                  "' is not read; what is: DATA, MODEL, HYBRID_DATA_MODEL, "
                  "HYBRID_MODEL_DATA, HYBRID_TRANSFORMER, HYBRID_TRANSFORMER_FWD_IN_BCKWD, HYBRID_CUSTOMIZED, MICRO");
    }
    for (std::size_t i = 1; i + 1 < words.size(); i += 2) {
      const std::string_view key = words[i].ends_with(':') ? words[i].substr(0, words[i].size() - 1) : words[i];
      const std::uint64_t value = lines_.whole(words[i + 1], "count", most_number);
      set_header(key, value);
    }
    if (words.size() % 2 == 0) {
      lines_.fail("'" + std::string(words.back()) + "' without its value");
    }
  }

  void set_header(std::string_view key, std::uint64_t value) {
    const auto count = [&] {
      if (value == 0 || value > most_ranks) {
        lines_.fail(std::string(key) + " is " + std::to_string(value));
      }
      return static_cast<std::uint32_t>(value);
    };
    if (key == "model_parallel_NPU_group") {
      model_parallel_ = count();
    } else if (key == "ep") {
      expert_parallel_ = count();
    } else if (key == "pp") {
      stages_ = count();
    } else if (key == "all_gpus") {
      ranks_ = count();
    } else if (key == "checkpoints") {
      if (value > 0) {
        lines_.fail("a file with checkpoints, from which a forward pass is computed again, is not read");
      }
    } else if (key == "pp_comm" || key == "vpp" || key == "ga" || key == "checkpoint_initiates") {
    } else {
      lines_.fail("'" + std::string(key) +
                  "' is none of model_parallel_NPU_group, ep, pp, vpp, ga, all_gpus, checkpoints, "
                  "checkpoint_initiates, pp_comm");
    }
  }

  Exchange exchange(std::string_view type, std::string_view bytes) const {
    Exchange result;
    for (const std::string_view suffix : {"_DP_EP"sv, "_EP"sv}) {
      if (type.ends_with(suffix)) {
        result.suffix = suffix.substr(1);
        type.remove_suffix(suffix.size());
        break;
      }
    }
    result.bytes = Bytes(static_cast<double>(lines_.whole(bytes, "number of bytes", most_number)));
    if (type != "NONE") {
      result.kind = parse_collective_kind(type, lines_.where());
      if (*result.kind == CollectiveKind::send) {
        lines_.fail("'" + std::string(type) +
                    "' is no exchange among all ranks: the file does not say who sends to whom");
      }
    }
    return result;
  }

  void read_layers() {
    std::string line;
    lines_.next(line);
    const auto count_words = words_of(line);
    if (count_words.size() != 1) {
      lines_.fail("the second line is the number of layers, alone");
    }
    const std::uint64_t count = lines_.whole(count_words[0], "number of layers", most_ranks);
    const std::size_t columns = is_customized_ ? 13 : 12;
    for (std::uint64_t i = 0; i < count; ++i) {
      if (!lines_.next(line)) {
        lines_.fail("the file ends after " + std::to_string(i) + " of " + std::to_string(count) + " layers");
      }
      const auto words = words_of(line);
      if (words.size() != columns) {
        lines_.fail("a layer has " + std::to_string(columns) +
                    " columns (name, dependency, three times computing, exchange "
                    "and bytes, update" +
                    (is_customized_ ? ", parallelism" : "") + "), and " + std::to_string(words.size()) + " are here");
      }
      layers_.push_back(layer(words));
    }
    while (lines_.next(line)) {
      if (!words_of(line).empty()) {
        trace_.notes.insert(to_string(lines_.where()) + ": what stands after the " + std::to_string(count) +
                            " layers was left out");
        break;
      }
    }
  }

  AstraLayer layer(const std::vector<std::string_view>& words) {
    AstraLayer layer;
    layer.line = lines_.number();
    layer.name = trace_.names.add(words[0]);
    if (words[1] != "-1") {
      trace_.notes.insert("dependencies of layers (second column) are left out: layers run one after the other");
    }
    for (std::size_t pass = 0; pass < 3; ++pass) {
      const std::size_t column = 2 + 3 * pass;
      layer.passes[pass].time =
          Seconds(static_cast<double>(lines_.whole(words[column], "time in ns", most_number)) * 1e-9);
      layer.passes[pass].exchange = exchange(words[column + 1], words[column + 2]);
    }
    layer.update = Seconds(static_cast<double>(lines_.whole(words[11], "time in ns", most_number)) * 1e-9);
    const std::optional<Parallelism> own = is_customized_ ? parallelism(words[12]) : all_;
    if (!own) {
      lines_.fail("parallelism '" + std::string(words[12]) + "' is not read");
    }
    layer.parallelism = *own;
    return layer;
  }

  /// Tensor- or model-parallel ranks are neighbours; the others stand over them.
  void set_groups() {
    const auto take = [&](const char* option, std::uint32_t asked, std::uint32_t& own) {
      if (asked > 0 && own > 0 && asked != own) {
        trace_.notes.insert(fmt::format("--{} {} goes before the {} of the file", option, asked, own));
      }
      own = asked > 0 ? asked : own;
    };
    take("ranks", options_.ranks, ranks_);
    take("model-parallel", options_.model_parallel, model_parallel_);
    const bool hybrid = std::any_of(layers_.begin(), layers_.end(), [](const AstraLayer& layer) {
      return layer.parallelism == Parallelism::data_model || layer.parallelism == Parallelism::model_data ||
             layer.parallelism == Parallelism::transformer;
    });
    note_micro();
    lines_.at(1);
    if (!hybrid && options_.model_parallel > 0) {
      trace_.notes.insert("--model-parallel has no effect: no layer of the file is shared by some of the ranks");
      model_parallel_ = 0;
    }
    if (ranks_ == 0) {
      lines_.fail("the file does not say how many ranks run it; --ranks does");
    }
    if (hybrid && model_parallel_ == 0) {
      lines_.fail("the file does not say how many ranks share a layer; --model-parallel does");
    }
    if (ranks_ > most_ranks || ranks_ % std::max(std::uint64_t{1}, std::uint64_t{model_parallel_} * stages_) != 0) {
      lines_.fail(std::to_string(ranks_) + " ranks are no multiple of " + std::to_string(model_parallel_) +
                  " that share a layer" + (stages_ > 1 ? " in " + std::to_string(stages_) + " stages" : ""));
    }
    if (stages_ > 1) {
      trace_.notes.insert("the file describes one of " + std::to_string(stages_) +
                          " pipeline stages: all ranks run it, and messages between stages are left out");
    }
  }

  /// Both simulators write MICRO, and mean other sizes by it.
  void note_micro() {
    const auto is_micro = [](const AstraLayer& layer) { return layer.parallelism == Parallelism::micro; };
    if (std::none_of(layers_.begin(), layers_.end(), is_micro)) {
      return;
    }
    trace_.notes.insert("of MICRO layers only the exchanges are run: computing times are left out");
    const auto gathers = [&](const AstraLayer& layer) {
      return is_micro(layer) && std::any_of(layer.passes.begin(), layer.passes.end(), [](const AstraPass& pass) {
               return pass.exchange.kind == CollectiveKind::all_gather;
             });
    };
    if (std::any_of(layers_.begin(), layers_.end(), gathers)) {
      trace_.notes.insert(
          "sizes of MICRO all-gathers are read as one rank's part, as ASTRA-sim counts; SimAI, whose files look the "
          "same, counts all that is gathered");
    }
  }

  TraceGroup strided(const char* name, std::uint32_t stride, std::uint32_t size) const {
    return {name, TraceGroup::Members::strided, {}, stride, size};
  }

  /// Of a pass's exchange, the ranks: of activations (passes 0 and 1) or of weights' gradients.
  std::uint32_t group(const AstraLayer& layer, std::size_t pass, std::string_view suffix) {
    const bool weights = pass == 2;
    if (layer.parallelism == Parallelism::transformer) {
      const std::uint32_t tp = model_parallel_, dp = ranks_ / (tp * stages_);
      if (!suffix.empty() && dp % expert_parallel_ != 0) {
        lines_.at(layer.line);
        lines_.fail("ep " + std::to_string(expert_parallel_) + " does not divide the " + std::to_string(dp) +
                    " data-parallel ranks");
      }
      if (suffix == "EP") {
        return builder_->group(strided("ep", tp, expert_parallel_));
      }
      if (suffix == "DP_EP") {
        return builder_->group(strided("dp_ep", tp * expert_parallel_, dp / expert_parallel_));
      }
      return builder_->group(weights ? strided("dp", tp, dp) : strided("tp", 1, tp));
    }
    if (layer.parallelism == Parallelism::data_model || layer.parallelism == Parallelism::model_data) {
      const std::uint32_t mp = model_parallel_, dp = ranks_ / mp;
      const bool model_inside = layer.parallelism == Parallelism::model_data;
      if (weights) {
        return builder_->group(model_inside ? strided("dp", mp, dp) : strided("inner dp", 1, dp));
      }
      return builder_->group(model_inside ? strided("mp", 1, mp) : strided("outer mp", dp, mp));
    }
    return 0;
  }

  std::uint64_t add(const AstraLayer& layer, TraceNode node, std::span<const std::uint64_t> after) {
    node.id = ++last_id_;
    node.line = layer.line;
    node.name = layer.name;
    builder_->add(node, after);
    return node.id;
  }

  /// The id of what has to end before the pass is done: the exchange, or the computing.
  std::uint64_t write_pass(const AstraLayer& layer, std::size_t pass, std::vector<std::uint64_t> after) {
    std::uint64_t last = 0;
    if (layer.parallelism != Parallelism::micro) {
      TraceNode computing;
      computing.operation = TraceOperation::compute;
      computing.duration = layer.passes[pass].time;
      last = add(layer, computing, after);
      after = {last};
    }
    const Exchange& exchange = layer.passes[pass].exchange;
    if (exchange.kind) {
      TraceNode node;
      node.operation = TraceOperation::collective;
      node.kind = *exchange.kind;
      node.group = group(layer, pass, exchange.suffix);
      node.bytes = exchange.bytes;
      const TraceGroup& members = trace_.groups[node.group];
      if (node.kind == CollectiveKind::all_gather && layer.parallelism != Parallelism::transformer) {
        // ASTRA-sim's all-gather is of one rank's part, SimAI's of the whole
        node.bytes *= members.members == TraceGroup::Members::all ? ranks_ : members.size;
      }
      last = add(layer, node, after);
    }
    return last;
  }

  void write_passes() {
    const auto list = [](std::uint64_t id) {
      return id == 0 ? std::vector<std::uint64_t>() : std::vector<std::uint64_t>{id};
    };
    std::uint64_t before = 0;
    for (const AstraLayer& layer : layers_) {
      if (const std::uint64_t last = write_pass(layer, 0, list(before)); last != 0) {
        before = last;
      }
    }
    for (auto layer = layers_.rbegin(); layer != layers_.rend(); ++layer) {
      if (const std::uint64_t last = write_pass(*layer, 1, list(before)); last != 0) {
        before = last;
      }
      const std::uint64_t weights = write_pass(*layer, 2, list(before));
      if (weights != 0 && layer->parallelism != Parallelism::micro && layer->update > Seconds()) {
        TraceNode update;
        update.operation = TraceOperation::compute;
        update.stream = 1;
        update.duration = layer->update;
        add(*layer, update, list(weights));
      }
    }
  }

  InputStream& in_;
  TraceLines lines_{in_};
  const TraceOptions& options_;
  Trace& trace_;
  TraceProgramBuilder* builder_ = nullptr;
  std::uint32_t ranks_ = 0, model_parallel_ = 0, expert_parallel_ = 1, stages_ = 1;
  bool is_customized_ = false;
  std::optional<Parallelism> all_;
  std::vector<AstraLayer> layers_;
  std::uint64_t last_id_ = 0;
};

void read_astra_text(InputStream& in, std::uint32_t, const TraceOptions& options, Trace& trace) {
  AstraReader(in, options, trace).read();
}

/// A kind of parallelism, known or not, and then a count alone.
bool recognises_astra_text(std::string_view head) {
  const std::size_t end = std::min(head.find('\n'), head.size());
  const auto words = words_of(head.substr(0, end));
  if (words.empty() || words[0].find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_") != std::string_view::npos) {
    return false;
  }
  head.remove_prefix(std::min(end + 1, head.size()));
  const auto count = words_of(head.substr(0, std::min(head.find('\n'), head.size())));
  return count.size() == 1 && count[0].find_first_not_of("0123456789") == std::string_view::npos;
}

const TraceFormats::Entry trace_astra_text_entry{"astra-text",
                                                 "text workloads of ASTRA-sim 1.0 and SimAI (HYBRID_TRANSFORMER …)",
                                                 {recognises_astra_text, read_astra_text}};

}  // namespace
}  // namespace podium
