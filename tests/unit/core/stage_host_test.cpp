// Where a recovery reads its journal: below the recorder's head from the files, above it from the
// ring.
#include "core/stage_host.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"
#include "tests/support/names.hpp"
#include "tests/support/toy_config.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kCapacity = 16;

class RecoverySourceTest : public testing::Test {
 protected:
  RecoverySourceTest()
      : instance_(test::toy_config({.journal = kCapacity}), test::toy_run()),
        writer_(journal(), 0, {}),
        files_(run_directory(dir_.path(), test::toy_run().run_ordinal), "risk", identity(),
               1 << 20) {}

  static JournalFileHeader identity() {
    JournalFileHeader header{};
    header.run_id = test::toy_run().run_id;
    header.run_ordinal = test::toy_run().run_ordinal;
    header.process = static_cast<std::uint8_t>(Process::Risk);
    header.mode = Mode::Paper;
    return header;
  }
  JournalMemory& journal() { return instance_.objects().journal_of(Process::Risk); }
  // Entries that carry their position.
  void append(std::uint64_t count) {
    for (; count != 0; --count) {
      ASSERT_GE(writer_.room(), 1u);
      writer_.append(Edge::FeedRisk, {writer_.next()}, HostTime{1'000} + Duration{time_ += 10});
    }
  }
  // The recorder.
  void record() {
    for (std::uint64_t at = journal().head.load(); at < journal().tail.load(); ++at)
      ASSERT_EQ(files_.write(&journal().slots()[at & (kCapacity - 1)], 1), 0);
    journal().head.store(journal().tail.load());
  }
  void expect_whole() {
    RecoverySource source(journal(), dir_.path(), "risk");
    JournalDecoder decoder;
    for (std::uint64_t at = 0; at < journal().tail.load(); ++at) {
      JournalSlot raw{};
      JournalEntry entry;
      ASSERT_TRUE(source(raw, at)) << at;
      ASSERT_EQ(decoder.decode(raw, at, entry), JournalDecoder::Status::Input) << at;
      EXPECT_EQ(entry.payload[0], at);
    }
  }

  test::TempDir dir_;
  MemoryInstance instance_;
  JournalWriter writer_;
  JournalFileWriter files_;
  std::int64_t time_ = 0;
};

TEST_F(RecoverySourceTest, ReadsFilesAndRingAsOneJournal) {
  append(kCapacity);
  writer_.commit();
  record();
  append(8);
  writer_.commit();
  expect_whole();
}

// The driver may use every slot below the head, and died before it could commit.
TEST_F(RecoverySourceTest, ATurnCutOffHasOverwrittenWhatTheFilesHold) {
  append(kCapacity);
  writer_.commit();
  record();
  append(8);
  writer_.commit();
  append(8);
  ASSERT_EQ(writer_.room(), 0u);
  expect_whole();
}

TEST_F(RecoverySourceTest, AnEntryBelowTheHeadThatNoFileHoldsIsMissing) {
  append(8);
  writer_.commit();
  journal().head.store(8);
  RecoverySource source(journal(), dir_.path(), "risk");
  JournalSlot raw{};
  EXPECT_FALSE(source(raw, 0)) << "what the ring holds there need not be it";
}

}  // namespace
}  // namespace sluice
