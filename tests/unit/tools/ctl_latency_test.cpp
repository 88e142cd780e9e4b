// Latency: the order of the hops, percentiles, and the difference between two looks.
#include "tests/unit/tools/ctl_support.hpp"
#include "tools/ctl/latency.hpp"

namespace sluice::ctl {
namespace {

class Latency : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_private_shm())
      GTEST_SKIP() << "no private /dev/shm here: other instances would be found";
  }
  static void name(StagePage& page, std::string_view histogram) {
    page.statistics.name({}, std::span(&histogram, 1));
  }
};

TEST_F(Latency, ShowsTheHopsInTheOrderOfTheWayAndTheWholeLast) {
  TestInstance instance;
  StagePage& gateway = instance.objects().page(Process::Gateway);
  StagePage& risk = instance.objects().page(Process::Risk);
  StagePage& seat = instance.objects().page(seat_process(1));
  name(gateway, "tick_to_send_ns");
  name(risk, "intent_to_order_ns");
  name(seat, "tick_to_intent_ns");
  for (int i = 1; i <= 1'000; ++i) gateway.statistics.histograms[0].record(i * 1'000);
  const std::vector<Hop> hops = hops_of(instance.sight());
  ASSERT_EQ(hops.size(), 3u);
  EXPECT_EQ(hops[0].name, "tick_to_intent_ns");
  EXPECT_EQ(hops[1].name, "intent_to_order_ns");
  EXPECT_EQ(hops[2].name, "tick_to_send_ns");
  EXPECT_TRUE(hops[2].end_to_end);
  EXPECT_EQ(hops[2].took.count, 1'000u);
  EXPECT_EQ(hops[2].took.max, 1'000'000);
  for (const std::uint64_t ppm : {500'000u, 900'000u, 990'000u, 999'000u}) {
    EXPECT_EQ(hops[2].took.quantile(ppm), gateway.statistics.histograms[0].quantile(ppm));
    EXPECT_NEAR(static_cast<double>(hops[2].took.quantile(ppm)), static_cast<double>(ppm),
                static_cast<double>(ppm) / 32);
  }
  const Said said = sluicectl({"latency"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("p99.9")) << said;
  EXPECT_TRUE(said.has("(end to end)")) << said;
  EXPECT_LT(said.out.find("tick_to_intent_ns"), said.out.find("tick_to_send_ns")) << said;
  EXPECT_TRUE(said.has("unqualified machine: no process has a CPU of its own")) << said;
}

TEST_F(Latency, ADifferenceIsWhatCameInBetween) {
  TestInstance instance;
  StagePage& gateway = instance.objects().page(Process::Gateway);
  name(gateway, "tick_to_send_ns");
  Histogram& histogram = gateway.statistics.histograms[0];
  for (int i = 0; i < 100; ++i) histogram.record(5'000'000);
  const Distribution before = look_at_histogram(histogram);
  EXPECT_EQ(difference(before, before).count, 0u);
  EXPECT_EQ(difference(before, before).max, 0);
  histogram.record(1'000);
  histogram.record(2'000);
  const Distribution delta = difference(look_at_histogram(histogram), before);
  EXPECT_EQ(delta.count, 2u);
  EXPECT_LT(delta.max, 2'100) << "the slow ones came before";
  EXPECT_GE(delta.max, 2'000);
  EXPECT_NEAR(static_cast<double>(delta.quantile(500'000)), 1'000, 32);
  // Another run has begun meanwhile: never a negative count.
  EXPECT_EQ(difference(before, look_at_histogram(histogram)).count, 0u);
}

TEST_F(Latency, WatchShowsTheWindowOnly) {
  TestInstance instance;
  StagePage& gateway = instance.objects().page(Process::Gateway);
  name(gateway, "tick_to_send_ns");
  gateway.statistics.histograms[0].record(7'000'000);
  std::thread writer([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    for (int i = 0; i < 5; ++i) gateway.statistics.histograms[0].record(1'000);
  });
  const Said said = sluicectl({"latency", "--watch", "1", "--json"});
  writer.join();
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(is_json(said.out)) << said;
  EXPECT_TRUE(said.has("\"window_s\":1,")) << said;
  EXPECT_TRUE(said.has("\"count\":5,")) << said;
  EXPECT_EQ(sluicectl({"latency", "--watch", "0"}).code, 2);
}

}  // namespace
}  // namespace sluice::ctl
