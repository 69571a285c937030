// A study file that is wrong in one place: status 2, one line that says where, what was found and what would be right,
// and nothing is written.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>

#include "tests/cli/run_podium.h"

namespace podium::test {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

struct Wound {
  std::string name;
  std::string from, to;               ///< the first `from` in the study becomes `to`
  std::vector<std::string> expected;  ///< parts of the message

  friend void PrintTo(const Wound& wound, std::ostream* out) { *out << wound.from << " -> " << wound.to; }
};

class BadInput : public testing::TestWithParam<Wound> {
 protected:
  BadInput() : folder_(std::filesystem::path(testing::TempDir()) / "podium-bad-input" / GetParam().name) {
    std::filesystem::create_directories(folder_);
  }
  ~BadInput() override { std::filesystem::remove_all(folder_); }

  const std::filesystem::path folder_;
};

TEST_P(BadInput, IsRefusedWithItsPlaceAndWhatWouldBeRight) {
  std::ifstream file(PODIUM_SOURCE_DIR "/configs/studies/cm384-vs-nvl72.yaml");
  std::string study{std::istreambuf_iterator<char>(file), {}};
  const std::size_t place = study.find(GetParam().from);
  ASSERT_NE(place, std::string::npos) << "the study has no '" << GetParam().from << "'";
  study.replace(place, GetParam().from.size(), GetParam().to);
  const std::filesystem::path wounded = folder_ / "wounded.yaml", output = folder_ / "output";
  std::ofstream(wounded) << study;

  const Outcome outcome = run_podium("compare " + wounded.string() + " --output " + output.string());

  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.output, IsEmpty());
  EXPECT_FALSE(std::filesystem::exists(output));
  EXPECT_THAT(outcome.errors, testing::StartsWith("podium: " + wounded.string() + ":"));
  EXPECT_TRUE(std::regex_search(outcome.errors, std::regex(R"(wounded\.yaml:\d+:\d+: )"))) << outcome.errors;
  for (const std::string& part : GetParam().expected) {
    EXPECT_THAT(outcome.errors, HasSubstr(part));
  }
  EXPECT_EQ(std::count(outcome.errors.begin(), outcome.errors.end(), '\n'), 1) << outcome.errors;
}

INSTANTIATE_TEST_SUITE_P(
    Study, BadInput,
    testing::Values(
        Wound{"UnknownSystem", "{name: cloudmatrix384", "{name: cloudmatrix38", {"did you mean 'cloudmatrix384'"}},
        Wound{"UnknownModel", "model: llama-3.1-405b", "model: llama-3.1-45b", {"did you mean 'llama-3.1-405b'"}},
        Wound{"UnknownNetwork", "network: flow", "network: flw", {"'flw'", "did you mean 'flow'"}},
        Wound{"UnknownDataType", "experts: int8", "experts: int9", {"'int9'", "did you mean 'int8'"}},
        Wound{"UnknownPlane", "transfer_plane: roce", "transfer_plane: rose", {"'rose'", "did you mean 'roce'"}},
        Wound{"UnknownSource", "source: balance}", "source: balanc}", {"'balanc'", "did you mean 'balance'"}},
        Wound{"UnknownKey", "seed: 1", "seed: 1\nsede: 2", {"sede"}},
        Wound{"MissingKey", "seed: 1", "", {"'seed' is missing"}},
        Wound{"MisspeltKey", "seed: 1", "sed: 1", {"'seed' is missing", "'sed'"}},
        Wound{"NoUnit", "ttft: 2 s", "ttft: 2", {"slo.ttft", "'2'", "ms, s"}},
        Wound{"UnitOfAnotherKind", "ttft: 2 s", "ttft: 2 GB", {"'2 GB'", "size", "time"}},
        Wound{"Negative", "ttft: 2 s", "ttft: -2 s", {"'-2 s' is negative"}},
        Wound{"NoLimit", "ttft: 2 s", "ttft: 1e300 s", {"'1e300 s'", "at most a day"}},
        Wound{"NotFinite", "ttft: 2 s", "ttft: nan s", {"'nan s'", "finite"}},
        Wound{"TooManyDomains", "domains: 1}", "domains: 100000}", {"at most", "100000"}},
        Wound{"NotWhole", "global_batch: 1152", "global_batch: 1152.5", {"'1152.5'", "whole number"}},
        Wound{"NoProbability", "quantile: 0.95", "quantile: 1.95", {"quantile", "between 0 and 1"}},
        Wound{"OutsideOfItsRange", "low: 1.0, high: 1.8", "low: 1.9, high: 2", {"'1.4'", "'1.9' to '2'"}},
        Wound{"NoYaml", "systems:", "systems: [", {"malformed YAML"}}),
    [](const testing::TestParamInfo<Wound>& wound) { return wound.param.name; });

TEST(UnreadableInput, IsRefusedByName) {
  struct Case {
    std::string arguments, problem;
  };
  for (const Case& wrong :
       {Case{"nosuch", "unknown study 'nosuch'"}, Case{"/nosuch.yaml", "cannot read"}, Case{".", "unknown study '.'"},
        Case{"./configs", "a folder"}, Case{"cm384-vs-nvl72 --network packt", "unknown network model 'packt'"},
        Case{"cm384-vs-nvl72 --requests /nosuch", "cannot read the request trace '/nosuch'"},
        Case{"cm384-vs-nvl72 --requests README.md", "not a request trace of a known format"}}) {
    const Outcome outcome = run_podium("compare " + wrong.arguments);
    EXPECT_EQ(outcome.status, 2) << wrong.arguments;
    EXPECT_THAT(outcome.output, IsEmpty());
    EXPECT_THAT(outcome.errors, HasSubstr(wrong.problem));
  }
}

}  // namespace
}  // namespace podium::test
