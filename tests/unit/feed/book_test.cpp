// One side of a book, and the synchronisation rule with both sides of each bound.
#include "feed/book.hpp"

#include <gtest/gtest.h>

namespace sluice {
namespace {

BookLevel level(std::int64_t price, std::int64_t qty) {
  return {{price}, {qty}};
}

struct Diff {
  Diff(std::uint64_t first, std::uint64_t last, std::vector<BookLevel> b = {},
       std::vector<BookLevel> a = {})
      : bids(std::move(b)), asks(std::move(a)) {
    update.kind = UpdateKind::Depth;
    update.first_id = first;
    update.last_id = last;
    update.bids = bids;
    update.asks = asks;
  }
  std::vector<BookLevel> bids;
  std::vector<BookLevel> asks;
  Update update;
};

struct Snapshot : Diff {
  explicit Snapshot(std::uint64_t id, std::vector<BookLevel> b = {level(100, 1)},
                    std::vector<BookLevel> a = {level(101, 1)})
      : Diff(0, id, std::move(b), std::move(a)) {
    update.kind = UpdateKind::Snapshot;
  }
};

DiffResult feed(Book& book, const Diff& diff) {
  return book.on_diff(diff.update).result;
}

TEST(BookSide, KeepsLevelsInOrderAndTheBestInReach) {
  BookSide bids(Side::Buy, 8);
  BookSide asks(Side::Sell, 8);
  for (const std::int64_t price : {5, 9, 1, 7}) {
    bids.set(level(price, price));
    asks.set(level(price, price));
  }
  EXPECT_EQ(bids.at(0), level(9, 9));
  EXPECT_EQ(bids.at(3), level(1, 1));
  EXPECT_EQ(asks.at(0), level(1, 1));
  EXPECT_EQ(asks.at(3), level(9, 9));
}

TEST(BookSide, ChangesRemovesAndIgnoresTheRemovalOfNothing) {
  BookSide bids(Side::Buy, 8);
  bids.set(level(5, 1));
  bids.set(level(5, 2));
  EXPECT_EQ(bids.size(), 1u);
  EXPECT_EQ(bids.at(0).qty.raw, 2);
  EXPECT_EQ(bids.set(level(6, 0)), 0u);
  EXPECT_EQ(bids.size(), 1u);
  bids.set(level(5, 0));
  EXPECT_TRUE(bids.empty());
}

TEST(BookSide, GivesUpTheWorstWhenFull) {
  BookSide asks(Side::Sell, 3);
  for (const std::int64_t price : {10, 20, 30}) EXPECT_EQ(asks.set(level(price, 1)), 0u);
  EXPECT_EQ(asks.set(level(40, 1)), 1u);  // itself the worst
  EXPECT_EQ(asks.at(2).price.raw, 30);
  EXPECT_EQ(asks.set(level(15, 1)), 1u);
  EXPECT_EQ(asks.at(0).price.raw, 10);
  EXPECT_EQ(asks.at(1).price.raw, 15);
  EXPECT_EQ(asks.at(2).price.raw, 20);
  EXPECT_EQ(asks.set(level(5, 1)), 1u);
  EXPECT_EQ(asks.at(0).price.raw, 5);
  EXPECT_EQ(asks.size(), 3u);
}

TEST(BookSide, LoadsTheBestAndRefusesDisorder) {
  BookSide bids(Side::Buy, 2);
  std::size_t left_out = 0;
  const std::vector<BookLevel> good{level(3, 1), level(2, 1), level(1, 1)};
  ASSERT_TRUE(bids.load(good, left_out));
  EXPECT_EQ(left_out, 1u);
  EXPECT_EQ(bids.at(0).price.raw, 3);
  EXPECT_EQ(bids.at(1).price.raw, 2);
  for (const auto& bad : {std::vector{level(2, 1), level(3, 1)}, {level(2, 1), level(2, 1)}}) {
    EXPECT_FALSE(bids.load(bad, left_out));
    EXPECT_TRUE(bids.empty());
  }
}

TEST(Book, BuffersUntilTheSnapshotAndAppliesWhatReachesOverIt) {
  Book book(10, 4'096);
  EXPECT_EQ(book.state(), BookState::Empty);
  EXPECT_FALSE(book.wants_snapshot());
  EXPECT_EQ(feed(book, {1, 5, {level(90, 1)}}),
            DiffResult::Buffered);  // before the snapshot: dropped
  EXPECT_EQ(feed(book, {6, 12, {level(100, 7)}}), DiffResult::Buffered);  // bridges 10
  EXPECT_EQ(feed(book, {13, 15, {level(99, 3)}}), DiffResult::Buffered);
  EXPECT_EQ(book.state(), BookState::Buffering);
  EXPECT_TRUE(book.wants_snapshot());
  Top top;
  EXPECT_FALSE(book.top(top));
  ASSERT_EQ(book.on_snapshot(Snapshot(10).update), SnapshotResult::Synced);
  EXPECT_EQ(book.state(), BookState::Synced);
  EXPECT_FALSE(book.wants_snapshot());
  EXPECT_EQ(book.last_id(), 15u);
  EXPECT_EQ(book.bids().size(), 2u);
  ASSERT_TRUE(book.top(top));
  EXPECT_EQ(top, (Top{{100}, {101}, {7}, {1}}));
}

TEST(Book, RefusesASnapshotThatEndsBeforeTheFirstDifference) {
  Book book(10, 4'096);
  feed(book, {10, 12});
  EXPECT_EQ(book.on_snapshot(Snapshot(8).update), SnapshotResult::TooOld);
  EXPECT_TRUE(book.wants_snapshot());
  EXPECT_EQ(book.on_snapshot(Snapshot(9).update), SnapshotResult::Synced);
  EXPECT_EQ(book.last_id(), 12u);
}

TEST(Book, TakesASnapshotThatIsNewerThanEveryDifference) {
  Book book(10, 4'096);
  feed(book, {10, 12, {level(100, 9)}});
  EXPECT_EQ(book.on_snapshot(Snapshot(20).update), SnapshotResult::Synced);
  EXPECT_EQ(book.last_id(), 20u);
  EXPECT_EQ(book.bids().at(0).qty.raw, 1);
  EXPECT_EQ(feed(book, {13, 20}), DiffResult::Old);
  EXPECT_EQ(feed(book, {18, 21}), DiffResult::Applied);
  EXPECT_EQ(feed(book, {22, 22}), DiffResult::Applied);
}

TEST(Book, FindsAGapAndRecoversByTheNextSnapshot) {
  Book book(10, 4'096);
  feed(book, {1, 5});
  book.on_snapshot(Snapshot(5).update);
  EXPECT_EQ(feed(book, {6, 6}), DiffResult::Applied);
  const DiffOutcome gap = book.on_diff(Diff(10, 12, {level(100, 5)}).update);
  EXPECT_EQ(gap.result, DiffResult::Gap);
  EXPECT_EQ(gap.expected, 7u);
  EXPECT_EQ(gap.got, 10u);
  EXPECT_EQ(gap.missing(), 3u);
  EXPECT_EQ(book.state(), BookState::Broken);
  EXPECT_EQ(book.last_id(), 0u);
  Top top;
  EXPECT_FALSE(book.top(top));
  EXPECT_EQ(feed(book, {13, 13}), DiffResult::Buffered);
  EXPECT_EQ(book.on_snapshot(Snapshot(8).update), SnapshotResult::TooOld);
  EXPECT_EQ(book.on_snapshot(Snapshot(11).update), SnapshotResult::Synced);
  EXPECT_EQ(book.last_id(), 13u);
  EXPECT_EQ(book.bids().at(0).qty.raw, 5);
}

TEST(Book, FindsAGapAmongWaitingDifferences) {
  Book book(10, 4'096);
  feed(book, {1, 5});
  EXPECT_EQ(book.on_diff(Diff(7, 8).update).missing(), 1u);
  EXPECT_EQ(book.on_snapshot(Snapshot(5).update), SnapshotResult::TooOld);
  EXPECT_EQ(book.on_snapshot(Snapshot(6).update), SnapshotResult::Synced);
}

TEST(Book, StartsAgainWhenTheBufferIsFull) {
  Book book(10, 256);
  std::uint64_t id = 1;
  while (book.overflows() == 0) {
    ASSERT_LT(id, 100u);
    feed(book, {id, id, {level(100, 1), level(99, 1)}});
    ++id;
  }
  EXPECT_GT(id, 3u);
  EXPECT_EQ(book.state(), BookState::Broken);
  EXPECT_EQ(book.on_snapshot(Snapshot(id - 3).update), SnapshotResult::TooOld);
  EXPECT_EQ(book.on_snapshot(Snapshot(id - 2).update), SnapshotResult::Synced);
  EXPECT_EQ(book.last_id(), id - 1);
}

TEST(Book, SurvivesADifferenceLargerThanItsBuffer) {
  Book book(10, 64);
  feed(book, {1, 1, std::vector<BookLevel>(100, level(1, 1))});
  EXPECT_FALSE(book.wants_snapshot());
  EXPECT_EQ(feed(book, {2, 2}), DiffResult::Buffered);
  EXPECT_TRUE(book.wants_snapshot());
}

TEST(Book, RefusesASnapshotInDisorderAndOneThatNobodyAskedFor) {
  Book book(10, 4'096);
  feed(book, {1, 5});
  EXPECT_EQ(book.on_snapshot(Snapshot(5, {level(1, 1), level(2, 1)}).update),
            SnapshotResult::Invalid);
  EXPECT_TRUE(book.wants_snapshot());
  EXPECT_EQ(book.on_snapshot(Snapshot(5).update), SnapshotResult::Synced);
  EXPECT_EQ(book.on_snapshot(Snapshot(9).update), SnapshotResult::NotWanted);
  EXPECT_EQ(book.last_id(), 5u);
}

TEST(Book, ForgetsEverythingOnReset) {
  Book book(10, 4'096);
  feed(book, {1, 5});
  book.on_snapshot(Snapshot(5).update);
  book.reset();
  EXPECT_EQ(book.state(), BookState::Empty);
  EXPECT_EQ(feed(book, {900, 901}), DiffResult::Buffered);  // no gap: another connection
}

}  // namespace
}  // namespace sluice
