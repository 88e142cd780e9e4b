// Strong integer types of money and time. No float ever holds a price, a quantity or an amount of
// money.
//
// Prices, quantities and money are int64 at one scale, 1e-8 (range about +-92 billion), as three
// types that do not mix. Host time and market time are two types that cannot be subtracted from
// each other.
#pragma once

#include <compare>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <type_traits>

namespace sluice {

inline constexpr std::size_t kCacheLine = 64;
inline constexpr std::size_t kLinePair = 128;  // adjacent-line prefetch moves lines in pairs
inline constexpr std::int64_t kScale = 100'000'000;

namespace detail {
// Clamps a 128-bit intermediate to int64: money saturates, it never wraps.
__extension__ using Wide = __int128;
constexpr std::int64_t clamp(Wide value) noexcept {
  constexpr Wide kMax = std::numeric_limits<std::int64_t>::max();
  constexpr Wide kMin = std::numeric_limits<std::int64_t>::min();
  return static_cast<std::int64_t>(value > kMax ? kMax : value < kMin ? kMin : value);
}
// The same of a sum and a difference, which is what every stamp goes through: one operation and a
// test of the overflow flag. What overflows has the sign of its first operand.
constexpr std::int64_t bound_of(std::int64_t a) noexcept {
  return a < 0 ? std::numeric_limits<std::int64_t>::min()
               : std::numeric_limits<std::int64_t>::max();
}
constexpr std::int64_t sum(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t result = 0;
  return __builtin_add_overflow(a, b, &result) ? bound_of(a) : result;
}
constexpr std::int64_t difference(std::int64_t a, std::int64_t b) noexcept {
  std::int64_t result = 0;
  return __builtin_sub_overflow(a, b, &result) ? bound_of(a) : result;
}
// dividend / divisor toward zero, saturating. divisor != 0. By the processor's own division of 128
// by 64 bits where its result fits, which the compiler leaves to a call three times as long.
constexpr std::int64_t quotient(Wide dividend, Wide divisor) noexcept {
  if (!std::is_constant_evaluated()) {
    __extension__ using Magnitude = unsigned __int128;
    const auto magnitude = [](Wide v) noexcept {
      return v < 0 ? -static_cast<Magnitude>(v) : static_cast<Magnitude>(v);
    };
    const Magnitude of = magnitude(dividend), by = magnitude(divisor);
    if (by >> 64 == 0 && of >> 64 < by) [[likely]] {
      std::uint64_t low = static_cast<std::uint64_t>(of),
                    high = static_cast<std::uint64_t>(of >> 64);
      asm("divq %2" : "+a"(low), "+d"(high) : "r"(static_cast<std::uint64_t>(by)) : "cc");
      return clamp((dividend < 0) != (divisor < 0) ? -Wide{low} : Wide{low});
    }
  }
  return clamp(dividend / divisor);
}
}  // namespace detail

template <class Tag>
struct Amount {
  std::int64_t raw = 0;

