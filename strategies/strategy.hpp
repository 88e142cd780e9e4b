// What a strategy is: a trivially copyable value, one per (strategy, instrument), that looks at
// ticks and sometimes signals. It knows nothing of seats, ids, rings or clocks; the stage
// (strategies/stage) turns its signals into intents.
//
// A decision depends on the contents of the ticks only (venue_time, never rx_time or now), so a
// replay at any speed decides the same. Storage is fixed: a strategy is copied into checkpoints
// byte by byte.
#pragma once

#include <concepts>
#include <string_view>
#include <type_traits>

#include "core/config.hpp"
#include "core/records.hpp"

namespace sluice::strategies {

enum class Verdict : std::uint8_t {
  Quiet = 1,  // the condition does not hold, or its edge was taken already
  Signal = 2,
  MissingData = 3,  // the condition cannot be judged: never treated as zero
  MinGap = 4        // it holds, but too soon after the last signal; the edge is spent
};

struct Signal {
  Verdict verdict = Verdict::Quiet;
  Action action = Action::Enter;
  Side side = Side::Buy;
  IntentReason reason = IntentReason::Breakout;
  std::int64_t quantity = 1;  // ENTER: multiplier 1..3; EXIT: raw Qty, 0 = the whole position
  Price price{};              // reference price of the decision
};

// What an operator sees of it: the measured value, what it is compared with, whether it waits for
// its edge.
struct View {
  std::int64_t value = 0;
  std::int64_t limit = 0;
  bool armed = false;
};

template <class S>
concept Strategy = std::is_trivially_copyable_v<S> && std::is_default_constructible_v<S> &&
    requires(S s, const S& c, const Tick& tick, const config::Table& table) {
  { S::kKind } -> std::convertible_to<std::string_view>;  // the word in the configuration
  typename S::Parameters;
  { S::parse(table) } -> std::same_as<typename S::Parameters>;
  requires std::constructible_from<S, const typename S::Parameters&>;
  { s.on_tick(tick) }
  noexcept->std::same_as<Signal>;
  { c.view() }
  noexcept->std::same_as<View>;
};

}  // namespace sluice::strategies
