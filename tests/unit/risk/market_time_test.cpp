#include "core/market_time.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

Tick tick(std::int64_t venue, std::int64_t rx) {
  Tick t{};
  t.kind = TickKind::Trade;
  t.venue_time = {venue};
  t.rx_time = {rx};
  return t;
}

TEST(MarketNow, IsNotSetBeforeTheFirstTick) {
  MarketNow market;
  market.set_rate(1'000'000, {5});
  EXPECT_EQ(market.at({1'000}).ns, 0);
}

TEST(MarketNow, MovesOnlyWithTicksAtRateZero) {
  MarketNow market;
  market.observe(tick(1'000, 10));
  EXPECT_EQ(market.at({500}).ns, 1'000);
  market.observe(tick(1'500, 11));
  EXPECT_EQ(market.at({11}).ns, 1'500);
}

TEST(MarketNow, ExtrapolatesAtTheRate) {
  MarketNow market;
  market.set_rate(12'000'000, {0});
  market.observe(tick(1'000, 10));
  EXPECT_EQ(market.at({10}).ns, 1'000);
  EXPECT_EQ(market.at({20}).ns, 1'120);
  EXPECT_EQ(market.at({5}).ns, 1'120) << "an earlier question gets the answer given already";
}

TEST(MarketNow, NeverGoesBackwards) {
  MarketNow market;
  market.set_rate(1'000'000, {0});
  market.observe(tick(1'000, 10));
  EXPECT_EQ(market.at({110}).ns, 1'100);
  market.observe(tick(1'050, 111));  // another connection, slower
  EXPECT_EQ(market.at({111}).ns, 1'100);
  EXPECT_EQ(market.at({161}).ns, 1'100);
  EXPECT_EQ(market.at({162}).ns, 1'101);
}

TEST(MarketNow, AChangeOfRateMakesNoStep) {
  MarketNow market;
  market.set_rate(1'000'000, {0});
  market.observe(tick(1'000, 0));
  market.set_rate(2'000'000, {100});
  EXPECT_EQ(market.at({100}).ns, 1'100);
  EXPECT_EQ(market.at({200}).ns, 1'300);
  market.set_rate(-1, {200});
  EXPECT_EQ(market.at({900}).ns, 1'300);
}

TEST(MarketNow, IgnoresTicksWithoutTimeAndSaturates) {
  MarketNow market;
  market.set_rate(1'000'000, {0});
  market.observe(tick(1'000, 0));
  market.observe(tick(0, 50));
  EXPECT_EQ(market.at({10}).ns, 1'010);
  EXPECT_EQ(market.at(HostTime::never()), MarketTime::never());
}

}  // namespace
}  // namespace sluice
