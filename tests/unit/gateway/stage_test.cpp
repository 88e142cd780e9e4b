#include "gateway/stage.hpp"

#include <gtest/gtest.h>

#include "tests/unit/gateway/gateway_support.hpp"

namespace sluice::test {
namespace {

class GatewayStageTest : public ::testing::Test {
 protected:
  // The only report since the last call.
  Report one_report() {
    EXPECT_EQ(rig.reports.size(), 1u);
    const Report r = rig.reports.empty() ? Report{} : rig.reports.back();
    rig.reports.clear();
    return r;
  }
  Order one_command() {
    EXPECT_EQ(rig.commands.size(), 1u);
    const Order o = rig.commands.empty() ? Order{} : rig.commands.back();
    rig.commands.clear();
    return o;
  }
  std::size_t raises(KillCause cause) const {
    std::size_t n = 0;
    for (std::size_t i = 0; i < rig.fx.raises(); ++i) {
      const Effects::Raise& raise = rig.fx.raise_at(i);
      n += raise.cause == cause && raise.level == KillLevel::Halt &&
                   raise.scope == Scope{ScopeKind::Gateway, 0}
               ? 1u
               : 0u;
    }
    return n;
  }

  StageRig rig;
};

TEST_F(GatewayStageTest, SendsTheOrderAsItCame) {
  rig.ready();
  const Order o = entry(1);
  rig.in(o);
  const Order sent = one_command();
  EXPECT_EQ(std::memcmp(&sent, &o, sizeof o), 0);
  EXPECT_TRUE(rig.reports.empty());
  EXPECT_EQ(rig.state_of(o.id), OrderState::Sending);
  rig.in(event(EventKind::Sent, o.id));
  EXPECT_EQ(rig.state_of(o.id), OrderState::Sent);
  EXPECT_TRUE(rig.reports.empty());
}

TEST_F(GatewayStageTest, AckAndFillsAreReported) {
  rig.ready();
  const OrderId id = rig.sent(1);
  rig.in(event(EventKind::Ack, id));
  Report r = one_report();
  EXPECT_EQ(r.kind, ReportKind::Ack);
  EXPECT_EQ(r.id, id);
  EXPECT_EQ(r.qty, lots(10));
  EXPECT_EQ(r.instrument, 2u);
  rig.in(fill(id, px(99), lots(4), lots(4)));
  r = one_report();
  EXPECT_EQ(r.kind, ReportKind::Fill);
  EXPECT_EQ(r.price, px(99));
  EXPECT_EQ(r.qty, lots(4));
  EXPECT_EQ(r.cum_qty, lots(4));
  EXPECT_EQ(rig.state_of(id), OrderState::Partial);
  rig.in(fill(id, px(98), lots(6), lots(10)));
  r = one_report();
  EXPECT_EQ(r.kind, ReportKind::Fill);
  EXPECT_EQ(r.cum_qty, lots(10));
  EXPECT_EQ(rig.state_of(id), OrderState::Filled);
  EXPECT_EQ(rig.stage().state().open, 0u);
  EXPECT_FALSE(rig.stage().wants_continue());
}

TEST_F(GatewayStageTest, RepeatedAndOvertakenFillsChangeNothing) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.in(fill(id, px(99), lots(4), lots(4)));
  rig.forget_outputs();
  rig.in(fill(id, px(99), lots(4), lots(4)));
  rig.in(fill(id, px(99), lots(1), lots(1)));
  EXPECT_TRUE(rig.reports.empty());
  EXPECT_EQ(rig.cum_of(id), lots(4));
  EXPECT_EQ(rig.count(GatewayCounter::FillsRepeated), 2u);
}

TEST_F(GatewayStageTest, SkippedFillIsCountedAndCaughtUp) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.forget_outputs();
  rig.in(fill(id, px(99), lots(2), lots(5)));  // a fill of 3 was missed
  EXPECT_EQ(one_report().qty, lots(5));
  EXPECT_EQ(rig.count(GatewayCounter::FillGaps), 1u);
}

TEST_F(GatewayStageTest, FillAboveTheQuantityIsAnAnomalyAndReported) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.in(fill(id, px(99), lots(10), lots(10)));
  EXPECT_EQ(rig.count(GatewayCounter::Anomalies), 0u);
  rig.forget_outputs();
  rig.in(fill(id, px(99), lots(1), lots(11)));
  EXPECT_EQ(one_report().cum_qty, lots(11));
  EXPECT_GT(rig.count(GatewayCounter::Anomalies), 0u);
}

