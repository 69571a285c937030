#include "sim/workload/traffic.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "tests/core/error_of.h"

namespace podium::test {
namespace {

using namespace literals;

constexpr Bytes size = 3_KiB;

struct Message {
  std::uint32_t from = 0;
  std::uint32_t to = 0;
  Bytes bytes;
  std::uint32_t hops = 1;  ///< with those it waits for
  auto operator<=>(const Message&) const = default;
};

/// The messages of a graph, in its order; checks that each is a send and its receive, and waits for arrivals at its
/// sender alone.
std::vector<Message> messages_of(const TaskGraph& graph) {
  std::vector<Message> messages;
  std::map<std::pair<RoleId, std::uint32_t>, std::size_t> by_tag;
  std::map<TaskId, std::size_t> arrivals;
  for (const TaskId id : graph.tasks().ids()) {
    const Task& task = graph.tasks()[id];
    if (const auto* send = std::get_if<SendTask>(&task.payload)) {
      Message message{graph.roles()[task.role].base, graph.roles()[send->to].base, send->bytes};
      for (const TaskId before : graph.after(task)) {
        const Message& arrived = messages.at(arrivals.at(before));
        EXPECT_EQ(arrived.to, message.from);
        message.hops = std::max(message.hops, arrived.hops + 1);
      }
      EXPECT_TRUE(by_tag.emplace(std::pair(task.role, send->tag), messages.size()).second);
      messages.push_back(message);
    } else {
      const auto& receive = std::get<ReceiveTask>(task.payload);
      arrivals[id] = by_tag.at({receive.from, receive.tag});
      EXPECT_EQ(messages[arrivals[id]].to, graph.roles()[task.role].base);
    }
  }
  EXPECT_EQ(arrivals.size(), messages.size());
  return messages;
}

std::vector<Message> messages_of(const std::string& pattern, std::uint32_t ranks, std::uint64_t seed = 0) {
  return messages_of(traffic_graph(pattern, {ranks, size, seed}));
}

/// How many messages end, or begin, at each rank.
std::vector<std::uint32_t> count(const std::vector<Message>& messages, std::uint32_t ranks,
                                 std::uint32_t Message::*end) {
  std::vector<std::uint32_t> counts(ranks);
  for (const Message& message : messages) {
    ++counts.at(message.*end);
  }
  return counts;
}

class TrafficLaws : public testing::TestWithParam<std::string> {};

TEST_P(TrafficLaws, SendsMessagesOfTheGivenSizeToOthers) {
  for (std::uint32_t ranks = 2; ranks <= 33; ++ranks) {
    for (const Message& message : messages_of(GetParam(), ranks)) {
      EXPECT_NE(message.from, message.to) << ranks << " ranks";
      EXPECT_LT(std::max(message.from, message.to), ranks);
      EXPECT_EQ(message.bytes, size);
    }
  }
}

TEST_P(TrafficLaws, IsAFunctionOfItsShape) {
  EXPECT_EQ(messages_of(GetParam(), 24, 5), messages_of(GetParam(), 24, 5));
  EXPECT_FALSE(messages_of(GetParam(), 24, 5).empty());
}

TEST_P(TrafficLaws, LetsNoStreamOfARankHoldTwoTasks) {
  const TaskGraph graph = traffic_graph(GetParam(), {12, size});
  std::set<std::pair<RoleId, std::uint16_t>> streams;
  for (const Task& task : graph.tasks()) {
    EXPECT_TRUE(streams.emplace(task.role, task.stream).second);
  }
}

INSTANTIATE_TEST_SUITE_P(Registry, TrafficLaws, testing::ValuesIn(TrafficPatterns::names()),
                         [](const auto& info) { return info.param; });

TEST(Traffic, LetsEverybodySendAndHearOnceWhereItPermutesRanks) {
  for (const std::string pattern : {"permutation", "ring", "tornado", "complement"}) {
    for (const std::uint32_t ranks : {2U, 8U, 50U}) {
      const std::vector<Message> messages = messages_of(pattern, ranks);
      EXPECT_THAT(count(messages, ranks, &Message::from), testing::Each(1)) << pattern;
      EXPECT_THAT(count(messages, ranks, &Message::to), testing::Each(1)) << pattern;
    }
  }
}

TEST(Traffic, PermutesAtRandomByTheSeed) {
  EXPECT_NE(messages_of("permutation", 32, 1), messages_of("permutation", 32, 2));
  EXPECT_NE(messages_of("hotspot", 32, 1), messages_of("hotspot", 32, 2));
}

TEST(Traffic, GoesAsFarAsItsNameSays) {
  for (const Message& message : messages_of("tornado", 16)) {
    EXPECT_EQ((message.to + 16 - message.from) % 16, 7U);
  }
  for (const Message& message : messages_of("complement", 16)) {
    EXPECT_EQ(message.to, message.from ^ 15U);
  }
}

TEST(Traffic, GoesFromAllToOneInAnIncast) {
  const std::vector<Message> messages = messages_of("incast", 9);
  EXPECT_EQ(count(messages, 9, &Message::to).front(), 8U);
  EXPECT_THAT(count(messages, 9, &Message::from), testing::ElementsAre(0, 1, 1, 1, 1, 1, 1, 1, 1));
}

TEST(Traffic, JoinsEachOrderedPairOnceAllToAll) {
  const std::vector<Message> messages = messages_of("all_to_all", 7);
  EXPECT_EQ(messages.size(), 7U * 6U);
  EXPECT_EQ(std::set<Message>(messages.begin(), messages.end()).size(), messages.size());
}

TEST(Traffic, ReachesEverybodyOnceByTheDepthOfTheTree) {
  for (const std::uint32_t ranks : {2U, 15U, 16U, 64U}) {
    const std::vector<Message> messages = messages_of("tree", ranks);
    std::vector<std::uint32_t> heard = count(messages, ranks, &Message::to);
    EXPECT_EQ(heard.front(), 0U);
    heard.front() = 1;
    EXPECT_THAT(heard, testing::Each(1));
    const auto depth = static_cast<std::uint32_t>(std::bit_width(ranks) - 1);
    EXPECT_EQ(messages.back().hops, depth);
  }
}

TEST(Traffic, HeatsRankZeroByAMessageOfEachOther) {
  const std::uint32_t ranks = 512;
  const std::vector<std::uint32_t> heard = count(messages_of("hotspot", ranks), ranks, &Message::to);
  const std::vector<std::uint32_t> sent = count(messages_of("hotspot", ranks), ranks, &Message::from);
  EXPECT_THAT(sent, testing::Each(sent.front()));
  // one in `sent` of each rank's messages, and its part of the others: within four standard deviations
  const double expected = ranks + sent.front() - 1.0;
  EXPECT_NEAR(heard.front(), expected, 4 * std::sqrt(expected));
  EXPECT_LT(*std::max_element(heard.begin() + 1, heard.end()), heard.front() / 8);
}

TEST(Traffic, KeepsTheTwoJobsApart) {
  const std::uint32_t ranks = 20;
  std::vector<std::size_t> of_job(2);
  std::uint32_t longest = 0;
  for (const Message& message : messages_of("multi_job", ranks)) {
    EXPECT_EQ(message.from % 2, message.to % 2);
    ++of_job[message.from % 2];
    longest = std::max(longest, message.hops);
    EXPECT_TRUE(message.from % 2 == 1 || message.hops == 1);
  }
  EXPECT_EQ(of_job[0], of_job[1]);
  EXPECT_EQ(of_job[0], 10U * 9U);
  EXPECT_EQ(longest, 9U);
}

TEST(Traffic, GoesToFourNeighboursOnAGridAndBack) {
  const std::vector<Message> messages = messages_of("stencil", 12);  // 3 rows of 4
  EXPECT_EQ(messages.size(), 4U * 12U);
  const std::set<Message> set(messages.begin(), messages.end());
  for (const Message& message : messages) {
    EXPECT_TRUE(set.count({message.to, message.from, message.bytes}));
  }
  EXPECT_TRUE(set.count({0, 1, size}) && set.count({0, 3, size}) && set.count({0, 4, size}) && set.count({0, 8, size}));
}

TEST(Traffic, RefusesWhatItCannotDo) {
  EXPECT_THAT(error_of([] { traffic_graph("incats", {4, size}); }), testing::HasSubstr("incast"));
  EXPECT_THAT(error_of([] { traffic_graph("incast", {1, size}); }), testing::HasSubstr("2 or more"));
  EXPECT_THAT(error_of([] { traffic_graph("all_to_all", {2000, size}); }), testing::HasSubstr("1,048,576 messages"));
  EXPECT_THAT(error_of([] { traffic_graph("incast", {70000, size}); }), testing::HasSubstr("rank 0"));
}

}  // namespace
}  // namespace podium::test
