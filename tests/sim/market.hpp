// What the venue sends in a simulation: frames in Binance's format, each with the market time since
// the one before it. Either the recorded tape or a seeded random walk with breakouts and gaps.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/types.hpp"
#include "tests/support/seed.hpp"

namespace sluice::sim {

struct Frame {
  std::int64_t at_ns = 0;  // market time since the first frame, as it was received
  bool snapshot = false;   // the answer to a depth request, not a message of the stream
  std::string text;
};

using Tape = std::vector<Frame>;

// Throws Error if the tape is missing or malformed.
Tape recorded_tape();

std::string quote_frame(std::uint64_t id, Price bid, Price ask, Qty bid_qty, Qty ask_qty);
std::string trade_frame(std::uint64_t id, MarketTime at, Price price, Qty qty);

// A random walk in whole cents around 60000: quotes and trades, calm stretches, bursts in one
// direction (breakouts, and stops behind them), thin displays, and now and then trade ids that are
// missing.
class RandomMarket {
 public:
  explicit RandomMarket(std::uint64_t seed) noexcept : random_(seed) {}

  Frame next();
  // A quote at the present price; what a calm market keeps sending.
  Frame calm();

 private:
  void walk() noexcept;
  [[nodiscard]] Frame quote();
  [[nodiscard]] Frame trade();

  test::Random random_;
  std::int64_t cents_ = 6'000'000;
  std::int64_t drift_ = 0;
  std::uint64_t burst_ = 0;  // events left of the present stretch
  std::int64_t now_ns_ = 0;
  std::uint64_t quote_id_ = 1'000;
  std::uint64_t trade_id_ = 5'000;
};

}  // namespace sluice::sim
