// Every check of the guard: what it alone stops (the chain with that check removed decides
// otherwise), and both sides of its bound.
#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>

#include "desk.hpp"

namespace sluice::risk {
namespace {

std::vector<Check> without(std::string_view name) {
  std::vector<Check> checks;
  for (const Check& check : chain())
    if (check.name != name) checks.push_back(check);
  return checks;
}

Reason judge(Desk& desk, const Intent& intent, std::span<const Check> checks) {
  MarketNow market = desk.stage.state().market;
  Probe probe =
      prepare(desk.stage.rules(), desk.stage.state(), intent, desk.now, market.at(desk.now));
  Probe unrolled = probe;
  const Reason reason = run_checks(probe, checks);
  if (checks.data() == chain().data()) {
    EXPECT_EQ(run_chain(unrolled), reason);
    EXPECT_EQ(unrolled.value, probe.value);
    EXPECT_EQ(unrolled.limit, probe.limit);
    EXPECT_EQ(unrolled.qty, probe.qty);
  }
  return reason;
}

struct Mutant {
  std::string check;
  Reason reason;                // with the check
  Reason after = Reason::None;  // without it
  std::function<void(RiskConfig&)> configure = [](RiskConfig&) {};
  std::function<void(Desk&, Intent&)> arrange = [](Desk&, Intent&) {};
};

std::vector<Mutant> entry_mutants() {
  using C = RiskConfig;
  const auto none = [](C&) {};
  return {
      {"permits", Reason::NoPermit, Reason::None, none,
       [](Desk& d, Intent&) {
         d.permit({ScopeKind::Strategy, 0}, false);
       }},
      {"kill_level", Reason::KillLevel, Reason::None, none,
       [](Desk& d, Intent&) { d.level(kGlobal, KillLevel::ReduceOnly); }},
      {"conditions", Reason::Condition, Reason::None, none,
       [](Desk& d, Intent&) { d.control(ControlKind::Conditions, kDiskLow); }},
      {"seat_edge", Reason::RingFull, Reason::None, none,
       [](Desk& d, Intent&) { d.edge(risk_seat(0), true); }},
      {"order_ring", Reason::RingFull, Reason::None, none,
       [](Desk& d, Intent&) { d.edge(Edge::RiskGateway, true); }},
      {"intent_id", Reason::DuplicateId, Reason::None, none,
       [](Desk& d, Intent& i) {
         Intent bad = i;
         bad.quantity = 0;  // refused, and its id is used up all the same
         d.send(bad);
       }},
      {"intent_age", Reason::IntentTooOld, Reason::None, none,
       [](Desk& d, Intent& i) { i.decided_at = d.now - Duration::millis(500) - Duration{1}; }},
      {"instrument", Reason::UnknownInstrument, Reason::StrategyDisabled, none,
       [](Desk& d, Intent& i) {
         i.instrument = 2;
         d.level({ScopeKind::Instrument, 2}, KillLevel::Run);
         d.permit({ScopeKind::Instrument, 2}, true);
       }},
      {"strategy", Reason::StrategyDisabled, Reason::None, none,
       [](Desk& d, Intent& i) { i = d.intent(1, 1); }},
      {"well_formed", Reason::BadIntent, Reason::None, none,
       [](Desk&, Intent& i) { i.quantity = 4; }},
      {"quote", Reason::NoQuote, Reason::PriceCollar, none,
       [](Desk& d, Intent&) { d.quote(0, Price{}, Price{}); }},
      {"tick_age", Reason::StaleTick, Reason::None, none,
       [](Desk& d, Intent& i) {
         d.now = d.now + Duration::millis(1'001);
         i.decided_at = d.now;
       }},
      {"feed_health", Reason::FeedDown, Reason::None, none,
       [](Desk& d, Intent&) { d.status(0, StatusCode::Gap); }},
      {"price_collar", Reason::PriceCollar, Reason::None, [](C& c) { c.max_spread = {100'000}; },
       [](Desk& d, Intent&) { d.quote(0, price(970), price(1030)); }},
      {"spread", Reason::Spread, Reason::None, none,
       [](Desk& d, Intent&) { d.quote(0, price(994), price(1006)); }},
      {"daily_loss", Reason::DailyLoss, Reason::None, [](C& c) { c.daily_loss_max = money(5); },
       [](Desk& d, Intent& i) {
         d.bought();
         d.quote(0, price(996), price(998));
         i = d.intent();
       }},
      {"cooldown", Reason::Cooldown, Reason::None, none,
       [](Desk& d, Intent& i) {
         d.bought();
         d.send(d.intent(0, 0, Action::Exit, Side::Sell));
         const Order exit = d.orders.at(0);
         d.fill(exit, exit.qty, exit.price);
         i = d.intent();
       }},
      {"same_side", Reason::SameSide, Reason::None, none,
       [](Desk& d, Intent& i) {
         d.bought();
         d.bought(1);
         i = d.intent();
       }},
      {"open_orders", Reason::OpenOrders, Reason::None, [](C& c) { c.max_open_orders = 1; },
       [](Desk& d, Intent& i) {
         d.send(d.intent());
         i = d.intent();
       }},
      {"allocator", Reason::AllocatorZero, Reason::None, [](C& c) { c.alloc = {1}; }},
      {"size_limit", Reason::SizeLimit, Reason::None,
       [](C& c) { c.max_order_qty = Qty::whole(9); }},
      {"notional_limit", Reason::NotionalLimit, Reason::None,
       [](C& c) { c.max_order_notional = money(1'001); }},
      {"table_room", Reason::TableFull, Reason::None,
       [](C& c) {
         c.max_open_orders = 1'000;
         c.max_same_side = 1'000;
         c.max_lots = 1;
       },
       [](Desk& d, Intent& i) {
         for (std::size_t k = 0; k < kOrders; ++k) d.send(d.intent());
         i = d.intent();
       }},
  };
}

TEST(Guard, EachCheckAloneStopsItsCase) {
  for (const Mutant& mutant : entry_mutants()) {
    RiskConfig risk = bench_risk();
    mutant.configure(risk);
    Desk desk(risk);
    desk.armed();
    Intent intent = desk.intent();
    EXPECT_EQ(judge(desk, intent, chain()), mutant.check == "allocator" ||
                                                    mutant.check == "size_limit" ||
                                                    mutant.check == "notional_limit"
                                                ? mutant.reason
                                                : Reason::None)
        << mutant.check << ": the case is not refused by anything else";
    mutant.arrange(desk, intent);
    EXPECT_EQ(judge(desk, intent, chain()), mutant.reason) << mutant.check;
    EXPECT_EQ(judge(desk, intent, without(mutant.check)), mutant.after)
        << "without " << mutant.check;
    // The stage itself answers the same, counts it and shows it.
    const std::uint64_t before = desk.count(reject_counter(mutant.reason));
    desk.send(intent);
    EXPECT_TRUE(desk.orders.empty()) << mutant.check;
    EXPECT_EQ(desk.count(reject_counter(mutant.reason)), before + 1) << mutant.check;
    const auto row = desk.page->read_row<GateRow>(RowTable::Instrument, intent.instrument);
    ASSERT_TRUE(row.has_value());
    EXPECT_EQ(row->reason, mutant.reason);
  }
}

TEST(Guard, EveryCheckOfAnEntryHasACase) {
  std::set<std::string> covered{"capital_cap"};  // below: it needs an allocator that is wrong
  for (const Mutant& mutant : entry_mutants()) covered.insert(mutant.check);
  for (const Check& check : chain())
    if ((check.applies & kEnter) != 0) {
      EXPECT_EQ(covered.count(std::string(check.name)), 1u) << check.name;
    }
}

TEST(Guard, TheCapHoldsEvenIfTheAllocatorIsWrong) {
  Desk desk;
  desk.armed();
  desk.cap(kGlobal, money(1'002));
  desk.cap({ScopeKind::Strategy, 0}, money(1'002));
  const auto careless = [](bool capped) {
    std::vector<Check> checks = without(capped ? "" : "capital_cap");
    for (Check& check : checks)
      if (check.name == "allocator")
        check.run = [](Probe& p) noexcept {
          p.qty = Qty::whole(11);
          p.cost = notional(p.price, p.qty);
          return Reason::None;
        };
    return checks;
  };
  const Intent intent = desk.intent();
  EXPECT_EQ(judge(desk, intent, careless(true)), Reason::CapitalCap);
  EXPECT_EQ(judge(desk, intent, careless(false)), Reason::None);
  desk.cap(kGlobal, money(5'000));  // the strategy's own cap is a bound as well
  EXPECT_EQ(judge(desk, intent, careless(true)), Reason::CapitalCap);
  desk.cap({ScopeKind::Strategy, 0}, money(1'103));  // 11 at 100.2 cost 1102.2
  EXPECT_EQ(judge(desk, intent, careless(true)), Reason::None);
}

TEST(Guard, ExitsPassWhatStopsEntries) {
  Desk desk;
  desk.armed();
  desk.bought();
  desk.permit(kGlobal, false);
  desk.level(kGlobal, KillLevel::ReduceOnly);
  desk.control(ControlKind::Conditions, kDeadMan);
  desk.status(0, StatusCode::SessionDown);
  desk.edge(risk_seat(0), true);
  Intent exit = desk.intent(0, 0, Action::Exit, Side::Sell);
  exit.decided_at = {1};  // old
  desk.send(exit);
  ASSERT_EQ(desk.orders.size(), 1u);
  EXPECT_EQ(desk.orders[0].kind, OrderKind::StrategyExit);
  EXPECT_EQ(desk.orders[0].qty, Qty::whole(10));
}

TEST(Guard, ExitsAreStoppedByHaltFullRingAndNothingToReduce) {
  Desk desk;
  desk.armed();
  desk.bought();
  Intent exit = desk.intent(0, 0, Action::Exit, Side::Sell);
  const std::vector<Check> all(chain().begin(), chain().end());
  EXPECT_EQ(judge(desk, exit, all), Reason::None);
  desk.level(kGlobal, KillLevel::Halt);
  EXPECT_EQ(judge(desk, exit, all), Reason::KillLevel);
  EXPECT_EQ(judge(desk, exit, without("kill_level")), Reason::None);
  desk.level(kGlobal, KillLevel::Run);
  desk.edge(Edge::RiskGateway, true);
  EXPECT_EQ(judge(desk, exit, all), Reason::RingFull);
  EXPECT_EQ(judge(desk, exit, without("order_ring")), Reason::None);
  desk.edge(Edge::RiskGateway, false);
  exit.side = Side::Buy;  // would add
  EXPECT_EQ(judge(desk, exit, all), Reason::NoPosition);
  EXPECT_EQ(judge(desk, exit, without("position")), Reason::None);
  exit = desk.intent(0, 1, Action::Exit, Side::Sell);
  EXPECT_EQ(judge(desk, exit, all), Reason::NoPosition);
}

// One bound: `at` sets the measured value to the bound, `beyond` just past it.
struct Bound {
  std::string name;
  Reason reason;
  std::function<void(RiskConfig&, bool)> configure = [](RiskConfig&, bool) {};
  std::function<void(Desk&, Intent&, bool)> arrange = [](Desk&, Intent&, bool) {};
};

TEST(Guard, BothSidesOfEachBound) {
  const std::vector<Bound> bounds{
      {"intent age", Reason::IntentTooOld, [](RiskConfig&, bool) {},
       [](Desk& d, Intent& i, bool beyond) {
         i.decided_at = d.now - Duration::millis(500) - Duration{beyond ? 1 : 0};
       }},
      {"tick age", Reason::StaleTick, [](RiskConfig&, bool) {},
       [](Desk& d, Intent& i, bool beyond) {
         d.now = d.now + Duration::millis(1'000) + Duration{beyond ? 1 : 0};
         i.decided_at = d.now;
       }},
      {"collar", Reason::PriceCollar,
       [](RiskConfig& c, bool beyond) {
         c.collar = {beyond ? 999 : 1'000};  // the ask, 100.1, is 1000 ppm above the middle
         c.entry_slip = {0};
       }},
      {"spread", Reason::Spread,
       [](RiskConfig& c, bool beyond) { c.max_spread = {beyond ? 1'999 : 2'000}; }},
      {"size", Reason::SizeLimit,
       [](RiskConfig& c, bool beyond) { c.max_order_qty = Qty::whole(10) - Qty{beyond ? 1 : 0}; }},
      {"notional", Reason::NotionalLimit,
       [](RiskConfig& c, bool beyond) {
         c.max_order_notional = money(1'002) - Notional{beyond ? 1 : 0};
       }},
      {"daily loss", Reason::DailyLoss,  // bought at 100.2, bid 99.9: exactly -3.0 on 10
       [](RiskConfig& c, bool beyond) { c.daily_loss_max = money(3) + Notional{beyond ? 0 : 1}; },
       [](Desk& d, Intent& i, bool) {
         d.bought();
         i = d.intent();
       }},
      {"cooldown", Reason::Cooldown, [](RiskConfig&, bool) {},
       [](Desk& d, Intent& i, bool beyond) {
         d.bought();
         d.send(d.intent(0, 0, Action::Exit, Side::Sell));
         const Order exit = d.orders.at(0);
         d.fill(exit, exit.qty, exit.price);
         d.now = d.now + Duration::seconds(60) - Duration{beyond ? 1 : 0};
         d.quote(0, price(999), price(1001));
         i = d.intent();
       }},
      {"same side", Reason::SameSide,
       [](RiskConfig& c, bool beyond) { c.max_same_side = beyond ? 1 : 2; },
       [](Desk& d, Intent& i, bool) {
         d.bought();
         i = d.intent();
       }},
      {"same side, working", Reason::SameSide,
       [](RiskConfig& c, bool beyond) { c.max_same_side = beyond ? 1 : 2; },
       [](Desk& d, Intent& i, bool) {
         d.send(d.intent(1));
         i = d.intent();
       }},
      {"open orders", Reason::OpenOrders,
       [](RiskConfig& c, bool beyond) { c.max_open_orders = beyond ? 1 : 2; },
       [](Desk& d, Intent& i, bool) {
         d.send(d.intent());
         i = d.intent();
       }},
      {"one lot of the cap", Reason::AllocatorZero, [](RiskConfig&, bool) {},
       [](Desk& d, Intent&, bool beyond) {
         d.cap(kGlobal, Notional{price(1002).raw - (beyond ? 1 : 0)});
       }},
      {"multiplier", Reason::BadIntent, [](RiskConfig&, bool) {},
       [](Desk&, Intent& i, bool beyond) { i.quantity = beyond ? 4 : 3; }},
      {"multiplier from below", Reason::BadIntent, [](RiskConfig&, bool) {},
       [](Desk&, Intent& i, bool beyond) { i.quantity = beyond ? 0 : 1; }},
  };
  for (const Bound& bound : bounds) {
    for (const bool beyond : {false, true}) {
      RiskConfig risk = bench_risk();
      bound.configure(risk, beyond);
      Desk desk(risk);
      desk.armed();
      Intent intent = desk.intent();
      bound.arrange(desk, intent, beyond);
      EXPECT_EQ(judge(desk, intent, chain()), beyond ? bound.reason : Reason::None)
          << bound.name << (beyond ? " beyond" : " at the bound");
    }
  }
}

TEST(Guard, NeedsAllFourScopes) {
  for (const Scope scope : {kGlobal, Scope{ScopeKind::Gateway, 0}, Scope{ScopeKind::Strategy, 0},
                            Scope{ScopeKind::Instrument, 0}}) {
    Desk desk;
    desk.armed();
    desk.permit(scope, false);
    desk.send(desk.intent());
    EXPECT_EQ(desk.refusal(), Reason::NoPermit);
    desk.permit(scope, true);
    desk.level(scope, KillLevel::ReduceOnly);
    desk.send(desk.intent());
    EXPECT_EQ(desk.refusal(), Reason::KillLevel);
    desk.level(scope, KillLevel::Run);
    desk.send(desk.intent());
    EXPECT_EQ(desk.orders.size(), 1u);
  }
}

TEST(Guard, UntoldIsHalted) {
  Desk desk;
  desk.control(ControlKind::RunStart, Desk::kRun);
  desk.quote(0, price(999), price(1001));
  desk.send(desk.intent());
  EXPECT_EQ(desk.refusal(), Reason::NoPermit);
  for (const Scope scope : {kGlobal, Scope{ScopeKind::Gateway, 0}, Scope{ScopeKind::Strategy, 0},
                            Scope{ScopeKind::Instrument, 0}})
    desk.permit(scope, true);
  desk.send(desk.intent());
  EXPECT_EQ(desk.refusal(), Reason::KillLevel);
  for (const Scope scope : {kGlobal, Scope{ScopeKind::Gateway, 0}, Scope{ScopeKind::Strategy, 0},
                            Scope{ScopeKind::Instrument, 0}})
    desk.level(scope, KillLevel::Run);
  desk.send(desk.intent());
  EXPECT_EQ(desk.refusal(), Reason::AllocatorZero) << "a cap of 0 means no trading";
  EXPECT_EQ(desk.reports.at(0).qty.raw, static_cast<std::int64_t>(Binding::Cap));
}

TEST(Guard, AStatusHealsOnlyWhatItSays) {
  Desk desk;
  desk.armed();
  const auto passes = [&] { return judge(desk, desk.intent(), chain()) == Reason::None; };
  desk.status(0, StatusCode::Stale);
  EXPECT_FALSE(passes());
  desk.status(0, StatusCode::Fresh);
  EXPECT_TRUE(passes());
  desk.status(0, StatusCode::SessionDown);
  desk.status(0, StatusCode::Fresh);
  EXPECT_FALSE(passes());
  desk.status(0, StatusCode::SessionUp);
  EXPECT_FALSE(passes()) << "connected, but the quote is from before";
  desk.quote(0, price(999), price(1001));
  EXPECT_TRUE(passes());
  desk.status(0, StatusCode::VenueGap);
  EXPECT_FALSE(passes());
  desk.status(0, StatusCode::Resynced);
  EXPECT_TRUE(passes());
  desk.status(kMaxInstruments, StatusCode::SessionDown);  // a whole connection
  EXPECT_FALSE(passes());
}

TEST(Guard, LimitPriceStaysInsideTheCollarAndOnTheTick) {
  const Quote quote{.bid = price(999), .ask = price(1001)};
  EXPECT_EQ(entry_price(Side::Buy, quote, {1'000}, {10'000}, price(1)), price(1002));
  EXPECT_EQ(entry_price(Side::Sell, quote, {2'000}, {10'000}, price(1)), price(998))
      << "toward the touch";
  EXPECT_EQ(entry_price(Side::Buy, quote, {0}, {10'000}, price(1)), price(1001));
  EXPECT_EQ(entry_price(Side::Buy, quote, {50'000}, {10'000}, price(1)), price(1010))
      << "the collar bounds";
  EXPECT_EQ(entry_price(Side::Sell, quote, {50'000}, {10'000}, price(1)), price(990));
  EXPECT_EQ(entry_price(Side::Buy, quote, {50'000}, {1}, price(1)), price(1001))
      << "never short of the touch";
}

TEST(Guard, AnIdFromAnotherSeatOrRunIsBad) {
  Desk desk;
  desk.armed();
  Intent intent = desk.intent();
  intent.id = OrderId::make(Desk::kRun, 2, 5);
  desk.send(intent);
  EXPECT_EQ(desk.refusal(), Reason::BadIntent);
  EXPECT_EQ(desk.reports.at(0).id.origin(), 1);
  intent.id = OrderId::make(Desk::kRun - 1, 1, 5);
  desk.send(intent);
  EXPECT_EQ(desk.refusal(), Reason::BadIntent);
  intent.id = OrderId::make(Desk::kRun, 1, 5, 1);
  desk.send(intent);
  EXPECT_EQ(desk.refusal(), Reason::BadIntent);
  intent.seat = kSeats;
  desk.send(intent);
  EXPECT_TRUE(desk.reports.empty());
  EXPECT_EQ(desk.count(reject_counter(Reason::BadIntent)), 4u);
}

TEST(Explain, NamesEveryReasonOnceAndFitsThePage) {
  std::set<std::string_view> names;
  for (const ReasonText& text : kReasons) {
    EXPECT_TRUE(names.insert(text.name).second) << text.name;
    EXPECT_EQ(explain(text.reason).name, text.name);
    EXPECT_FALSE(text.meaning.empty());
    EXPECT_FALSE(text.remedy.empty());
  }
  EXPECT_EQ(explain(Reason::None).name, "none");
  EXPECT_LE(kCounters, kMaxCounters);
  for (const std::string_view name : kCounterNames) {
    EXPECT_FALSE(name.empty());
    EXPECT_LT(name.size(), kStatisticName) << name;
  }
}

}  // namespace
}  // namespace sluice::risk
