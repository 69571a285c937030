#include "sim/serving/request.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

#include "tests/core/error_of.h"
#include "tests/core/measured_rows.h"

namespace podium::test {
namespace {

using namespace literals;
namespace fs = std::filesystem;

class RequestFile {
 public:
  explicit RequestFile(const std::string& text)
      : path_(std::filesystem::temp_directory_path() / ("podium_requests_" + std::to_string(::getpid()))) {
    std::ofstream(path_) << text;
  }
  ~RequestFile() { std::filesystem::remove(path_); }
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

std::vector<Request> read(const std::string& text) { return load_requests(RequestFile(text).path()); }

TEST(PoissonRequests, HaveMeanRateAndVariationOfOne) {
  const std::size_t count = 100'000;
  const UnitRequests requests = poisson_requests(count, 10, 20, 1);
  EXPECT_NEAR(requests.back().arrival.value() / static_cast<double>(count), 1, 5 / std::sqrt(count));
  double squares = 0;
  for (std::size_t i = 1; i < count; ++i) {
    squares += std::pow((requests[i].arrival - requests[i - 1].arrival).value() - 1, 2);
  }
  EXPECT_NEAR(squares / static_cast<double>(count), 1, 0.03);
}

TEST(RecordedRequests, AreScaledToARateOfOneAndRepeated) {
  const std::vector<Request> recorded{{0_s, 1, 1}, {4_s, 2, 2}, {6_s, 3, 3}};
  const UnitRequests requests = scale_to_unit_rate(recorded, 2);
  ASSERT_EQ(requests.size(), 6U);
  EXPECT_DOUBLE_EQ(requests[1].arrival.value(), 4 * 2.0 / 6);
  EXPECT_DOUBLE_EQ(requests[2].arrival.value(), 2) << "a mean gap before the first of the next pass";
  EXPECT_DOUBLE_EQ(requests[4].arrival.value(), 3 + requests[1].arrival.value());
  EXPECT_EQ(requests[4].input, 2U);
}

TEST(RecordedRequests, AreSharedByMachinesEachInItsTurn) {
  std::vector<Request> recorded;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    recorded.push_back({Seconds(double(i)), i + 1, 1});
  }
  for (const double copies : {2.0, 3.0, 5.0, 7.0, 8.0, 1.5, 22.0 / 3, 1.29}) {
    const UnitRequests one_pass = scale_to_unit_rate(recorded, 1, copies);
    EXPECT_NEAR(double(one_pass.size()), 1000 / copies, 2) << copies;
    const UnitRequests requests = scale_to_unit_rate(recorded, 100, copies);
    EXPECT_NEAR(double(requests.size()), 100'000 / copies, 0.01 * 100'000 / copies);
    EXPECT_NEAR(requests.back().arrival.value(), 100'000, 10) << "at the time at which the whole gets them";
    std::vector<int> taken(1000);
    for (const Request& request : requests) {
      ++taken[request.input - 1];
    }
    const auto [least, most] = std::minmax_element(taken.begin(), taken.end());
    EXPECT_NEAR(*least, 100 / copies, copies == std::floor(copies) ? 1 : 30) << copies;
    EXPECT_NEAR(*most, 100 / copies, copies == std::floor(copies) ? 1 : 30) << copies;
  }
}

TEST(RecordedRequests, AreSharedWhateverThePeriodOfTheTrace) {
  std::vector<Request> recorded;
  for (std::uint32_t i = 0; i < 8000; ++i) {
    recorded.push_back({Seconds(double(i)), i % 8 == 0 ? 6000U : 300U, 1});
  }
  std::vector<int> taken(8);
  for (std::size_t passes = 1; passes <= 8; ++passes) {
    int heavy = 0;
    for (const Request& request : scale_to_unit_rate(recorded, passes, 8)) {
      heavy += request.input == 6000 ? 1 : 0;
    }
    EXPECT_NEAR(heavy, 125 * double(passes), 40) << passes << " passes";
    taken[passes - 1] = heavy;
  }
  EXPECT_EQ(taken.back(), 1000) << "each once in eight passes";
}

TEST(RecordedRequests, AreStandedForByStretchesOverTheWholeOfThem) {
  std::vector<Request> recorded;
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    recorded.push_back({Seconds(i < 50'000 ? i : 50'000 + 3.0 * (i - 50'000)), i + 1, i < 50'000 ? 10U : 30U});
  }
  const std::vector<Request> sample = sample_stretches(recorded, 20'000);
  ASSERT_EQ(sample.size(), 20'000U);
  double output = 0;
  for (const Request& request : sample) {
    output += request.output / 20'000.0;
  }
  EXPECT_NEAR(output, 20, 1e-9) << "as many from either half";
  EXPECT_EQ(sample[1000].input, recorded[5000].input) << "the second of twenty stretches";
  EXPECT_DOUBLE_EQ((sample[1000].arrival - sample[999].arrival).value(), 1) << "with the gap behind the first";
  EXPECT_DOUBLE_EQ((sample[15'001].arrival - sample[15'000].arrival).value(), 3);
  EXPECT_EQ(sample_stretches(recorded, 100'000).size(), 100'000U) << "no longer: all of it";
}

TEST(RecordedRequests, OfWhoseStretchesNoRateFollowsAreRefused) {
  std::vector<Request> recorded(50'000, Request{0_s, 1, 1});
  recorded.back().arrival = 1_s;
  EXPECT_THROW(sample_stretches(recorded, 20'000), InputError);
}

TEST(LoadRequests, ReadsAzure) {
  const auto requests = read(
      "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.5000000,374,44\n"
      "2023-11-17 00:00:01.0000000,396,109\n");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_NEAR(requests[1].arrival.value(), 1.5, 1e-6);
  EXPECT_EQ(requests[1].input, 396U);
  EXPECT_EQ(requests[1].output, 109U);
}

TEST(LoadRequests, ReadsTimeZonesOfAzure) {
  const std::string header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  const auto requests = read(header +
                             "2024-05-10 00:00:00.009930+00:00,2162,5\n2024-05-10 00:00:01.009930Z,2,2\n"
                             "2024-05-09 22:30:02.009930-01:30,3,3\n");
  ASSERT_EQ(requests.size(), 3U);
  EXPECT_NEAR(requests[1].arrival.value(), 1, 1e-6);
  EXPECT_NEAR(requests[2].arrival.value(), 2, 1e-6);
  EXPECT_NE(error_of([&] { read(header + "2024-05-10 00:00:00+0100,1,1\n"); }).find("'+0100' is no time zone"),
            std::string::npos);
}

TEST(LoadRequests, ReadsSplitwiseSim) {
  const auto requests = read(
      "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"
      "0,2,0,0.5,1,374,44\n1,2,0,2.5,1,396,109\n");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_DOUBLE_EQ(requests[1].arrival.value(), 2);
  EXPECT_EQ(requests[1].input, 396U);
  EXPECT_EQ(requests[1].output, 109U);
}

TEST(LoadRequests, ReadsMooncake) {
  const auto requests = read(
      "{\"timestamp\": 500, \"input_length\": 758, \"output_length\": 500, \"hash_ids\": [0, 1]}\n"
      "{\"timestamp\": 3500, \"input_length\": 7, \"output_length\": 0, \"hash_ids\": []}\n");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_DOUBLE_EQ(requests[0].arrival.value(), 0);
  EXPECT_DOUBLE_EQ(requests[1].arrival.value(), 3);
  EXPECT_EQ(requests[0].input, 758U);
  EXPECT_EQ(requests[0].blocks, (std::vector<std::uint64_t>{0, 1}));
  EXPECT_TRUE(requests[1].blocks.empty());
  EXPECT_EQ(requests[1].output, 1U);
}

TEST(LoadRequests, ReadsPlainAndVidurColumnsInAnyOrder) {
  EXPECT_EQ(read("input,arrival,output\n5,0.5,6\n7,0.6,8\n")[0].input, 5U);
  EXPECT_EQ(read("arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,374,44\n1.0,375,45\n")[0].output, 44U);
}

TEST(LoadRequests, ReadsFieldsBetweenQuotationMarks) {
  const auto requests =
      read("arrival,input,output,\"a \"\"note\"\", long\"\n\"0\",\"5\",6,\"x, y\"\n\"1\",7,\"8\",\r\n");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(requests[0].input, 5U);
  EXPECT_EQ(requests[1].output, 8U);
}

TEST(LoadRequests, ReadsNanoseconds) {
  const auto requests = read("arrival_time_ns,input_toks,output_toks\n46926808,2358,531\n346926808,1034,769\n");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_NEAR(requests[1].arrival.value(), 0.3, 1e-9);
  EXPECT_EQ(requests[1].input, 1034U);
  EXPECT_EQ(requests[1].output, 769U);
}

TEST(LoadRequests, ReadsBurstGptWithACallThatFailed) {
  const auto requests = read(
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "5,ChatGPT,472,18,490,Conversation log\n45,GPT-4,1087,0,1087,API log\n");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_DOUBLE_EQ(requests[1].arrival.value(), 40);
  EXPECT_EQ(requests[0].output, 18U);
  EXPECT_EQ(requests[1].input, 1087U);
  EXPECT_EQ(requests[1].output, 1U);
}

/// Client 0 sends 60 requests in the first window and 120 in the second; nobody knows how long client 7's are.
class ServeGen : public testing::Test {
 protected:
  ServeGen() {
    fs::create_directories(folder_);
    write("a_arrivals.csv",
          "client,window_start_s,rate_rps,cv,dist,param1,param2\n"
          "0,600,0.1,1,Gamma,1,10\n7,600,3,1,Gamma,1,1\n0,1200,0.2,1,Weibull,0.5,10\n");
  }
  ~ServeGen() override { fs::remove_all(folder_); }
  void write(const std::string& name, const std::string& text) { std::ofstream(folder_ / name) << text; }
  std::vector<Request> read() { return load_requests((folder_ / "a_arrivals.csv").string()); }

  fs::path folder_ = fs::temp_directory_path() / ("podium_servegen_" + std::to_string(::getpid()));
};

constexpr const char* client_lengths = R"({"0":{"0":{"input_tokens":{"7":0.25,"9":0.75},"output_tokens":{"100":1}}},)"
                                       R"("7":{"0":{"input_tokens":{},"output_tokens":{}}}})";

TEST_F(ServeGen, DrawsAsManyRequestsInAWindowAsWereRecorded) {
  write("a_lengths.json", client_lengths);
  const auto requests = read();
  ASSERT_EQ(requests.size(), 180U);
  EXPECT_LE(requests.back().arrival.value(), 1200);
  std::size_t short_ones = 0;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(requests[i].output, 100U);
    short_ones += requests[i].input == 7;
    EXPECT_TRUE(requests[i].input == 7 || requests[i].input == 9);
  }
  EXPECT_NEAR(static_cast<double>(short_ones), 45, 4 * std::sqrt(180 * 0.25 * 0.75));
  const auto again = read();
  for (std::size_t i = 0; i < requests.size(); ++i) {
    EXPECT_EQ(requests[i].arrival, again[i].arrival) << "the same stream whenever it is drawn";
  }
}

TEST_F(ServeGen, SaysWhatPartOfTheRequestsIsLeftOut) {
  write("a_lengths.json", client_lengths);
  const RequestTrace trace = load_request_trace((folder_ / "a_arrivals.csv").string());
  EXPECT_EQ(trace.notes,
            (std::set<std::string>{"1 of 2 clients have no lengths in the file beside the trace and are left "
                                   "out: 91 % of the requests"}));
}

TEST_F(ServeGen, AsksForTheFileOfLengthsAndRefusesItAlone) {
  EXPECT_NE(error_of([&] { read(); }).find("NAME_lengths.json"), std::string::npos);
  write("a_lengths.json", client_lengths);
  EXPECT_NE(error_of([&] { load_requests((folder_ / "a_lengths.json").string()); }).find("NAME_arrivals.csv"),
            std::string::npos);
}

TEST(RequestsCsv, IsReadBackExactly) {
  const std::vector<Request> requests{{0_s, 5, 6}, {Seconds(1.0 / 3), 7, 8}, {Seconds(1e-9 + 2), 1'000'000, 1}};
  const auto back = read(requests_csv(requests));
  ASSERT_EQ(back.size(), requests.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    EXPECT_EQ(back[i].arrival, requests[i].arrival);
    EXPECT_EQ(back[i].input, requests[i].input);
    EXPECT_EQ(back[i].output, requests[i].output);
  }
}

TEST(LoadRequests, ReadsThroughGzipAndZstd) {
  const RequestFile file("arrival,input,output\n0,5,6\n1,7,8\n");
  for (const std::string compress : {"gzip -c", "zstd -q -c"}) {
    const std::string packed = file.path() + ".packed";
    ASSERT_EQ(std::system((compress + " " + file.path() + " > " + packed).c_str()), 0);
    EXPECT_EQ(load_requests(packed).size(), 2U) << compress;
    fs::remove(packed);
  }
}

void expect_error(const std::string& text, const std::string& part) {
  try {
    read(text);
    FAIL() << "accepted: " << text;
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what();
  }
}

TEST(LoadRequests, SaysWhereABadRowStands) {
  expect_error("arrival,input,output\n0,5,6\n1,0,6\n", ":3: '0' is not a number of tokens");
  expect_error("arrival,input,output\n0,5\n", ":2: 2 fields, but the header has 3");
  expect_error("", "the file is empty");
  expect_error("arrival,input,input,output\n0,5,6,7\n", ":1: column 'input' is there twice");
  expect_error("arrival,input,output\n1,5,6\n0,5,6\n", ":3: the request arrives before the one above it");
  expect_error("arrival,input,output\n", "no request");
  expect_error("{\"timestamp\": 1, \"input_length\": 3}\n", "output_length");
  expect_error("what is this\n", "known format");
  EXPECT_THROW(load_requests("/no/such/file"), InputError);
}

TEST(LoadRequests, RefusesMangledRowsWithTheirLine) {
  expect_error("arrival,input,output\n0,2,3\n1,200%,3\n", ":3: '200%' is a percentage, and a plain number is expected");
  expect_error("arrival,input,output\n0,2,3\n50%,2,3\n", ":3: '50%' is a percentage");
  expect_error("arrival,input,output\n0,2,3\n1e300,2,3\n", ":3: an arrival at 1e+300 s is beyond sense");
  const std::string burst = "Timestamp,Request tokens,Response tokens\n0,2,3\n";
  expect_error(burst + "1,2,-7\n", ":3: '-7' is not a number of tokens");
  expect_error(R"({"timestamp": 1, "input_length": 3, "output_length": 1, "input_length": 4})",
               ":1: 'input_length' is there twice");
}

TEST(LoadRequests, NamesTheHeaderThatItFoundAndTheColumnsThatItWants) {
  expect_error("when,prompt,answer\n1,2,3\n", "it begins with 'when,prompt,answer'");
  expect_error("when,prompt,answer\n1,2,3\n", "arrival (seconds), input and output (tokens)");
  expect_error("when,prompt,answer\n1,2,3\n", "num_prefill_tokens");
}

TEST(LoadRequests, RefusesAFolder) {
  try {
    load_requests(PODIUM_SOURCE_DIR);
    FAIL();
  } catch (const InputError& error) {
    EXPECT_NE(std::string(error.what()).find("it is a folder"), std::string::npos) << error.what();
  }
}

TEST(LoadRequests, RefusesARequestThatIsLongerThanTheModelTakesWithItsLine) {
  const RequestFile file("arrival,input,output\n0,5,6\n1,50,51\n");
  EXPECT_EQ(load_requests(file.path(), {}, 101).size(), 2U);
  EXPECT_EQ(error_of([&] { load_requests(file.path(), {}, 100); }),
            file.path() + ":3: a request has 101 tokens, but the model takes at most 100");
}

TEST(LoadRequests, ReadsPastAByteOrderMark) {
  const std::string mark = "\xEF\xBB\xBF";
  EXPECT_EQ(read(mark + "arrival,input,output\n0,5,6\n1,7,8\n").size(), 2U);
  EXPECT_EQ(read(mark + "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6,3,4\n"
                        "2023-11-16 18:15:47.6,3,4\n")
                .size(),
            2U);
  const std::string object = "{\"timestamp\": 5, \"input_length\": 6, \"output_length\": 5}\n";
  EXPECT_EQ(read(mark + object + "{\"timestamp\": 6, \"input_length\": 6, \"output_length\": 5}\n").size(), 2U);
}

TEST(LoadRequests, RefusesWhatIsNoDateOrNoTimeOfDay) {
  for (const std::string stamp : {"2023-13-16 18:15:46", "2023-02-29 18:15:46", "2023-11-16 24:15:46",
                                  "2023-11-16 18:60:46", "2023-11-16 18:15:99"}) {
    expect_error("TIMESTAMP,ContextTokens,GeneratedTokens\n" + stamp + ",3,4\n", "is no date and time of day");
  }
}

TEST(LoadRequests, RefusesATraceOfWhichNoRateFollows) {
  expect_error("arrival,input,output\n3,5,6\n", "one request");
  expect_error("arrival,input,output\n3,5,6\n3,7,8\n", "all 2 requests arrive at the same time");
}

double servegen_requests() {
  double sum = 0;
  for (const Row& row : read_rows("traces/servegen_reason_deepseek-r1_arrivals.csv")) {
    for (const char* client : {"3", "12", "13", "15", "28", "30", "35", "48", "54", "66"}) {
      sum += row.at("client") == client ? number(row, "rate_rps") * 600 : 0;
    }
  }
  return sum;
}

TEST(LoadRequests, ReadsTheRecordedTraces) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  const std::filesystem::path folder = std::filesystem::path(data_folder()) / "traces";
  const auto azure = load_requests((folder / "azure_llm_2023_conv.csv").string());
  EXPECT_EQ(azure.size(), 19366U);
  EXPECT_NEAR(azure.back().arrival.value(), 3600, 120);
  const auto vidur = load_requests((folder / "vidur_splitwise_conv.csv").string());
  ASSERT_EQ(vidur.size(), azure.size());
  for (std::size_t i = 0; i < azure.size(); ++i) {
    EXPECT_NEAR(vidur[i].arrival.value(), azure[i].arrival.value(), 1e-4);
    EXPECT_EQ(vidur[i].input, azure[i].input);
  }
  const auto mooncake = load_requests((folder / "mooncake_conversation_trace.jsonl").string());
  EXPECT_NEAR(mooncake.back().arrival.value(), 3540, 120);
  EXPECT_EQ(load_requests((folder / "sharegpt300_qwen3-32b_lengths.csv").string()).size(), 300U);
  const auto servegen = load_requests((folder / "servegen_reason_deepseek-r1_arrivals.csv").string());
  // the rates of the ten clients whose lengths are known, times their windows of 600 s
  EXPECT_NEAR(static_cast<double>(servegen.size()), servegen_requests(), 10.0);
}

TEST(LoadRequests, ReadsOrRefusesEveryFileOfTheData) {
  if (const std::string why = missing_data(); !why.empty()) {
    GTEST_SKIP() << why;
  }
  for (const fs::directory_entry& entry : fs::recursive_directory_iterator(data_folder() + "/traces")) {
    if (entry.is_regular_file()) {
      const std::string error = error_of([&] { load_requests(entry.path().string()); });
      const bool is_lengths = error.find("ServeGen's lengths alone") != std::string::npos;
      const bool is_other = error.find("not a request trace of a known format") != std::string::npos &&
                            entry.path().extension() == ".yaml";  // acceptance of draft tokens
      EXPECT_TRUE(error == "nothing thrown" || is_lengths || is_other) << error;
    }
  }
}

}  // namespace
}  // namespace podium::test
