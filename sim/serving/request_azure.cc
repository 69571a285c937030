// The Azure LLM inference traces: CSV with TIMESTAMP (UTC to 100 ns, or with a zone), ContextTokens, GeneratedTokens.
#include <algorithm>
#include <chrono>

#include "sim/core/text.h"
#include "sim/serving/csv.h"
#include "sim/serving/request.h"

namespace podium {
namespace {

/// How far the clocks of a time stamp's zone are ahead of UTC: behind the seconds stands "+05:30", "Z" or nothing.
double seconds_ahead(std::string_view zone, const Location& where) {
  if (zone.empty() || zone == "Z") {
    return 0;
  }
  if (zone.size() != 6 || zone[3] != ':') {
    throw InputError(where, "'" + std::string(zone) + "' is no time zone (like +00:00)");
  }
  const auto count = [&](std::size_t begin) { return static_cast<double>(parse_count(zone.substr(begin, 2), where)); };
  const double hours = count(1), minutes = count(4);
  if (hours > 14 || minutes > 59) {
    throw InputError(where, "'" + std::string(zone) + "' is no time zone: they lie from -14:00 to +14:00");
  }
  return (zone[0] == '-' ? -1 : 1) * (hours * 3600 + minutes * 60);
}

/// "2023-11-16 18:15:46.6805900", which may have a zone, as seconds since `first_day`, set from the first row.
Seconds parse_timestamp(const std::string& text, std::int64_t& first_day, const Location& where) {
  const auto whole = [&](std::size_t begin, std::size_t length) {
    return static_cast<unsigned>(parse_count(text.substr(begin, length), where));
  };
  constexpr std::size_t seconds_at = 17;
  if (text.size() < 19 || text[4] != '-' || text[7] != '-' || text[13] != ':' || text[16] != ':') {
    throw InputError(where, "'" + text + "' is not a time stamp (like 2023-11-16 18:15:46.6805900)");
  }
  const std::chrono::year_month_day date(std::chrono::year(static_cast<int>(whole(0, 4))),
                                         std::chrono::month(whole(5, 2)), std::chrono::day(whole(8, 2)));
  const unsigned hour = whole(11, 2), minute = whole(14, 2);
  const std::size_t zone = std::min(text.find_first_of("+-Z", seconds_at), text.size());
  const double second = parse_plain_number(text.substr(seconds_at, zone - seconds_at), where);
  if (!date.ok() || hour >= 24 || minute >= 60 || !(second >= 0 && second < 61)) {
    throw InputError(where, "'" + text + "' is no date and time of day");
  }
  const std::int64_t day = std::chrono::sys_days(date).time_since_epoch().count();
  if (first_day < 0) {
    first_day = day;
  }
  const double ahead = seconds_ahead(std::string_view(text).substr(zone), where);
  return Seconds(static_cast<double>(day - first_day) * 86400 + hour * 3600.0 + minute * 60.0 + second - ahead);
}

bool recognises_azure(const std::string& head) { return head.rfind("TIMESTAMP,ContextTokens,GeneratedTokens", 0) == 0; }

void read_azure(const std::string& path, const TakeRequest& take, std::set<std::string>&) {
  std::int64_t first_day = -1;
  read_csv(path, {"TIMESTAMP", "ContextTokens", "GeneratedTokens"},
           [&](const std::vector<std::string>& fields, const Location& where) {
             take({parse_timestamp(fields[0], first_day, where), parse_tokens(fields[1], where),
                   parse_tokens(fields[2], where)},
                  where);
           });
}

const RequestFormats::Entry azure{
    "azure-csv", "Azure's CSV with TIMESTAMP, ContextTokens and GeneratedTokens", {recognises_azure, read_azure}};

}  // namespace
}  // namespace podium
