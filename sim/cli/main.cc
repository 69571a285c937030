// `podium`: finds the subcommands that registered themselves and maps errors to exit statuses:
// 0 done, 1 the run failed, 2 the command or an input was wrong.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>
#include <iostream>
#include <map>
#include <new>
#include <vector>

#include "sim/cli/command.h"
#include "sim/config/config.h"
#include "sim/core/check.h"
#include "sim/core/large_pages.h"

namespace podium {

void add_format_option(CLI::App& app, OutputFormat& format) {
  const auto parse = [&format](const std::string& text) {
    const std::vector<std::string> names{"text", "json", "csv"};  // in the order of OutputFormat
    const auto found = std::find(names.begin(), names.end(), text);
    if (found == names.end()) {
      throw InputError("--format: " + unknown_name("format", text, names));
    }
    format = static_cast<OutputFormat>(found - names.begin());
  };
  app.add_option_function<std::string>("--format", parse, "How to print results")->option_text("text|json|csv");
}

Bytes parse_size(std::string text, const Location& where) {
  const std::size_t unit = text.find_first_not_of("0123456789.,");
  if (unit == std::string::npos && !text.empty()) {
    text += " B";
  } else if (unit != std::string::npos && unit > 0 && text[unit] != ' ') {
    text.insert(unit, " ");
  }
  const Bytes size = parse_quantity<Bytes>(text, where);
  if (size.value() != std::floor(size.value())) {
    throw InputError(where, "'" + text + "' is not a whole number of bytes");
  }
  return size;
}

namespace {

/// The subcommand that the arguments chose, or the program itself.
const CLI::App& chosen(const CLI::App& app) {
  const std::vector<CLI::App*> commands = app.get_subcommands();
  return commands.empty() ? app : *commands.front();
}

/// What to say where the arguments hold something that the command does not know.
std::string unexpected(const CLI::App& command, const std::string& word) {
  std::vector<std::string> options;
  for (const CLI::Option* option : command.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      options.push_back("--" + name);
    }
  }
  const std::string name = word.substr(0, word.find('='));
  return word.starts_with("-") ? unknown_name("option", name, options) : "unexpected argument '" + word + "'";
}

/// Parses the arguments and does what they ask for; the status to exit with.
int run(int argc, char** argv) {
  CLI::App app{"Podium compares AI accelerator systems by discrete-event simulation.", "podium"};
  app.set_version_flag("--version", std::string("podium ") + PODIUM_VERSION);
  app.get_formatter()->label("SUBCOMMAND", "COMMAND");
  app.footer("'podium COMMAND --help' says more about a command, with an example.");
  std::map<const CLI::App*, std::function<int()>> actions;
  const std::vector<std::string> names = Commands::names();
  for (const std::string& name : names) {
    CLI::App* command = app.add_subcommand(name, Commands::description(name))->group("Commands");
    actions[command] = Commands::find(name)(*command);
  }
  if (argc < 2) {
    std::cerr << app.help();
    return 2;
  }
  if (argv[1][0] != '-' && std::find(names.begin(), names.end(), argv[1]) == names.end()) {
    throw InputError(unknown_name("command", argv[1], names));
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    // a misspelt option says more than that a required one is missing
    if (const std::vector<std::string> unknown = app.remaining(true); !unknown.empty()) {
      throw InputError(unexpected(chosen(app), unknown.front()));
    }
    throw InputError(fmt::format("{} ('podium {} --help' says how)", error.what(), chosen(app).get_name()));
  }
  if (app.get_subcommands().empty()) {
    throw InputError(fmt::format("a command is missing; there are: {}", fmt::join(names, ", ")));
  }
  return actions.at(&chosen(app))();
}

}  // namespace
}  // namespace podium

int main(int argc, char** argv) {
  podium::begin_with_large_pages(argv);
  try {
    const int status = podium::run(argc, argv);
    if (!std::cout.flush()) {
      throw podium::RunError("the results could not be written to standard output");
    }
    return status;
  } catch (const podium::InputError& error) {
    std::cerr << "podium: " << error.what() << '\n';
    return 2;
  } catch (const podium::RunError& error) {
    std::cerr << "podium: the run failed: " << error.what() << '\n';
    return 1;
  } catch (const std::bad_alloc&) {
    std::cerr << "podium: the run failed: there is not enough memory for this input\n";
    return 1;
  } catch (const std::exception& error) {
    std::cerr << "podium: internal error, please report it: " << error.what() << '\n';
    return 1;
  }
}
