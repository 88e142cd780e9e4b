// Random orders, quotes and cancels against the paper session; its log, read by a naive oracle,
// must explain everything: fills within quantity and limit, one end per order, and the session's
// own book to the unit.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "tests/unit/gateway/gateway_support.hpp"

namespace sluice::test {
namespace {

struct NaiveOrder {
  PaperEntry placed;
  Qty cum{};
  bool ended = false;
};
struct NaiveCell {
  Qty position{};
  Notional cost{};
};

// Reads a log from the start, checks it, and keeps what the books must hold.
class Oracle {
 public:
  void read(const PaperEntry& e) {
    if (e.what == PaperWhat::Placed) {
      EXPECT_EQ(orders_.count(e.id), 0u) << "placed twice";
      orders_[e.id] = {e};
      return;
    }
    if (e.what == PaperWhat::CancelRejected) return;
    ASSERT_EQ(orders_.count(e.id), 1u);
    NaiveOrder& order = orders_[e.id];
    EXPECT_FALSE(order.ended) << "an entry behind the end";
    if (e.what == PaperWhat::Cancelled || e.what == PaperWhat::Expired) order.ended = true;
    if (e.what != PaperWhat::Filled) return;
    EXPECT_GT(e.qty, Qty{});
    order.cum += e.qty;
    EXPECT_EQ(e.cum_qty, order.cum);
    EXPECT_LE(order.cum, order.placed.qty) << "filled above its quantity";
    const bool buy = order.placed.side == Side::Buy;
    EXPECT_TRUE(buy ? e.price <= order.placed.price : e.price >= order.placed.price);
    EXPECT_GE(e.at, order.placed.approved_at);
    order.ended = order.cum == order.placed.qty;
    NaiveCell& cell = cells_[{e.strategy, e.instrument}];
    if (class_of(order.placed.kind) == OrderClass::Entry) {  // all entries here are buys
      cell.position += e.qty;
      cell.cost += notional(e.price, e.qty);
    } else {
      ASSERT_LE(e.qty, cell.position) << "an exit passed flat";
      cell.cost -= scaled(cell.cost, e.qty.raw, cell.position.raw);
      cell.position -= e.qty;
    }
  }

  void compare(const OwnBook& book) const {
    Notional total{};
    for (StrategyIndex s = 0; s < 3; ++s) {
      Notional of_strategy{};
      for (InstrumentIndex i = 0; i < 3; ++i) {
        OwnCell expected{};
        if (const auto it = cells_.find({s, i}); it != cells_.end()) {
          expected.position = it->second.position;
          expected.cost = it->second.cost;
        }
        for (const auto& [id, order] : orders_) {
          if (order.ended || order.placed.strategy != s || order.placed.instrument != i) continue;
          const Qty left = order.placed.qty - order.cum;
          if (class_of(order.placed.kind) == OrderClass::Entry) {
            expected.working += notional(order.placed.price, left);
          } else {
            expected.exits += left;
          }
        }
        EXPECT_EQ(book.at(s, i), expected) << "strategy " << int{s} << " instrument " << i;
        of_strategy += expected.cost + expected.working;
      }
      EXPECT_EQ(book.open_cost(s), of_strategy);
      total += of_strategy;
    }
    EXPECT_EQ(book.open_cost(), total);
  }

  [[nodiscard]] const std::map<OrderId, NaiveOrder>& orders() const { return orders_; }

 private:
  std::map<OrderId, NaiveOrder> orders_;
  std::map<std::pair<StrategyIndex, InstrumentIndex>, NaiveCell> cells_;
};

void run(std::uint64_t seed, std::size_t& fills) {
  SCOPED_TRACE("SLUICE_SEED=" + std::to_string(seed));
  std::mt19937_64 random(seed);
  const auto below = [&](std::int64_t n) {
    return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
  };
  SessionRig rig(GatewayConfig{.paper_order_life = Duration::millis(below(2) * 20)});
  rig.pages.control->caps[0].store(Notional::whole(20'000).raw);
  Oracle oracle;
  std::size_t read = 0;
  std::uint32_t counter = 0;
  std::map<OrderId, Qty> cum_of_events;
  HostTime now = at_us(1'000);
  for (int step = 0; step < 600; ++step) {
    now = now + Duration::micros(below(300));
    const auto instrument = static_cast<InstrumentIndex>(below(3));
    switch (below(5)) {
      case 0: {
        const bool exit = below(2) == 0;
        Order o =
            make_order(++counter, exit ? OrderKind::TakeProfit : OrderKind::Entry,
                       exit ? Side::Sell : Side::Buy, Price{px(95).raw + below(10) * 12'345'678},
                       Qty{1 + below(900'000'000)}, now);
        o.strategy = static_cast<StrategyIndex>(below(3));
        o.instrument = instrument;
        rig.session->execute(o, now, 0);
        break;
      }
      case 1: {
        Order c =
            cancel_of(OrderId::make(1, 1, static_cast<std::uint32_t>(1 + below(counter + 1))));
        rig.session->execute(c, now, 0);
        break;
      }
      case 2: rig.session->poll(now); break;
      default: {
        const std::int64_t mid = px(95).raw + below(10) * 12'345'678;
        rig.session->on_tick(
            quote(Price{mid - 1'000'000}, Qty{below(500'000'000)}, Price{mid},
                  Qty{below(500'000'000)}, now - Duration::micros(below(100)), instrument),
            now);
      }
    }
    if (below(200) == 0) rig.session->sweep(now);
    for (const Event& e : rig.events())
      if (e.kind == EventKind::Fill) {
        EXPECT_EQ(e.cum_qty, cum_of_events[e.id] + e.qty) << "fills arrive in order";
        cum_of_events[e.id] = e.cum_qty;
        ++fills;
      }
    while (read < rig.log.entries.size()) oracle.read(rig.log.entries[read++]);
    if (step % 20 == 0) oracle.compare(rig.session->book().own());
    EXPECT_LE(rig.session->book().own().open_cost(), Notional::whole(20'000));
    if (::testing::Test::HasFailure()) return;
  }
  oracle.compare(rig.session->book().own());
  for (const auto& [id, order] : oracle.orders()) EXPECT_EQ(cum_of_events[id], order.cum);
  // Rebuilt from its log it is the same.
  const auto before = std::make_unique<OwnBook>(rig.session->book().own());
  const std::size_t open = rig.session->book().open();
  rig.restart();
  rig.rebuild(static_cast<std::uint32_t>(rig.log.entries.size()));
  EXPECT_TRUE(rig.session->book().own() == *before);
  EXPECT_EQ(rig.session->book().open(), open);
  EXPECT_TRUE(rig.events().empty());
}

TEST(GatewayPaperProperty, LogExplainsFillsAndBook) {
  std::size_t fills = 0;
  if (const char* seed = std::getenv("SLUICE_SEED"))
    return run(std::strtoull(seed, nullptr, 10), fills);
  for (std::uint64_t seed = 1; seed <= 150 && !HasFailure(); ++seed) run(seed, fills);
  EXPECT_GT(fills, 2'000u) << "the venue has traded";
}

}  // namespace
}  // namespace sluice::test
