#include "risk/exits.hpp"

#include "risk/counters.hpp"

namespace sluice::risk {

Price exit_price(Side side, const Quote& quote, Ppm slip, Price tick) noexcept {
  if (side == Side::Buy) return round_up(quote.ask + quote.ask * slip, tick);
  const Price price = round_down(quote.bid - quote.bid * slip, tick);
  return std::max(price, tick);
}

std::uint8_t wanted_exit(const Position& p, const Quote& quote, const RiskConfig& limits) noexcept {
  if (!p.open()) return 0;
  if (p.exit_kind != 0) return p.exit_kind;
  const Price touch = exit_touch(p, quote);
  const Price average = p.average;
  if (touch.raw <= 0 || average.raw <= 0) return 0;
  const detail::Wide gain = (p.qty.raw > 0 ? detail::Wide{touch.raw} - average.raw
                                           : detail::Wide{average.raw} - touch.raw) *
                            1'000'000;
  const auto reaches = [&](Ppm bound) noexcept { return detail::Wide{average.raw} * bound.raw; };
  if (-gain >= reaches(limits.stop_loss)) return static_cast<std::uint8_t>(OrderKind::StopLoss);
  if (limits.take_profit.raw > 0 && gain >= reaches(limits.take_profit))
    return static_cast<std::uint8_t>(OrderKind::TakeProfit);
  return 0;
}

PairIndex next_exit(const Rules& rules, State& state, HostTime now, Effects& fx) noexcept {
  PairIndex found = kNoPair;
  const PairSet candidates = state.due;
  candidates.each([&](PairIndex pair) noexcept {
    if (found != kNoPair) return;
    Position& position = state.positions.at(pair);
    const Pair& place = rules.pair[pair];
    const Quote& quote = state.quotes.at(place.instrument);
    const std::uint8_t kind = wanted_exit(position, quote, rules.limits);
    if (kind == 0 || position.exit_order.raw != 0 || position.retry_at > now ||
        exit_touch(position, quote).raw <= 0) {
      if (kind == 0) position.paused = 0;
      state.due.remove(pair);
      return;
    }
    if (!allowed(state.scopes.level(place.strategy, place.instrument),
                 OrderClass::ProtectiveExit)) {
      if (position.paused == 0) fx.count(Counter::ExitsPaused);
      position.paused = 1;
      return;
    }
    found = pair;
  });
  return found;
}

}  // namespace sluice::risk
