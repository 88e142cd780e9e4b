// Strong types: exact products, saturation at both ends, ids in pieces.
#include "core/types.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <random>
#include <type_traits>

namespace sluice {
namespace {

constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();

// What must not compile is in tests/compile_fail; these are the cheap ones.
template <class A, class B>
concept Addable = requires(A a, B b) {
  a + b;
};
template <class A, class B>
concept Subtractable = requires(A a, B b) {
  a - b;
};
template <class A, class B>
concept Comparable = requires(A a, B b) {
  a < b;
};
static_assert(Addable<Price, Price> && !Addable<Price, Qty> && !Addable<Price, std::int64_t>);
static_assert(Subtractable<HostTime, HostTime> && !Subtractable<HostTime, MarketTime>);
static_assert(!Comparable<HostTime, MarketTime> && !Comparable<Price, Notional>);
static_assert(!Addable<HostTime, HostTime> && Addable<MarketTime, Duration>);
static_assert(std::is_trivially_copyable_v<Price> && sizeof(Price) == 8);

TEST(Amount, SaturatesAtBothEnds) {
  EXPECT_EQ(Price{kMax - 1} + Price{1}, Price{kMax});
  EXPECT_EQ(Price{kMax} + Price{1}, Price{kMax});
  EXPECT_EQ(Price{kMin} - Price{1}, Price{kMin});
  EXPECT_EQ(Price{kMin + 1} - Price{1}, Price{kMin});
  EXPECT_EQ(-Price{kMin}, Price{kMax});
  EXPECT_EQ(Price::whole(92'233'720'368).raw, 9'223'372'036'800'000'000);
  EXPECT_EQ(Price::whole(92'233'720'369).raw, kMax);
  EXPECT_EQ(Price::whole(-92'233'720'369).raw, kMin);
  Price sum{1};
  sum += Price{2};
  sum -= Price{4};
  EXPECT_EQ(sum, Price{-1});
}

TEST(Amount, NotionalIsExactAndTruncatesTowardZero) {
  EXPECT_EQ(notional(Price::whole(50'000), Qty{1'000}), Notional{50'000'000})
      << "50000 x 0.00001 = 0.5";
  EXPECT_EQ(notional(Price{1}, Qty{kScale - 1}), Notional{0});
  EXPECT_EQ(notional(Price{-1}, Qty{kScale - 1}), Notional{0});
  EXPECT_EQ(notional(Price{1}, Qty{kScale}), Notional{1});
  EXPECT_EQ(notional(Price{kMax}, Qty::whole(1)), Notional{kMax});
  EXPECT_EQ(notional(Price{kMax}, Qty::whole(2)), Notional{kMax});
  EXPECT_EQ(notional(Price{kMax}, -Qty::whole(2)), Notional{kMin});
}

TEST(Amount, FractionsArePartsPerMillion) {
  EXPECT_EQ(Price::whole(100) * Ppm{4'000}, Price{40'000'000}) << "0.4 % of 100";
  EXPECT_EQ(Price{249} * Ppm{4'000}, Price{0});
  EXPECT_EQ(Price{250} * Ppm{4'000}, Price{1});
  EXPECT_EQ(scaled(Qty{7}, 2, 3), Qty{4});
  EXPECT_EQ(scaled(Qty{-7}, 2, 3), Qty{-4});
  EXPECT_EQ(scaled(Qty{kMax}, 3, 2), Qty{kMax});
}

TEST(Amount, ProductAgreesWithLongDivision) {
  const std::uint64_t seed = std::random_device{}();
  RecordProperty("seed", std::to_string(seed));
  std::mt19937_64 random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const auto price = static_cast<std::int64_t>(random() % 1'000'000'000'000);
    const auto qty = static_cast<std::int64_t>(random() % 100'000'000'000);
    // Splitting the price keeps every partial product within 64 bits.
    const std::int64_t high = price / kScale * qty;
    const std::int64_t low_whole = price % kScale * (qty / kScale);
    const std::int64_t low_rest = price % kScale * (qty % kScale) / kScale;
    ASSERT_EQ(notional(Price{price}, Qty{qty}).raw, high + low_whole + low_rest) << "seed " << seed;
  }
}

// Against the compiler's division, over all magnitudes and signs.
TEST(Amount, QuotientAgreesWithLongDivision) {
  using detail::Wide;
  __extension__ using Magnitude = unsigned __int128;
  std::uint64_t state = 7;
  const auto next = [&state] { return state = mix(state); };
  const auto wide = [&next](unsigned bits) {
    const Wide value =
        static_cast<Wide>((static_cast<Magnitude>(next()) << 64 | next()) >> (128 - bits));
    return (next() & 1) != 0 ? -value : value;
  };
  int saturated = 0;
  for (int i = 0; i < 200'000; ++i) {
    const Wide dividend = wide(1 + static_cast<unsigned>(next() % 127));
    const Wide divisor = wide(1 + static_cast<unsigned>(next() % 127));
    if (divisor == 0) continue;
    const std::int64_t expected = detail::clamp(dividend / divisor);
    ASSERT_EQ(detail::quotient(dividend, divisor), expected) << i;
    saturated += expected != dividend / divisor ? 1 : 0;
  }
  EXPECT_GT(saturated, 1'000);
}

TEST(TimePoint, DifferencesSaturate) {
  EXPECT_EQ(HostTime{7} - HostTime{10}, Duration{-3});
  EXPECT_EQ((HostTime{kMax} - HostTime{-1}).ns, kMax);
  EXPECT_EQ((HostTime{kMin} - HostTime{1}).ns, kMin);
  EXPECT_EQ(HostTime::never() + Duration{1}, HostTime::never());
  EXPECT_EQ(HostTime{5} + Duration::micros(1), HostTime{1'005});
  EXPECT_EQ(HostTime{5} - Duration::millis(1), HostTime{-999'995});
  EXPECT_EQ(Duration::seconds(1), Duration::millis(1'000));
}

TEST(Side, HasAnOpposite) {
  EXPECT_EQ(opposite(Side::Buy), Side::Sell);
  EXPECT_EQ(opposite(Side::Sell), Side::Buy);
}

TEST(OrderId, HoldsItsPieces) {
  const OrderId id = OrderId::make(0xffff, 0xfe, 0xfffffffd, 0xfc);
  EXPECT_EQ(id.run(), 0xffff);
  EXPECT_EQ(id.origin(), 0xfe);
  EXPECT_EQ(id.counter(), 0xfffffffd);
  EXPECT_EQ(id.slice(), 0xfc);
  EXPECT_EQ(id.parent(), OrderId::make(0xffff, 0xfe, 0xfffffffd));
  EXPECT_EQ(id.parent().slice(), 0);
  EXPECT_LT(OrderId::make(1, 255, 0xffffffff, 255), OrderId::make(2, 0, 0, 0))
      << "a later run is greater";
}

}  // namespace
}  // namespace sluice
