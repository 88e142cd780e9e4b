#include "gateway/own_book.hpp"

#include <algorithm>

namespace sluice {

void OwnBook::work(StrategyIndex strategy, InstrumentIndex instrument, OrderKind kind, Price limit,
                   Qty before, Qty after) noexcept {
  OwnCell& cell = cells_[strategy][instrument];
  if (class_of(kind) != OrderClass::Entry) {
    cell.exits += after - before;
    return;
  }
  const Notional change = notional(limit, after) - notional(limit, before);
  cell.working += change;
  spend(strategy, change);
}

void OwnBook::fill(StrategyIndex strategy, InstrumentIndex instrument, Side side, Price price,
                   Qty qty) noexcept {
  OwnCell& cell = cells_[strategy][instrument];
  const Notional cost_before = cell.cost;
  const bool buy = side == Side::Buy;
  const Qty held = buy ? -cell.position : cell.position;  // > 0: this fill reduces it
  const Qty closed = held > Qty{} ? std::min(qty, held) : Qty{};
  // Average cost: what is closed takes its share, rounded down, and all of it when flat.
  if (closed > Qty{})
    cell.cost -= closed == held ? cell.cost : scaled(cell.cost, closed.raw, held.raw);
  cell.cost += notional(price, qty - closed);
  cell.position += buy ? qty : -qty;
  spend(strategy, cell.cost - cost_before);
}

}  // namespace sluice
