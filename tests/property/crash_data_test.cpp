// A process that dies behind any instruction of what moves records: push, drain, journal, row. Each
// harness finds a planted mistake, two stores in the wrong order.
#include <gtest/gtest.h>

#include "core/journal.hpp"
#include "core/stage_page.hpp"
#include "tests/support/crash_points.hpp"
#include "tests/support/shared_instance.hpp"

namespace sluice {
namespace {

using test::crash_marker;
using test::CrashPoints;
using test::Judgement;
using test::Left;
using test::Shared;

Payload payload_of(std::uint64_t k) noexcept {
  Payload payload;
  for (std::size_t i = 0; i < kPayloadWords; ++i) payload[i] = mix(k * kPayloadWords + i);
  return payload;
}

void expect_all_ends(const CrashPoints& points, const char* what) {
  points.print(what);
  EXPECT_EQ(points.fault, "");
  EXPECT_GT(points.of(Left::Nothing), 0u);
  EXPECT_GT(points.of(Left::Part), 3u) << "the deaths must hit the middle";
  EXPECT_GT(points.of(Left::All), 0u);
}

// ---- push

constexpr std::uint64_t kRing = 2;
struct OneRing {
  RingMemory ring;
  Slot slots[kRing];
};

// Four records have been through; the fifth is pushed over the third one's slot.
class PushWorld : public Shared<OneRing> {
 public:
  PushWorld() {
    ring().header.capacity = kRing;
    consumer = Consumer(ring(), 0);
    Producer producer(ring(), 0);
    Payload out;
    for (std::uint64_t i = 0; i < 4; ++i) {
      producer.push(payload_of(i));
      static_cast<void>(consumer.poll(out));
      consumer.publish_head();
    }
  }
  [[nodiscard]] RingMemory& ring() const { return (**this).ring; }
  Consumer consumer;
};

Judgement judge_push(PushWorld& world) {
  RingMemory& ring = world.ring();
  RingTap tap(ring, 4);
  Payload out{};
  Payload tapped{};
  const bool seen = tap.read(tapped).poll == Poll::Record;
  const Poll poll = world.consumer.poll(out);
  if (poll == Poll::Corrupt) return {Left::Part, "the ring is corrupt"};
  if (seen != (poll == Poll::Record)) return {Left::Part, "tap and consumer disagree"};
  if (poll == Poll::Record) {
    if (out != payload_of(4) || tapped != out) return {Left::All, "the record is torn"};
    return {Left::All, published(ring) == 5 ? "" : "it is there and not published"};
  }
  if (published(ring) != 4) return {Left::Part, "published, and cannot be read"};
  const bool touched = ring.slots()[0].word.load() != 3;
  Producer successor(ring, published(ring));
  successor.push(payload_of(4));
  if (world.consumer.poll(out) != Poll::Record || out != payload_of(4))
    return {Left::Part, "the successor's record does not arrive"};
  return {touched ? Left::Part : Left::Nothing, ""};
}

void push_record(PushWorld& world) {
  Producer producer(world.ring(), 4);
  crash_marker();
  producer.push(payload_of(4));
}

// The word before the payload that it publishes.
void push_word_first(PushWorld& world) {
  crash_marker();
  Slot& slot = world.ring().slots()[0];
  slot.word.store(5, std::memory_order_release);
  const Payload payload = payload_of(4);
  for (std::size_t i = 0; i < kPayloadWords; ++i)
    slot.payload[i].store(payload[i], std::memory_order_release);
}

TEST(RingCrash, AnyInstructionOfAPushLeavesNoTornRecord) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_all_ends(test::die_everywhere<PushWorld>(test::kShortBody, push_record, judge_push),
                  "push");
}

TEST(RingCrashMutant, AWordBeforeItsPayloadIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(test::die_everywhere<PushWorld>(test::kShortBody, push_word_first, judge_push).fault,
            "");
}

// ---- drain

constexpr std::uint64_t kDrained = 3;
struct DrainedRing {
  RingMemory ring;
  Slot slots[4];
  std::atomic<std::uint64_t> journaled;  // what stands for the tail of the journal
  Payload journal[kDrained];
};

// A full ring, of which three records are taken, journaled and given back.
class DrainWorld : public Shared<DrainedRing> {
 public:
  DrainWorld() {
    ring().header.capacity = 4;
    Producer producer(ring(), 0);
    for (std::uint64_t i = 0; i < 4; ++i) producer.push(payload_of(i));
  }
  [[nodiscard]] RingMemory& ring() const { return (**this).ring; }
};

void take_and_journal(DrainWorld& world, Consumer& consumer) {
  for (Payload& entry : world->journal)
    if (consumer.poll(entry) != Poll::Record) ::_exit(1);
  world->journaled.store(kDrained, std::memory_order_release);
}

void drain(DrainWorld& world) {
  Consumer consumer(world.ring(), 0);
  crash_marker();
  take_and_journal(world, consumer);
  consumer.publish_head();
}

// The head before the journal that it stands on.
void drain_head_first(DrainWorld& world) {
  Consumer consumer(world.ring(), 0);
  crash_marker();
  Payload out;
  for (std::uint64_t i = 0; i < kDrained; ++i) static_cast<void>(consumer.poll(out));
  consumer.publish_head();
  Consumer again(world.ring(), 0);
  take_and_journal(world, again);
}

// The neighbour fills every slot it may fill; the next owner reads behind the journal.
Judgement judge_drain(DrainWorld& world) {
  RingMemory& ring = world.ring();
  const std::uint64_t journaled = world->journaled.load();
  const std::uint64_t head = ring.head.load();
  const Left left = head == kDrained        ? Left::All
                    : journaled == kDrained ? Left::Part
                                            : Left::Nothing;
  for (std::uint64_t i = 0; i < journaled; ++i)
    if (world->journal[i] != payload_of(i)) return {left, "a journaled record is torn"};
  Producer producer(ring, published(ring));
  std::uint64_t pushed = 4;
  for (; producer.credit() != 0; ++pushed) producer.push(payload_of(pushed));
  if (pushed != 4 + head) return {left, "not as many slots given back as the head says"};
  Consumer successor(ring, journaled);
  for (std::uint64_t i = journaled; i < pushed; ++i) {
    Payload out;
    if (successor.poll(out) != Poll::Record || out != payload_of(i))
      return {left, "record " + std::to_string(i) + " is lost to the next owner"};
  }
  successor.publish_head();
  if (ring.head.load() != pushed) return {left, "the next owner cannot give slots back"};
  return {left, ""};
}

TEST(RingCrash, AnyInstructionOfADrainLosesAndDoublesNothing) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  const auto points = test::die_everywhere<DrainWorld>(test::kShortBody, drain, judge_drain);
  points.print("drain");
  EXPECT_EQ(points.fault, "");
  for (const Left left : {Left::Nothing, Left::Part, Left::All}) EXPECT_GT(points.of(left), 0u);
}

