// The loop of a journaled stage (seat, risk, gateway): merges its inputs into one order, journals
// them, calls the stage, publishes its outputs.
//
//   turn:  pages -> obeyed serial -> session events -> reports -> intents or orders -> ticks
//   (bounded)
//          -> deadline, continue -> raises -> journal tail -> outputs
//          -> session commands and quotes -> input heads -> heartbeat
//
// Invariants (model-checked): an input is journaled before it is dispatched; the tail is released
// before any output of the turn is published or any input head moves; room for one output per edge
// is tested before every input; output k of an edge has ring sequence k. So a crash at any
// instruction loses nothing: recovery replays the journal, suppresses what is published already and
// publishes the rest.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <string>
#include <vector>

#include "core/checkpoint.hpp"
#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/journal.hpp"
#include "core/ring.hpp"
#include "core/stage.hpp"
#include "core/stage_page.hpp"
#include "core/watch.hpp"

namespace sluice {

// The session of stages that have none.
struct NoSession {
  void execute(const Order&, HostTime, std::uint32_t) noexcept {}
  void on_tick(const Tick&, HostTime) noexcept {}
  void poll(HostTime) noexcept {}
  bool next_event(Event&) noexcept { return false; }
  // True if every byte handed over for sending has left this host.
  [[nodiscard]] bool drained() const noexcept { return true; }
};

template <class R, class Stage>
concept TakenBy = requires(Stage& stage, const R& record, Context& ctx) {
  stage.on(record, ctx);
};

struct DriverSources {
  const ControlPage* control = nullptr;
  KillPage* kill = nullptr;
  StagePage* page = nullptr;
  JournalMemory* journal = nullptr;
  const StagePage* peer = nullptr;
  Process process = Process::Risk;
  CheckpointMemory* checkpoint = nullptr;  // null: recovery replays the whole journal
  std::uint64_t checkpoint_every = kCheckpointEvery;
};

// What recovery publishes of the outputs it generates again. A parameter, for tests of the others.
struct PublishRest {
  static constexpr bool fresh(std::uint64_t output, std::uint64_t published) noexcept {
    return output >= published;
  }
};

// Stages whose state is plain bytes.
template <class Stage>
concept Checkpointed = requires(Stage& stage) {
  stage.restore(stage.state());
  requires std::is_trivially_copyable_v<std::remove_cvref_t<decltype(stage.state())>>;
};

template <class Stage, class Session = NoSession, class ClockType = Clock>
class Driver {
 public:
  static constexpr std::size_t kTickBatch = 16;   // an intent or order waits for at most so many
  static constexpr std::size_t kInputBatch = 32;  // of any other edge
  static constexpr Duration kQuiet = Duration::millis(20);

  Driver(Stage& stage, Session& session, const ClockType& clock, const DriverSources& sources)
      : stage_(stage), session_(session), clock_(clock), from_(sources), effects_(sources.page) {
    watch_.attach({sources.control, sources.kill, sources.journal, sources.peer});
    outputs_.open(Edge::Command);
  }

  void open_input(Edge edge, RingMemory& ring) {
    inputs_.push_back({edge, class_of_edge(edge), &ring, {}});
  }
  void open_output(Edge edge, RingMemory& ring) {
    outputs_.open(edge);
    lanes_.push_back({edge, &ring, {}, 0, false});
  }

  // Setup. `next(JournalSlot&, position) -> bool` yields the committed entries, from the newest
  // checkpoint on or from position 0. Throws Error if an entry is corrupt or the outputs in the
  // rings are ahead of the journal.
  template <class Republish = PublishRest, class NextEntry>
  void recover(NextEntry&& next);

  // One turn; true if it did anything. After a false return the caller idles.
  bool turn() noexcept;