TEST_F(GatewayStageTest, RefusalGoesBackWithItsReason) {
  rig.ready();
  std::uint32_t counter = 0;
  for (Reason reason : {Reason::Stale, Reason::TooOld, Reason::LastLookLevel, Reason::LogFull}) {
    const Order o = entry(++counter);
    rig.in(o);
    rig.in(event(EventKind::Refused, o.id, reason));
    const Report r = one_report();
    EXPECT_EQ(r.kind, ReportKind::Reject);
    EXPECT_EQ(r.reason, reason);
    EXPECT_EQ(rig.state_of(o.id), OrderState::Rejected);
    EXPECT_EQ(rig.count(reject_counter(reason)), 1u);
  }
  EXPECT_EQ(rig.stage().state().open, 0u);
}

TEST_F(GatewayStageTest, VenueEndsAreReported) {
  rig.ready();
  const OrderId expired = rig.working(1);
  const OrderId rejected = rig.sent(2);
  rig.forget_outputs();
  rig.in(event(EventKind::Expired, expired));
  EXPECT_EQ(one_report().kind, ReportKind::Expired);
  rig.in(event(EventKind::VenueReject, rejected));
  const Report r = one_report();
  EXPECT_EQ(r.kind, ReportKind::Reject);
  EXPECT_EQ(r.reason, Reason::VenueReject);
}

TEST_F(GatewayStageTest, CancelGoesOutOnceAndEnds) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.forget_outputs();
  rig.in(cancel_of(id));
  const Order command = one_command();
  EXPECT_EQ(command.kind, OrderKind::Cancel);
  EXPECT_EQ(command.id, id);
  EXPECT_EQ(command.flags, 0);
  rig.in(cancel_of(id));
  EXPECT_TRUE(rig.commands.empty()) << "one is under way";
  rig.in(event(EventKind::Cancelled, id));
  EXPECT_EQ(one_report().kind, ReportKind::Cancelled);
  EXPECT_EQ(rig.state_of(id), OrderState::Cancelled);
}

TEST_F(GatewayStageTest, CancelBeforeTheVerdictWaitsForIt) {
  rig.ready();
  const Order o = entry(1);
  rig.in(o);
  rig.forget_outputs();
  rig.in(cancel_of(o.id));
  EXPECT_TRUE(rig.commands.empty());
  rig.in(event(EventKind::Sent, o.id));
  EXPECT_EQ(one_command().kind, OrderKind::Cancel);
  EXPECT_EQ(rig.state_of(o.id), OrderState::CancelPending);
}

TEST_F(GatewayStageTest, CancelOfARefusedOrderIsForgotten) {
  rig.ready();
  const Order o = entry(1);
  rig.in(o);
  rig.in(cancel_of(o.id));
  rig.forget_outputs();
  rig.in(event(EventKind::Refused, o.id, Reason::TooOld));
  EXPECT_EQ(rig.settle(), 0);
  EXPECT_TRUE(rig.commands.empty());
  EXPECT_EQ(one_report().kind, ReportKind::Reject);
}

TEST_F(GatewayStageTest, CancelRejectMakesItWorkAgain) {
  rig.ready();
  const OrderId whole = rig.working(1);
  const OrderId part = rig.working(2);
  rig.in(fill(part, px(99), lots(1), lots(1)));
  for (OrderId id : {whole, part}) {
    rig.in(cancel_of(id));
    rig.forget_outputs();
    rig.in(event(EventKind::CancelReject, id));
    EXPECT_EQ(one_report().kind, ReportKind::Ack);
    rig.in(cancel_of(id));
    EXPECT_EQ(one_command().kind, OrderKind::Cancel) << "and can be cancelled again";
  }
  EXPECT_EQ(rig.count(GatewayCounter::Anomalies), 0u);
}

TEST_F(GatewayStageTest, LateFillAfterCancelIsAppliedAndReported) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.in(cancel_of(id));
  rig.in(event(EventKind::Cancelled, id));
  rig.forget_outputs();
  rig.in(fill(id, px(99), lots(10), lots(10)));
  const Report r = one_report();
  EXPECT_EQ(r.kind, ReportKind::Fill);
  EXPECT_EQ(r.cum_qty, lots(10));
  EXPECT_EQ(rig.state_of(id), OrderState::Cancelled) << "terminal states are locked";
  EXPECT_EQ(rig.count(GatewayCounter::Anomalies), 0u);
}

