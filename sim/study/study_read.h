#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "sim/config/config.h"
#include "sim/study/study.h"

namespace podium {

// What the readers of a study's file have in common. InputError, at its node, where something is wrong.

/// The items of a list that says nothing where it is empty.
std::vector<Node> some(const Node& list);
/// A whole number from 1 to 1,000,000.
std::uint32_t positive(const Node&);
/// The items of a list, or one value, each once.
std::vector<std::uint32_t> distinct_counts(const Node&);
Seconds positive_time(const Node&);
/// A name of a file in a folder of Podium's data, or a path.
std::string known_file(std::string_view folder, const Node&);
/// Refuses a name that was there before.
void insist_on_new(std::vector<std::string>& seen, const std::string& name, const Node&);
/// The path of a file that a study names: from the study's own folder.
std::string beside(const Node&);

/// Requests that a model of `context` tokens takes.
Arrivals recorded_arrivals(const std::string& trace, const Location& where, int context);
Workload read_workload(const Study&, const Node&);

}  // namespace podium
