#include "tools/replay/ledger.hpp"

#include <algorithm>

namespace sluice::replay {
namespace {

Notional profit(const Trade& trade, Notional received_at_exit) noexcept {
  const Notional gain = received_at_exit - trade.entry_worth;
  return trade.side == Side::Buy ? gain : -gain;
}

}  // namespace

void Ledger::on(const Order& order) {
  if (order.kind == OrderKind::Cancel) {
    ++cancels_;
    return;
  }
  ++(order.kind == OrderKind::Entry ? entries_ : exits_);
  orders_[order.id.raw] = {order, {}};
}

// By cum_qty, as risk books it: one report may stand for several.
void Ledger::on(const Report& report) {
  if (report.cum_qty.raw <= 0) return;
  const auto found = orders_.find(report.id.raw);
  if (found == orders_.end()) {
    ++orphans_;
    return;
  }
  Known& known = found->second;
  const Qty qty = report.cum_qty - known.cum;
  if (qty.raw <= 0) return;
  known.cum = report.cum_qty;
  ++fills_;
  const Price price = report.price.raw > 0 ? report.price : known.order.price;
  book(known.order, qty, price, report.venue_time);
}

// A fill beyond what is held ends one trade and begins the opposite one.
void Ledger::book(const Order& order, Qty qty, Price price, MarketTime at) {
  const auto found = open_.find({order.strategy, order.instrument});
  if (found == open_.end() || trades_[found->second].side == order.side)
    return enter(order, qty, price, at);
  Trade& trade = trades_[found->second];
  const Qty against = std::min(qty, trade.held);
  leave(trade, order, against, price, at);
  if (!trade.open()) open_.erase(found);
  if (qty > against) enter(order, qty - against, price, at);
}

void Ledger::enter(const Order& order, Qty qty, Price price, MarketTime at) {
  const auto [place, fresh] = open_.try_emplace({order.strategy, order.instrument}, trades_.size());
  if (fresh) {
    Trade& begun = trades_.emplace_back();
    begun.strategy = order.strategy;
    begun.instrument = order.instrument;
    begun.side = order.side;
    begun.entered_at = at;
  }
  Trade& trade = trades_[place->second];
  trade.qty += qty;
  trade.held += qty;
  trade.entry_worth += notional(price, qty);
  trade.ended_at = at;
  ++trade.fills;
}

void Ledger::leave(Trade& trade, const Order& order, Qty qty, Price price, MarketTime at) {
  trade.held -= qty;
  trade.exit_worth += notional(price, qty);
  trade.ended_at = at;
  ++trade.fills;
  if (trade.open()) return;
  trade.ended_by = order.kind;
  trade.pnl = profit(trade, trade.exit_worth);
}

void Ledger::mark_open(StrategyIndex strategy, InstrumentIndex instrument, Price mark) {
  const auto found = open_.find({strategy, instrument});
  if (found == open_.end()) return;
  Trade& trade = trades_[found->second];
  trade.pnl = profit(trade, trade.exit_worth + notional(mark, trade.held));
}

}  // namespace sluice::replay
