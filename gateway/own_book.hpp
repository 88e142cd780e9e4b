// What the session itself knows it has sent and filled: the last look's own memory, made from the
// session's log alone and never from what risk says, so that the two gates cannot share one error.
//
// Per (strategy, instrument): net position and its cost, cost of entries still working, quantity of
// exits still working; and the sums that the capital caps are compared with. Open cost = cost of
// positions + limit price x remaining quantity of working entries.
#pragma once

#include <array>

#include "core/records.hpp"

namespace sluice {

struct OwnCell {
  Qty position;      // signed
  Notional cost;     // of the position, >= 0
  Notional working;  // entries at their limit price
  Qty exits;         // working, not signed
  friend constexpr bool operator==(const OwnCell&, const OwnCell&) noexcept = default;
};

class OwnBook {
 public:
  // The working quantity of an order at `limit` changes: 0 -> qty when placed, remaining -> less
  // when filled, remaining -> 0 when it ends.
  void work(StrategyIndex strategy, InstrumentIndex instrument, OrderKind kind, Price limit,
            Qty before, Qty after) noexcept;
  void fill(StrategyIndex strategy, InstrumentIndex instrument, Side side, Price price,
            Qty qty) noexcept;

  [[nodiscard]] const OwnCell& at(StrategyIndex strategy,
                                  InstrumentIndex instrument) const noexcept {
    return cells_[strategy][instrument];
  }
  [[nodiscard]] Notional open_cost() const noexcept { return total_; }
  [[nodiscard]] Notional open_cost(StrategyIndex strategy) const noexcept {
    return by_strategy_[strategy];
  }

  // True if an exit of this side and quantity, with all exits already working, cannot pass flat.
  [[nodiscard]] bool reduces(StrategyIndex strategy, InstrumentIndex instrument, Side side,
                             Qty qty) const noexcept {
    const OwnCell& cell = at(strategy, instrument);
    const Qty closable = side == Side::Sell ? cell.position : -cell.position;
    return qty <= closable - cell.exits;
  }

  friend bool operator==(const OwnBook&, const OwnBook&) noexcept = default;

 private:
  void spend(StrategyIndex strategy, Notional change) noexcept {
    by_strategy_[strategy] += change;
    total_ += change;
  }

  std::array<std::array<OwnCell, kMaxInstruments>, kMaxStrategies> cells_{};
  std::array<Notional, kMaxStrategies> by_strategy_{};
  Notional total_{};
};

}  // namespace sluice
