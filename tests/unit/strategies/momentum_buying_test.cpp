#include "strategies/momentum_buying.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>

namespace sluice::strategies {
namespace {

constexpr std::int64_t kStart = 1'700'000'000'000'000'000;

Tick trade(std::int64_t ms, std::int64_t price) {
  Tick t{};
  t.kind = TickKind::Trade;
  t.venue_time = {kStart + ms * 1'000'000};
  t.value = {price, 1, 0, 0};
  return t;
}

Tick status(StatusCode code) {
  Tick t{};
  t.kind = TickKind::Status;
  t.value = {static_cast<std::int64_t>(code), 1, 0, 0};
  return t;
}

// Window 64 s (a slice is one second), observed for that long with a high of 100.
class Momentum : public testing::Test {
 protected:
  void warm() {
    for (std::int64_t s = 0; s <= 63; ++s) EXPECT_EQ(on(s * 1'000, 100), Verdict::MissingData);
  }
  Verdict on(std::int64_t ms, std::int64_t price) {
    return strategy.on_tick(trade(ms, price)).verdict;
  }
  MomentumBuying strategy{{.window = Duration::seconds(64), .min_gap = Duration{}}};
};

TEST_F(Momentum, NeedsAFullWindowFirst) {
  on(0, 100);
  EXPECT_EQ(on(63'999, 101), Verdict::MissingData);
  EXPECT_EQ(on(64'000, 102), Verdict::Signal);
}

TEST_F(Momentum, FiresStrictlyAboveTheHighBeforeTheTick) {
  warm();
  EXPECT_EQ(on(64'000, 100), Verdict::Quiet);
  const Signal signal = strategy.on_tick(trade(64'100, 101));
  EXPECT_EQ(signal.verdict, Verdict::Signal);
  EXPECT_EQ(signal.side, Side::Buy);
  EXPECT_EQ(signal.action, Action::Enter);
  EXPECT_EQ(signal.quantity, 1);
  EXPECT_EQ(signal.price.raw, 101);
  EXPECT_EQ(signal.reason, IntentReason::Breakout);
}

TEST_F(Momentum, RearmsAtTheBrokenHighNotAboveIt) {
  warm();
  EXPECT_EQ(on(64'000, 105), Verdict::Signal);
  EXPECT_EQ(on(64'100, 106), Verdict::Quiet) << "disarmed";
  EXPECT_EQ(on(64'200, 101), Verdict::Quiet) << "still above the broken high";
  EXPECT_EQ(on(64'300, 107), Verdict::Quiet);
  EXPECT_EQ(on(64'400, 100), Verdict::Quiet) << "back at it: armed again";
  EXPECT_TRUE(strategy.view().armed);
  EXPECT_EQ(on(64'500, 107), Verdict::Quiet) << "the high is 107 now";
  EXPECT_EQ(on(64'600, 108), Verdict::Signal);
}

TEST_F(Momentum, RearmsAfterAWholeWindow) {
  warm();
  EXPECT_EQ(on(64'000, 105), Verdict::Signal);
  for (std::int64_t s = 65; s < 128; ++s) EXPECT_EQ(on(s * 1'000, 105 + s), Verdict::Quiet);
  EXPECT_EQ(on(128'000, 500), Verdict::Signal);
}

TEST_F(Momentum, TheHighLeavesTheWindow) {
  warm();
  on(64'000, 200);
  for (std::int64_t s = 65; s <= 128; ++s) on(s * 1'000, 90);
  EXPECT_EQ(strategy.high().raw, 200) << "64 whole slices are covered";
  on(129'000, 90);
  EXPECT_EQ(strategy.high().raw, 90);
}

TEST_F(Momentum, MinGapSpendsTheEdge) {
  strategy = MomentumBuying({.window = Duration::seconds(64), .min_gap = Duration::seconds(10)});
  warm();
  EXPECT_EQ(on(64'000, 101), Verdict::Signal);
  on(65'000, 100);
  EXPECT_EQ(on(73'999, 102), Verdict::MinGap);
  EXPECT_EQ(on(74'000, 103), Verdict::Quiet) << "spent";
  on(74'001, 101);
  EXPECT_EQ(on(74'002, 104), Verdict::Signal);
}

TEST_F(Momentum, MinGapEndsAtItsBound) {
  strategy = MomentumBuying({.window = Duration::seconds(64), .min_gap = Duration::seconds(10)});
  warm();
  EXPECT_EQ(on(64'000, 101), Verdict::Signal);
  on(65'000, 100);
  EXPECT_EQ(on(74'000, 102), Verdict::Signal);
}

TEST_F(Momentum, AGapDisarmsAndCountsAsMissing) {
  for (const StatusCode code : {StatusCode::Gap, StatusCode::VenueGap, StatusCode::SessionDown}) {
    strategy = MomentumBuying({.window = Duration::seconds(64), .min_gap = Duration{}});
    warm();
    EXPECT_EQ(strategy.on_tick(status(code)).verdict, Verdict::MissingData);
    EXPECT_EQ(on(64'000, 150), Verdict::Quiet) << "crossed while nobody looked";
    on(64'100, 100);
    EXPECT_EQ(on(64'200, 151), Verdict::Signal) << "the window went on";
  }
  EXPECT_EQ(strategy.on_tick(status(StatusCode::Fresh)).verdict, Verdict::Quiet);
}

TEST_F(Momentum, SilenceOfAWindowStartsOver) {
  warm();
  EXPECT_EQ(on(200'000, 300), Verdict::MissingData);
  EXPECT_EQ(on(263'999, 301), Verdict::MissingData);
  EXPECT_EQ(on(264'000, 302), Verdict::Signal);
}

TEST_F(Momentum, LateTradesCountInTheCurrentSlice) {
  warm();
  on(64'000, 99);
  EXPECT_EQ(on(10'000, 120), Verdict::Signal) << "a late trade is judged when it comes";
  EXPECT_EQ(strategy.high().raw, 120);
}

TEST_F(Momentum, BadTicksAreMissingData) {
  EXPECT_EQ(on(0, 0), Verdict::MissingData);
  Tick timeless = trade(0, 100);
  timeless.venue_time = {};
  EXPECT_EQ(strategy.on_tick(timeless).verdict, Verdict::MissingData);
  EXPECT_EQ(strategy.view().value, 0);
}

// The queue of falling highs against a plain list of all trades.
TEST(MomentumWindow, AgreesWithANaiveMaximum) {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    std::mt19937_64 random(seed);
    MomentumBuying strategy({.window = Duration::millis(640), .min_gap = Duration{}});
    std::deque<std::pair<std::int64_t, std::int64_t>> trades;  // slice of 10 ms, price
    std::int64_t ms = 0;
    for (int step = 0; step < 3'000; ++step) {
      ms += static_cast<std::int64_t>(random() % 40);
      const auto price = static_cast<std::int64_t>(1 + random() % 1'000);
      const std::int64_t slice = (kStart / 1'000'000 + ms) / 10;
      strategy.on_tick(trade(ms, price));
      trades.push_back({slice, price});
      while (trades.front().first < slice - 64) trades.pop_front();
      std::int64_t high = 0;
      for (const auto& [when, what] : trades) high = std::max(high, what);
      ASSERT_EQ(strategy.high().raw, high) << "seed " << seed << " step " << step;
    }
  }
}

}  // namespace
}  // namespace sluice::strategies
