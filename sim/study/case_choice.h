#pragma once

#include <string>

#include "sim/study/study.h"

namespace podium {

/// Which cases of a study: names, or parts of names that only one has, whatever their case; empty: all.
struct CaseChoice {
  std::string workload = {}, regime = {}, system = {};
  bool operator==(const CaseChoice&) const = default;
};

/// The study of the chosen cases alone, without questions between systems. InputError at the option (`--system`), with
/// the nearest name, where there is none.
Study choose(Study, const CaseChoice&);

}  // namespace podium
