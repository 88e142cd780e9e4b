// The paper session: the last look and a simulated venue behind it. Every change of the venue is an
// entry of its order log, appended first and applied second; appending Placed *is* the send. So the
// log is all that must survive: it rebuilds this object after a crash, and tests read it as an
// oracle.
//
// The venue: an order rests from approved_at + latency and trades with quotes whose rx_time is not
// before that: a buy at the ask if its limit reaches it, at most the displayed quantity not yet
// taken; the rest waits for later quotes. A cancel takes effect one latency after it was asked;
// fills may win.
//
// Runs on the gateway's hot thread, beside the driver. Nothing here allocates, throws or reads a
// clock.
#pragma once

#include <concepts>
#include <cstdlib>

#include "core/error.hpp"
#include "core/stage.hpp"
#include "gateway/config.hpp"
#include "gateway/last_look.hpp"
#include "gateway/paper_book.hpp"
#include "gateway/paper_market.hpp"
#include "gateway/stage.hpp"

namespace sluice {

// Appends at the next position, counted from 0. False: full, nothing was appended.
template <class T>
concept PaperLog = requires(T& log, const PaperEntry& entry) {
  { log.append(entry) }
  noexcept->std::same_as<bool>;
};

// Mismatches between what the stage and the venue hold of open and of ended orders.
// paper_session.cpp
[[nodiscard]] std::size_t count_mismatches(const PaperBook& venue,
                                           const GatewayStage::State& stage) noexcept;
// The event an entry means for the stage; false for Placed (its verdict says it) and CancelAsked.
[[nodiscard]] bool event_of(const PaperEntry& entry, std::uint64_t position, std::uint64_t venue_id,
                            Event& event) noexcept;
[[nodiscard]] Event answer_of(const PaperBook& venue, OrderId id) noexcept;

template <PaperLog Log>
class PaperSession {
 public:
  // Events wait here until the driver takes them. The venue stands still (acks, fills, cancels wait
  // for the next quote or poll) while fewer than kReserve places are free: those belong to
  // verdicts, one per command. A driver takes as many events per turn as it gives commands, so they
  // suffice; should they not, the process stops before it forgets a verdict, and recovery asks.
  static constexpr std::size_t kEvents = 4096;
  static constexpr std::size_t kReserve = 1024;

  PaperSession(const GatewayConfig& config, LastLook& look, Log& log, Effects& effects) noexcept
      : config_(config), look_(look), log_(log), fx_(effects) {}

  void execute(const Order& command, HostTime now, std::uint32_t conditions) noexcept;
  void on_tick(const Tick& tick, HostTime now) noexcept;
  void poll(HostTime now) noexcept;
  [[nodiscard]] bool has_event() const noexcept { return !events_.empty(); }
  // Precondition: has_event().
  Event next_event() noexcept { return events_.pop(); }
  // Entries are in the log when append returns: no byte of ours is ever under way.
  [[nodiscard]] bool drained() const noexcept { return true; }
  [[nodiscard]] bool room() const noexcept { return events_.count < kEvents; }

  void sweep(HostTime now) noexcept;
  void query(OrderId id) noexcept { push(answer_of(book_, id)); }

  // Setup, before rebuild: one entry of an earlier run's log. Its fills are positions of today; its
  // orders did not outlive their run.
  void carry(const PaperEntry& entry);
  // Setup: `next(PaperEntry&) -> bool` yields the log of this run from position 0. Events of
  // entries that the stage's journal does not hold (above its highest Event.sequence) are queued
  // again. A Placed entry without a journaled verdict is not: the stage asks for it.
  template <class Next>
  void rebuild(Next&& next, std::uint32_t last_sequence);

  // Compares with the stage once it has taken every event and nothing is in doubt; then queues
  // Reconciled. False: not yet, call again in the next turn.
  [[nodiscard]] bool reconcile(const GatewayStage::State& stage) noexcept;

