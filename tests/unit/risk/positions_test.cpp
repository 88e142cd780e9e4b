#include "risk/positions.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace sluice::risk {
namespace {

Quote quote(std::int64_t bid, std::int64_t ask) {
  return {.bid = Price::whole(bid), .ask = Price::whole(ask)};
}

class Positions : public testing::Test {
 protected:
  FillEffect fill(Side side, std::int64_t qty, std::int64_t price) {
    return table->fill(0, side, Qty::whole(qty), Price::whole(price));
  }
  std::unique_ptr<PositionTable> table = std::make_unique<PositionTable>();
  const Position& p = table->at(0);
};

TEST_F(Positions, AddsAtTheAverageAndRealisesOnTheWayOut) {
  EXPECT_TRUE(fill(Side::Buy, 10, 100).opened);
  EXPECT_FALSE(fill(Side::Buy, 10, 110).opened);
  EXPECT_EQ(p.average, Price::whole(105));
  EXPECT_EQ(table->open_cost(), Notional::whole(2'100));
  const FillEffect part = fill(Side::Sell, 5, 120);
  EXPECT_TRUE(part.reduced);
  EXPECT_FALSE(part.flat);
  EXPECT_EQ(p.realised, Notional::whole(75));
  EXPECT_EQ(p.average, Price::whole(105));
  EXPECT_TRUE(fill(Side::Sell, 15, 100).flat);
  EXPECT_EQ(p.realised, Notional::whole(0));
  EXPECT_EQ(p.cost.raw, 0);
  EXPECT_TRUE(table->open().empty());
  EXPECT_EQ(p.average, Price{});
}

TEST_F(Positions, ShortsGainWhenThePriceFalls) {
  fill(Side::Sell, 10, 100);
  EXPECT_EQ(p.qty, Qty::whole(-10));
  table->mark(0, quote(94, 95));
  EXPECT_EQ(p.unrealised, Notional::whole(50)) << "marked at the ask";
  fill(Side::Buy, 10, 90);
  EXPECT_EQ(p.realised, Notional::whole(100));
  EXPECT_EQ(table->unrealised().raw, 0);
}

TEST_F(Positions, MarksLongsAtTheBid) {
  fill(Side::Buy, 10, 100);
  table->mark(0, quote(98, 103));
  EXPECT_EQ(p.unrealised, Notional::whole(-20));
  table->mark(0, {.bid = {}, .ask = Price::whole(50)});
  EXPECT_EQ(p.unrealised, Notional::whole(-20)) << "no bid, no new mark";
}

TEST_F(Positions, TurnsAroundThroughFlat) {
  fill(Side::Buy, 10, 100);
  const FillEffect effect = fill(Side::Sell, 15, 110);
  EXPECT_TRUE(effect.reduced);
  EXPECT_TRUE(effect.opened);
  EXPECT_FALSE(effect.flat);
  EXPECT_EQ(p.qty, Qty::whole(-5));
  EXPECT_EQ(p.average, Price::whole(110));
  EXPECT_EQ(p.realised, Notional::whole(100));
}

}  // namespace
}  // namespace sluice::risk
