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

TEST(Trace, WritesCountersOfARoleInItsProcessAndOthersInOneOfTheMachine) {
  SimulationResult result = two_stages();
  Timeline& timeline = result.cases[0].steps[0].run.timeline;
  timeline.counters = {{RoleId(1), "memory traffic", "GB/s", {{at(0), 3}, {at(1'000'000), 0}}},
                       {std::nullopt, "links of \"a\"", "mean %", {{at(2'000'000), 12.5}}}};
  const json trace = json::parse(to_trace(result));
  const std::vector<json> counts = events(trace, "C"), slices = events(trace, "X");
  ASSERT_EQ(counts.size(), 3U);
  EXPECT_EQ(counts[0].at("pid"), slices[2].at("pid")) << "that of stage 1";
  EXPECT_EQ(counts[0].at("args"), json::parse(R"({"GB/s": 3})"));
  EXPECT_DOUBLE_EQ(counts[1].at("ts").get<double>(), 1);
  EXPECT_EQ(counts[2].at("name"), "links of \"a\"");
  EXPECT_NE(counts[2].at("pid"), slices[0].at("pid"));
  EXPECT_NE(counts[2].at("pid"), slices[2].at("pid"));
}

/// Two prefill instances and one that decodes: a request that went from one to the other, one that was turned away, and
/// one that the log ends before.
ServingLog served() {
  ServingLog log;
  log.from = at(10'000'000);
  log.prefill_instances = 2;
  log.decode_instances = 1;
  log.decode_capacity = 1000;
  log.iterations = {{1, at(11'000'000), at(13'000'000), {0, 0, 1, 8, 0}, 1, 0, 1, 0, 8, 0},
                    {2, at(15'000'000), at(16'000'000), {1, 8, 0, 0, 0}, 0, 1, 0, 0, 250, 0}};
  LoggedRequest request;
  request.id = 7;
  request.arrival = at(10'500'000);
  request.input = 8;
  request.output = 2;
  request.prefilled_by = 1;
  request.decoded_by = 2;
  request.prefill = at(11'000'000);
  request.first_token = at(13'000'000);
  request.delivered = at(14'000'000);
  request.decode = at(15'000'000);
  request.finish = at(16'000'000);
  LoggedRequest refused, open;
  refused.id = 8;
  refused.refused = true;
  refused.finish = refused.arrival = at(12'000'000);
  open.id = 9;
  open.arrival = at(12'000'000);
  log.requests = {request, refused, open};
  return log;
}

SimulationResult served_result() {
  SimulationResult result = two_stages();
  result.cases[0].served = served();
  return result;
}

TEST(Trace, ShowsIterationsOfInstancesAndWhatTheyHold) {
  const json trace = json::parse(to_trace(served_result()));
  std::map<std::string, json> pids;
  for (const json& event : events(trace, "M")) {
    if (event.at("name") == "process_name") {
      const std::string name = event.at("args").at("name");
      pids[name.substr(name.rfind(": ") + 2)] = event.at("pid");
    }
  }
  ASSERT_TRUE(pids.contains("prefill instance 1") && pids.contains("decode instance 0") && pids.contains("requests"));
  const std::vector<json> slices = events(trace, "X");
  const json &prefill = slices[slices.size() - 2], &decode = slices.back();
  EXPECT_EQ(prefill.at("pid"), pids["prefill instance 1"]);
  EXPECT_DOUBLE_EQ(prefill.at("ts").get<double>(), 1) << "the log begins at 0";
  EXPECT_EQ(prefill.at("name"), "prefill 1");
  EXPECT_EQ(decode.at("pid"), pids["decode instance 0"]);
  std::map<std::string, double> held;
  for (const json& event : events(trace, "C")) {
    if (event.at("pid") == pids["decode instance 0"]) {
      for (const auto& [series, value] : event.at("args").items()) {
        held[event.at("name").get<std::string>() + ", " + series] = value;
      }
    }
  }
  EXPECT_EQ(held["running, requests"], 1);
  EXPECT_EQ(held["cache, tokens"], 250);
  EXPECT_EQ(held["cache full, %"], 25);
}

TEST(Trace, ShowsTheCourseOfARequestAndWhereItsCacheWent) {
  const json trace = json::parse(to_trace(served_result()));
  std::map<std::string, std::pair<double, double>> spans;
  for (const json& event : events(trace, "b")) {
    spans[event.at("name")].first = event.at("ts");
  }
  for (const json& event : events(trace, "e")) {
    spans[event.at("name")].second = event.at("ts");
  }
  const std::map<std::string, std::pair<double, double>> expected{
      {"request 7", {0.5, 6}},      {"waits", {0.5, 1}},        {"prefill", {1, 3}},
      {"cache on its way", {3, 4}}, {"waits for room", {4, 5}}, {"decode", {5, 6}}};
  EXPECT_EQ(spans, expected) << "and nothing of those that were turned away or had not ended";
  const std::vector<json> slices = events(trace, "X");
  const json from = events(trace, "s").back(), to = events(trace, "f").back();
  EXPECT_EQ(from.at("pid"), slices[slices.size() - 2].at("pid"));
  EXPECT_EQ(from.at("ts"), slices[slices.size() - 2].at("ts"));
  EXPECT_EQ(to.at("pid"), slices.back().at("pid"));
  EXPECT_EQ(to.at("ts"), slices.back().at("ts"));
}

TEST(Trace, OfOneRunHasItsCommand) {
  const json trace = json::parse(to_trace(two_stages().cases[0].steps[0].run.timeline, "a run", "podium replay x"));
  EXPECT_EQ(trace.at("otherData").at("command"), "podium replay x");
  EXPECT_EQ(events(trace, "X").size(), 3U);
}

/// What the Trace Event Format asks of each kind of event (its document, "Trace Event Format", Google, 2016): a viewer
/// drops those that lack it.
TEST(Trace, HasInEveryEventWhatItsFormatAsksFor) {
  SimulationResult result = served_result();
  result.cases[0].steps[0].run.timeline.critical_path.push_back({0, at(0), at(5), "x", "y"});
  result.cases[0].steps[0].run.timeline.counters = {{std::nullopt, "power", "kW", {{at(0), 1}}}};
  const json trace = json::parse(to_trace(result));
  const std::map<std::string, std::vector<const char*>> needed{{"M", {"name", "pid", "args"}},
                                                               {"X", {"name", "pid", "tid", "ts", "dur"}},
                                                               {"C", {"name", "pid", "ts", "args"}},
                                                               {"s", {"name", "cat", "id", "pid", "tid", "ts"}},
                                                               {"f", {"name", "cat", "id", "pid", "tid", "ts"}},
                                                               {"b", {"name", "cat", "id", "pid", "ts"}},
                                                               {"e", {"name", "cat", "id", "pid", "ts"}}};
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
