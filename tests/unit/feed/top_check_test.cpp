#include "feed/top_check.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

using Verdict = TopCheck::Verdict;

Top top(std::int64_t bid) {
  return {{bid}, {bid + 1}, {1}, {1}};
}

TEST(TopCheck, ComparesAtTheSameId) {
  TopCheck check;
  EXPECT_EQ(check.on_ticker(10, top(1)), Verdict::Unknown);
  EXPECT_EQ(check.on_book(10, top(1)), Verdict::Equal);
  EXPECT_EQ(check.on_book(20, top(2)), Verdict::Unknown);
  EXPECT_EQ(check.on_ticker(20, top(3)), Verdict::Different);
}

TEST(TopCheck, WaitsForTheNextTickerToKnowHowLongOneHeld) {
  TopCheck check;
  check.on_ticker(10, top(1));
  EXPECT_EQ(check.on_book(15, top(1)), Verdict::Unknown);
  EXPECT_EQ(check.on_ticker(16, top(2)), Verdict::Equal);
  EXPECT_EQ(check.on_book(18, top(9)), Verdict::Unknown);
  EXPECT_EQ(check.on_ticker(19, top(3)), Verdict::Different);
}

TEST(TopCheck, LooksBackWhenTheTickersWereFaster) {
  TopCheck check;
  check.on_ticker(10, top(1));
  check.on_ticker(12, top(2));
  check.on_ticker(14, top(3));
  EXPECT_EQ(check.on_book(13, top(2)), Verdict::Equal);
  EXPECT_EQ(check.on_book(13, top(1)), Verdict::Different);
  EXPECT_EQ(check.on_book(9, top(1)), Verdict::Unknown);  // before everything remembered
}

TEST(TopCheck, KnowsNothingWithoutATickerBefore) {
  TopCheck check;
  EXPECT_EQ(check.on_book(5, top(1)), Verdict::Unknown);
  EXPECT_EQ(check.on_ticker(6, top(2)), Verdict::Unknown);
}

TEST(TopCheck, ForgetsBeyondItsMemory) {
  TopCheck check;
  for (std::uint64_t id = 1; id <= 100; ++id)
    check.on_ticker(id, top(static_cast<std::int64_t>(id)));
  EXPECT_EQ(check.on_book(68, top(68)), Verdict::Unknown);
  EXPECT_EQ(check.on_book(69, top(69)), Verdict::Equal);
}

}  // namespace
}  // namespace sluice
