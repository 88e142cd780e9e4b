// The synthetic market: every tick follows from its index and the seed, so that two runs see the
// same prices whatever their speed.
//
// One cycle is `order_every` ticks long and makes one order and one exit: it begins with a trade
// above all before it (a breakout), its third quarter is a high phase in which whoever bought
// takes his profit. The rest are trades below the broken high and quotes around them.
#pragma once

#include <cstdint>

#include "core/records.hpp"

namespace sluice::bench {

inline constexpr std::uint64_t kShortestCycle = 8;

class Market {
 public:
  // order_every: kShortestCycle at least.
  Market(std::uint64_t seed, std::uint64_t order_every) noexcept
      : seed_(seed), cycle_(order_every) {}

  // rx_time is the caller's stamp; market time runs with it.
  [[nodiscard]] Tick tick(std::uint64_t index, HostTime rx_time) const noexcept {
    const std::uint64_t place = index % cycle_;
    const std::int64_t high = kBase + static_cast<std::int64_t>(index / cycle_) * kTick;
    Tick tick{};
    tick.venue_time = {kEpoch + rx_time.ns};
    tick.rx_time = rx_time;
    const std::int64_t below = kTick * (1 + static_cast<std::int64_t>(stray(index)));
    if (place == 0 || index % 4 == 2) {
      tick.kind = TickKind::Trade;
      tick.value = {place == 0 ? high : high - below, kQty / 100, 0, 0};
      return tick;
    }
    tick.kind = TickKind::Quote;
    const bool exit = place >= cycle_ / 2 && place < cycle_ / 4 * 3;
    const std::int64_t bid = exit ? high + kProfit : high - below;
    tick.value = {bid, bid + kTick, kQty, kQty};
    return tick;
  }

 private:
  static constexpr std::int64_t kBase = 6'000'000'000'000;  // 60,000
  static constexpr std::int64_t kTick = 1'000'000;          // 0.01
  static constexpr std::int64_t kProfit = 500'000'000;  // 5, above conf/bench.toml's take_profit
  static constexpr std::int64_t kQty = 1'000'000'000;   // 10
  static constexpr std::int64_t kEpoch = 1'700'000'000'000'000'000;
  static constexpr std::uint64_t kStray = 50;

  [[nodiscard]] std::uint64_t stray(std::uint64_t index) const noexcept {
    return mix(seed_ + index) % kStray;
  }

  std::uint64_t seed_;
  std::uint64_t cycle_;
};

}  // namespace sluice::bench
