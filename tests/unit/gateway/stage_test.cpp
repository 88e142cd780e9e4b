// The life of an order: ids, verdicts, fills, cancels, the gate at the start.
#include "gateway/stage.hpp"

#include "tests/unit/gateway/stage_fixture.hpp"

namespace sluice::test {
namespace {

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

}  // namespace
}  // namespace sluice::test
