#include "feed/last_value.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

#include "core/instance.hpp"

namespace sluice {
namespace {

static_assert(sizeof(LastValueTable) == kLastValueBytes);

Tick level(TickKind kind, InstrumentIndex instrument, std::int64_t value) {
  return {instrument, kind, 0, 0, {value}, {value}, {value, value, value, value}};
}

TEST(LastValue, IsAbsentUntilWritten) {
  const auto table = std::make_unique<LastValueTable>();
  EXPECT_FALSE(table->quote(0));
  EXPECT_FALSE(table->trade(kMaxInstruments - 1));
  EXPECT_FALSE(table->quote(kMaxInstruments));
}

TEST(LastValue, KeepsTheLastQuoteAndTradeOfEachInstrument) {
  const auto table = std::make_unique<LastValueTable>();
  LastValueWriter writer(*table, 1);
  writer.write(level(TickKind::Quote, 0, 1));
  writer.write(level(TickKind::Quote, 0, 2));
  writer.write(level(TickKind::Trade, 0, 3));
  writer.write(level(TickKind::Quote, kMaxInstruments - 1, 4));
  writer.write(level(TickKind::Status, 0, 5));
  writer.write(level(TickKind::Quote, kMaxInstruments, 6));
  ASSERT_TRUE(table->quote(0));
  EXPECT_EQ(table->quote(0)->value[0], 2);
  EXPECT_EQ(table->trade(0)->value[0], 3);
  EXPECT_EQ(table->quote(kMaxInstruments - 1)->value[3], 4);
  EXPECT_FALSE(table->trade(1));
}

TEST(LastValue, GivesNoVersionOutTwice) {
  const auto table = std::make_unique<LastValueTable>();
  LastValueWriter first(*table, 1);
  for (int i = 0; i < 10; ++i) first.write(level(TickKind::Quote, 0, i));
  const std::uint64_t before = table->rows[0].quote.word.load();
  LastValueWriter second(*table, 2);
  second.write(level(TickKind::Quote, 0, 1));
  EXPECT_GT(table->rows[0].quote.word.load(), before);
}

TEST(LastValue, ReadsAbsentWhatIsBeingWrittenForGood) {
  const auto table = std::make_unique<LastValueTable>();
  LastValueWriter writer(*table, 1);
  writer.write(level(TickKind::Quote, 0, 1));
  table->rows[0].quote.word.store(0);  // a writer that died in the middle
  EXPECT_FALSE(table->quote(0));
  writer.write(level(TickKind::Quote, 0, 2));
  EXPECT_EQ(table->quote(0)->value[0], 2);
}

TEST(LastValue, NeverShowsATornTick) {
  const auto table = std::make_unique<LastValueTable>();
  std::atomic<bool> done{false};
  std::thread thread([&] {
    LastValueWriter writer(*table, 1);
    for (std::int64_t i = 1; i <= 300'000; ++i) writer.write(level(TickKind::Quote, 0, i));
    done = true;
  });
  std::int64_t newest = 0;
  while (!done) {
    const auto seen = table->quote(0);
    if (!seen) continue;
    const std::int64_t first = seen->value[0];
    if (seen->venue_time.ns != first || seen->rx_time.ns != first || seen->value[1] != first ||
        seen->value[2] != first || seen->value[3] != first || first < newest) {
      ADD_FAILURE() << "torn at " << first;
      break;
    }
    newest = first;
  }
  thread.join();
  EXPECT_EQ(table->quote(0)->value[0], 300'000);
}

}  // namespace
}  // namespace sluice