TEST(RingCrashMutant, AHeadBeforeItsJournalIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(test::die_everywhere<DrainWorld>(test::kShortBody, drain_head_first, judge_drain).fault,
            "");
}

// A consumer that meets a word that cannot be, and dies behind any instruction of saying so.
class CorruptWorld : public DrainWorld {
 public:
  CorruptWorld() { ring().slots()[0].word.store(0xbad); }
};

Judgement judge_stop(CorruptWorld& world) {
  const std::uint64_t said = world.ring().corrupt.load();
  Consumer successor(world.ring(), 0);
  Payload out;
  const bool stops = successor.poll(out) == Poll::Corrupt && world.ring().head.load() == 0;
  return {said == 0 ? Left::Nothing : Left::All, stops && said <= 1 ? "" : "it goes on"};
}

TEST(RingCrash, AnyInstructionOfAStopLeavesACorruptRingCorrupt) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  const auto points = test::die_everywhere<CorruptWorld>(
      test::kShortBody,
      [](CorruptWorld& world) {
        Consumer consumer(world.ring(), 0);
        Payload out;
        crash_marker();
        for (int i = 0; i < 2; ++i)
          if (consumer.poll(out) != Poll::Corrupt) ::_exit(1);
      },
      judge_stop);
  points.print("stop at a corrupt word");
  EXPECT_EQ(points.fault, "");
  EXPECT_GT(points.of(Left::All), 0u);
}

