#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "tests/cli/run_podium.h"
#include "tests/config/temporary_folder.h"

namespace podium::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

/// A trace in a file of a folder of its own.
class TraceFile {
 public:
  TraceFile(const std::string& name, const std::string& content) : path_(folder_.path() / name) {
    std::ofstream(path_, std::ios::binary) << content;
  }
  std::string path() const { return path_.string(); }

 private:
  TemporaryFolder folder_;
  fs::path path_;
};

Outcome replay(const std::string& arguments) {
  return run_podium("replay " + arguments + " --system hgx-h100 --network analytic");
}

TEST(Replay, PrintsMakespanWhereTimeGoesAndWhenRanksEnd) {
  const TraceFile file("t.goal",
                       "num_ranks 2\nrank 0 {\nl1: calc 5000\nl2: send 8b to 1\nl2 requires l1\n}\nrank 1 {\nl1: recv "
                       "8b from 0\n}\n");
  const Outcome text = replay(file.path());
  EXPECT_EQ(text.status, 0) << text.errors;
  EXPECT_THAT(text.output, HasSubstr("3 nodes of 2 ranks on hgx-h100"));
  EXPECT_THAT(text.output, HasSubstr("makespan"));
  const auto json = nlohmann::json::parse(replay(file.path() + " --format json").output);
  EXPECT_GT(json["makespan_seconds"].get<double>(), 5e-6);
  EXPECT_NEAR(json["roles"][0]["seconds"]["compute"].get<double>(), 5e-6, 1e-12);
  EXPECT_THAT(replay(file.path() + " --format csv").output, HasSubstr("rank,end_seconds\nrank 0,"));
}

TEST(Replay, TellsTheCriticalPathAndWhatWouldHelp) {
  // rank 1 computes longest: its message is what rank 0 waits for
  const TraceFile file(
      "t.goal",
      "num_ranks 2\nrank 0 {\nl1: calc 5000\nl2: recv 1048576b from 1\nl3: calc 1000\nl3 requires l2\n}\n"
      "rank 1 {\nl1: calc 90000\nl2: send 1048576b to 0\nl2 requires l1\n}\n");
  const Outcome text = replay(file.path());
  EXPECT_THAT(text.output, HasSubstr("the critical path, the chain of nodes that set the makespan"));
  EXPECT_THAT(text.output, HasSubstr("what would help"));
  const auto json = nlohmann::json::parse(replay(file.path() + " --format json").output);
  const auto& path = json["critical_path_seconds"];
  EXPECT_NEAR(path["compute"].get<double>(), 91e-6, 1e-12);
  double sum = 0, help = 0;
  for (const auto& [part, seconds] : path.items()) {
    sum += seconds.get<double>();
  }
  for (const auto& [resource, value] : json["elasticities"].items()) {
    help += value.get<double>();
  }
  EXPECT_NEAR(sum, json["makespan_seconds"].get<double>(), 1e-11);
  EXPECT_NEAR(help, -1, 1e-9);
}

TEST(Replay, WritesATimelineWithTheNamesOfNodes) {
  const TraceFile file("t.goal",
                       "num_ranks 2\nrank 0 {\nl1: calc 5000\nl2: send 8b to 1\nl2 requires l1\n}\nrank 1 {\nl1: recv "
                       "8b from 0\n}\n");
  const TemporaryFolder folder;
  const std::string timeline = (folder.path() / "t.json").string();
  const Outcome outcome = replay(file.path() + " --timeline " + timeline);
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  std::ifstream in(timeline);
  const auto trace = nlohmann::json::parse(in);
  std::map<std::string, int> kinds;
  std::set<std::string> processes;
  for (const auto& event : trace["traceEvents"]) {
    kinds[event["ph"].get<std::string>()] += 1;
    if (event["name"] == "process_name") {
      const std::string name = event["args"]["name"];
      processes.insert(name.substr(name.rfind(": ") + 2));
    }
  }
  EXPECT_THAT(processes, testing::IsSupersetOf({"rank 0 (rank 0)", "rank 1 (rank 1)", "critical path", "machine"}));
  EXPECT_EQ(kinds["s"], 1);
  EXPECT_GT(kinds["C"], 0);
  EXPECT_THAT(trace["otherData"]["command"].get<std::string>(), HasSubstr("podium replay " + file.path()));
}

