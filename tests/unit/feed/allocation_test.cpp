// After setup a frame costs no allocation, whatever is in it.
#include <gtest/gtest.h>

#include "tests/support/alloc_guard.hpp"
#include "tests/unit/feed/feed_support.hpp"

namespace sluice {
namespace {

TEST(Allocation, GuardCounts) {
  const test::AllocGuard guard;
  std::vector<int> numbers(1'000);
  EXPECT_EQ(numbers.size(), 1'000u);
  EXPECT_GT(guard.count(), 0u);
}

TEST(Allocation, TheWholeTapeCostsNone) {
  const auto tape = test::read_tape();
  ASSERT_FALSE(tape.empty());
  for (const bool tickers : {true, false}) {
    Effects effects(nullptr);
    FeedStage stage(test::feed_config(true, tickers, true), effects);
    Tick tick;
    std::uint64_t ticks = 0;
    const test::AllocGuard guard;
    for (bool got = stage.on_connection(true, {1}, tick); got; got = stage.next(tick)) ++ticks;
    for (const test::TapeLine& line : tape) {
      const std::span<const char> bytes{line.text.data(), line.text.size()};
      bool got = line.is_snapshot() ? stage.on_snapshot(0, bytes, line.received, tick)
                                    : stage.on_frame(bytes, line.received, tick);
      for (; got; got = stage.next(tick)) ++ticks;
    }
    EXPECT_EQ(guard.count(), 0u);
    EXPECT_GT(ticks, 9'757u);
  }
}

TEST(Allocation, GarbageAndGapsCostNone) {
  Effects effects(nullptr);
  FeedStage stage(test::feed_config(true, false, true), effects);
  std::string depth = test::kDepthJson;
  const std::string huge(1 << 20, 'x');
  Tick tick;
  const test::AllocGuard guard;
  (void)stage.on_connection(true, {1}, tick);
  while (stage.next(tick)) {
  }
  for (std::size_t i = 0; i < 20'000; ++i) {
    const std::size_t size = i % (depth.size() + 1);
    bool got =
        stage.on_frame({depth.data(), size}, {1}, tick);  // the whole one waits for a snapshot
    for (; got; got = stage.next(tick)) {
    }
  }
  (void)stage.on_frame({huge.data(), huge.size()}, {1}, tick);
  EXPECT_EQ(guard.count(), 0u);
}

}  // namespace
}  // namespace sluice
