// A local order book from a snapshot and the differences around it, by Binance's spot rule:
// keep differences until a snapshot comes; drop those with u <= lastUpdateId; the first one applied
// must reach over it (U <= lastUpdateId + 1 <= u); from then on an update that starts above last +
// 1 is a gap. An update that overlaps is applied: quantities are absolute, so applying them again
// changes nothing.
//
// Used by the feed stage only. All memory is taken at construction. A book that is not Synced shows
// no top.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "feed/decode.hpp"

namespace sluice {

// One side, sorted from worst to best: changes near the top, the common ones, move few levels.
class BookSide {
 public:
  BookSide(Side side, std::size_t capacity);

  // Quantity zero removes; removing a level that is not there is normal. Returns the number of
  // levels given up for want of room (0 or 1): always the worst.
  std::size_t set(const BookLevel& level) noexcept;
  // Replaces everything by levels in order from the best. False, and empty, if the order is wrong.
  // Levels behind the capacity are left out and added to `left_out`.
  bool load(std::span<const BookLevel> best_first, std::size_t& left_out) noexcept;
  void clear() noexcept { levels_.clear(); }

  [[nodiscard]] std::size_t size() const noexcept { return levels_.size(); }
  [[nodiscard]] bool empty() const noexcept { return levels_.empty(); }
  // The rank-th best level, from 0. Precondition: rank < size().
  [[nodiscard]] const BookLevel& at(std::size_t rank) const noexcept {
    return levels_[levels_.size() - 1 - rank];
  }

 private:
  [[nodiscard]] bool worse(Price a, Price b) const noexcept {
    return side_ == Side::Buy ? a < b : b < a;
  }

  Side side_;
  std::size_t capacity_;
  std::vector<BookLevel> levels_;
};

enum class BookState : std::uint8_t {
  Empty = 1,      // nothing heard
  Buffering = 2,  // differences wait for the first snapshot
  Synced = 3,
  Broken = 4  // updates are missing; differences wait for a snapshot that reaches over the hole
};

enum class DiffResult : std::uint8_t {
  Buffered = 1,
  Applied = 2,
  Old = 3,  // all of it is in the book already
  Gap = 4   // updates are missing before this one, which is kept for the next snapshot
};
struct DiffOutcome {
  DiffResult result;
  std::uint64_t expected = 0;  // of a Gap: the first id that was awaited, and the one that came
  std::uint64_t got = 0;
  [[nodiscard]] constexpr std::uint64_t missing() const noexcept { return got - expected; }
};

enum class SnapshotResult : std::uint8_t {
  Synced = 1,
  TooOld = 2,     // it ends before the first difference kept: fetch another one
  NotWanted = 3,  // the book is in sync
  Invalid = 4     // its levels are not in order
};

class Book {
 public:
  // `levels` per side; `buffer_bytes` for the differences that wait for a snapshot.
  Book(std::size_t levels, std::size_t buffer_bytes);

  DiffOutcome on_diff(const Update& diff) noexcept;
  SnapshotResult on_snapshot(const Update& snapshot) noexcept;
  void reset() noexcept;  // the connection is gone: Empty

  [[nodiscard]] BookState state() const noexcept { return state_; }
  [[nodiscard]] bool wants_snapshot() const noexcept { return !waiting_.empty(); }
  // Id of the last update that is in the book; 0 unless Synced.
  [[nodiscard]] std::uint64_t last_id() const noexcept {
    return state_ == BookState::Synced ? last_id_ : 0;
  }
  // False unless Synced with both sides present.
  [[nodiscard]] bool top(Top& out) const noexcept;

  [[nodiscard]] const BookSide& bids() const noexcept { return bids_; }
  [[nodiscard]] const BookSide& asks() const noexcept { return asks_; }
  [[nodiscard]] std::uint64_t levels_dropped() const noexcept { return levels_dropped_; }
  [[nodiscard]] std::uint64_t overflows() const noexcept {
    return overflows_;
  }  // of the diff buffer

 private:
  struct Waiting {
    std::uint64_t first_id;
    std::uint64_t last_id;
    std::size_t bids;
    std::size_t asks;
  };

  void apply(std::uint64_t last_id, std::span<const BookLevel> bids,
             std::span<const BookLevel> asks) noexcept;
  void keep(const Update& diff) noexcept;
  void forget() noexcept;
  DiffOutcome broken(const Update& diff, std::uint64_t expected) noexcept;

  BookState state_ = BookState::Empty;
  std::uint64_t last_id_ =
      0;  // Synced: in the book. Otherwise, if anything waits: of the last one waiting
  BookSide bids_;
  BookSide asks_;
  std::size_t buffer_bytes_;
  std::vector<Waiting> waiting_;
  std::vector<BookLevel> waiting_levels_;  // bids, then asks, of each in order
  std::uint64_t levels_dropped_ = 0;
  std::uint64_t overflows_ = 0;
};

}  // namespace sluice
