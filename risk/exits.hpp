// The exit engine's judgement: is a position to be left, and at what price. It looks at every quote
// of the instrument. Pure; the stage sends what it finds (one order per input) and keeps the rest
// for later.
#pragma once

#include <algorithm>

#include "core/stage.hpp"
#include "risk/state.hpp"

namespace sluice::risk {

// Toward zero and away from it, on the tick.
constexpr Price round_down(Price price, Price tick) noexcept {
  return tick.raw <= 0 ? price : Price{price.raw - price.raw % tick.raw};
}
constexpr Price round_up(Price price, Price tick) noexcept {
  const Price down = round_down(price, tick);
  return down == price ? price : down + tick;
}

// Through the touch by `slip`, rounded away from it: an exit has to fill. At least one tick.
Price exit_price(Side side, const Quote& quote, Ppm slip, Price tick) noexcept;

// All of it, or what the venue takes in one order; the rest follows when that has filled.
constexpr Qty largest_exit(const Position& position, const Steps& steps) noexcept {
  return steps.freeze.raw > 0 ? std::min(position.size(), steps.freeze) : position.size();
}

// The protective exit that a position needs now: the one it has begun, or the first whose condition
// holds (stop before profit). 0 = none.
std::uint8_t wanted_exit(const Position& position, const Quote& quote,
                         const RiskConfig& limits) noexcept;

// The touch an open position can leave at; 0 = that side has no quote.
constexpr Price exit_touch(const Position& position, const Quote& quote) noexcept {
  return position.qty.raw > 0 ? quote.bid : quote.ask;
}

// The next position of `state.due` whose exit can be sent now; kNoPair if there is none. Forgets
// those that need none any more, and counts those that the level holds back (once each).
PairIndex next_exit(const Rules& rules, State& state, HostTime now, Effects& fx) noexcept;

}  // namespace sluice::risk
