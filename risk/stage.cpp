#include "risk/stage.hpp"

#include <algorithm>

#include "risk/exits.hpp"

namespace sluice::risk {
namespace {

constexpr Duration kDay = Duration::seconds(86'400);

}  // namespace

// ---- Ticks

void RiskStage::on(const Tick& tick, Context& ctx) noexcept {
  Turn turn{ctx};
  state_.market.observe(tick);
  if (state_.day_end <= state_.market.floor) roll_day(state_.market.floor);
  switch (tick.kind) {
    case TickKind::Quote: on_quote(tick, turn); break;
    case TickKind::Status: on_status(tick); break;
    case TickKind::Trade:
    case TickKind::Day: break;
  }
  pump(turn);
}

void RiskStage::on_quote(const Tick& tick, Turn& turn) noexcept {
  if (tick.instrument >= rules_.instruments) return;
  state_.quotes.quote(tick);
  const PairSet here = rules_.pairs_on[tick.instrument] & state_.positions.open();
  if (!here.empty()) mark(here, state_.quotes.at(tick.instrument), turn);
  show_standings(turn.ctx);
}

void RiskStage::mark(const PairSet& here, const Quote& quote, Turn& turn) noexcept {
  const bool show = turn.ctx.now - state_.rows_at >= kRowGap;
  here.each([&](PairIndex pair) noexcept {
    state_.positions.mark(pair, quote);
    const std::uint8_t wanted = wanted_exit(state_.positions.at(pair), quote, rules_.limits);
    if (wanted != 0) begin_exit(pair, wanted, turn);
    if (show) write_position(pair, turn.ctx);
  });
  if (!show) return;
  state_.rows_at = turn.ctx.now;
  write_account(turn.ctx);
}

// An exit of the strategy's own that still works is in the way of a protective one: it is
// cancelled, and the protective exit, begun with that, follows when it has ended.
void RiskStage::begin_exit(PairIndex pair, std::uint8_t wanted, Turn& turn) noexcept {
  Position& position = state_.positions.at(pair);
  if (position.exit_order.raw == 0) return state_.due.add(pair);
  if (position.exit_kind != 0) return;
  const std::size_t index = state_.orders.find(position.exit_order);
  if (index == kNoOrder) return;
  position.exit_kind = wanted;
  count_exit(wanted, turn.ctx.fx);
  state_.orders.at(index).cancel_due = 1;
}

void RiskStage::count_exit(std::uint8_t kind, Effects& fx) noexcept {
  fx.count(kind == static_cast<std::uint8_t>(OrderKind::StopLoss) ? Counter::ExitsStopLoss
                                                                  : Counter::ExitsTakeProfit);
}

// A status of an instrument outside the table is one of the whole connection.
void RiskStage::on_status(const Tick& tick) noexcept {
  if (tick.instrument < rules_.instruments)
    return state_.quotes.status(tick.instrument, tick.status());
  if (tick.instrument < kMaxInstruments) return;
  for (std::size_t i = 0; i < rules_.instruments; ++i)
    state_.quotes.status(static_cast<InstrumentIndex>(i), tick.status());
}

void RiskStage::roll_day(MarketTime now) noexcept {
  if (now.ns == 0) return;
  state_.day_end = {(now.ns / kDay.ns + 1) * kDay.ns};
  state_.day_base = state_.positions.pnl();
}

// ---- Intents

void RiskStage::on(const Intent& intent, Context& ctx) noexcept {
  Turn turn{ctx};
  ctx.fx.count(Counter::Intents);
  const MarketTime market = state_.market.at(ctx.now);
  const bool known_action = intent.action == Action::Enter || intent.action == Action::Exit;
  if (intent.seat >= kSeats || intent.strategy >= kMaxStrategies) {
    ctx.fx.count(reject_counter(Reason::BadIntent));  // there is nobody to tell
  } else if (intent.action == Action::Cancel) {
    cancel_on_request(intent, turn);
  } else {
    Probe probe = prepare(rules_, state_, intent, ctx.now, market);
    const Reason reason = known_action ? run_chain(probe) : Reason::BadIntent;
    std::uint32_t& last = state_.last_counter[intent.seat];
    if (intent.id.run() == state_.run && intent.id.counter() > last) last = intent.id.counter();
    if (reason != Reason::None) {
      refuse(probe, reason, turn);
    } else if (intent.action == Action::Enter) {
      enter(probe, turn);
    } else {
      exit_on_request(probe, turn);
    }
  }
  pump(turn);
}

void RiskStage::enter(const Probe& probe, Turn& turn) noexcept {
  const Intent& intent = probe.intent;
  const HostTime now = turn.ctx.now;
  const LiveOrder order{.id = intent.id,
                        .price = probe.price,
                        .qty = probe.qty,
                        .reserved = probe.cost,
                        .deadline = now + rules_.limits.entry_ttl,
                        .origin = intent.origin,
                        .pair = probe.pair,
                        .side = intent.side,
                        .kind = OrderKind::Entry};
  if (!place(order, turn)) return refuse(probe, Reason::TableFull, turn);
  turn.ctx.fx.count(Counter::OrdersEntry);
  turn.ctx.fx.record(Histogram::IntentToOrder, now - intent.decided_at);
  turn.ctx.fx.record(Histogram::TickToApprove, now - intent.origin);
  GateRow& gate = state_.gates[intent.instrument];
  ++gate.passed;
  turn.ctx.fx.row(RowTable::Instrument, intent.instrument, gate);
  write_account(turn.ctx);
  tell({.id = intent.id,
        .instrument = intent.instrument,
        .strategy = intent.strategy,
        .side = intent.side,
        .kind = ReportKind::Accepted,
        .reason = Reason::None,
        .price = order.price,
        .qty = order.qty,
        .cum_qty = {},
        .venue_time = probe.market,
        .at = now},
       turn);
}

void RiskStage::exit_on_request(const Probe& probe, Turn& turn) noexcept {
  const Intent& intent = probe.intent;
  const HostTime now = turn.ctx.now;
  const LiveOrder order{.id = intent.id,
                        .price = probe.price,
                        .qty = probe.qty,
                        .deadline = now + rules_.limits.exit_ttl,
                        .origin = intent.origin,
                        .pair = probe.pair,
                        .side = intent.side,
                        .kind = OrderKind::StrategyExit};
  if (!place(order, turn)) return refuse(probe, Reason::TableFull, turn);
  state_.positions.at(probe.pair).exit_order = order.id;
  turn.ctx.fx.count(Counter::OrdersExit);
  turn.ctx.fx.count(Counter::ExitsStrategy);
  write_position(probe.pair, turn.ctx);
  tell({.id = intent.id,
        .instrument = intent.instrument,
        .strategy = intent.strategy,
        .side = intent.side,
        .kind = ReportKind::Accepted,
        .reason = Reason::None,
        .price = order.price,
        .qty = order.qty,
        .cum_qty = {},
        .venue_time = probe.market,
        .at = now},
       turn);
}

// Cancels pass at any level and wait for room if there is none; only their target has to exist.
void RiskStage::cancel_on_request(const Intent& intent, Turn& turn) noexcept {
  const std::size_t index = state_.orders.find(intent.id);
  const bool theirs =
      index != kNoOrder && state_.orders.at(index).works() && intent.id.origin() == intent.seat + 1;
  if (theirs) {
    state_.orders.at(index).cancel_due = 1;
    return;
  }
  Probe probe{rules_, state_, intent, turn.ctx.now, state_.market.floor};
  probe.value = intent.id.counter();
  refuse(probe, Reason::UnknownTarget, turn);
}

void RiskStage::refuse(const Probe& probe, Reason reason, Turn& turn) noexcept {
  const Intent& intent = probe.intent;
  turn.ctx.fx.count(reject_counter(reason));
  if (intent.instrument < kMaxInstruments) {
    GateRow& gate = state_.gates[intent.instrument];
    gate = {.instrument = intent.instrument,
            .strategy = intent.strategy,
            .reason = reason,
            .armed = 0,
            .detail = reason == Reason::AllocatorZero ? static_cast<std::uint8_t>(probe.binding)
                                                      : std::uint8_t{0},
            .value = probe.value,
            .limit = probe.limit,
            .at = turn.ctx.now,
            .passed = gate.passed,
            .refused = gate.refused + 1,
            .market_at = probe.market};
    turn.ctx.fx.row(RowTable::Instrument, intent.instrument, gate);
  }
  const std::int64_t qty =
      reason == Reason::AllocatorZero ? static_cast<std::int64_t>(probe.binding) : probe.qty.raw;
  // An id that names another seat is answered on the edge of the seat that sent it, under its own
  // origin.
  OrderId id = intent.id;
  if (id.origin() != intent.seat + 1)
    id = OrderId::make(id.run(), static_cast<std::uint8_t>(intent.seat + 1), id.counter(),
                       id.slice());
  tell({.id = id,
        .instrument = intent.instrument,
        .strategy = intent.strategy,
        .side = intent.side,
        .kind = ReportKind::Reject,
        .reason = reason,
        .price = intent.price,
        .qty = {qty},
        .cum_qty = {},
        .venue_time = probe.market,
        .at = turn.ctx.now},
       turn);
}

// ---- Orders

// Reserves before the order leaves. False: no place, nothing has happened.
bool RiskStage::place(const LiveOrder& order, Turn& turn) noexcept {
  if (state_.orders.add(order) == kNoOrder) return false;
  emit_order(order, order.kind, turn);
  return true;
}

void RiskStage::emit_order(const LiveOrder& order, OrderKind kind, Turn& turn) noexcept {
  const Pair& pair = rules_.pair[order.pair];
  const bool cancel = kind == OrderKind::Cancel;
  turn.order_sent = true;
  turn.ctx.out.emit(
      Edge::RiskGateway,
      Order{.id = order.id,
            .instrument = pair.instrument,
            .strategy = pair.strategy,
            .side = order.side,
            .kind = kind,
            .flags = 0,
            .price = cancel ? Price{} : order.price,
            .qty = cancel ? Qty{} : order.qty,
            .origin = order.origin,
            .approved_at = turn.ctx.now,
            .kill_epoch = state_.scopes.kill_epoch(pair.strategy, pair.instrument),
            .limits_epoch = state_.scopes.limits_epoch(pair.strategy, pair.instrument)});
}

// A protective exit of what is open, at the newest quote, under a new id.
void RiskStage::send_exit(PairIndex pair, Turn& turn) noexcept {
  Position& position = state_.positions.at(pair);
  const Pair& where = rules_.pair[pair];
  const Quote& quote = state_.quotes.at(where.instrument);
  const Steps& steps = rules_.steps[where.instrument];
  const Side side = opposite(position.side());
  const auto kind = static_cast<OrderKind>(wanted_exit(position, quote, rules_.limits));
  const LiveOrder order{.id = OrderId::make(state_.run, 0, ++state_.exit_counter),
                        .price = exit_price(side, quote, rules_.limits.exit_slip, steps.tick),
                        .qty = largest_exit(position, steps),
                        .deadline = turn.ctx.now + rules_.limits.exit_ttl,
                        .origin = quote.received,
                        .pair = pair,
                        .side = side,
                        .kind = kind};
  state_.due.remove(pair);
  if (!place(order, turn)) return retry_later(position, turn.ctx.now);
  Effects& fx = turn.ctx.fx;
  fx.count(Counter::OrdersExit);
  if (position.exit_kind != 0) {
    fx.count(Counter::ExitsRenewed);
  } else {
    count_exit(static_cast<std::uint8_t>(kind), fx);
    fx.record(Histogram::TickToApprove, turn.ctx.now - order.origin);
  }
  position.exit_order = order.id;
  position.exit_kind = static_cast<std::uint8_t>(kind);
  position.paused = 0;
  write_position(pair, turn.ctx);
}

bool RiskStage::send_next_cancel(Turn& turn) noexcept {
  std::size_t next = kNoOrder;
  state_.orders.each_working([&](std::size_t index, const LiveOrder& order) noexcept {
    if (next == kNoOrder && order.cancel_due != 0) next = index;
  });
  if (next == kNoOrder) return false;
  if (!order_edge_open(turn)) return true;
  state_.orders.at(next).cancel_due = 0;
  turn.ctx.fx.count(Counter::OrdersCancel);
  emit_order(state_.orders.at(next), OrderKind::Cancel, turn);
  return send_next_cancel(turn);  // one level deep: the edge is used now
}

void RiskStage::pump(Turn& turn) noexcept {
  bool more = false;
  if (state_.order_edge_full == 0) {
    PairIndex next =
        state_.due.empty() ? kNoPair : next_exit(rules_, state_, turn.ctx.now, turn.ctx.fx);
    if (next != kNoPair && order_edge_open(turn)) {
      send_exit(next, turn);
      next = next_exit(rules_, state_, turn.ctx.now, turn.ctx.fx);
    }
    more = next != kNoPair;
    more = send_next_cancel(turn) || more;
  }
  for (SeatIndex seat = 0; seat < kSeats && !state_.outbox.empty(); ++seat) {
    const bool full = (state_.seats_full >> seat & 1) != 0;
    if (full || state_.outbox.waiting(seat) == 0) continue;
    if ((turn.seats_told >> seat & 1) == 0) {
      turn.seats_told = static_cast<std::uint8_t>(turn.seats_told | 1u << seat);
      turn.ctx.out.emit(risk_seat(seat), state_.outbox.take(seat));
    }
    more = more || state_.outbox.waiting(seat) != 0;
  }
  state_.more = more ? 1 : 0;
}

// Every report to a seat goes through here: at once if it can, in order behind what waits if not.
void RiskStage::tell(const Report& report, Turn& turn) noexcept {
  const SeatIndex seat = Outbox::seat_of(report);
  if (seat >= kSeats) return;  // risk's own order
  const auto bit = static_cast<std::uint8_t>(1u << seat);
  if (((state_.seats_full | turn.seats_told) & bit) == 0 && state_.outbox.waiting(seat) == 0) {
    turn.seats_told = static_cast<std::uint8_t>(turn.seats_told | bit);
    turn.ctx.out.emit(risk_seat(seat), report);
    return;
  }
  turn.ctx.fx.count(state_.outbox.add(report) ? Counter::ReportsDeferred : Counter::ReportsLost);
}

// ---- Control

void RiskStage::on(const Control& control, Context& ctx) noexcept {
  Turn turn{ctx};
  switch (control.kind) {
    case ControlKind::RunStart: return start_run(control, turn);
    case ControlKind::Recovered: write_rows(ctx); break;
    case ControlKind::Level:
      if (state_.scopes.apply(control)) look_at_open_positions();
      break;
    case ControlKind::Permit:
      state_.scopes.apply(control);
      write_account(ctx);
      break;
    case ControlKind::Cap:
      state_.scopes.apply(control);
      write_account(ctx);
      write_standings(ctx);
      break;
    case ControlKind::Rate: state_.market.set_rate(control.after, ctx.now); break;
    case ControlKind::Conditions:
      state_.conditions = static_cast<std::uint64_t>(control.after);
      break;
    case ControlKind::EdgeFull:
      edge(control, true);
      return;  // emits nothing: others may be full as well
    case ControlKind::EdgeRoom: edge(control, false); break;
    case ControlKind::Deadline: due_deadlines(turn); break;
    case ControlKind::Continue:
    case ControlKind::EdgeBase:
    case ControlKind::Time: break;
  }
  pump(turn);
}

// A new run: nothing that the old one permitted holds, and its clock and rings are gone. Positions,
// profit and loss stay. Orders that still work here are cancelled; the answers settle what became
// of them.
void RiskStage::start_run(const Control& control, Turn& turn) noexcept {
  state_.run = static_cast<std::uint16_t>(control.after);
  state_.exit_counter = 0;
  state_.last_counter = {};
  state_.scopes = {};
  state_.conditions = 0;
  state_.order_edge_full = 0;
  state_.seats_full = 0;
  state_.outbox.clear();
  state_.rows_at = {};
  state_.retry_at = HostTime::never();
  state_.market.received = turn.ctx.now;               // the host's clock may have started anew
  state_.more = state_.orders.working() != 0 ? 1 : 0;  // nothing leaves before the run has begun
  const HostTime now = turn.ctx.now;
  state_.orders.each_working([this, now](std::size_t index, const LiveOrder&) noexcept {
    state_.orders.at(index).cancel_due = 1;
    state_.orders.at(index).deadline = now + rules_.limits.exit_ttl;
  });
  state_.orders.refresh_deadline();
  for (std::size_t pair = 0; pair < rules_.pairs; ++pair)
    state_.positions.at(static_cast<PairIndex>(pair)).retry_at = {};
}

void RiskStage::edge(const Control& control, bool full) noexcept {
  const auto which = static_cast<Edge>(control.index);
  if (which == Edge::RiskGateway) state_.order_edge_full = full ? 1 : 0;
  for (SeatIndex seat = 0; seat < kSeats; ++seat) {
    if (which != risk_seat(seat)) continue;
    const unsigned bit = 1u << seat;
    state_.seats_full =
        static_cast<std::uint8_t>(full ? state_.seats_full | bit : state_.seats_full & ~bit);
  }
}

// Time to live ran out: the remainder is cancelled, and asked for again each time to live until it
// ends.
void RiskStage::due_deadlines(Turn& turn) noexcept {
  const HostTime now = turn.ctx.now;
  state_.orders.each_working([&](std::size_t index, const LiveOrder& order) noexcept {
    if (order.deadline > now) return;
    const bool entry = order.kind == OrderKind::Entry;
    turn.ctx.fx.count(Counter::TimesToLive);
    state_.orders.at(index).cancel_due = 1;
    state_.orders.at(index).deadline =
        now + (entry ? rules_.limits.entry_ttl : rules_.limits.exit_ttl);
  });
  state_.orders.refresh_deadline();
  if (state_.retry_at > now) return;
  state_.retry_at = HostTime::never();
  state_.positions.open().each([&](PairIndex pair) noexcept {
    const Position& position = state_.positions.at(pair);
    if (position.exit_kind == 0 || position.exit_order.raw != 0) return;
    if (position.retry_at <= now) {
      state_.due.add(pair);
    } else {
      state_.retry_at = std::min(state_.retry_at, position.retry_at);
    }
  });
}

void RiskStage::look_at_open_positions() noexcept {
  state_.positions.open().each([this](PairIndex pair) noexcept {
    if (state_.positions.at(pair).exit_order.raw == 0) state_.due.add(pair);
  });
}

}  // namespace sluice::risk
