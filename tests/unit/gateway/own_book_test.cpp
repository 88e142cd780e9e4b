#include "gateway/own_book.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "tests/unit/gateway/gateway_support.hpp"

namespace sluice::test {
namespace {

struct OwnBookTest : ::testing::Test {
  std::unique_ptr<OwnBook> book = std::make_unique<OwnBook>();
  const OwnCell& cell() const { return book->at(1, 2); }
};

TEST_F(OwnBookTest, WorkingEntryCostsItsLimit) {
  book->work(1, 2, OrderKind::Entry, px(100), Qty{}, lots(10));
  EXPECT_EQ(book->open_cost(), Notional::whole(1'000));
  EXPECT_EQ(book->open_cost(1), Notional::whole(1'000));
  EXPECT_EQ(book->open_cost(2), Notional{});
  book->work(1, 2, OrderKind::Entry, px(100), lots(10), lots(4));
  EXPECT_EQ(cell().working, Notional::whole(400));
  book->work(1, 2, OrderKind::Entry, px(100), lots(4), Qty{});
  EXPECT_EQ(book->open_cost(), Notional{});
}

TEST_F(OwnBookTest, ExitsCostNothingAndHoldQuantity) {
  book->work(1, 2, OrderKind::TakeProfit, px(100), Qty{}, lots(3));
  EXPECT_EQ(cell().exits, lots(3));
  EXPECT_EQ(book->open_cost(), Notional{});
}

TEST_F(OwnBookTest, PositionCostIsAverage) {
  book->fill(1, 2, Side::Buy, px(100), lots(2));
  book->fill(1, 2, Side::Buy, px(130), lots(1));
  EXPECT_EQ(cell().position, lots(3));
  EXPECT_EQ(cell().cost, Notional::whole(330));
  book->fill(1, 2, Side::Sell, px(500), lots(1));
  EXPECT_EQ(cell().cost, Notional::whole(220)) << "the price of an exit does not matter";
  book->fill(1, 2, Side::Sell, px(1), lots(2));
  EXPECT_EQ(cell().position, Qty{});
  EXPECT_EQ(cell().cost, Notional{});
  EXPECT_EQ(book->open_cost(), Notional{});
}

TEST_F(OwnBookTest, NothingRemainsAfterOddFractions) {
  book->fill(1, 2, Side::Buy, Price{333'333'333}, Qty{700'000'001});
  book->fill(1, 2, Side::Sell, px(3), Qty{233'333'333});
  book->fill(1, 2, Side::Sell, px(3), Qty{466'666'668});
  EXPECT_EQ(cell(), OwnCell{});
  EXPECT_EQ(book->open_cost(1), Notional{});
}

TEST_F(OwnBookTest, FillThroughFlatOpensTheOtherSide) {
  book->fill(1, 2, Side::Sell, px(100), lots(2));
  EXPECT_EQ(cell().position, lots(-2));
  EXPECT_EQ(cell().cost, Notional::whole(200));
  book->fill(1, 2, Side::Buy, px(90), lots(5));
  EXPECT_EQ(cell().position, lots(3));
  EXPECT_EQ(cell().cost, Notional::whole(270));
}

}  // namespace
}  // namespace sluice::test
