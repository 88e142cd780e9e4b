// Momentum buying, the `fixed` rule: buys when a trade prints above the highest trade of the
// preceding window. The high never contains the trade it is compared with.
//
// Edge-triggered: after a breakout it is disarmed until a trade falls back to the broken high or
// below, or a whole window has passed. A signal needs a full window of observation first, and
// min_gap_s of market time since the last one; a breakout inside the gap spends its edge.
//
// The window is kept in 64 slices plus the current one as a queue of falling highs, so it covers
// between window_s and 65/64 of it at amortised constant cost. A STATUS gap or a lost session does
// not empty it (one lost record would silence the strategy for a window): it counts as missing data
// and disarms, so that a high crossed while nobody looked is not taken for a breakout.
#pragma once

#include <array>
#include <cstdint>

#include "strategies/strategy.hpp"

namespace sluice::strategies {

class MomentumBuying {
 public:
  static constexpr std::string_view kKind = "momentum_buying";

  struct Parameters {
    Duration window;   // > 0, of market time
    Duration min_gap;  // between signals, of market time; 0 = none
  };
  static constexpr std::int64_t kSlices = 64;

  static Parameters parse(const config::Table& table);

  MomentumBuying() = default;
  explicit MomentumBuying(const Parameters& parameters) noexcept;

  Signal on_tick(const Tick& tick) noexcept;
  [[nodiscard]] View view() const noexcept { return {last_, high().raw, armed_ != 0}; }

  // Highest trade of the window; 0 = no trade in it.
  [[nodiscard]] Price high() const noexcept {
    return count_ == 0 ? Price{} : Price{queue_[head_].high};
  }

 private:
  struct Slice {
    std::int64_t index;  // venue time / slice width
    std::int64_t high;
  };
  static constexpr std::uint32_t kQueue = kSlices + 1;

  Signal on_trade(const Tick& tick) noexcept;
  Signal lost_sight(StatusCode code) noexcept;
  void expire(std::int64_t slice) noexcept;
  void push(std::int64_t slice, std::int64_t price) noexcept;
  void rearm(MarketTime at, std::int64_t price) noexcept;
  [[nodiscard]] Slice& at(std::uint32_t i) noexcept { return queue_[(head_ + i) % kQueue]; }

  Duration window_{};
  Duration min_gap_{};
  Duration slice_{1};
  MarketTime since_{};         // first trade of an unbroken observation; 0 = none yet
  MarketTime newest_{};        // venue times never go backwards in here
  MarketTime signalled_at_{};  // 0 = never
  MarketTime disarmed_at_{};
  std::int64_t broken_ = 0;  // the high whose crossing disarmed it
  std::int64_t last_ = 0;
  std::uint32_t head_ = 0;
  std::uint32_t count_ = 0;
  std::uint64_t armed_ = 1;
  std::array<Slice, kQueue> queue_{};  // highs fall from head to tail, one per slice at most
};
static_assert(Strategy<MomentumBuying>);

}  // namespace sluice::strategies
