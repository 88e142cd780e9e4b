// What risk publishes of its guard of now: each lasting reason comes with its cause and goes with
// it.
#include <gtest/gtest.h>

#include "tests/unit/risk/desk.hpp"

namespace sluice::risk {
namespace {

GateRow shown(const Desk& desk, PairIndex pair = 0) {
  return desk.page->read_row<GateRow>(RowTable::Standing, pair).value_or(GateRow{});
}
// The next quote after the gap between rows.
GateRow later(Desk& desk, std::int64_t bid = 999, std::int64_t ask = 1001) {
  desk.now = desk.now + Duration::millis(100);
  desk.quote(0, price(bid), price(ask));
  return shown(desk);
}

TEST(Standing, NothingIsRefusedWhenAllIsWell) {
  Desk desk;
  desk.armed();
  const GateRow row = later(desk);
  EXPECT_EQ(row.armed, 1);
  EXPECT_EQ(row.reason, Reason::None);
  EXPECT_EQ(row.detail, kBuyPasses | kSellPasses);
  EXPECT_EQ(row.at, desk.now);
}

TEST(Standing, ACapOfZeroLeavesTheAllocatorNothingUntilItIsRaised) {
  Desk desk;
  desk.armed();
  desk.cap({}, {});
  EXPECT_EQ(shown(desk).reason, Reason::AllocatorZero);
  EXPECT_EQ(shown(desk).limit, 0);
  desk.cap({}, money(1'000'000));
  EXPECT_EQ(shown(desk).reason, Reason::None);
}

TEST(Standing, OpenOrdersBlockUntilOneEnds) {
  RiskConfig risk = bench_risk();
  risk.max_open_orders = 1;
  Desk desk(risk);
  desk.armed();
  desk.send(desk.intent());
  const Order order = desk.orders.at(0);
  EXPECT_EQ(later(desk).reason, Reason::OpenOrders);
  EXPECT_EQ(shown(desk).value, 1);
  EXPECT_EQ(shown(desk).limit, 1);
  desk.send(desk.report(order, ReportKind::Cancelled));
  EXPECT_EQ(shown(desk).reason, Reason::None);
}

TEST(Standing, SameSideBlocksUntilThePositionIsClosed) {
  RiskConfig risk = bench_risk();
  risk.max_same_side = 1;
  Desk desk(risk);
  desk.armed();
  const Order order = desk.bought();
  EXPECT_EQ(shown(desk).reason, Reason::SameSide);
  EXPECT_EQ(shown(desk).detail, 0) << "a sell would close it";
  EXPECT_EQ(shown(desk, desk.stage.rules().pair_of(0, 1)).reason, Reason::None);
  later(desk);
  const GateRow flat = shown(desk, desk.stage.rules().pair_of(1, 0));
  EXPECT_EQ(flat.reason, Reason::SameSide);
  EXPECT_EQ(flat.detail, kSellPasses) << "the other strategy may sell";
  desk.send(desk.intent(0, 0, Action::Exit, Side::Sell));
  desk.fill(desk.orders.at(0), order.qty, order.price);
  EXPECT_EQ(shown(desk).reason, Reason::None);
}

TEST(Standing, DailyLossBlocksUntilTheMarketComesBack) {
  RiskConfig risk = bench_risk();
  risk.daily_loss_max = money(5);
  Desk desk(risk);
  desk.armed();
  (void)desk.bought();
  EXPECT_EQ(later(desk, 990, 992).reason, Reason::DailyLoss);
  EXPECT_EQ(shown(desk).limit, -money(5).raw);
  EXPECT_EQ(later(desk, 1004, 1006).reason, Reason::None);
}

TEST(Standing, SizeAndNotionalFollowThePrice) {
  RiskConfig size = bench_risk();
  size.max_order_qty = Qty::whole(9);
  Desk small(size);
  small.armed();
  EXPECT_EQ(later(small).reason, Reason::SizeLimit);
  RiskConfig cost = bench_risk();
  cost.max_order_notional = money(1'001);
  Desk dear(cost);
  dear.armed();
  EXPECT_EQ(later(dear, 1005, 1007).reason, Reason::NotionalLimit);
  EXPECT_EQ(later(dear, 900, 902).reason, Reason::None);
}

}  // namespace
}  // namespace sluice::risk
