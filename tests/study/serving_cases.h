#pragma once

#include <string>

#include "sim/study/evaluate.h"
#include "tests/study/studies.h"

namespace podium::test {

inline CaseResult serve_on(const Study& study, std::uint32_t chips, std::size_t system = 1) {
  return evaluator_of(study, {0, 0, system})->on(chips);
}

/// All reasons for which plans were refused.
inline std::string reasons(const CaseResult& result) {
  std::string text;
  for (const Alternative& alternative : result.alternatives) {
    text += alternative.refused + "\n";
  }
  return text;
}

/// The quick look with one mixed template instead of all.
inline std::string one_template(const std::string& plan) {
  const std::string text = quick_look();
  const std::size_t begin = text.find("            transfer_plane"), end = text.find("          hgx-h100: *server");
  return text.substr(0, begin) + "            mixed: [" + plan + "]\n" + text.substr(end);
}

/// The quick look with one template, on requests of which the first half are light and the second heavy.
inline Study on_uneven_trace(const std::string& plan, std::uint32_t heavy) {
  Study study = study_of(replaced(one_template(plan), "ttft: 500 ms, tpot: 20 ms", "ttft: 4 s, tpot: 200 ms"));
  auto requests = std::make_shared<std::vector<Request>>();
  for (std::uint32_t i = 0; i < 3000; ++i) {
    requests->push_back({Seconds(double(i)), i < 1500 ? 200U : heavy, 32});
  }
  std::get<ServingWorkload>(study.workloads.at(0)).arrivals.recorded = requests;
  return study;
}

}  // namespace podium::test
