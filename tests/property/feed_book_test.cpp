// The book against std::map: any sequence of differences, any snapshot in between.
#include <gtest/gtest.h>

#include <functional>
#include <map>

#include "feed/book.hpp"
#include "tests/support/seed.hpp"

namespace sluice {
namespace {

using test::Random;

// The venue: the true book, and the differences that lead to it.
struct Venue {
  std::map<std::int64_t, std::int64_t, std::greater<>> bids;
  std::map<std::int64_t, std::int64_t> asks;
  std::uint64_t id = 100;

  template <class Map>
  static void change(Map& map, std::vector<BookLevel>& diff, Random& random, std::int64_t low) {
    for (std::uint64_t n = random.below(4); n > 0; --n) {
      const std::int64_t price = low + static_cast<std::int64_t>(random.below(40));
      const std::int64_t qty =
          random.one_in(3) ? 0 : 1 + static_cast<std::int64_t>(random.below(9));
      diff.push_back({{price}, {qty}});  // also removals of what is not there
      if (qty == 0)
        map.erase(price);
      else
        map[price] = qty;
    }
  }
  Update step(Random& random, std::vector<BookLevel>& b, std::vector<BookLevel>& a) {
    b.clear();
    a.clear();
    change(bids, b, random, 1);
    change(asks, a, random, 50);
    Update diff;
    diff.kind = UpdateKind::Depth;
    diff.first_id = id + 1;
    id += 1 + random.below(5);
    diff.last_id = id;
    diff.bids = b;
    diff.asks = a;
    return diff;
  }
  template <class Map>
  static std::vector<BookLevel> levels(const Map& map) {
    std::vector<BookLevel> all;
    for (const auto& [price, qty] : map) all.push_back({{price}, {qty}});
    return all;
  }
};

template <class Map>
void expect_equal(const BookSide& side, const Map& map) {
  ASSERT_EQ(side.size(), map.size());
  std::size_t rank = 0;
  for (const auto& [price, qty] : map) {
    ASSERT_EQ(side.at(rank).price.raw, price);
    ASSERT_EQ(side.at(rank).qty.raw, qty);
    ++rank;
  }
}

TEST(BookProperty, IsTheVenuesBookWheneverItSaysSynced) {
  Random random(test::draw_seed());
  for (int run = 0; run < 200; ++run) {
    Venue venue;
    Book book(64, 2'048);
    std::vector<BookLevel> b;
    std::vector<BookLevel> a;
    std::uint64_t lost = 0;
    std::uint64_t told = 0;
    bool chain = false;  // the book has something to compare the next id with
    for (int step = 0; step < 300; ++step) {
      const std::uint64_t before = venue.id;
      const Update diff = venue.step(random, b, a);
      if (random.one_in(40)) {  // never arrives
        if (chain) lost += venue.id - before;
        continue;
      }
      const DiffOutcome outcome = book.on_diff(diff);
      if (outcome.result == DiffResult::Gap) told += outcome.missing();
      ASSERT_EQ(told, lost);
      chain = true;
      if (book.wants_snapshot() && random.one_in(5)) {
        const auto bids = Venue::levels(venue.bids);
        const auto asks = Venue::levels(venue.asks);
        Update snapshot;
        snapshot.kind = UpdateKind::Snapshot;
        snapshot.last_id = venue.id;
        snapshot.bids = bids;
        snapshot.asks = asks;
        ASSERT_EQ(book.on_snapshot(snapshot), SnapshotResult::Synced);
      }
      if (book.state() != BookState::Synced) continue;
      ASSERT_EQ(book.last_id(), venue.id);
      expect_equal(book.bids(), venue.bids);
      expect_equal(book.asks(), venue.asks);
    }
    EXPECT_EQ(book.levels_dropped(), 0u);
  }
}

// A snapshot of any age: either it is refused, or what was kept brings it up to date.
TEST(BookProperty, BringsAnySnapshotUpToDateOrRefusesIt) {
  Random random(test::draw_seed());
  for (int run = 0; run < 2'000; ++run) {
    Venue venue;
    Book book(64, 64 * 1024);
    std::vector<BookLevel> b;
    std::vector<BookLevel> a;
    std::vector<BookLevel> bids;
    std::vector<BookLevel> asks;
    const std::uint64_t taken_at = random.below(20);
    const std::uint64_t heard_from = random.below(20);
    Update snapshot;
    snapshot.kind = UpdateKind::Snapshot;
    std::uint64_t first_heard = 0;
    for (std::uint64_t step = 0; step < 20; ++step) {
      const Update diff = venue.step(random, b, a);
      if (step >= heard_from) {
        book.on_diff(diff);
        if (first_heard == 0) first_heard = diff.first_id;
      }
      if (step != taken_at) continue;
      bids = Venue::levels(venue.bids);
      asks = Venue::levels(venue.asks);
      snapshot.last_id = venue.id;
    }
    snapshot.bids = bids;
    snapshot.asks = asks;
    const SnapshotResult result = book.on_snapshot(snapshot);
    ASSERT_EQ(result == SnapshotResult::TooOld, snapshot.last_id + 1 < first_heard);
    if (result != SnapshotResult::Synced) continue;
    ASSERT_EQ(book.last_id(), venue.id);
    expect_equal(book.bids(), venue.bids);
    expect_equal(book.asks(), venue.asks);
  }
}

// With too little room the best levels are right as long as no better one had been given up.
TEST(BookProperty, KeepsTheBestLevelsWhenRoomIsShort) {
  Random random(test::draw_seed());
  for (int run = 0; run < 200; ++run) {
    BookSide side(Side::Buy, 16);
    std::map<std::int64_t, std::int64_t, std::greater<>> model;
    for (int step = 0; step < 500; ++step) {
      const std::int64_t price = 1 + static_cast<std::int64_t>(random.below(64));
      const std::int64_t qty = random.one_in(3) ? 0 : 1;
      std::size_t dropped = side.set({{price}, {qty}});
      if (qty == 0)
        model.erase(price);
      else
        model[price] = qty;
      for (; dropped > 0; --dropped) model.erase(std::prev(model.end()));
      expect_equal(side, model);
      ASSERT_LE(side.size(), 16u);
    }
  }
}

}  // namespace
}  // namespace sluice
