// See fanout.hpp.
#include "feed/fanout.hpp"

#include <utility>

namespace sluice {

namespace {

// Statuses of the connection on three axes that do not replace each other.
std::size_t connection_slot(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::SessionUp:
    case StatusCode::SessionDown: return NewestTicks::kSessionSlot;
    case StatusCode::Stale:
    case StatusCode::Fresh: return 1;
    case StatusCode::EndOfData: return 2;
    case StatusCode::Gap:
    case StatusCode::VenueGap:
    case StatusCode::Resynced: return 3;
  }
  return 3;
}

std::size_t instrument_slot(TickKind kind) noexcept {
  switch (kind) {
    case TickKind::Quote: return NewestTicks::kQuoteSlot;
    case TickKind::Trade: return NewestTicks::kTradeSlot;
    case TickKind::Day: return 2;
    case TickKind::Status: return NewestTicks::kStatusSlot;
  }
  return NewestTicks::kStatusSlot;
}

}  // namespace

NewestTicks::Key NewestTicks::key_of(const Tick& tick) const noexcept {
  if (tick.instrument + std::size_t{1} < rows_)
    return tick.instrument * kSlots + instrument_slot(tick.kind);
  const std::size_t slot = tick.kind == TickKind::Status ? connection_slot(tick.status()) : 3;
  return (rows_ - 1) * kSlots + slot;
}

NewestTicks::Key NewestTicks::keep(const Tick& tick) noexcept {
  const Key key = key_of(tick);
  ticks_[key] = {tick, ++produced_};
  last_key_ = key;
  return key;
}

bool NewestTicks::quote_holds(std::size_t row) const noexcept {
  if (!is_instrument(row)) return false;
  const std::uint64_t quote = order(row * kSlots + kQuoteSlot);
  return quote > order(row * kSlots + kStatusSlot) &&
         quote > order((rows_ - 1) * kSlots + kSessionSlot);
}

Backlog::Backlog(const NewestTicks& newest) : newest_(newest) {
  for (Round* round : {&now_, &later_}) {
    round->due.resize(newest.keys());
    round->missed.resize(newest.rows());
  }
}

void Backlog::Round::add(NewestTicks::Key key) noexcept {
  if (!due[key]) ++keys;
  due[key] = true;
}

void Backlog::Round::remove(NewestTicks::Key key) noexcept {
  if (due[key]) --keys;
  due[key] = false;
}

void Backlog::drop(NewestTicks::Key key) noexcept {
  const std::size_t row = key / NewestTicks::kSlots;
  // As long as this row's Gap has not gone out, the count can still be corrected.
  Round& round = now_.missed[row] != 0 ? now_ : later_;
  ++round.missed[row];
  ++round.owed;
  round.add(key);
  if (newest_.quote_holds(row)) round.add(row * NewestTicks::kSlots + NewestTicks::kQuoteSlot);
}

NewestTicks::Key Backlog::oldest() const noexcept {
  NewestTicks::Key best = newest_.keys();
  for (NewestTicks::Key key = 0; key < newest_.keys(); ++key)
    if (now_.due[key] && (best == newest_.keys() || newest_.order(key) < newest_.order(best)))
      best = key;
  return best;
}

void Backlog::take_gap(std::size_t row, Tick& out) noexcept {
  const Tick& last = newest_.last();
  const InstrumentIndex instrument =
      newest_.is_instrument(row) ? static_cast<InstrumentIndex>(row) : kWholeConnection;
  out = {instrument,
         TickKind::Status,
         kTimeInferred,
         last.source,
         last.venue_time,
         last.rx_time,
         {static_cast<std::int64_t>(StatusCode::Gap), static_cast<std::int64_t>(now_.missed[row]),
          0, 0}};
  now_.owed -= now_.missed[row];
  now_.missed[row] = 0;
}

bool Backlog::take(Tick& out) noexcept {
  if (now_.keys == 0 && now_.owed == 0) {
    if (later_.owed == 0) return false;
    std::swap(now_, later_);
  }
  if (now_.keys ==
      0) {  // only trades were dropped, of an instrument without a quote, and are told already
    std::size_t row = 0;
    while (now_.missed[row] == 0) ++row;
    take_gap(row, out);
    return true;
  }
  const NewestTicks::Key key = oldest();
  const std::size_t row = key / NewestTicks::kSlots;
  if (now_.missed[row] != 0) {
    take_gap(row, out);
    return true;
  }
  out = newest_.at(key);
  out.flags |= kAfterGap;
  now_.remove(key);
  // A later drop of the same trade is still to be counted, but what it was is told with this.
  if (newest_.is_instrument(row) && key % NewestTicks::kSlots == NewestTicks::kTradeSlot)
    later_.remove(key);
  return true;
}

}  // namespace sluice
