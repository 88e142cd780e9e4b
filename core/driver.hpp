// The loop of a journaled stage (seat, risk, gateway): merges its inputs into one order, journals
// them, calls the stage, publishes its outputs.
//
//   turn:  pages -> obeyed serial -> session events -> reports -> requests -> ticks (bounded)
//          -> deadline, continue -> raises -> journal tail -> outputs
//          -> session commands and quotes -> input heads -> heartbeat
//
// The clock is read once per input, when the input has been seen: a stamp from before would hide
// the time for which the thread was away in between. A turn without input reads it once at its end;
// what a turn does before its first input goes by the last stamp of the turn before.
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
  [[nodiscard]] bool has_event() const noexcept { return false; }
  Event next_event() noexcept { return {}; }
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
  static constexpr std::uint32_t kEvaluationEvery = 8;  // ticks that make nothing are timed
  static constexpr Duration kQuiet = Duration::millis(20);

  Driver(Stage& stage, Session& session, const ClockType& clock, const DriverSources& sources)
      : stage_(stage), session_(session), clock_(clock), from_(sources), effects_(sources.page) {
    watch_.attach({sources.control, sources.kill, sources.journal, sources.peer});
    if (from_.checkpoint == nullptr) from_.checkpoint_every = ~std::uint64_t{0};
    outputs_.open(Edge::Command);
  }

  void open_input(Edge edge, RingMemory& ring) {
    inputs_.push_back({edge, class_of_edge(edge), record_of(edge), &ring, {}});
  }
  void open_output(Edge edge, RingMemory& ring) {
    outputs_.open(edge);
    const std::uint64_t capacity = ring.header.capacity;
    lanes_.push_back({edge, &ring, {}, 0, capacity >= 16 ? 4u : 1u, capacity / 2, false});
  }

  // Setup. `next(JournalSlot&, position) -> bool` yields the committed entries, from the newest
  // checkpoint on or from position 0. Throws Error if an entry is corrupt or the outputs in the
  // rings are ahead of the journal.
  template <class Republish = PublishRest, class NextEntry>
  void recover(NextEntry&& next);

  // One turn; true if it did anything. After a false return the caller idles. Flattened: a quiet
  // tick is some two hundred instructions in a dozen functions, a third of them calls and frames.
  [[gnu::flatten]] bool turn() noexcept;

  [[nodiscard]] bool faulted() const noexcept { return faulted_; }
  [[nodiscard]] const Effects& effects() const noexcept { return effects_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return journal_.next(); }
  [[nodiscard]] std::uint64_t consumed(Edge edge) const noexcept;  // inputs of it, journaled
  [[nodiscard]] std::uint32_t last_event_sequence() const noexcept { return last_event_sequence_; }
  [[nodiscard]] std::uint32_t conditions() const noexcept { return watch_.conditions(); }
  // Nothing is owed any more: for so long no neighbour has asked or answered, nothing was said, and
  // no input was held back. Ticks do not count: they never end while the feed lives.
  [[nodiscard]] bool drained() const noexcept { return now_ - owed_at_ > kQuiet; }

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
    RecordKind record;
    RingMemory* ring;
    Consumer consumer;
  };
  struct OutputLane {
    Edge edge;
    RingMemory* ring;
    Producer producer;
    std::uint64_t generated;
    std::uint64_t need;  // room for what one input may cause
    std::uint64_t back;  // room that ends fullness
    bool full;           // as the stage was told
  };

  static InputClass class_of_edge(Edge edge) noexcept {
    if (record_of(edge) == RecordKind::Report) return InputClass::Report;
    return record_of(edge) == RecordKind::Tick ? InputClass::Tick : InputClass::Request;
  }

  // Lane 0 of Outputs is the command lane; ring lane i is lane i + 1.
  [[nodiscard]] std::uint32_t pending(std::size_t ring_lane) const noexcept {
    return outputs_.lane(ring_lane + 1).count;
  }

  void dispatch(Edge edge, const Payload& payload, HostTime now) noexcept;
  template <Record R>
  void tell(const R& record, HostTime now) noexcept;
  void note(const Control& control) noexcept;
  template <Record R>
  void take(Edge edge, const R& record) noexcept;
  bool inject(const Control& control) noexcept;
  void take_control(ControlKind kind, std::uint32_t index, std::int64_t after) noexcept;
  [[nodiscard]] bool edges_as_told() noexcept;
  bool room_for_input(std::uint64_t journal_entries) noexcept;
  [[gnu::noinline]] bool tell_edges() noexcept;
  HostTime stamp() noexcept;
  [[gnu::noinline]] bool scan_pages(bool blocked) noexcept;  // once per millisecond
  std::size_t take_inputs() noexcept;
  std::size_t take_events() noexcept;
  std::size_t take_waiting(Input& input) noexcept;
  template <Record R>
  std::size_t take_ring(Input& input) noexcept;
  void take_due() noexcept;
  [[gnu::noinline]] bool tell_recovered() noexcept;
  void flush() noexcept;
  void publish_outputs() noexcept;
  void execute(const Order& command) noexcept;
  void commit() noexcept;
  void obey() noexcept;
  void beat() noexcept;
  [[gnu::noinline]] void fault(const char* what, Edge edge) noexcept;
  template <class Republish, class NextEntry>
  void replay(NextEntry& next, std::vector<std::vector<Payload>>& unpublished);
  void republish(const std::vector<std::vector<Payload>>& unpublished);
  void start_journal() noexcept;
  [[gnu::noinline]] void checkpoint_if_due(bool idle) noexcept;
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
  HostTime now_;                    // newest stamp
  HostTime beat_at_;
  HostTime owed_at_;                // last turn that was not about ticks alone
  std::uint64_t spare_inputs_ = 0;  // for so many more every edge has room, whatever they cause
  std::uint32_t evaluated_ = 0;
  bool owed_ = false;       // this turn was not about ticks alone
  bool suspended_ = false;  // the pages are looked at again before anything is taken
  bool recovered_untold_ = false;
  bool faulted_ = false;
};

