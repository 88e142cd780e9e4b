// Death at every single instruction of what changes a shared page: a raise, a rearm, a row of a
// stage page, taking records from a ring. What is left must be the old or the new, and whoever
// comes next must be able to go on. Each protocol is also run with one step in the wrong order, and
// the same judge must notice. (Push, journal and checkpoint: ring_test, journal_test,
// checkpoint_property_test.)
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstring>
#include <memory>
#include <new>

#include "core/kill_page.hpp"
#include "core/ring.hpp"
#include "core/stage_page.hpp"
#include "tests/support/single_step.hpp"

namespace sluice {
namespace {

// Anonymous memory that a forked child shares.
template <class Memory>
class Shared {
 public:
  explicit Shared(std::size_t bytes = sizeof(Memory))
      : bytes_(bytes),
        memory_(::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)) {
    if (memory_ == MAP_FAILED) throw std::bad_alloc();
  }
  ~Shared() { ::munmap(memory_, bytes_); }
  Shared(const Shared&) = delete;
  Shared& operator=(const Shared&) = delete;
  Memory& fresh() {
    std::memset(memory_, 0, bytes_);
    return get();
  }
  Memory& get() { return *static_cast<Memory*>(memory_); }

 private:
  std::size_t bytes_;
  void* memory_;
};

struct KillPoints {
  std::uint64_t instructions = 0;
  std::string violation;  // of the first k at which the judge was not content
};

// `prepare(memory)`, then a child that is killed after k instructions of `act(memory)`, then
// `judge(memory)` -> what is wrong with what it left; for every k until `act` is done.
template <class Memory, class Prepare, class Act, class Judge>
KillPoints at_every_instruction(Shared<Memory>& memory, Prepare&& prepare, Act&& act,
                                Judge&& judge) {
  KillPoints points;
  Shared<std::atomic<bool>> done;
  for (done.fresh(); !done.get().load(); ++points.instructions) {
    prepare(memory.fresh());
    const test::StepResult result = test::run_and_kill(
        [&] {
          test::crash_marker();
          act(memory.get());
          done.get().store(true);
        },
        points.instructions);
    if (result.end == test::StepEnd::Failed) points.violation = "the child failed";
    if (points.violation.empty()) points.violation = judge(memory.get());
    if (!points.violation.empty()) break;
  }
  return points;
}

class PageCrash : public testing::Test {
 protected:
  void SetUp() override {
    if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  }
  static void expect_none(const char* what, const KillPoints& points) {
    EXPECT_EQ(points.violation, "") << what << ", instruction " << points.instructions;
    EXPECT_GT(points.instructions, 20u);
    std::printf("%s: killed after each of %llu instructions\n", what,
                static_cast<unsigned long long>(points.instructions));
  }
};

// ---- the kill page

constexpr std::uint64_t kRun = 77;

void start_words(KillPage& page, KillLevel level) {
  page.header.run_id = kRun;
  page.serial.store(5);
  page.words[0].store(encode_kill(kRun, 0, level, KillCause::None, 4));
}

// A gate looks at the words when the serial has moved, and an epoch is never used twice.
std::string judge_change(KillPage& page, std::uint64_t before, KillLevel wanted) {
  const std::uint64_t word = page.words[0].load();
  const KillWord now = page.read(0);
  if (!now.valid) return "the word is torn";
  if (word == before) return {};
  if (now.level != wanted) return "another level than the one that was asked for";
  if (page.serial.load() == 5) return "the word has changed and no gate is told to look";
  if (now.epoch <= 4 || now.epoch > page.serial.load())
    return "its epoch is no serial of this page";
  return {};
}

// Whoever raises next completes it, and a rearm that names what stood before is refused.
std::string judge_raise(KillPage& page, KillLevel stood, KillLevel wanted) {
  const std::uint64_t before = encode_kill(kRun, 0, stood, KillCause::None, 4);
  std::string wrong = judge_change(page, before, wanted);
  const bool raised = page.words[0].load() != before;
  if (raised && rearm_kill(page, 0, before) != 0) wrong = "a rearm of an older word took effect";
  const std::uint64_t serial = page.serial.load();
  const RaiseResult next = raise_kill(page, {}, KillLevel::ReduceOnly, KillCause::Operator);
  if (!next.raised || next.target <= serial) wrong = "the next raise has no target of its own";
  if (raised && next.word.level < wanted) wrong = "the next raise lowered it";
  return wrong;
}

TEST_F(PageCrash, ARaiseIsOldOrNewAndTheNextOneCompletesIt) {
  Shared<KillPage> page;
  for (const auto& [stood, wanted] : {std::pair{KillLevel::Run, KillLevel::Halt},
                                      std::pair{KillLevel::Cancel, KillLevel::Cancel}})
    expect_none("raise",
                at_every_instruction(
                    page, [&](KillPage& p) { start_words(p, stood); },
                    [](KillPage& p) { raise_kill(p, {}, KillLevel::Halt, KillCause::Operator); },
                    [&](KillPage& p) { return judge_raise(p, stood, wanted); }));
}

TEST_F(PageCrash, ARaiseThatTakesItsSerialLateIsSeen) {
  Shared<KillPage> page;
  const KillPoints points = at_every_instruction(
      page, [](KillPage& p) { start_words(p, KillLevel::Run); },
      [](KillPage& p) {
        p.words[0].store(encode_kill(kRun, 0, KillLevel::Halt, KillCause::Operator, 6));
        p.serial.fetch_add(2);
      },
      [](KillPage& p) { return judge_raise(p, KillLevel::Run, KillLevel::Halt); });
  EXPECT_EQ(points.violation, "the word has changed and no gate is told to look");
}

TEST_F(PageCrash, ARearmIsOldOrNew) {
  Shared<KillPage> page;
  const std::uint64_t halted = encode_kill(kRun, 0, KillLevel::Halt, KillCause::None, 4);
  expect_none("rearm", at_every_instruction(
                           page, [](KillPage& p) { start_words(p, KillLevel::Halt); },
                           [&](KillPage& p) { rearm_kill(p, 0, halted); },
                           [&](KillPage& p) { return judge_change(p, halted, KillLevel::Run); }));
}

// ---- rows of a stage page

struct Row {
  std::array<std::uint64_t, kPayloadWords> words;
};
Payload row_of(std::uint64_t value) {
  Payload payload;
  for (std::size_t i = 0; i < payload.size(); ++i) payload[i] = value * 10 + i;
  return payload;
}

std::string judge_row(StagePage& page) {
  const auto now = page.read_row<Row>(RowTable::Summary, 0);
  if (now && now->words != row_of(1) && now->words != row_of(2)) return "a mixture of two rows";
  page.write_row(static_cast<std::size_t>(RowTable::Summary), row_of(3));
  const auto next = page.read_row<Row>(RowTable::Summary, 0);
  if (!next || next->words != row_of(3)) return "the next owner cannot write the row";
  return {};
}

TEST_F(PageCrash, ARowIsOldOrNewOrAbsentAndTheNextOwnerWritesIt) {
  Shared<StagePage> page;
  const auto prepare = [](StagePage& p) {
    p.write_row(static_cast<std::size_t>(RowTable::Summary), row_of(1));
  };
  expect_none("row", at_every_instruction(
                         page, prepare,
                         [](StagePage& p) {
                           p.write_row(static_cast<std::size_t>(RowTable::Summary), row_of(2));
                         },
                         judge_row));
  const KillPoints planted = at_every_instruction(
      page, prepare,
      [](StagePage& p) {  // the version is not cleared first
        Slot& slot = p.rows[static_cast<std::size_t>(RowTable::Summary)];
        for (std::size_t i = 0; i < kPayloadWords; ++i) slot.payload[i].store(row_of(2)[i]);
        slot.word.store(2);
      },
      judge_row);
  EXPECT_EQ(planted.violation, "a mixture of two rows");
}

// ---- taking records from a ring

// A ring of four slots and, behind it, what its consumer has journaled.
struct Journaled {
  std::atomic<std::uint64_t> count;
  Payload records[4];
};
constexpr std::uint64_t kSlots = 4;
constexpr std::uint64_t kRecords = 3;

Journaled& journaled(RingMemory& ring) {
  return *reinterpret_cast<Journaled*>(ring.slots() + kSlots);
}

void fill(RingMemory& ring) {
  ring.header.capacity = kSlots;
  Producer producer(ring, 0);
  for (std::uint64_t i = 0; i < kRecords; ++i) producer.push(row_of(i));
}

void journal_next(RingMemory& ring, Consumer& consumer) {
  Payload record;
  if (consumer.poll(record) != Poll::Record) return;
  Journaled& journal = journaled(ring);
  const std::uint64_t at = journal.count.load();
  journal.records[at] = record;
  journal.count.store(at + 1);
}

std::string judge_drain(RingMemory& ring) {
  Journaled& journal = journaled(ring);
  if (ring.head.load() > journal.count.load())
    return "a slot was given back before it was journaled";
  Consumer next(ring, journal.count.load());
  while (journal.count.load() < kRecords) {
    const std::uint64_t before = journal.count.load();
    journal_next(ring, next);
    if (journal.count.load() == before) return "the next consumer does not go on";
  }
  for (std::uint64_t i = 0; i < kRecords; ++i)
    if (journal.records[i] != row_of(i)) return "a record is lost, doubled or torn";
  return {};
}

TEST_F(PageCrash, WhatWasTakenFromARingIsJournaledBeforeItsSlotIsGivenBack) {
  Shared<RingMemory> ring(RingMemory::bytes(kSlots) + sizeof(Journaled));
  expect_none("drain", at_every_instruction(
                           ring, fill,
                           [](RingMemory& r) {
                             Consumer consumer(r, 0);
                             for (std::uint64_t i = 0; i < kRecords; ++i) journal_next(r, consumer);
                             consumer.publish_head();
                           },
                           judge_drain));
  const KillPoints planted = at_every_instruction(
      ring, fill,
      [](RingMemory& r) {
        Consumer consumer(r, 0);
        r.head.store(1);
        journal_next(r, consumer);
      },
      judge_drain);
  EXPECT_EQ(planted.violation, "a slot was given back before it was journaled");
}

}  // namespace
}  // namespace sluice