  [[nodiscard]] bool faulted() const noexcept { return faulted_; }
  [[nodiscard]] const Effects& effects() const noexcept { return effects_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return journal_.next(); }
  [[nodiscard]] std::uint32_t last_event_sequence() const noexcept { return last_event_sequence_; }
  [[nodiscard]] std::uint32_t conditions() const noexcept { return watch_.conditions(); }
  // Nothing is owed any more: for so long no neighbour has asked or answered, nothing was said, and
  // no input was held back. Ticks do not count: they never end while the feed lives.
  [[nodiscard]] bool drained() const noexcept { return turn_at_ - owed_at_ > kQuiet; }

 private:
  // The driver's part of a checkpoint; the stage's state follows it.
  struct State {
    HostTime now;  // of the last entry
    std::array<std::uint64_t, kEdgeSpan> next_in{};
    std::array<std::uint64_t, kEdgeSpan> generated{};  // by output edge
    std::array<std::uint8_t, kEdgeSpan> full{};
    std::uint64_t recoveries = 0;
    std::uint64_t last_event_sequence = 0;
    PageWatch::Told told;
  };

  enum class InputClass : std::uint8_t { Report = 0, Request = 1, Tick = 2 };

  struct Input {
    Edge edge;
    InputClass kind;
    RingMemory* ring;
    Consumer consumer;
  };
  struct OutputLane {
    Edge edge;
    RingMemory* ring;
    Producer producer;
    std::uint64_t generated;
    bool full;  // as the stage was told
  };

  static InputClass class_of_edge(Edge edge) noexcept {
    const RecordKind kind = record_of(edge);
    return kind == RecordKind::Report ? InputClass::Report
           : kind == RecordKind::Tick ? InputClass::Tick
                                      : InputClass::Request;
  }

  // Lane 0 of Outputs is the command lane; ring lane i is lane i + 1.
  [[nodiscard]] std::uint32_t pending(std::size_t ring_lane) const noexcept {
    return outputs_.lane(ring_lane + 1).count;
  }

  void dispatch(Edge edge, const Payload& payload, HostTime now) noexcept;
  void take(Edge edge, const Payload& payload) noexcept;
  bool inject(const Control& control) noexcept;
  void take_control(ControlKind kind, std::uint32_t index, std::int64_t after) noexcept;
  bool room_for_input(std::uint64_t journal_entries) noexcept;
  bool tell_edges() noexcept;
  std::size_t take_events() noexcept;
  std::size_t take_ring(Input& input, std::size_t limit) noexcept;
  std::size_t take_class(InputClass kind, std::size_t limit) noexcept;
  void take_due() noexcept;
  bool tell_recovered() noexcept;
  void flush() noexcept;
  void commit() noexcept;
  void obey() noexcept;
  void beat() noexcept;
  void fault(const char* what, Edge edge) noexcept;
  template <class Republish, class NextEntry>
  void replay(NextEntry& next, std::vector<std::vector<Payload>>& unpublished);
  void republish(const std::vector<std::vector<Payload>>& unpublished);
  void start_journal() noexcept;
  void checkpoint_if_due(bool idle) noexcept;
  template <class NextEntry>
  [[nodiscard]] std::uint64_t restore_checkpoint(NextEntry& next, std::uint64_t tail,
                                                 JournalDecoder& decoder);
  void obey_while_replaying() noexcept;

