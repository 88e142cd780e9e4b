#include "strategies/momentum_buying.hpp"

namespace sluice::strategies {

MomentumBuying::Parameters MomentumBuying::parse(const config::Table& table) {
  const Parameters parameters{.window = table.duration("window_s", 1, 86'400),
                              .min_gap = table.duration("min_gap_s", 0, 86'400)};
  // No indicator feeds a filter yet: only its absence can be configured, so that no number is
  // ignored.
  (void)table.choice("min_rsi", {"off"});
  return parameters;
}

MomentumBuying::MomentumBuying(const Parameters& parameters) noexcept
    : window_(parameters.window),
      min_gap_(parameters.min_gap),
      slice_{(parameters.window.ns + kSlices - 1) / kSlices} {}

Signal MomentumBuying::on_tick(const Tick& tick) noexcept {
  switch (tick.kind) {
    case TickKind::Trade: return on_trade(tick);
    case TickKind::Status: return lost_sight(tick.status());
    case TickKind::Quote:
    case TickKind::Day: return {};
  }
  return {};
}

Signal MomentumBuying::on_trade(const Tick& tick) noexcept {
  const std::int64_t price = tick.price().raw;
  if (price <= 0 || tick.venue_time.ns <= 0) return {.verdict = Verdict::MissingData};
  if (newest_ < tick.venue_time) newest_ = tick.venue_time;
  const std::int64_t slice = newest_.ns / slice_.ns;
  expire(slice);
  if (count_ == 0) since_ = newest_;  // nothing in the window: observation starts (again) here
  const std::int64_t previous_high = high().raw;
  const bool full = newest_ - since_ >= window_;
  last_ = price;
  rearm(newest_, price);
  push(slice, price);
  if (!full) return {.verdict = Verdict::MissingData};
  if (armed_ == 0 || price <= previous_high) return {};

  armed_ = 0;
  broken_ = previous_high;
  disarmed_at_ = newest_;
  if (signalled_at_.ns != 0 && newest_ - signalled_at_ < min_gap_)
    return {.verdict = Verdict::MinGap};
  signalled_at_ = newest_;
  return {.verdict = Verdict::Signal, .price = tick.price()};
}

Signal MomentumBuying::lost_sight(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::Gap:
    case StatusCode::VenueGap:
    case StatusCode::SessionDown:
    case StatusCode::SessionUp:  // all that is heard of a feed that died and came back
      if (count_ != 0) {
        armed_ = 0;
        broken_ = high().raw;
        disarmed_at_ = newest_;
      }
      return {.verdict = Verdict::MissingData};
    case StatusCode::Stale:
    case StatusCode::Fresh:
    case StatusCode::Resynced:
    case StatusCode::EndOfData: return {};
  }
  return {};
}

// Drops the slices that the window, counted in whole slices before the current one, no longer
// covers.
void MomentumBuying::expire(std::int64_t slice) noexcept {
  while (count_ != 0 && queue_[head_].index < slice - kSlices) {
    head_ = (head_ + 1) % kQueue;
    --count_;
  }
}

// A new price makes every lower one before it irrelevant. At most one entry per slice stays, so the
// queue cannot overflow: it spans kSlices + 1 slices.
void MomentumBuying::push(std::int64_t slice, std::int64_t price) noexcept {
  while (count_ != 0 && at(count_ - 1).high <= price) --count_;
  if (count_ != 0 && at(count_ - 1).index == slice) return;
  at(count_) = {slice, price};
  ++count_;
}

void MomentumBuying::rearm(MarketTime now, std::int64_t price) noexcept {
  if (armed_ == 0 && (price <= broken_ || now - disarmed_at_ >= window_)) armed_ = 1;
}

}  // namespace sluice::strategies
