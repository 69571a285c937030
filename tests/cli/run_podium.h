#pragma once

#include <string>

namespace podium::test {

/// What a run of the program gave.
struct Outcome {
  int status = -1;
  std::string output;  ///< stdout
  std::string errors;  ///< stderr
};

/// Runs `podium ARGUMENTS` in the root of the sources; the arguments are words for the shell.
Outcome run_podium(const std::string& arguments);

/// A wrong command: status 2, nothing on stdout, one line that names the problem on stderr.
void expect_refused(const std::string& arguments, const std::string& problem);

}  // namespace podium::test
