// podium requests: what a request trace holds, and the same as plain CSV.
#include <fmt/format.h>
#include <fmt/ostream.h>

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>
#include <nlohmann/json.hpp>

#include "sim/cli/results.h"
#include "sim/core/quantile.h"
#include "sim/report/json_text.h"
#include "sim/serving/request.h"

namespace podium {
namespace {

struct RequestsOptions {
  std::string trace, out;
  OutputFormat format = OutputFormat::text;
};

struct Lengths {
  double mean = 0, median = 0, p99 = 0, most = 0;
};

Lengths lengths(const std::vector<Request>& requests, std::uint32_t Request::*tokens) {
  std::vector<double> values;
  double sum = 0;
  for (const Request& request : requests) {
    values.push_back(request.*tokens);
    sum += values.back();
  }
  std::sort(values.begin(), values.end());
  return {sum / static_cast<double>(values.size()), quantile(values, 0.5), quantile(values, 0.99), values.back()};
}

nlohmann::ordered_json to_object(const Lengths& tokens) {
  return {{"mean", tokens.mean}, {"p50", tokens.median}, {"p99", tokens.p99}, {"max", tokens.most}};
}

std::string to_line(const char* name, const Lengths& tokens) {
  return fmt::format("{:<15}  mean {:.1f}, median {:.0f}, p99 {:.0f}, longest {:.0f}\n", name, tokens.mean,
                     tokens.median, tokens.p99, tokens.most);
}

int run_requests(const RequestsOptions& options) {
  if (!options.out.empty()) {
    check_folder(std::filesystem::absolute(options.out).parent_path());
  }
  const auto [requests, notes] = load_request_trace(options.trace);
  const Seconds span = requests.back().arrival;
  const double rate = static_cast<double>(requests.size()) / span.value();
  const Lengths input = lengths(requests, &Request::input), output = lengths(requests, &Request::output);
  if (!options.out.empty()) {
    write_file(options.out, requests_csv(requests));
  }
  switch (options.format) {
    case OutputFormat::csv:
      std::cout << requests_csv(requests);
      break;
    case OutputFormat::json:
      std::cout << json_text(nlohmann::ordered_json{{"requests", requests.size()},
                                                    {"span_seconds", span.value()},
                                                    {"rate_per_second", rate},
                                                    {"input_tokens", to_object(input)},
                                                    {"output_tokens", to_object(output)},
                                                    {"notes", notes}});
      break;
    case OutputFormat::text:
      fmt::print(std::cout, "{:<15}  {} over {}, {:.3g} /s\n", "requests",
                 with_commas(static_cast<long long>(requests.size())), to_text(span), rate);
      std::cout << to_line("input (tokens)", input) << to_line("output (tokens)", output);
      for (const std::string& note : notes) {
        std::cout << "note: " << note << '\n';
      }
      break;
  }
  return 0;
}

std::function<int()> requests(CLI::App& app) {
  const auto options = std::make_shared<RequestsOptions>();
  std::string formats;
  for (const std::string& name : RequestFormats::names()) {
    formats += fmt::format("  {:<17} {}\n", name, RequestFormats::description(name));
  }
  app.footer("Formats, found by content, through gzip and zstd:\n" + formats +
             "\nWith --format csv the requests themselves are printed.\n\n"
             "Example: podium requests azure_llm_2023_conv.csv --out requests.csv");
  app.add_option("trace", options->trace, "A request trace")->required();
  app.add_option("--out", options->out, "File for the requests as CSV: arrival (seconds), input, output (tokens)");
  add_format_option(app, options->format);
  return [options] { return run_requests(*options); };
}

const Commands::Entry requests_entry{"requests", "Tell what a request trace holds, or convert it to CSV", requests};

}  // namespace
}  // namespace podium
