#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

namespace podium::test {

/// What `podium collective ARGUMENTS` prints as JSON: it ends well and has nothing to complain of.
nlohmann::json run_json(const std::string& arguments);
/// The time of its first size.
double seconds_of(const std::string& arguments);
void expect_refused_collective(const std::string& arguments, const std::string& problem);

}  // namespace podium::test
