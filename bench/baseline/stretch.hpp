// Slows measured work down by a known part, to show that the detector sees it.
#pragma once

#include "bench/machine/pair.hpp"

namespace sluice::bench {

class Stretch {
 public:
  Stretch() = default;
  explicit Stretch(double percent) noexcept : part_(percent / 100) {}

  // The end of work that began then: behind a spin of so much of the time that it took. Whatever
  // slowed the work, a neighbour for one, slows the spin in proportion.
  [[nodiscard]] HostTime end(HostTime begin) const noexcept {
    const Clock& clock = bench_clock();
    HostTime now = clock.now();
    if (part_ <= 0) return now;
    const HostTime until =
        now + Duration{static_cast<std::int64_t>(static_cast<double>((now - begin).ns) * part_)};
    while (now < until) now = clock.now();
    return now;
  }
  [[nodiscard]] double percent() const noexcept { return part_ * 100; }

 private:
  double part_ = 0;
};

}  // namespace sluice::bench
