#pragma once

#include <string>
#include <vector>

#include "sim/study/result.h"
#include "sim/study/study.h"

namespace podium {

/// An uncertain fact: a figure with a range. What a file says in several places with the same last key, value, range
/// and source is one fact, and moves together.
struct RangedFigure {
  std::string file;                ///< "chips/gb200"
  Figure figure;                   ///< its path stands for all places: "protocols.{die_link, ub}.launch"
  std::vector<std::string> paths;  ///< its places
};

/// Which end of its range a figure takes.
enum class End : std::uint8_t { low, high };

/// Those of the sources that have a range, in their order. The path of a study's own figures is shown from the system
/// on: "{cloudmatrix384, gb200-nvl72}.prefill.expert_imbalance".
std::vector<RangedFigure> ranged_figures(const std::vector<SourceUse>&);

/// The figure at an end of its range, in all its places.
FigureChanges at_end(const RangedFigure&, End);

/// The files that a case reads, by their names in reports: those of its machine and model, and the study.
std::vector<std::string> files_of(const Study&, const CaseId&);
/// Whether a case that reads these files reads the figure: of a study's own figures, those of the case itself and those
/// that it has in common with others.
bool touches(const RangedFigure&, const Study&, const CaseId&, const std::vector<std::string>& files);

}  // namespace podium
