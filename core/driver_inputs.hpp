// How a driver takes one input: stamp, journal, stage. A part of core/driver.hpp, which includes
// it.
//
// The kind of record is known where a ring is read, so that one goes from its slot into the journal
// and to the stage as what it is, copied once. Only replay asks its edge.
#pragma once

#include "core/driver.hpp"

namespace sluice {

template <class Stage, class Session, class ClockType>
template <Record R>
void Driver<Stage, Session, ClockType>::tell(const R& record, HostTime now) noexcept {
  outputs_.begin_input();
  Context ctx{now, outputs_, effects_};
  if constexpr (std::same_as<R, Control>) note(record);
  if constexpr (std::same_as<R, Event>)
    last_event_sequence_ = std::max(last_event_sequence_, record.sequence);
  if constexpr (TakenBy<R, Stage>) stage_.on(record, ctx);
}

// What a Control says to the driver itself.
template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::note(const Control& control) noexcept {
  watch_.observe(control);
  if (control.kind == ControlKind::Recovered)
    recoveries_ = static_cast<std::uint64_t>(control.after);
  if (control.kind != ControlKind::EdgeFull && control.kind != ControlKind::EdgeRoom) return;
  for (OutputLane& lane : lanes_)
    if (static_cast<std::uint32_t>(lane.edge) == control.index)
      outputs_.set_full(lane.edge, lane.full = control.kind == ControlKind::EdgeFull);
}

// An entry of the journal again.
template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::dispatch(Edge edge, const Payload& payload,
                                                 HostTime now) noexcept {
  switch (record_of(edge)) {
    case RecordKind::Control: return tell(from_payload<Control>(payload), now);
    case RecordKind::Tick: return tell(from_payload<Tick>(payload), now);
    case RecordKind::Intent: return tell(from_payload<Intent>(payload), now);
    case RecordKind::Order: return tell(from_payload<Order>(payload), now);
    case RecordKind::Report: return tell(from_payload<Report>(payload), now);
    case RecordKind::Event: return tell(from_payload<Event>(payload), now);
    case RecordKind::PaperEntry: break;
  }
}

// One more stamp. After a gap nothing is taken before the pages have been looked at again.
template <class Stage, class Session, class ClockType>
HostTime Driver<Stage, Session, ClockType>::stamp() noexcept {
  const HostTime now = clock_.now();
  if (now - now_ > kSuspendedAfter) [[unlikely]]
    suspended_ = true;
  return now_ = now;
}

template <class Stage, class Session, class ClockType>
template <Record R>
void Driver<Stage, Session, ClockType>::take(Edge edge, const R& record) noexcept {
  const HostTime now = journal_.append(edge, record, now_);
  ++next_in_[static_cast<std::size_t>(edge)];
  tell(record, now);
  // Every tick that makes something, and some of the others: a second stamp for each would cost as
  // much as most of them do.
  if constexpr (std::same_as<R, Tick> && requires { Stage::kEvaluation; })
    if (outputs_.emitted_any() || ++evaluated_ % kEvaluationEvery == 0)
      effects_.record(Stage::kEvaluation, clock_.now() - now);
}

// The last entries of the journal ring are kept for Controls.
template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::inject(const Control& control) noexcept {
  if (!room_for_input(2)) return false;
  take(Edge::Control, control);
  return true;
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::take_control(ControlKind kind, std::uint32_t index,
                                                     std::int64_t after) noexcept {
  Control control{};
  control.kind = kind;
  control.scope = ScopeKind::Global;
  control.index = index;
  control.after = after;
  take(Edge::Control, control);
}

template <class Stage, class Session, class ClockType>
std::size_t Driver<Stage, Session, ClockType>::take_events() noexcept {
  std::size_t taken = 0;
  if constexpr (TakenBy<Event, Stage>) {
    while (taken < kInputBatch && session_.has_event() && room_for_input(16)) {
      stamp();
      if (suspended_) break;
      take(Edge::Event, session_.next_event());
      ++taken;
    }
    owed_ = owed_ || session_.has_event();
  }
  return taken;
}

template <class Stage, class Session, class ClockType>
std::size_t Driver<Stage, Session, ClockType>::take_waiting(Input& input) noexcept {
  switch (input.record) {
    case RecordKind::Tick: return take_ring<Tick>(input);
    case RecordKind::Intent: return take_ring<Intent>(input);
    case RecordKind::Order: return take_ring<Order>(input);
    case RecordKind::Report: return take_ring<Report>(input);
    case RecordKind::Control:
    case RecordKind::Event:
    case RecordKind::PaperEntry: break;  // no ring carries them
  }
  return 0;
}

// A tick that the session is shown as well is kept until the tail is out, where it was polled to.
template <class Stage, class Session, class ClockType>
template <Record R>
std::size_t Driver<Stage, Session, ClockType>::take_ring(Input& input) noexcept {
  constexpr bool kTick = std::same_as<R, Tick>;
  constexpr bool kKept = kTick && !std::same_as<Session, NoSession>;
  // The last quarter of the journal serves reports, control and exits; ticks wait (and the feed
  // counts).
  const std::uint64_t reserve = kTick ? journal_.capacity() / 4 : 16;
  const std::size_t limit = kKept ? kTickBatch - quotes_count_ : kTick ? kTickBatch : kInputBatch;
  std::size_t taken = 0;
  while (taken < limit && input.consumer.waiting()) {
    if (faulted_ || suspended_) break;
    if (!room_for_input(reserve)) {
      owed_ = true;
      break;
    }
    stamp();
    if (suspended_) break;
    R passing;
    R* record = &passing;
    if constexpr (kKept) record = &quotes_[quotes_count_];
    const Poll poll = input.consumer.poll(*record);
    if (poll == Poll::Corrupt) fault("holds a word that cannot be: corrupt", input.edge);
    if (poll != Poll::Record) break;
    if constexpr (kKept) ++quotes_count_;
    take(input.edge, *record);
    ++taken;
    if (kTick && outputs_.emitted_any()) break;  // an intent leaves at once
  }
  owed_ = owed_ || (!kTick && taken > 0);
  return taken;
}

}  // namespace sluice
