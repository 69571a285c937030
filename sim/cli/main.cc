// `podium`: finds the subcommands that registered themselves and maps errors to exit statuses:
// 0 done, 1 the run failed, 2 the command or an input was wrong.
#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <vector>

#include "sim/cli/command.h"
#include "sim/core/check.h"

namespace podium {

void add_format_option(CLI::App& app, OutputFormat& format) {
  static const std::map<std::string, OutputFormat> formats{
      {"text", OutputFormat::text}, {"json", OutputFormat::json}, {"csv", OutputFormat::csv}};
  app.add_option("--format", format, "How to print results: text, json or csv")
      ->transform(CLI::CheckedTransformer(formats))
      ->option_text("text|json|csv");
}

namespace {

int run(int argc, char** argv) {
  CLI::App app{"Podium compares AI accelerator systems by discrete-event simulation.", "podium"};
  app.set_version_flag("--version", std::string("podium ") + PODIUM_VERSION);
  app.require_subcommand(1);
  app.failure_message(CLI::FailureMessage::simple);
  std::map<const CLI::App*, std::function<int()>> actions;
  const std::vector<std::string> names = Commands::names();
  for (const std::string& name : names) {
    CLI::App* command = app.add_subcommand(name, Commands::description(name));
    actions[command] = Commands::find(name)(*command);
  }
  if (argc > 1 && argv[1][0] != '-' && app.get_subcommand_no_throw(argv[1]) == nullptr) {
    throw InputError(unknown_name("command", argv[1], names));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error, std::cout, std::cerr) == 0 ? 0 : 2;
  }
  return actions.at(app.get_subcommands().front())();
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  try {
    return podium::run(argc, argv);
  } catch (const podium::InputError& error) {
    std::cerr << "podium: " << error.what() << '\n';
    return 2;
  } catch (const podium::RunError& error) {
    std::cerr << "podium: the run failed: " << error.what() << '\n';
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "podium: internal error, please report it: " << error.what() << '\n';
    return 1;
  }
}