  Stage& stage_;
  Session& session_;
  const ClockType& clock_;
  DriverSources from_;
  Effects effects_;
  Outputs outputs_;
  PageWatch watch_;
  JournalWriter journal_;
  std::vector<Input> inputs_;  // filled at setup, never grown afterwards
  std::vector<OutputLane> lanes_;
  std::array<std::uint64_t, kEdgeSpan> next_in_{};
  std::array<Tick, kTickBatch> quotes_;  // ticks of this turn, for the session, after the tail
  std::size_t quotes_count_ = 0;
  std::uint32_t last_event_sequence_ = 0;
  std::uint64_t recoveries_ = 0;
  std::uint64_t checkpointed_ = 0;  // position of the newest checkpoint
  HostTime turn_at_;
  HostTime beat_at_;
  HostTime owed_at_;  // last turn that was not about ticks alone
  bool recovered_untold_ = false;
  bool faulted_ = false;
};

// ---- one input

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::dispatch(Edge edge, const Payload& payload,
                                                 HostTime now) noexcept {
  outputs_.begin_input();
  Context ctx{now, outputs_, effects_};
  switch (record_of(edge)) {
    case RecordKind::Control: {
      const auto control = from_payload<Control>(payload);
      watch_.observe(control);
      if (control.kind == ControlKind::Recovered)
        recoveries_ = static_cast<std::uint64_t>(control.after);
      if (control.kind == ControlKind::EdgeFull || control.kind == ControlKind::EdgeRoom)
        for (OutputLane& lane : lanes_)
          if (static_cast<std::uint32_t>(lane.edge) == control.index)
            outputs_.set_full(lane.edge, lane.full = control.kind == ControlKind::EdgeFull);
      stage_.on(control, ctx);
      break;
    }
    case RecordKind::Tick: {
      const auto tick = from_payload<Tick>(payload);
      if constexpr (!std::same_as<Session, NoSession>)
        if (quotes_count_ < quotes_.size()) quotes_[quotes_count_++] = tick;
      if constexpr (TakenBy<Tick, Stage>) stage_.on(tick, ctx);
      break;
    }
    case RecordKind::Intent:
      if constexpr (TakenBy<Intent, Stage>) stage_.on(from_payload<Intent>(payload), ctx);
      break;
    case RecordKind::Order:
      if constexpr (TakenBy<Order, Stage>) stage_.on(from_payload<Order>(payload), ctx);
      break;
    case RecordKind::Report:
      if constexpr (TakenBy<Report, Stage>) stage_.on(from_payload<Report>(payload), ctx);
      break;
    case RecordKind::Event: {
      const auto event = from_payload<Event>(payload);
      if (event.sequence > last_event_sequence_) last_event_sequence_ = event.sequence;
      if constexpr (TakenBy<Event, Stage>) stage_.on(event, ctx);
      break;
    }
    case RecordKind::PaperEntry: break;
  }
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::take(Edge edge, const Payload& payload) noexcept {
  const HostTime now = journal_.append(edge, payload, clock_.now());
  ++next_in_[static_cast<std::size_t>(edge)];
  dispatch(edge, payload, now);
  if constexpr (requires { Stage::kEvaluation; })
    if (record_of(edge) == RecordKind::Tick)
      effects_.record(Stage::kEvaluation, clock_.now() - now);
}

// The last entries of the journal ring are kept for Controls.
template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::inject(const Control& control) noexcept {
  if (!room_for_input(2)) return false;
  take(Edge::Control, to_payload(control));
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
  take(Edge::Control, to_payload(control));
}

// Tells the stage of every edge that ran full, then of one that has room again (which may make it
// emit, so the first test is repeated). False: no journal room to say so.
template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::tell_edges() noexcept {
  for (;;) {
    OutputLane* cleared = nullptr;
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      OutputLane& lane = lanes_[i];
      const std::uint64_t capacity = lane.producer.capacity();
      const std::uint64_t need = pending(i) + (lane.full ? capacity / 2 : capacity >= 16 ? 4u : 1u);
      const bool enough = lane.producer.credit(need) >= need;
      if (enough && lane.full) cleared = &lane;
      if (enough || lane.full) continue;
      if (journal_.room() < 2) return false;
      take_control(ControlKind::EdgeFull, static_cast<std::uint32_t>(lane.edge), 0);
    }
    if (cleared == nullptr) return true;
    if (journal_.room() < 2) return false;
    take_control(ControlKind::EdgeRoom, static_cast<std::uint32_t>(cleared->edge), 0);
  }
}

// True if one more input may be taken: the stage knows the state of every edge, no batch is
// exhausted, and the journal has `journal_entries` entries of room.
template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::room_for_input(std::uint64_t journal_entries) noexcept {
  const auto batch_left = [this] {
    for (std::size_t i = 0; i < outputs_.lanes(); ++i)
      if (outputs_.lane(i).count + Outputs::kLanes > Outputs::kBatch) return false;
    return true;
  };
  // Before telling edges as well as after: every EdgeRoom may cause one output per lane.
  if (journal_.room() < journal_entries || !batch_left() || !tell_edges()) return false;
  return batch_left() && journal_.room() >= journal_entries;
}

// ---- one turn

template <class Stage, class Session, class ClockType>
std::size_t Driver<Stage, Session, ClockType>::take_events() noexcept {
  std::size_t taken = 0;
  if constexpr (TakenBy<Event, Stage>) {
    Event event;
    while (taken < kInputBatch && room_for_input(16) && session_.next_event(event)) {
      take(Edge::Event, to_payload(event));
      ++taken;
    }
  }
  return taken;
}

template <class Stage, class Session, class ClockType>
std::size_t Driver<Stage, Session, ClockType>::take_ring(Input& input, std::size_t limit) noexcept {
  // The last quarter of the journal serves reports, control and exits; ticks wait (and the feed
  // counts).
  const std::uint64_t reserve = input.kind == InputClass::Tick ? journal_.capacity() / 4 : 16;
  std::size_t taken = 0;
  while (taken < limit && !faulted_ && room_for_input(reserve)) {
    Payload payload;
    const Poll poll = input.consumer.poll(payload);
    if (poll == Poll::Corrupt) fault("holds a word that cannot be: corrupt", input.edge);
    if (poll != Poll::Record) break;
    take(input.edge, payload);
    ++taken;
    if (input.kind == InputClass::Tick && outputs_.emitted_any())
      break;  // an intent leaves at once
  }
  return taken;
}

template <class Stage, class Session, class ClockType>
std::size_t Driver<Stage, Session, ClockType>::take_class(InputClass kind,
                                                          std::size_t limit) noexcept {
  std::size_t taken = 0;
  for (Input& input : inputs_)
    if (input.kind == kind) taken += take_ring(input, limit);
  return taken;
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::take_due() noexcept {
  if (stage_.wants_continue() && room_for_input(16)) take_control(ControlKind::Continue, 0, 0);
  if (stage_.deadline() <= clock_.now() && room_for_input(16))
    take_control(ControlKind::Deadline, 0, 0);
}

template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::tell_recovered() noexcept {
  if (!room_for_input(2)) return false;
  take_control(ControlKind::Recovered, 0, static_cast<std::int64_t>(recoveries_ + 1));
  from_.page->recoveries.store(recoveries_, std::memory_order_relaxed);
  recovered_untold_ = false;
  return true;
}

template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::turn() noexcept {
  const HostTime now = clock_.now();
  const bool suspended = now - turn_at_ > kSuspendedAfter;
  turn_at_ = now;
  const std::uint64_t before = journal_.next();
  bool blocked = recovered_untold_ && !tell_recovered();
  if (suspended || watch_.due(now)) {
    // Also while blocked: telling nothing it reads the serial, which taking no input obeys.
    const auto scan = [&] {
      return watch_.scan(now, clock_.liveness_us(), suspended,
                         [&](const Control& control) { return !blocked && inject(control); });
    };
    bool scanned = scan();
    // Again if a raise was met between its two serials: it is not obeyed a whole turn later.
    if (scanned && watch_.due(now)) scanned = scan();
    blocked = blocked || !scanned;  // what could not be told yet must be told before anything else
  }
  obey();
  std::size_t taken = 0;
  bool owed = blocked;
  if (!blocked && !faulted_) {
    session_.poll(now);
    taken += take_events();
    taken += take_class(InputClass::Report, kInputBatch);
    taken += take_class(InputClass::Request, kInputBatch);
    owed = taken > 0 || !room_for_input(journal_.capacity() / 4);
    taken += take_class(InputClass::Tick, kTickBatch);
    if (!faulted_) take_due();
  }
  for (std::size_t i = 0; i < outputs_.lanes(); ++i) owed = owed || outputs_.lane(i).count > 0;
  if (owed && !faulted_) owed_at_ = now;
  const bool worked = journal_.next() != before;
  if (worked) flush();
  if (taken == 0)
    for (Input& input : inputs_) input.consumer.publish_head();
  beat();
  checkpoint_if_due(!worked);
  return worked;
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::commit() noexcept {
  // Raises first: a crash behind the tail would lose them, because recovery mutes effects. A crash
  // before the tail repeats them, which is harmless.
  for (std::size_t i = 0; i < effects_.raises(); ++i) {
    const Effects::Raise& raise = effects_.raise_at(i);
    raise_kill(*from_.kill, raise.scope, raise.level, raise.cause);
  }
  effects_.clear_raises();
  journal_.commit();
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::flush() noexcept {
  commit();
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const Outputs::Lane& lane = outputs_.lane(i + 1);
    for (std::uint32_t k = 0; k < lane.count; ++k) lanes_[i].producer.push(lane.records[k]);
    lanes_[i].generated += lane.count;
  }
  const Outputs::Lane& commands = outputs_.lane(0);
  for (std::uint32_t k = 0; k < commands.count; ++k)
    session_.execute(from_payload<Order>(commands.records[k]), clock_.now(), watch_.conditions());
  for (std::size_t k = 0; k < quotes_count_; ++k) session_.on_tick(quotes_[k], journal_.now());
  quotes_count_ = 0;
  outputs_.clear();
  for (Input& input : inputs_) input.consumer.publish_head_if_due();
}

// The obeyed serial is published when the Controls of its scan are dispatched and committed, or
// when they cannot be journaled: then this gate takes no input at all, which obeys any level.
// Before what they make the stage do, which a raiser does not wait for: the last look refuses
// entries among it, and cancels of a sweep take microseconds.
template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::obey() noexcept {
  if (!session_.drained()) return;
  StagePage& page = *from_.page;
  const std::uint64_t serial = watch_.serial();
  if (serial == ~std::uint64_t{0} || page.obeyed.load(std::memory_order_relaxed) == serial) return;
  commit();
  page.obeyed_at_ns.store(static_cast<std::uint64_t>(clock_.now().ns), std::memory_order_relaxed);
  page.obeyed.store(serial, std::memory_order_release);  // pairs with the raiser's wait
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::beat() noexcept {
  if (turn_at_ - beat_at_ < Duration::millis(1) && beat_at_.ns != 0) return;
  beat_at_ = turn_at_;
  StagePage& page = *from_.page;
  page.heartbeat_us.store(clock_.liveness_us(), std::memory_order_relaxed);
  page.conditions.store(watch_.conditions(), std::memory_order_relaxed);
  page.journal_position.store(journal_.next(), std::memory_order_relaxed);
  page.lease_epoch_accepted.store(watch_.lease_epoch(), std::memory_order_relaxed);
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::fault(const char* what, Edge edge) noexcept {
  faulted_ = true;
  StagePage& page = *from_.page;
  std::size_t at = 0;
  const auto put = [&](std::string_view text) {
    for (const char c : text)
      if (at + 1 < page.fault.size()) page.fault[at++] = c;
    page.fault[at] = 0;
  };
  const EdgeInfo* info = edge_info(edge);
  put("ring ");
  put(info ? name_of(info->from) : "?");
  put("-");
  put(info ? name_of(info->to) : "?");
  put(" ");
  put(what);
  page.state.store(static_cast<std::uint64_t>(StageState::Faulted), std::memory_order_release);
  raise_kill(*from_.kill, {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::CorruptRing);
}

}  // namespace sluice

#include "core/driver_recovery.hpp"
