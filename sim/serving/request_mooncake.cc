// The Mooncake traces: one JSON object a line, timestamp in milliseconds, input_length and output_length in tokens.
#include <cmath>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "sim/core/input_stream.h"
#include "sim/serving/csv.h"
#include "sim/serving/request.h"

namespace podium {
namespace {

bool recognises_mooncake(const std::string& head) {
  return head.rfind('{', 0) == 0 && head.find("\"input_length\"") != std::string::npos;
}

nlohmann::json parse(const std::string& line, const Location& where) {
  using Event = nlohmann::json::parse_event_t;
  std::set<std::string> keys;
  nlohmann::json object = nlohmann::json::parse(
      line,
      [&](int depth, Event event, const nlohmann::json& parsed) {
        if (depth == 1 && event == Event::key && !keys.insert(parsed.get<std::string>()).second) {
          throw InputError(where, "'" + parsed.get<std::string>() + "' is there twice");
        }
        return true;
      },
      false);
  if (object.is_discarded()) {
    throw InputError(where, "not a JSON object");
  }
  return object;
}

double number(const nlohmann::json& object, const char* key, const Location& where) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number() || object[key].get<double>() < 0) {
    throw InputError(where, std::string("an object with a number '") + key + "' is expected");
  }
  return object[key].get<double>();
}

/// Names of the prompt's blocks; none where the line has no `hash_ids`.
std::vector<std::uint64_t> blocks(const nlohmann::json& object, std::uint32_t input, const Location& where) {
  std::vector<std::uint64_t> result;
  if (!object.contains("hash_ids")) {
    return result;
  }
  for (const nlohmann::json& id : object["hash_ids"]) {
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= block_names) {
      throw InputError(where, "'hash_ids' is no list of whole numbers below 2^40");
    }
    result.push_back(id.get<std::uint64_t>());
  }
  const auto needed = static_cast<std::size_t>(std::ceil(input / prompt_block));
  if (!result.empty() && result.size() != needed) {
    throw InputError(where, std::to_string(result.size()) + " hash_ids for a prompt of " + std::to_string(input) +
                                " tokens, which has " + std::to_string(needed) + " blocks of 512");
  }
  return result;
}

void read_mooncake(const std::string& path, const TakeRequest& take, std::set<std::string>&) {
  InputStream file(path, "the request trace");
  Location where{path, 0, 0};
  for (std::string line; std::getline(file, line);) {
    ++where.line;
    if (line.empty()) {
      continue;
    }
    const nlohmann::json object = parse(line, where);
    const std::uint32_t input = to_tokens(number(object, "input_length", where), where);
    take({Seconds(number(object, "timestamp", where) * 1e-3), input,
          to_answer_tokens(number(object, "output_length", where), where), blocks(object, input, where)},
         where);
  }
}

const RequestFormats::Entry mooncake{
    "mooncake-jsonl",
    "Mooncake's JSON lines with timestamp (milliseconds), input_length, output_length, and hash_ids of 512 tokens each",
    {recognises_mooncake, read_mooncake}};

}  // namespace
}  // namespace podium
