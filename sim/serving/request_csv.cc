// Request traces as CSV: our own plain form, also with times in whole nanoseconds, Vidur's, splitwise-sim's,
// BurstGPT's.
#include "sim/serving/csv.h"
#include "sim/serving/request.h"

namespace podium {
namespace {

void read_columns(const std::string& path, const std::vector<std::string>& columns, double unit,
                  const TakeRequest& take) {
  read_csv(path, columns, [&](const std::vector<std::string>& fields, const Location& where) {
    take({Seconds(parse_plain_number(fields[0], where) * unit), parse_tokens(fields[1], where),
          parse_tokens(fields[2], where)},
         where);
  });
}

bool has_columns(const std::string& head, const std::vector<std::string>& columns) {
  const std::string header = "," + head.substr(0, head.find_first_of("\r\n")) + ",";
  for (const std::string& column : columns) {
    if (header.find("," + column + ",") == std::string::npos) {
      return false;
    }
  }
  return true;
}

const std::vector<std::string>& plain_columns() {
  static const std::vector<std::string> columns{"arrival", "input", "output"};
  return columns;
}
const std::vector<std::string>& nanosecond_columns() {
  static const std::vector<std::string> columns{"arrival_time_ns", "input_toks", "output_toks"};
  return columns;
}
const std::vector<std::string>& vidur_columns() {
  static const std::vector<std::string> columns{"arrived_at", "num_prefill_tokens", "num_decode_tokens"};
  return columns;
}
const std::vector<std::string>& splitwise_columns() {
  static const std::vector<std::string> columns{"arrival_timestamp", "prompt_size", "token_size"};
  return columns;
}
const std::vector<std::string>& burst_columns() {
  static const std::vector<std::string> columns{"Timestamp", "Request tokens", "Response tokens"};
  return columns;
}

bool is_plain(const std::string& head) { return has_columns(head, plain_columns()); }
bool is_nanosecond(const std::string& head) { return has_columns(head, nanosecond_columns()); }
bool is_vidur(const std::string& head) { return has_columns(head, vidur_columns()); }
bool is_splitwise(const std::string& head) { return has_columns(head, splitwise_columns()); }
bool is_burst(const std::string& head) { return has_columns(head, burst_columns()); }
void read_plain(const std::string& path, const TakeRequest& take, std::set<std::string>&) {
  read_columns(path, plain_columns(), 1, take);
}
void read_nanosecond(const std::string& path, const TakeRequest& take, std::set<std::string>&) {
  read_columns(path, nanosecond_columns(), 1e-9, take);
}
void read_vidur(const std::string& path, const TakeRequest& take, std::set<std::string>&) {
  read_columns(path, vidur_columns(), 1, take);
}
void read_splitwise(const std::string& path, const TakeRequest& take, std::set<std::string>&) {
  read_columns(path, splitwise_columns(), 1, take);
}

/// A response of no token is a call that failed (BurstGPT, arXiv 2401.17644): its prompt was served all the same.
void read_burst(const std::string& path, const TakeRequest& take, std::set<std::string>&) {
  read_csv(path, burst_columns(), [&](const std::vector<std::string>& fields, const Location& where) {
    take({Seconds(parse_plain_number(fields[0], where)), parse_tokens(fields[1], where),
          to_answer_tokens(parse_plain_number(fields[2], where), where)},
         where);
  });
}

const RequestFormats::Entry plain{
    "plain-csv", "CSV with arrival (seconds), input and output (tokens)", {is_plain, read_plain}};
const RequestFormats::Entry nanosecond{"nanosecond-csv",
                                       "CSV with arrival_time_ns (nanoseconds), input_toks and output_toks (tokens)",
                                       {is_nanosecond, read_nanosecond}};
const RequestFormats::Entry vidur{"vidur-csv",
                                  "CSV of Vidur and Splitwise with arrived_at (seconds), num_prefill_tokens and "
                                  "num_decode_tokens",
                                  {is_vidur, read_vidur}};
const RequestFormats::Entry splitwise{
    "splitwise-csv",
    "splitwise-sim's CSV with arrival_timestamp (seconds), prompt_size and token_size (tokens)",
    {is_splitwise, read_splitwise}};
const RequestFormats::Entry burst{"burstgpt-csv",
                                  "BurstGPT's CSV with Timestamp (seconds), Request tokens and Response tokens",
                                  {is_burst, read_burst}};

}  // namespace
}  // namespace podium
