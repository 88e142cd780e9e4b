// When the ticks of an open loop are due, and with which stamp one leaves that is late.
#pragma once

#include <cstdint>

#include "core/types.hpp"

namespace sluice::bench {

// A late tick carries the time at which it was due: whoever waited for it waited since then. The
// stamp is a parameter so that a test can show what it hides to stamp the sending instead.
struct StampDue {
  static constexpr HostTime of(HostTime due, HostTime) noexcept { return due; }
};

template <class Stamp = StampDue>
class Schedule {
 public:
  static constexpr std::uint64_t kTogether = 256;  // then the caller looks around again

  // rate: ticks per second, > 0.
  Schedule(HostTime first, std::int64_t rate) noexcept : first_(first), rate_(rate) {}

  [[nodiscard]] HostTime due(std::uint64_t i) const noexcept {
    const auto ns = detail::Wide{static_cast<std::int64_t>(i)} * 1'000'000'000 / rate_;
    return first_ + Duration{static_cast<std::int64_t>(ns)};
  }
  // Sends what is due by now, at most up to `end`: send(index, stamp).
  template <class Send>
  std::uint64_t pump(HostTime now, std::uint64_t end, Send&& send) noexcept {
    std::uint64_t sent = 0;
    for (; sent < kTogether && next_ < end; ++sent, ++next_) {
      const HostTime at = due(next_);
      if (now < at) break;
      if (sent == 0 && late_max_ < now - at) late_max_ = now - at;
      send(next_, Stamp::of(at, now));
    }
    return sent;
  }
  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  // How long after its time the latest one left.
  [[nodiscard]] Duration late_max() const noexcept { return late_max_; }

 private:
  HostTime first_;
  std::int64_t rate_;
  std::uint64_t next_ = 0;
  Duration late_max_{};
};

}  // namespace sluice::bench
