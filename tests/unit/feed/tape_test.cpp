// The whole recorded tape through the stage.
#include <gtest/gtest.h>

#include <cstring>

#include "core/stage_page.hpp"
#include "tests/unit/feed/feed_support.hpp"

namespace sluice {
namespace {

using test::Rig;

std::uint64_t counted(const StagePage& page, FeedCounter counter) {
  return page.statistics.counters[static_cast<std::size_t>(counter)].load();
}

void play(Rig& rig, const std::vector<test::TapeLine>& tape) {
  rig.up(tape.front().received);
  for (const test::TapeLine& line : tape) {
    if (line.is_snapshot()) {
      ASSERT_TRUE(rig.stage.wants_snapshot(0));
      rig.snapshot(line.text, 0, line.received);
    } else {
      rig.frame(line.text, line.received);
    }
  }
}

TEST(Tape, GivesEveryTickAndNoGap) {
  const auto tape = test::read_tape();
  ASSERT_EQ(tape.size(), 41'249u);
  const auto page = std::make_unique<StagePage>();
  Rig rig(test::feed_config(true, true, true), page.get());
  play(rig, tape);
  EXPECT_EQ(rig.count(TickKind::Quote), 28'040u);
  EXPECT_EQ(rig.count(TickKind::Trade), 9'757u);
  EXPECT_EQ(rig.count(TickKind::Status), 1u);  // SessionUp
  EXPECT_EQ(counted(*page, FeedCounter::Messages), 41'248u);
  EXPECT_EQ(counted(*page, FeedCounter::Snapshots), 1u);
  EXPECT_EQ(counted(*page, FeedCounter::Gaps), 0u);
  EXPECT_EQ(counted(*page, FeedCounter::Duplicates), 0u);
  EXPECT_EQ(counted(*page, FeedCounter::TimeBackwards), 11u);
  EXPECT_EQ(counted(*page, FeedCounter::RefusedCrossed), 0u);
  for (std::size_t i = 1; i < kDecodeErrors; ++i)
    EXPECT_EQ(counted(*page, counter_of(static_cast<DecodeError>(i))), 0u);
  EXPECT_EQ(counted(*page, FeedCounter::BookMismatch), 0u);
  EXPECT_GT(counted(*page, FeedCounter::BookChecks), 2'800u);
  EXPECT_EQ(rig.stage.book(0)->state(), BookState::Synced);
}

TEST(Tape, GivesTheSameTicksAtAnySpeed) {
  const auto tape = test::read_tape();
  ASSERT_FALSE(tape.empty());
  Rig slow(test::feed_config(true, true, true));
  Rig fast(test::feed_config(true, true, true));
  play(slow, tape);
  auto hurried = tape;
  for (auto& line : hurried) line.received = {1};
  play(fast, hurried);
  ASSERT_EQ(slow.ticks.size(), fast.ticks.size());
  for (std::size_t i = 0; i < slow.ticks.size(); ++i) {
    Tick a = slow.ticks[i];
    Tick b = fast.ticks[i];
    a.rx_time = b.rx_time = {};
    ASSERT_EQ(to_payload(a), to_payload(b)) << i;
  }
}

// Without bookTicker the book is the source: its tops are the venue's, as of each depth update.
TEST(Tape, GivesQuotesFromTheBookAlone) {
  const auto tape = test::read_tape();
  ASSERT_FALSE(tape.empty());
  Rig rig(test::feed_config(false, false, true));
  rig.up();
  for (const auto& line : tape) {
    if (line.is_snapshot())
      rig.snapshot(line.text);
    else if (line.text.find("@depth") != std::string::npos)
      rig.frame(line.text);
  }
  EXPECT_GT(rig.count(TickKind::Quote), 2'000u);
  EXPECT_LT(rig.count(TickKind::Quote), 3'451u);
  Tick before{};
  for (const Tick& tick : rig.ticks) {
    if (tick.kind != TickKind::Quote) continue;
    EXPECT_LT(tick.bid(), tick.ask());
    EXPECT_NE(tick.value, before.value);
    before = tick;
  }
}

TEST(Tape, TellsExactlyWhatWasCutOut) {
  const auto tape = test::read_tape();
  ASSERT_FALSE(tape.empty());
  Rig rig(test::feed_config(true, false, false));
  rig.up();
  std::size_t trades = 0;
  for (const auto& line : tape) {
    if (line.text.find("@trade") == std::string::npos) continue;
    if (++trades > 100 && trades <= 137) continue;
    rig.frame(line.text);
  }
  EXPECT_EQ(rig.count(TickKind::Trade), 9'757u - 37u);
  ASSERT_EQ(rig.count(StatusCode::VenueGap), 1u);
  for (const Tick& tick : rig.ticks) {
    if (tick.kind != TickKind::Status || tick.status() != StatusCode::VenueGap) continue;
    EXPECT_EQ(tick.count(), 37);
    EXPECT_EQ(tick.value[3] - tick.value[2], 37);
  }
}

}  // namespace
}  // namespace sluice
