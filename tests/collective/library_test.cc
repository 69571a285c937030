// How a library of collectives does them: in the fastest of its regimes.
#include "sim/collective/library.h"

#include <gtest/gtest.h>

#include "tests/collective/networks.h"

namespace podium::test {
namespace {

using namespace literals;

constexpr BytesPerSecond port = 100_GBps;
constexpr double rate = 100e9;
constexpr std::uint32_t ranks = 4;

Regime regime(const std::string& algorithm, double launch, double share) {
  Regime result;
  result.name = "regime";
  result.algorithm = algorithm;
  result.kinds = {CollectiveKind::all_gather, CollectiveKind::all_to_all};
  result.launch = launch;
  result.port = share;
  return result;
}

/// One switch with four ranks and a library on it.
class Bench {
 public:
  explicit Bench(std::vector<Regime> regimes, const std::string& plane = "net")
      : library_{"test", plane, std::move(regimes)},
        topology_(star(ranks, port)),
        costs_(costs(topology_)),
        router_(topology_),
        times_(library_, topology_, router_, costs_) {}

  std::optional<Seconds> time(CollectiveKind kind, double bytes, const std::optional<TokenRouting>& routing = {}) {
    return times_.time(kind, {{consecutive(0, ranks)}}, Bytes(bytes), routing);
  }
  double seconds(CollectiveKind kind, double bytes) { return time(kind, bytes).value().value(); }
  double wire_latency() { return router_.route(NodeId(0U), NodeId(1U))->latency.value(); }

