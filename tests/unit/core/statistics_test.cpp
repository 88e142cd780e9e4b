// Histograms against an exact oracle, and names.
#include "core/statistics.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/seed.hpp"

namespace sluice {
namespace {

TEST(Histogram, BucketsTileTheRangeWithoutGapOrOverlap) {
  std::int64_t next = 0;
  for (std::size_t bucket = 0; bucket < Histogram::kBuckets; ++bucket) {
    const std::int64_t upper = Histogram::upper_of(bucket);
    ASSERT_GE(upper, next) << bucket;
    ASSERT_EQ(Histogram::bucket_of(next), bucket) << "lower bound " << next;
    ASSERT_EQ(Histogram::bucket_of(upper), bucket) << "upper bound " << upper;
    if (bucket + 1 < Histogram::kBuckets) {
      ASSERT_EQ(Histogram::bucket_of(upper + 1), bucket + 1);
    }
    // The width is at most 1/32 of the lower bound.
    ASSERT_LE((upper - next) * 32, std::max<std::int64_t>(next, 31));
    next = upper + 1;
  }
  EXPECT_EQ(next, std::int64_t{1} << (Histogram::kTopBit + 1));
}

TEST(Histogram, WhatIsTooLargeOrNegativeFallsIntoTheEndBuckets) {
  EXPECT_EQ(Histogram::bucket_of(std::numeric_limits<std::int64_t>::max()),
            Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::bucket_of(std::int64_t{1} << 41), Histogram::kBuckets - 1);
  EXPECT_EQ(Histogram::bucket_of(-1), 0u);
  EXPECT_EQ(Histogram::bucket_of(std::numeric_limits<std::int64_t>::min()), 0u);
}

TEST(Histogram, QuantilesAreWithinAThirtySecondOfTheExactOnes) {
  test::Random random(test::draw_seed());
  for (int round = 0; round < 40; ++round) {
    const auto histogram = std::make_unique<Histogram>();
    std::vector<std::int64_t> values;
    const std::uint64_t count = 1 + random.below(3'000);
    for (std::uint64_t i = 0; i < count; ++i)
      values.push_back(static_cast<std::int64_t>(random.next() >> (24 + random.below(40))));
    for (const std::int64_t value : values) histogram->record(value);
    std::sort(values.begin(), values.end());
    for (const std::uint64_t ppm : {1u, 500'000u, 990'000u, 999'000u, 999'900u, 1'000'000u}) {
      const std::uint64_t rank = std::max<std::uint64_t>(1, (count * ppm + 999'999) / 1'000'000);
      const std::int64_t exact = values[rank - 1], got = histogram->quantile(ppm);
      ASSERT_GE(got, exact) << "never below, " << ppm << " of " << count;
      ASSERT_LE((got - exact) * 32, std::max<std::int64_t>(exact, 31)) << ppm << " of " << count;
    }
    EXPECT_EQ(histogram->quantile(1'000'000), values.back());
    EXPECT_EQ(histogram->max(), values.back());
    EXPECT_EQ(histogram->count(), count);
  }
}

TEST(Histogram, EmptyIsZeroAndOneValueIsItself) {
  const auto histogram = std::make_unique<Histogram>();
  EXPECT_EQ(histogram->quantile(500'000), 0);
  histogram->record(123'456'789);
  for (const std::uint64_t ppm : {1u, 500'000u, 1'000'000u})
    EXPECT_EQ(histogram->quantile(ppm), 123'456'789);
}

TEST(Statistics, CountersAndHistogramsAreFoundByName) {
  const auto statistics = std::make_unique<Statistics>();
  const std::vector<std::string_view> counters{"ticks", "orders"}, histograms{"latency"};
  statistics->name(counters, histograms);
  statistics->add(1, 5);
  statistics->add(1, 2);
  statistics->set(0, 9);
  statistics->histograms[0].record(4);
  EXPECT_EQ(statistics->counter("orders"), 7u);
  EXPECT_EQ(statistics->counter("ticks"), 9u);
  EXPECT_EQ(statistics->counter("tick"), 0u);
  EXPECT_EQ(statistics->counter(""), 0u);
  ASSERT_NE(statistics->histogram("latency"), nullptr);
  EXPECT_EQ(statistics->histogram("latency")->count(), 1u);
  EXPECT_EQ(statistics->histogram("nothing"), nullptr);
}

TEST(Statistics, NamingAgainKeepsTheNumbers) {
  const auto statistics = std::make_unique<Statistics>();
  const std::vector<std::string_view> counters{"ticks"};
  statistics->name(counters, {});
  statistics->add(0, 3);
  statistics->name(counters, {});
  EXPECT_EQ(statistics->counter("ticks"), 3u);
}

TEST(Statistics, TooManyAndTooLongNamesAreCut) {
  const auto statistics = std::make_unique<Statistics>();
  const std::string longest(kStatisticName - 1, 'a'), longer(kStatisticName + 9, 'b');
  std::vector<std::string_view> counters{longest, longer};
  counters.resize(kMaxCounters + 5, "x");
  statistics->name(counters, std::vector<std::string_view>(kMaxHistograms + 2, "h"));
  statistics->set(0, 1);
  statistics->set(1, 2);
  EXPECT_EQ(statistics->counter(longest), 1u);
  EXPECT_EQ(statistics->counter(std::string(kStatisticName - 1, 'b')), 2u);
  EXPECT_EQ(statistics->counters_named.load(), kMaxCounters);
  EXPECT_EQ(statistics->histograms_named.load(), kMaxHistograms);
}

}  // namespace
}  // namespace sluice
