#include "sim/collective/msccl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/collective/verify.h"

namespace podium {
namespace {

using testing::HasSubstr;

std::string write(const std::string& text) {
  const std::string name = testing::UnitTest::GetInstance()->current_test_info()->name();
  const std::string path = (std::filesystem::path(testing::TempDir()) / ("podium-msccl-" + name + ".xml")).string();
  std::ofstream(path) << text;
  return path;
}

std::string text_of_step(std::uint32_t step, const std::string& type, std::uint32_t chunk) {
  const std::string offset = std::to_string(chunk);
  return "      <step s=\"" + std::to_string(step) + "\" type=\"" + type + "\" srcbuf=\"i\" srcoff=\"" + offset +
         "\" dstbuf=\"i\" dstoff=\"" + offset + "\" cnt=\"1\" depid=\"-1\" deps=\"-1\" hasdep=\"0\"/>\n";
}

/// NCCL's ring in place, with one thread block a GPU: send, then pass on what is added up, then what is done.
std::string ring(std::uint32_t n) {
  const std::string ranks = std::to_string(n);
  std::string text = "<algo name=\"Ring\" proto=\"Simple\" nchannels=\"1\" nchunksperloop=\"" + ranks + "\" ngpus=\"" +
                     ranks + "\" coll=\"allreduce\" inplace=\"1\">\n";
  for (std::uint32_t i = 0; i < n; ++i) {
    text += "  <gpu id=\"" + std::to_string(i) + "\" i_chunks=\"" + ranks +
            "\" o_chunks=\"0\" s_chunks=\"0\">\n    <tb id=\"0\" send=\"" + std::to_string((i + 1) % n) + "\" recv=\"" +
            std::to_string((i + n - 1) % n) + "\" chan=\"0\">\n";
    for (std::uint32_t step = 0; step < 2 * n - 1; ++step) {
      const char* type = step == 0          ? "s"
                         : step < n - 1     ? "rrs"
                         : step == n - 1    ? "rrcs"
                         : step < 2 * n - 2 ? "rcs"
                                            : "r";
      text += text_of_step(step, type, (i + 2 * n - step) % n);
    }
    text += "    </tb>\n  </gpu>\n";
  }
  return text + "</algo>\n";
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

void expect_refused(const std::string& text, const std::string& place, const std::string& problem,
                    CollectiveKind kind = CollectiveKind::all_reduce, std::uint32_t ranks = 4) {
  const std::string path = write(text);
  try {
    std::set<std::string> notes;
    read_msccl(path, kind, ranks, notes);
    ADD_FAILURE() << "not refused: " << problem;
  } catch (const InputError& error) {
    EXPECT_THAT(error.what(), HasSubstr(path + place));
    EXPECT_THAT(error.what(), HasSubstr(problem));
  }
}

TEST(Msccl, MakesTheScheduleThatItsStepsSay) {
  for (const std::uint32_t n : {2U, 3U, 8U}) {
    std::set<std::string> notes;
    const Schedule schedule = read_msccl(write(ring(n)), CollectiveKind::all_reduce, n, notes);
    EXPECT_EQ(schedule.algorithm, "Ring");
    EXPECT_EQ(schedule.ranks, n);
    EXPECT_EQ(schedule.stages.size(), 2 * (n - 1));
    EXPECT_NEAR(schedule.sent_per_rank(), 2.0 * (n - 1) / n, 1e-12);
    EXPECT_EQ(flaw_of(CollectiveKind::all_reduce, schedule), "") << "as the schedules of our own are followed";
  }
}

TEST(Msccl, SendsTogetherWhatIsThereTogether) {
  const std::string text = R"(<algo name="all" nchunksperloop="2" ngpus="2" coll="allgather" inplace="0">
<gpu id="0" i_chunks="1" o_chunks="2" s_chunks="0">
 <tb id="0" send="1" recv="-1" chan="0"><step s="0" type="s" srcbuf="i" srcoff="0" dstbuf="o" dstoff="0" cnt="1" depid="-1" deps="-1"/></tb>
 <tb id="1" send="-1" recv="1" chan="0"><step s="0" type="r" srcbuf="i" srcoff="0" dstbuf="o" dstoff="1" cnt="1" depid="-1" deps="-1"/></tb>
 <tb id="2" send="-1" recv="-1" chan="0"><step s="0" type="cpy" srcbuf="i" srcoff="0" dstbuf="o" dstoff="0" cnt="1" depid="-1" deps="-1"/></tb>
</gpu>
<gpu id="1" i_chunks="1" o_chunks="2" s_chunks="0">
 <tb id="0" send="0" recv="0" chan="0"><step s="0" type="s" srcbuf="i" srcoff="0" dstbuf="o" dstoff="1" cnt="1" depid="-1" deps="-1"/>
  <step s="1" type="r" srcbuf="i" srcoff="0" dstbuf="o" dstoff="0" cnt="1" depid="-1" deps="-1"/>
  <step s="2" type="cpy" srcbuf="i" srcoff="0" dstbuf="o" dstoff="1" cnt="1" depid="-1" deps="-1"/></tb>
</gpu>
</algo>)";
  std::set<std::string> notes;
  const Schedule schedule = read_msccl(write(text), CollectiveKind::all_gather, 2, notes);
  ASSERT_EQ(schedule.stages.size(), 1U);
  ASSERT_EQ(schedule.stages.front().size(), 1U);
  EXPECT_EQ(schedule.stages.front().front().pairs.size(), 2U);
  EXPECT_DOUBLE_EQ(schedule.stages.front().front().share, 0.5);
}

TEST(Msccl, NotesWhatIsNotLookedAt) {
  std::set<std::string> notes;
  const std::string path = write(replaced(ring(4), "coll=", "maxBytes=\"1024\" coll="));
  read_msccl(path, CollectiveKind::all_reduce, 4, notes);
  EXPECT_THAT(notes, testing::ElementsAre(path + ": how MSCCL runs it has no effect here: proto Simple, nchannels 1, "
                                                 "maxBytes 1024"));
}

TEST(Msccl, SaysWhereAFileIsWrong) {
  expect_refused("<algo", ":1:", "unclosed token");
  expect_refused("<ring/>", ":1:1", "<ring> is no algorithm");
  expect_refused(replaced(ring(4), "coll=\"allreduce\"", "coll=\"allgather\""), ":1:1",
                 "it does allgather, not all_reduce");
  expect_refused(ring(3), ":1:1", "it is for 3 GPUs, not for 4 ranks");
  expect_refused(replaced(ring(4), "id=\"3\"", "id=\"0\""), ":35:3", "or one twice");
  expect_refused(replaced(ring(4), "type=\"rrs\"", "type=\"rss\""), ":5:7", "a step of type 'rss'");
  expect_refused(replaced(ring(4), "send=\"1\"", "send=\"4\""), ":3:5", "send is 4, of 4 GPUs");
  expect_refused(replaced(ring(4), "cnt=\"1\"", "cnt=\"one\""), ":4:7", "cnt is 'one'");
  expect_refused(replaced(ring(4), "srcoff=\"0\"", "srcoff=\"4\""), ":4:7", "chunk 4 of a buffer that has 4");
  expect_refused(replaced(ring(4), " chan=\"0\"", ""), ":3:5", "<tb> has no chan");
  expect_refused(replaced(replaced(ring(4), "<tb ", "<tbx "), "</tb>", "</tbx>"), ":3:5",
                 "<tbx> where only <tb> can be");
  expect_refused(replaced(ring(4), "cnt=\"1\"", "cnt=\"99999999999\""), ":4:7", "beyond what is read");
  expect_refused("", "", "is empty");
  expect_refused("<!DOCTYPE algo [<!ENTITY x \"y\">]><algo/>", ":1:", "entities of a file's own");
}

TEST(Msccl, FindsWhatWaitsForEver) {
  expect_refused(replaced(ring(4), "depid=\"-1\" deps=\"-1\"", "depid=\"0\" deps=\"0\""), ":4:7", "waits for ever");
  expect_refused(replaced(ring(4), text_of_step(6, "r", 2), ""), ":1:1", "never receives all");
}

TEST(Msccl, FindsWhatDoesNotEndAsTheOperationPromises) {
  expect_refused(replaced(ring(4), "type=\"rrcs\"", "type=\"rcs\""), ":1:1",
                 "does not end with what all_reduce promises");
  expect_refused(replaced(ring(4), "type=\"rcs\"", "type=\"rrcs\""), ":", "a contribution that is in already");
}

}  // namespace
}  // namespace podium
