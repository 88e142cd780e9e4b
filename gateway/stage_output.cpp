// What the gateway stage says: reports to risk, commands to the session, rows of its page.
#include "gateway/stage.hpp"

namespace sluice {

namespace {

constexpr ReportKind report_kind(OrderState state) noexcept {
  switch (state) {
    case OrderState::Sending:
    case OrderState::Sent:
    case OrderState::Working:
    case OrderState::Partial:
    case OrderState::CancelPending: return ReportKind::Ack;
    case OrderState::InDoubt: return ReportKind::InDoubt;
    case OrderState::Filled: return ReportKind::Fill;
    case OrderState::Cancelled: return ReportKind::Cancelled;
    case OrderState::Expired: return ReportKind::Expired;
    case OrderState::Rejected: return ReportKind::Reject;
  }
  return ReportKind::Reject;
}

Report about(const OrderSlot& slot, HostTime now) noexcept {
  Report r{};
  r.id = slot.id;
  r.instrument = slot.instrument;
  r.strategy = slot.strategy;
  r.side = slot.side;
  r.kind = report_kind(slot.state);
  r.reason = r.kind == ReportKind::Fill ? Reason::None : slot.reason;
  r.qty = slot.qty;
  r.cum_qty = slot.told;
  r.venue_time = slot.venue_time;
  r.at = now;
  return r;
}

}  // namespace

// One report and one command per input; the rest waits for Control{Continue}.
void GatewayStage::say(Context& ctx) noexcept {
  if (state_.reports_full == 0) tell_one(ctx);
  if (state_.commands_full == 0 && !commanded_) ask_one(ctx);
}

void GatewayStage::owe_state(SlotIndex index) noexcept {
  OrderSlot& slot = state_.orders.at(index);
  if (slot.has(kQueuedTell)) return;
  slot.set(kQueuedTell);
  state_.tell.push(index);
}

void GatewayStage::owe_command(SlotIndex index, SlotFlags what) noexcept {
  OrderSlot& slot = state_.orders.at(index);
  slot.set(what);
  if (slot.has(kQueuedAsk)) return;
  slot.set(kQueuedAsk);
  state_.ask.push(index);
}

void GatewayStage::tell_one(Context& ctx) noexcept {
  if (!state_.refusals.empty()) {
    Report refusal = state_.refusals.pop();
    refusal.at = ctx.now;
    ctx.out.emit(Edge::GatewayRisk, refusal);
    ctx.fx.count(GatewayCounter::ReportsSent);
    return;
  }
  if (state_.tell.empty()) return;
  const SlotIndex index = state_.tell.pop();
  OrderSlot& slot = state_.orders.at(index);
  slot.clear(kQueuedTell);
  ctx.out.emit(Edge::GatewayRisk, next_report(slot, ctx));
  ctx.fx.count(GatewayCounter::ReportsSent);
  if (slot.has(kOwesState)) owe_state(index);
}

// Fills first, then the state they ended in; several fills that waited become one at their average
// price.
Report GatewayStage::next_report(OrderSlot& slot, Context& ctx) noexcept {
  Report r = about(slot, ctx.now);
  if (slot.cum == slot.told) {
    slot.clear(kOwesState);
    return r;
  }
  r.kind = ReportKind::Fill;
  r.reason = Reason::None;
  r.qty = slot.cum - slot.told;
  r.price = slot.untold_fills == 1 ? slot.last_price
                                   : Price{scaled(slot.untold_cost, kScale, r.qty.raw).raw};
  r.cum_qty = slot.told = slot.cum;
  slot.untold_cost = {};
  slot.untold_fills = 0;
  // A fill says by itself that the order works or that nothing is left of it.
  if (!is_terminal(slot.state) || slot.state == OrderState::Filled) slot.clear(kOwesState);
  return r;
}

void GatewayStage::refuse(const Order& order, Reason reason, Context& ctx) noexcept {
  ctx.fx.count(reject_counter(reason));
  if (state_.refusals.full()) {  // only while the report edge is full, which has raised HALT
    ctx.fx.count(GatewayCounter::ReportsLost);
    return;
  }
  Report r{};
  r.id = order.id;
  r.instrument = order.instrument;
  r.strategy = order.strategy;
  r.side = order.side;
  r.kind = ReportKind::Reject;
  r.reason = reason;
  r.qty = order.qty;
  state_.refusals.push(r);
}

void GatewayStage::ask_one(Context& ctx) noexcept {
  Order command{};
  command.approved_at = ctx.now;
  if (state_.sweep_owed != 0) {  // first: one command stops what the table does not know, too
    state_.sweep_owed = 0;
    command.kind = OrderKind::Cancel;
    command.flags = kSweep;
    ctx.fx.count(GatewayCounter::Sweeps);
  } else {
    OrderSlot* slot = nullptr;
    while (slot == nullptr && !state_.ask.empty()) {
      const SlotIndex index = state_.ask.pop();
      OrderSlot& candidate = state_.orders.at(index);
      candidate.clear(kQueuedAsk);
      // What has ended meanwhile needs no command.
      const bool cancel =
          candidate.has(kOwesCancel) && candidate.state == OrderState::CancelPending;
      const bool query = candidate.has(kOwesQuery) && candidate.state == OrderState::InDoubt;
      candidate.clear(kOwesCancel);
      candidate.clear(kOwesQuery);
      if (!cancel && !query) continue;
      slot = &candidate;
      command.kind = cancel ? OrderKind::Cancel : candidate.kind;
      command.flags = cancel ? std::uint8_t{0} : std::uint8_t{kQuery};
      ctx.fx.count(cancel ? GatewayCounter::CancelsAsked : GatewayCounter::Queries);
    }
    if (slot == nullptr) return;
    command.id = slot->id;
    command.instrument = slot->instrument;
    command.strategy = slot->strategy;
    command.side = slot->side;
  }
  ctx.out.emit(Edge::Command, command);
  ctx.fx.count(GatewayCounter::CommandsSent);
}

// An order keeps its row until it has ended and a newer one needs the place.
void GatewayStage::place_row(SlotIndex index) noexcept {
  constexpr std::size_t kRowCount = row_capacity(RowTable::Order);
  OrderSlot& slot = state_.orders.at(index);
  if (slot.row != 0) return;  // inherited from the order that had this slot
  for (std::size_t tried = 0; tried < kRowCount; ++tried) {
    const std::size_t row = state_.next_row++ % kRowCount;
    const std::uint16_t holder = state_.rows[row];
    if (holder != 0) {
      OrderSlot& old = state_.orders.at(static_cast<SlotIndex>(holder - 1));
      if (!is_terminal(old.state)) continue;
      old.row = 0;
    }
    state_.rows[row] = static_cast<std::uint16_t>(index + 1);
    slot.row = static_cast<std::uint16_t>(row + 1);
    return;
  }
}

void GatewayStage::show(const OrderSlot& slot, Context& ctx) const noexcept {
  if (slot.row == 0) return;
  OrderRow row{};
  row.id = slot.id;
  row.instrument = slot.instrument;
  row.strategy = slot.strategy;
  row.side = slot.side;
  row.kind = slot.kind;
  row.state = static_cast<std::uint8_t>(slot.state);
  row.price = slot.price;
  row.qty = slot.qty;
  row.cum_qty = slot.cum;
  row.changed_at = slot.changed_at;
  row.reason = slot.reason;
  ctx.fx.row(RowTable::Order, slot.row - 1u, row);
}

}  // namespace sluice