TEST_F(GatewayStageTest, CancelledThatKnowsOfMoreFillsTellsThemFirst) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.forget_outputs();
  Event e = event(EventKind::Cancelled, id);
  e.cum_qty = lots(3);
  e.price = px(98);
  rig.in(e);
  EXPECT_EQ(one_report().kind, ReportKind::Fill);
  EXPECT_EQ(rig.settle(), 1);
  const Report r = one_report();
  EXPECT_EQ(r.kind, ReportKind::Cancelled);
  EXPECT_EQ(r.cum_qty, lots(3));
}

TEST_F(GatewayStageTest, CancelOfUnknownAndOfEndedOrders) {
  rig.ready();
  rig.in(cancel_of(OrderId::make(1, 1, 77)));
  Report r = one_report();
  EXPECT_EQ(r.kind, ReportKind::Reject);
  EXPECT_EQ(r.reason, Reason::UnknownTarget);
  const OrderId id = rig.working(1);
  rig.in(fill(id, px(99), lots(10), lots(10)));
  rig.forget_outputs();
  rig.in(cancel_of(id));
  EXPECT_TRUE(rig.reports.empty() && rig.commands.empty());
  EXPECT_EQ(rig.count(GatewayCounter::CancelsLate), 1u);
}

TEST_F(GatewayStageTest, EventsOfUnknownOrdersAreCounted) {
  rig.in(fill(OrderId::make(1, 1, 5), px(1), lots(1), lots(1)));
  EXPECT_EQ(rig.count(GatewayCounter::UnknownOrders), 1u);
  EXPECT_TRUE(rig.reports.empty());
  EXPECT_EQ(rig.fx.raises(), 0u);
}

TEST_F(GatewayStageTest, IllegalEventIsAnAnomaly) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.in(event(EventKind::Sent, id));
  EXPECT_EQ(rig.count(GatewayCounter::Anomalies), 1u);
  Event odd = answer(id, OrderState::InDoubt);
  rig.in(odd);
  odd.kind = EventKind{};
  rig.in(odd);
  EXPECT_EQ(rig.count(GatewayCounter::Anomalies), 3u);
  EXPECT_EQ(rig.state_of(id), OrderState::Working);
}

TEST_F(GatewayStageTest, DuplicateAndRegressingIdsHalt) {
  rig.ready();
  static_cast<void>(rig.sent(5));
  rig.forget_outputs();
  for (std::uint32_t counter : {5u, 4u}) {
    rig.in(entry(counter));
    const Report r = one_report();
    EXPECT_EQ(r.kind, ReportKind::Reject);
    EXPECT_EQ(r.reason, Reason::DuplicateId);
    EXPECT_TRUE(rig.commands.empty());
  }
  EXPECT_EQ(raises(KillCause::DuplicateId), 2u);
  EXPECT_EQ(rig.count(GatewayCounter::Duplicates), 2u);
}

TEST_F(GatewayStageTest, IdsRiseByOriginSliceAndRun) {
  rig.ready();
  Order o = entry(5);
  for (const OrderId id :
       {OrderId::make(1, 1, 5, 0), OrderId::make(1, 1, 5, 1), OrderId::make(1, 2, 1, 0),
        OrderId::make(1, 0, 1, 0), OrderId::make(1, 1, 6, 0), OrderId::make(2, 1, 1, 0)}) {
    o.id = id;
    rig.in(o);
  }
  EXPECT_EQ(rig.commands.size(), 6u);
  EXPECT_EQ(rig.fx.raises(), 0u);
  o.id = OrderId::make(1, 1, 7, 0);  // of the run before
  rig.in(o);
  EXPECT_EQ(raises(KillCause::DuplicateId), 1u);
}

TEST_F(GatewayStageTest, MalformedOrdersAreRefused) {
  rig.ready();
  Order bad[5] = {entry(1), entry(2), entry(3), entry(4), entry(5)};
  bad[0].qty = Qty{};
  bad[1].price = Price{-1};
  bad[2].kind = OrderKind{77};
  bad[3].instrument = kMaxInstruments;
  bad[4].side = Side{};
  for (const Order& o : bad) {
    rig.in(o);
    EXPECT_EQ(one_report().reason, Reason::BadOrder);
  }
  EXPECT_TRUE(rig.commands.empty());
}

