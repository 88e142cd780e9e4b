// See book.hpp. The vectors are reserved once and never grow beyond their reserve.
#include "feed/book.hpp"

#include <algorithm>

namespace sluice {

BookSide::BookSide(Side side, std::size_t capacity) : side_(side), capacity_(capacity) {
  levels_.reserve(capacity);
}

std::size_t BookSide::set(const BookLevel& level) noexcept {
  const auto at = std::lower_bound(
      levels_.begin(), levels_.end(), level.price,
      [this](const BookLevel& have, Price wanted) { return worse(have.price, wanted); });
  if (at != levels_.end() && at->price == level.price) {
    if (level.qty.raw == 0) {
      levels_.erase(at);
    } else {
      at->qty = level.qty;
    }
    return 0;
  }
  if (level.qty.raw == 0) return 0;
  if (levels_.size() < capacity_) {
    levels_.insert(at, level);
    return 0;
  }
  if (at == levels_.begin()) return 1;  // it is the worst itself, or there is no room at all
  std::move(levels_.begin() + 1, at, levels_.begin());
  *(at - 1) = level;
  return 1;
}

bool BookSide::load(std::span<const BookLevel> best_first, std::size_t& left_out) noexcept {
  levels_.clear();
  for (std::size_t i = 1; i < best_first.size(); ++i)
    if (!worse(best_first[i].price, best_first[i - 1].price)) return false;
  const std::size_t kept = std::min(best_first.size(), capacity_);
  left_out += best_first.size() - kept;
  const auto best = best_first.first(kept);
  levels_.assign(best.rbegin(), best.rend());
  std::erase_if(levels_, [](const BookLevel& level) { return level.qty.raw == 0; });
  return true;
}

Book::Book(std::size_t levels, std::size_t buffer_bytes)
    : bids_(Side::Buy, levels), asks_(Side::Sell, levels), buffer_bytes_(buffer_bytes) {
  waiting_.reserve(buffer_bytes / sizeof(Waiting));
  waiting_levels_.reserve(buffer_bytes / sizeof(BookLevel));
}

DiffOutcome Book::on_diff(const Update& diff) noexcept {
  if (state_ == BookState::Synced) {
    if (diff.last_id <= last_id_) return {DiffResult::Old};
    if (diff.first_id > last_id_ + 1) return broken(diff, last_id_ + 1);
    apply(diff.last_id, diff.bids, diff.asks);
    return {DiffResult::Applied};
  }
  if (!waiting_.empty()) {
    if (diff.last_id <= last_id_) return {DiffResult::Old};
    if (diff.first_id > last_id_ + 1) return broken(diff, last_id_ + 1);
  }
  if (state_ == BookState::Empty) state_ = BookState::Buffering;
  keep(diff);
  return {DiffResult::Buffered};
}

// What came before the hole is of no use: only a snapshot that reaches over the hole can help.
DiffOutcome Book::broken(const Update& diff, std::uint64_t expected) noexcept {
  forget();
  bids_.clear();
  asks_.clear();
  state_ = BookState::Broken;
  keep(diff);
  return {DiffResult::Gap, expected, diff.first_id};
}

void Book::keep(const Update& diff) noexcept {
  const std::size_t levels = diff.bids.size() + diff.asks.size();
  const auto bytes_with = [&](std::size_t diffs, std::size_t all) {
    return diffs * sizeof(Waiting) + all * sizeof(BookLevel);
  };
  if (bytes_with(waiting_.size() + 1, waiting_levels_.size() + levels) > buffer_bytes_) {
    // The oldest are useless without the ones between: start again from this one.
    ++overflows_;
    forget();
    state_ = BookState::Broken;
    if (bytes_with(1, levels) > buffer_bytes_) return;
  }
  waiting_.insert(waiting_.end(),
                  {diff.first_id, diff.last_id, diff.bids.size(), diff.asks.size()});
  waiting_levels_.insert(waiting_levels_.end(), diff.bids.begin(), diff.bids.end());
  waiting_levels_.insert(waiting_levels_.end(), diff.asks.begin(), diff.asks.end());
  last_id_ = diff.last_id;
}

SnapshotResult Book::on_snapshot(const Update& snapshot) noexcept {
  if (state_ == BookState::Synced) return SnapshotResult::NotWanted;
  if (!waiting_.empty() && snapshot.last_id + 1 < waiting_.front().first_id)
    return SnapshotResult::TooOld;
  std::size_t left_out = 0;
  if (!bids_.load(snapshot.bids, left_out) || !asks_.load(snapshot.asks, left_out)) {
    bids_.clear();
    asks_.clear();
    return SnapshotResult::Invalid;
  }
  levels_dropped_ += left_out;
  state_ = BookState::Synced;
  last_id_ = snapshot.last_id;
  std::span<const BookLevel> rest = waiting_levels_;
  for (const Waiting& diff : waiting_) {
    if (diff.last_id > last_id_)
      apply(diff.last_id, rest.first(diff.bids), rest.subspan(diff.bids, diff.asks));
    rest = rest.subspan(diff.bids + diff.asks);
  }
  forget();
  return SnapshotResult::Synced;
}

void Book::apply(std::uint64_t last_id, std::span<const BookLevel> bids,
                 std::span<const BookLevel> asks) noexcept {
  for (const BookLevel& level : bids) levels_dropped_ += bids_.set(level);
  for (const BookLevel& level : asks) levels_dropped_ += asks_.set(level);
  last_id_ = last_id;
}

void Book::forget() noexcept {
  waiting_.clear();
  waiting_levels_.clear();
}

void Book::reset() noexcept {
  forget();
  bids_.clear();
  asks_.clear();
  last_id_ = 0;
  state_ = BookState::Empty;
}

bool Book::top(Top& out) const noexcept {
  if (state_ != BookState::Synced || bids_.empty() || asks_.empty()) return false;
  const BookLevel& bid = bids_.at(0);
  const BookLevel& ask = asks_.at(0);
  out = {bid.price, ask.price, bid.qty, ask.qty};
  return true;
}

}  // namespace sluice