  [[nodiscard]] const PaperBook& book() const noexcept { return book_; }
  [[nodiscard]] std::uint64_t position() const noexcept { return position_; }

 private:
  void place(const Order& order, HostTime now, std::uint32_t conditions) noexcept;
  void cancel(const Order& command, HostTime now) noexcept;
  void ask_cancel(PaperOrder& order, HostTime now) noexcept;
  void look_at_sweep(HostTime now) noexcept;
  bool due(PaperOrder& order, HostTime now) noexcept;
  bool trade(PaperOrder& order, const Tick& tick, HostTime now) noexcept;
  void reject_pending_cancel(const PaperEntry& ended) noexcept;
  bool commit(const PaperEntry& entry) noexcept;
  void push(const Event& event) noexcept;
  void verdict(OrderId id, EventKind kind, Reason reason, std::uint64_t venue_id) noexcept;

  [[nodiscard]] bool venue_may_act() const noexcept { return kEvents - events_.count >= kReserve; }
  [[nodiscard]] HostTime rests_at(const PaperOrder& order) const noexcept {
    return order.approved_at + config_.paper_latency;
  }
  static PaperEntry entry_of(const PaperOrder& order, PaperWhat what, HostTime now) noexcept {
    return {order.id,    order.instrument, order.strategy, order.side, order.kind,       what,
            order.price, order.qty,        order.cum,      now,        order.approved_at};
  }