// ---- one turn

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::take_due() noexcept {
  if (stage_.wants_continue() && room_for_input(16)) take_control(ControlKind::Continue, 0, 0);
  if (stage_.deadline() <= now_ && room_for_input(16)) take_control(ControlKind::Deadline, 0, 0);
}

// Differences between the pages and what the stage was told. Also while blocked: the scan then
// tells nothing but reads the serial, which taking no input obeys.
template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::scan_pages(bool blocked) noexcept {
  stamp();
  const auto scan = [this, blocked] {
    return watch_.scan(now_, clock_.liveness_us(), suspended_,
                       [this, blocked](const Control& c) { return !blocked && inject(c); });
  };
  bool complete = scan();
  // Again if a raise was met between its two serials: it is not obeyed a whole turn later.
  if (complete && watch_.due(now_)) complete = scan();
  if (complete) suspended_ = false;
  return complete;
}

template <class Stage, class Session, class ClockType>
std::size_t Driver<Stage, Session, ClockType>::take_inputs() noexcept {
  session_.poll(now_);
  if (outputs_.any_full()) room_for_input(2);  // says so as soon as there is room again
  std::size_t taken = take_events();
  owed_ = owed_ || taken > 0;
  for (Input& input : inputs_)  // sorted: reports, requests, ticks
    if (input.consumer.waiting()) taken += take_waiting(input);
  if (!faulted_ && !suspended_) take_due();
  owed_ = owed_ || outputs_.any();
  return taken;
}

template <class Stage, class Session, class ClockType>
bool Driver<Stage, Session, ClockType>::turn() noexcept {
  const std::uint64_t before = journal_.next();
  bool blocked = recovered_untold_ && !tell_recovered();
  if (suspended_ || watch_.due(now_))
    blocked = !scan_pages(blocked) || blocked;  // what could not be told yet comes before all else
  obey();
  owed_ = blocked;
  const std::size_t taken = blocked || faulted_ ? 0 : take_inputs();
  const bool worked = journal_.next() != before;
  if (worked) {
    flush();
  } else {
    stamp();
  }
  if (owed_ && !faulted_) owed_at_ = now_;
  if (taken == 0)
    for (Input& input : inputs_) input.consumer.publish_head();
  beat();
  if (journal_.next() - checkpointed_ >= from_.checkpoint_every) checkpoint_if_due(!worked);
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
  if (outputs_.any()) publish_outputs();
  for (std::size_t k = 0; k < quotes_count_; ++k) session_.on_tick(quotes_[k], journal_.now());
  quotes_count_ = 0;
  for (Input& input : inputs_) input.consumer.publish_head_if_due();
}

template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::publish_outputs() noexcept {
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    const Outputs::Lane& lane = outputs_.lane(i + 1);
    for (std::uint32_t k = 0; k < lane.count; ++k) lanes_[i].producer.push(lane.records[k]);
    lanes_[i].generated += lane.count;
  }
  const Outputs::Lane& commands = outputs_.lane(0);
  for (std::uint32_t k = 0; k < commands.count; ++k)
    execute(from_payload<Order>(commands.records[k]));
  outputs_.clear();
}

// By a stamp of its own, and by the supervisor's heartbeat as it is now: the turn may have been
// held up since its scan.
template <class Stage, class Session, class ClockType>
void Driver<Stage, Session, ClockType>::execute(const Order& command) noexcept {
  const HostTime now = clock_.loose_now();
  session_.execute(command, now, watch_.conditions_at(now));
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
  if (now_ - beat_at_ < Duration::millis(1) && beat_at_.ns != 0) return;
  beat_at_ = now_;
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

#include "core/driver_inputs.hpp"
#include "core/driver_recovery.hpp"
#include "core/driver_room.hpp"
