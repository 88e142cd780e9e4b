// Market now: the venue's clock as a stage may know it, from ticks alone. Part of a stage's state.
//
//   market now = venue_time of the last tick + rate x (now - its rx_time)
//
// The rate arrives as Control{Rate} in market ns per host ns, in ppm: 1'000'000 is real time, 0
// means that time moves only with ticks (replay at full speed). It never goes backwards: an answer
// once given is a floor, so ticks of several connections may disagree by their latencies without a
// cooldown growing again. A venue time far in the future stays the floor and makes every quote
// stale: it fails closed.
#pragma once

#include "core/records.hpp"

namespace sluice {

struct MarketNow {
  MarketTime venue{};         // of the last tick that carried a time; 0 = none so far
  HostTime received{};        // its rx_time
  MarketTime floor{};         // highest answer so far
  std::int64_t rate_ppm = 0;  // until told: time moves only with ticks

  // Changes the rate from `now` on; the answers before and after join without a step.
  constexpr void set_rate(std::int64_t ppm, HostTime now) noexcept {
    if (venue.ns != 0) {
      venue = at(now);
      received = now;
    }
    rate_ppm = ppm < 0 ? 0 : ppm;
  }

  constexpr void observe(const Tick& tick) noexcept {
    if (tick.venue_time.ns <= 0) return;
    venue = tick.venue_time;
    received = tick.rx_time;
    if (floor < venue) floor = venue;
  }

  // 0 before the first tick. Not const: the answer becomes the floor of all later ones.
  constexpr MarketTime at(HostTime now) noexcept {
    if (venue.ns == 0) return floor;
    const std::int64_t elapsed = (now - received).ns;
    if (elapsed > 0 && rate_ppm != 0) {
      const Duration moved{detail::quotient(detail::Wide{elapsed} * rate_ppm, 1'000'000)};
      const MarketTime answer = venue + moved;
      if (floor < answer) floor = answer;
    }
    return floor;
  }
};
static_assert(std::is_trivially_copyable_v<MarketNow> &&
              std::has_unique_object_representations_v<MarketNow>);

}  // namespace sluice
