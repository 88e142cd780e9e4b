// The exit engine: bounds of its triggers, one exit per position, what happens until it is flat.
#include <gtest/gtest.h>

#include "desk.hpp"
#include "risk/exits.hpp"

namespace sluice::risk {
namespace {

// Bought 10 at exactly 100.0: stop at 98.0, profit at 104.0.
Order hold(Desk& desk, StrategyIndex strategy = 0) {
  desk.send(desk.intent(strategy));
  const Order order = desk.orders.at(0);
  desk.fill(order, order.qty, price(1000));
  return order;
}

TEST(Exit, StopAndProfitFireAtTheirBoundAndNotBefore) {
  for (const bool stop : {true, false}) {
    Desk desk;
    desk.armed();
    hold(desk);
    const std::int64_t bound = stop ? 980 : 1040;
    const std::int64_t inside = stop ? 981 : 1039;
    desk.quote(0, price(inside), price(inside + 2));
    EXPECT_TRUE(desk.orders.empty());
    desk.quote(0, price(bound), price(bound + 2));
    ASSERT_EQ(desk.orders.size(), 1u);
    const Order& exit = desk.orders[0];
    EXPECT_EQ(exit.kind, stop ? OrderKind::StopLoss : OrderKind::TakeProfit);
    EXPECT_EQ(exit.side, Side::Sell);
    EXPECT_EQ(exit.qty, Qty::whole(10));
    EXPECT_EQ(exit.id, OrderId::make(Desk::kRun, 0, 1));
    EXPECT_EQ(exit.price, round_down(price(bound) - price(bound) * Ppm{5'000}, price(1)));
    desk.quote(0, price(bound), price(bound + 2));
    EXPECT_TRUE(desk.orders.empty()) << "one exit per position";
    desk.fill(exit, exit.qty, exit.price);
    EXPECT_FALSE(desk.position().open());
    EXPECT_TRUE(desk.reports.empty()) << "risk's own order has no seat";
    const auto row = desk.page->read_row<PositionRow>(RowTable::Position, 0);
    ASSERT_TRUE(row.has_value());
    EXPECT_EQ(row->exit_pending, 0);
    EXPECT_EQ(row->qty.raw, 0);
  }
}

TEST(Exit, ShortsStopAboveTheirEntry) {
  Desk desk;
  desk.armed();
  desk.send(desk.intent(0, 0, Action::Enter, Side::Sell));
  const Order order = desk.orders.at(0);
  desk.fill(order, order.qty, price(1000));
  desk.quote(0, price(1017), price(1019));
  EXPECT_TRUE(desk.orders.empty());
  desk.quote(0, price(1018), price(1020));
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].side, Side::Buy);
  EXPECT_EQ(desk.orders[0].price, price(1026)) << "102 + 0.5 % = 102.51, away from the touch";
}

TEST(Exit, SeveralPositionsLeaveOnePerInput) {
  Desk desk;
  desk.armed();
  hold(desk);
  hold(desk, 1);
  desk.quote(0, price(980), price(982));
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].strategy, 0);
  EXPECT_TRUE(desk.stage.wants_continue());
  desk.proceed();
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].strategy, 1);
  EXPECT_FALSE(desk.stage.wants_continue());
  EXPECT_EQ(desk.count(Counter::ExitsStopLoss), 2u);
}

TEST(Exit, UnfilledIsCancelledAndSentAgainUntilFlat) {
  Desk desk;
  desk.armed();
  hold(desk);
  desk.quote(0, price(980), price(982));
  const Order first = desk.orders.at(0);
  desk.fill(first, Qty::whole(4), first.price);
  desk.quote(0, price(999), price(1001));  // the price came back: an exit once begun goes on
  EXPECT_TRUE(desk.orders.empty());
  desk.now = desk.stage.deadline();
  desk.deadline();
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::Cancel);
  desk.send(desk.report(first, ReportKind::Cancelled, Qty::whole(4)));
  ASSERT_EQ(desk.orders.size(), 1u);
  const Order second = desk.orders[0];
  EXPECT_EQ(second.kind, OrderKind::StopLoss);
  EXPECT_EQ(second.qty, Qty::whole(6));
  EXPECT_EQ(second.id, OrderId::make(Desk::kRun, 0, 2));
  EXPECT_EQ(desk.count(Counter::ExitsRenewed), 1u);
  desk.fill(second, second.qty, second.price);
  EXPECT_FALSE(desk.position().open());
  EXPECT_EQ(desk.position().exit_kind, 0);
}

TEST(Exit, StaleIsApprovedAgainAtOnceUnderNewEpochs) {
  for (const Reason reason : {Reason::Stale, Reason::TooOld}) {
    Desk desk;
    desk.armed();
    hold(desk);
    desk.quote(0, price(980), price(982));
    const Order first = desk.orders.at(0);
    desk.level(kGlobal, KillLevel::ReduceOnly, 50);
    desk.reject(first, reason);
    ASSERT_EQ(desk.orders.size(), 1u);
    EXPECT_NE(desk.orders[0].id, first.id);
    EXPECT_EQ(desk.orders[0].kill_epoch, first.kill_epoch + 47);
    EXPECT_EQ(desk.count(Counter::Reapproved), 1u);
  }
}

