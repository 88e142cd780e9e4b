// The synthetic market and its schedule: what a tick is follows from its index, when it is due from
// the rate; and the shipped strategy and risk can live on it.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "bench/pipeline/market.hpp"
#include "bench/pipeline/schedule.hpp"
#include "strategies/momentum_buying.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kCycle = 100;

std::vector<Tick> ticks(std::uint64_t seed, std::uint64_t count, std::uint64_t cycle = kCycle) {
  const Market market(seed, cycle);
  std::vector<Tick> all;
  for (std::uint64_t i = 0; i < count; ++i)
    all.push_back(market.tick(i, {static_cast<std::int64_t>(i) * 1'000'000}));
  return all;
}

TEST(Market, TheSameSeedGivesTheSameTicksAndAnotherDoesNot) {
  const auto same = [](const std::vector<Tick>& a, const std::vector<Tick>& b) {
    return std::equal(a.begin(), a.end(), b.begin(),
                      [](const Tick& x, const Tick& y) { return to_payload(x) == to_payload(y); });
  };
  EXPECT_TRUE(same(ticks(1, 1'000), ticks(1, 1'000)));
  EXPECT_FALSE(same(ticks(1, 1'000), ticks(2, 1'000)));
}

TEST(Market, OneTradePerCycleIsAboveAllBeforeIt) {
  for (const std::uint64_t cycle : {kShortestCycle, kCycle, std::uint64_t{1'001}}) {
    std::int64_t high = 0;
    std::uint64_t breakouts = 0;
    for (const Tick& tick : ticks(3, 20 * cycle, cycle)) {
      if (tick.kind != TickKind::Trade) {
        EXPECT_LT(tick.bid(), tick.ask());
        continue;
      }
      breakouts += tick.price().raw > high ? 1u : 0u;
      high = std::max(high, tick.price().raw);
    }
    EXPECT_EQ(breakouts, 20u) << cycle;
  }
}

TEST(Market, TheStrategySignalsOncePerCycleWhenItsWindowIsFull) {
  strategies::MomentumBuying strategy({.window = Duration::seconds(1), .min_gap = {}});
  std::uint64_t signals = 0;
  for (const Tick& tick : ticks(1, 5'000))  // 5 s of market, 100 ms per cycle
    signals += strategy.on_tick(tick).verdict == strategies::Verdict::Signal ? 1u : 0u;
  EXPECT_EQ(signals, 40u) << "all but the ten cycles of the first second";
}

TEST(Schedule, TicksAreDueAtTheRateWithoutDrift) {
  const Schedule<> schedule({1'000}, 3);
  EXPECT_EQ(schedule.due(0).ns, 1'000);
  EXPECT_EQ(schedule.due(1).ns, 333'334'333);
  EXPECT_EQ(schedule.due(3'000'000).ns, 1'000'000'000'001'000) << "exact after 11 days";
}

TEST(Schedule, NothingLeavesEarlyAndABatchIsBounded) {
  Schedule<> schedule({0}, 1'000);
  std::vector<HostTime> sent;
  const auto send = [&](std::uint64_t, HostTime at) { sent.push_back(at); };
  EXPECT_EQ(schedule.pump({-1}, 1'000, send), 0u);
  EXPECT_EQ(schedule.pump({2'999'999}, 1'000, send), 3u);
  EXPECT_EQ(sent.back().ns, 2'000'000);
  EXPECT_EQ(schedule.pump({900'000'000}, 1'000, send), Schedule<>::kTogether);
  EXPECT_EQ(sent.back().ns, 258'000'000) << "stamped when it was due";
  EXPECT_EQ(schedule.late_max().ns, 897'000'000);
  EXPECT_EQ(schedule.pump({900'000'000}, 260, send), 1u) << "not beyond the end";
}

}  // namespace
}  // namespace sluice::bench
