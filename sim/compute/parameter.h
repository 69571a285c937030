#pragma once

#include <functional>
#include <string>
#include <vector>

#include "sim/config/config.h"

namespace podium {

/// One figure of a model that can be fitted: its name in the file, where it is, and what physics allows, in SI units.
struct Parameter {
  enum class Unit { none, seconds, bytes_per_second };
  std::string name;  ///< "start", "types.fp8.compute"
  double* value;
  Unit unit;
  double low, high;
};

/// The value as a file has it, with its unit.
std::string figure_text(const Parameter& parameter);

/// The lines of a file: common figures, then those of each type or operation ("types.fp8.compute") in a mapping of its
/// own, which begins with what `chosen` makes of its name.
std::string figures_text(
    const std::vector<Parameter>& parameters,
    const std::function<std::string(const std::string&)>& chosen = [](const std::string&) { return std::string(); });

/// A fitted figure as a member of `Owner`. What a library has no use for is left out of its file.
template <class Owner>
struct ParameterEntry {
  const char* name;
  double Owner::*value;
  double low, high;
  Parameter::Unit unit;
  bool needed = true;
};

/// Reads a figure; InputError at its place where it is outside of its bounds.
void read_parameter(const Parameter& parameter, const Node& node);

/// Reads an owner's figures from the mapping that has them.
template <class Owner, std::size_t count>
void read_parameters(const ParameterEntry<Owner> (&entries)[count], const Node& node, Owner& owner) {
  for (const ParameterEntry<Owner>& entry : entries) {
    if (entry.needed || node.has(entry.name)) {
      read_parameter({entry.name, &(owner.*entry.value), entry.unit, entry.low, entry.high}, node.at(entry.name));
    }
  }
}

/// Appends an owner's figures, those that its file has.
template <class Owner, std::size_t count>
void add_parameters(std::vector<Parameter>& all, const ParameterEntry<Owner> (&entries)[count],
                    const std::string& place, Owner& owner) {
  for (const ParameterEntry<Owner>& entry : entries) {
    if (entry.needed || owner.*entry.value != Owner{}.*entry.value) {
      all.push_back({place + entry.name, &(owner.*entry.value), entry.unit, entry.low, entry.high});
    }
  }
}

}  // namespace podium
