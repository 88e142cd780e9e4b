#include "risk/guard.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "risk/exits.hpp"

namespace sluice::risk {
namespace {

constexpr std::int64_t kMillion = 1'000'000;

// Records what was measured; refuses above the limit.
Reason at_most(Probe& p, std::int64_t value, std::int64_t limit, Reason reason) noexcept {
  p.value = value;
  p.limit = limit;
  return value > limit ? reason : Reason::None;
}
Reason below(Probe& p, std::int64_t value, std::int64_t limit, Reason reason) noexcept {
  p.value = value;
  p.limit = limit;
  return value >= limit ? reason : Reason::None;
}

const Quote& quote_of(const Probe& p) noexcept {
  static constexpr Quote kNone{};
  return p.intent.instrument < kMaxInstruments ? p.state.quotes.at(p.intent.instrument) : kNone;
}
const Position& position_of(const Probe& p) noexcept {
  static constexpr Position kNone{};
  return p.pair == kNoPair ? kNone : p.state.positions.at(p.pair);
}
bool enters(const Probe& p) noexcept {
  return p.intent.action == Action::Enter;
}

Reason permits(Probe& p) noexcept {
  p.value = p.state.scopes.permits(p.intent.strategy, p.intent.instrument);
  p.limit = 4;
  return p.value == 4 ? Reason::None : Reason::NoPermit;
}

Reason kill_level(Probe& p) noexcept {
  const KillLevel level = p.state.scopes.level(p.intent.strategy, p.intent.instrument);
  p.value = static_cast<std::int64_t>(level);
  p.limit = static_cast<std::int64_t>(enters(p) ? KillLevel::Run : KillLevel::ReduceOnly);
  return allowed(level, enters(p) ? OrderClass::Entry : OrderClass::StrategyExit)
             ? Reason::None
             : Reason::KillLevel;
}

Reason conditions(Probe& p) noexcept {
  return at_most(p, static_cast<std::int64_t>(p.state.conditions), 0, Reason::Condition);
}

Reason seat_edge(Probe& p) noexcept {
  p.value = static_cast<std::int64_t>(risk_seat(p.intent.seat));
  p.limit = 0;
  return (p.state.seats_full >> p.intent.seat & 1) != 0 ? Reason::RingFull : Reason::None;
}

Reason order_ring(Probe& p) noexcept {
  p.value = static_cast<std::int64_t>(Edge::RiskGateway);
  p.limit = 0;
  return p.state.order_edge_full != 0 ? Reason::RingFull : Reason::None;
}

Reason intent_id(Probe& p) noexcept {
  const OrderId id = p.intent.id;
  p.value = id.counter();
  p.limit = p.state.last_counter[p.intent.seat];
  const bool ours = id.run() == p.state.run && id.origin() == p.intent.seat + 1 && id.slice() == 0;
  if (!ours) return Reason::BadIntent;
  return p.value > p.limit ? Reason::None : Reason::DuplicateId;
}

Reason intent_age(Probe& p) noexcept {
  return at_most(p, (p.now - p.intent.decided_at).ns, p.rules.limits.max_intent_age.ns,
                 Reason::IntentTooOld);
}

Reason instrument(Probe& p) noexcept {
  return below(p, p.intent.instrument, static_cast<std::int64_t>(p.rules.instruments),
               Reason::UnknownInstrument);
}

Reason strategy(Probe& p) noexcept {
  p.value = p.intent.strategy;
  p.limit = 0;
  const bool configured = p.pair != kNoPair && p.rules.pair[p.pair].seat == p.intent.seat;
  return configured ? Reason::None : Reason::StrategyDisabled;
}

// An entry against its own position is an exit in disguise: it would turn around unsized.
Reason well_formed(Probe& p) noexcept {
  p.value = p.intent.quantity;
  p.limit = enters(p) ? 3 : 0;
  if (p.intent.side != Side::Buy && p.intent.side != Side::Sell) return Reason::BadIntent;
  if (!enters(p)) return p.intent.quantity >= 0 ? Reason::None : Reason::BadIntent;
  if (p.intent.quantity < 1 || p.intent.quantity > 3) return Reason::BadIntent;
  const Position& position = position_of(p);
  return position.open() && position.side() != p.intent.side ? Reason::BadIntent : Reason::None;
}

Reason position(Probe& p) noexcept {
  const Position& held = position_of(p);
  const bool reduces = held.open() && held.side() != p.intent.side && held.exit_order.raw == 0;
  p.value = held.qty.raw;
  p.limit = 0;
  if (!reduces) return Reason::NoPosition;
  const Qty wanted = p.intent.quantity == 0 ? held.size() : Qty{p.intent.quantity};
  p.qty = std::min(wanted, largest_exit(held, p.rules.steps[p.intent.instrument]));
  return Reason::None;
}

Reason quote(Probe& p) noexcept {
  const Quote& q = quote_of(p);
  p.value = std::min(q.bid.raw, q.ask.raw);
  p.limit = 0;
  return q.present() ? Reason::None : Reason::NoQuote;
}

Reason tick_age(Probe& p) noexcept {
  return at_most(p, (p.market - quote_of(p).venue_time).ns, p.rules.limits.max_tick_age.ns,
                 Reason::StaleTick);
}

Reason feed_health(Probe& p) noexcept {
  const std::uint64_t trouble = quote_of(p).trouble;
  p.value = static_cast<std::int64_t>(trouble);
  p.limit = 0;
  return trouble != 0 ? Reason::FeedDown : Reason::None;
}

Reason price_collar(Probe& p) noexcept {
  const detail::Wide mid2 = quote_of(p).twice_mid();
  if (mid2 <= 0) return Reason::PriceCollar;
  const detail::Wide off = detail::Wide{p.price.raw} * 2 - mid2;
  const detail::Wide distance = (off < 0 ? -off : off) * kMillion;
  p.value = detail::quotient(distance + mid2 - 1, mid2);  // rounded up: above the limit if refused
  p.limit = p.rules.limits.collar.raw;
  return distance <= mid2 * p.limit ? Reason::None : Reason::PriceCollar;
}

Reason spread(Probe& p) noexcept {
  const Quote& q = quote_of(p);
  const detail::Wide mid2 = q.twice_mid();
  if (mid2 <= 0) return Reason::Spread;
  const detail::Wide wide = (detail::Wide{q.ask.raw} - q.bid.raw) * 2 * kMillion;
  p.value = wide < 0 ? detail::quotient(wide, mid2) - 1 : detail::quotient(wide + mid2 - 1, mid2);
  p.limit = p.rules.limits.max_spread.raw;
  return wide >= 0 && wide <= mid2 * p.limit ? Reason::None : Reason::Spread;
}

Reason daily_loss(Probe& p) noexcept {
  p.value = p.state.day_pnl().raw;
  p.limit = -p.rules.limits.daily_loss_max.raw;
  return p.value <= p.limit ? Reason::DailyLoss : Reason::None;
}

Reason cooldown(Probe& p) noexcept {
  const MarketTime exited = position_of(p).exited_at;
  p.limit = p.rules.limits.cooldown.ns;
  p.value = exited.ns == 0 ? p.limit : (p.market - exited).ns;
  return p.value < p.limit ? Reason::Cooldown : Reason::None;
}

// Entries, not positions: several may be behind one position, and one may still be on its way.
Reason same_side(Probe& p) noexcept {
  std::int64_t count = 0;
  p.rules.pairs_on[p.intent.instrument].each([&](PairIndex pair) {
    const Position& held = p.state.positions.at(pair);
    if (held.open() && held.side() == p.intent.side) count += std::max(held.entries, 1u);
  });
  p.state.orders.each_working([&](std::size_t, const LiveOrder& order) {
    if (order.kind == OrderKind::Entry && order.cum_qty.raw == 0 && order.side == p.intent.side &&
        p.rules.pair[order.pair].instrument == p.intent.instrument)
      ++count;
  });
  return below(p, count, p.rules.limits.max_same_side, Reason::SameSide);
}

Reason open_orders(Probe& p) noexcept {
  return below(p, p.state.orders.working(), p.rules.limits.max_open_orders, Reason::OpenOrders);
}

Notional left_of_caps(const Probe& p) noexcept {
  const Notional global = p.state.scopes.global_cap() - p.state.used();
  const Notional own =
      p.state.scopes.strategy_cap(p.intent.strategy) - p.state.used_by(p.intent.strategy, p.rules);
  return std::min(global, own);
}

Reason allocator(Probe& p) noexcept {
  const RiskConfig& limits = p.rules.limits;
  const Steps& steps = p.rules.steps[p.intent.instrument];
  const Notional equity = limits.equity + p.state.positions.pnl();
  const Allocation found = allocate({.equity = equity,
                                     .cash = equity - p.state.used(),
                                     .cap_left = left_of_caps(p),
                                     .alloc = limits.alloc,
                                     .risk = limits.risk_per_trade,
                                     .stop = limits.stop_loss,
                                     .price = p.price,
                                     .lot = steps.lot,
                                     .freeze = steps.freeze,
                                     .multiplier = p.intent.quantity,
                                     .max_lots = limits.max_lots});
  p.binding = found.binding;
  p.qty = {detail::clamp(detail::Wide{steps.lot.raw} * found.lots)};
  p.cost = notional(p.price, p.qty);
  p.value = found.lot_needs.raw;
  p.limit = found.available.raw;
  return found.lots < 1 ? Reason::AllocatorZero : Reason::None;
}

Reason size_limit(Probe& p) noexcept {
  return at_most(p, p.qty.raw, p.rules.limits.max_order_qty.raw, Reason::SizeLimit);
}

Reason notional_limit(Probe& p) noexcept {
  return at_most(p, p.cost.raw, p.rules.limits.max_order_notional.raw, Reason::NotionalLimit);
}

// The allocator has respected the caps already; the hard promise does not lean on it.
Reason capital_cap(Probe& p) noexcept {
  const Notional global = p.state.scopes.global_cap();
  const Notional own = p.state.scopes.strategy_cap(p.intent.strategy);
  const Notional all = p.state.used() + p.cost;
  const Notional mine = p.state.used_by(p.intent.strategy, p.rules) + p.cost;
  if (at_most(p, all.raw, global.raw, Reason::CapitalCap) != Reason::None)
    return Reason::CapitalCap;
  return at_most(p, mine.raw, own.raw, Reason::CapitalCap);
}

Reason table_room(Probe& p) noexcept {
  return below(p, p.state.orders.working(), kOrders, Reason::TableFull);
}

constexpr std::array kChain{
    Check{"permits", kEnter, permits},
    Check{"kill_level", kBoth, kill_level},
    Check{"conditions", kEnter, conditions},
    Check{"seat_edge", kEnter, seat_edge},
    Check{"order_ring", kBoth, order_ring},
    Check{"intent_id", kBoth, intent_id},
    Check{"intent_age", kEnter, intent_age},
    Check{"instrument", kBoth, instrument},
    Check{"strategy", kBoth, strategy},
    Check{"well_formed", kBoth, well_formed},
    Check{"position", kExit, position},
    Check{"quote", kBoth, quote},
    Check{"tick_age", kEnter, tick_age},
    Check{"feed_health", kEnter, feed_health},
    Check{"price_collar", kEnter, price_collar},
    Check{"spread", kEnter, spread},
    Check{"daily_loss", kEnter, daily_loss},
    Check{"cooldown", kEnter, cooldown},
    Check{"same_side", kEnter, same_side},
    Check{"open_orders", kEnter, open_orders},
    Check{"allocator", kEnter, allocator},
    Check{"size_limit", kEnter, size_limit},
    Check{"notional_limit", kEnter, notional_limit},
    Check{"capital_cap", kEnter, capital_cap},
    Check{"table_room", kBoth, table_room},
};

}  // namespace

std::span<const Check> chain() noexcept {
  return kChain;
}

GateRow standing(const Rules& rules, const State& state, PairIndex pair, HostTime now) noexcept {
  // Those that need no price first.
  static constexpr std::array kLasting{
      Check{"daily_loss", kEnter, daily_loss},         Check{"same_side", kEnter, same_side},
      Check{"open_orders", kEnter, open_orders},       Check{"table_room", kEnter, table_room},
      Check{"allocator", kEnter, allocator},           Check{"size_limit", kEnter, size_limit},
      Check{"notional_limit", kEnter, notional_limit}, Check{"capital_cap", kEnter, capital_cap},
  };
  constexpr std::size_t kWithoutPrice = 4;
  const Pair& where = rules.pair[pair];
  const Position& held = state.positions.at(pair);
  GateRow row{.instrument = where.instrument,
              .strategy = where.strategy,
              .reason = Reason::None,
              .armed = 1,
              .detail = 0,
              .value = 0,
              .limit = 0,
              .at = now,
              .passed = 0,
              .refused = 0,
              .market_at = state.market.floor};
  Intent intent{};
  intent.instrument = where.instrument;
  intent.strategy = where.strategy;
  intent.seat = where.seat;
  intent.action = Action::Enter;
  intent.quantity = 1;
  for (const Side side : {Side::Buy, Side::Sell}) {
    if (held.open() && held.side() != side) continue;
    intent.side = side;
    Probe probe = prepare(rules, state, intent, now, state.market.floor);
    const std::span<const Check> all{kLasting};
    const Reason reason = run_checks(probe, probe.price.raw > 0 ? all : all.first(kWithoutPrice));
    if (reason == Reason::None) row.detail |= side == Side::Buy ? kBuyPasses : kSellPasses;
    if (reason == Reason::None || row.reason != Reason::None) continue;
    row.reason = reason;
    row.value = probe.value;
    row.limit = probe.limit;
  }
  return row;
}

Probe prepare(const Rules& rules, const State& state, const Intent& intent, HostTime now,
              MarketTime market) noexcept {
  Probe probe{rules, state, intent, now, market};
  probe.pair = rules.pair_of(intent.strategy, intent.instrument);
  if (intent.instrument >= rules.instruments) return probe;
  const Quote& q = state.quotes.at(intent.instrument);
  if (!q.present()) return probe;
  const Price tick = rules.steps[intent.instrument].tick;
  probe.price =
      intent.action == Action::Enter
          ? entry_price(intent.side, q, rules.limits.entry_slip, rules.limits.collar, tick)
          : exit_price(intent.side, q, rules.limits.exit_slip, tick);
  return probe;
}

namespace {
template <Applies Kind, std::size_t... I>
Reason unrolled(Probe& probe, std::index_sequence<I...>) noexcept {
  Reason reason = Reason::None;
  static_cast<void>(
      ((((kChain[I].applies & Kind) == 0) || (reason = kChain[I].run(probe)) == Reason::None) &&
       ...));
  return reason;
}
}  // namespace

Reason run_chain(Probe& probe) noexcept {
  constexpr std::make_index_sequence<kChain.size()> kAll;
  return enters(probe) ? unrolled<kEnter>(probe, kAll) : unrolled<kExit>(probe, kAll);
}

Reason run_checks(Probe& probe, std::span<const Check> checks) noexcept {
  const std::uint8_t applies = enters(probe) ? kEnter : kExit;
  for (const Check& check : checks) {
    if ((check.applies & applies) == 0) continue;
    const Reason reason = check.run(probe);
    if (reason != Reason::None) return reason;
  }
  return Reason::None;
}

Price entry_price(Side side, const Quote& quote, Ppm slip, Ppm collar, Price tick) noexcept {
  const bool buy = side == Side::Buy;
  const Price touch = buy ? quote.ask : quote.bid;
  const Price slipped = buy ? touch + touch * slip : touch - touch * slip;
  // Both bounds are rounded toward the middle, so the collar is never passed by a rounding.
  const detail::Wide mid2 = quote.twice_mid();
  const detail::Wide far = mid2 * (buy ? kMillion + collar.raw : kMillion - collar.raw);
  const Price bound{detail::quotient(buy ? far : far + 2 * kMillion - 1, 2 * kMillion)};
  return buy ? std::max(round_down(std::min(slipped, bound), tick), round_up(touch, tick))
             : std::min(round_up(std::max(slipped, bound), tick), round_down(touch, tick));
}

}  // namespace sluice::risk
