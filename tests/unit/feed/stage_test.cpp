// The stage's rules, one by one.
#include "feed/stage.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <memory>
#include <set>

#include "core/stage_page.hpp"
#include "tests/unit/feed/feed_support.hpp"

namespace sluice {
namespace {

using test::feed_config;
using test::Rig;

std::string trade(std::uint64_t id, std::int64_t ms = 1'000, std::string_view price = "100",
                  std::string_view symbol = "BTCUSDT") {
  return fmt::format(R"({{"e":"trade","E":{},"s":"{}","t":{},"p":"{}","q":"1","T":{},"m":false}})",
                     ms, symbol, id, price, ms);
}
std::string ticker(std::uint64_t id, std::string_view bid = "100", std::string_view ask = "101") {
  return fmt::format(R"({{"u":{},"s":"BTCUSDT","b":"{}","B":"1","a":"{}","A":"1"}})", id, bid, ask);
}
std::string depth(std::uint64_t first, std::uint64_t last, std::string_view bids = "",
                  std::string_view asks = "", std::int64_t ms = 2'000) {
  return fmt::format(
      R"({{"e":"depthUpdate","E":{},"s":"BTCUSDT","U":{},"u":{},"b":[{}],"a":[{}]}})", ms, first,
      last, bids, asks);
}
std::string snapshot(std::uint64_t id) {
  return fmt::format(
      R"({{"lastUpdateId":{},"bids":[["100","1"],["99","2"]],"asks":[["101","1"]]}})", id);
}

class Stage : public testing::Test {
 protected:
  [[nodiscard]] std::uint64_t counted(FeedCounter counter) const {
    return page_->statistics.counters[static_cast<std::size_t>(counter)].load();
  }
  [[nodiscard]] Rig rig(bool trades, bool tickers, bool depths) {
    return Rig(feed_config(trades, tickers, depths), page_.get());
  }
  std::unique_ptr<StagePage> page_ = std::make_unique<StagePage>();
};

TEST_F(Stage, TellsOfEveryConnection) {
  Rig r = rig(true, true, false);
  r.up({10});
  r.up({11});  // repeated: ignored
  r.down({12});
  r.up({13});
  ASSERT_EQ(r.ticks.size(), 3u);
  EXPECT_EQ(r.ticks[0].status(), StatusCode::SessionUp);
  EXPECT_EQ(r.ticks[0].count(), 1);
  EXPECT_EQ(r.ticks[0].rx_time.ns, 10);
  EXPECT_GE(r.ticks[0].instrument, kMaxInstruments);
  EXPECT_EQ(r.ticks[1].status(), StatusCode::SessionDown);
  EXPECT_EQ(r.ticks[2].count(), 2);
  EXPECT_EQ(counted(FeedCounter::Reconnects), 1u);
  EXPECT_EQ(counted(FeedCounter::Disconnects), 1u);
}

TEST_F(Stage, GivesABookTickerTheHighestVenueTimeOfItsConnection) {
  Rig r = rig(true, true, false);
  r.up();
  r.frame(ticker(1));
  r.frame(trade(1, 5'000));
  r.frame(trade(2, 4'000));  // backwards: counted, and passed on with its own time
  r.frame(ticker(2));
  r.down();
  r.up();
  r.frame(ticker(3));
  ASSERT_EQ(r.ticks.size(), 8u);
  EXPECT_EQ(r.ticks[1].venue_time.ns, 0);
  EXPECT_EQ(r.ticks[3].venue_time.ns, 4'000'000'000);
  EXPECT_EQ(r.ticks[3].flags & kTimeInferred, 0);
  EXPECT_EQ(r.ticks[4].venue_time.ns, 5'000'000'000);
  EXPECT_NE(r.ticks[4].flags & kTimeInferred, 0);
  EXPECT_EQ(r.ticks[7].venue_time.ns, 0);
  EXPECT_EQ(counted(FeedCounter::TimeBackwards), 1u);
}

TEST_F(Stage, CountsMissingTradesExactlyAndDropsDuplicates) {
  Rig r = rig(true, true, false);
  r.up();
  r.frame(trade(10));
  r.frame(trade(11));
  r.frame(trade(11));
  r.frame(trade(5));
  r.frame(trade(15));
  ASSERT_EQ(r.ticks.size(), 5u);
  EXPECT_EQ(r.ticks[3].status(), StatusCode::VenueGap);  // before the tick behind the hole
  EXPECT_EQ(r.ticks[3].count(), 3);
  EXPECT_EQ(r.ticks[3].value[2], 12);
  EXPECT_EQ(r.ticks[3].value[3], 15);
  EXPECT_EQ(r.ticks[3].instrument, 0u);
  EXPECT_EQ(r.ticks[4].kind, TickKind::Trade);
  EXPECT_EQ(counted(FeedCounter::Duplicates), 2u);
  EXPECT_EQ(counted(FeedCounter::Gaps), 1u);
  EXPECT_EQ(counted(FeedCounter::MissingUpdates), 3u);
}

TEST_F(Stage, CountsWhatWasMissedBetweenConnections) {
  Rig r = rig(true, true, false);
  r.up();
  r.frame(trade(10));
  r.down();
  r.up();
  r.frame(trade(14));
  EXPECT_EQ(r.count(StatusCode::VenueGap), 1u);
  EXPECT_EQ(counted(FeedCounter::MissingUpdates), 3u);
  r.down();
  r.up();
  r.frame(trade(3));  // the venue counts anew
  r.frame(trade(4));
  EXPECT_EQ(r.count(TickKind::Trade), 4u);
  EXPECT_EQ(counted(FeedCounter::Duplicates), 0u);
}

TEST_F(Stage, KeepsInstrumentsApart) {
  Rig r = rig(true, true, false);
  r.up();
  r.frame(trade(10));
  r.frame(trade(99, 1'000, "1", "ETHUSDT"));
  r.frame(trade(11));
  EXPECT_EQ(r.count(StatusCode::VenueGap), 0u);
  EXPECT_EQ(r.ticks[2].instrument, 1u);
}

TEST_F(Stage, NeverPassesOnAnImpossiblePrice) {
  Rig r = rig(true, true, false);
  r.up();
  r.frame(ticker(1, "101", "101"));
  r.frame(ticker(2, "102", "101"));
  r.frame(ticker(3, "0.00000000", "101"));
  r.frame(ticker(4, "-1", "101"));
  r.frame(trade(1, 1'000, "0"));
  EXPECT_EQ(r.ticks.size(), 1u);  // SessionUp
  EXPECT_EQ(counted(FeedCounter::RefusedCrossed), 2u);
  EXPECT_EQ(counted(FeedCounter::RefusedZero), 3u);
  r.frame(ticker(5, "100.99999999", "101"));
  EXPECT_EQ(r.count(TickKind::Quote), 1u);
}

TEST_F(Stage, SaysStaleOnceAndFreshBeforeTheNextTick) {
  Rig r = rig(true, true, false);
  r.up({0});
  r.idle({999'999'999});
  EXPECT_EQ(r.count(StatusCode::Stale), 0u);
  r.idle({1'000'000'000});
  r.idle({2'000'000'000});
  EXPECT_EQ(r.count(StatusCode::Stale), 1u);
  EXPECT_EQ(r.ticks.back().count(), 1'000);
  r.frame("{garbage", {2'100'000'000});  // no sign of health
  EXPECT_TRUE(r.stage.stale());
  Tick tick;
  const std::string text = ticker(1);
  ASSERT_TRUE(r.stage.on_frame({text.data(), text.size()}, {2'200'000'000}, tick));
  EXPECT_EQ(tick.status(), StatusCode::Fresh);
  EXPECT_TRUE(r.stage.pending());
  ASSERT_TRUE(r.stage.next(tick));
  EXPECT_EQ(tick.kind, TickKind::Quote);
  EXPECT_FALSE(r.stage.pending());
  EXPECT_FALSE(r.stage.next(tick));
}

TEST_F(Stage, IsNotStaleWhileDisconnected) {
  Rig r = rig(true, true, false);
  r.idle({1'000'000'000'000});
  r.up({1'000'000'000'000});
  r.down({1'000'000'000'001});
  r.idle({3'000'000'000'000});
  EXPECT_EQ(r.count(StatusCode::Stale), 0u);
}

TEST_F(Stage, QuotesFromTheBookOnlyWhenItsTopChanges) {
  Rig r = rig(false, false, true);
  r.up();
  r.frame(depth(1, 5));
  EXPECT_TRUE(r.stage.wants_snapshot(0));
  EXPECT_FALSE(r.stage.wants_snapshot(1));
  r.snapshot(snapshot(5));
  EXPECT_FALSE(r.stage.wants_snapshot(0));
  r.frame(depth(6, 6, R"(["98","5"])"));   // below the top
  r.frame(depth(7, 7, R"(["100","9"])"));  // its quantity
  r.frame(depth(8, 8, R"(["101","1"])"));  // crossed
  r.frame(depth(9, 9, R"(["101","0"],["100.5","1"])", "", 3'000));
  ASSERT_EQ(r.count(TickKind::Quote), 3u);
  EXPECT_EQ(counted(FeedCounter::RefusedCrossed), 1u);
  EXPECT_EQ(r.ticks.back().bid().raw, 10'050'000'000);
  EXPECT_EQ(r.ticks.back().venue_time.ns, 3'000'000'000);
  EXPECT_EQ(r.ticks.back().flags, 0);
}

TEST_F(Stage, RecoversABrokenBookAndSaysSo) {
  Rig r = rig(false, false, true);
  r.up();
  r.frame(depth(1, 5));
  r.snapshot(snapshot(5));
  EXPECT_EQ(r.count(StatusCode::Resynced), 0u);  // the first time is no recovery
  r.frame(depth(9, 10));
  EXPECT_EQ(r.ticks.back().status(), StatusCode::VenueGap);
  EXPECT_EQ(r.ticks.back().count(), 3);
  EXPECT_TRUE(r.stage.wants_snapshot(0));
  r.snapshot(snapshot(7));
  EXPECT_EQ(counted(FeedCounter::SnapshotsRefused), 1u);
  r.snapshot(snapshot(9));
  ASSERT_EQ(r.count(StatusCode::Resynced), 1u);
  EXPECT_EQ(r.ticks[r.ticks.size() - 2].count(), 9);
  EXPECT_EQ(r.ticks.back().kind, TickKind::Quote);  // though its top is what it was
}

TEST_F(Stage, CountsABookThatDisagreesWithTheVenue) {
  Rig r = rig(false, true, true);
  r.up();
  r.frame(depth(1, 5));
  r.snapshot(snapshot(5));
  r.frame(ticker(6, "100", "101"));
  r.frame(depth(6, 6, R"(["100","1"])"));
  EXPECT_EQ(counted(FeedCounter::BookChecks), 1u);
  EXPECT_EQ(counted(FeedCounter::BookMismatch), 0u);
  r.frame(depth(7, 7, R"(["100","0"])"));
  r.frame(ticker(7, "100", "101"));
  EXPECT_EQ(counted(FeedCounter::BookMismatch), 1u);
  EXPECT_EQ(r.count(TickKind::Quote), 2u);  // bookTicker is the only source
}

TEST_F(Stage, ForgetsTheBookWithTheConnection) {
  Rig r = rig(false, false, true);
  r.up();
  r.frame(depth(1, 5));
  r.down();
  EXPECT_FALSE(r.stage.wants_snapshot(0));
  EXPECT_EQ(r.stage.book(0)->state(), BookState::Empty);
  r.up();
  r.frame(depth(50, 55));
  EXPECT_EQ(r.count(StatusCode::VenueGap), 0u);
  EXPECT_TRUE(r.stage.wants_snapshot(0));
}

TEST_F(Stage, RefusesASnapshotThatIsNone) {
  Rig r = rig(false, false, true);
  r.up();
  r.frame(depth(1, 5));
  r.snapshot(R"({"code":-1121,"msg":"Invalid symbol."})");
  r.snapshot("<html>");
  r.snapshot(snapshot(5), 7);  // no such instrument
  EXPECT_EQ(counted(FeedCounter::SnapshotsRefused), 2u);
  EXPECT_TRUE(r.stage.wants_snapshot(0));
  r.frame(snapshot(5));  // as a frame it names no instrument
  EXPECT_EQ(counted(counter_of(DecodeError::UnknownEvent)), 1u);
}

TEST_F(Stage, CountsWhatIsNotMarketData) {
  Rig r = rig(true, true, false);
  r.up();
  r.frame(R"({"result":null,"id":1})");
  r.frame(R"({"error":{"code":2,"msg":"x"}})");
  r.frame(R"({"e":"serverShutdown","E":1000})");
  r.frame(trade(1, 1'000, "1", "DOGEUSDT"));
  r.frame("{");
  EXPECT_EQ(counted(FeedCounter::Answers), 1u);
  EXPECT_EQ(counted(FeedCounter::VenueErrors), 1u);
  EXPECT_EQ(counted(FeedCounter::Shutdowns), 1u);
  EXPECT_EQ(counted(counter_of(DecodeError::UnknownSymbol)), 1u);
  EXPECT_EQ(counted(counter_of(DecodeError::Malformed)), 1u);
  EXPECT_EQ(counted(FeedCounter::Messages), 5u);
}

TEST_F(Stage, ShowsItsHealthInRows) {
  Rig r = rig(true, true, false);
  r.up({10});
  r.frame(trade(1), {11});
  auto row = page_->read_row<SessionRow>(RowTable::Summary, 0);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->connected, 1u);
  EXPECT_EQ(row->connects, 1u);
  r.frame(trade(5), {12});
  row = page_->read_row<SessionRow>(RowTable::Instrument, 0);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->gaps, 1u);
  EXPECT_EQ(row->last_message.ns, 12);
  r.down({13});
  EXPECT_EQ(page_->read_row<SessionRow>(RowTable::Summary, 0)->connected, 0u);
  EXPECT_EQ(page_->read_row<SessionRow>(RowTable::Instrument, 1)->connected, 0u);
}

TEST_F(Stage, SaysThatTheDataHasEnded) {
  Rig r = rig(true, true, false);
  Tick tick;
  ASSERT_TRUE(r.stage.on_end_of_data({5}, tick));
  EXPECT_EQ(tick.status(), StatusCode::EndOfData);
}

// Gaps make two ticks per frame: whoever takes one per frame falls behind and must not do so
// silently.
TEST(StageDeath, StopsRatherThanLoseATick) {
  Rig r(feed_config(true, true, false));
  r.up();
  const auto careless = [&] {
    for (std::uint64_t id = 1; id < 100; id += 2) {
      const std::string text = trade(id);
      Tick tick;
      (void)r.stage.on_frame({text.data(), text.size()}, {1}, tick);
    }
  };
  EXPECT_DEATH(careless(), "");
}

TEST(FeedCounters, HaveNamesOfTheirOwn) {
  std::set<std::string_view> names(kFeedCounterNames.begin(), kFeedCounterNames.end());
  EXPECT_EQ(names.size(), kFeedCounters);
  EXPECT_EQ(names.count(""), 0u);
  EXPECT_LE(kFeedCounters, kMaxCounters);
  for (const std::string_view name : names) EXPECT_LT(name.size(), kStatisticName);
  for (std::size_t i = 1; i < kDecodeErrors; ++i) {
    const auto error = static_cast<DecodeError>(i);
    EXPECT_NE(kFeedCounterNames[static_cast<std::size_t>(counter_of(error))].find(to_text(error)),
              std::string_view::npos);
  }
  EXPECT_EQ(kFeedCounterNames[static_cast<std::size_t>(dropped_counter(feed_seat(7)))],
            "ticks_dropped_total{edge=\"feed-seat7\"}");
  EXPECT_EQ(kFeedCounterNames[static_cast<std::size_t>(dropped_counter(Edge::FeedRisk))],
            "ticks_dropped_total{edge=\"feed-risk\"}");
}

}  // namespace
}  // namespace sluice