TEST_F(GatewayStageTest, FlagsOfOursAreNotTakenFromRisk) {
  rig.ready();
  Order o = entry(1);
  o.flags = kQuery | kSweep;
  rig.in(o);
  EXPECT_EQ(one_command().flags, 0);
}

TEST_F(GatewayStageTest, StartupGateHoldsEntriesOnly) {
  rig.in(entry(1));
  EXPECT_EQ(one_report().reason, Reason::NotReady);
  EXPECT_TRUE(rig.commands.empty());
  rig.in(make_order(2, OrderKind::StopLoss, Side::Sell, px(99), lots(1), {}));
  EXPECT_EQ(one_command().kind, OrderKind::StopLoss);
  rig.in(event(EventKind::Sent, OrderId::make(1, 1, 2)));
  rig.in(cancel_of(OrderId::make(1, 1, 2)));
  EXPECT_EQ(one_command().kind, OrderKind::Cancel);
  rig.ready();
  rig.in(entry(3));
  EXPECT_EQ(one_command().kind, OrderKind::Entry);
}

TEST_F(GatewayStageTest, MismatchesHaltAndKeepTheGateShut) {
  Event e = event(EventKind::Reconciled);
  e.qty = Qty{2};
  rig.in(e);
  EXPECT_EQ(raises(KillCause::Reconciliation), 1u);
  EXPECT_EQ(rig.count(GatewayCounter::Mismatches), 2u);
  rig.in(entry(1));
  EXPECT_EQ(one_report().reason, Reason::NotReady);
}

TEST_F(GatewayStageTest, OpenOrderLimitBothSidesAndExitsPass) {
  StageRig small(GatewayConfig{.max_open_orders = 2});
  small.ready();
  const OrderId first = small.sent(1);
  static_cast<void>(small.sent(2));
  small.forget_outputs();
  small.in(entry(3));
  ASSERT_EQ(small.reports.size(), 1u);
  EXPECT_EQ(small.reports[0].reason, Reason::OpenOrders);
  small.in(make_order(4, OrderKind::TakeProfit, Side::Sell, px(99), lots(1), {}));
  EXPECT_EQ(small.commands.size(), 1u);
  small.in(event(EventKind::Cancelled, first));
  small.in(event(EventKind::Refused, OrderId::make(1, 1, 4), Reason::NotReducing));
  small.in(entry(5));
  EXPECT_EQ(small.commands.size(), 2u);
}

// ---- levels

TEST_F(GatewayStageTest, CancelLevelSweepsAndCancelsOnePerInput) {
  rig.ready();
  const OrderId working = rig.working(1);
  const OrderId sent = rig.sent(2);
  const Order sending = entry(3);
  rig.in(sending);
  const OrderId ended = rig.working(4);
  rig.in(event(EventKind::Cancelled, ended));
  rig.forget_outputs();
  rig.in(level(ScopeKind::Global, 0, KillLevel::Cancel));
  EXPECT_EQ(one_command().flags, kSweep);
  EXPECT_EQ(rig.settle(), 2);
  ASSERT_EQ(rig.commands.size(), 2u);
  EXPECT_EQ(rig.commands[0].id, working);
  EXPECT_EQ(rig.commands[1].id, sent);
  rig.forget_outputs();
  rig.in(event(EventKind::Sent, sending.id));
  EXPECT_EQ(one_command().id, sending.id) << "the verdict came after the level";
  EXPECT_EQ(rig.stage().state().sweeping, 1);
  rig.in(event(EventKind::SweepDone));
  EXPECT_EQ(rig.stage().state().sweeping, 0);
}

TEST_F(GatewayStageTest, LevelsBelowCancelAndSeverCancelNothing) {
  rig.ready();
  static_cast<void>(rig.working(1));
  rig.forget_outputs();
  for (KillLevel value : {KillLevel::Run, KillLevel::ReduceOnly, KillLevel::Halt, KillLevel::Sever})
    rig.in(level(ScopeKind::Global, 0, value));
  rig.in(level(ScopeKind::Gateway, 1, KillLevel::Cancel));
  EXPECT_EQ(rig.settle(), 0);
  EXPECT_TRUE(rig.commands.empty());
}

