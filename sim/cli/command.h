#pragma once

#include <functional>
#include <string>

#include "sim/core/registry.h"
#include "sim/core/units.h"

namespace CLI {
class App;
}

namespace podium {

/// A subcommand of `podium`: adds its options to `app` and returns what to run after parsing (the exit status). One
/// command a file; the file registers itself. Results go to stdout, everything else to stderr.
struct CommandKind {
  static constexpr const char* what = "command";
  using Value = std::function<int()> (*)(CLI::App& app);
};
using Commands = Registry<CommandKind>;

/// The --format of commands that print results.
enum class OutputFormat { text, json, csv };
/// Adds `--format text|json|csv` bound to `format`.
void add_format_option(CLI::App& app, OutputFormat& format);

/// "64 MiB", "64MiB", or a bare number of bytes; whole.
Bytes parse_size(std::string text, const Location& where);

}  // namespace podium
