// The forms in which Chakra's nodes, attributes and messages come, and which of them are refused.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "sim/workload/trace_chakra.h"
#include "tests/workload/traces.h"

namespace podium::test {
namespace {

using testing::HasSubstr;

std::string json_of(const std::string& nodes) { return "{\"workload_graph\": " + nodes + "}"; }

/// A node of a JSON file with these fields.
std::string json_node(const std::string& fields) { return json_of("[{\"id\": 1, \"name\": \"a\", " + fields + "}]"); }

TraceNode node_of(const std::string& content) { return trace_of(content).programs.at(0).nodes.at(0); }

TEST(ChakraJson, TakesNumbersThatAreTextAndCollectivesByName) {
  const TraceNode call = node_of(json_node(R"("type": 7, "comm_type": "ALL_TO_ALL", "comm_size": "1e6")"));
  EXPECT_EQ(call.kind, CollectiveKind::all_to_all);
  EXPECT_EQ(call.bytes, Bytes(1e6));
  EXPECT_EQ(node_of(json_node(R"("type": 7, "comm_type": "REDUCE_SCATTER_BLOCK", "comm_size": 8)")).kind,
            CollectiveKind::reduce_scatter);
  EXPECT_EQ(node_of(json_node(R"("type": 7, "comm_type": "BARRIER")")).kind, CollectiveKind::barrier);
  EXPECT_EQ(node_of(json_node(R"("type": 7, "attr": [{"name": "comm_type", "stringVal": "BROADCAST"},
                                                      {"name": "comm_size", "int64Val": "1048576"}])"))
                .bytes,
            Bytes(1048576));
  EXPECT_DOUBLE_EQ(node_of(json_node(R"("type": 4, "duration_micros": 12.5)")).duration.value(), 12.5e-6);
  EXPECT_DOUBLE_EQ(node_of(json_node(R"("type": 4, "runtime": "12.5")")).duration.value(), 12.5e-6);
  EXPECT_DOUBLE_EQ(node_of(json_node(R"("type": 4, "runtime": null, "durationMicros": "7")")).duration.value(), 7e-6);
}

TEST(ChakraJson, RefusesAnAttributeOfAnotherFormWithWhatWasFound) {
  const auto found = [](const std::string& fields) {
    const std::string message = message_of(json_node(fields)), place = "t: rank 0: node 1 ('a'): its ";
    EXPECT_EQ(message.substr(0, place.size()), place) << fields;
    return message.substr(std::min(place.size(), message.size()), message.find(", and ") - place.size());
  };
  EXPECT_EQ(found(R"("type": 7, "comm_size": 8, "comm_type": "ALL_TO_NONE")"), "comm_type is 'ALL_TO_NONE'");
  EXPECT_EQ(found(R"("type": 7, "comm_size": 8, "comm_type": 0.7)"), "comm_type is 0.7");
  EXPECT_EQ(found(R"("type": 7, "comm_size": 8, "comm_type": true)"), "comm_type is true");
  EXPECT_EQ(found(R"("type": 7, "comm_type": 0, "comm_size": "-1048576")"), "comm_size is '-1048576'");
  EXPECT_EQ(found(R"("type": 7, "comm_type": 0, "comm_size": [8])"), "comm_size is an array");
  EXPECT_EQ(found(R"("type": 4, "duration_micros": -12)"), "duration_micros is -12");
  EXPECT_EQ(found(R"("type": 4, "runtime": "soon")"), "runtime is 'soon'");
  EXPECT_EQ(found(R"("type": 4, "runtime": {"us": 5})"), "runtime is an object");
  EXPECT_EQ(found(R"("type": 4, "attr": [{"name": "num_ops", "doubleVal": "NaN"}])"), "num_ops is 'NaN'");
  EXPECT_EQ(found(R"("type": 4, "attr": [{"name": "num_ops", "int64Val": "-5"}])"), "num_ops is '-5'");
  EXPECT_EQ(found(R"("type": 4, "tensor_size": 1e300)"), "tensor_size is 1e+300");
  EXPECT_EQ(found(R"("type": 4, "is_cpu_op": "perhaps")"), "is_cpu_op is 'perhaps'");
  EXPECT_EQ(found(R"("type": 4, "involved_dim": [true, "x"])"), "involved_dim is 'x'");
  EXPECT_EQ(found(R"("type": 5, "comm_dst": 0, "comm_tag": 1.5)"), "comm_tag is 1.5");
  EXPECT_THAT(message_of(json_node(R"("type": 4, "attr": {"num_ops": 5})")), HasSubstr("its attr is no list"));
  EXPECT_THAT(message_of(json_node(R"("type": 4, "attr": [{"name": "num_ops", "value": 5}])")),
              HasSubstr("node 1: attribute num_ops has 'value'"));
}

TEST(Chakra, TakesTextAsJsonDoesAndRefusesOtherForms) {
  const auto file = [](const ChakraFile::Node& node) { return ChakraFile().add(node).bytes(); };
  const TraceNode call =
      node_of(file({.id = 1, .type = 7, .texts = {{"comm_type", "ALL_TO_ALL"}, {"comm_size", "1048576"}}}));
  EXPECT_EQ(call.kind, CollectiveKind::all_to_all);
  EXPECT_EQ(call.bytes, Bytes(1048576));
  EXPECT_EQ(message_of(file({.id = 1, .name = "a", .type = 7, .texts = {{"comm_type", "ALL"}}})),
            "t: rank 0: node 1 ('a'): its comm_type is 'ALL', and the number or name of one of Chakra's collectives "
            "(ALL_REDUCE is 0) would be right");
  EXPECT_THAT(message_of(file({.id = 1, .attributes = {{"runtime", -3}}})), HasSubstr("its runtime is -3"));
  // num_ops as an int64_list, field 10 of an attribute
  EXPECT_THAT(message_of(file({.id = 1, .fields = std::string("\x52\x0e\x0a\x07num_ops\x52\x03\x0a\x01\x05", 16)})),
              HasSubstr("its num_ops is a list of field 10"));
}

TEST(Chakra, ReadsAnEmptyListOfDependencies) {
  const std::string content = ChakraFile().add({.id = 1, .fields = std::string("\x2a\0", 2)}).bytes();
  EXPECT_EQ(node_of(content).after_count, 0U);
}

TEST(Chakra, ShowsNamesThatAreNoTextAsFarAsTheyAre) {
  const Trace trace =
      trace_of(ChakraFile().add({.id = 1, .name = "bad\xff\xfe"}).add({.id = 2, .name = "bad\xff\xfe"}).bytes());
  EXPECT_EQ(trace.names.at(trace.programs[0].nodes[0].name), "bad\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(trace.programs[0].nodes[0].name, trace.programs[0].nodes[1].name);
}

TEST(ChakraJson, TakesShapesAsListsAndAsText) {
  for (const char* const inputs :
       {R"j({"values": [{"a": [1]}], "shapes": [[8, 16], [16, 4], []], "types": ["Tensor(float)", "\u00e9"]})j",
        R"j({"shapes": "[[8, 16], [16, 4]]", "types": "['Tensor(float)']"})j"}) {
    const Trace trace =
        trace_of(json_of(R"([{"id": 1, "type": 4, "name": "gemm", "inputs": )" + std::string(inputs) + "}]"));
    ASSERT_EQ(trace.kernels.size(), 1U) << inputs;
    const auto& product = std::get<Gemm>(trace.kernels[0]);
    EXPECT_EQ(std::tuple(product.m, product.k, product.n), std::tuple(8, 16, 4));
  }
}

TEST(ChakraJson, RefusesShapesOrTypesThatInputsHaveTwice) {
  EXPECT_THAT(message_of(json_node(R"("type": 4, "inputs": {"shapes": [[8, 16]], "Shapes": [[16, 4]]})")),
              HasSubstr("node 1: its inputs have 'shapes' twice"));
  EXPECT_THAT(message_of(json_node(R"("type": 4, "inputs": {"types": "a", "_types": "b"})")),
              HasSubstr("'types' twice"));
}

/// Computing timed alone, on a stream; and an exchange with experts.
TEST(Chakra, TakesWhatOnlyOurOwnFilesSay) {
  const Trace trace = trace_of(json_of(R"([
      {"id": 1, "type": 4, "runtime": 10, "podium_cores_us": 8, "podium_memory_us": "2.5", "podium_stream": 3},
      {"id": 2, "type": 7, "comm_type": 6, "comm_size": 1000, "podium_exchange": "combine", "podium_imbalance": 1.25,
       "podium_choices": 8, "podium_slots": 72.5, "podium_shared": 1, "podium_groups": 8, "podium_groups_chosen": 4}])"));
  const TraceNode &computing = trace.programs.at(0).nodes.at(0), &exchange = trace.programs.at(0).nodes.at(1);
  EXPECT_EQ(computing.stream, 3);
  EXPECT_DOUBLE_EQ(trace.alone.at(computing.alone).cores.value(), 8e-6);
  EXPECT_DOUBLE_EQ(trace.alone.at(computing.alone).memory.value(), 2.5e-6);
  EXPECT_EQ(exchange.kind, CollectiveKind::combine);
  EXPECT_EQ(trace.exchanges.at(exchange.exchange), (TraceExchange{1.25, TokenRouting{8, 72.5, 1, 8, 4}}));
}

TEST(Chakra, RefusesOfOurOwnAttributesWhatCannotBe) {
  const auto refused = [](const std::string& fields, const char* why) {
    EXPECT_THAT(message_of(json_node(fields)), HasSubstr(why)) << fields;
  };
  refused(R"("type": 4, "runtime": 10, "podium_cores_us": 8)", "all or none would be right");
  refused(R"("type": 4, "runtime": 10, "podium_launch_us": 8)", "all or none would be right");
  refused(R"("type": 4, "runtime": 10, "podium_cores_us": 8, "podium_memory_us": 11)", "is longer than it takes");
  refused(R"("type": 4, "runtime": 10, "podium_cores_us": 8, "podium_memory_us": 1, "podium_launch_us": 3)",
          "is longer than it takes");
  refused(R"("type": 2, "runtime": 10, "podium_stream": 1)", "a podium_stream is of computing");
  refused(R"("type": 4, "is_cpu_op": true, "podium_cores_us": 8, "podium_memory_us": 1)", "on the device");
  refused(R"("type": 4, "podium_exchange": "dispatch")", "a podium_exchange is a collective");
  refused(R"("type": 7, "comm_size": 8, "comm_type": 6, "podium_imbalance": 2)", "is of a podium_exchange");
  refused(R"("type": 7, "comm_size": 8, "comm_type": 6, "podium_exchange": "combine", "podium_slots": 2)",
          "with its podium_choices");
  refused(R"("type": 4, "runtime": 10, "podium_stream": 1024)", "0 to 1023 would be right");
  const std::string call = R"("type": 7, "comm_size": 8, "podium_exchange": "dispatch", "comm_type": )";
  refused(call + "0", "is an all-to-all");
  refused(call + R"(6, "podium_imbalance": 0.5)", "whose podium_imbalance is 1 at least");
  refused(call + R"(6, "podium_choices": 8, "podium_slots": 4)", "chooses more than there is to choose from");
  refused(call + R"(6, "podium_choices": -1, "podium_slots": 4)", "beyond sense");
  refused(R"("type": 7, "comm_size": 8, "comm_type": 6, "podium_exchange": "scatter")",
          "dispatch or combine would be right");
}

TEST(ChakraJson, ShowsWhatIsNoTypeAsItStandsInTheFile) {
  EXPECT_THAT(message_of(json_node(R"("type": [1, -2, 0.5, {"a": null, "b": [true]}, "x"])")),
              HasSubstr(R"(none of Chakra's: [1,-2,0.5,{"a":null,"b":[true]},"x"])"));
}

TEST(ChakraJson, TakesAnEmptyListOfDimensionsAndNoOther) {
  const std::string collective = R"("type": 7, "comm_type": 0, "comm_size": 8, "attr": [{"name": )";
  EXPECT_EQ(message_of(json_node(collective + R"("involved_dim", "boolList": {}}])")), "nothing thrown");
  EXPECT_THAT(message_of(json_node(collective + R"("comm_tag", "int64List": {}}])")),
              HasSubstr("its comm_tag is an object, and one value would be right"));
}

TEST(ChakraJson, TakesWhatProtobufLeavesOutAsZero) {
  const Trace trace = trace_of(json_of(R"([{"type": 4, "runtime": 7}, {"id": "1", "type": 4, "dataDeps": ["0"]}])"));
  EXPECT_EQ(trace.programs.at(0).nodes.at(0).id, 0U);
  EXPECT_EQ(trace.programs.at(0).dependencies(trace.programs.at(0).nodes.at(1)).size(), 1U);
  EXPECT_THAT(message_of(json_of(R"([{"type": 4}, {"type": 4}])")), HasSubstr("node 0"));
}

TEST(ChakraJson, TakesNullAsIfItWereNotThere) {
  EXPECT_DOUBLE_EQ(node_of(json_of(R"([{"id": null, "type": 4, "attr": null, "ctrl_deps": null, "runtime": 5,
                                        "num_ops": null}])"))
                       .duration.value(),
                   5e-6);
}

TEST(ChakraJson, ReadsKeysInSectionsWhateverTheirSpelling) {
  const Trace trace = trace_of(json_of(R"j([{"id": 1, "type": 4, "name": "gemm",
      "inputs": {"Shapes": [[8, 16], [16, 4]], "Types": ["Tensor(float)"]},
      "attr": [{"Name": "RunTime", "DoubleVal": 3}]}])j"));
  EXPECT_EQ(trace.kernels.size(), 1U);
  EXPECT_DOUBLE_EQ(trace.programs.at(0).nodes.at(0).duration.value(), 3e-6);
  const std::string collective = R"("type": 7, "comm_type": 0, "comm_size": 8, "attr": [{"name": "involved_dim", )";
  EXPECT_THAT(message_of(json_node(collective + R"("boolList": {"Values": [false]}}])")),
              HasSubstr("involves some of"));
  EXPECT_THAT(message_of(json_node(collective + R"("boolList": {"vals": [false]}}])")),
              HasSubstr("the list of attribute involved_dim has 'vals'"));
  EXPECT_THAT(message_of(json_node(R"("type": 4, "attr": [{"name": "pg_name", "bytesVal": "ZHA="}])")),
              HasSubstr("its pg_name is bytes in base64, and text would be right"));
}

TEST(ChakraJson, RefusesAKeyThatANodeHasTwiceWhateverItsSpelling) {
  EXPECT_THAT(message_of(json_node(R"("Id": 2, "type": 4)")), HasSubstr("it has 'id' twice"));
  EXPECT_THAT(message_of(json_node(R"("type": 4, "NodeType": 1)")), HasSubstr("it has 'type' twice"));
  EXPECT_THAT(message_of(json_node(R"("type": 4, "runtime": 5, "runTime": 9)")), HasSubstr("it has 'runtime' twice"));
  for (const char* const attributes :
       {R"("runtime": 5, "attr": [{"name": "runtime", "doubleVal": 8}])",
        R"("attr": [{"name": "runtime", "doubleVal": 3}, {"name": "runtime", "doubleVal": 8}])",
        R"("attr": [{"name": "runtime", "doubleVal": 3, "int64Val": "8"}])"}) {
    EXPECT_THAT(message_of(json_node("\"type\": 4, " + std::string(attributes))),
                HasSubstr("its runtime is there twice, and once would be right"));
  }
}

TEST(ChakraJson, RefusesAKeyThatANodeHasTwice) {
  EXPECT_EQ(
      message_of(R"({"workload_graph": [{"id": 1, "type": 4}, {"id": 2, "type": 4, "num_ops": 1, "num_ops": 2}]})"),
      "t: rank 0: node 2: it has 'num_ops' twice");
}

TEST(ChakraJson, RefusesWhatIsNoListOfNodes) {
  EXPECT_EQ(message_of(json_of(R"({"nodes": [{"id": 1, "type": 4}]})")), "t: \"workload_graph\" is no list of nodes");
  EXPECT_EQ(message_of(json_of("7")), "t: \"workload_graph\" is no list of nodes");
  EXPECT_EQ(message_of(json_of("null")), "t: \"workload_graph\" is no list of nodes");
  for (const char* const item : {"null", "5", "\"x\"", "[]"}) {
    EXPECT_EQ(message_of(json_of(R"([{"id": 1, "type": 4}, )" + std::string(item) + "]")),
              "t: rank 0: what stands in place 2 of \"workload_graph\" is no node");
  }
}

TEST(ChakraJson, RefusesListsThatAreDeeperThanAnyTraceHas) {
  const std::string deep = std::string(200'000, '[') + std::string(200'000, ']');
  EXPECT_THAT(message_of(json_of(deep)), HasSubstr("place 1 of \"workload_graph\" is no node"));
  EXPECT_THAT(message_of(json_node("\"type\": 4, \"inputs\": {\"shapes\": " + deep + "}")),
              HasSubstr("t: rank 0: after 0 nodes: lists in lists, more than 64 deep"));
}

TEST(ChakraJson, KnowsItsNodesWhateverTheSpellingAndThePlaceOfTheirKey) {
  const std::string nodes = R"([{"id": 1, "type": 4, "runtime": 5}]})";
  EXPECT_DOUBLE_EQ(node_of("{\"WorkloadGraph\": " + nodes).duration.value(), 5e-6);
  EXPECT_DOUBLE_EQ(
      node_of("{\"note\": \"" + std::string(5000, 'x') + "\", \"workload_graph\": " + nodes).duration.value(), 5e-6);
}

TEST(ChakraJson, IsKnownByAKeyAndNotByAValue) {
  EXPECT_THAT(message_of(R"({"name": "workload_graph", "nodes": []})"),
              HasSubstr("no execution trace of a known format"));
}

TEST(Chakra, NamesAGroupByWhicheverAttributeIsNotEmpty) {
  TraceOptions options{.groups = {{"0", {0}}, {"tp", {0}}}};
  const auto group = [&](const std::string& fields) {
    const Trace trace = trace_of(json_node("\"type\": 7, \"comm_type\": 0, \"comm_size\": 8, " + fields), options);
    return trace.groups[trace.programs.at(0).nodes.at(0).group].name;
  };
  EXPECT_EQ(group(R"("comm_group": "0", "pg_name": "")"), "0");
  EXPECT_EQ(group(R"("comm_group": 0)"), "0");
  EXPECT_EQ(group(R"("comm_group": "0", "pg_name": "tp")"), "tp");
  EXPECT_EQ(group(R"("comm_group": "", "pg_name": "")"), "world");
}

TEST(Chakra, KeepsTagsOf64BitsApart) {
  const std::int64_t wide = (std::int64_t{1} << 32) + 5;
  TraceFiles files;
  // in the other order at the receiver: only the tag says which is which
  files.add("x.0.et",
            ChakraFile()
                .add({.id = 1, .type = 5, .attributes = {{"comm_dst", 1}, {"comm_tag", -1}, {"comm_size", 8}}})
                .add({.id = 2, .type = 5, .attributes = {{"comm_dst", 1}, {"comm_tag", wide}, {"comm_size", 16}}})
                .add({.id = 3, .type = 5, .attributes = {{"comm_dst", 1}, {"comm_tag", 5}, {"comm_size", 32}}})
                .add({.id = 4, .type = 5, .attributes = {{"comm_dst", 1}, {"comm_tag", -2}, {"comm_size", 64}}})
                .bytes());
  files.add("x.1.et",
            ChakraFile()
                .add({.id = 1, .type = 6, .attributes = {{"comm_src", 0}, {"comm_tag", 5}, {"comm_size", 32}}})
                .add({.id = 2, .type = 6, .attributes = {{"comm_src", 0}}, .texts = {{"comm_tag", "-2"}}})
                .add({.id = 3, .type = 6, .attributes = {{"comm_src", 0}, {"comm_tag", wide}, {"comm_size", 16}}})
                .add({.id = 4, .type = 6, .attributes = {{"comm_src", 0}, {"comm_tag", -1}, {"comm_size", 8}}})
                .bytes());
  const Trace trace = files.load();
  EXPECT_EQ(trace.programs[1].nodes[1].tag, -2);
  const TraceMatch match = match_ranks(trace);
  EXPECT_EQ(match[0][0], match[1][3]);
  EXPECT_EQ(match[0][1], match[1][2]);
  EXPECT_EQ(match[0][2], match[1][0]);
  EXPECT_EQ(match[0][3], match[1][1]);
}

TEST(Chakra, RefusesMessagesWhoseEndsContradictEachOther) {
  const auto message = [](std::int64_t sender, std::int64_t received) {
    TraceFiles files;
    files.add("x.0.et",
              ChakraFile()
                  .add({.id = 1, .type = 5, .attributes = {{"comm_src", sender}, {"comm_dst", 1}, {"comm_size", 1000}}})
                  .bytes());
    files.add("x.1.et",
              ChakraFile().add({.id = 1, .type = 6, .attributes = {{"comm_src", 0}, {"comm_size", received}}}).bytes());
    return files.message();
  };
  EXPECT_EQ(message(0, 5000), "x.1.et: rank 1: node 1: it receives 5000 bytes, and x.0.et: rank 0: node 1 sends 1000");
  EXPECT_EQ(message(7, 1000), "x.0.et: rank 0: node 1: a send with comm_src 7 in the file of rank 0");
}

TEST(Chakra, NotesAVersionThatNobodyKnows) {
  const auto notes = [](const std::string& version) {
    std::string bytes = ChakraFile().add({.id = 1, .microseconds = 5}).bytes();
    return trace_of(bytes.replace(bytes.find("0.0.4"), 5, version)).notes;
  };
  EXPECT_TRUE(notes("0.0.4").empty());
  EXPECT_TRUE(notes("1.2.3").empty());
  EXPECT_EQ(notes("9.9.9"),
            (std::set<std::string>{"the schema's version is '9.9.9', and 0.0.4 and 1.x are known: read as these"}));
}

TEST(ProductOf, IsNoneWhereADimensionIsNegative) {
  EXPECT_TRUE(product_of("aten::mm", "[[8, 16], [16, 4]]", "[\"c10::Half\"]"));
  EXPECT_FALSE(product_of("aten::mm", "[[-8, 16], [16, 4]]", "[\"c10::Half\"]"));
  EXPECT_FALSE(product_of("aten::mm", "[[0, 16], [16, 4]]", "[\"c10::Half\"]")) << "nothing to do";
}

TEST(ProductOf, KnowsOperatorsByTheirWholeNames) {
  const std::string half = "[\"c10::BFloat16\", \"c10::BFloat16\"]", eight = "[\"c10::Float8_e4m3fn\"]";
  const auto gemm = [](DataType type, double m, double n, double k, double batch = 1) {
    return std::optional<Kernel>(Gemm{.type = type, .m = m, .n = n, .k = k, .batch = batch});
  };
  EXPECT_EQ(product_of("aten::mm", "[[8, 16], [16, 4]]", half), gemm(DataType::bf16, 8, 4, 16));
  EXPECT_EQ(product_of("flash::mmha", "[[8, 16], [16, 4]]", half), std::nullopt);
  EXPECT_EQ(product_of("aten::addmm", "[[4], [8, 16], [16, 4], [], []]", half), gemm(DataType::bf16, 8, 4, 16));
  EXPECT_EQ(product_of("aten::linear", "[[2, 4, 16], [32, 16], [32]]", half), gemm(DataType::bf16, 8, 32, 16));
  EXPECT_EQ(product_of("aten::linear", "[[8, 16], [16, 32]]", half), std::nullopt) << "weights are n x k";
  EXPECT_EQ(product_of("aten::matmul", "[[2, 8, 16], [2, 16, 4]]", half), gemm(DataType::bf16, 8, 4, 16, 2));
  EXPECT_EQ(product_of("aten::matmul", "[[2, 8, 16], [16, 4]]", half), gemm(DataType::bf16, 16, 4, 16));
  EXPECT_EQ(product_of("aten::baddbmm", "[[2, 8, 4], [2, 8, 16], [2, 16, 4]]", half),
            gemm(DataType::bf16, 8, 4, 16, 2));
  EXPECT_EQ(product_of("aten::_scaled_mm", "[[8, 16], [16, 4], [8, 1], [1, 4]]", eight), gemm(DataType::fp8, 8, 4, 16));
}

}  // namespace
}  // namespace podium::test
