// The ring between threads. Under ThreadSanitizer this shows that its memory orders suffice;
// ring_mutant shows that it would be noticed if they did not.
#include <gtest/gtest.h>

#include "tests/stress/ring_stress.hpp"

namespace sluice {
namespace {

using test::RingStress;
using test::StressPlan;
using test::StressResult;

class RingThreads : public testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Capacity, RingThreads, testing::Values(1, 2, 4, 64, 1024));

void expect_clean(const StressPlan& plan) {
  const StressResult result = RingStress<RingOrders>(plan).run();
  EXPECT_EQ(result.wrong, 0u);
  EXPECT_EQ(result.corrupt, 0u);
  EXPECT_EQ(result.tap_torn, 0u);
  if (plan.tap) {
    EXPECT_EQ(result.tap_read + result.tap_missed, plan.count);
  }
}

TEST_P(RingThreads, EveryRecordOnceInOrderWhole) {
  expect_clean({.capacity = GetParam(),
                .count = GetParam() < 64 ? 20'000u : 100'000u,
                .seed = test::draw_seed()});
}

TEST_P(RingThreads, WithSlotsGivenBackInBatches) {
  expect_clean({.capacity = GetParam(),
                .count = GetParam() < 64 ? 20'000u : 100'000u,
                .seed = test::draw_seed(),
                .batch = true});
}

TEST(RingThreadsAt, SequencesNearTheEndsOfTheirWords) {
  for (const std::uint64_t start : {(std::uint64_t{1} << 32) - 20'000, ~std::uint64_t{0} - 50'000})
    expect_clean({.capacity = 8, .count = 40'000, .start = start, .seed = test::draw_seed()});
}

}  // namespace
}  // namespace sluice