TEST(RingCrashMutant, ACorruptRecordThatIsPassedOverIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  const auto pass_over = [](CorruptWorld& world) {
    Consumer consumer(world.ring(), 0);
    Payload out;
    crash_marker();
    if (consumer.poll(out) == Poll::Corrupt) world.ring().head.store(1, std::memory_order_release);
  };
  EXPECT_NE(test::die_everywhere<CorruptWorld>(test::kShortBody, pass_over, judge_stop).fault, "");
}

// ---- journal

constexpr std::uint64_t kJournal = 8;
constexpr std::uint64_t kFiled = 3;  // slots given back by the recorder: all that may be used
constexpr HostTime kBefore{1'000};
struct OneJournal {
  JournalMemory journal;
  JournalSlot slots[kJournal];
};

class JournalWorld : public Shared<OneJournal> {
 public:
  JournalWorld() {
    journal().header.capacity = kJournal;
    JournalWriter writer(journal(), 0, kBefore);
    for (std::uint64_t i = 0; i < kJournal; ++i)
      writer.append(Edge::FeedRisk, payload_of(i), kBefore);
    writer.commit();
    journal().head.store(kFiled);
  }
  [[nodiscard]] JournalMemory& journal() const { return (**this).journal; }
  [[nodiscard]] const JournalSlot& at(std::uint64_t position) const {
    return (**this).slots[position % kJournal];
  }
};

// Three entries: a time, the input behind the long gap, and one more.
void write_turn(JournalWriter& writer) {
  writer.append(Edge::FeedRisk, payload_of(8), kBefore + Duration{kDtLimit});
  writer.append(Edge::GatewayRisk, payload_of(9), kBefore + Duration{kDtLimit + 5});
}

void append_and_commit(JournalWorld& world) {
  JournalWriter writer(world.journal(), kJournal, kBefore);
  if (writer.room() != kFiled) ::_exit(1);
  crash_marker();
  write_turn(writer);
  writer.commit();
}

// The tail before the entries that it commits.
void commit_and_append(JournalWorld& world) {
  JournalWriter writer(world.journal(), kJournal, kBefore);
  crash_marker();
  world.journal().tail.store(kJournal + 3, std::memory_order_release);
  write_turn(writer);
}

// Every entry that is in no file yet is whole, and the turn is there as one or not at all.
std::string read_back(const JournalWorld& world) {
  JournalDecoder decoder(kBefore);
  const std::uint64_t tail = world.journal().tail.load();
  std::vector<JournalEntry> inputs;
  for (std::uint64_t position = kFiled; position < tail; ++position) {
    JournalEntry entry;
    const auto status = decoder.decode(world.at(position), position, entry);
    if (status == JournalDecoder::Status::Corrupt)
      return "committed entry " + std::to_string(position) + " of " + std::to_string(tail) +
             " is corrupt";
    if (status == JournalDecoder::Status::Input) inputs.push_back(entry);
  }
  if (tail != kJournal && tail != kJournal + 3) return "a tail of " + std::to_string(tail);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i].payload != payload_of(kFiled + i)) return "another record is in its place";
  if (inputs.size() != kJournal - kFiled + (tail == kJournal ? 0 : 2)) return "a record is missing";
  if (tail != kJournal && inputs.back().now != kBefore + Duration{kDtLimit + 5})
    return "at another time";
  return {};
}