TEST_F(GatewayStageTest, ScopedCancelTouchesItsScopeOnly) {
  rig.ready();
  Order other = entry(1);
  other.strategy = 5;
  other.instrument = 7;
  rig.in(other);
  rig.in(event(EventKind::Sent, other.id));
  const OrderId ours = rig.working(2);
  rig.forget_outputs();
  rig.in(level(ScopeKind::Strategy, 1, KillLevel::Flatten));
  rig.settle();
  EXPECT_EQ(one_command().id, ours);
  rig.in(level(ScopeKind::Instrument, 7, KillLevel::Cancel));
  rig.settle();
  EXPECT_EQ(one_command().id, other.id);
}

TEST_F(GatewayStageTest, DeadManCancelsEntriesOnce) {
  rig.ready();
  const OrderId id = rig.working(1);
  const Order stop = make_order(2, OrderKind::StopLoss, Side::Sell, px(99), lots(1), {});
  rig.in(stop);
  rig.in(event(EventKind::Sent, stop.id));
  rig.forget_outputs();
  rig.in(control(ControlKind::Conditions, kDeadMan));
  EXPECT_TRUE(rig.commands.empty());
  rig.in(control(ControlKind::Conditions, kDeadMan | kDeadManCancel));
  rig.settle();
  EXPECT_EQ(one_command().id, id);
  rig.in(event(EventKind::CancelReject, id));
  rig.in(control(ControlKind::Conditions, kDeadMan | kDeadManCancel | kDiskLow));
  rig.settle();
  EXPECT_TRUE(rig.commands.empty()) << "only the rising edge acts";
}

// ---- full edges

TEST_F(GatewayStageTest, FullReportEdgeHaltsOnceAndLatestStateFollows) {
  rig.ready();
  const OrderId a = rig.sent(1);
  const OrderId b = rig.sent(2);
  rig.forget_outputs();
  rig.in(edge(ControlKind::EdgeFull, Edge::GatewayRisk));
  rig.in(edge(ControlKind::EdgeFull, Edge::GatewayRisk));
  EXPECT_EQ(raises(KillCause::ReportsLost), 1u);
  rig.in(event(EventKind::Ack, a));
  rig.in(fill(a, px(100), lots(1), lots(1)));
  rig.in(fill(a, px(97), lots(2), lots(3)));
  rig.in(event(EventKind::Cancelled, a));
  rig.in(fill(b, px(96), lots(10), lots(10)));
  EXPECT_TRUE(rig.reports.empty());
  EXPECT_FALSE(rig.stage().wants_continue());
  rig.in(entry(3));
  EXPECT_TRUE(rig.commands.empty()) << "no entry while risk is deaf";
  rig.in(edge(ControlKind::EdgeRoom, Edge::GatewayRisk));
  rig.settle();
  ASSERT_EQ(rig.reports.size(), 4u);
  EXPECT_EQ(rig.reports[0].id, a);
  EXPECT_EQ(rig.reports[0].kind, ReportKind::Fill);
  EXPECT_EQ(rig.reports[0].qty, lots(3));
  EXPECT_EQ(rig.reports[0].price, px(98)) << "average of 1 at 100 and 2 at 97";
  EXPECT_EQ(rig.reports[1].id, b);
  EXPECT_EQ(rig.reports[1].kind, ReportKind::Fill);
  EXPECT_EQ(rig.reports[2].reason, Reason::RingFull);
  EXPECT_EQ(rig.reports[3].id, a);
  EXPECT_EQ(rig.reports[3].kind, ReportKind::Cancelled);
  EXPECT_EQ(rig.reports[3].cum_qty, lots(3));
  EXPECT_FALSE(rig.stage().wants_continue());
}

TEST_F(GatewayStageTest, RefusalsWithoutAPlaceWaitAndOverflowIsCounted) {
  rig.ready();
  rig.in(edge(ControlKind::EdgeFull, Edge::GatewayRisk));
  for (std::uint32_t i = 0; i < GatewayStage::kRefusals + 1; ++i)
    rig.in(cancel_of(OrderId::make(1, 9, i + 1)));
  EXPECT_EQ(rig.count(GatewayCounter::ReportsLost), 1u);
  rig.in(edge(ControlKind::EdgeRoom, Edge::GatewayRisk));
  rig.settle();
  EXPECT_EQ(rig.reports.size(), GatewayStage::kRefusals);
}

