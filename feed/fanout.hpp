// One tick -> up to ten edges (risk, gateway, the seats that are taken). The feed never waits: what
// an edge has no room for is counted, per instrument, and when there is room again that edge gets,
// per instrument, STATUS Gap with the exact count and then the newest state, flagged kAfterGap;
// only then live ticks again.
//
// Invariants, per edge: ticks delivered live + counts of Gap records = ticks produced, once it has
// caught up. States come in the order in which they were produced, so a quote never hides a session
// that went down after it. A Gap is followed by the instrument's newest QUOTE even if only trades
// were dropped, unless it is older than a status that threw doubt on it: that is what a consumer
// waits for. A trade is never delivered twice. Works with any ring of one slot or more.
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <vector>

#include "core/records.hpp"
#include "core/stage.hpp"
#include "feed/counters.hpp"

namespace sluice {

template <class Ring>
concept TickEdge = requires(Ring& ring, const Payload& payload) {
  { ring.credit() }
  noexcept->std::convertible_to<std::uint64_t>;
  { ring.try_push(payload) }
  noexcept->std::same_as<bool>;
};

// The newest tick of every kind of state, four per instrument and four of the whole connection.
class NewestTicks {
 public:
  using Key =
      std::size_t;  // 4 * instrument + slot; the whole connection is the row behind the last one
  static constexpr std::size_t kSlots = 4;
  static constexpr std::size_t kQuoteSlot = 0;
  static constexpr std::size_t kTradeSlot = 1;
  static constexpr std::size_t kStatusSlot = 3;
  static constexpr std::size_t kSessionSlot = 0;  // of the whole connection

  explicit NewestTicks(std::size_t instruments) : rows_(instruments + 1), ticks_(rows_ * kSlots) {}

  Key keep(const Tick& tick) noexcept;  // returns the key it was kept under
  [[nodiscard]] std::size_t rows() const noexcept { return rows_; }
  [[nodiscard]] std::size_t keys() const noexcept { return ticks_.size(); }
  [[nodiscard]] const Tick& at(Key key) const noexcept { return ticks_[key].tick; }
  [[nodiscard]] std::uint64_t order(Key key) const noexcept {
    return ticks_[key].order;
  }  // 0 = none yet
  [[nodiscard]] std::uint64_t produced() const noexcept { return produced_; }
  [[nodiscard]] const Tick& last() const noexcept { return at(last_key_); }
  // There is a quote, and neither the session nor the instrument's status has changed since.
  [[nodiscard]] bool quote_holds(std::size_t row) const noexcept;
  [[nodiscard]] bool is_instrument(std::size_t row) const noexcept { return row + 1 != rows_; }

 private:
  struct Entry {
    Tick tick{};
    std::uint64_t order = 0;
  };
  [[nodiscard]] Key key_of(const Tick& tick) const noexcept;

  std::size_t rows_;
  std::vector<Entry> ticks_;
  std::uint64_t produced_ = 0;
  Key last_key_ = 0;
};

// What one edge still has to be told. Drops during a round of telling belong to the next round, or
// an edge that drops as fast as it takes would hear of gaps only and never see a state.
class Backlog {
 public:
  explicit Backlog(const NewestTicks& newest);

  // The newest tick, just kept under this key, found no room.
  void drop(NewestTicks::Key key) noexcept;
  // The next record to deliver; it counts as delivered. False: caught up.
  bool take(Tick& out) noexcept;
  [[nodiscard]] bool empty() const noexcept {
    return now_.owed + later_.owed == 0 && now_.keys == 0;
  }

 private:
  struct Round {
    std::vector<bool> due;              // by key
    std::vector<std::uint64_t> missed;  // by row; goes to 0 when its Gap is delivered
    std::uint64_t owed = 0;             // sum of `missed`
    std::size_t keys = 0;               // number of `due`
    void add(NewestTicks::Key key) noexcept;
    void remove(NewestTicks::Key key) noexcept;
  };
  void take_gap(std::size_t row, Tick& out) noexcept;
  [[nodiscard]] NewestTicks::Key oldest() const noexcept;

