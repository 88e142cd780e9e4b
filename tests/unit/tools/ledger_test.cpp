// Trades from orders and reports alone: partial fills, repeats, fills through flat, what is open.
#include "tools/replay/ledger.hpp"

#include <gtest/gtest.h>

#include "risk/positions.hpp"
#include "tests/support/seed.hpp"

namespace sluice::replay {
namespace {

class LedgerTest : public testing::Test {
 protected:
  std::uint32_t order(Side side, OrderKind kind, InstrumentIndex instrument = 0) {
    Order order{};
    order.id = OrderId::make(1, 1, ++counter_);
    order.side = side;
    order.kind = kind;
    order.instrument = instrument;
    order.price = Price::whole(1);
    orders_[counter_] = order;
    ledger.on(order);
    return counter_;
  }
  // `cum`: filled so far in whole units, at this price.
  void fill(std::uint32_t counter, std::int64_t cum, std::int64_t price) {
    Report report{};
    report.id = orders_[counter].id;
    report.kind = ReportKind::Fill;
    report.price = Price::whole(price);
    report.cum_qty = Qty::whole(cum);
    report.venue_time = {++now_};
    ledger.on(report);
  }
  Ledger ledger;

 private:
  std::map<std::uint32_t, Order> orders_;
  std::uint32_t counter_ = 0;
  std::int64_t now_ = 0;
};

TEST_F(LedgerTest, ARoundTripIsOneTrade) {
  const std::uint32_t entry = order(Side::Buy, OrderKind::Entry);
  fill(entry, 1, 100);
  fill(entry, 3, 103);
  const std::uint32_t exit = order(Side::Sell, OrderKind::TakeProfit);
  fill(exit, 2, 110);
  ASSERT_EQ(ledger.trades().size(), 1u);
  EXPECT_TRUE(ledger.trades()[0].open());
  fill(exit, 3, 111);
  const Trade& trade = ledger.trades()[0];
  EXPECT_FALSE(trade.open());
  EXPECT_EQ(trade.qty, Qty::whole(3));
  EXPECT_EQ(trade.entry_price(), Price::whole(102));
  EXPECT_EQ(trade.exit_price().raw, 331 * kScale / 3);
  EXPECT_EQ(trade.pnl, Notional::whole(331 - 306));
  EXPECT_EQ(trade.ended_by, OrderKind::TakeProfit);
  EXPECT_EQ(trade.entered_at.ns, 1);
  EXPECT_EQ(trade.ended_at.ns, 4);
  EXPECT_EQ(trade.fills, 4u);
  EXPECT_EQ(ledger.fills(), 4u);
  EXPECT_EQ(ledger.entries(), 1u);
  EXPECT_EQ(ledger.exits(), 1u);
}

TEST_F(LedgerTest, ARepeatedReportChangesNothing) {
  const std::uint32_t entry = order(Side::Buy, OrderKind::Entry);
  fill(entry, 2, 100);
  fill(entry, 2, 100);
  fill(entry, 1, 100);
  EXPECT_EQ(ledger.fills(), 1u);
  EXPECT_EQ(ledger.trades().at(0).qty, Qty::whole(2));
}

TEST_F(LedgerTest, AFillThroughFlatEndsOneTradeAndBeginsTheOpposite) {
  fill(order(Side::Buy, OrderKind::Entry), 2, 100);
  fill(order(Side::Sell, OrderKind::StrategyExit), 5, 90);
  ASSERT_EQ(ledger.trades().size(), 2u);
  EXPECT_EQ(ledger.trades()[0].pnl, Notional::whole(-20));
  EXPECT_EQ(ledger.trades()[0].ended_by, OrderKind::StrategyExit);
  EXPECT_EQ(ledger.trades()[1].side, Side::Sell);
  EXPECT_EQ(ledger.trades()[1].held, Qty::whole(3));
  ledger.mark_open(0, 0, Price::whole(80));
  EXPECT_EQ(ledger.trades()[1].pnl, Notional::whole(30)) << "a short gains when the price falls";
}

TEST_F(LedgerTest, PairsDoNotMix) {
  fill(order(Side::Buy, OrderKind::Entry, 0), 1, 100);
  fill(order(Side::Sell, OrderKind::Entry, 1), 1, 200);
  ASSERT_EQ(ledger.trades().size(), 2u);
  EXPECT_TRUE(ledger.trades()[0].open() && ledger.trades()[1].open());
}

TEST_F(LedgerTest, WhatNobodyOrderedIsCountedAndNotBooked) {
  Report report{};
  report.id = OrderId::make(1, 1, 9);
  report.cum_qty = Qty::whole(1);
  ledger.on(report);
  EXPECT_EQ(ledger.orphans(), 1u);
  EXPECT_TRUE(ledger.trades().empty());
}

// Risk's account is the twin: whatever is filled, the profits of all trades are its profit.
TEST_F(LedgerTest, ProfitsAddUpToThoseOfRisk) {
  test::Random random(test::draw_seed());
  auto risk = std::make_unique<risk::PositionTable>();
  const auto sum = [&] {
    Notional all{};
    for (const Trade& trade : ledger.trades()) all += trade.pnl;
    return all;
  };
  for (int i = 0; i < 2'000; ++i) {
    Order order{};
    order.id = OrderId::make(1, 2, static_cast<std::uint32_t>(i + 1));
    // Towards flat more often than not, so that trades end.
    const Side towards = risk->at(0).qty.raw > 0 ? Side::Sell : Side::Buy;
    order.side = random.one_in(3) ? opposite(towards) : towards;
    order.kind = OrderKind::Entry;
    ledger.on(order);
    Report report{};
    report.id = order.id;
    report.price = {static_cast<std::int64_t>(1 + random.below(70'000'00000000))};
    report.cum_qty = {static_cast<std::int64_t>(1 + random.below(3'00000000))};
    ledger.on(report);
    risk->fill(0, order.side, report.cum_qty, report.price);
    const risk::Position& position = risk->at(0);
    ledger.mark_open(0, 0, position.mark);
    ASSERT_EQ(sum(), risk->pnl()) << "after fill " << i;
  }
  EXPECT_GT(ledger.trades().size(), 100u);
}

}  // namespace
}  // namespace sluice::replay
