// Inputs of the gateway stage. What it says about them is in stage_output.cpp.
#include "gateway/stage.hpp"

namespace sluice {

namespace {

bool well_formed(const Order& o) noexcept {
  return o.id.raw != 0 && o.qty > Qty{} && o.price > Price{} && o.kind >= OrderKind::Entry &&
         o.kind <= OrderKind::SessionExit && (o.side == Side::Buy || o.side == Side::Sell) &&
         o.instrument < kMaxInstruments && o.strategy < kMaxStrategies;
}

constexpr bool is_entry(const OrderSlot& slot) noexcept {
  return class_of(slot.kind) == OrderClass::Entry;
}

// What the venue's answer to a query means for an order of which `cum` is known already.
bool meaning_of(const Event& answer, const OrderSlot& slot, bool filled_more,
                OrderEvent& meaning) noexcept {
  if (answer.reason == Reason::NotFound) {
    meaning = OrderEvent::NotFound;
    return true;
  }
  switch (static_cast<OrderState>(answer.code)) {
    case OrderState::Sent:
    case OrderState::Working:
    case OrderState::Partial:
    case OrderState::CancelPending:
    case OrderState::Filled:
      meaning = !filled_more          ? OrderEvent::Ack
                : slot.cum < slot.qty ? OrderEvent::FillPart
                                      : OrderEvent::FillAll;
      return true;
    case OrderState::Cancelled: meaning = OrderEvent::Cancelled; return true;
    case OrderState::Expired: meaning = OrderEvent::Expired; return true;
    case OrderState::Rejected: meaning = OrderEvent::VenueReject; return true;
    case OrderState::Sending:
    case OrderState::InDoubt: return false;
  }
  return false;
}

}  // namespace

// ---- Order

void GatewayStage::on(const Order& order, Context& ctx) noexcept {
  commanded_ = false;
  ctx.fx.count(GatewayCounter::OrdersReceived);
  if (order.kind == OrderKind::Cancel) {
    on_cancel(order, ctx);
  } else if (!well_formed(order)) {
    refuse(order, Reason::BadOrder, ctx);
  } else if (!take_id(order.id)) {
    // Somebody's memory is wrong, ours or risk's: no new risk until a person has looked.
    ctx.fx.count(GatewayCounter::Duplicates);
    refuse(order, Reason::DuplicateId, ctx);
    ctx.fx.raise({ScopeKind::Gateway, config_.gateway}, KillLevel::Halt, KillCause::DuplicateId);
  } else {
    send(order, ctx);
  }
  say(ctx);
}

void GatewayStage::on_cancel(const Order& order, Context& ctx) noexcept {
  const SlotIndex index = state_.orders.find(order.id);
  if (index == kNoSlot) {
    refuse(order, Reason::UnknownTarget, ctx);
    return;
  }
  if (is_terminal(state_.orders.at(index).state)) ctx.fx.count(GatewayCounter::CancelsLate);
  apply(index, OrderEvent::CancelAsked, Reason::None, ctx);
}

// Ids of one origin only rise; what does not rise has been seen or was overtaken.
bool GatewayStage::take_id(OrderId id) noexcept {
  const std::uint64_t key = std::uint64_t{id.run()} << 40 | (id.raw & 0xff'ffff'ffffu);
  std::uint64_t& newest = state_.newest[id.origin()];
  if (key <= newest) return false;
  newest = key;
  return true;
}

// Nothing waits here to be sent later: an order that cannot leave now is refused, risk decides
// anew.
Reason GatewayStage::entry_gate(const Order& order) const noexcept {
  if (state_.commands_full != 0) return Reason::RingFull;
  if (class_of(order.kind) != OrderClass::Entry) return Reason::None;
  if (state_.reconciled == 0) return Reason::NotReady;
  if (state_.reports_full != 0) return Reason::RingFull;
  return state_.open >= config_.max_open_orders ? Reason::OpenOrders : Reason::None;
}

void GatewayStage::send(const Order& order, Context& ctx) noexcept {
  const Reason gate = entry_gate(order);
  const SlotIndex index = state_.orders.add(order.id);
  if (index == kNoSlot) {
    refuse(order, gate != Reason::None ? gate : Reason::TableFull, ctx);
    return;
  }
  OrderSlot& slot = state_.orders.at(index);
  slot.instrument = order.instrument;
  slot.strategy = order.strategy;
  slot.side = order.side;
  slot.kind = order.kind;
  slot.price = order.price;
  slot.qty = order.qty;
  slot.state = OrderState::Sending;
  ++state_.open;
  place_row(index);
  if (gate != Reason::None) {
    apply(index, OrderEvent::Refused, gate, ctx);
    return;
  }
  enter(index, OrderState::Sending, Reason::None, ctx);
  Order command = order;
  command.flags = static_cast<std::uint8_t>(command.flags & ~(kQuery | kSweep));
  ctx.out.emit(Edge::Command, command);
  ctx.fx.count(GatewayCounter::CommandsSent);
  commanded_ = true;
}

// ---- Event

void GatewayStage::on(const Event& event, Context& ctx) noexcept {
  commanded_ = false;
  ctx.fx.count(GatewayCounter::EventsReceived);
  SessionRow& session = state_.session;
  ++session.messages;
  session.last_message = ctx.now;
  if (event.venue_time.ns != 0) session.last_venue_time = event.venue_time;
  if (state_.last_sequence < event.sequence) state_.last_sequence = event.sequence;
  if (event.kind == EventKind::Reconciled) {
    on_reconciled(event, ctx);
  } else if (event.kind == EventKind::SweepDone) {
    state_.sweeping = 0;
    ctx.fx.count(GatewayCounter::SweepsDone);
  } else if (const SlotIndex index = state_.orders.find(event.id); index != kNoSlot) {
    on_order_event(index, event, ctx);
  } else {
    ++session.errors;
    ctx.fx.count(GatewayCounter::UnknownOrders);
  }
  ctx.fx.row(RowTable::Summary, 0, session);
  say(ctx);
}

void GatewayStage::on_reconciled(const Event& event, Context& ctx) noexcept {
  ctx.fx.count(GatewayCounter::Reconciliations);
  ++state_.session.connects;
  state_.reconciled = event.qty == Qty{} ? 1 : 0;
  state_.session.connected = state_.reconciled;
  if (state_.reconciled != 0) return;
  ctx.fx.count(GatewayCounter::Mismatches, static_cast<std::uint64_t>(event.qty.raw));
  ctx.fx.raise({ScopeKind::Gateway, config_.gateway}, KillLevel::Halt, KillCause::Reconciliation);
}

void GatewayStage::on_order_event(SlotIndex index, const Event& event, Context& ctx) noexcept {
  OrderSlot& slot = state_.orders.at(index);
  if (event.venue_id != 0) slot.venue_id = event.venue_id;
  if (event.venue_time.ns != 0) slot.venue_time = event.venue_time;
  const bool filled_more = absorb_fill(slot, event, ctx);
  switch (event.kind) {
    case EventKind::Sent:
      ctx.fx.count(GatewayCounter::SentVerdicts);
      return apply(index, OrderEvent::Sent, Reason::None, ctx);
    case EventKind::Refused: return apply(index, OrderEvent::Refused, event.reason, ctx);
    case EventKind::Ack: return apply(index, OrderEvent::Ack, Reason::None, ctx);
    case EventKind::Fill:
      if (!filled_more) {
        ctx.fx.count(GatewayCounter::FillsRepeated);
        return;
      }
      return apply(index, slot.cum < slot.qty ? OrderEvent::FillPart : OrderEvent::FillAll,
                   Reason::None, ctx);
    case EventKind::Cancelled: return apply(index, OrderEvent::Cancelled, event.reason, ctx);
    case EventKind::Expired: return apply(index, OrderEvent::Expired, event.reason, ctx);
    case EventKind::VenueReject:
      return apply(index, OrderEvent::VenueReject,
                   event.reason == Reason::None ? Reason::VenueReject : event.reason, ctx);
    case EventKind::CancelReject:
      ctx.fx.count(GatewayCounter::CancelRejects);
      return apply(index,
                   slot.cum == Qty{} ? OrderEvent::CancelReject : OrderEvent::CancelRejectPart,
                   Reason::None, ctx);
    case EventKind::QueryResult: {
      OrderEvent meaning{};
      if (meaning_of(event, slot, filled_more, meaning))
        return apply(index, meaning,
                     meaning == OrderEvent::VenueReject ? Reason::VenueReject : event.reason, ctx);
      break;
    }
    case EventKind::Reconciled:
    case EventKind::SweepDone: break;
  }
  ++state_.session.errors;
  ctx.fx.count(GatewayCounter::Anomalies);
}

// Quantities only rise: cum_qty makes repeated and overtaken messages harmless. Any message that
// knows of more fills than we do brings them, not only a Fill.
bool GatewayStage::absorb_fill(OrderSlot& slot, const Event& event, Context& ctx) noexcept {
  if (event.cum_qty <= slot.cum) return false;
  const Qty filled = event.cum_qty - slot.cum;
  if (event.kind == EventKind::Fill && filled != event.qty) {
    ++state_.session.gaps;
    ctx.fx.count(GatewayCounter::FillGaps);
  }
  slot.last_price = event.price > Price{} ? event.price : slot.price;
  slot.cum = event.cum_qty;
  slot.untold_cost += notional(slot.last_price, filled);
  ++slot.untold_fills;
  ctx.fx.count(GatewayCounter::Fills);
  if (slot.cum > slot.qty) {  // more than was ordered: an anomaly, and real money all the same
    ++state_.session.errors;
    ctx.fx.count(GatewayCounter::Anomalies);
  }
  return true;
}

// The one place where an order changes its state.
void GatewayStage::apply(SlotIndex index, OrderEvent event, Reason reason, Context& ctx) noexcept {
  OrderSlot& slot = state_.orders.at(index);
  const Transition t = step(slot.state, event);
  if (t.anomaly) {
    ++state_.session.errors;
    ctx.fx.count(GatewayCounter::Anomalies);
  }
  if (t.report) slot.set(kOwesState);
  // Fills that came with another message are told even where the message itself says nothing new.
  if (t.report || slot.cum != slot.told) owe_state(index);
  const bool changed = t.next != slot.state;
  if (!changed && !t.report && !t.anomaly && t.action == OrderAction::None)
    ctx.fx.count(GatewayCounter::Repeats);
  switch (t.action) {
    case OrderAction::None: break;
    case OrderAction::AskCancel: owe_command(index, kOwesCancel); break;
    case OrderAction::KeepCancel: slot.set(kCancelKept); break;
    case OrderAction::AskQuery: owe_command(index, kOwesQuery); break;
  }
  if (changed) {
    enter(index, t.next, reason, ctx);
  } else if (t.report) {
    show(slot, ctx);
  }
  if (slot.has(kCancelKept) && slot.state != OrderState::Sending &&
      slot.state != OrderState::InDoubt) {
    slot.clear(kCancelKept);
    if (is_live(slot.state))
      apply(index, OrderEvent::CancelAsked, Reason::None, ctx);  // once: just cleared
  }
}

void GatewayStage::enter(SlotIndex index, OrderState next, Reason reason, Context& ctx) noexcept {
  OrderSlot& slot = state_.orders.at(index);
  slot.state = next;
  slot.changed_at = ctx.now;
  if (reason != Reason::None) slot.reason = reason;
  if (is_terminal(next)) {
    --state_.open;
    state_.orders.finish(index);
  }
  switch (next) {
    case OrderState::Working: ctx.fx.count(GatewayCounter::Acks); break;
    case OrderState::InDoubt: ctx.fx.count(GatewayCounter::InDoubt); break;
    case OrderState::Cancelled: ctx.fx.count(GatewayCounter::Cancels); break;
    case OrderState::Expired: ctx.fx.count(GatewayCounter::Expiries); break;
    case OrderState::Rejected:
      if (slot.reason == Reason::None) slot.reason = Reason::NotFound;
      ctx.fx.count(reject_counter(slot.reason));
      break;
    case OrderState::Sending:
    case OrderState::Sent:
    case OrderState::Partial:
    case OrderState::CancelPending:
    case OrderState::Filled: break;
  }
  ctx.fx.gauge(GatewayCounter::OpenOrders, state_.open);
  show(slot, ctx);
}

// ---- Control

void GatewayStage::on(const Control& control, Context& ctx) noexcept {
  commanded_ = false;
  switch (control.kind) {
    case ControlKind::Recovered: on_recovered(ctx); break;
    case ControlKind::Level: on_level(control, ctx); break;
    case ControlKind::Conditions: on_conditions(control, ctx); break;
    case ControlKind::EdgeFull:
    case ControlKind::EdgeRoom: on_edge(control, ctx); break;
    case ControlKind::Continue:
    case ControlKind::RunStart:
    case ControlKind::EdgeBase:
    case ControlKind::Permit:  // permits and caps are the last look's business
    case ControlKind::Cap:
    case ControlKind::Rate:
    case ControlKind::Deadline:
    case ControlKind::Time: break;
  }
  say(ctx);
}

template <class Match>
void GatewayStage::cancel_all(Match&& match, Context& ctx) noexcept {
  // No further than the last open order: most of the table is of ended ones, and a kill waits.
  std::uint32_t open = state_.open;
  for (SlotIndex i = 0; i < state_.orders.used() && open > 0; ++i) {
    const OrderSlot& slot = state_.orders.at(i);
    if (is_terminal(slot.state)) continue;
    --open;
    if (slot.state != OrderState::CancelPending && match(slot))
      apply(i, OrderEvent::CancelAsked, Reason::None, ctx);
  }
}

// A level raised again sweeps again: that is how a person repeats a kill.
void GatewayStage::on_level(const Control& control, Context& ctx) noexcept {
  const auto level = static_cast<KillLevel>(control.after);
  if (level != KillLevel::Cancel && level != KillLevel::Flatten) return;
  const std::uint32_t scope = control.index;
  switch (control.scope) {
    case ScopeKind::Gateway:
      if (scope != config_.gateway) return;
      [[fallthrough]];
    case ScopeKind::Global:
      owe_sweep();
      cancel_all([](const OrderSlot&) { return true; }, ctx);
      return;
    case ScopeKind::Strategy:
      cancel_all([scope](const OrderSlot& slot) { return slot.strategy == scope; }, ctx);
      return;
    case ScopeKind::Instrument:
      cancel_all([scope](const OrderSlot& slot) { return slot.instrument == scope; }, ctx);
      return;
  }
}

void GatewayStage::on_conditions(const Control& control, Context& ctx) noexcept {
  const std::uint32_t before = state_.conditions;
  state_.conditions = static_cast<std::uint32_t>(control.after);
  if ((state_.conditions & ~before & kDeadManCancel) == 0) return;
  cancel_all([](const OrderSlot& slot) { return is_entry(slot); }, ctx);
}

void GatewayStage::on_edge(const Control& control, Context& ctx) noexcept {
  const std::uint8_t full = control.kind == ControlKind::EdgeFull ? 1 : 0;
  if (control.index == static_cast<std::uint32_t>(Edge::Command)) state_.commands_full = full;
  if (control.index != static_cast<std::uint32_t>(Edge::GatewayRisk)) return;
  if (full != 0 && state_.reports_full == 0)
    ctx.fx.raise({ScopeKind::Gateway, config_.gateway}, KillLevel::Halt, KillCause::ReportsLost);
  state_.reports_full = full;
}

// A command without a journaled verdict is in doubt; cancels, queries and sweeps may be repeated
// safely.
void GatewayStage::on_recovered(Context& ctx) noexcept {
  state_.reconciled = 0;
  state_.session.connected = 0;
  if (state_.sweeping != 0) owe_sweep();
  for (SlotIndex i = 0; i < state_.orders.used(); ++i)
    if (!is_terminal(state_.orders.at(i).state)) apply(i, OrderEvent::Recovered, Reason::None, ctx);
  for (std::uint16_t slot : state_.rows)
    if (slot != 0) show(state_.orders.at(static_cast<SlotIndex>(slot - 1)), ctx);
  ctx.fx.row(RowTable::Summary, 0, state_.session);
  ctx.fx.gauge(GatewayCounter::OpenOrders, state_.open);
}

void GatewayStage::owe_sweep() noexcept {
  state_.sweep_owed = 1;
  state_.sweeping = 1;
}

}  // namespace sluice
