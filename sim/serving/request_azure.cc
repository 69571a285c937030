// The Azure LLM inference traces: CSV with TIMESTAMP (UTC, to 100 ns), ContextTokens, GeneratedTokens.
#include <cstdlib>

#include "sim/core/text.h"
#include "sim/serving/csv.h"
#include "sim/serving/request.h"

namespace podium {
namespace {

/// Days since 1970-01-01 of a date of the Gregorian calendar (H. Hinnant, days_from_civil).
std::int64_t days_since_epoch(std::int64_t year, std::int64_t month, std::int64_t day) {
  year -= month <= 2 ? 1 : 0;
  const std::int64_t era = year / 400;
  const std::int64_t year_of_era = year - era * 400;
  const std::int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/// "2023-11-16 18:15:46.6805900", as seconds since `first_day`, set from the first row.
Seconds parse_timestamp(const std::string& text, std::int64_t& first_day, const Location& where) {
  const auto number = [&](std::size_t begin, std::size_t length) {
    return parse_number(text.substr(begin, length), where);
  };
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') {
    throw InputError(where, "'" + text + "' is not a time stamp (like 2023-11-16 18:15:46.6805900)");
  }
  const std::int64_t day =
      days_since_epoch(static_cast<std::int64_t>(number(0, 4)), static_cast<std::int64_t>(number(5, 2)),
                       static_cast<std::int64_t>(number(8, 2)));
  if (first_day < 0) {
    first_day = day;
  }
  return Seconds(static_cast<double>(day - first_day) * 86400 + number(11, 2) * 3600 + number(14, 2) * 60 +
                 number(17, std::string::npos));
}

bool recognises(const std::string& head) { return head.rfind("TIMESTAMP,ContextTokens,GeneratedTokens", 0) == 0; }

std::vector<Request> read(const std::string& path) {
  std::vector<Request> requests;
  std::int64_t first_day = -1;
  read_csv(path, {"TIMESTAMP", "ContextTokens", "GeneratedTokens"},
           [&](const std::vector<std::string>& fields, const Location& where) {
             requests.push_back({parse_timestamp(fields[0], first_day, where), parse_tokens(fields[1], where),
                                 parse_tokens(fields[2], where)});
           });
  return requests;
}

const RequestFormats::Entry azure{
    "azure-csv", "Azure's CSV with TIMESTAMP, ContextTokens and GeneratedTokens", {recognises, read}};

}  // namespace
}  // namespace podium
