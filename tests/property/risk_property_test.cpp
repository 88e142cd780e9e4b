// What must hold for any input: the allocator's bounds, position accounting against a cash book,
// and the capital cap and totals of the whole stage under random traffic. SLUICE_SEED replays a
// seed.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <random>

#include "desk.hpp"
#include "risk/exits.hpp"

namespace sluice::risk {
namespace {

using Wide = sluice::detail::Wide;

std::uint64_t seed_of(std::uint64_t fallback) {
  const char* text = std::getenv("SLUICE_SEED");
  return text ? std::strtoull(text, nullptr, 10) : fallback;
}

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(random_() % static_cast<std::uint64_t>(n));
  }
  std::int64_t between(std::int64_t low, std::int64_t high) { return low + below(high - low + 1); }
  // Over many magnitudes.
  std::int64_t magnitude(int bits) {
    return static_cast<std::int64_t>(random_() >> (63 - below(bits)));
  }

 private:
  std::mt19937_64 random_;
};

TEST(AllocatorProperty, NeverExceedsAnyBoundAndNeverGivesLessThanItCould) {
  for (std::uint64_t seed = seed_of(1); seed < seed_of(1) + 20'000; ++seed) {
    Dice dice(seed);
    const AllocationRequest r{
        .equity = {dice.magnitude(58)},
        .cash = {dice.magnitude(58) - (dice.below(8) == 0 ? kScale * 1'000 : 0)},
        .cap_left = {dice.magnitude(58) - (dice.below(8) == 0 ? kScale * 1'000 : 0)},
        .alloc = {dice.between(1, 1'000'000)},
        .risk = {dice.between(1, 1'000'000)},
        .stop = {dice.between(1, 999'999)},
        .price = {dice.magnitude(45)},
        .lot = {dice.magnitude(40)},
        .freeze = {dice.magnitude(50)},
        .multiplier = dice.between(1, 3),
        .max_lots = dice.magnitude(30)};
    const Allocation found = allocate(r);
    ASSERT_GE(found.lots, 0) << "seed " << seed;
    if (r.price.raw <= 0 || r.lot.raw <= 0) continue;
    const auto fits = [&](std::int64_t lots) {
      if (lots == 0) return true;
      const Wide qty = Wide{r.lot.raw} * lots;
      const Wide cost = Wide{r.price.raw} * r.lot.raw;  // at 1e-16, of one lot
      const Wide unit = Wide{kScale};
      const auto rounded = (cost + unit - 1) / unit;  // what one lot costs, never too little
      const Wide loss = (rounded * r.stop.raw + 999'999) / 1'000'000;
      const Wide budget = Wide{r.equity.raw} * r.alloc.raw / 1'000'000 * r.multiplier;
      const Wide risk = Wide{r.equity.raw} * r.risk.raw / 1'000'000 * r.multiplier;
      return rounded * lots <= budget && rounded * lots <= r.cash.raw &&
             rounded * lots <= r.cap_left.raw && loss * lots <= risk && qty <= r.freeze.raw &&
             lots <= r.max_lots;
    };
    ASSERT_TRUE(fits(found.lots)) << "seed " << seed << " " << name_of(found.binding);
    ASSERT_FALSE(fits(found.lots + 1)) << "seed " << seed << " " << name_of(found.binding);
    const Notional spent = notional(r.price, {sluice::detail::clamp(Wide{r.lot.raw} * found.lots)});
    ASSERT_LE(spent, std::max(Notional{}, std::min(r.cash, r.cap_left))) << "seed " << seed;
  }
}

// The naive book: cash that moved, and what is held.
struct CashBook {
  Wide cash = 0;  // received - paid
  std::int64_t qty = 0;

  void fill(Side side, Qty q, Price at) {
    const std::int64_t sign = side == Side::Buy ? 1 : -1;
    const std::int64_t against = qty * sign < 0 ? std::min(std::abs(qty), q.raw) : 0;
    // A fill that passes through flat is two trades; each is rounded on its own.
    for (const std::int64_t part : {against, q.raw - against})
      cash -= sign * notional(at, {part}).raw;
    qty += sign * q.raw;
  }
};

TEST(PositionProperty, RealisedProfitIsTheCashThatFlowed) {
  for (std::uint64_t seed = seed_of(1); seed < seed_of(1) + 300; ++seed) {
    Dice dice(seed);
    PositionTable table;
    std::map<PairIndex, CashBook> books;
    for (int step = 0; step < 200; ++step) {
      const auto pair = static_cast<PairIndex>(dice.below(4));
      const Side side = dice.below(2) == 0 ? Side::Buy : Side::Sell;
      const Price at{dice.between(1, 200 * kScale)};
      const Qty qty = dice.below(3) == 0 && table.at(pair).open()
                          ? table.at(pair).size()
                          : Qty{dice.between(1, 50 * kScale)};
      const Position before = table.at(pair);
      const FillEffect effect = table.fill(pair, side, qty, at);
      books[pair].fill(side, qty, at);
      const Position& p = table.at(pair);
      ASSERT_EQ(p.qty.raw, books[pair].qty) << "seed " << seed;
      ASSERT_GE(p.cost.raw, 0) << "seed " << seed;
      const Wide signed_cost = p.qty.raw < 0 ? -Wide{p.cost.raw} : Wide{p.cost.raw};
      ASSERT_TRUE(Wide{p.realised.raw} == books[pair].cash + signed_cost) << "seed " << seed;
      if (!p.open()) {
        ASSERT_EQ(p.cost.raw, 0) << "seed " << seed;
      } else if (effect.reduced && !effect.opened && p.size().raw > kScale) {
        ASSERT_LE(std::abs(p.average.raw - before.average.raw), 2)
            << "a reduction keeps the average";
      }
      table.mark(pair, {.bid = at, .ask = at + Price{1}});
      Notional realised{}, unrealised{}, cost{};
      for (PairIndex i = 0; i < 4; ++i) {
        realised += table.at(i).realised;
        unrealised += table.at(i).unrealised;
        cost += table.at(i).cost;
        ASSERT_EQ(table.open().has(i), table.at(i).open()) << "seed " << seed;
      }
      ASSERT_EQ(table.realised(), realised) << "seed " << seed;
      ASSERT_EQ(table.unrealised(), unrealised) << "seed " << seed;
      ASSERT_EQ(table.open_cost(), cost) << "seed " << seed;
    }
  }
}

// Random traffic against an honest venue, which fills at the limit or better.
class Traffic {
 public:
  explicit Traffic(std::uint64_t seed) : dice_(seed) {
    desk_.armed();
    desk_.cap({ScopeKind::Global, 0}, cap_);
    desk_.cap({ScopeKind::Strategy, 0}, cap_);
    desk_.cap({ScopeKind::Strategy, 1}, cap_);
  }

  void step() {
    desk_.now = desk_.now + Duration::millis(dice_.below(30));
    switch (dice_.below(6)) {
      case 0:
      case 1: quote(); break;
      case 2:
      case 3: intent(); break;
      case 4: venue(); break;
      default: disturb();
    }
    take();
    while (desk_.stage.wants_continue()) {
      desk_.proceed();
      take();
    }
  }

  void check() const {
    const State& s = desk_.stage.state();
    Notional reserved{};
    std::uint32_t working = 0;
    std::map<PairIndex, int> exits;
    for (std::size_t i = 0; i < kOrders; ++i) {
      const LiveOrder& order = s.orders.at(i);
      if (!order.works()) {
        ASSERT_EQ(order.reserved.raw, 0);
        continue;
      }
      ++working;
      reserved += order.reserved;
      if (order.kind != OrderKind::Entry) ++exits[order.pair];
    }
    ASSERT_EQ(s.orders.working(), working);
    ASSERT_EQ(s.orders.reserved(), reserved);
    for (const auto& [pair, count] : exits) ASSERT_LE(count, 1) << "two exits of one position";
    for (PairIndex pair = 0; pair < 3; ++pair) {
      const auto found = held_.find(pair);
      ASSERT_EQ(s.positions.at(pair).qty.raw, found == held_.end() ? 0 : found->second);
    }
    ASSERT_LE(s.used(), cap_) << "capital in use never passes the cap";
  }

  [[nodiscard]] std::uint64_t entries() const { return entries_; }
  [[nodiscard]] std::uint64_t exits() const { return exits_; }

 private:
  struct AtVenue {
    Order order;
    Qty cum;
  };

  void quote() {
    middle_ = std::clamp<std::int64_t>(middle_ + dice_.between(-8, 8), 500, 2'000);
    desk_.quote(static_cast<InstrumentIndex>(dice_.below(2)), price(middle_ - 1),
                price(middle_ + 1));
  }
  void intent() {
    const auto strategy = static_cast<StrategyIndex>(dice_.below(2));
    const auto instrument = static_cast<InstrumentIndex>(strategy == 0 ? dice_.below(2) : 0);
    const Action action = dice_.below(4) == 0 ? Action::Exit : Action::Enter;
    const Side side = dice_.below(2) == 0 ? Side::Buy : Side::Sell;
    Intent i = desk_.intent(strategy, instrument, action, side);
    if (action == Action::Enter) i.quantity = dice_.between(1, 3);
    desk_.send(i);
  }
  void venue() {
    if (venue_.empty()) return;
    const auto at = static_cast<std::size_t>(dice_.below(static_cast<std::int64_t>(venue_.size())));
    AtVenue o = venue_[at];
    const std::int64_t what = dice_.below(8);
    if (what == 0) {
      desk_.reject(o.order, dice_.below(2) == 0 ? Reason::Stale : Reason::VenueReject);
    } else if (what == 1) {
      desk_.send(desk_.report(o.order, ReportKind::Cancelled, o.cum));
    } else {
      const Qty add = what < 5 ? o.order.qty - o.cum
                               : std::min(o.order.qty - o.cum, Qty::whole(dice_.between(1, 5)));
      o.cum += add;
      venue_[at].cum = o.cum;
      const StrategyIndex strategy = o.order.strategy;
      const PairIndex pair = desk_.stage.rules().pair_of(strategy, o.order.instrument);
      held_[pair] += o.order.side == Side::Buy ? add.raw : -add.raw;
      desk_.fill(o.order, o.cum, o.order.price);
      take();
      if (dice_.below(3) == 0) desk_.fill(o.order, o.cum, o.order.price);  // told twice
      if (o.cum < o.order.qty) return;
    }
    take();
    venue_.erase(venue_.begin() + static_cast<std::ptrdiff_t>(at));
    desk_.orders.clear();
  }
  void disturb() {
    switch (dice_.below(5)) {
      case 0: desk_.level({}, dice_.below(3) == 0 ? KillLevel::Halt : KillLevel::Run); break;
      case 1: desk_.edge(Edge::RiskGateway, dice_.below(3) == 0); break;
      case 2:
        desk_.edge(risk_seat(static_cast<SeatIndex>(dice_.below(2))), dice_.below(2) == 0);
        break;
      case 3: desk_.now = desk_.now + Duration::seconds(20); break;
      default: desk_.deadline();
    }
  }
  void take() {
    for (const Order& order : desk_.orders) {
      if (order.kind == OrderKind::Cancel) continue;
      venue_.push_back({order, {}});
      ++(order.kind == OrderKind::Entry ? entries_ : exits_);
    }
    desk_.orders.clear();
  }

  Desk desk_;
  Dice dice_;
  Notional cap_ = money(3'500);
  std::int64_t middle_ = 1'000;
  std::vector<AtVenue> venue_;
  std::map<PairIndex, std::int64_t> held_;
  std::uint64_t entries_ = 0;
  std::uint64_t exits_ = 0;
};

TEST(RiskProperty, CapitalStaysUnderTheCapAndTotalsAgree) {
  std::uint64_t entries = 0;
  std::uint64_t exits = 0;
  for (std::uint64_t seed = seed_of(1); seed < seed_of(1) + 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Traffic traffic(seed);
    for (int step = 0; step < 1'500; ++step) {
      traffic.step();
      traffic.check();
      if (testing::Test::HasFatalFailure()) return;
    }
    entries += traffic.entries();
    exits += traffic.exits();
  }
  EXPECT_GT(entries, 500u);
  EXPECT_GT(exits, 500u);
}

}  // namespace
}  // namespace sluice::risk
