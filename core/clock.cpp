#include "core/clock.hpp"

#include <algorithm>
#include <array>
#include <fstream>
#include <string>

namespace sluice {
namespace {

struct Sample {
  std::uint64_t tsc = 0;
  std::uint64_t ns = 0;
};

// The tightest of several {counter, clock, counter} brackets: preemption inside one only widens it.
Sample sample() noexcept {
  Sample best{};
  std::uint64_t narrowest = ~std::uint64_t{0};
  for (int i = 0; i < 64; ++i) {
    unsigned core = 0;
    const std::uint64_t before = __rdtscp(&core);
    const std::uint64_t ns = boottime_ns();
    const std::uint64_t after = __rdtscp(&core);
    if (after - before >= narrowest) continue;
    narrowest = after - before;
    best = {before + (after - before) / 2, ns};
  }
  return best;
}

void sleep_ms(int millis) noexcept {
  const timespec pause{millis / 1'000, (millis % 1'000) * 1'000'000L};
  nanosleep(&pause, nullptr);
}

}  // namespace

bool invariant_tsc() noexcept {
  std::ifstream cpuinfo("/proc/cpuinfo");
  for (std::string line; std::getline(cpuinfo, line);)
    if (line.starts_with("flags"))
      return line.find(" constant_tsc") != std::string::npos &&
             line.find(" nonstop_tsc") != std::string::npos;
  return false;
}

Calibration calibrate(int millis) {
  const Sample start = sample();
  if (!invariant_tsc()) return {start.tsc, start.ns, 0, 0};
  // Three intervals: their disagreement is the error one may expect, and is published with the
  // rate.
  constexpr std::size_t kIntervals = 3;
  std::array<std::uint64_t, kIntervals> rates{};
  Sample last = start;
  for (std::uint64_t& rate : rates) {
    sleep_ms(std::max(1, millis / static_cast<int>(kIntervals)));
    const Sample next = sample();
    __extension__ using Wide = unsigned __int128;
    rate = static_cast<std::uint64_t>((Wide{next.ns - last.ns} << 32) / (next.tsc - last.tsc));
    last = next;
  }
  __extension__ using Wide = unsigned __int128;
  const auto whole =
      static_cast<std::uint64_t>((Wide{last.ns - start.ns} << 32) / (last.tsc - start.tsc));
  const auto [low, high] = std::minmax_element(rates.begin(), rates.end());
  const std::uint64_t spread = static_cast<std::uint64_t>(Wide{*high - *low} * 1'000'000'000u /
                                                          std::max<std::uint64_t>(1, whole));
  return {last.tsc, last.ns, whole, spread};
}

}  // namespace sluice
