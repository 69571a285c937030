#include "sim/workload/trace.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/workload/traces.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

const std::string pair_of_ranks =
    "num_ranks 2\n\n"
    "rank 0 {\nl1: calc 100 cpu 1\nl2: send 8b to 1 tag 3\nl2 requires l1\n}\n"
    "rank 1 {\nl1: recv 8b from 0 tag 3\n}\n";

TEST(Goal, ReadsRanksWithWhatTheyComputeAndSend) {
  const Trace trace = trace_of(pair_of_ranks);
  ASSERT_EQ(trace.ranks(), 2U);
  const TraceProgram& first = trace.programs[0];
  ASSERT_EQ(first.nodes.size(), 2U);
  EXPECT_EQ(first.nodes[0].operation, TraceOperation::compute);
  EXPECT_NEAR(first.nodes[0].duration.value(), 100e-9, 1e-15);
  EXPECT_EQ(first.nodes[0].stream, 1);
  EXPECT_EQ(first.nodes[1].bytes, Bytes(8));
  EXPECT_EQ(first.nodes[1].peer, 1U);
  EXPECT_EQ(first.nodes[1].tag, 3U);
  ASSERT_EQ(first.dependencies(first.nodes[1]).size(), 1U);
  EXPECT_EQ(first.dependencies(first.nodes[1])[0], 0U);
}

TEST(Goal, SaysInWhichLineSomethingIsWrong) {
  EXPECT_EQ(message_of("num_ranks 1\nrank 0 {\nl1: calc 1\nl1: calc 2\n}\n"),
            "t:4: 'l1' is the label of an operation of this rank already");
  EXPECT_EQ(message_of("num_ranks 1\nrank 0 {\nl1: calc 1\nl1 requires l7\n}\n"),
            "t:4: no operation of rank 0 has the label 'l7'");
  EXPECT_EQ(message_of("num_ranks 2\nrank 0 {\nl1: send 8b to 2\n}\n"), "t:3: rank 2 is beyond num_ranks 2");
  EXPECT_EQ(message_of("num_ranks 2\nrank 0 {\nl1: calc 1\n}\n"),
            "t:4: num_ranks is 2, and blocks are there for 1 ranks");
  EXPECT_EQ(message_of("num_ranks 1\nrank 0 {\nl1: calc 1\n"), "t:3: the file ends inside the block of rank 0");
  EXPECT_EQ(message_of("num_ranks 1\nrank 0 {\nl1: think 1\n}\n"),
            "t:3: 'think' is none of 'calc NS', 'send 8b to RANK', 'recv 8b from RANK'");
}

TEST(Goal, RefusesASecondCountOfRanks) {
  EXPECT_EQ(message_of("num_ranks 2\nnum_ranks 1\nrank 0 {\n}\n"), "t:2: num_ranks has been said already: 2");
}

TEST(Trace, NamesTheNodesOfACycle) {
  const std::string cyclic = "num_ranks 1\nrank 0 {\na: calc 1\nb: calc 1\nc: calc 1\nb requires c\nc requires b\n}\n";
  EXPECT_THAT(message_of(cyclic), HasSubstr("t:4: rank 0: node 2 ('b'): its dependencies are a cycle of 2: 2 ('b') "
                                            "waits for 3 ('c') waits for 2"));
}

TEST(Trace, BringsNodesIntoAnOrderThatTheirDependenciesAllow) {
  ChakraFile file;
  file.add({.id = 7, .name = "last", .after = {9}}).add({.id = 9, .name = "first"});
  const Trace trace = trace_of(file.bytes());
  const TraceProgram& program = trace.programs.at(0);
  EXPECT_EQ(trace.names.at(program.nodes[0].name), "first");
  EXPECT_EQ(program.dependencies(program.nodes[1])[0], 0U);
}

