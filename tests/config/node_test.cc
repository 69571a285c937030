#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "sim/config/config.h"
#include "tests/core/error_of.h"

namespace podium {
namespace {

using test::error_of;

const std::string study =
    "name: first\n"
    "length: 4,096\n"
    "rate: 2.5\n"
    "share: 85 %\n"
    "fold: true\n"
    "latency: 50 ms\n"
    "systems: [a, b]\n"
    "plan:\n"
    "  tp: 8\n"
    "  pp: 16\n";

Node root_of(const std::string& yaml) { return Document::parse(yaml, "study.yaml").root(); }

TEST(Node, ReadsScalarsByType) {
  const Node root = root_of(study);
  EXPECT_EQ(root.at("name").text(), "first");
  EXPECT_EQ(root.at("length").count(), 4096);
  EXPECT_EQ(root.at("rate").number(), 2.5);
  EXPECT_EQ(root.at("share").number(), 0.85);
  EXPECT_TRUE(root.at("fold").flag());
  EXPECT_EQ(root.at("latency").quantity<Seconds>(), Seconds(50 * 1e-3));
  EXPECT_EQ(root.at("name").one_of({"first", "second"}), "first");
}

TEST(Node, ReadsListsAndMappingsInTheOrderOfTheFile) {
  const Node root = root_of(study);
  std::vector<std::string> systems;
  for (const Node& item : root.at("systems").items()) {
    systems.push_back(item.text());
  }
  EXPECT_EQ(systems, (std::vector<std::string>{"a", "b"}));
  std::vector<std::string> keys;
  for (const auto& [key, value] : root.at("plan").entries()) {
    keys.push_back(key);
    EXPECT_EQ(value.path(), "plan." + key);
  }
  EXPECT_EQ(keys, (std::vector<std::string>{"tp", "pp"}));
}

TEST(Node, TellsItsKindAndPlace) {
  const Node root = root_of(study);
  EXPECT_TRUE(root.is_mapping());
  EXPECT_TRUE(root.at("systems").is_sequence());
  EXPECT_TRUE(root.at("plan").at("pp").is_scalar());
  const Location where = root.at("plan").at("pp").where();
  EXPECT_EQ(to_string(where), "study.yaml:10:7");
  EXPECT_EQ(root.at("systems").items()[1].path(), "systems.1");
  EXPECT_EQ(root.path(), "");
}

TEST(Node, FindsOptionalKeys) {
  const Node root = root_of(study);
  EXPECT_TRUE(root.has("plan"));
  EXPECT_FALSE(root.has("plans"));
  EXPECT_FALSE(root.find("absent").has_value());
  EXPECT_EQ(root.find("rate")->number(), 2.5);
  EXPECT_FALSE(root.at("name").has("anything"));
}

TEST(Node, OutlivesItsDocument) {
  const Node plan = Document::parse(study).root().at("plan");
  EXPECT_EQ(plan.at("tp").count(), 8);
}

TEST(Node, NamesTheNearestKeyForAMissingOne) {
  EXPECT_EQ(error_of([] { root_of("plan:\n  tpp: 8\n").at("plan").at("tp"); }),
            "study.yaml:2:3: plan: the key 'tp' is missing; is 'tpp' meant to be it?");
  EXPECT_EQ(error_of([] { root_of("all: &all {tp: 8}\nplan: {<<: *all, pp: 2}\n").at("plan").at("tp"); }),
            "study.yaml:2:7: plan: the key 'tp' is missing; merge keys ('<<') are not read: write the keys out");
  EXPECT_EQ(error_of([] { root_of("a: 1\n").at("bandwidth"); }), "study.yaml:1:1: the key 'bandwidth' is missing");
}

TEST(Node, SaysWhatItFoundInsteadOfWhatWasExpected) {
  const Node root = root_of(study + "nothing:\n");
  EXPECT_EQ(error_of([&] { root.at("plan").text(); }),
            "study.yaml:9:3: plan: a single value is expected, found a mapping");
  EXPECT_EQ(error_of([&] { root.at("systems").text(); }),
            "study.yaml:7:10: systems: a single value is expected, found a list");
  EXPECT_EQ(error_of([&] { root.at("nothing").text(); }),
            "study.yaml:11:1: nothing: a single value is expected, found nothing");
  EXPECT_EQ(error_of([&] { root.at("name").items(); }), "study.yaml:1:7: name: a list is expected, found 'first'");
  EXPECT_EQ(error_of([&] { root.at("name").entries(); }), "study.yaml:1:7: name: a mapping is expected, found 'first'");
  EXPECT_EQ(error_of([&] { root.at("systems").at("a"); }),
            "study.yaml:7:10: systems: a mapping with the key 'a' is expected, found a list");
}

TEST(Node, PutsPlaceAndPathBeforeWhatAParserSays) {
  const Node root = root_of(study);
  EXPECT_EQ(error_of([&] { root.at("plan").at("tp").quantity<Watts>(); }),
            "study.yaml:9:7: plan.tp: '8' needs a unit of power (W, kW, MW)");
  EXPECT_EQ(error_of([&] { root.at("rate").count(); }),
            "study.yaml:3:7: rate: '2.5' is not a count; a whole number that is not negative is expected");
  EXPECT_EQ(error_of([&] { root.at("rate").flag(); }), "study.yaml:3:7: rate: unknown word '2.5'; known: true, false");
  EXPECT_EQ(error_of([&] {
              root.at("name").one_of({"frist", "last"});
            }),
            "study.yaml:1:7: name: unknown word 'first' (did you mean 'frist'?); known: frist, last");
  EXPECT_EQ(error_of([&] { root.at("name").fail("is not good"); }), "study.yaml:1:7: name: is not good");
}

TEST(Node, TakesQuotedTextAsItIs) {
  EXPECT_EQ(root_of("a: \"4,096\"\n").at("a").count(), 4096);
  EXPECT_EQ(root_of("a: {b: '4,096'}\n").at("a").at("b").count(), 4096);
  EXPECT_EQ(root_of("a: \"null\"\n").at("a").text(), "null");
  EXPECT_EQ(root_of("a: \"x: # y\"\n").at("a").text(), "x: # y");
}

}  // namespace
}  // namespace podium
