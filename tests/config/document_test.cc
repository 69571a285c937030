#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "sim/config/config.h"
#include "tests/config/temporary_folder.h"
#include "tests/core/error_of.h"

namespace podium {
namespace {

using test::error_of;

std::string parse_error(const std::string& yaml) {
  return error_of([&] { Document::parse(yaml, "a.yaml"); });
}

TEST(Document, RefusesAKeyThatNobodyRead) {
  const Document document = Document::parse("memory:\n  size: 1\n  bandwith: 2\n", "a.yaml");
  const Node memory = document.root().at("memory");
  memory.at("size").count();
  memory.find("bandwidth");
  EXPECT_EQ(error_of([&] { document.close(); }),
            "a.yaml:3:3: memory: unknown key 'bandwith' (did you mean 'bandwidth'?); known: bandwidth, size");
}

TEST(Document, RefusesAKeyThatWasOnlyLookedFor) {
  const Document document = Document::parse("size: 1\n", "a.yaml");
  EXPECT_TRUE(document.root().has("size"));
  EXPECT_EQ(error_of([&] { document.close(); }), "a.yaml:1:1: the key 'size' has no effect here");
}

TEST(Document, LooksForUnreadKeysInsideLists) {
  const Document document = Document::parse("planes:\n  - {name: ub, links: 7}\n", "a.yaml");
  document.root().at("planes").items().front().at("name");
  EXPECT_EQ(error_of([&] { document.close(); }), "a.yaml:2:16: planes.0: unknown key 'links'; known: name");
}

TEST(Document, ClosesWhenEverythingWasRead) {
  const Document document = Document::parse("a: 1\nb: {c: 2}\nd: [1, 2]\n");
  document.root().at("a");
  document.root().at("b").at("c");
  document.root().at("d").items();
  EXPECT_NO_THROW(document.close());
}

TEST(Document, RefusesAKeyThatIsGivenTwice) {
  EXPECT_EQ(parse_error("a: 1\nb: 2\na: 3\n"), "a.yaml:3:1: the key 'a' is given twice");
  EXPECT_EQ(parse_error("a: {b: 1, b: 2}\n"), "a.yaml:1:11: the key 'b' is given twice");
  EXPECT_EQ(parse_error("a: {b: 1}\nc: {b: 1}\n"), "nothing thrown");
}

TEST(Document, RefusesWhatAStrictFileDoesNotNeed) {
  EXPECT_EQ(parse_error("a: &x [*x]\n"), "a.yaml:1:8: the alias stands inside what it names");
  EXPECT_NE(parse_error("a: *x\n").find("a.yaml:1:4: malformed YAML: "), std::string::npos);
  EXPECT_EQ(parse_error("a: !!int 1\n"), "a.yaml:1:4: tags such as 'tag:yaml.org,2002:int' are not supported");
  EXPECT_EQ(parse_error("a: 1\n---\nb: 2\n"), "a.yaml:2:1: a second document begins; a file holds one");
  EXPECT_EQ(parse_error("[1, 2]: 3\n"), "a.yaml:1:1: a key must be a word");
  EXPECT_EQ(parse_error("? {a: 1}\n: 3\n"), "a.yaml:1:3: a key must be a word");
  EXPECT_EQ(parse_error("~: 3\n"), "a.yaml:1:1: a key must be a word");
}

TEST(Document, AnAliasIsACopyOfWhatItsAnchorNames) {
  const Document document = Document::parse("a: &x {b: 1, c: [2, 3]}\nd: *x\n");
  EXPECT_EQ(document.root().at("d").at("c").items()[1].count(), 3);
  // copies are read, or not, each for itself
  document.root().at("d").at("b");
  document.root().at("a").at("b");
  try {
    document.close();
    FAIL() << "an unread key passed";
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("'c'"), std::string::npos) << error.what();
  }
}

TEST(Document, RefusesAliasesThatGrowWithoutBound) {
  std::string yaml = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string before = "*a" + std::to_string(i - 1);
    const std::string name = "a" + std::to_string(i);
    yaml += name + ": &" + name + " [" + before;
    for (int j = 1; j < 10; ++j) {
      yaml += ", " + before;
    }
    yaml += "]\n";
  }
  EXPECT_NE(parse_error(yaml).find("too large"), std::string::npos);
}

TEST(Document, LocatesMalformedYaml) {
  EXPECT_EQ(parse_error("a: 1\nb: c: 2\n"), "a.yaml:2:5: malformed YAML: illegal map value");
  EXPECT_EQ(parse_error("a: [1, 2\n"), "a.yaml:2:1: malformed YAML: end of sequence flow not found");
  EXPECT_EQ(parse_error("a: \"open\nb: 1\n"), "a.yaml:3:1: malformed YAML: a quote before this is not closed");
  EXPECT_EQ(parse_error("a: 'open"), "a.yaml:2:1: malformed YAML: a quote before this is not closed");
}

