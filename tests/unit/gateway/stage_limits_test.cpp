// What the stage does when it must not or cannot: levels, full edges, a full table.
#include "gateway/stage.hpp"

#include "tests/unit/gateway/stage_fixture.hpp"

namespace sluice::test {
namespace {

// ---- levels

TEST_F(GatewayStageTest, CancelLevelSweepsAndCancelsOnePerInput) {
  rig.ready();
  rig.in(event(EventKind::Cancelled, rig.working(1)));
  const OrderId working = rig.working(2);
  const OrderId sent = rig.sent(3);
  const Order sending = entry(4);
  rig.in(sending);
  const OrderId ended = rig.working(5);
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