TEST(Replay, NotesOptionsThatChangeNothing) {
  const TraceFile file("t.goal", "num_ranks 1\nrank 0 {\nl1: calc 5000\n}\n");
  EXPECT_THAT(replay(file.path() + " --recorded-on h100-sxm").output,
              testing::AllOf(HasSubstr("note: nothing is communicated: the network, its model and the algorithm have "
                                       "no effect"),
                             HasSubstr("note: --recorded-on has no effect but with --compute scaled")));
  EXPECT_THAT(replay(file.path() + " --model-parallel 2 --missing-dependencies ignore").output,
              testing::AllOf(HasSubstr("--model-parallel has no effect: it is for text workloads, and this is goal"),
                             HasSubstr("no dependency is missing: --missing-dependencies has no effect")));
}

TEST(Replay, DoesCollectivesAsTheLibraryWasMeasuredWhereAsked) {
  const TraceFile file("t.txt", "MICRO\n1\nall -1 1 NONE 0 1 NONE 0 1 ALLREDUCE 1048576 1\n");
  const auto time = [&](const std::string& options) {
    return nlohmann::json::parse(
        run_podium("replay " + file.path() + " --ranks 8 --system hgx-h100 --format json" + options).output);
  };
  const auto plain = time(""), library = time(" --library on");
  EXPECT_THAT(plain["notes"].dump(), HasSubstr("--library on does those as"));
  EXPECT_THAT(library["notes"].dump(), testing::Not(HasSubstr("library")));
  const Outcome measured =
      run_podium("collective all_reduce --system hgx-h100 --ranks 8 --bytes 1MiB --format json --library on");
  const double seconds = nlohmann::json::parse(measured.output)["results"][0]["time_seconds"];
  EXPECT_NE(plain["makespan_seconds"], library["makespan_seconds"]);
  EXPECT_NEAR(library["makespan_seconds"].get<double>() / seconds, 1, 1e-3);
  EXPECT_THAT(time(" --library on --algorithm ring")["notes"].dump(), HasSubstr("--library has no effect"));
  EXPECT_EQ(run_podium("replay " + file.path() + " --ranks 8 --system hgx-h100 --library nccl").status, 2);
}

TEST(Replay, TakesPacketsOfTheSizeThatIsAskedFor) {
  const TraceFile file("t.goal",
                       "num_ranks 2\nrank 0 {\ns: send 1048576b to 1\n}\nrank 1 {\nr: recv 1048576b from 0\n}\n");
  const auto on_packets = [&](const std::string& more) {
    return run_podium("replay " + file.path() + " --system hgx-h100 --network packet --format json" + more);
  };
  EXPECT_EQ(nlohmann::json::parse(on_packets("").output)["packet_scale"], 1);
  EXPECT_EQ(nlohmann::json::parse(on_packets(" --packet-scale 4").output)["packet_scale"], 4);
  const TraceFile small("t.goal", "num_ranks 2\nrank 0 {\ns: send 8b to 1\n}\nrank 1 {\nr: recv 8b from 0\n}\n");
  EXPECT_THAT(run_podium("replay " + small.path() + " --system hgx-h100 --network packet --packet-scale 4").output,
              HasSubstr("which would make 1 hops"))
      << "no message is less than a packet";
  EXPECT_THAT(on_packets(" --packet-scale 0.5").errors, HasSubstr("--packet-scale: '0.5' is under 1"));
  EXPECT_THAT(replay(file.path() + " --packet-scale 2").errors, HasSubstr("has no packets; 'packet' has"));
}

TEST(Replay, WritesATimelineThatIsJsonWhateverTheNamesOfNodes) {
  const TraceFile file("t.goal", "num_ranks 1\nrank 0 {\nbad\xff: calc 5000\n}\n");
  const TemporaryFolder folder;
  const std::string timeline = (folder.path() / "t.json").string();
  EXPECT_EQ(replay(file.path() + " --timeline " + timeline).status, 0);
  std::ifstream in(timeline);
  EXPECT_TRUE(nlohmann::json::accept(in));
}

TEST(Replay, WritesJsonWhateverTheNameOfTheFile) {
  const TraceFile file("n\xff.0.json", R"({"workload_graph": [{"id": 1, "type": 4, "data_deps": [9]}]})");
  const TemporaryFolder folder;
  const std::string timeline = (folder.path() / "t.json").string();
  const Outcome run = replay(file.path() + " --missing-dependencies ignore --format json --timeline " + timeline);
  EXPECT_EQ(run.status, 0) << run.errors;
  EXPECT_THAT(nlohmann::json::parse(run.output)["notes"].dump(), HasSubstr("n\xef\xbf\xbd.0.json: 1 dependencies"));
  std::ifstream in(timeline);
  EXPECT_TRUE(nlohmann::json::accept(in));
}

