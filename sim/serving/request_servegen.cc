// ServeGen's clients (arXiv 2505.09999): a CSV of each client's rate and family of gaps by window of ten minutes, and
// beside it a JSON file of the distributions of its lengths. A stream is drawn from them, always the same one.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <iterator>
#include <map>
#include <nlohmann/json.hpp>

#include "sim/core/input_stream.h"
#include "sim/core/rng.h"
#include "sim/core/text.h"
#include "sim/serving/csv.h"
#include "sim/serving/request.h"

namespace podium {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr Seconds window{600};
constexpr std::string_view arrivals_suffix = "_arrivals.csv";

/// Tokens by cumulated probability.
using Lengths = std::vector<std::pair<double, std::uint32_t>>;

struct WindowLengths {
  Lengths input, output;
};

/// By client, and by where their windows start, in seconds.
using Clients = std::map<std::int64_t, std::map<std::int64_t, WindowLengths>>;

struct Arrival {
  Request request;
  Location where;
};

Lengths read_lengths(const json& tokens, const Location& where) {
  Lengths lengths;
  double sum = 0;
  for (const auto& [count, share] : tokens.items()) {
    if (!share.is_number() || !(share.get<double>() >= 0)) {
      throw InputError(where, fmt::format("'{}' tokens have no probability", count));
    }
    sum += share.get<double>();
    lengths.emplace_back(sum, std::max(1U, to_answer_tokens(parse_plain_number(count, where), where)));
  }
  for (auto& [cumulated, count] : lengths) {
    cumulated /= sum;
  }
  return lengths;
}

/// Windows of no request are left out.
Clients read_clients(const std::string& path) {
  InputStream file(path, "ServeGen's lengths");
  const Location where{path, 0, 0};
  const json root = json::parse(std::string(std::istreambuf_iterator<char>(file), {}), nullptr, false);
  if (!root.is_object()) {
    throw InputError(where, "not a JSON object of clients");
  }
  Clients clients;
  for (const auto& [client, windows] : root.items()) {
    for (const auto& [start, fields] : windows.items()) {
      if (!fields.is_object() || !fields.contains("input_tokens") || !fields.contains("output_tokens")) {
        throw InputError(
            where, fmt::format("client '{}' has no input_tokens and output_tokens in its window '{}'", client, start));
      }
      WindowLengths lengths{read_lengths(fields["input_tokens"], where), read_lengths(fields["output_tokens"], where)};
      if (!lengths.input.empty() && !lengths.output.empty()) {
        clients[parse_count(client, where)][parse_count(start, where)] = std::move(lengths);
      }
    }
  }
  return clients;
}

/// "NAME_arrivals.csv" has "NAME_lengths….json" beside it.
std::string lengths_beside(const std::string& arrivals) {
  const fs::path path(arrivals);
  std::string stem = path.filename().string();
  const std::size_t suffix = stem.find(arrivals_suffix);
  stem = stem.substr(0, suffix) + "_lengths";
  std::vector<std::string> found;
  std::error_code error;
  for (const fs::directory_entry& entry :
       fs::directory_iterator(path.has_parent_path() ? path.parent_path() : ".", error)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(stem) && name.find(".json") != std::string::npos) {
      found.push_back(entry.path().string());
    }
  }
  if (found.empty() || suffix == std::string::npos) {
    throw InputError(Location{arrivals},
                     "ServeGen's clients need their lengths: NAME_arrivals.csv has "
                     "NAME_lengths.json beside it");
  }
  return *std::min_element(found.begin(), found.end());
}

std::uint32_t draw(const Lengths& lengths, Rng& rng) {
  const double at = rng.uniform();
  const auto place = std::upper_bound(lengths.begin(), lengths.end(), at,
                                      [](double share, const auto& entry) { return share < entry.first; });
  return (place == lengths.end() ? lengths.back() : *place).second;
}

