// The seeds of tests/fuzz/corpus (which hold past crashes too), as they are and wounded: a trace or an InputError.
#include <gtest/gtest.h>

#include <filesystem>

#include "sim/core/rng.h"
#include "tests/config/mutate.h"
#include "tests/workload/traces.h"

namespace podium::test {
namespace {

namespace fs = std::filesystem;

void read_or_refuse(const std::string& bytes, const std::string& format, const std::string& seed) {
  for (const std::uint32_t ranks : {0U, 8U}) {
    const TraceOptions options{.ranks = ranks,
                               .model_parallel = ranks / 4,
                               .missing = TraceOptions::Missing::ignore,
                               .groups = {{"g", {0, 1}}}};
    try {
      const Trace trace = read_trace(InputStream::of_bytes(bytes, "fuzz"), options, format);
      check_progress(trace, match_ranks(trace));
    } catch (const InputError& error) {
      EXPECT_STRNE(error.what(), "");
    } catch (const RunError& error) {
      EXPECT_STRNE(error.what(), "");
    } catch (const std::exception& error) {
      FAIL() << format << " " << seed << ": " << error.what();
    }
  }
}

TEST(TraceCorpus, HasASeedOfEachFormatThatIsRead) {
  for (const std::string& format : TraceFormats::names()) {
    if (format != "kineto" && format != "pytorch-et" && format != "msccl-xml") {  // those are known and refused
      EXPECT_TRUE(fs::is_directory("tests/fuzz/corpus/" + format)) << format;
    }
  }
}

TEST(TraceCorpus, IsReadOrRefusedWholeAndWounded) {
  for (const auto& format : fs::directory_iterator("tests/fuzz/corpus")) {
    for (const auto& seed : fs::directory_iterator(format.path())) {
      const std::string bytes = read_all(seed.path());
      const std::string name = format.path().filename();
      read_or_refuse(bytes, name, seed.path());
      Rng rng(1, seed.path().filename().string());
      for (int i = 0; i < 50; ++i) {
        read_or_refuse(mutated(bytes, rng), name, seed.path());
      }
    }
  }
}

}  // namespace
}  // namespace podium::test
