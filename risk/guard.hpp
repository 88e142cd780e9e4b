// The guard: one ordered chain of checks between an intent and an order, cheap and safety-critical
// first. The first refusal wins; it has one reason, and leaves what it measured and the bound it
// measured against.
//
// Pure: a check looks at the probe and changes nothing but the probe. The chain is data, so that a
// test can run it with one check taken out and see what that check alone had stopped.
#pragma once

#include <span>
#include <string_view>

#include "risk/allocator.hpp"
#include "risk/state.hpp"

namespace sluice::risk {

struct Probe {
  const Rules& rules;
  const State& state;
  const Intent& intent;
  HostTime now;
  MarketTime market;
  // Found before the chain runs, by prepare().
  PairIndex pair = kNoPair;
  Price price{};  // limit price; 0 = no quote to derive one from
  // Found by the chain.
  Qty qty{};
  Notional cost{};  // at the limit price
  Binding binding = Binding::BadInput;
  // What the last check measured, in the unit that explain() names.
  std::int64_t value = 0;
  std::int64_t limit = 0;
};

enum Applies : std::uint8_t { kEnter = 1, kExit = 2, kBoth = 3 };

struct Check {
  std::string_view name;
  std::uint8_t applies;
  Reason (*run)(Probe&) noexcept;
};

[[nodiscard]] std::span<const Check> chain() noexcept;

// The probe of an intent: its pair and its limit price.
[[nodiscard]] Probe prepare(const Rules& rules, const State& state, const Intent& intent,
                            HostTime now, MarketTime market) noexcept;

// What an entry of the smallest size would hear now from the checks whose answer lasts until an
// order, a fill, a cap, the day or a price changes: None, or the first refusal with its value and
// limit, and which side would pass. Of an open position only an entry that adds to it is asked for;
// which side a strategy takes is not known here. Without a quote the checks that need a price are
// left out: the feed has gates of its own.
[[nodiscard]] GateRow standing(const Rules& rules, const State& state, PairIndex pair,
                               HostTime now) noexcept;

// None = passed; then qty and price are those of the order. The first is the chain, unrolled: a
// call through a pointer for each check would be guessed wrong for many of them after a quiet time.
[[nodiscard]] Reason run_chain(Probe& probe) noexcept;
[[nodiscard]] Reason run_checks(Probe& probe, std::span<const Check> checks) noexcept;

// Through the touch by `slip`, no further than the collar, on the tick and never short of the
// touch.
[[nodiscard]] Price entry_price(Side side, const Quote& quote, Ppm slip, Ppm collar,
                                Price tick) noexcept;

}  // namespace sluice::risk
