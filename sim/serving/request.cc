#include "sim/serving/request.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>

#include "sim/core/rng.h"

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

UnitRequests scale_to_unit_rate(const std::vector<Request>& recorded, std::size_t count) {
  PODIUM_CHECK(!recorded.empty());
  const auto size = static_cast<double>(recorded.size());
  const Seconds span = recorded.back().arrival;
  PODIUM_CHECK(span.value() > 0, "a trace of one instant has no rate");
  const double scale = size / span.value();
  UnitRequests requests;
  for (std::size_t i = 0; i < count; ++i) {
    Request request = recorded[i % recorded.size()];
    const std::size_t passes = i / recorded.size();
    request.arrival = Seconds(static_cast<double>(passes) * size) + request.arrival * scale;
    requests.push_back(request);
  }
  return requests;
}

namespace {

/// Arrivals from zero on. A trace of which no rate follows, or that goes back in time, is an InputError.
void start_at_zero(std::vector<Request>& requests, const std::string& path) {
  if (requests.empty()) {
    throw InputError(Location{path}, "the trace has no request");
  }
  const Seconds start = requests.front().arrival;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    requests[i].arrival -= start;
    if (i > 0 && requests[i].arrival < requests[i - 1].arrival) {
      throw InputError(Location{path}, "request " + std::to_string(i + 1) + " arrives before the one above it");
    }
  }
  if (requests.back().arrival <= Seconds()) {
    throw InputError(Location{path}, requests.size() == 1
                                         ? "the trace has one request, of which no rate follows: two are the least"
                                         : "all " + std::to_string(requests.size()) +
                                               " requests arrive at the same time, of which no rate follows");
  }
}

std::string no_known_format(const std::string& head) {
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

std::vector<Request> load_requests(const std::string& path, const Location& where) {
  if (std::filesystem::is_directory(path)) {
    throw InputError(where, "'" + path + "' is a folder, not a request trace");
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    throw InputError(where, "cannot read the request trace '" + path + "'");
  }
  std::string head(4096, '\0');
  file.read(head.data(), static_cast<std::streamsize>(head.size()));
  head.resize(static_cast<std::size_t>(file.gcount()));
  for (const std::string& name : RequestFormats::names()) {
    const auto& format = RequestFormats::find(name);
    if (!format.recognises(head)) {
      continue;
    }
    std::vector<Request> requests = format.read(path);
    start_at_zero(requests, path);
    return requests;
  }
  throw InputError(Location{path}, no_known_format(head));
}

}  // namespace podium