  const NewestTicks& newest_;
  Round now_;
  Round later_;
};

template <TickEdge Ring>
class Fanout {
 public:
  Fanout(std::size_t instruments, Effects& effects) : fx_(effects), newest_(instruments) {
    lanes_.reserve(kFanoutEdges.size());
    for (const Edge edge : kFanoutEdges)
      lanes_.push_back(                                                         // setup
          {edge, dropped_counter(edge), nullptr, false, 0, Backlog(newest_)});  // setup
    attached_.reserve(lanes_.size());                                           // setup
  }
  Fanout(const Fanout&) = delete;  // the backlogs refer to the table beside them
  Fanout& operator=(const Fanout&) = delete;

  // A seat that is not attached costs nothing and loses nothing. Setup or cold path; `edge` must be
  // one of kFanoutEdges. The ring must outlive its attachment.
  void attach(Edge edge, Ring& ring) noexcept {
    detach(edge);
    Lane* lane = find(edge);
    if (lane == nullptr) return;
    lane->ring = &ring;
    attached_.push_back(lane);  // setup
    behind_ += lane->behind ? 1 : 0;
  }
  // Never loses what is owed: a ring that is attached again hears of it.
  void detach(Edge edge) noexcept {
    Lane* lane = find(edge);
    if (std::erase(attached_, lane) != 0) behind_ -= lane->behind ? 1 : 0;
  }

  void publish(const Tick& tick) noexcept {
    pump();  // before the tick is the newest: it must not be told as a state and then again as live
    const NewestTicks::Key key = newest_.keep(tick);
    const Payload payload = to_payload(tick);
    for (Lane* lane : attached_)
      if (lane->behind || !lane->ring->try_push(payload)) [[unlikely]]
        drop(*lane, key);
  }

  // Once per turn, so that an edge catches up without waiting for the next tick.
  void pump() noexcept {
    if (behind_ == 0) return;
    for (Lane* lane : attached_)
      if (lane->behind) catch_up(*lane);
  }

  [[nodiscard]] std::uint64_t produced() const noexcept { return newest_.produced(); }
  [[nodiscard]] std::uint64_t dropped(Edge edge) const noexcept {
    const Lane* lane = find(edge);
    return lane != nullptr ? lane->dropped : 0;
  }
  [[nodiscard]] bool behind(Edge edge) const noexcept {
    const Lane* lane = find(edge);
    return lane != nullptr && lane->behind;
  }

 private:
  struct Lane {
    Edge edge;
    FeedCounter counter;
    Ring* ring;
    bool behind;
    std::uint64_t dropped;
    Backlog backlog;
  };

  void drop(Lane& lane, NewestTicks::Key key) noexcept {
    lane.backlog.drop(key);
    behind_ += lane.behind ? 0 : 1;
    lane.behind = true;
    ++lane.dropped;
    fx_.count(lane.counter);
  }
  void catch_up(Lane& lane) noexcept {
    Tick tick;
    while (lane.ring->credit() != 0) {
      if (!lane.backlog.take(tick)) {
        lane.behind = false;
        --behind_;
        return;
      }
      lane.ring->try_push(to_payload(tick));  // only the consumer changes credit, and only upwards
    }
  }
  [[nodiscard]] Lane* find(Edge edge) noexcept {
    for (Lane& lane : lanes_)
      if (lane.edge == edge) return &lane;
    return nullptr;
  }
  [[nodiscard]] const Lane* find(Edge edge) const noexcept {
    return const_cast<Fanout*>(this)->find(edge);
  }

  Effects& fx_;
  NewestTicks newest_;
  std::vector<Lane> lanes_;
  std::vector<Lane*> attached_;
  std::size_t behind_ = 0;  // of the attached ones
};

}  // namespace sluice
