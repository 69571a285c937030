// The Mooncake traces: one JSON object a line, timestamp in milliseconds, input_length and output_length in tokens.
#include <nlohmann/json.hpp>

#include "sim/core/input_stream.h"
#include "sim/serving/csv.h"
#include "sim/serving/request.h"

namespace podium {
namespace {

bool recognises(const std::string& head) {
  return head.rfind('{', 0) == 0 && head.find("\"input_length\"") != std::string::npos;
}

double number(const nlohmann::json& object, const char* key, const Location& where) {
  if (!object.is_object() || !object.contains(key) || !object[key].is_number() || object[key].get<double>() < 0) {
    throw InputError(where, std::string("an object with a number '") + key + "' is expected");
  }
  return object[key].get<double>();
}

void read(const std::string& path, const TakeRequest& take) {
  InputStream file(path, "the request trace");
  Location where{path, 0, 0};
  for (std::string line; std::getline(file, line);) {
    ++where.line;
    if (line.empty()) {
      continue;
    }
    const nlohmann::json object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_discarded()) {
      throw InputError(where, "not a JSON object");
    }
    // a recorded answer of no token still is a request with its prompt
    const double output = std::max(1.0, number(object, "output_length", where));
    take({Seconds(number(object, "timestamp", where) * 1e-3), to_tokens(number(object, "input_length", where), where),
          to_tokens(output, where)},
         where);
  }
}

const RequestFormats::Entry mooncake{
    "mooncake-jsonl",
    "Mooncake's JSON lines with timestamp (milliseconds), input_length and output_length",
    {recognises, read}};

}  // namespace
}  // namespace podium
