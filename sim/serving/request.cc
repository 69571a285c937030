#include "sim/serving/request.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <numeric>
#include <unordered_set>

#include "sim/core/input_stream.h"
#include "sim/core/mix.h"
#include "sim/core/rng.h"
#include "sim/core/text.h"

namespace podium {

UnitRequests poisson_requests(std::size_t count, std::uint32_t input, std::uint32_t output, std::uint64_t seed) {
  Rng gaps(seed, "arrivals");
  UnitRequests requests;
  Seconds now;
  for (std::size_t i = 0; i < count; ++i) {
    now += Seconds(gaps.exponential());
    requests.push_back({now, input, output});
  }
  return requests;
}

std::size_t whole_blocks(const Request& request) {
  return std::min(static_cast<std::size_t>(request.input / prompt_block), request.blocks.size());
}

std::size_t reusable_blocks(const Request& request) {
  return std::min(static_cast<std::size_t>((request.input - 1) / prompt_block), request.blocks.size());
}

std::vector<double> repeated_tokens(std::span<const Request> requests) {
  std::unordered_set<std::uint64_t> seen;
  std::vector<double> repeated;
  for (const Request& request : requests) {
    const auto end = request.blocks.begin() + static_cast<std::ptrdiff_t>(reusable_blocks(request));
    const auto first_new =
        std::find_if(request.blocks.begin(), end, [&](std::uint64_t b) { return !seen.contains(b); });
    repeated.push_back(static_cast<double>(first_new - request.blocks.begin()) * prompt_block);
    // a block that is cut short belongs to nobody else
    seen.insert(request.blocks.begin(), request.blocks.begin() + static_cast<std::ptrdiff_t>(whole_blocks(request)));
  }
  return repeated;
}

double repeated_share(const std::vector<Request>& requests) {
  const std::vector<double> repeated = repeated_tokens(requests);
  double all = 0;
  for (const Request& request : requests) {
    all += request.input;
  }
  return all > 0 ? std::accumulate(repeated.begin(), repeated.end(), 0.0) / all : 0;
}

std::vector<Request> sample_stretches(std::vector<Request> recorded, std::size_t most) {
  constexpr std::size_t stretches = 20;
  if (recorded.size() <= most) {
    return recorded;
  }
  const std::size_t length = std::max<std::size_t>(most / stretches, 1);
  std::vector<Request> sample;
  Seconds before;
  for (std::size_t s = 0; s < stretches; ++s) {
    const std::size_t first = s * recorded.size() / stretches;
    for (std::size_t i = first; i < first + length; ++i) {
      sample.push_back(recorded[i]);
      sample.back().arrival = before + (recorded[i].arrival - recorded[first].arrival);
    }
    before += recorded[std::min(first + length, recorded.size() - 1)].arrival - recorded[first].arrival;
  }
  if (sample.back().arrival <= Seconds()) {
    throw InputError(fmt::format(
        "the trace's {} requests are represented by {} stretches of {}, and those of each "
        "arrive at the same time, of which no rate follows",
        with_commas(static_cast<long long>(recorded.size())), stretches, with_commas(static_cast<long long>(length))));
  }
  return sample;
}

namespace {

/// Which of `size` requests one of `copies` machines gets in a pass, ascending: one of each row of so many, at a place
/// by chance that moves on by one with each pass. So no period of the trace's own is met, and as many passes as there
/// are machines take each request once. Where `copies` is not whole, rows begin elsewhere in each pass.
std::vector<std::size_t> own_turns(std::size_t size, double copies, std::size_t pass) {
  constexpr double golden = 0.6180339887498949;
  const double part = golden * static_cast<double>(pass);
  const double shift = copies == std::floor(copies) ? 0 : (part - std::floor(part)) * copies;
  std::vector<std::size_t> turns;
  for (std::size_t row = 0; static_cast<double>(row) * copies - shift < static_cast<double>(size); ++row) {
    const double chance = static_cast<double>(mix(row + 1) >> 11) * 0x1p-53;
    const double place = std::fmod(chance * copies + static_cast<double>(pass), copies);
    const double at = static_cast<double>(row) * copies - shift + place;
    if (at < 0) {
      continue;
    }
    auto turn = static_cast<std::size_t>(at);
    turn = turns.empty() ? turn : std::max(turn, turns.back() + 1);  // rows may share a request at their ends
    if (turn < size) {
      turns.push_back(turn);
    }
  }
  return turns;
}

}  // namespace

UnitRequests scale_to_unit_rate(const std::vector<Request>& recorded, std::size_t passes, double copies) {
  PODIUM_CHECK(!recorded.empty() && copies >= 1);
  const auto size = static_cast<double>(recorded.size());
  const Seconds span = recorded.back().arrival;
  PODIUM_CHECK(span.value() > 0, "a trace of one instant has no rate");
  const double scale = (size - 1) / span.value();
  UnitRequests requests;
  for (std::size_t pass = 0; pass < passes; ++pass) {
    for (const std::size_t turn : own_turns(recorded.size(), copies, pass)) {
      Request& request = requests.emplace_back(recorded[turn]);
      request.arrival = Seconds(static_cast<double>(pass) * size) + request.arrival * scale;
      for (std::uint64_t& block : request.blocks) {
        block += pass * block_names;
      }
    }
  }
  return requests;
}

namespace {

constexpr double latest_arrival = 1e10;  ///< seconds, on whatever clock: three centuries

/// Reads a trace from arrival zero on.
RequestTrace read_requests(const RequestFormats::Value& format, const std::string& path, std::int64_t context) {
  RequestTrace trace;
  std::vector<Request>& requests = trace.requests;
  std::size_t unanswered = 0;
  Seconds start;
  const TakeRequest take = [&](Request request, const Location& where) {
    unanswered += request.output == 0 ? 1 : 0;
    request.output = std::max(request.output, 1U);
    if (!(std::abs(request.arrival.value()) <= latest_arrival)) {
      throw InputError(where, fmt::format("an arrival at {} s is beyond sense", request.arrival.value()));
    }
    start = requests.empty() ? request.arrival : start;
    request.arrival -= start;
    if (!requests.empty() && request.arrival < requests.back().arrival) {
      throw InputError(where, "the request arrives before the one above it");
    }
    if (const std::int64_t tokens = std::int64_t{request.input} + request.output; tokens > context) {
      throw InputError(where, "a request has " + with_commas(tokens) + " tokens, but the model takes at most " +
                                  with_commas(context));
    }
    requests.push_back(request);
  };
  format.read(path, take, trace.notes);
  if (unanswered > 0) {
    trace.notes.insert(with_commas(static_cast<long long>(unanswered)) +
                       " requests have an answer of no token: their prompts are served, with an answer of one");
  }
  return trace;
}

/// A trace of which no rate follows is an InputError.
void insist_on_a_rate(const std::vector<Request>& requests, const std::string& path) {
  if (requests.empty()) {
    throw InputError(Location{path}, "the trace has no request");
  }
  if (requests.back().arrival <= Seconds()) {
    throw InputError(Location{path}, requests.size() == 1
                                         ? "the trace has one request, of which no rate follows: two are the least"
                                         : "all " + std::to_string(requests.size()) +
                                               " requests arrive at the same time, of which no rate follows");
  }
}

std::string no_known_format(const std::string& head) {
  if (head.empty()) {
    return "the file is empty: a request trace has one request a line";
  }
  std::string line = head.substr(0, std::min<std::size_t>(head.find_first_of("\r\n"), 100));
  for (char& c : line) {
    c = std::isprint(static_cast<unsigned char>(c)) != 0 ? c : '?';
  }
  std::string known;
  for (const std::string& name : RequestFormats::names()) {
    known += (known.empty() ? "" : "; ") + RequestFormats::description(name);
  }
  return "not a request trace of a known format: it begins with '" + line + "'; known are " + known;
}

}  // namespace

std::vector<Request> load_requests(const std::string& path, const Location& where, std::int64_t context) {
  return load_request_trace(path, where, context).requests;
}

RequestTrace load_request_trace(const std::string& path, const Location& where, std::int64_t context) {
  InputStream file(path, "the request trace", where);
  std::string head(4096, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  for (const std::string& name : RequestFormats::names()) {
    const auto& format = RequestFormats::find(name);
    if (!format.recognises(head)) {
      continue;
    }
    RequestTrace trace = read_requests(format, path, context);
    insist_on_a_rate(trace.requests, path);
    return trace;
  }
  throw InputError(Location{path}, no_known_format(head));
}

std::string requests_csv(const std::vector<Request>& requests) {
  std::string text = "arrival,input,output\n";
  for (const Request& request : requests) {
    text += fmt::format("{},{},{}\n", request.arrival.value(), request.input, request.output);
  }
  return text;
}

}  // namespace podium
