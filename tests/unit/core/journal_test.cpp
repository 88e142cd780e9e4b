// The journal ring: what is read back is what was appended, or it is found out.
#include "core/journal.hpp"

#include <gtest/gtest.h>

#include "tests/support/seed.hpp"
#include "tests/support/shared_instance.hpp"

namespace sluice {
namespace {

using test::SharedJournal;
using Status = JournalDecoder::Status;

Payload payload_of(std::uint64_t k) noexcept {
  Payload payload;
  for (std::size_t i = 0; i < kPayloadWords; ++i) payload[i] = mix(k * 7 + i);
  return payload;
}

TEST(Journal, RoundTripsPayloadEdgeAndTime) {
  test::Random random(test::draw_seed());
  SharedJournal journal(4096);
  JournalWriter writer(journal.get(), 0, HostTime{});
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::int64_t gaps[] = {
      0, 1, 1'000, kDtLimit - 1, kDtLimit, kDtLimit + 1, kSecond, 86'400 * kSecond};
  std::vector<JournalEntry> expected;
  HostTime now{5'000};
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    now = now + Duration{gaps[random.below(std::size(gaps))]};
    const Edge edge = random.one_in(2) ? Edge::FeedRisk : Edge::Event;
    EXPECT_EQ(writer.append(edge, payload_of(i), now), now);
    expected.push_back({writer.next() - 1, edge, now, payload_of(i)});
  }
  writer.commit();
  EXPECT_EQ(journal.get().tail.load(), writer.next());
  JournalDecoder decoder;
  std::size_t k = 0;
  for (std::uint64_t at = 0; at < writer.next(); ++at) {
    JournalEntry entry;
    const Status status = decoder.decode(journal.get().slots()[at], at, entry);
    ASSERT_NE(status, Status::Corrupt) << at;
    if (status == Status::Filler) continue;
    ASSERT_LT(k, expected.size());
    EXPECT_EQ(entry.position, expected[k].position);
    EXPECT_EQ(entry.edge, expected[k].edge);
    EXPECT_EQ(entry.now, expected[k].now);
    EXPECT_EQ(entry.payload, expected[k].payload);
    ++k;
  }
  EXPECT_EQ(k, expected.size());
}

TEST(Journal, AGapTakesAFillerExactlyFromTheLimitOn) {
  for (const auto& [gap, entries] : {std::pair{kDtLimit - 1, 2u}, std::pair{kDtLimit, 3u}}) {
    SharedJournal journal(16);
    JournalWriter writer(journal.get(), 0, HostTime{100});
    writer.append(Edge::FeedRisk, payload_of(1), HostTime{100});
    writer.append(Edge::FeedRisk, payload_of(2), HostTime{100 + gap});
    EXPECT_EQ(writer.next(), entries);
  }
}

TEST(Journal, TimeNeverRunsBackwards) {
  SharedJournal journal(16);
  JournalWriter writer(journal.get(), 0, HostTime{500});
  EXPECT_EQ(writer.append(Edge::FeedRisk, {}, HostTime{400}), HostTime{500});
  EXPECT_EQ(writer.append(Edge::FeedRisk, {}, HostTime{501}), HostTime{501});
}

TEST(Journal, NothingIsCommittedBeforeCommit) {
  SharedJournal journal(16);
  JournalWriter writer(journal.get(), 0, HostTime{});
  writer.append(Edge::FeedRisk, {}, HostTime{1});
  EXPECT_EQ(journal.get().tail.load(), 0u);
  writer.commit();
  EXPECT_EQ(journal.get().tail.load(), 1u);
}

TEST(Journal, AnySingleWrongBitIsFound) {
  for (const Edge edge : {Edge::Control, Edge::FeedRisk, Edge::PaperLog}) {
    SharedJournal journal(16);
    JournalWriter writer(journal.get(), 9, HostTime{});
    writer.append(edge, payload_of(3), HostTime{12'345});
    const JournalSlot good = journal.get().slots()[9];
    JournalEntry entry;
    ASSERT_EQ(JournalDecoder{}.decode(good, 9, entry), Status::Input);
    for (std::size_t bit = 0; bit < 512; ++bit) {
      JournalSlot bad = good;
      (bit < 64 ? bad.word : bad.payload[bit / 64 - 1]) ^= std::uint64_t{1} << bit % 64;
      ASSERT_EQ(JournalDecoder{}.decode(bad, 9, entry), Status::Corrupt) << "bit " << bit;
    }
  }
}

TEST(Journal, AnEntryIsValidAtItsPositionOnly) {
  constexpr std::uint64_t kCapacity = 64;
  SharedJournal journal(kCapacity);
  JournalWriter writer(journal.get(), 1'000, HostTime{});
  writer.append(Edge::FeedRisk, payload_of(8), HostTime{1});
  const JournalSlot slot = journal.get().slots()[1'000 % kCapacity];
  JournalEntry entry;
  for (std::uint64_t lap = 0; lap < 15; ++lap) {
    const std::uint64_t position = 1'000 % kCapacity + lap * kCapacity;
    EXPECT_EQ(JournalDecoder{}.decode(slot, position, entry) != Status::Corrupt, position == 1'000)
        << position;
  }
  EXPECT_EQ(JournalDecoder{}.decode(slot, 999, entry), Status::Corrupt);
  EXPECT_EQ(JournalDecoder{}.decode(slot, 1'001, entry), Status::Corrupt);
}

TEST(Journal, ZeroedMemoryIsNoEntry) {
  JournalEntry entry;
  for (std::uint64_t position = 0; position < 1'000; ++position)
    ASSERT_EQ(JournalDecoder{}.decode(JournalSlot{}, position, entry), Status::Corrupt);
}

TEST(JournalWriter, RoomIsWhatTheRecorderHasGivenBack) {
  SharedJournal journal(16);
  JournalWriter writer(journal.get(), 0, HostTime{});
  EXPECT_EQ(writer.room(), 16u);
  for (std::uint64_t i = 0; i < 16; ++i) {
    EXPECT_EQ(writer.room(), 16 - i);
    writer.append(Edge::FeedRisk, {}, HostTime{1});
  }
  EXPECT_EQ(writer.room(), 0u);
  journal.get().head.store(1);
  EXPECT_EQ(writer.room(), 1u);
  journal.get().head.store(16);
  EXPECT_EQ(writer.room(), 16u);
}

TEST(JournalWriter, AWildHeadGivesNoRoom) {
  for (const std::uint64_t wild : {std::uint64_t{101}, std::uint64_t{83}, ~std::uint64_t{0}}) {
    SharedJournal journal(16);
    journal.get().head.store(wild);
    JournalWriter writer(journal.get(), 100, HostTime{});
    EXPECT_EQ(writer.room(), 0u) << wild;
    journal.get().head.store(90);
    EXPECT_EQ(writer.room(), 6u) << "the recorder's next store heals it";
  }
}

TEST(JournalWriter, GoesOnBehindWhatRecoveryFound) {
  SharedJournal journal(16);
  journal.get().head.store(90);
  JournalWriter writer(journal.get(), 100, HostTime{7'000});
  EXPECT_EQ(writer.room(), 6u);
  EXPECT_EQ(writer.now(), HostTime{7'000});
  EXPECT_EQ(writer.append(Edge::FeedRisk, {}, HostTime{7'001}), HostTime{7'001});
  EXPECT_EQ(writer.next(), 101u);
}

}  // namespace
}  // namespace sluice
