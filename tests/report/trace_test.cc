// Timelines as Chrome's trace events: what a viewer reads from them.
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>

#include "sim/report/report.h"

namespace podium::test {
namespace {

using nlohmann::json;

Time at(std::int64_t picoseconds) { return Time::from_picoseconds(picoseconds); }

/// Two stages that exchange a message, in a workload whose name needs escaping.
SimulationResult two_stages() {
  SimulationResult result;
  result.command = "podium simulate \"my study\"";
  SimulatedCase& one = result.cases.emplace_back();
  one.found.workload = "a \"b\" \\ c\n";
  one.found.system = "machine";
  one.found.chips = 8;
  SimulatedStep& step = one.steps.emplace_back();
  step.phase.name = "training step";
  Timeline& timeline = step.run.timeline;
  timeline.roles = {{"stage 0", 0, 4}, {"stage 1", 4, 1}};
  timeline.tracks = {
      {RoleId(0), "compute (stream 0)"}, {RoleId(0), "send (stream 2)"}, {RoleId(1), "receive (stream 3)"}};
  timeline.time = Seconds(5.25e-6);
  timeline.slices.push_back({0, at(0), at(3'000'001), "gemm", "attention", Flops(1e12), Bytes(1.5), "compute"});
  timeline.slices.push_back({1, at(3'000'001), at(5'250'000), "send to stage 1", "pp", {}, Bytes(8)});
  timeline.slices.push_back({2, at(0), at(5'250'000), "receive from stage 0", "pp"});
  timeline.arrows.push_back({1, 2});
  return result;
}

std::vector<json> events(const json& trace, const std::string& kind) {
  std::vector<json> found;
  for (const json& event : trace.at("traceEvents")) {
    if (event.at("ph") == kind) {
      found.push_back(event);
    }
  }
  return found;
}

TEST(Trace, NamesAProcessForEachRoleAndAThreadForEachTrack) {
  const json trace = json::parse(to_trace(two_stages()));
  std::vector<std::string> names;
  for (const json& event : events(trace, "M")) {
    if (event.at("name") == "process_name" || event.at("name") == "thread_name") {
      names.push_back(event.at("args").at("name"));
    }
  }
  const std::string step = "a \"b\" \\ c\n, machine (8 chips), training step: ";
  ASSERT_EQ(names.size(), 5U);
  EXPECT_EQ(names[0], step + "stage 0 (ranks 0 to 3)");
  EXPECT_EQ(names[1], step + "stage 1 (rank 4)");
  EXPECT_EQ(names[4], "receive (stream 3)");
  EXPECT_EQ(trace.at("otherData").at("command"), two_stages().command);
}

TEST(Trace, TellsSlicesInMicrosecondsWithWhatTheyDid) {
  const std::vector<json> slices = events(json::parse(to_trace(two_stages())), "X");
  ASSERT_EQ(slices.size(), 3U);
  EXPECT_EQ(slices[0].at("args"), json::parse(R"({"flops": 1e12, "bytes": 1.5, "bound": "compute"})"));
  EXPECT_EQ(slices[0].at("cat"), "attention");
  EXPECT_DOUBLE_EQ(slices[0].at("dur").get<double>(), 3.000001);
  EXPECT_DOUBLE_EQ(slices[1].at("ts").get<double>(), 3.000001);
  EXPECT_DOUBLE_EQ(slices[1].at("ts").get<double>() + slices[1].at("dur").get<double>(), 5.25);
  EXPECT_EQ(slices[2].at("args"), json::object());
  EXPECT_NE(slices[2].at("pid"), slices[1].at("pid"));
}

TEST(Trace, DrawsAMessageFromItsSendToWhereItsReceiveWaits) {
  const json trace = json::parse(to_trace(two_stages()));
  const std::vector<json> slices = events(trace, "X"), begin = events(trace, "s"), end = events(trace, "f");
  ASSERT_EQ(begin.size(), 1U);
  ASSERT_EQ(end.size(), 1U);
  EXPECT_EQ(begin[0].at("id"), end[0].at("id"));
  EXPECT_EQ(begin[0].at("tid"), slices[1].at("tid"));
  EXPECT_EQ(end[0].at("tid"), slices[2].at("tid"));
  EXPECT_EQ(end[0].at("ts"), slices[1].at("ts")) << "no earlier than it was sent";

  SimulationResult late = two_stages();
  late.cases[0].steps[0].run.timeline.slices[2].begin = at(5'250'000);
  EXPECT_TRUE(events(json::parse(to_trace(late)), "f").empty()) << "nothing waited";
}

TEST(Trace, ShowsTheCriticalPathAsAProcessOfItsOwn) {
  SimulationResult result = two_stages();
  Slice link;
  link.end = at(4'000'000);
  link.name = "61 x layers (stage 0)";
  result.cases[0].steps[0].run.timeline.critical_path = {link};
  const json trace = json::parse(to_trace(result));
  const json path = events(trace, "X").back();
  EXPECT_EQ(path.at("name"), link.name);
  std::string process;
  for (const json& event : events(trace, "M")) {
    if (event.at("name") == "process_name" && event.at("pid") == path.at("pid")) {
      process += event.at("args").at("name");
    }
  }
  EXPECT_TRUE(process.ends_with("training step: critical path")) << process;
}

TEST(Trace, CountsWhatKernelsMoveAndComputeInASecond) {
  SimulationResult result = two_stages();
  Timeline& timeline = result.cases[0].steps[0].run.timeline;
  // 3 GB/s from 0 to 3 us and another 2 GB/s from 1 to 2 us, of the same rank
  timeline.slices = {{0, at(0), at(3'000'000), "a", "", Flops(6e6), Bytes(9000), "compute"},
                     {1, at(1'000'000), at(2'000'000), "b", "", Flops(), Bytes(2000), "memory"}};
  timeline.arrows.clear();
  std::vector<double> moved, computed;
  for (const json& event : events(json::parse(to_trace(result)), "C")) {
    const json& values = event.at("args");
    if (event.at("name") == "memory traffic") {
      moved.push_back(values.at("GB/s"));
    } else {
      computed.push_back(values.at("TFLOP/s"));
    }
  }
  EXPECT_EQ(moved, (std::vector<double>{3, 5, 3, 0}));
  EXPECT_EQ(computed, (std::vector<double>{2, 2, 2, 0}));
}

/// What the Trace Event Format asks of each kind of event (its document, "Trace Event Format", Google, 2016): a viewer
/// drops those that lack it.
TEST(Trace, HasInEveryEventWhatItsFormatAsksFor) {
  SimulationResult result = two_stages();
  result.cases[0].steps[0].run.timeline.critical_path.push_back({0, at(0), at(5), "x", "y"});
  const json trace = json::parse(to_trace(result));
  const std::map<std::string, std::vector<const char*>> needed{{"M", {"name", "pid", "args"}},
                                                               {"X", {"name", "pid", "tid", "ts", "dur"}},
                                                               {"C", {"name", "pid", "ts", "args"}},
                                                               {"s", {"name", "cat", "id", "pid", "tid", "ts"}},
                                                               {"f", {"name", "cat", "id", "pid", "tid", "ts"}}};
  for (const json& event : trace.at("traceEvents")) {
    const auto kind = needed.find(event.at("ph").get<std::string>());
    ASSERT_NE(kind, needed.end()) << event;
    for (const char* const key : kind->second) {
      EXPECT_TRUE(event.contains(key)) << event << " has no " << key;
    }
    for (const char* const key : {"pid", "tid", "ts", "dur"}) {
      EXPECT_TRUE(!event.contains(key) || (event[key].is_number() && event[key] >= 0)) << event;
    }
    if (event["ph"] == "C") {
      for (const auto& [series, value] : event["args"].items()) {
        EXPECT_TRUE(value.is_number()) << event;
      }
    }
  }
}

}  // namespace
}  // namespace podium::test