  static constexpr Amount whole(std::int64_t units) noexcept {
    return {detail::clamp(detail::Wide{units} * kScale)};
  }
  friend constexpr auto operator<=>(Amount, Amount) noexcept = default;
  friend constexpr Amount operator+(Amount a, Amount b) noexcept {
    return {detail::sum(a.raw, b.raw)};
  }
  friend constexpr Amount operator-(Amount a, Amount b) noexcept {
    return {detail::difference(a.raw, b.raw)};
  }
  constexpr Amount operator-() const noexcept { return {detail::difference(0, raw)}; }
  constexpr Amount& operator+=(Amount other) noexcept { return *this = *this + other; }
  constexpr Amount& operator-=(Amount other) noexcept { return *this = *this - other; }
};

using Price = Amount<struct PriceTag>;
using Qty = Amount<struct QtyTag>;
using Notional = Amount<struct NotionalTag>;

// The only product of the system. Truncates toward zero at 1e-8 and saturates.
constexpr Notional notional(Price price, Qty qty) noexcept {
  return {detail::quotient(detail::Wide{price.raw} * qty.raw, kScale)};
}

// amount * numerator / denominator through 128 bits, toward zero, saturating. denominator != 0.
template <class Tag>
constexpr Amount<Tag> scaled(Amount<Tag> amount, std::int64_t numerator,
                             std::int64_t denominator) noexcept {
  return {detail::quotient(detail::Wide{amount.raw} * numerator, denominator)};
}

// Fractions of configuration (stop 0.4 %, cap 1 %) travel as integer parts per million.
struct Ppm {
  std::int64_t raw = 0;
  friend constexpr auto operator<=>(Ppm, Ppm) noexcept = default;
};
template <class Tag>
constexpr Amount<Tag> operator*(Amount<Tag> amount, Ppm fraction) noexcept {
  return scaled(amount, fraction.raw, 1'000'000);
}

struct Duration {
  std::int64_t ns = 0;
  static constexpr Duration micros(std::int64_t n) noexcept { return {n * 1'000}; }
  static constexpr Duration millis(std::int64_t n) noexcept { return {n * 1'000'000}; }
  static constexpr Duration seconds(std::int64_t n) noexcept { return {n * 1'000'000'000}; }
  friend constexpr auto operator<=>(Duration, Duration) noexcept = default;
  friend constexpr Duration operator+(Duration a, Duration b) noexcept { return {a.ns + b.ns}; }
  friend constexpr Duration operator-(Duration a, Duration b) noexcept { return {a.ns - b.ns}; }
};

// ns on one clock; 0 = not set. Differences saturate (a corrupt stamp must not be undefined
// behaviour).
template <class Clock>
struct TimePoint {
  std::int64_t ns = 0;
  static constexpr TimePoint never() noexcept { return {std::numeric_limits<std::int64_t>::max()}; }
  friend constexpr auto operator<=>(TimePoint, TimePoint) noexcept = default;
  friend constexpr Duration operator-(TimePoint a, TimePoint b) noexcept {
    return {detail::difference(a.ns, b.ns)};
  }
  friend constexpr TimePoint operator+(TimePoint t, Duration d) noexcept {
    return {detail::sum(t.ns, d.ns)};
  }
  friend constexpr TimePoint operator-(TimePoint t, Duration d) noexcept {
    return {detail::difference(t.ns, d.ns)};
  }
};

using HostTime = TimePoint<struct HostClock>;  // this host: ns since boot on the run's calibration
using MarketTime = TimePoint<struct MarketClock>;  // the venue: ns since the Unix epoch

enum class Side : std::uint8_t { Buy = 1, Sell = 2 };
constexpr Side opposite(Side side) noexcept {
  return side == Side::Buy ? Side::Sell : Side::Buy;
}

using InstrumentIndex = std::uint32_t;  // row of the instrument table, from 0
using StrategyIndex = std::uint8_t;     // row of the strategy table, from 0
using SeatIndex = std::uint8_t;         // 0 .. kSeats-1

inline constexpr std::size_t kSeats = 8;
inline constexpr std::size_t kMaxGateways = 4;
inline constexpr std::size_t kMaxStrategies = 32;
inline constexpr std::size_t kMaxInstruments = 256;

// One id from intent to fill: {run ordinal 16 | origin 8 | counter 32 | slice 8}. origin is the
// seat + 1, 0 for risk's own exits. An order's id is its intent's id with the slice filled in. 0 =
// not set.
struct OrderId {
  std::uint64_t raw = 0;

  static constexpr OrderId make(std::uint16_t run, std::uint8_t origin, std::uint32_t counter,
                                std::uint8_t slice = 0) noexcept {
    return {std::uint64_t{run} << 48 | std::uint64_t{origin} << 40 | std::uint64_t{counter} << 8 |
            slice};
  }
  [[nodiscard]] constexpr std::uint16_t run() const noexcept {
    return static_cast<std::uint16_t>(raw >> 48);
  }
  [[nodiscard]] constexpr std::uint8_t origin() const noexcept {
    return static_cast<std::uint8_t>(raw >> 40);
  }
  [[nodiscard]] constexpr std::uint32_t counter() const noexcept {
    return static_cast<std::uint32_t>(raw >> 8);
  }
  [[nodiscard]] constexpr std::uint8_t slice() const noexcept {
    return static_cast<std::uint8_t>(raw);
  }
  [[nodiscard]] constexpr OrderId parent() const noexcept { return {raw & ~std::uint64_t{0xff}}; }
  friend constexpr auto operator<=>(OrderId, OrderId) noexcept = default;
};

}  // namespace sluice
