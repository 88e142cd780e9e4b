// What a stage sees of the world: an input record with its `now`, a place for outputs, a sink for
// effects.
//
// A stage is a pure function of its inputs. It never reads a clock, a file, a socket or a shared
// page; every stamp it writes is `ctx.now`. So the journal replayed gives byte-identical outputs.
// It emits at most one record per edge per input; further work waits in stage state until
// Control{Continue}. It emits nothing on Control{EdgeFull}: other edges may be full as well and not
// told yet.
//
//   struct SomeStage {
//     void on(const Tick&, Context&) noexcept;       // one overload per record kind it takes
//     void on(const Control&, Context&) noexcept;    // always
//     HostTime deadline() const noexcept;            // when it wants Control{Deadline}; never() if
//     not bool wants_continue() const noexcept;          // true: inject Control{Continue} as soon
//     as possible
//   };
#pragma once

#include <array>
#include <cstdint>
#include <cstdlib>

#include "core/records.hpp"
#include "core/rows.hpp"
#include "core/topology.hpp"

namespace sluice {

// Outputs of one turn, lane by lane, in the order they were generated. Owned by the driver; a stage
// only emits. The driver publishes the lanes after the journal's tail.
class Outputs {
 public:
  static constexpr std::size_t kLanes = 2 + kSeats;
  static constexpr std::size_t kBatch =
      64;  // most outputs of one lane in one turn; a turn ends before

  struct Lane {
    Edge edge = Edge::None;
    std::uint32_t count = 0;
    std::array<Payload, kBatch> records;
  };

  // Setup: names the edges this stage may emit on.
  void open(Edge edge) noexcept {
    lane_of_[static_cast<std::size_t>(edge)] = static_cast<std::uint8_t>(++lanes_open_);
    lanes_[lanes_open_ - 1].edge = edge;
  }

  // At most one per edge per input, and never on an edge whose last Control said full. Both are
  // programmer errors: the process stops (zero is safe), it does not overwrite.
  template <Record R>
  void emit(Edge edge, const R& record) noexcept {
    const std::uint8_t index = lane_of_[static_cast<std::size_t>(edge)];
    if (index == 0 || ((emitted_ | full_) >> index & 1u) != 0 || lanes_[index - 1].count == kBatch)
      std::abort();
    emitted_ |= 1u << index;
    Lane& lane = lanes_[index - 1];
    lane.records[lane.count++] = to_payload(record);
    if (lane.count > fullest_) fullest_ = lane.count;
  }

  // Driver side.
  void begin_input() noexcept { emitted_ = 0; }
  void set_full(Edge edge, bool full) noexcept {
    const std::uint32_t bit = 1u << lane_of_[static_cast<std::size_t>(edge)];
    full_ = full ? full_ | bit : full_ & ~bit;
  }
  [[nodiscard]] bool any_full() const noexcept { return full_ != 0; }
  [[nodiscard]] bool emitted_any() const noexcept { return emitted_ != 0; }
  [[nodiscard]] bool any() const noexcept { return fullest_ != 0; }
  // One more input may be taken, with all that is told because of it.
  [[nodiscard]] bool batch_left() const noexcept { return fullest_ + kLanes <= kBatch; }
  [[nodiscard]] std::size_t lanes() const noexcept { return lanes_open_; }
  [[nodiscard]] Lane& lane(std::size_t i) noexcept { return lanes_[i]; }
  [[nodiscard]] const Lane& lane(std::size_t i) const noexcept { return lanes_[i]; }
  void clear() noexcept {
    for (std::size_t i = 0; i < lanes_open_; ++i) lanes_[i].count = 0;
    fullest_ = 0;
  }

 private:
  std::array<std::uint8_t, kEdgeSpan> lane_of_{};  // lane + 1; 0 = not open
  std::array<Lane, kLanes> lanes_;
  std::size_t lanes_open_ = 0;
  std::uint32_t fullest_ = 0;  // highest count of a lane
  std::uint32_t emitted_ = 0;  // bit lane + 1: this input has emitted there
  std::uint32_t full_ = 0;     // bit lane + 1: the stage was told that it is full
};

class StagePage;

// Every effect of a stage that is not an output: counters, histograms, rows, raises. Muted while a
// journal is replayed, so that nothing is counted or raised twice. Counters and histograms are
// numbered by the stage's own enums; their names are written into the page when it is attached.
class Effects {
 public:
  // A raise asked for by the stage; the driver performs it on the kill page after the turn's
  // journal.
  struct Raise {
    Scope scope;
    KillLevel level;
    KillCause cause;
  };

  explicit Effects(StagePage* page = nullptr) noexcept : page_(page) {}

  template <class Counter>
  void count(Counter counter, std::uint64_t n = 1) noexcept {
    if (!muted_) add(static_cast<std::size_t>(counter), n);
  }
  template <class Gauge>
  void gauge(Gauge counter, std::uint64_t value) noexcept {
    if (!muted_) set(static_cast<std::size_t>(counter), value);
  }
  template <class Histogram>
  void record(Histogram histogram, Duration value) noexcept {
    if (!muted_) sample(static_cast<std::size_t>(histogram), value.ns);
  }
  template <class Row>
  void row(RowTable table, std::size_t index, const Row& content) noexcept {
    static_assert(sizeof(Row) == sizeof(Payload));
    if (!muted_) write_row(table, index, std::bit_cast<Payload>(content));
  }
  void raise(Scope scope, KillLevel level, KillCause cause) noexcept {
    if (!muted_ && raises_ < raise_.size()) raise_[raises_++] = {scope, level, cause};
  }

  void mute(bool muted) noexcept { muted_ = muted; }
  [[nodiscard]] bool muted() const noexcept { return muted_; }
  [[nodiscard]] std::size_t raises() const noexcept { return raises_; }
  [[nodiscard]] const Raise& raise_at(std::size_t i) const noexcept { return raise_[i]; }
  void clear_raises() noexcept { raises_ = 0; }

 private:
  void add(std::size_t counter, std::uint64_t n) noexcept;
  void set(std::size_t counter, std::uint64_t value) noexcept;
  void sample(std::size_t histogram, std::int64_t ns) noexcept;
  void write_row(RowTable table, std::size_t index, const Payload& payload) noexcept;

  StagePage* page_;  // may be null: a replay without a page
  bool muted_ = false;
  std::size_t raises_ = 0;
  std::array<Raise, 8> raise_{};
};

struct Context {
  HostTime now;
  Outputs& out;
  Effects& fx;
};

}  // namespace sluice