  GatewayConfig config_;
  LastLook& look_;
  Log& log_;
  Effects& fx_;
  PaperBook book_;
  PaperMarket market_;
  Fifo<Event, kEvents> events_{};
  std::uint64_t position_ = 0;  // of the next log entry
  MarketTime venue_time_{};     // of the last tick
  bool sweeping_ = false;
  bool seen_empty_ = false;  // the sweep's first look found no open order
  HostTime sweep_look_{};    // when it looks again
};

// ---- commands

template <PaperLog Log>
void PaperSession<Log>::execute(const Order& command, HostTime now,
                                std::uint32_t conditions) noexcept {
  if ((command.flags & kSweep) != 0) return sweep(now);
  if ((command.flags & kQuery) != 0) return query(command.id);
  if (command.kind == OrderKind::Cancel) return cancel(command, now);
  place(command, now, conditions);
}

template <PaperLog Log>
void PaperSession<Log>::place(const Order& order, HostTime now, std::uint32_t conditions) noexcept {
  const PaperEntry entry{order.id,    order.instrument, order.strategy,
                         order.side,  order.kind,       PaperWhat::Placed,
                         order.price, order.qty,        Qty{},
                         now,         order.approved_at};
  Reason reason = look_.check(order, now, conditions, book_.own());
  if (reason == Reason::None && book_.open() == kPaperOrders) reason = Reason::TableFull;
  if (reason == Reason::None && book_.find(order.id) != nullptr) reason = Reason::DuplicateId;
  if (reason == Reason::None && !commit(entry)) reason = Reason::LogFull;
  if (reason != Reason::None) return verdict(order.id, EventKind::Refused, reason, 0);
  fx_.record(GatewayHistogram::kTickToSend, now - order.origin);
  fx_.record(GatewayHistogram::kApproveToSend, now - order.approved_at);
  verdict(order.id, EventKind::Sent, Reason::None, position_);
}

template <PaperLog Log>
void PaperSession<Log>::cancel(const Order& command, HostTime now) noexcept {
  if (!look_.may_cancel(command.strategy, command.instrument))
    return verdict(command.id, EventKind::CancelReject, Reason::LastLookLevel, 0);
  if (PaperOrder* order = book_.find(command.id); order != nullptr) return ask_cancel(*order, now);
  PaperEntry entry{};
  entry.id = command.id;
  entry.instrument = command.instrument;
  entry.strategy = command.strategy;
  entry.side = command.side;
  entry.kind = OrderKind::Cancel;
  entry.what = PaperWhat::CancelRejected;
  entry.at = now;
  if (!commit(entry)) verdict(command.id, EventKind::CancelReject, Reason::LogFull, 0);
}

// A cancel finds the log full: poll asks again, a cancel is never lost.
template <PaperLog Log>
void PaperSession<Log>::ask_cancel(PaperOrder& order, HostTime now) noexcept {
  if (order.cancel_asked) return;
  order.cancel_wanted = !commit(entry_of(order, PaperWhat::CancelAsked, now));
}

template <PaperLog Log>
void PaperSession<Log>::sweep(HostTime now) noexcept {
  sweeping_ = true;
  seen_empty_ = false;
  sweep_look_ = now;
  look_at_sweep(now);
}

// Done when the venue's list was empty twice, one latency apart: what was on its way has arrived.
template <PaperLog Log>
void PaperSession<Log>::look_at_sweep(HostTime now) noexcept {
  if (!look_.may_sweep()) return;
  for (std::size_t i = 0; i < book_.open(); ++i) ask_cancel(book_.order(i), now);
  if (book_.open() > 0) seen_empty_ = false;
  if (book_.open() > 0 || now < sweep_look_) return;
  sweep_look_ = now + config_.paper_latency;
  if (!seen_empty_) {
    seen_empty_ = true;
    return;
  }
  sweeping_ = false;
  verdict(OrderId{}, EventKind::SweepDone, Reason::None, 0);
}

// ---- venue

template <PaperLog Log>
void PaperSession<Log>::on_tick(const Tick& tick, HostTime now) noexcept {
  if (tick.venue_time.ns != 0) venue_time_ = tick.venue_time;
  if (tick.kind != TickKind::Quote || tick.instrument >= kMaxInstruments) return;
  market_.show(tick);
  for (std::size_t i = 0; i < book_.open() && venue_may_act();) {
    const std::size_t open = book_.open();
    PaperOrder& order = book_.order(i);
    if (order.instrument == tick.instrument && tick.rx_time >= rests_at(order))
      trade(order, tick, now);
    if (book_.open() == open) ++i;  // else the next one has moved to this place
  }
}

template <PaperLog Log>
bool PaperSession<Log>::trade(PaperOrder& order, const Tick& tick, HostTime now) noexcept {
  // A cancel that took effect before the quote wins, whenever the quote is read.
  if (order.cancel_asked && tick.rx_time >= order.cancel_asked_at + config_.paper_latency)
    return commit(entry_of(order, PaperWhat::Cancelled, now));
  PaperMarket::Touch& touch = market_.against(order.instrument, order.side);
  const Qty qty = std::min(order.remaining(), touch.left());
  if (qty <= Qty{} || !PaperMarket::crosses(order.side, order.price, touch)) return false;
  PaperEntry entry = entry_of(order, PaperWhat::Filled, now);
  entry.price = touch.price;
  entry.qty = qty;
  entry.cum_qty = order.cum + qty;
  const bool last = qty == order.remaining();
  const bool cancelled = order.cancel_asked;
  if (!order.acked) verdict(order.id, EventKind::Ack, Reason::None, order.venue_id);
  order.acked = true;
  if (!commit(entry)) return false;
  touch.taken += qty;
  if (last && cancelled) reject_pending_cancel(entry);
  return true;
}

// The order has ended otherwise; the cancel message is answered all the same.
template <PaperLog Log>
void PaperSession<Log>::reject_pending_cancel(const PaperEntry& ended) noexcept {
  PaperEntry entry = ended;
  entry.what = PaperWhat::CancelRejected;
  // With the log full the answer is missing; the order's end has told the stage already.
  static_cast<void>(commit(entry));
}

template <PaperLog Log>
void PaperSession<Log>::poll(HostTime now) noexcept {
  for (std::size_t i = 0; i < book_.open() && venue_may_act();)
    if (!due(book_.order(i), now)) ++i;
  if (sweeping_ && venue_may_act()) look_at_sweep(now);
}

// What time alone does to an order. True if it has ended, and the next one has moved to its place.
template <PaperLog Log>
bool PaperSession<Log>::due(PaperOrder& order, HostTime now) noexcept {
  if (!order.acked && now >= rests_at(order)) {
    order.acked = true;
    verdict(order.id, EventKind::Ack, Reason::None, order.venue_id);
  }
  if (order.cancel_wanted && look_.may_cancel(order.strategy, order.instrument))
    ask_cancel(order, now);
  if (order.cancel_asked && now >= order.cancel_asked_at + config_.paper_latency)
    return commit(entry_of(order, PaperWhat::Cancelled, now));
  const bool expires = config_.paper_order_life > Duration{};
  if (!expires || now < order.placed_at + config_.paper_order_life) return false;
  const bool cancelled = order.cancel_asked;
  const PaperEntry entry = entry_of(order, PaperWhat::Expired, now);
  if (!commit(entry)) return false;
  if (cancelled) reject_pending_cancel(entry);
  return true;
}

// ---- the log

// Log first, book second, event last.
template <PaperLog Log>
bool PaperSession<Log>::commit(const PaperEntry& entry) noexcept {
  const PaperOrder* order = book_.find(entry.id);
  const std::uint64_t venue_id = order != nullptr ? order->venue_id : 0;
  if (!log_.append(entry)) return false;
  const std::uint64_t position = position_++;
  // What we append follows from the book, so it cannot contradict it.
  if (!book_.apply(entry, position)) std::abort();
  Event event;
  if (!event_of(entry, position, venue_id, event)) return true;
  event.venue_time = venue_time_;
  push(event);
  return true;
}

template <PaperLog Log>
void PaperSession<Log>::push(const Event& event) noexcept {
  if (events_.full()) std::abort();  // kReserve explains why it cannot be
  events_.push(event);
}

// An event without an entry of its own; an Ack stands on its Placed.
template <PaperLog Log>
void PaperSession<Log>::verdict(OrderId id, EventKind kind, Reason reason,
                                std::uint64_t venue_id) noexcept {
  Event event{};
  event.id = id;
  event.kind = kind;
  event.reason = reason;
  event.venue_id = venue_id;
  event.sequence = kind == EventKind::Ack ? static_cast<std::uint32_t>(venue_id) : 0;
  event.venue_time = venue_time_;
  push(event);
}

template <PaperLog Log>
void PaperSession<Log>::carry(const PaperEntry& entry) {
  if (!book_.apply(entry, 0))
    throw Error("paper log of an earlier run: an entry contradicts those before it");  // setup
}

template <PaperLog Log>
template <class Next>
void PaperSession<Log>::rebuild(Next&& next, std::uint32_t last_sequence) {
  book_.drop_open();
  for (PaperEntry entry; next(entry); ++position_) {
    const PaperOrder* order = book_.find(entry.id);
    const std::uint64_t venue_id = order != nullptr ? order->venue_id : 0;
    if (!book_.apply(entry, position_))
      throw Error("paper log: entry " + std::to_string(position_) +  // setup
                  " contradicts those before it");                   // setup
    Event event;
    if (position_ < last_sequence || !event_of(entry, position_, venue_id, event)) continue;
    if (events_.full())
      throw Error("paper log: more than " + std::to_string(kEvents) +  // setup
                  " events are missing in the gateway's journal; the two do not belong together");
    push(event);
  }
}

template <PaperLog Log>
bool PaperSession<Log>::reconcile(const GatewayStage::State& stage) noexcept {
  if (!events_.empty()) return false;
  for (SlotIndex i = 0; i < stage.orders.used(); ++i) {
    const OrderState state = stage.orders.at(i).state;
    if (state == OrderState::Sending || state == OrderState::InDoubt) return false;
  }
  Event event{};
  event.kind = EventKind::Reconciled;
  event.qty = {static_cast<std::int64_t>(count_mismatches(book_, stage))};
  event.venue_time = venue_time_;
  push(event);
  return true;
}

}  // namespace sluice
