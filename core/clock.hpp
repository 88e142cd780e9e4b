// The host clock of a run: the time-stamp counter against one calibration that the supervisor
// measured and wrote on the control page. Every process of a run computes the same time from the
// same counter, so stamps of different processes can be subtracted. Liveness uses CLOCK_BOOTTIME,
// which also counts suspension.
#pragma once

#include <x86intrin.h>

#include <cstdint>
#include <ctime>

#include "core/control_page.hpp"
#include "core/types.hpp"

namespace sluice {

inline std::uint64_t boottime_ns() noexcept {
  timespec t{};
  clock_gettime(CLOCK_BOOTTIME, &t);
  return static_cast<std::uint64_t>(t.tv_sec) * 1'000'000'000u +
         static_cast<std::uint64_t>(t.tv_nsec);
}

// True if the counter runs at a constant rate on all cores and through idle states.
bool invariant_tsc() noexcept;

// Measures the counter against CLOCK_BOOTTIME for about `millis` ms. ns_per_tick_q32 = 0 if it is
// unfit.
Calibration calibrate(int millis = 50);

class Clock {
 public:
  explicit Clock(const Calibration& calibration) noexcept : calibration_(calibration) {}

  // rdtscp waits for earlier loads: a stamp taken after an acquire load is never before it.
  [[nodiscard]] HostTime now() const noexcept {
    if (calibration_.ns_per_tick_q32 == 0) return {static_cast<std::int64_t>(boottime_ns())};
    unsigned core = 0;
    return at(__rdtscp(&core));
  }
  // In half the time, and possibly by so much too early as the processor looks ahead (some tens of
  // ns): where whatever the stamp has to follow lies hundreds of instructions back.
  [[nodiscard]] HostTime loose_now() const noexcept {
    if (calibration_.ns_per_tick_q32 == 0) return {static_cast<std::int64_t>(boottime_ns())};
    return at(__rdtsc());
  }
  [[nodiscard]] std::uint64_t liveness_us() const noexcept { return boottime_ns() / 1'000; }

 private:
  [[nodiscard]] HostTime at(std::uint64_t tsc) const noexcept {
    __extension__ using Wide = unsigned __int128;
    const std::uint64_t ticks = tsc - calibration_.base_tsc;
    const auto ns = static_cast<std::uint64_t>(Wide{ticks} * calibration_.ns_per_tick_q32 >> 32);
    return {static_cast<std::int64_t>(calibration_.base_ns + ns)};
  }

  Calibration calibration_;
};

// Time for simulation and replay: stands still until it is moved.
class VirtualClock {
 public:
  explicit VirtualClock(HostTime start = {1'000'000'000}) noexcept : now_(start) {}
  [[nodiscard]] HostTime now() const noexcept { return now_; }
  [[nodiscard]] HostTime loose_now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t liveness_us() const noexcept {
    return static_cast<std::uint64_t>(now_.ns) / 1'000;
  }
  void advance(Duration by) noexcept { now_ = now_ + by; }

 private:
  HostTime now_;
};

}  // namespace sluice