/// Messages and collectives are counted in the order of the file, wherever what they wait for stands.
TEST(Trace, CountsMessagesAndCollectivesInTheOrderOfTheFile) {
  const std::string receiver = "rank 1 {\nr1: recv 1000b from 0\nr2: recv 2000b from 0\n}\n";
  const Trace trace = trace_of(
      "num_ranks 2\nrank 0 {\nm1: send 1000b to 1\nm2: send 2000b to 1\nc: calc 5000\nm1 requires c\n}\n" + receiver);
  EXPECT_NO_THROW(match_ranks(trace));
  const Trace calls = trace_of(
      R"({"workload_graph": [{"id": 1, "type": 7, "ctrl_deps": [3], "comm_type": 0, "comm_size": 8},
                             {"id": 2, "type": 7, "comm_type": 6, "comm_size": 8}, {"id": 3, "type": 4}]})",
      {.ranks = 2});
  std::vector<std::uint64_t> ids;
  for (const TraceNode& node : calls.programs.at(0).nodes) {
    ids.push_back(node.id);
  }
  EXPECT_THAT(ids, testing::ElementsAre(3, 1, 2));
  const Trace forced = trace_of(
      R"({"workload_graph": [{"id": 1, "type": 7, "ctrl_deps": [2], "comm_type": 0, "comm_size": 8},
                             {"id": 2, "type": 7, "comm_type": 6, "comm_size": 8}]})",
      {.ranks = 2});
  EXPECT_EQ(forced.programs.at(0).nodes[0].id, 2U) << "where a dependency says otherwise, it holds";
}

TEST(Trace, KeepsTheOrderOfTheFileButWhereADependencyIsAgainstIt) {
  // of tag 2 the first waits for the second, of tag 1 for what stands behind
  const Trace trace = trace_of(
      "num_ranks 2\nrank 0 {\ns1: send 1b to 1 tag 1\ns2: send 2b to 1 tag 1\nt0: send 5b to 1 tag 2\n"
      "t1: send 3b to 1 tag 2\nt2: send 4b to 1 tag 2\nt3: send 6b to 1 tag 2\nc: calc 5\n"
      "s1 requires c\nt1 requires t2\nt0 requires c\n}\n"
      "rank 1 {\nu1: recv 1b from 0 tag 1\nu2: recv 2b from 0 tag 1\nv0: recv 5b from 0 tag 2\n"
      "v1: recv 4b from 0 tag 2\nv2: recv 3b from 0 tag 2\nv3: recv 6b from 0 tag 2\n}\n");
  EXPECT_NO_THROW(match_ranks(trace)) << "whose bytes would differ";
}

TEST(Chakra, ReadsNodesOfBothSchemas) {
  ChakraFile file;
  file.add({.id = 1, .name = "matmul", .microseconds = 50, .attributes = {{"num_ops", 1000}, {"tensor_size", 64}}})
      .add({.id = 2, .name = "ar", .type = 7, .after = {1}, .attributes = {{"comm_type", 0}, {"comm_size", 4096}}});
  const Trace trace = trace_of(file.bytes());
  const TraceProgram& program = trace.programs.at(0);
  EXPECT_DOUBLE_EQ(program.nodes[0].duration.value(), 50e-6);
  EXPECT_EQ(program.nodes[0].flops, Flops(1000));
  EXPECT_EQ(program.nodes[1].kind, CollectiveKind::all_reduce);
  EXPECT_EQ(program.nodes[1].bytes, Bytes(4096));
  EXPECT_EQ(program.nodes[1].group, 0U);
}

