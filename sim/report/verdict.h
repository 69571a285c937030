#pragma once

#include <string>
#include <vector>

#include "sim/study/result.h"

namespace podium {

/// How the systems of a contest stand by one measure, best first.
struct Standing {
  struct Place {
    const CaseResult* of = nullptr;
    double value = 0;
    double behind = 1;  ///< how many times as much the first has
  };
  std::string measure;  ///< "as a whole", "per chip", "per die or GPU", "per watt", "per dollar of rent"
  std::vector<Place> places;
};

/// The cases that a reader compares: one workload in one regime, one case a system. Points into the result.
struct Contest {
  std::string workload, regime;
  std::vector<const CaseResult*> cases;
  std::vector<Standing> standings;  ///< over the cases that have a plan, alike in all contests; the whole first
};

/// Whether two machines that are a factor apart are said to be level: the search for a rate tells no less than one in a
/// hundred apart.
bool is_level(double factor);

/// In the order of the result's cases.
std::vector<Contest> contests(const ComparisonResult&);

/// "DeepSeek-R1 serving, equal precision"; the workload alone where there is one regime without a name.
std::string full_name(const std::string& workload, const std::string& regime);

/// What a system is called in sentences: its description up to the first comma; its name where there is none.
std::string display_name(const std::vector<SystemSummary>&, const std::string& system);

/// "Huawei CloudMatrix384 (384 chips)".
std::string machine_name(const std::vector<SystemSummary>&, const CaseResult&);

/// Why a case has no result: the reasons of its alternatives, each once. Empty where it has one.
std::string refusal(const CaseResult&);

/// The comparison in a few sentences: which machines, and for each measure who leads, how often and by what factors.
std::vector<std::string> summary(const ComparisonResult&);

/// The workloads of a sweep's points, in order of first appearance.
std::vector<std::string> workloads_of(const SweepResult&);

/// One sentence a workload of a sweep: who gives more at the largest count of chips that all systems have a result for,
/// by what factor, and how much of its best throughput per chip each still has there.
std::vector<std::string> summary(const SweepResult&);

/// The contest in two or three sentences: who does more in whole and by what factor, then per chip and so on.
std::string verdict(const ComparisonResult&, const Contest&);

/// "156 chips of A do what B does with its 72 …".
std::string sentence(const ComparisonResult&, const Crossover&);

}  // namespace podium
