// Decimal text <-> 1e-8 fixed point: exact or refused, both sides of each bound.
#include "core/decimal.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <string>

namespace sluice {
namespace {

constexpr std::int64_t kUntouched = -77;

std::int64_t parsed(std::string_view text) {
  std::int64_t out = kUntouched;
  EXPECT_EQ(parse_decimal(text, out), DecimalError::None) << text;
  return out;
}

DecimalError refused(std::string_view text) {
  std::int64_t out = kUntouched;
  const DecimalError error = parse_decimal(text, out);
  EXPECT_EQ(out, kUntouched) << text;
  return error;
}

std::string formatted(std::int64_t raw) {
  DecimalText text;
  return std::string(format_decimal(raw, text));
}

TEST(Decimal, ParsesExactly) {
  EXPECT_EQ(parsed("0"), 0);
  EXPECT_EQ(parsed("-0"), 0);
  EXPECT_EQ(parsed("1"), 100'000'000);
  EXPECT_EQ(parsed("+1"), 100'000'000);
  EXPECT_EQ(parsed("-0.00000001"), -1);
  EXPECT_EQ(parsed("61837.63"), 6'183'763'000'000);
  EXPECT_EQ(parsed("0.1") + parsed("0.2"), parsed("0.3"));
  EXPECT_EQ(parsed(".5"), 50'000'000);
  EXPECT_EQ(parsed("5."), 500'000'000);
  EXPECT_EQ(parsed("000001.0"), 100'000'000);
}

TEST(Decimal, EightDecimalPlacesFitNineDoNot) {
  EXPECT_EQ(parsed("0.12345678"), 12'345'678);
  EXPECT_EQ(parsed("0.1234567800000"), 12'345'678) << "zeros lose nothing";
  EXPECT_EQ(refused("0.123456789"), DecimalError::TooPrecise);
  EXPECT_EQ(refused("0.000000001"), DecimalError::TooPrecise);
}

TEST(Decimal, TheLargestValueFitsTheNextDoesNot) {
  EXPECT_EQ(parsed("92233720368.54775807"), std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(parsed("-92233720368.54775807"), -std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(refused("92233720368.54775808"), DecimalError::Overflow);
  EXPECT_EQ(refused("-92233720368.54775808"), DecimalError::Overflow);
  EXPECT_EQ(refused("92233720369"), DecimalError::Overflow);
  EXPECT_EQ(refused("9999999999999999999999999"), DecimalError::Overflow);
}

TEST(Decimal, RefusesWhatIsNoNumber) {
  EXPECT_EQ(refused(""), DecimalError::Empty);
  EXPECT_EQ(refused("-"), DecimalError::Empty);
  EXPECT_EQ(refused("+"), DecimalError::Empty);
  for (const char* text :
       {".", "-.", "1.2.3", "1,2", "1e5", " 1", "1 ", "--1", "+-1", "0x1", "nan", "inf"})
    EXPECT_EQ(refused(text), DecimalError::Syntax) << text;
}

TEST(Decimal, FormatsTheShortestText) {
  EXPECT_EQ(formatted(0), "0");
  EXPECT_EQ(formatted(500'000'000), "5");
  EXPECT_EQ(formatted(6'183'763'000'000), "61837.63");
  EXPECT_EQ(formatted(-100'000), "-0.001");
  EXPECT_EQ(formatted(1), "0.00000001");
  EXPECT_EQ(formatted(std::numeric_limits<std::int64_t>::max()), "92233720368.54775807");
  EXPECT_EQ(formatted(std::numeric_limits<std::int64_t>::min()), "-92233720368.54775808");
}

TEST(Decimal, RoundTripsRandomValues) {
  const std::uint64_t seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    // Few and many digits alike; the one value without a positive twin is not parsable.
    const auto raw = static_cast<std::int64_t>(random()) >> (random() % 63);
    if (raw == std::numeric_limits<std::int64_t>::min()) continue;
    ASSERT_EQ(parsed(formatted(raw)), raw) << "seed " << seed;
  }
}

TEST(Decimal, WorksAtCompileTime) {
  constexpr std::int64_t kHalf = [] {
    std::int64_t out = 0;
    return parse_decimal("0.5", out) == DecimalError::None ? out : -1;
  }();
  static_assert(kHalf == 50'000'000);
}

}  // namespace
}  // namespace sluice