 private:
  CommunicationLibrary library_;
  Topology topology_;
  CommunicationCosts costs_;
  Router router_;
  LibraryTimes times_;
};

TEST(Library, PaysLaunchStepsWireAndItsOwnCopy) {
  Regime ring = regime("ring", 5e-6, 0.5);
  ring.step = 1e-6;
  ring.own = 50e9;
  ring.per_peer = 2e-7;
  Bench bench({ring});
  const double bytes = 4e6, part = bytes / ranks;
  const double expected = 5e-6 + 2e-7 + part / 50e9 + (ranks - 1) * (1e-6 + bench.wire_latency() + part / (0.5 * rate));
  EXPECT_NEAR(bench.seconds(CollectiveKind::all_gather, bytes), expected, 1e-12);
}

TEST(Library, CountsThePeersThatATokenGoesTo) {
  const CollectiveKind kind = CollectiveKind::dispatch;
  Regime random = regime("once_per_rank", 5e-6, 1);
  random.kinds = {kind};
  random.per_peer = 1e-6;
  random.choices = 3;
  Regime balanced = random;
  balanced.balanced = true;
  Bench at_random({random}), evenly({balanced});
  const double base = 5e-6 + at_random.wire_latency();
  EXPECT_NEAR(at_random.seconds(kind, 0), base + 1e-6 * 4 * (1 - 27.0 / 64), 1e-12) << "two may choose the same";
  EXPECT_NEAR(evenly.seconds(kind, 0), base + 3e-6, 1e-12);
  // where it is known how tokens choose, that counts: 3 of 8 slots, 2 on each rank, miss a rank with 6/8 5/7 4/6
  const TokenRouting routing{.choices = 3, .slots = 8};
  const double reached = 1 - 6.0 / 8 * 5 / 7 * 4 / 6;
  for (Bench* bench : {&at_random, &evenly}) {
    EXPECT_NEAR(bench->time(kind, 0, routing)->value(), base + 1e-6 * 4 * reached, 1e-12);
    EXPECT_NEAR(bench->time(kind, 3e6, routing)->value() - bench->time(kind, 0, routing)->value(),
                3 * reached * 1e6 / rate, 1e-12)
        << "to three others, once";
  }
}

TEST(Library, KnowsEachRegimeOnItsPlane) {
  const CollectiveKind kind = CollectiveKind::all_gather;
  Regime here = regime("ring", 5e-6, 1), elsewhere = regime("ring", 1e-6, 1);
  elsewhere.plane = "other";
  EXPECT_EQ(Bench({here, elsewhere}).seconds(kind, 1e6), Bench({here}).seconds(kind, 1e6));
  EXPECT_FALSE(Bench({elsewhere}).time(kind, 1e6));
}

TEST(Library, TakesTheRegimeThatIsFastestAtEachSize) {
  const Regime low_latency = regime("ring", 2e-6, 0.01), bulk = regime("ring", 30e-6, 0.9);
  Bench both({low_latency, bulk}), small({low_latency}), large({bulk});
  for (const double bytes : {1e2, 1e4, 1e5, 1e6, 1e7, 1e9}) {
    const CollectiveKind kind = CollectiveKind::all_gather;
    EXPECT_EQ(both.seconds(kind, bytes), std::min(small.seconds(kind, bytes), large.seconds(kind, bytes)));
  }
  EXPECT_LT(small.seconds(CollectiveKind::all_gather, 1e2), large.seconds(CollectiveKind::all_gather, 1e2));
  EXPECT_GT(small.seconds(CollectiveKind::all_gather, 1e9), large.seconds(CollectiveKind::all_gather, 1e9));
}

TEST(Library, LeavesARegimeThatTheLibraryDoesNotTakeForSoLargeMessagesOrSoFewRanks) {
  const CollectiveKind kind = CollectiveKind::all_gather;
  Regime fast = regime("ring", 1e-6, 1);
  const Regime slow = regime("ring", 9e-6, 0.5);
  Bench fast_alone({fast}), slow_alone({slow});
  fast.most = 1e6;
  Bench sized({fast, slow});
  EXPECT_EQ(sized.seconds(kind, 1e6 * ranks), fast_alone.seconds(kind, 1e6 * ranks));
  EXPECT_EQ(sized.seconds(kind, 1e6 * ranks + 8), slow_alone.seconds(kind, 1e6 * ranks + 8));
  EXPECT_EQ(Bench({fast}).seconds(kind, 1e9), fast_alone.seconds(kind, 1e9)) << "where there is no other";
  fast.fewest = ranks + 1;
  EXPECT_EQ(Bench({fast, slow}).seconds(kind, 1e3), slow_alone.seconds(kind, 1e3));
}

TEST(Library, EndsNoSoonerThanThePipelineIsFilled) {
  const CollectiveKind kind = CollectiveKind::all_gather;
  Regime bulk = regime("ring", 1e-6, 0.5), filling = regime("ring", 40e-6, 1);
  filling.name = "filling";
  Bench bulk_alone({bulk}), filling_alone({filling});
  filling.kinds.clear();
  bulk.at_least = "filling";
  Bench both({bulk, filling});
  for (const double bytes : {1e3, 1e6, 1e7, 1e9}) {
    EXPECT_EQ(both.seconds(kind, bytes), std::max(bulk_alone.seconds(kind, bytes), filling_alone.seconds(kind, bytes)));
  }
}

TEST(Library, LimitsWhatOneMessageReaches) {
  Regime limited = regime("direct", 1e-6, 1);
  limited.peer = 0.1;
  Bench bench({limited});
  const double bytes = 8e6;
  const double expected = 1e-6 + bench.wire_latency() + bytes / ranks / (0.1 * rate);
  EXPECT_NEAR(bench.seconds(CollectiveKind::all_to_all, bytes), expected, 1e-12);
}

TEST(Library, CountsTheDifferentPeersOfATokensExperts) {
  Regime one_sided = regime("direct", 1e-6, 1);
  one_sided.kinds = {CollectiveKind::dispatch};
  one_sided.per_peer = 1e-6;
  const double alone = Bench({one_sided}).seconds(CollectiveKind::dispatch, 0);
  one_sided.choices = 2;
  const double chosen = Bench({one_sided}).seconds(CollectiveKind::dispatch, 0);
  // the second of two choices among n is the first again once in n
  EXPECT_NEAR(alone - chosen, 1e-6 * ((ranks - 1) - (2 - 1.0 / ranks)), 1e-12);
}

TEST(Library, IsAskedForRegimesByTheirNames) {
  Regime few = regime("direct", 1e-6, 0.1), many = regime("direct", 9e-6, 1), none = few;
  few.name = "few";
  few.also = {"low_latency", "kernels"};
  many.name = "many";
  many.also = {"normal", "kernels"};
  none.name = "none";
  none.kinds = {CollectiveKind::all_reduce};
  Regime other = regime("direct", 1e-7, 1);
  other.name = "other";
  other.by_name = true;
  const CommunicationLibrary library{"test", "net", {few, many, none, other}};
  EXPECT_EQ(regime_names(library),
            (std::vector<std::string>{"few", "low_latency", "kernels", "many", "normal", "none", "other"}));
  const Topology topology = star(ranks, port);
  const CommunicationCosts costs = test::costs(topology);
  Router router(topology);
  LibraryTimes times(library, topology, router, costs);
  const auto asked = [&](const std::vector<std::string>& names) {
    std::vector<std::string> regimes;
    for (const LibraryChoice& choice :
         times.rank(CollectiveKind::all_to_all, {{consecutive(0, ranks)}}, Bytes(8), {}, names)) {
      regimes.push_back(choice.regime);
    }
    return regimes;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(asked({}), (Names{"few", "many"})) << "though the other is the fastest";
  EXPECT_EQ(asked({"other"}), Names{"other"});
  EXPECT_EQ(asked({"many"}), Names{"many"});
  EXPECT_EQ(asked({"Low-Latency"}), Names{"few"});
  EXPECT_EQ(asked({"kernels"}), (Names{"few", "many"}));
  EXPECT_EQ(asked({"kernels", "normal"}), Names{"many"});
  EXPECT_EQ(asked({"low_latency", "normal"}), Names{}) << "no regime is both";
  EXPECT_EQ(asked({"none"}), Names{}) << "of another operation";
  EXPECT_NO_THROW(check_regime(library, "normal", {}));
  EXPECT_THROW(check_regime(library, "norma", {}), InputError);
}

TEST(Library, LeavesWhatItDoesNotKnowToOthers) {
  Bench bench({regime("ring", 1e-6, 1)});
  EXPECT_FALSE(bench.time(CollectiveKind::all_reduce, 1e6));
  EXPECT_FALSE(bench.time(CollectiveKind::all_to_all, 1e6)) << "a ring does none";
  Bench elsewhere({regime("ring", 1e-6, 1)}, "other");
  EXPECT_FALSE(elsewhere.time(CollectiveKind::all_gather, 1e6));
}

TEST(Library, FilesOfSystemsShareFigures) {
  const auto h100 = load_library("hgx-h100"), h200 = load_library("hgx-h200");
  ASSERT_TRUE(h100 && h200);
  EXPECT_EQ(h100->regimes.size(), h200->regimes.size());
  EXPECT_EQ(h100->regimes.front().launch, h200->regimes.front().launch);
  EXPECT_FALSE(load_library("atlas-950-superpod"));
  SystemSpec unknown = load_system("hgx-h100");
  unknown.library = "hgx-h10";
  EXPECT_THROW(load_library(unknown), InputError);
}

TEST(Library, RefusesFiguresThatPhysicsDoesNotAllow) {
  const auto read = [](const std::string& figures) {
    return read_library(
        Document::parse("description: x\nsources: {s: {text: t, grade: assumed}}\nsource: s\nstack: x\nplane: net\n"
                        "regimes:\n  one:\n    algorithm: ring\n    kinds: [all_gather]\n" +
                        figures));
  };
  EXPECT_EQ(read("    launch: 1 us\n    port: 1\n").regimes.size(), 1U);
  EXPECT_THROW(read("    launch: 1 us\n    port: 1.1\n"), InputError);
  EXPECT_THROW(read("    launch: 2 s\n    port: 1\n"), InputError);
  EXPECT_THROW(read("    port: 1\n"), InputError);
  EXPECT_THROW(read("    launch: 1 us\n    port: 1\n    steps: 2\n"), InputError);
  const std::string bound =
      "    launch: 1 us\n    port: 1\n    most: 1 MiB\n    at_least: two\n  two:\n    kinds: []\n"
      "    launch: 2 us\n    port: 1\n    algorithm: ";
  EXPECT_EQ(read(bound + "ring\n").regimes.front().at_least, "two");
  EXPECT_THROW(read(bound + "bruck\n"), InputError) << "another algorithm";
  EXPECT_THROW(read("    launch: 1 us\n    port: 1\n    at_least: two\n"), InputError) << "none of that name";
}

}  // namespace
}  // namespace podium::test
