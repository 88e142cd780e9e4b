// The work of all four stages on one tick, as `sluice-bench turn` exercises it.
#pragma once

#include <string>

#include "bench/pieces/piece.hpp"
#include "bench/turn/cycles.hpp"

namespace sluice::bench {

inline constexpr std::uint64_t kTurnCycle = 100;  // ticks

class TurnPiece {
 public:
  explicit TurnPiece(const std::string& conf) : cycles_(load_one_thread(conf), kTurnCycle) {}
  void operator()() noexcept { cycles_.pass(); }

 protected:
  [[nodiscard]] std::uint64_t sent() noexcept { return cycles_.world().log_end(); }

  Cycles<false> cycles_;
  std::uint64_t sent_ = 0;
};

struct QuietTick : TurnPiece {
  using TurnPiece::TurnPiece;
  static constexpr const char* kName = "turn.quiet_tick";
  static constexpr std::uint64_t kCalls = kTurnCycle / 4;
  void ready() {
    if (cycles_.begun() && sent() != sent_) throw Error("a quiet tick made an order");
    cycles_.finish();
    cycles_.pass_until(cycles_.quiet_from());
    sent_ = sent();
  }
};

struct OrderTick : TurnPiece {
  using TurnPiece::TurnPiece;
  static constexpr const char* kName = "turn.order_tick";
  static constexpr std::uint64_t kCalls = 1;
  void ready() {
    if (cycles_.begun() && sent() == sent_) throw Error("an order tick made no order");
    cycles_.finish();
    sent_ = sent();
  }
};

using TurnPieces = Pieces<QuietTick, OrderTick>;

}  // namespace sluice::bench
