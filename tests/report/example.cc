#include "tests/report/example.h"

#include <cmath>
#include <map>

namespace podium::test {
namespace {

struct Machine {
  std::string name;
  std::uint32_t ranks_per_chip;
  double watts_per_chip;
};
const Machine cloudmatrix{"cloudmatrix384", 2, 559378.0 / 384};
const Machine nvl72{"gb200-nvl72", 1, 132000.0 / 72};

Throughput throughput(const std::string& unit, double whole, const Machine& machine, std::uint32_t chips) {
  Throughput t;
  t.unit = unit;
  t.per_system = whole;
  t.per_chip = whole / chips;
  t.per_rank = whole / (chips * machine.ranks_per_chip);
  t.per_watt = whole / (chips * machine.watts_per_chip);
  return t;
}

CaseResult base_case(const std::string& workload, const std::string& regime, const Machine& machine,
                     std::uint32_t chips, const std::string& plan) {
  CaseResult one;
  one.workload = workload;
  one.regime = regime;
  one.system = machine.name;
  one.plan = plan;
  one.chips = chips;
  one.ranks = chips * machine.ranks_per_chip;
  one.domains = 1;
  one.power = Watts(chips * machine.watts_per_chip);
  return one;
}

PhaseResult phase(const std::string& name, const std::string& plan, double batch, Bytes memory_size,
                  const std::vector<std::pair<std::string, Seconds>>& parts) {
  PhaseResult result;
  result.name = name;
  result.plan = plan;
  result.batch = batch;
  result.breakdown = parts;
  for (const auto& part : parts) {
    result.time += part.second;
  }
  result.memory_size = memory_size;
  return result;
}

Seconds ms(double value) { return Seconds(value * 1e-3); }
Bytes gigabytes(double value) { return Bytes(value * 1e9); }

void set_peaks(CaseResult& one, const std::string& type, double peak_of_rank, double bandwidth_of_rank) {
  one.peak_type = type;
  one.peak = FlopsPerSecond(one.ranks * peak_of_rank);
  one.memory_bandwidth = BytesPerSecond(one.ranks * bandwidth_of_rank);
}

void set_use(PhaseResult& phase, const std::string& type, std::uint32_t ranks, double peak_share,
             double bandwidth_share) {
  phase.peak_type = type;
  phase.ranks = ranks;
  phase.peak_share = peak_share;
  phase.bandwidth_share = bandwidth_share;
}

CaseResult cloudmatrix_serving(const std::string& regime) {
  const std::string decode = "DP320 EP320 R32 S32 int8 x2 micro-batches",
                    prefill = "DP32 EP32 R32 int8 x2 micro-batches";
  CaseResult one =
      base_case("DeepSeek-R1 serving", regime, cloudmatrix, 384, "prefill 13 x " + prefill + ", decode 1 x " + decode);
  one.throughput = throughput("output tokens/s", 221843, cloudmatrix, 384);
  one.ttft = Percentiles{ms(812), ms(1913), ms(2604)};
  one.tpot = Percentiles{ms(44.1), ms(49.2), ms(50.9)};
  one.objective = Objective{0.95, Seconds(2), ms(50), {one.ttft->p95, one.tpot->p95}, {Seconds(2.1), one.tpot->p95}};
  one.requests = 34662;
  one.request_rate = 866.6;
  one.phases = {phase("prefill step", prefill, 64, gigabytes(64),
                      {{"host", ms(1.2)},
                       {"compute", ms(402)},
                       {"exposed combine", ms(36.5)},
                       {"memory", ms(88.1)},
                       {"launch", ms(5.3)},
                       {"exposed dispatch", ms(61.4)},
                       {"bubble", ms(12.7)}}),
                phase("decode step", decode, 12800, gigabytes(64),
                      {{"host", ms(0.9)},
                       {"compute", ms(14.2)},
                       {"memory", ms(36.8)},
                       {"launch", ms(7.9)},
                       {"exposed dispatch", ms(9.1)},
                       {"exposed combine", ms(5.6)},
                       {"bubble", ms(0.4)}})};
  set_peaks(one, "int8", 752e12, 1.6e12);
  set_use(one.phases[0], "int8", 416, 0.38, 0.12);
  set_use(one.phases[1], "int8", 320, 0.14, 0.49);
  one.phases[0].memory = {gigabytes(32.1), {}, {}, gigabytes(9.8), gigabytes(2.4), gigabytes(4), gigabytes(6.4)};
  one.phases[1].memory = {gigabytes(19.6), {}, {}, gigabytes(3.1), gigabytes(34.5), gigabytes(4), gigabytes(6.4)};
  one.alternatives = {
      {one.plan, 221843, ""},
      {"prefill 11 x TP4 DP8 EP32 R32 int8 x2 micro-batches, decode 2 x DP144 EP144 R32 int8 x2 micro-batches", 197220,
       ""},
      {"prefill 22 x TP2 DP8 EP16 int8 x2 micro-batches, decode 6 x DP64 EP64 int8", 0, "keeps the SLO at no rate"},
      {"TP1 DP8 EP8 int8", 0,
       "weights, activations and reserve take 91.4 GB of 64 GB a rank: no room for the cache of one request"}};
  one.signature = 0x8f3ac90175b2de41;
  return one;
}

CaseResult nvl72_serving(const std::string& regime, const std::string& type, double tokens) {
  const std::string decode = "DP32 EP32 R32 " + type, prefill = "DP8 EP8 " + type + " x2 micro-batches";
  CaseResult one =
      base_case("DeepSeek-R1 serving", regime, nvl72, 72, "prefill 5 x " + prefill + ", decode 1 x " + decode);
  one.throughput = throughput("output tokens/s", tokens, nvl72, 72);
  one.ttft = Percentiles{ms(640), ms(1987), ms(2450)};
  one.tpot = Percentiles{ms(31.7), ms(38.8), ms(40.2)};
  one.objective = Objective{0.95, Seconds(2), ms(50), {one.ttft->p95, one.tpot->p95}, {Seconds(2.1), one.tpot->p95}};
  one.requests = 17711;
  one.request_rate = tokens / 256;
  const double faster = tokens / 113347;
  one.phases = {phase("prefill step", prefill, 32, gigabytes(186),
                      {{"compute", ms(310 / faster)},
                       {"memory", ms(41)},
                       {"launch", ms(4.2)},
                       {"exposed dispatch", ms(12.2)},
                       {"exposed combine", ms(9.5)}}),
                phase("decode step", decode, 7040, gigabytes(186),
                      {{"compute", ms(6.1 / faster)},
                       {"memory", ms(37.4 / faster)},
                       {"launch", ms(6.6)},
                       {"exposed dispatch", ms(3.2)},
                       {"exposed combine", ms(2.3)},
                       {"host", ms(1.1)}})};
  set_peaks(one, type, type == "fp8" ? 5e15 : 10e15, 8e12);
  set_use(one.phases[0], type, 40, 0.31, 0.1);
  set_use(one.phases[1], type, 32, 0.09, 0.44);
  one.phases[0].memory = {gigabytes(96.3), {}, {}, gigabytes(14), gigabytes(9), gigabytes(8), gigabytes(18.9)};
  one.phases[1].memory = {gigabytes(41), {}, {}, gigabytes(4.4), gigabytes(119.7), gigabytes(8), gigabytes(18.9)};
  one.alternatives = {{one.plan, tokens, ""},
                      {"mixed 4 x DP16 EP16 " + type, tokens * 0.83, ""},
                      {"TP8 DP8 EP8 " + type, 0, "ep 8 x expert_tp 1 is 8 ranks, but tp 8 x dp 8 is 64"}};
  one.notes = {"12 times a sequence was sent back because a cache was full"};
  one.signature = static_cast<std::uint64_t>(tokens) * 0x9e3779b97f4a7c15;
  return one;
}

CaseResult training(const std::string& regime, const Machine& machine, std::uint32_t chips, const std::string& plan,
                    double step_seconds, const MemoryUse& memory, Bytes size) {
  CaseResult one = base_case("Llama 3.1 405B training", regime, machine, chips, plan);
  const double tokens = 1152.0 * 8192;
  one.throughput = throughput("tokens/s", tokens / step_seconds, machine, chips);
  one.phases = {phase("training step", plan, 1152, size,
                      {{"compute", Seconds(step_seconds * 0.61)},
                       {"memory", Seconds(step_seconds * 0.09)},
                       {"launch", Seconds(step_seconds * 0.02)},
                       {"exposed tp", Seconds(step_seconds * 0.11)},
                       {"exposed pp", Seconds(step_seconds * 0.012)},
                       {"exposed dp gradients", Seconds(step_seconds * 0.033)},
                       {"exposed dp weights", Seconds(step_seconds * 0.015)},
                       {"bubble", Seconds(step_seconds * 0.11)}})};
  one.phases[0].memory = memory;
  one.model_flops_utilisation = 0.412;
  set_peaks(one, "bf16", machine.ranks_per_chip == 2 ? 376e12 : 2.5e15, machine.ranks_per_chip == 2 ? 1.6e12 : 8e12);
  set_use(one.phases[0], "bf16", one.ranks, 0.53, 0.2);
  one.alternatives = {
      {plan, tokens / step_seconds, ""},
      {"TP8 PP16 DP6 VP2, bf16, selective recompute", tokens / step_seconds * 0.91, ""},
      {"TP8 PP6 DP16, bf16", 0, "needs 143 GB of 64 GB a rank"},
      {"TP16 PP16, bf16", 0, "no data-parallel width: 256 ranks a replica, and the batch must divide evenly"}};
  one.signature = chips * 0xc2b2ae3d27d4eb4f;
  return one;
}

std::vector<SystemSummary> systems() {
  return {{"cloudmatrix384",
           "Huawei CloudMatrix384, supernodes of 384 Ascend 910C packages (768 dies) in 48 nodes",
           "ascend-910c-die",
           768,
           384,
           1,
           "die",
           {{"bf16 peak, dense", "289 PFLOP/s"},
            {"int8 peak, dense", "578 PFLOP/s"},
            {"memory", "49.2 TB"},
            {"memory bandwidth", "1,230 TB/s"},
            {"ub injection, one way", "151 TB/s"},
            {"roce injection, one way", "19.2 TB/s"},
            {"power, all in", "559 kW"}}},
          {"gb200-nvl72",
           "NVIDIA GB200 NVL72, racks of 72 Blackwell GPUs on 18 NVSwitch chips, one 400 Gb/s InfiniBand adapter a GPU",
           "gb200",
           72,
           72,
           1,
           "GPU",
           {{"bf16 peak, dense", "180 PFLOP/s"},
            {"fp8 peak, dense", "360 PFLOP/s"},
            {"nvfp4 peak, dense", "720 PFLOP/s"},
            {"memory", "13.4 TB"},
            {"memory bandwidth", "576 TB/s"},
            {"nvlink injection, one way", "64.8 TB/s"},
            {"infiniband injection, one way", "3.60 TB/s"},
            {"power, all in", "132 kW"}}}};
}

std::vector<SourceUse> sources() {
  const std::string paper =
      "Zuo et al., Serving Large Language Models on Huawei CloudMatrix384, arXiv 2506.12708, section 3.3";
  const std::string sheet = "NVIDIA GB200 NVL72 data sheet (dense figures are half of those with sparsity)";
  std::vector<SourceUse> all{
      {"systems/cloudmatrix384", {"ranks_per_package", "2", "", "", paper, Grade::claimed}},
      {"systems/cloudmatrix384",
       {"power_per_domain", "559.378 kW", "559.378 kW", "777.6 kW",
        "SemiAnalysis, Huawei AI CloudMatrix 384, 16 April 2025: 559,378 W all-in; at most 48 nodes x 16.2 kW",
        Grade::estimated}},
      {"systems/cloudmatrix384",
       {"protocols.roce.launch", "10 us", "5 us", "20 us", "no published figure", Grade::assumed}},
      {"chips/ascend-910c-die", {"peak.bf16", "376 TFLOP/s", "", "", paper, Grade::claimed}},
      {"chips/ascend-910c-die",
       {"memory.bandwidth", "1.6 TB/s", "1.28 TB/s", "1.6 TB/s", paper + "; 1.28 TB/s is the most that a copy reached",
        Grade::measured}},
      {"topologies/cloudmatrix384",
       {"planes.0.payload_efficiency", "0.85", "", "", "167 of 196 GB/s, table 1 of arXiv 2506.12708", Grade::derived}},
      {"chips/gb200", {"peak.bf16", "2.5 PFLOP/s", "", "", sheet, Grade::claimed}},
      {"chips/gb200", {"memory.bandwidth", "8 TB/s", "", "", sheet, Grade::claimed}}};
  for (int i = 0; i < 24; ++i) {
    all.push_back(
        {"chips/gb200",
         {"kernels.gemm." + std::to_string(i) + ".efficiency", "0." + std::to_string(60 + i), "0.55", "0.9",
          "measured kernels of GB200 in ai-dynamo/aiconfigurator", i % 3 == 0 ? Grade::derived : Grade::measured}});
  }
  return all;
}

std::vector<std::string> assumptions() {
  return {
      "Both machines speculate one token with the same acceptance, and overlap two micro-batches wherever a plan says "
      "so.",
      "The balance of experts is the same on both machines.",
      "DeepSeek-R1 serving: 40 s are measured after 20 s of warm-up; 95 % of the requests keep to the objective.",
      "Traffic is sprayed evenly over all shortest paths; links are shared max-min fairly.",
      "Power is the whole machine's all-in figure in proportion to the chips used; it does not depend on load."};
}

std::vector<std::pair<std::string, std::string>> workloads() {
  return {
      {"DeepSeek-R1 serving",
       "Serving deepseek-r1-0528: 4,096 tokens in and 256 out, Poisson arrivals; the highest rate with p95 TTFT <= 2 s "
       "and p95 TPOT <= 50 ms. equal precision: weights and experts in INT8 on CloudMatrix-384 and in FP8 on NVL72"},
      {"Llama 3.1 405B training", "One training step of llama-3.1-405b: global batch 1,152 sequences of 8,192 tokens"}};
}

Crossover crossover(const std::string& workload, const std::string& regime, double reference,
                    std::optional<std::uint32_t> chips) {
  Crossover c;
  c.workload = workload;
  c.regime = regime;
  c.challenger = "cloudmatrix384";
  c.reference = "gb200-nvl72";
  c.reference_chips = 72;
  c.reference_throughput = reference;
  c.chips = chips;
  c.largest = c.compared_chips = 384;
  c.throughput = chips ? reference * 1.013 : 0;
  return c;
}

FigureEffect effect(const std::string& system, const SourceUse& use, double at_low, double at_high, bool simulated) {
  FigureEffect result;
  result.file = use.file;
  result.figure = use.figure;
  result.systems = {system};
  result.at_low = at_low;
  result.at_high = at_high;
  result.simulated = simulated;
  return result;
}

/// The figures are those of `sources()` that have a range; of training, one of them flips the winner.
std::vector<Uncertainty> uncertainties() {
  const std::vector<SourceUse> all = sources();
  Uncertainty serving;
  serving.workload = "DeepSeek-R1 serving";
  serving.regime = "equal precision";
  serving.leader = "cloudmatrix384";
  serving.next = "gb200-nvl72";
  serving.ratio = 221843.0 / 113347;
  serving.effects = {effect("cloudmatrix384", all[4], 0.82 * serving.ratio, serving.ratio, true),
                     effect("gb200-nvl72", all[8], 1.07 * serving.ratio, 0.91 * serving.ratio, false),
                     effect("cloudmatrix384", all[2], 1.001 * serving.ratio, 0.999 * serving.ratio, false)};
  serving.without_effect = 21;
  serving.by_figures = {1, 1.71, 2.02};
  serving.with_model_error = {0.9996, 1.54, 2.31};
  Uncertainty training = serving;
  training.workload = "Llama 3.1 405B training";
  training.regime = "own best precision";
  training.leader = "gb200-nvl72";
  training.next = "cloudmatrix384";
  training.ratio = 205.0 / 191;
  training.effects = {effect("gb200-nvl72", all[9], 0.94, 1.21, true),
                      effect("cloudmatrix384", all[4], 1.12, training.ratio, true)};
  training.effects[1].at_low.reset();
  training.without_effect = 22;
  training.by_figures = {0.931, 0.987, 1.17};
  training.with_model_error = {0.752, 0.91, 1.27};
  return {serving, training};
}

}  // namespace

ComparisonResult example_comparison() {
  const std::string equal = "equal precision", best = "own best precision";
  ComparisonResult result;
  result.study = "cm384-vs-nvl72";
  result.title = "CloudMatrix-384 against GB200 NVL72";
  result.question =
      "Many weaker chips on an all-optical two-tier fabric, or few stronger ones behind one tier of switches: which "
      "machine serves DeepSeek-R1 and trains Llama 3.1 405B better, by how much, and why?";
  result.command = "podium compare configs/studies/cm384-vs-nvl72.yaml";
  result.systems = systems();
  result.workloads = workloads();
  const MemoryUse small{gigabytes(6.4), gigabytes(12.8), gigabytes(3.2), gigabytes(31.9), {}, gigabytes(4), {}};
  const MemoryUse large{gigabytes(25.3), gigabytes(50.6), gigabytes(19), gigabytes(71.4), {}, gigabytes(8), {}};
  const std::string plan = "TP8 PP16 DP6 VP1, bf16, selective recompute";
  const std::string other = "TP4 PP9 DP2 VP2, bf16, 72 ranks a domain";
  result.cases = {cloudmatrix_serving(equal),
                  nvl72_serving(equal, "fp8", 113347),
                  cloudmatrix_serving(best),
                  nvl72_serving(best, "nvfp4", 171206),
                  training(equal, cloudmatrix, 384, plan, 205, small, gigabytes(64)),
                  training(equal, nvl72, 72, other, 288, large, gigabytes(186)),
                  training(best, cloudmatrix, 384, plan, 205, small, gigabytes(64)),
                  training(best, nvl72, 72, "TP4 PP9 DP2 VP2, fp8, 72 ranks a domain", 191, large, gigabytes(186))};
  result.crossovers = {crossover("DeepSeek-R1 serving", equal, 113347, 208),
                       crossover("DeepSeek-R1 serving", best, 171206, 304),
                       crossover("Llama 3.1 405B training", equal, 1152.0 * 8192 / 288, 288),
                       crossover("Llama 3.1 405B training", best, 1152.0 * 8192 / 191, std::nullopt)};
  result.uncertainties = uncertainties();
  result.validated = {{"CloudMatrix-384 decode", "cloudmatrix384", false, 1.06, 0.06},
                      {"GB200 training, NVFP4", "gb200-nvl72", true, 1.173, 0.173},
                      {"GB200 decode", "gb200-nvl72", false, 0.987, 0.013}};
  result.assumptions = assumptions();
  result.sources = sources();
  result.signature = 0x0123456789abcdef;
  return result;
}

ComparisonResult small_comparison(const std::vector<double>& throughputs) {
  ComparisonResult result;
  char name = 'A';
  for (const double value : throughputs) {
    CaseResult one;
    one.workload = "work";
    one.system = std::string(1, name++);
    one.chips = 1;
    if (value > 0) {
      one.plan = "plan";
      one.throughput = {"tokens/s", value, value, value, value, {}};
    } else {
      one.alternatives = {{"wide", 0, "needs 9 GB of 8 GB"}, {"wider", 0, "needs 9 GB of 8 GB"}, {"odd", 0, "odd"}};
    }
    result.cases.push_back(one);
    result.systems.push_back({one.system, "", "chip", 1, 1, 1, "GPU", {}});
  }
  return result;
}

SweepResult example_sweep() {
  SweepResult result;
  result.study = "chip-count";
  result.title = "Throughput against chip count";
  result.question = "How do both kinds of machine grow, within one scale-up domain and beyond it?";
  result.command = "podium sweep configs/studies/chip-count.yaml";
  result.systems = systems();
  result.workloads = workloads();
  for (const auto& [workload, unit] :
       std::map<std::string, std::string>{{"DeepSeek-R1 serving, equal precision", "output tokens/s"},
                                          {"Llama 3.1 405B training, equal precision", "tokens/s"}}) {
    for (const Machine& machine : {cloudmatrix, nvl72}) {
      const std::uint32_t domain = machine.name == nvl72.name ? 72 : 384;
      for (std::uint32_t chips = 8; chips <= 3072; chips *= 2) {
        SweepPoint point;
        point.workload = workload;
        point.system = machine.name;
        point.chips = chips;
        point.ranks = chips * machine.ranks_per_chip;
        point.domains = (chips + domain - 1) / domain;
        point.signature = chips * 0x9e3779b97f4a7c15;
        const bool training = unit == "tokens/s";
        if (training && chips < (machine.ranks_per_chip == 2 ? 128 : 64)) {
          point.refused = "needs 143 GB of 64 GB a rank";
        } else {
          const double per_chip = (machine.ranks_per_chip == 2 ? 590 : 1600) * (training ? 0.21 : 1);
          const double loss = 1 - 0.03 * std::log2(chips / 8.0) - (point.domains > 1 ? 0.06 : 0);
          point.plan = "TP8 PP16 DP" + std::to_string(chips / 64 + 1);
          point.throughput = throughput(unit, per_chip * chips * loss, machine, chips);
        }
        result.points.push_back(point);
      }
    }
  }
  result.assumptions = assumptions();
  result.sources = sources();
  result.signature = 0xfedcba9876543210;
  return result;
}

}  // namespace podium::test