Judgement judge_journal(JournalWorld& world) {
  JournalEntry entry;
  const bool committed = world.journal().tail.load() != kJournal;
  const bool touched = world.at(8).payload != payload_of(0) || world.at(9).payload != payload_of(1);
  const Left left = committed ? Left::All : touched ? Left::Part : Left::Nothing;
  if (const std::string fault = read_back(world); !fault.empty()) return {left, fault};
  if (committed) return {left, ""};
  // What is not committed never happened: the next owner writes its turn over it.
  JournalWriter successor(world.journal(), world.journal().tail.load(), kBefore);
  write_turn(successor);
  successor.commit();
  const std::string fault = read_back(world);
  return {left, fault.empty() ? "" : "after the next owner: " + fault};
}

TEST(JournalCrash, AnyInstructionLeavesOnlyWholeCommittedEntries) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_all_ends(
      test::die_everywhere<JournalWorld>(test::kShortBody, append_and_commit, judge_journal),
      "append and commit");
}

TEST(JournalCrashMutant, ATailBeforeItsEntriesIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(
      test::die_everywhere<JournalWorld>(test::kShortBody, commit_and_append, judge_journal).fault,
      "");
}

// ---- row

constexpr std::size_t kIndex = 7;
constexpr auto kRow = static_cast<std::size_t>(RowTable::Order) + kIndex;

class RowWorld : public Shared<StagePage> {
 public:
  RowWorld() {
    (*this)->write_row(kRow, payload_of(1));
    (*this)->write_row(kRow, payload_of(2));
  }
};

void update_row(RowWorld& world) {
  crash_marker();
  world->write_row(kRow, payload_of(3));
}

// The version before the content that it stands for.
void update_version_first(RowWorld& world) {
  crash_marker();
  Slot& slot = world->rows[kRow];
  slot.word.store(++world->row_version_, std::memory_order_release);
  const Payload payload = payload_of(3);
  for (std::size_t i = 0; i < kPayloadWords; ++i)
    slot.payload[i].store(payload[i], std::memory_order_release);
}

// The count of versions behind the version that it gave out: a version is given out twice.
void update_count_last(RowWorld& world) {
  crash_marker();
  Slot& slot = world->rows[kRow];
  slot.word.store(0, std::memory_order_relaxed);
  const Payload payload = payload_of(3);
  for (std::size_t i = 0; i < kPayloadWords; ++i)
    slot.payload[i].store(payload[i], std::memory_order_release);
  slot.word.store(world->row_version_ + 1, std::memory_order_release);
  std::atomic_ref(world->row_version_).fetch_add(1);
}

// The old row, the new one, or none: never a mixture. The next owner can always write it.
Judgement judge_row(RowWorld& world) {
  const std::uint64_t version = world->rows[kRow].word.load();
  const auto read = [&] { return world->read_row<OrderRow>(RowTable::Order, kIndex); };
  const auto same = [](const OrderRow& row, std::uint64_t k) {
    return to_payload(row) == payload_of(k);
  };
  const std::optional<OrderRow> found = read();
  if (found && !same(*found, 2) && !same(*found, 3)) return {Left::Part, "a mixture is shown"};
  const Left left = !found ? Left::Part : same(*found, 2) ? Left::Nothing : Left::All;
  for (const std::uint64_t k : {3u, 4u}) {  // the next owner: what its replay gives, then news
    world->write_row(kRow, payload_of(k));
    const std::optional<OrderRow> next = read();
    if (!next || !same(*next, k)) return {left, "the next owner's row is not shown"};
  }
  // A reader that took this version before it copied must notice that the row changed meanwhile.
  if (version != 0 && world->rows[kRow].word.load() == version)
    return {left, "a version is given out twice"};
  return {left, ""};
}

TEST(RowCrash, AnyInstructionLeavesTheOldRowTheNewOrNone) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  expect_all_ends(test::die_everywhere<RowWorld>(test::kShortBody, update_row, judge_row), "row");
}

TEST(RowCrashMutant, AVersionBeforeItsContentIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(test::die_everywhere<RowWorld>(test::kShortBody, update_version_first, judge_row).fault,
            "");
}

TEST(RowCrashMutant, AVersionGivenOutTwiceIsFound) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  EXPECT_NE(test::die_everywhere<RowWorld>(test::kShortBody, update_count_last, judge_row).fault,
            "");
}

}  // namespace
}  // namespace sluice
