// The last quote of every instrument and whether the feed behind it can be trusted. Written by
// ticks only.
#pragma once

#include <array>

#include "core/records.hpp"

namespace sluice::risk {

enum FeedTrouble : std::uint64_t {
  kFeedGap = 1u << 0,    // records are missing; the newest state has not arrived yet
  kFeedStale = 1u << 1,  // the feed itself says that nothing arrives
  kFeedDown = 1u << 2
};

struct Quote {
  Price bid{};
  Price ask{};
  MarketTime venue_time{};
  HostTime received{};        // rx_time: the origin of an exit it causes
  std::uint64_t trouble = 0;  // FeedTrouble bits

  [[nodiscard]] constexpr bool present() const noexcept { return bid.raw > 0 && ask.raw > 0; }
  // Twice the middle: exact in integers.
  [[nodiscard]] constexpr detail::Wide twice_mid() const noexcept {
    return detail::Wide{bid.raw} + ask.raw;
  }
};

class QuoteTable {
 public:
  [[nodiscard]] constexpr const Quote& at(InstrumentIndex instrument) const noexcept {
    return quotes_[instrument];
  }
  // A quote is the newest state: whatever was missing before it is healed.
  constexpr void quote(const Tick& tick) noexcept {
    quotes_[tick.instrument] = {tick.bid(), tick.ask(), tick.venue_time, tick.rx_time, 0};
  }
  constexpr void status(InstrumentIndex instrument, StatusCode code) noexcept {
    std::uint64_t& trouble = quotes_[instrument].trouble;
    switch (code) {
      case StatusCode::Gap:
      case StatusCode::VenueGap: trouble |= kFeedGap; return;
      case StatusCode::Stale: trouble |= kFeedStale; return;
      case StatusCode::Fresh: trouble &= ~std::uint64_t{kFeedStale}; return;
      case StatusCode::SessionDown:
      case StatusCode::EndOfData: trouble |= kFeedDown; return;
      case StatusCode::SessionUp:  // connected, but the quote is still the one from before
        trouble = (trouble & ~std::uint64_t{kFeedDown}) | kFeedGap;
        return;
      case StatusCode::Resynced: trouble &= ~std::uint64_t{kFeedGap}; return;
    }
    trouble |= kFeedDown;  // an unknown status is no reassurance
  }

 private:
  std::array<Quote, kMaxInstruments> quotes_{};
};

}  // namespace sluice::risk