TEST(Exit, RefusedByTheVenueIsRetriedLaterNotInALoop) {
  Desk desk;
  desk.armed();
  hold(desk);
  desk.quote(0, price(980), price(982));
  desk.reject(desk.orders.at(0), Reason::VenueReject);
  EXPECT_TRUE(desk.orders.empty());
  desk.quote(0, price(979), price(981));
  EXPECT_TRUE(desk.orders.empty());
  const HostTime retry = desk.now + Duration::millis(100);
  EXPECT_EQ(desk.stage.deadline(), retry);
  desk.now = retry;
  desk.deadline();
  EXPECT_EQ(desk.orders.size(), 1u);
}

TEST(Exit, PausesAtHaltAndResumesWhenTheLevelFalls) {
  Desk desk;
  desk.armed();
  hold(desk);
  desk.level(kGlobal, KillLevel::Halt);
  desk.quote(0, price(980), price(982));
  desk.quote(0, price(979), price(981));
  EXPECT_TRUE(desk.orders.empty());
  EXPECT_FALSE(desk.stage.wants_continue());
  EXPECT_EQ(desk.count(Counter::ExitsPaused), 1u);
  desk.level(kGlobal, KillLevel::ReduceOnly);
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::StopLoss);
}

TEST(Exit, ATriggerThatHasGoneWhilePausedIsForgotten) {
  Desk desk;
  desk.armed();
  hold(desk);
  desk.level(kGlobal, KillLevel::Halt);
  desk.quote(0, price(980), price(982));
  desk.quote(0, price(1000), price(1002));
  desk.level(kGlobal, KillLevel::Run);
  EXPECT_TRUE(desk.orders.empty());
}

TEST(Exit, WaitsForRoomOnTheOrderEdge) {
  Desk desk;
  desk.armed();
  hold(desk);
  desk.edge(Edge::RiskGateway, true);
  desk.quote(0, price(980), price(982));
  EXPECT_TRUE(desk.orders.empty());
  EXPECT_FALSE(desk.stage.wants_continue());
  desk.edge(Edge::RiskGateway, false);
  EXPECT_EQ(desk.orders.size(), 1u);
}

TEST(Exit, PassesReduceOnlyConditionsAndDeadPermits) {
  Desk desk;
  desk.armed();
  hold(desk);
  desk.level(kGlobal, KillLevel::ReduceOnly);
  desk.permit(kGlobal, false);
  desk.cap(kGlobal, {});
  desk.control(ControlKind::Conditions, kDeadMan | kJournalBehind);
  desk.quote(0, price(980), price(982));
  EXPECT_EQ(desk.orders.size(), 1u);
}

TEST(Exit, LargerThanFreezeLeavesInParts) {
  PipelineConfig pipeline = bench_pipeline();
  pipeline.instruments[0].freeze = Qty::whole(10);
  Desk desk(bench_risk(), pipeline);
  desk.armed();
  hold(desk);
  hold(desk);
  desk.quote(0, price(980), price(982));
  const Order first = desk.orders.at(0);
  EXPECT_EQ(first.qty, Qty::whole(10));
  desk.fill(first, first.qty, first.price);
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].qty, Qty::whole(10));
}

TEST(StrategyExit, ReducesOnlyAndOneAtATime) {
  Desk desk;
  desk.armed();
  hold(desk);
  Intent part = desk.intent(0, 0, Action::Exit, Side::Sell);
  part.quantity = Qty::whole(4).raw;
  desk.send(part);
  ASSERT_EQ(desk.orders.size(), 1u);
  const Order order = desk.orders[0];
  EXPECT_EQ(order.qty, Qty::whole(4));
  desk.send(desk.intent(0, 0, Action::Exit, Side::Sell));
  EXPECT_EQ(desk.refusal(), Reason::NoPosition) << "an exit works already";
  desk.fill(order, order.qty, order.price);
  Intent rest = desk.intent(0, 0, Action::Exit, Side::Sell);
  rest.quantity = Qty::whole(99).raw;
  desk.send(rest);
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].qty, Qty::whole(6));
}

TEST(StrategyExit, StaleIsApprovedAgainUnderAnIdOfRisk) {
  Desk desk;
  desk.armed();
  hold(desk);
  desk.send(desk.intent(0, 0, Action::Exit, Side::Sell));
  const Order first = desk.orders.at(0);
  desk.reject(first, Reason::Stale);
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].id.origin(), 0) << "the seat may have sent newer ids meanwhile";
  EXPECT_NE(desk.orders[0].id, first.id);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::StrategyExit);
  EXPECT_TRUE(desk.reports.empty()) << "for the seat it is the same exit";
  desk.level(kGlobal, KillLevel::Halt);
  desk.reject(desk.orders[0], Reason::Stale);
  EXPECT_TRUE(desk.orders.empty());
}

TEST(StrategyExit, GivesWayToAProtectiveExit) {
  Desk desk;
  desk.armed();
  hold(desk);
  desk.send(desk.intent(0, 0, Action::Exit, Side::Sell));
  const Order asked = desk.orders.at(0);
  desk.quote(0, price(980), price(982));
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::Cancel);
  EXPECT_EQ(desk.orders[0].id, asked.id);
  desk.quote(0, price(980), price(982));
  EXPECT_TRUE(desk.orders.empty());
  desk.send(desk.report(asked, ReportKind::Cancelled));
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::StopLoss);
}

}  // namespace
}  // namespace sluice::risk
