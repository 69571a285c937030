// Damaged request traces: what is thrown is an InputError, whatever the damage.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "sim/serving/request.h"
#include "tests/config/mutate.h"

namespace podium::test {
namespace {

namespace fs = std::filesystem;

class DamagedTrace : public testing::Test {
 protected:
  DamagedTrace() { fs::create_directories(folder_); }
  ~DamagedTrace() override { fs::remove_all(folder_); }

  void write(const std::string& name, const std::string& text) {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  /// Reads damaged copies of a file called `name`, each by `path`.
  void damage(const std::string& sound, const std::string& name, const std::string& path) {
    Rng rng(1, sound);
    int refused = 0;
    for (int i = 0; i < copies; ++i) {
      const std::string damaged = mutated(sound, rng);
      write(name, damaged);
      try {
        load_requests((folder_ / path).string());
      } catch (const InputError&) {
        ++refused;
      } catch (const std::exception& error) {
        FAIL() << error.what() << " from:\n" << damaged;
      }
    }
    EXPECT_GT(refused, copies / 10);
  }
  void damage(const std::string& sound) { damage(sound, "trace", "trace"); }

  static constexpr int copies = 100;
  fs::path folder_ = fs::temp_directory_path() / ("podium_damaged_" + std::to_string(::getpid()));
};

const std::string servegen_arrivals =
    "client,window_start_s,rate_rps,cv,dist,param1,param2\n0,600,0.1,1,Gamma,1,10\n0,1200,0.2,1,Weibull,0.5,10\n";
const std::string servegen_lengths = R"({"0":{"0":{"input_tokens":{"7":0.25,"9":0.75},"output_tokens":{"100":1}}}})";

TEST_F(DamagedTrace, IsRefusedInEveryFormatOfOneFile) {
  damage("arrival,input,output\n0,5,6\n0.5,7,8\n1.25,9,10\n");
  damage("arrived_at,num_prefill_tokens,num_decode_tokens\n0.0,374,44\n1.0,375,45\n");
  damage("TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 23:59:59.5,374,44\n2023-11-17 00:00:01.0,396,109\n");
  damage(
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n5,ChatGPT,472,18,490,Conversation log\n"
      "45,GPT-4,1087,0,1087,API log\n");
  damage(
      "{\"timestamp\": 500, \"input_length\": 6758, \"output_length\": 500, \"hash_ids\": [0, 1]}\n"
      "{\"timestamp\": 3500, \"input_length\": 7, \"output_length\": 0, \"hash_ids\": []}\n");
}

TEST_F(DamagedTrace, IsRefusedInBothOfServeGensFiles) {
  write("a_lengths.json", servegen_lengths);
  damage(servegen_arrivals, "a_arrivals.csv", "a_arrivals.csv");
  write("a_arrivals.csv", servegen_arrivals);
  damage(servegen_lengths, "a_lengths.json", "a_arrivals.csv");
}

}  // namespace
}  // namespace podium::test