TEST(Chakra, CountsAnAllGatherByWhatIsGathered) {
  ChakraFile file;
  file.add({.id = 1, .type = 7, .attributes = {{"comm_type", 2}, {"comm_size", 1000}}});
  EXPECT_EQ(trace_of(file.bytes(), {.ranks = 16}).programs.at(0).nodes[0].bytes, Bytes(16'000));
}

TEST(Chakra, ReadsReductionsGathersScattersAndBarriersAsWhatTheyAre) {
  ChakraFile file;
  file.add({.id = 1, .type = 7, .attributes = {{"comm_type", 3}, {"comm_size", 1000}}})
      .add({.id = 2, .type = 7, .after = {1}, .attributes = {{"comm_type", 4}, {"comm_size", 1000}}})
      .add({.id = 3, .type = 7, .after = {2}, .attributes = {{"comm_type", 9}}})
      .add({.id = 4, .type = 7, .after = {3}, .attributes = {{"comm_type", 1}, {"comm_size", 1000}}});
  const Trace trace = trace_of(file.bytes(), {.ranks = 16});
  const std::vector<TraceNode>& nodes = trace.programs.at(0).nodes;
  EXPECT_EQ(nodes[0].kind, CollectiveKind::gather);
  EXPECT_EQ(nodes[0].bytes, Bytes(16'000)) << "a rank's part is told, and the root's buffer is what counts";
  EXPECT_EQ(nodes[1].kind, CollectiveKind::scatter);
  EXPECT_EQ(nodes[1].bytes, Bytes(1000));
  EXPECT_EQ(nodes[2].kind, CollectiveKind::barrier);
  EXPECT_EQ(nodes[3].kind, CollectiveKind::reduce);
  EXPECT_EQ(nodes[3].bytes, Bytes(1000));
  EXPECT_THAT(trace.notes, testing::Contains(HasSubstr("the root of a gather: the first rank of its group is")));
}

TEST(Trace, RefusesAlgorithmsOfMscclByTheCommandThatPlaysThem) {
  EXPECT_THAT(message_of("<?xml version=\"1.0\"?>\n<algo name=\"ring\" ngpus=\"8\" coll=\"allreduce\">\n</algo>\n"),
              HasSubstr("'podium collective all-reduce --algorithm FILE.xml' plays it"));
}

TEST(Trace, SaysOfABinaryFileThatOnlyTheTextOfGoalIsRead) {
  EXPECT_THAT(message_of(std::string("\x10\0\0\0\x20\0\0\0\0\0\0\0", 12)),
              HasSubstr("Of GOAL only the text is read: if this is the binary form, name the text"));
}

TEST(Chakra, NamesFileRankAndNodeOfWhatIsWrong) {
  const auto wrong = [](const ChakraFile::Node& node) { return message_of(ChakraFile().add(node).bytes()); };
  EXPECT_EQ(wrong({.id = 3, .name = "a", .after = {8}}),
            "t: rank 0: node 3 ('a'): waits for node 8, which the file does not have");
  EXPECT_EQ(wrong({.id = 3, .name = "a", .type = 9}),
            "t: rank 0: node 3 ('a'): type 9 is none of Chakra's (1 metadata to 7 collective)");
  EXPECT_EQ(wrong({.id = 3, .name = "a", .type = 7, .attributes = {{"comm_type", 11}, {"comm_size", 1}}}),
            "t: rank 0: node 3 ('a'): comm_type 11 is none of Chakra's");
  EXPECT_EQ(wrong({.id = 3, .name = "a", .type = 5}),
            "t: rank 0: node 3 ('a'): a send without comm_dst, the rank that it is for");
  EXPECT_THAT(
      wrong({.id = 3, .name = "a", .type = 7, .attributes = {{"comm_type", 0}, {"comm_size", 1}}, .group = "g"}),
      HasSubstr("its communicator group 'g' is in no file of groups"));
  EXPECT_EQ(message_of(ChakraFile().add({.id = 3}).add({.id = 3}).bytes()),
            "t: rank 0: node 3: this id has come before, as ''");
}

TEST(Chakra, LeavesOutDependenciesThatAreNotThereWhereItIsAskedTo) {
  const Trace trace =
      trace_of(ChakraFile().add({.id = 3, .after = {8}}).bytes(), {.missing = TraceOptions::Missing::ignore});
  EXPECT_EQ(trace.programs[0].nodes[0].after_count, 0U);
  EXPECT_THAT(trace.notes, testing::ElementsAre(HasSubstr("1 dependencies on nodes that the file does not have")));
}

TEST(Chakra, SaysWhereAFileThatIsCutShortEnds) {
  const std::string bytes = ChakraFile().add({.id = 1, .name = "a node with a name"}).bytes();
  const std::size_t first = ChakraFile().bytes().size();
  for (std::size_t size = first + 2; size < bytes.size(); ++size) {
    EXPECT_THAT(message_of(bytes.substr(0, size)), HasSubstr("t: rank 0: record 1 ")) << size;
  }
}

TEST(ChakraJson, ReadsNodesWhateverTheirSpelling) {
  const Trace trace = trace_of(
      R"({"workload_graph": [
        {"Id": 5, "Name": "a", "NodeType": 4, "runtime": 12, "is_cpu_op": true},
        {"id": "6", "name": "b", "type": "COMM_COLL_NODE", "ctrlDeps": ["5"],
         "attr": [{"name": "comm_type", "int64Val": "6"}, {"name": "comm_size", "int64Val": "64"}]}]})");
  const TraceProgram& program = trace.programs.at(0);
  EXPECT_EQ(program.nodes[0].place, TracePlace::host);
  EXPECT_DOUBLE_EQ(program.nodes[0].duration.value(), 12e-6);
  EXPECT_EQ(program.nodes[1].kind, CollectiveKind::all_to_all);
  EXPECT_EQ(program.nodes[1].bytes, Bytes(64));
}

TEST(ChakraJson, SaysWhatIsWrong) {
  EXPECT_THAT(message_of(R"({"workload_graph": [{"Id": 5, "NodeType": 1}, )"), HasSubstr("t: rank 0: after 1 nodes: "));
  EXPECT_THAT(message_of(R"({"workload_graph": [{"Id": -1, "Name": "x"}]})"),
              HasSubstr("the node in place 1: its id is -1, and a whole number from 0 to 2^64 - 1 would be right"));
  EXPECT_THAT(message_of(R"({"workload_graph": [{"Name": "x"}]})"), HasSubstr("node 0 ('x'): type 0 is none"));
  const std::string cut = message_of(R"({"workload_graph": [{"Name": ")" + std::string(100'000, 'x'));
  EXPECT_THAT(cut, HasSubstr("missing closing quote; last read: '\"xxx"));
  EXPECT_LT(cut.size(), 400U);
}

const char* const transformer =
    "HYBRID_TRANSFORMER_FWD_IN_BCKWD model_parallel_NPU_group: 2 ep: 2 all_gpus: 8 checkpoints: 0\n1\n"
    "mlp -1 1000 ALLGATHER 64 2000 ALLTOALL_EP 32 3000 REDUCESCATTER 16 100\n";

TEST(AstraText, ReadsPassesWithTheRanksThatExchange) {
  const Trace trace = trace_of(transformer);
  ASSERT_EQ(trace.programs.size(), 1U);
  EXPECT_EQ(trace.ranks(), 8U);
  const auto& nodes = trace.programs[0].nodes;
  ASSERT_EQ(nodes.size(), 7U);  // three passes with exchanges, and the update
  EXPECT_NEAR(nodes[0].duration.value(), 1e-6, 1e-15);
  const auto group = [&](std::size_t node) { return trace.groups[nodes[node].group]; };
  EXPECT_EQ(group(1).name, "tp");
  EXPECT_EQ(group(1).size, 2U);
  EXPECT_EQ(nodes[1].bytes, Bytes(64));
  EXPECT_EQ(group(3).name, "ep");
  EXPECT_EQ(group(3).stride, 2U);
  EXPECT_EQ(group(5).name, "dp");
  EXPECT_EQ(group(5).size, 4U);
}

TEST(AstraText, SaysWhatTheFileDoesNotSay) {
  const std::string data = "DATA\n1\nconv -1 5 NONE 0 5 NONE 0 5 ALLREDUCE 64 5\n";
  EXPECT_EQ(message_of(data), "t:1: the file does not say how many ranks run it; --ranks does");
  EXPECT_EQ(trace_of(data, {.ranks = 4}).ranks(), 4U);
  EXPECT_EQ(message_of("DATA\n2\nconv -1 5 NONE 0 5 NONE 0 5 NONE 0 5\n", {.ranks = 4}),
            "t:4: the file ends after 1 of 2 layers");
  EXPECT_THAT(message_of("PIPELINE\n1\n"), HasSubstr("t:1: parallelism 'PIPELINE' is not read"));
}

TEST(AstraText, RefusesAMessageWithItsLine) {
  EXPECT_EQ(message_of("MODEL\n1\nl1 -1 100 SENDRECV 100 100 NONE 0 100 NONE 0 10\n", {.ranks = 4}),
            "t:3: 'SENDRECV' is no exchange among all ranks: the file does not say who sends to whom");
}

TEST(AstraText, NotesHowMicroIsRead) {
  const auto notes = [](const std::string& kind) {
    return trace_of("MICRO\n1\nm -1 1 NONE 0 1 NONE 0 1 " + kind + " 4096 1\n", {.ranks = 8}).notes;
  };
  EXPECT_THAT(notes("ALLREDUCE"), testing::ElementsAre(HasSubstr("computing times are left out")));
  EXPECT_THAT(notes("ALLGATHER"), testing::Contains(HasSubstr("one rank's part, as ASTRA-sim counts")));
}

TEST(AstraText, NotesThatNothingIsModelParallel) {
  const std::string data = "DATA\n1\nconv -1 5 NONE 0 5 NONE 0 5 ALLREDUCE 64 5\n";
  EXPECT_THAT(trace_of(data, {.ranks = 8, .model_parallel = 3}).notes,
              testing::ElementsAre(HasSubstr("--model-parallel has no effect: no layer of the file is shared")));
}

TEST(AstraText, RefusesRanksThatStagesMultiplyBeyondTheirCount) {
  EXPECT_THAT(message_of("HYBRID_TRANSFORMER model_parallel_NPU_group: 65536 pp: 65536 all_gpus: 8\n1\n"
                         "mlp -1 1 ALLREDUCE 64 1 NONE 0 1 NONE 0 1\n"),
              HasSubstr("t:1: 8 ranks are no multiple of 65536 that share a layer in 65536 stages"));
}

TEST(Aicb, RefusesARowThatStandsForSeveralCalls) {
  const auto calls = [](const std::string& count) {
    return "comm_type,comm_group,comm_group_size,msg_size,stage,dst,src,count\n"
           "CommType.all_reduce,CommGroup.tp_group,2,64,forward,None,None," +
           count + "\n";
  };
  EXPECT_EQ(trace_of(calls("1")).programs.at(0).nodes.size(), 1U);
  EXPECT_EQ(message_of(calls("3")), "t:2: count is '3': rows are read that stand for one call, count 1");
}

TEST(Aicb, ReadsCallsOfTensorAndDataParallelRanks) {
  const Trace trace = trace_of(
      "[rank0 ~ rank7]\ncomm_type,comm_group,comm_group_size,msg_size,stage,dst,src\n"
      "CommType.all_reduce,CommGroup.tp_group,2,64,forward,None,None\n"
      "CommType.all_gather,CommGroup.dp_group,4,32,step,None,None\n");
  EXPECT_EQ(trace.ranks(), 8U);
  const auto& nodes = trace.programs.at(0).nodes;
  ASSERT_EQ(nodes.size(), 2U);
  EXPECT_EQ(trace.groups[nodes[1].group].stride, 2U);
  EXPECT_EQ(trace.groups[nodes[1].group].size, 4U);
  EXPECT_EQ(nodes[1].line, 4U);
}

std::string collective(std::int64_t type, std::int64_t size, int times = 1, const std::string& group = {}) {
  ChakraFile file;
  for (int i = 1; i <= times; ++i) {
    file.add({.id = static_cast<std::uint64_t>(i),
              .name = "sync",
              .type = 7,
              .attributes = {{"comm_type", type}, {"comm_size", size}},
              .group = group});
  }
  return file.bytes();
}

TEST(LoadTrace, TellsARankWithoutAFile) {
  TraceFiles files;
  files.add("x.0.et", collective(0, 64));
  files.add("x.2.et", collective(0, 64));
  EXPECT_EQ(files.message(), "x.2.et: there is no file of rank 1, and there is one of rank 2");
}

TEST(LoadTrace, RefusesAFolderWithARankThatIsNoFile) {
  const TemporaryFolder folder;
  std::ofstream(folder.path() / "x.0.et", std::ios::binary) << collective(0, 64);
  std::filesystem::create_symlink("nowhere", folder.path() / "x.1.et");
  EXPECT_THAT(error_of([&] { load_trace({folder.path().string()}); }),
              HasSubstr("x.1.et: is no file that can be read"));
}

TEST(LoadTrace, TellsCollectivesThatDifferInKindSizeOrNumber) {
  const auto message = [](const std::string& other) {
    TraceFiles files;
    files.add("x.0.et", collective(0, 64));
    files.add("x.1.et", other);
    return files.message();
  };
  EXPECT_EQ(message(collective(0, 128)),
            "x.1.et: rank 1: node 1 ('sync'): as collective 1 of group 'world' it is all_reduce of 128 bytes, and "
            "x.0.et: rank 0: node 1 ('sync') is all_reduce of 64 bytes");
  EXPECT_THAT(message(collective(6, 64)), HasSubstr("it is all_to_all of 64 bytes"));
  EXPECT_EQ(message(collective(0, 64, 2)),
            "x.1.et: rank 1: node 2 ('sync'): it is collective 2 of group 'world' and waits for rank 0 (x.0.et), "
            "which takes part in 1");
}

/// Of four ranks two and two call a collective in groups of these names.
Trace of_two_groups(const std::string& first, const std::string& second) {
  TraceFiles files;
  files.add("comm_group.json", "{\"" + first + "\": [0, 1], \"" + second + "\": [2, 3]}");
  for (int rank = 0; rank < 4; ++rank) {
    files.add("x." + std::to_string(rank) + ".et", collective(0, 64, 1, rank < 2 ? first : second));
  }
  return files.load();
}

TEST(LoadTrace, ReadsGroupsBesideTheFiles) {
  const Trace trace = of_two_groups("left", "right");
  EXPECT_EQ(trace.groups[trace.programs[3].nodes[0].group].ranks, (std::vector<std::uint32_t>{2, 3}));
}

TEST(LoadTrace, TellsAMessageWithoutItsOtherEnd) {
  TraceFiles send;
  send.add("t.goal", "num_ranks 2\nrank 0 {\nl1: send 8b to 1 tag 3\n}\nrank 1 {\nl1: calc 1\n}\n");
  EXPECT_EQ(send.message(),
            "t.goal:3: rank 0: node 1 ('l1'): it sends to rank 1 with tag 3, which has no receive for it");
  TraceFiles receive;
  receive.add("t.goal", "num_ranks 2\nrank 0 {\nl1: recv 8b from 1 tag 3\n}\nrank 1 {\nl1: send 8b to 0 tag 4\n}\n");
  EXPECT_EQ(receive.message(),
            "t.goal:3: rank 0: node 1 ('l1'): it waits for a message of rank 1 with tag 3, which has no send for it");
}

TEST(LoadTrace, KeepsAGroupOfTheNameWorldApartFromAllRanks) {
  const Trace trace = of_two_groups("world", "pair");
  const TraceGroup& world = trace.groups[trace.programs[0].nodes[0].group];
  EXPECT_EQ(world.members, TraceGroup::Members::listed);
  EXPECT_EQ(world.ranks, (std::vector<std::uint32_t>{0, 1}));
}

TEST(LoadTrace, TellsWhatIsWrongWithGroups) {
  TraceFiles beyond;
  beyond.add("comm_group.json", R"({"g": [0, 9]})");
  beyond.add("x.0.et", collective(0, 64, 1, "g"));
  EXPECT_EQ(beyond.message(),
            "x.0.et: rank 0: node 1 ('sync'): its group 'g' has rank 9, which the trace of 1 ranks does not have");

  TraceFiles twice;
  twice.add("comm_group.json", R"({"g": [0], "h": [0], "g": [0, 1]})");
  twice.add("x.0.et", collective(0, 64));
  EXPECT_EQ(twice.message(), "comm_group.json: group 'g' is there twice");

  TraceFiles two;
  two.add("comm_group.json", R"({"g": [0]})");
  two.add("comm_group_2.json", R"({"g": [0]})");
  two.add("x.0.et", collective(0, 64, 1, "g"));
  EXPECT_EQ(two.message(),
            "x.0.et: rank 0: node 1 ('sync'): its communicator group 'g' is not known: several files of groups are "
            "beside the traces (comm_group.json, comm_group_2.json): --groups FILE chooses one");
  EXPECT_EQ(two.load({.groups = {{"g", {0}}}}).ranks(), 1U) << "a choice was made";
}

TEST(LoadTrace, NotesATraceInWhichNobodyDoesAnything) {
  for (const char* const empty : {"num_ranks 1\nrank 0 {\n}\n", "{\"workload_graph\": []}"}) {
    TraceFiles files;
    files.add("t.0.txt", empty);
    EXPECT_THAT(files.load().notes, testing::ElementsAre("the trace is empty: no rank has a node")) << empty;
  }
}

TEST(LoadTrace, NotesARankCountThatTheFileGivesItself) {
  TraceFiles files;
  files.add("t.goal", pair_of_ranks);
  EXPECT_THAT(files.load({.ranks = 8}).notes,
              testing::ElementsAre("--ranks has no effect: the file says that it has 2 ranks"));
}

TEST(CheckProgress, TellsWhoWaitsForWhomInADeadlock) {
  const Trace trace = trace_of(
      "num_ranks 2\n"
      "rank 0 {\nr: recv 8b from 1 tag 0\ns: send 8b to 1 tag 0\ns requires r\n}\n"
      "rank 1 {\nr: recv 8b from 0 tag 0\ns: send 8b to 0 tag 0\ns requires r\n}\n");
  std::string text;
  try {
    check_progress(trace, match_ranks(trace));
  } catch (const RunError& error) {
    text = error.what();
  }
  EXPECT_THAT(text, HasSubstr("4 of 4 nodes are left, and 4 wait for each other in a circle"));
  EXPECT_THAT(text, HasSubstr("t:3: rank 0: node 1 ('r') (receive from rank 1, tag 0) waits for t:9: rank 1: node 2 "
                              "('s'), which is the send"));
  EXPECT_NO_THROW(check_progress(trace_of(pair_of_ranks), match_ranks(trace_of(pair_of_ranks))));
}

}  // namespace
}  // namespace podium::test