TEST(Export, SaysOnStandardErrorWhatGoalDoesNotSay) {
  const TraceFile file("t.0.json", R"({"workload_graph": [{"id": 1, "name": "k", "type": 4, "num_ops": 1000}]})");
  const TemporaryFolder folder;
  const Outcome outcome = run_podium("export " + file.path() + " --to goal --out " + (folder.path() / "o").string());
  EXPECT_EQ(outcome.status, 0) << outcome.errors;
  EXPECT_THAT(outcome.output, testing::IsEmpty());
  EXPECT_THAT(outcome.errors, HasSubstr("note: 1 nodes have counts of operations or bytes and no time"));
}

TEST(Replay, NotesFaultsOfWhatNothingCrosses) {
  const TraceFile file("t.txt", "MICRO\n1\nall -1 1 NONE 0 1 NONE 0 1 ALLREDUCE 1048576 1\n");
  const auto notes = [&](const std::string& fault) {
    return run_podium("replay " + file.path() + " --ranks 8 --system hgx-h100 --fail '" + fault + "'").output;
  };
  EXPECT_THAT(notes("leaf[0]=50%"), HasSubstr("note: --fail leaf[0]=50% has no effect: nothing is sent over it"));
  EXPECT_THAT(notes("NVSwitch[0]=50%"), testing::Not(HasSubstr("has no effect")));
}

TEST(Export, RefusesWhatHasNoEffect) {
  const TraceFile file("t.goal", "num_ranks 1\nrank 0 {\nl1: calc 5\n}\n");
  const std::string command = "export " + file.path() + " --to goal --out ";
  const Outcome choice = run_podium(command + "x.goal --system h100");
  EXPECT_EQ(choice.status, 2);
  EXPECT_THAT(choice.errors, HasSubstr("choose among the steps of a study"));
  const Outcome nowhere = run_podium(command + "\"\"");
  EXPECT_EQ(nowhere.status, 2);
  EXPECT_THAT(nowhere.errors, HasSubstr("--out: is empty"));
}

TEST(Replay, RunsWithSlowChipsAndFaultsAndChecksItsFolding) {
  const TraceFile file("t.goal",
                       "num_ranks 2\nrank 0 {\nl1: calc 5000\nl2: send 1000000b to 1\nl2 requires l1\n}\nrank 1 {\n"
                       "l1: recv 1000000b from 0\n}\n");
  const auto seconds = [&](const std::string& arguments) {
    const Outcome outcome = replay(file.path() + " --format json" + arguments);
    EXPECT_EQ(outcome.status, 0) << outcome.errors;
    const auto json = nlohmann::json::parse(outcome.output);
    EXPECT_EQ(json["simulated"]["ranks"], 2);
    return json["makespan_seconds"].get<double>();
  };
  const double whole = seconds("");
  EXPECT_EQ(seconds(" --fold check"), whole);
  EXPECT_EQ(seconds(" --slow 1=50%"), whole) << "it computes nothing";
  EXPECT_NEAR(seconds(" --slow 0=50%"), whole + 5e-6, 1e-9) << "recorded work is the chip's";
  EXPECT_GT(seconds(" --fail NVSwitch[0..2] --fold check"), whole);
  EXPECT_NE(replay(file.path() + " --slow 2=50%").errors.find("--slow: a slow chip is one of ranks 0 to 1"),
            std::string::npos);
}

TEST(Replay, EndsWithStatus1WhereATraceCannotEndAnd2WhereItIsWrong) {
  const TraceFile deadlock("t.goal",
                           "num_ranks 2\nrank 0 {\nr: recv 8b from 1\ns: send 8b to 1\ns requires r\n}\n"
                           "rank 1 {\nr: recv 8b from 0\ns: send 8b to 0\ns requires r\n}\n");
  const Outcome stall = replay(deadlock.path());
  EXPECT_EQ(stall.status, 1);
  EXPECT_THAT(stall.errors, HasSubstr("wait for each other in a circle"));
  EXPECT_THAT(stall.errors, HasSubstr("t.goal:3: rank 0: node 1 ('r') (receive from rank 1, tag 0) waits for"));
  const TraceFile peerless("t.goal", "num_ranks 2\nrank 0 {\ns: send 8b to 1\n}\nrank 1 {\nc: calc 1\n}\n");
  const Outcome wrong = replay(peerless.path());
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.errors, HasSubstr("it sends to rank 1 with tag 0, which has no receive for it"));
  const Outcome unknown = replay(TraceFile("t.txt", "what is this\n").path());
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.errors, HasSubstr("no execution trace of a known format"));
  const Outcome empty = replay(TraceFile("t.txt", "").path());
  EXPECT_THAT(empty.errors, HasSubstr("the file is empty"));
}

}  // namespace
}  // namespace podium::test