TEST(Document, RefusesBytesThatAreNotText) {
  EXPECT_EQ(parse_error("a: 1\nb: \xff\n"), "a.yaml:2:4: the file is not UTF-8 text");
  EXPECT_EQ(parse_error("a: \xc0\xaf\n"), "a.yaml:1:4: the file is not UTF-8 text");      // '/', too long
  EXPECT_EQ(parse_error("a: \xed\xa0\x80\n"), "a.yaml:1:4: the file is not UTF-8 text");  // half of a pair
  EXPECT_EQ(parse_error("a: \xf4\x90\x80\x80\n"), "a.yaml:1:4: the file is not UTF-8 text");
  EXPECT_EQ(parse_error("a: \xe2\x82"), "a.yaml:1:4: the file is not UTF-8 text");  // cut off
  EXPECT_EQ(parse_error("a: 1\n\x04"), "a.yaml:2:1: the control character 0x04 is not text");
  EXPECT_EQ(parse_error(std::string("a: 1\0", 5)), "a.yaml:1:5: the control character 0x00 is not text");
  EXPECT_EQ(parse_error("a: \u00b5 \u20ac \U0001f600\n"), "nothing thrown");
  EXPECT_EQ(parse_error("\xef\xbb\xbf"
                        "a: 1\r\n"),
            "nothing thrown");
}

TEST(Document, RefusesWhatIsNestedTooDeeply) {
  std::string nested;
  for (int i = 0; i < 100'000; ++i) {
    nested += "[";
  }
  EXPECT_EQ(parse_error(nested), "a.yaml: nested too deeply");
}

TEST(Document, MayBeEmptyUntilSomebodyWantsAKey) {
  const Document document = Document::parse("# nothing but a comment\n", "a.yaml");
  EXPECT_NO_THROW(document.close());
  EXPECT_EQ(error_of([&] { document.root().at("chip"); }),
            "a.yaml: a mapping with the key 'chip' is expected, found nothing");
}

TEST(Document, ReplacesScalarsByPath) {
  const std::string yaml = "memory:\n  size: 64 GB\nplanes:\n  - {links: 7}\n  - {links: 9}\nempty:\nv3.1: {x: 1}\n";
  const Document document = Document::parse(
      yaml, "a.yaml", {{"memory.size", "128 GB"}, {"planes.1.links", "4"}, {"empty", "word"}, {"v3.1.x", "2"}});
  const Node root = document.root();
  EXPECT_EQ(root.at("memory").at("size").quantity<Bytes>(), Bytes(128e9));
  EXPECT_EQ(root.at("planes").items()[0].at("links").count(), 7);
  EXPECT_EQ(root.at("planes").items()[1].at("links").count(), 4);
  EXPECT_EQ(root.at("empty").text(), "word");
  EXPECT_EQ(root.at("v3.1").at("x").count(), 2);
  EXPECT_NO_THROW(document.close());
}

TEST(Document, RefusesAnOverrideOfWhatIsNotThere) {
  const auto override_error = [](const std::string& path) {
    return error_of([&] { Document::parse("memory: {size: 64 GB}\nplanes: [1, 2]\n", "a.yaml", {{path, "1"}}); });
  };
  EXPECT_EQ(override_error("memory.sise"),
            "a.yaml: override of 'memory.sise': unknown key 'sise' (did you mean 'size'?); known: size");
  EXPECT_EQ(override_error("planes.2"), "a.yaml: override of 'planes.2': unknown key '2'; known: 0, 1");
  EXPECT_EQ(override_error("memory.size.value"),
            "a.yaml: override of 'memory.size.value': unknown key 'value'; none is known");
  EXPECT_EQ(override_error("memory"),
            "a.yaml: override of 'memory': only a single value can be replaced, and this is a list or a mapping");
  EXPECT_NE(override_error("planes").find("only a single value"), std::string::npos);
  EXPECT_NE(override_error("").find("only a single value"), std::string::npos);
}

TEST(Document, SaysThatAWrongValueCameFromAnOverride) {
  const Document document = Document::parse("memory: {size: 64 GB}\n", "a.yaml", {{"memory.size", "64"}});
  EXPECT_EQ(error_of([&] {
              document.root().at("memory").at("size").quantity<Bytes>();
            }).find("a.yaml (override of 'memory.size'): memory.size: '64' needs a unit of size"),
            0u);
}

class DocumentFile : public testing::Test {
 protected:
  void SetUp() override {
    before_ = std::filesystem::current_path();
    std::filesystem::create_directory(folder_.path() / "sub");
    std::filesystem::current_path(folder_.path());
  }
  void TearDown() override { std::filesystem::current_path(before_); }
  std::filesystem::path before_;
  test::TemporaryFolder folder_;
};

TEST_F(DocumentFile, IsNamedRelativeToTheWorkingDirectory) {
  std::ofstream(folder_.path() / "sub" / "a.yaml") << "a: 1\n";
  const std::string name = Document::load((folder_.path() / "sub" / "a.yaml").string()).root().where().file;
  EXPECT_EQ(name, "sub/a.yaml");
  EXPECT_EQ(Document::load("sub/a.yaml").root().at("a").count(), 1);
}

TEST_F(DocumentFile, AreAsIfNobodyHadReadThemEachTime) {
  const std::string path = (folder_.path() / "sub" / "a.yaml").string();
  std::ofstream(path) << "a: 1\n";
  const Document changed = Document::load(path, {{"a", "2"}});
  EXPECT_EQ(changed.root().at("a").count(), 2);
  changed.close();
  const Document again = Document::load(path);
  EXPECT_THROW(again.close(), InputError) << "nobody read it";
  EXPECT_EQ(again.root().at("a").count(), 1);
  EXPECT_EQ(again.with({{"a", "3"}}).root().at("a").count(), 3);
}

TEST_F(DocumentFile, SaysWhyAFileCannotBeRead) {
  EXPECT_EQ(error_of([] { Document::load("absent.yaml"); }),
            "cannot read the YAML file 'absent.yaml': No such file or directory");
  EXPECT_EQ(error_of([] { Document::load("sub"); }), "cannot read the YAML file 'sub': it is a folder");
}

}  // namespace
}  // namespace podium