TEST_F(GatewayStageTest, FullCommandEdgeRefusesOrdersAndKeepsCancels) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.forget_outputs();
  rig.in(edge(ControlKind::EdgeFull, Edge::Command));
  EXPECT_EQ(rig.fx.raises(), 0u);
  rig.in(entry(2));
  EXPECT_EQ(one_report().reason, Reason::RingFull);
  rig.in(make_order(3, OrderKind::StopLoss, Side::Sell, px(99), lots(1), {}));
  EXPECT_EQ(one_report().reason, Reason::RingFull);
  rig.in(cancel_of(id));
  EXPECT_TRUE(rig.commands.empty());
  EXPECT_FALSE(rig.stage().wants_continue());
  rig.in(edge(ControlKind::EdgeRoom, Edge::Command));
  EXPECT_EQ(one_command().id, id);
}

// ---- table

TEST_F(GatewayStageTest, EndedOrdersAreRecycledOldestFirst) {
  rig.ready();
  const std::uint32_t rounds = kGatewayOrders * 3;
  for (std::uint32_t i = 1; i <= rounds; ++i) {
    rig.in(entry(i));
    rig.in(event(EventKind::Refused, OrderId::make(1, 1, i), Reason::TooOld));
  }
  EXPECT_EQ(rig.reports.size(), rounds);
  EXPECT_EQ(rig.state_of(OrderId::make(1, 1, rounds - kGatewayOrders)), OrderState{});
  EXPECT_EQ(rig.state_of(OrderId::make(1, 1, rounds - kGatewayOrders + 1)), OrderState::Rejected);
  EXPECT_EQ(rig.stage().state().open, 0u);
}

TEST_F(GatewayStageTest, FullTableRefuses) {
  rig.ready();
  for (std::uint32_t i = 1; i <= kGatewayOrders; ++i)
    rig.in(make_order(i, OrderKind::StopLoss, Side::Sell, px(99), lots(1), {}));
  EXPECT_EQ(rig.commands.size(), kGatewayOrders);
  rig.in(make_order(kGatewayOrders + 1, OrderKind::StopLoss, Side::Sell, px(99), lots(1), {}));
  EXPECT_EQ(one_report().reason, Reason::TableFull);
  rig.in(event(EventKind::Refused, OrderId::make(1, 1, 7), Reason::NotReducing));
  rig.in(make_order(kGatewayOrders + 2, OrderKind::StopLoss, Side::Sell, px(99), lots(1), {}));
  EXPECT_EQ(rig.commands.size(), kGatewayOrders + 1);
}

TEST_F(GatewayStageTest, RowsShowOpenOrdersAndSession) {
  rig.ready();
  const OrderId kept = rig.working(1);
  for (std::uint32_t i = 2; i < 700; ++i) {  // more than there are rows
    rig.in(entry(i));
    rig.in(event(EventKind::Refused, OrderId::make(1, 1, i), Reason::TooOld));
  }
  const auto row = rig.page->read_row<OrderRow>(RowTable::Order, 0);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->id, kept);
  EXPECT_EQ(row->state, static_cast<std::uint8_t>(OrderState::Working));
  const auto session = rig.page->read_row<SessionRow>(RowTable::Summary, 0);
  ASSERT_TRUE(session.has_value());
  EXPECT_EQ(session->connected, 1u);
  EXPECT_EQ(session->messages, 1u + 2u + 698u);
}

TEST_F(GatewayStageTest, CountersAddUp) {
  rig.ready();
  const OrderId id = rig.working(1);
  rig.in(fill(id, px(99), lots(10), lots(10)));
  EXPECT_EQ(rig.count(GatewayCounter::OrdersReceived), 1u);
  EXPECT_EQ(rig.count(GatewayCounter::CommandsSent), 1u);
  EXPECT_EQ(rig.count(GatewayCounter::ReportsSent), 2u);
  EXPECT_EQ(rig.count(GatewayCounter::Acks), 1u);
  EXPECT_EQ(rig.count(GatewayCounter::Fills), 1u);
  EXPECT_EQ(rig.count(GatewayCounter::OpenOrders), 0u);
}

}  // namespace
}  // namespace sluice::test
