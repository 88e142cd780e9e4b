// The life of an entry: reservation, fills by cum_qty, time to live, full edges, what seats are
// told.
#include <gtest/gtest.h>

#include "desk.hpp"

namespace sluice::risk {
namespace {

TEST(Entry, CarriesWhatItWasDecidedWith) {
  Desk desk;
  desk.armed();
  desk.level(kGlobal, KillLevel::Run, 0xffff'ffff);  // sums wrap
  desk.now = desk.now + Duration::micros(5);
  Intent intent = desk.intent();
  intent.origin = desk.now - Duration::micros(3);
  intent.decided_at = desk.now - Duration::micros(1);
  desk.send(intent);
  ASSERT_EQ(desk.orders.size(), 1u);
  const Order& order = desk.orders[0];
  EXPECT_EQ(order.id, intent.id);
  EXPECT_EQ(order.kind, OrderKind::Entry);
  EXPECT_EQ(order.price, price(1002));
  EXPECT_EQ(order.qty, Qty::whole(10));
  EXPECT_EQ(order.origin, intent.origin);
  EXPECT_EQ(order.approved_at, desk.now);
  EXPECT_EQ(order.kill_epoch, 8u);  // 2^32 - 1 + 3 + 3 + 3
  EXPECT_EQ(order.limits_epoch, 20u);
  ASSERT_EQ(desk.reports.size(), 1u);
  EXPECT_EQ(desk.reports[0].kind, ReportKind::Accepted);
  EXPECT_EQ(desk.reports[0].qty, Qty::whole(10));
  EXPECT_EQ(desk.stage.state().used(), money(1'002));
  const auto account = desk.page->read_row<AccountRow>(RowTable::Summary, 0);
  ASSERT_TRUE(account.has_value());
  EXPECT_EQ(account->reserved_capital, money(1'002));
  EXPECT_EQ(account->open_orders, 1u);
  EXPECT_EQ(desk.page->statistics.histogram("intent_to_order_ns")->max(), 1'000);
}

TEST(Entry, ConvertsItsReservationAsItFills) {
  Desk desk;
  desk.armed();
  desk.send(desk.intent());
  const Order order = desk.orders.at(0);
  desk.fill(order, Qty::whole(4), price(1000));
  EXPECT_EQ(desk.stage.state().orders.reserved(), notional(price(1002), Qty::whole(6)));
  EXPECT_EQ(desk.stage.state().positions.open_cost(), money(400));
  ASSERT_EQ(desk.reports.size(), 1u);
  EXPECT_EQ(desk.reports[0].cum_qty, Qty::whole(4));
  desk.fill(order, Qty::whole(4), price(1000));  // again
  desk.fill(order, Qty::whole(3), price(1000));  // late
  EXPECT_EQ(desk.position().qty, Qty::whole(4));
  EXPECT_EQ(desk.count(Counter::FillsRepeated), 2u);
  desk.send(desk.report(order, ReportKind::Cancelled, Qty::whole(4)));
  EXPECT_EQ(desk.stage.state().used(), money(400));
  EXPECT_EQ(desk.stage.state().orders.working(), 0u);
  desk.fill(order, Qty::whole(5), price(1000));  // the fill overtook its cancel
  EXPECT_EQ(desk.position().qty, Qty::whole(5));
  EXPECT_EQ(desk.count(Counter::FillsLate), 1u);
}

TEST(Entry, AnEndThatCarriesMoreFillsBooksThem) {
  Desk desk;
  desk.armed();
  desk.send(desk.intent());
  desk.send(desk.report(desk.orders.at(0), ReportKind::Expired, Qty::whole(7), price(1001)));
  EXPECT_EQ(desk.position().qty, Qty::whole(7));
  EXPECT_EQ(desk.stage.state().used(), notional(price(1001), Qty::whole(7)));
}

TEST(Entry, ReleasesOnRejectAndTellsItsSeat) {
  Desk desk;
  desk.armed();
  desk.send(desk.intent());
  const Order order = desk.orders.at(0);
  desk.send(desk.report(order, ReportKind::InDoubt));
  EXPECT_EQ(desk.stage.state().used(), money(1'002)) << "in doubt counts at full size";
  desk.reject(order, Reason::VenueReject);
  EXPECT_EQ(desk.stage.state().used().raw, 0);
  EXPECT_EQ(desk.refusal(), Reason::VenueReject);
  EXPECT_EQ(desk.count(reject_counter(Reason::VenueReject)), 1u);
}

TEST(Entry, OverfillIsBookedAndRaised) {
  Desk desk;
  desk.armed();
  desk.send(desk.intent());
  desk.fill(desk.orders.at(0), Qty::whole(11), price(1000));
  EXPECT_EQ(desk.position().qty, Qty::whole(11));
  EXPECT_EQ(desk.count(Counter::Overfills), 1u);
  ASSERT_EQ(desk.fx.raises(), 1u);
  EXPECT_EQ(desk.fx.raise_at(0).level, KillLevel::Halt);
  EXPECT_EQ(desk.stage.state().orders.reserved().raw, 0);
}

TEST(Entry, AFillOfAnUnknownOrderIsRaisedAndOtherReportsAreNot) {
  Desk desk;
  desk.armed();
  Order stranger{};
  stranger.id = OrderId::make(Desk::kRun, 1, 99);
  desk.send(desk.report(stranger, ReportKind::Ack));
  EXPECT_EQ(desk.fx.raises(), 0u);
  desk.fill(stranger, Qty::whole(1), price(1000));
  EXPECT_EQ(desk.fx.raises(), 1u);
  EXPECT_EQ(desk.count(Counter::UnknownReports), 2u);
}

TEST(Entry, TimeToLiveCancelsTheRemainderUntilItEnds) {
  Desk desk;
  desk.armed();
  desk.send(desk.intent());
  const Order order = desk.orders.at(0);
  const HostTime due = desk.now + Duration::millis(200);
  EXPECT_EQ(desk.stage.deadline(), due);
  desk.now = due - Duration{1};
  desk.deadline();
  EXPECT_TRUE(desk.orders.empty());
  desk.now = due;
  desk.deadline();
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::Cancel);
  EXPECT_EQ(desk.orders[0].id, order.id);
  EXPECT_EQ(desk.stage.deadline(), due + Duration::millis(200)) << "asked again if it is not heard";
  desk.send(desk.report(order, ReportKind::Cancelled));
  EXPECT_EQ(desk.stage.deadline(), HostTime::never());
  EXPECT_EQ(desk.stage.state().used().raw, 0);
}

TEST(Entry, SeveralDueCancelsLeaveOnePerInput) {
  Desk desk;
  desk.armed();
  desk.send(desk.intent());
  desk.send(desk.intent(1));
  desk.now = desk.now + Duration::millis(200);
  desk.deadline();
  EXPECT_EQ(desk.orders.size(), 1u);
  EXPECT_TRUE(desk.stage.wants_continue());
  desk.proceed();
  EXPECT_EQ(desk.orders.size(), 1u);
  EXPECT_FALSE(desk.stage.wants_continue());
}

TEST(Cancel, PassesAtAnyLevelAndKnowsItsTarget) {
  Desk desk;
  desk.armed();
  Intent intent = desk.intent();
  desk.send(intent);
  desk.level(kGlobal, KillLevel::Flatten);
  intent.action = Action::Cancel;
  Intent foreign = intent;
  foreign.seat = 1;
  desk.send(foreign);
  EXPECT_EQ(desk.refusal(), Reason::UnknownTarget) << "another seat's order";
  desk.send(intent);
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::Cancel);
  intent.id = OrderId::make(Desk::kRun, 1, 77);
  desk.send(intent);
  EXPECT_EQ(desk.refusal(), Reason::UnknownTarget);
}

TEST(Cancel, WaitsForRoom) {
  Desk desk;
  desk.armed();
  Intent intent = desk.intent();
  desk.send(intent);
  desk.edge(Edge::RiskGateway, true);
  intent.action = Action::Cancel;
  desk.send(intent);
  EXPECT_TRUE(desk.orders.empty());
  EXPECT_FALSE(desk.stage.wants_continue());
  desk.edge(Edge::RiskGateway, false);
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::Cancel);
}

TEST(SeatEdge, LearnsTheLatestStateWhenRoomReturns) {
  Desk desk;
  desk.armed();
  desk.send(desk.intent());
  const Order first = desk.orders.at(0);
  desk.edge(risk_seat(0), true);
  desk.send(desk.intent());
  EXPECT_TRUE(desk.orders.empty()) << "the seat is at REDUCE_ONLY";
  desk.fill(first, Qty::whole(3), price(1000));
  desk.fill(first, Qty::whole(6), price(1000));
  EXPECT_TRUE(desk.reports.empty());
  desk.send(desk.intent(1));
  EXPECT_EQ(desk.orders.size(), 1u) << "other seats are not";
  desk.edge(risk_seat(0), false);
  ASSERT_EQ(desk.reports.size(), 1u);
  EXPECT_EQ(desk.reports[0].reason, Reason::RingFull);
  EXPECT_TRUE(desk.stage.wants_continue());
  desk.proceed();
  ASSERT_EQ(desk.reports.size(), 1u);
  EXPECT_EQ(desk.reports[0].id, first.id);
  EXPECT_EQ(desk.reports[0].cum_qty, Qty::whole(6));
  EXPECT_FALSE(desk.stage.wants_continue());
  desk.send(desk.report(first, ReportKind::Cancelled, Qty::whole(6)));
  EXPECT_EQ(desk.reports.size(), 1u);
}

// Only Accepted carries the approved quantity, so it is never merged with what follows it.
TEST(SeatEdge, KeepsAcceptedAndTheNewestStateBehindIt) {
  Desk desk;
  desk.armed();
  desk.bought();
  desk.edge(risk_seat(0), true);
  desk.send(desk.intent(0, 0, Action::Exit, Side::Sell));
  const Order exit = desk.orders.at(0);
  desk.fill(exit, Qty::whole(6), exit.price);
  desk.fill(exit, Qty::whole(3), exit.price);  // late: must not replace the newer one
  desk.edge(risk_seat(0), false);
  ASSERT_EQ(desk.reports.size(), 1u);
  EXPECT_EQ(desk.reports[0].kind, ReportKind::Accepted);
  EXPECT_EQ(desk.reports[0].qty, Qty::whole(10));
  desk.proceed();
  ASSERT_EQ(desk.reports.size(), 1u);
  EXPECT_EQ(desk.reports[0].kind, ReportKind::Fill);
  EXPECT_EQ(desk.reports[0].cum_qty, Qty::whole(6));
  EXPECT_FALSE(desk.stage.wants_continue());
}

TEST(NewRun, KeepsPositionsVoidsPermissionsAndCancelsWhatStillWorks) {
  Desk desk;
  desk.armed();
  desk.bought();
  desk.send(desk.intent(0, 1));
  const Order stray = desk.orders.at(0);
  desk.control(ControlKind::RunStart, Desk::kRun + 1);
  EXPECT_TRUE(desk.orders.empty());
  EXPECT_TRUE(desk.stage.wants_continue());
  desk.proceed();
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::Cancel);
  desk.reject(stray, Reason::UnknownTarget);  // the new gateway never heard of it
  EXPECT_EQ(desk.stage.state().orders.reserved().raw, 0);
  EXPECT_EQ(desk.position().qty, Qty::whole(10));
  Intent intent = desk.intent();
  intent.id = OrderId::make(Desk::kRun + 1, 1, 1);
  desk.send(intent);
  EXPECT_EQ(desk.refusal(), Reason::NoPermit);
}

TEST(Day, TheLossOfYesterdayDoesNotCountToday) {
  RiskConfig risk = bench_risk();
  risk.daily_loss_max = money(3);
  Desk desk(risk);
  desk.armed();
  desk.bought();  // at 100.2, bid 99.9: -3
  desk.send(desk.intent());
  EXPECT_EQ(desk.refusal(), Reason::DailyLoss);
  desk.now = desk.now + Duration::seconds(86'400);
  desk.quote(0, price(999), price(1001));
  desk.send(desk.intent());
  EXPECT_EQ(desk.orders.size(), 1u);
}

}  // namespace
}  // namespace sluice::risk
