// What came back from the gateway: fills, ends, doubts. Applied by cum_qty, so a repeated or late
// report changes nothing, and one that stands for several (after a full ring) changes all they
// would have.
#include "risk/exits.hpp"
#include "risk/stage.hpp"

namespace sluice::risk {

void RiskStage::on(const Report& report, Context& ctx) noexcept {
  Turn turn{ctx};
  const std::size_t index = state_.orders.find(report.id);
  if (index == kNoOrder) {
    ctx.fx.count(Counter::UnknownReports);
    // A fill of an order nobody knows: positions are not what risk believes.
    if (report.cum_qty.raw > 0)
      ctx.fx.raise({ScopeKind::Gateway, kGateway}, KillLevel::Halt, KillCause::Reconciliation);
    tell(report, turn);
    return pump(turn);
  }
  const PairIndex pair = state_.orders.at(index).pair;
  if (report.cum_qty > state_.orders.at(index).cum_qty) {
    book_fill(index, report, turn);
  } else if (report.kind == ReportKind::Fill) {
    ctx.fx.count(Counter::FillsRepeated);
  }
  bool tell_seat = true;
  switch (report.kind) {
    case ReportKind::Ack: state_.orders.at(index).in_doubt = 0; break;
    case ReportKind::InDoubt: state_.orders.at(index).in_doubt = 1; break;
    case ReportKind::Fill:
      if (state_.orders.at(index).remaining().raw == 0) tell_seat = end_order(index, report, turn);
      break;
    case ReportKind::Reject:
    case ReportKind::Cancelled:
    case ReportKind::Expired: tell_seat = end_order(index, report, turn); break;
    case ReportKind::Accepted: break;  // risk's own word, never the gateway's
  }
  if (tell_seat) tell(report, turn);
  pump(turn);
  write_standing(pair, ctx);
}

// Turns reserved capital into the cost of a position.
void RiskStage::book_fill(std::size_t index, const Report& report, Turn& turn) noexcept {
  LiveOrder& order = state_.orders.at(index);
  const Qty filled = report.cum_qty - order.cum_qty;
  const Price price = report.price.raw > 0 ? report.price : order.price;
  const bool first = order.cum_qty.raw == 0;
  turn.ctx.fx.count(Counter::Fills);
  if (!order.works()) turn.ctx.fx.count(Counter::FillsLate);
  if (report.cum_qty > order.qty) {
    // More than was ordered is real all the same: it is booked, and a person has to look.
    turn.ctx.fx.count(Counter::Overfills);
    turn.ctx.fx.raise({ScopeKind::Gateway, kGateway}, KillLevel::Halt, KillCause::Reconciliation);
  }
  order.cum_qty = report.cum_qty;
  if (order.works() && order.kind == OrderKind::Entry)
    state_.orders.reserve(index, notional(order.price, order.remaining()));
  const FillEffect effect = state_.positions.fill(order.pair, order.side, filled, price);
  if (first && order.kind == OrderKind::Entry) ++state_.positions.at(order.pair).entries;
  after_fill(order.pair, effect, order, turn);
}

void RiskStage::after_fill(PairIndex pair, const FillEffect& effect, const LiveOrder& order,
                           Turn& turn) noexcept {
  Position& position = state_.positions.at(pair);
  const MarketTime market = state_.market.at(turn.ctx.now);
  if (effect.reduced) position.exited_at = market;
  if (effect.opened) {
    position.opened_at = market;
    position.opened_host = turn.ctx.now;
    position.entries = 1;
  }
  if (effect.flat || effect.opened) {  // closed by fills, or another position than before
    position.exit_kind = 0;
    position.paused = 0;
    position.retry_at = {};
    state_.due.remove(pair);
  }
  if (effect.flat) position.entries = 0;
  // A late fill of an entry may add to a position whose exit has begun: what is left is looked at
  // again.
  if (position.open() && position.exit_kind != 0 && position.exit_order.raw == 0)
    state_.due.add(pair);
  state_.positions.mark(pair, state_.quotes.at(rules_.pair[order.pair].instrument));
  write_position(pair, turn.ctx);
  write_account(turn.ctx);
}

// Nothing of the order works any more. True if its seat is to be told: not when it lives on under
// an id of risk's own.
bool RiskStage::end_order(std::size_t index, const Report& report, Turn& turn) noexcept {
  if (!state_.orders.at(index).works()) return true;
  state_.orders.end(index);
  const LiveOrder order = state_.orders.at(index);
  if (report.kind == ReportKind::Reject) {
    turn.ctx.fx.count(Counter::RefusedByGateway);
    turn.ctx.fx.count(reject_counter(report.reason));
  }
  write_account(turn.ctx);
  if (order.kind == OrderKind::Entry) return true;

  Position& position = state_.positions.at(order.pair);
  if (position.exit_order == order.id) position.exit_order = {};
  const bool epochs_moved = report.kind == ReportKind::Reject &&
                            (report.reason == Reason::Stale || report.reason == Reason::TooOld);
  if (order.kind == OrderKind::StrategyExit) {
    // The strategy decides what follows its exit, but a protective exit may have become due
    // meanwhile.
    if (epochs_moved && reapprove(order, turn)) return false;
    if (position.open()) state_.due.add(order.pair);
  } else if (position.open()) {
    if (epochs_moved) turn.ctx.fx.count(Counter::Reapproved);
    if (report.kind == ReportKind::Reject && !epochs_moved) {
      retry_later(position, turn.ctx.now);  // a venue that refuses is not asked in a tight loop
    } else {
      state_.due.add(order.pair);
    }
  }
  write_position(order.pair, turn.ctx);
  return true;
}

// The same strategy exit once more, under the epochs of now. It takes an id of risk's own: the
// gateway wants ids of one origin in rising order, and the seat may have sent newer ones in the
// meantime.
bool RiskStage::reapprove(const LiveOrder& order, Turn& turn) noexcept {
  const Pair& where = rules_.pair[order.pair];
  Position& position = state_.positions.at(order.pair);
  const Quote& quote = state_.quotes.at(where.instrument);
  const KillLevel level = state_.scopes.level(where.strategy, where.instrument);
  const bool reduces = position.open() && position.side() != order.side;
  if (!reduces || !quote.present() || !order_edge_open(turn) ||
      !allowed(level, OrderClass::StrategyExit))
    return false;
  LiveOrder again = order;
  again.id = OrderId::make(state_.run, 0, ++state_.exit_counter);
  again.qty = std::min(order.remaining(), position.size());
  again.cum_qty = {};
  again.price =
      exit_price(order.side, quote, rules_.limits.exit_slip, rules_.steps[where.instrument].tick);
  again.deadline = turn.ctx.now + rules_.limits.exit_ttl;
  if (!place(again, turn)) return false;
  position.exit_order = again.id;
  turn.ctx.fx.count(Counter::Reapproved);
  turn.ctx.fx.count(Counter::OrdersExit);
  write_position(order.pair, turn.ctx);
  return true;
}

void RiskStage::retry_later(Position& position, HostTime now) noexcept {
  position.retry_at = now + rules_.limits.exit_ttl;
  state_.retry_at = std::min(state_.retry_at, position.retry_at);
}

}  // namespace sluice::risk
