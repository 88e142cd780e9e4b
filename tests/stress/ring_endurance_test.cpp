// The short form of ring-endurance: its rows are clean, and it reports what a producer does wrong.
#include <gtest/gtest.h>

#include "tests/stress/ring_endurance.hpp"

namespace sluice {
namespace {

using test::EndurancePlan;
using test::EnduranceResult;
using test::RingFault;

constexpr std::uint64_t kNear32 = (std::uint64_t{1} << 32) - 3;
constexpr std::uint64_t kNear63 = (std::uint64_t{1} << 63) - 3;

class RingEndurance : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Capacity, RingEndurance, testing::Values(2, 4, 8, 65'536));

TEST_P(RingEndurance, EveryRecordOnceInOrderWholeAndReadOrMissedByTheTap) {
  for (const std::uint64_t start : {kNear32, kNear63}) {
    const EnduranceResult result =
        test::endure({.capacity = GetParam(), .start = start, .records = 200'000});
    EXPECT_EQ(result.fault(), "");
    EXPECT_EQ(result.received, 200'000u);
    EXPECT_EQ(result.tap_read + result.tap_missed, 200'000u);
  }
}

// Capacity 2: a tap that was lapped reads the slot that is written next. One record in a thousand
// is written wrongly before the eyes of the process that can see it.
constexpr std::uint64_t kWrong = 200;
EnduranceResult faulty(RingFault fault) {
  return test::endure({.capacity = 2, .start = kNear32, .records = 200'000, .fault = fault});
}

TEST(RingEnduranceMutant, AWordBeforeItsPayloadIsReported) {
  const EnduranceResult result = faulty(RingFault::WordFirst);
  EXPECT_GE(result.torn, kWrong);
  EXPECT_NE(result.fault(), "");
}

TEST(RingEnduranceMutant, APayloadThatChangesUnderItsWordIsReportedByTheTap) {
  const EnduranceResult result = faulty(RingFault::NotCleared);
  EXPECT_EQ(result.torn, 0u);
  EXPECT_EQ(result.tap_torn, kWrong);
  EXPECT_NE(result.fault(), "");
}

TEST(RingEnduranceMutant, ALostAndADoubledRecordAreReported) {
  EXPECT_EQ(faulty(RingFault::Lost).lost, kWrong);
  EXPECT_EQ(faulty(RingFault::Doubled).doubled, kWrong);
}

}  // namespace
}  // namespace sluice
