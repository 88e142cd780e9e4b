// The run's clock against CLOCK_BOOTTIME, and virtual time.
#include "core/clock.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

TEST(Clock, WithoutCalibrationIsBoottime) {
  const Clock clock(Calibration{});
  const auto before = static_cast<std::int64_t>(boottime_ns());
  const std::int64_t now = clock.now().ns;
  EXPECT_LE(before, now);
  EXPECT_LE(now, static_cast<std::int64_t>(boottime_ns()));
}

TEST(Clock, CalibratedAgreesWithBoottime) {
  const Calibration calibration = calibrate(60);
  if (calibration.ns_per_tick_q32 == 0) GTEST_SKIP() << "no invariant time-stamp counter here";
  const Clock clock(calibration);
  constexpr std::int64_t kTolerance = 5'000'000;  // 1 % of the longest time this test may take
  const auto before = static_cast<std::int64_t>(boottime_ns());
  const std::int64_t now = clock.now().ns;
  const auto after = static_cast<std::int64_t>(boottime_ns());
  EXPECT_GE(now, before - kTolerance);
  EXPECT_LE(now, after + kTolerance);
}

TEST(Clock, IsNeverEarlierThanItsLastStamp) {
  const Clock clock(calibrate(10));
  HostTime last = clock.now();
  for (int i = 0; i < 100'000; ++i) {
    const HostTime now = clock.now();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(Clock, OneCalibrationIsOneTimeScale) {
  // ns = base + (tsc - base_tsc) * rate: a rate of exactly 1 ns per tick and a base far ahead.
  const std::uint64_t tsc = __rdtsc();
  const Clock clock({tsc, 1'000'000'000'000, std::uint64_t{1} << 32, 0});
  const std::int64_t now = clock.now().ns;
  EXPECT_GE(now, 1'000'000'000'000);
  EXPECT_LE(now, 1'000'000'000'000 + static_cast<std::int64_t>(__rdtsc() - tsc));
}

TEST(VirtualClock, StandsStillUntilItIsMoved) {
  VirtualClock clock(HostTime{5'000'000});
  EXPECT_EQ(clock.now(), clock.now());
  clock.advance(Duration::millis(3));
  EXPECT_EQ(clock.now(), HostTime{8'000'000});
  EXPECT_EQ(clock.liveness_us(), 8'000u);
}

}  // namespace
}  // namespace sluice
