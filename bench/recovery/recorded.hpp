// Recorded ticks, again and again: decoded once by the feed's own code, their times moved so that
// they come at an even rate for as long as one likes.
#pragma once

#include <string>
#include <vector>

#include "core/records.hpp"
#include "feed/config.hpp"

namespace sluice::bench {

class Recorded {
 public:
  // Quotes and trades of a capture. Throws Error: it cannot be read, or has neither.
  Recorded(const std::string& capture, const FeedConfig& feed);

  // Market time runs with the host's.
  [[nodiscard]] Tick tick(std::uint64_t index, HostTime rx_time) const noexcept {
    Tick tick = ticks_[index % ticks_.size()];
    tick.rx_time = rx_time;
    tick.venue_time = {kEpoch + rx_time.ns};
    return tick;
  }
  [[nodiscard]] std::size_t size() const noexcept { return ticks_.size(); }

 private:
  static constexpr std::int64_t kEpoch = 1'700'000'000'000'000'000;
  std::vector<Tick> ticks_;
};

}  // namespace sluice::bench
