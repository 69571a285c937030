#include "sim/serving/request.h"

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
  // a trace of one instant has no rate of its own: its requests come evenly
  const Seconds span = recorded.back().arrival;
  const double scale = span.value() > 0 ? size / span.value() : 0;
  UnitRequests requests;
  for (std::size_t i = 0; i < count; ++i) {
    Request request = recorded[i % recorded.size()];
    const std::size_t passes = i / recorded.size();
    request.arrival = Seconds(static_cast<double>(passes) * size) + request.arrival * scale;
    requests.push_back(request);
  }
  return requests;
}

std::vector<Request> load_requests(const std::string& path, const Location& where) {
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
    return requests;
  }
  std::string known;
  for (const std::string& name : RequestFormats::names()) {
    known += (known.empty() ? "" : ", ") + name;
  }
  throw InputError(Location{path}, "not a request trace of a known format (" + known + ")");
}

}  // namespace podium
