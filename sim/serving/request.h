#pragma once

#include <cstdint>
#include <functional>
#include <limits>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "sim/core/registry.h"
#include "sim/core/units.h"

namespace podium {

/// One request as a client sends it. Servers never look at `output` before it has been produced.
struct Request {
  Seconds arrival;
  std::uint32_t input = 0;   ///< tokens, at least 1
  std::uint32_t output = 0;  ///< tokens, at least 1
  /// Names of the prompt's blocks of `prompt_block` tokens, the last of which may be cut short: the name of a block is
  /// that of all tokens up to its end, so that two prompts begin alike as far as their names are the same. Empty where
  /// the trace does not tell.
  std::vector<std::uint64_t> blocks = {};
};

/// Tokens of a block with a name (Mooncake's traces: Qin et al., FAST '25, section 4, "hash_ids").
constexpr double prompt_block = 512;

/// Names of blocks in a trace are below this.
constexpr std::uint64_t block_names = std::uint64_t{1} << 40;

/// Blocks of a prompt that are not cut short, and those of them that may be taken over from another: at least one token
/// of a prompt is always computed.
std::size_t whole_blocks(const Request&);
std::size_t reusable_blocks(const Request&);

/// Of each request the tokens of its prompt that lie in whole blocks which an earlier prompt had already: what a cache
/// that forgets nothing could reuse.
std::vector<double> repeated_tokens(std::span<const Request>);
/// Their share of all prompt tokens.
double repeated_share(const std::vector<Request>&);

/// A stream of requests with a mean rate of one request per second: scaled in time to offer any rate, so that two rates
/// are compared on the same draws.
using UnitRequests = std::vector<Request>;

/// Poisson arrivals of equal requests.
UnitRequests poisson_requests(std::size_t count, std::uint32_t input, std::uint32_t output, std::uint64_t seed);

/// What stands for a long stream: some stretches of it, evenly spread and moved together, of `most` requests in all.
/// The stream itself where it is no longer. InputError where no rate follows of these.
std::vector<Request> sample_stretches(std::vector<Request> recorded, std::size_t most);

/// So many passes of a recorded stream, scaled to a mean rate of one. The next pass begins one mean gap after the last
/// request of the one before, with prompts that have nothing in common with those, so that any pass, from wherever in
/// the stream, lasts as many time units as the stream has requests. Of `copies` machines that share the stream, what
/// one gets: one request of so many in a row, at its time, and another in each pass. The stream spans some time.
UnitRequests scale_to_unit_rate(const std::vector<Request>& recorded, std::size_t passes, double copies = 1);

/// Gets the requests of a trace one by one, and where each stands.
using TakeRequest = std::function<void(const Request&, const Location&)>;

/// What a trace holds, and what of it was left out or read in one of several ways.
struct RequestTrace {
  std::vector<Request> requests;
  std::set<std::string> notes;
};

/// A format of request traces: tells by a file's beginning whether it is its own, and reads it whole. One a file.
struct RequestFormatKind {
  static constexpr const char* what = "request format";
  struct Value {
    bool (*recognises)(const std::string& head);
    void (*read)(const std::string& path, const TakeRequest& take, std::set<std::string>& notes);
  };
};
using RequestFormats = Registry<RequestFormatKind>;

/// Reads a trace, format found by content, through gzip and zstd. Arrivals are made to start at zero; they must not go
/// back in time, nor all be the same. A request may have `context` tokens at most, input and output together.
RequestTrace load_request_trace(const std::string& path, const Location& where = {},
                                std::int64_t context = std::numeric_limits<std::int64_t>::max());
/// Its requests alone.
std::vector<Request> load_requests(const std::string& path, const Location& where = {},
                                   std::int64_t context = std::numeric_limits<std::int64_t>::max());

/// The plain form, `arrival` (seconds), `input` and `output` (tokens), which `load_requests` reads back exactly.
std::string requests_csv(const std::vector<Request>&);

}  // namespace podium