/// Of one window of a client: as many requests as were recorded, the gaps between them of the recorded family and
/// shape, scaled so that they fill the window.
std::vector<Seconds> draw_arrivals(const std::vector<std::string>& fields, Rng& rng, const Location& where) {
  const Seconds start{parse_plain_number(fields[1], where)};
  const double rate = parse_plain_number(fields[2], where), shape = parse_plain_number(fields[4], where);
  const bool weibull = fields[3] == "Weibull";
  if (!weibull && fields[3] != "Gamma") {
    throw InputError(where, unknown_name("distribution", fields[3], std::vector<std::string>{"Gamma", "Weibull"}));
  }
  if (!(rate >= 0 && rate <= 1e4) || !(shape > 0)) {
    throw InputError(where, "a rate of at most 10,000 requests a second and a positive param1 are expected");
  }
  const auto count = static_cast<std::size_t>(std::llround(rate * window.value()));
  std::vector<double> ends;
  double sum = 0;
  for (std::size_t i = 0; i <= count; ++i) {
    sum += weibull ? std::pow(rng.exponential(), 1 / shape) : rng.gamma(shape);
    ends.push_back(sum);
  }
  if (!std::isfinite(sum)) {
    throw InputError(where, "gaps of param1 " + fields[4] + " are beyond all numbers");
  }
  std::vector<Seconds> arrivals;
  for (std::size_t i = 0; i < count; ++i) {
    arrivals.push_back(start + window * (sum > 0 ? ends[i] / sum : 0));
  }
  return arrivals;
}

void read_arrivals(const std::string& path, const TakeRequest& take, std::set<std::string>& notes) {
  const Clients clients = read_clients(lengths_beside(path));
  std::vector<Arrival> drawn;
  std::map<std::int64_t, Rng> streams;
  std::set<std::int64_t> unknown;
  double left_out = 0;
  read_csv(path, {"client", "window_start_s", "rate_rps", "dist", "param1"},
           [&](const std::vector<std::string>& fields, const Location& where) {
             const std::int64_t client = parse_count(fields[0], where);
             const auto known = clients.find(client);
             if (known == clients.end()) {
               unknown.insert(client);  // of unknown lengths
               left_out += std::max(0.0, parse_plain_number(fields[2], where)) * window.value();
               return;
             }
             Rng& rng = streams.try_emplace(client, Rng(1, "servegen client " + fields[0])).first->second;
             const std::vector<Seconds> arrivals = draw_arrivals(fields, rng, where);
             auto lengths = known->second.upper_bound(parse_count(fields[1], where));
             lengths = lengths == known->second.begin() ? lengths : std::prev(lengths);
             for (const Seconds arrival : arrivals) {
               const std::uint32_t input = draw(lengths->second.input, rng);
               drawn.push_back({{arrival, input, draw(lengths->second.output, rng)}, where});
             }
           });
  if (!unknown.empty()) {
    notes.insert(
        fmt::format("{} of {} clients have no lengths in the file beside the trace and are left out: {:.0f} % of "
                    "the requests",
                    unknown.size(), unknown.size() + streams.size(),
                    100 * left_out / (left_out + static_cast<double>(drawn.size()))));
  }
  std::stable_sort(drawn.begin(), drawn.end(),
                   [](const Arrival& a, const Arrival& b) { return a.request.arrival < b.request.arrival; });
  for (const Arrival& arrival : drawn) {
    take(arrival.request, arrival.where);
  }
}

bool is_arrivals(const std::string& head) { return head.starts_with("client,window_start_s,rate_rps"); }

bool is_lengths(const std::string& head) {
  return head.starts_with("{\"") && head.find("\":{\"input_tokens\":{\"") != std::string::npos;
}

void refuse_lengths(const std::string& path, const TakeRequest&, std::set<std::string>&) {
  throw InputError(Location{path},
                   "ServeGen's lengths alone are no stream of requests: name the NAME_arrivals.csv "
                   "that they belong to");
}

const RequestFormats::Entry arrivals{
    "servegen-csv",
    "ServeGen's NAME_arrivals.csv with client, window_start_s, rate_rps, dist and param1, with NAME_lengths.json "
    "beside it: drawn, of the clients whose lengths are known",
    {is_arrivals, read_arrivals}};
const RequestFormats::Entry lengths{
    "servegen-lengths", "ServeGen's NAME_lengths.json, read with NAME_arrivals.csv", {is_lengths, refuse_lengths}};

}  // namespace
}  // namespace podium
