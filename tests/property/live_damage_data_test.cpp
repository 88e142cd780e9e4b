// Damage to what records travel in, while it is in use: slots and heads of rings, entries and heads
// of journals, checkpoints, the magic of headers. Each flip is noticed, or what is read is what was
// written.
#include <gtest/gtest.h>

#include "core/checkpoint.hpp"
#include "tests/sim/world.hpp"
#include "tests/support/names.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shared_instance.hpp"
#include "tests/support/shm_instance.hpp"

namespace sluice {
namespace {

using Word = std::atomic<std::uint64_t>;

Payload payload_of(std::uint64_t k) noexcept {
  Payload payload;
  for (std::size_t i = 0; i < kPayloadWords; ++i) payload[i] = mix(k * kPayloadWords + i);
  return payload;
}

// Every mask of one and two bits, then so many of more: 2,080 + by_chance.
template <class Look>
std::uint64_t each_mask(test::Random& random, int by_chance, Look&& look) {
  std::uint64_t masks = 0;
  for (int one = 0; one < 64; ++one)
    for (int two = one; two < 64; ++two, ++masks)
      look(std::uint64_t{1} << one | std::uint64_t{1} << two);
  for (int n = 0; n < by_chance; ++n) {
    std::uint64_t mask = 0;
    while (mask == 0)
      for (std::uint64_t bits = 3 + random.below(10); bits > 0; --bits)
        mask ^= std::uint64_t{1} << random.below(64);
    look(mask);
    ++masks;
  }
  return masks;
}

class LiveDamageData : public testing::Test {
 protected:
  void TearDown() override { std::printf("%llu flips\n", static_cast<unsigned long long>(flips_)); }
  test::Random random_{test::draw_seed()};
  std::uint64_t flips_ = 0;
};

// ---- rings

constexpr std::uint64_t kRing = 8;

// In its first lap, with slots that were never written, and after many.
constexpr std::array<std::uint64_t, 2> kLaps{2, 1'000'005};

// A ring whose newest three records are not taken yet.
struct Ring {
  explicit Ring(std::uint64_t first) : taken(first), pushed(first + 3) {
    test::preset(memory.get(), taken);
    Producer producer(memory.get(), taken);
    for (std::uint64_t i = taken; i < pushed; ++i) producer.push(payload_of(i));
  }
  Slot& slot(std::uint64_t sequence) { return memory.get().slots()[sequence & (kRing - 1)]; }
  test::SharedRing memory{kRing};
  std::uint64_t taken;
  std::uint64_t pushed;
};

// The word of a record that is there, and of one that is awaited. Never a record of it: the slot
// reads as empty, and nothing comes any more, or as corrupt, and the consumer stops for good. The
// one mask that makes the awaited word of another one is left to AStaleSlotIsNoSecondOrder (of a
// slot that was never written it makes a record of zeros, whose id rises as little).
TEST_F(LiveDamageData, NoFlippedSlotWordPassesForARecord) {
  std::uint64_t corrupt = 0;
  for (const std::uint64_t lap : kLaps)
    for (const bool awaited : {false, true})
      flips_ += each_mask(random_, 8'000, [&](std::uint64_t mask) {
        Ring ring(lap);
        const std::uint64_t at = awaited ? ring.pushed : ring.taken;
        Word& word = ring.slot(at).word;
        const std::uint64_t clean = word.load();
        if ((clean ^ mask) == at + 1) return;
        word.store(clean ^ mask);
        Consumer consumer(ring.memory.get(), at);
        Payload out;
        const Poll poll = consumer.poll(out);
        ASSERT_NE(poll, Poll::Record) << std::hex << mask;
        word.store(clean);
        const Poll again = consumer.poll(out);
        ASSERT_EQ(again, poll == Poll::Corrupt ? Poll::Corrupt
                         : awaited             ? Poll::Empty
                                               : Poll::Record);
        corrupt += poll == Poll::Corrupt ? 1u : 0u;
      });
  EXPECT_GT(corrupt, flips_ / 2);
}

// A head that cannot be gives no room. One that can be, and is too high, lets the producer write
// over records that were not taken: their consumer finds a newer word and stops. Nobody reads a
// wrong record.
TEST_F(LiveDamageData, AFlippedHeadNeverMakesAWrongRecord) {
  std::uint64_t shut = 0;
  for (const std::uint64_t lap : kLaps)
    flips_ += each_mask(random_, 8'000, [&](std::uint64_t mask) {
      Ring ring(lap);
      RingMemory& memory = ring.memory.get();
      memory.head.fetch_xor(mask);
      const std::uint64_t head = memory.head.load();
      Producer producer(memory, ring.pushed);
      const std::uint64_t credit = producer.credit();
      ASSERT_LE(credit, kRing);
      if (head > ring.pushed || ring.pushed - head > kRing) {
        ASSERT_EQ(credit, 0u) << std::hex << head;
        ++shut;
      }
      std::uint64_t pushed = ring.pushed;
      for (; producer.credit() != 0; ++pushed) producer.push(payload_of(pushed));
      Consumer consumer(memory, ring.taken);
      Payload out;
      for (std::uint64_t i = ring.taken; i < pushed; ++i) {
        const Poll poll = consumer.poll(out);
        if (poll == Poll::Corrupt) break;
        ASSERT_EQ(poll, Poll::Record);
        ASSERT_EQ(out, payload_of(i)) << std::hex << head;
      }
    });
  EXPECT_GT(shut, flips_ / 2);
}

// The worst flip of all: a slot's word of one lap ago becomes the awaited one, and what was taken
// long ago is there once more, whole. An order is not sent a second time: its id does not rise, so
// the gateway refuses it and raises HALT.
TEST_F(LiveDamageData, AStaleSlotIsNoSecondOrder) {
  sim::WorldConfig config = sim::demo_world({{"cooldown_s", "0"},
                                             {"max_same_side", "5"},
                                             {"entry_slip", "\"0.0002\""},
                                             {"max_tick_age_ms", "5000"},
                                             {"rate", "\"12\""}});
  sim::resize(config, 2, 4096);
  sim::World world(config, {.scripted_seat = true});
  world.connect(true);
  constexpr std::int64_t kBid = 6'000'000;
  const auto enter = [&] {
    world.send_quote(kBid, kBid + 1);
    world.settle();
    const OrderId id = world.intend(Action::Enter, Side::Buy);
    world.settle();
    world.run(Duration::millis(400), Duration::millis(20));
    return id;
  };
  RingMemory& ring = world.objects().edge(Edge::RiskGateway);
  for (int i = 0; i < 8 && published(ring) < 4; ++i) enter();
  const std::uint64_t next = published(ring);
  ASSERT_GE(next, ring.header.capacity) << "every slot must hold an order of an older lap";
  const std::size_t placed = world.paper().count(PaperWhat::Placed);
  ASSERT_GT(placed, 0u);
  Slot& slot = ring.slots()[next & (ring.header.capacity - 1)];
  ASSERT_EQ(slot.word.load(), next + 1 - ring.header.capacity);
  slot.word.store(next + 1);
  world.turn(Process::Gateway);
  world.turn(Process::Gateway);
  EXPECT_EQ(ring.head.load(), next + 1) << "it was taken";
  EXPECT_EQ(world.paper().count(PaperWhat::Placed), placed);
  const auto orders = world.journaled(Process::Gateway, Edge::RiskGateway);
  ASSERT_NE(from_payload<Order>(orders.back()).kind, OrderKind::Cancel);
  EXPECT_EQ(world.objects().kill->read(scope_slot({ScopeKind::Gateway, 0})).level, KillLevel::Halt);
  EXPECT_EQ(world.objects().kill->read(scope_slot({ScopeKind::Gateway, 0})).cause,
            KillCause::DuplicateId);
}

// ---- journal

TEST_F(LiveDamageData, NoFlippedEntryPassesForOne) {
  test::SharedJournal journal(kRing);
  JournalWriter writer(journal.get(), 1'000, HostTime{});
  writer.append(Edge::FeedRisk, payload_of(3), HostTime{12'345});
  const JournalSlot good = journal.get().slots()[1'000 & (kRing - 1)];
  for (std::size_t word = 0; word <= kPayloadWords; ++word)
    flips_ += each_mask(random_, 4'000, [&](std::uint64_t mask) {
      JournalSlot bad = good;
      (word == 0 ? bad.word : bad.payload[word - 1]) ^= mask;
      JournalEntry entry;
      ASSERT_EQ(JournalDecoder{}.decode(bad, 1'000, entry), JournalDecoder::Status::Corrupt)
          << "word " << word << " mask " << std::hex << mask;
    });
}

// A head that cannot be gives no room, and the stage takes no input; so what is in no file yet is
// not overwritten. One that can be gives at most what it says, until the recorder's next store.
TEST_F(LiveDamageData, AFlippedHeadOfAJournalGivesNoRoomThatIsNotThere) {
  constexpr std::uint64_t kNext = 1'000'006;
  std::uint64_t shut = 0;
  flips_ += each_mask(random_, 8'000, [&](std::uint64_t mask) {
    test::SharedJournal journal(kRing);
    journal.get().head.store((kNext - 3) ^ mask);
    JournalWriter writer(journal.get(), kNext, HostTime{});
    const std::uint64_t head = journal.get().head.load();
    const bool possible = head <= kNext && kNext - head <= kRing;
    ASSERT_EQ(writer.room(), possible ? kRing - (kNext - head) : 0) << std::hex << head;
    shut += possible ? 0u : 1u;
    journal.get().head.store(kNext - 3);
    if (!possible) {
      ASSERT_EQ(writer.room(), kRing - 3);
    }
  });
  EXPECT_GT(shut, flips_ / 2);
}

// ---- checkpoint

constexpr std::uint64_t kWords = 24;

std::vector<std::uint64_t> content_of(std::uint64_t position) {
  std::vector<std::uint64_t> words(kWords);
  for (std::size_t i = 0; i < words.size(); ++i) words[i] = mix(position * 1'000 + i);
  return words;
}
void take(CheckpointMemory& memory, std::uint64_t position) {
  CheckpointWriter writer(memory, position);
  writer.put(content_of(position).data(), 8 * kWords);
  writer.finish();
}

// The older one is taken, which nobody has damaged.
TEST_F(LiveDamageData, NoFlippedCheckpointPassesForOne) {
  test::SharedObject<CheckpointMemory> object(ObjectKind::Checkpoint, kWords * 8);
  CheckpointMemory& memory = object.get();
  take(memory, 10);
  take(memory, 20);
  CheckpointMark& mark = memory.marks[1];
  std::vector<Word*> words{&mark.word, &mark.bytes, &mark.crc};
  for (std::size_t i = 0; i < kWords; i += 6) words.push_back(memory.buffer(1) + i);
  for (Word* word : words)
    flips_ += each_mask(random_, 2'000, [&](std::uint64_t mask) {
      word->fetch_xor(mask);
      const auto found = newest_checkpoint(memory, ~std::uint64_t{0} - 1);
      word->fetch_xor(mask);
      ASSERT_TRUE(found) << std::hex << mask;
      ASSERT_EQ(found->position, 10u) << std::hex << mask;
      ASSERT_EQ(found->words, content_of(10));
    });
  EXPECT_EQ(newest_checkpoint(memory, 30)->position, 20u);
}

// ---- headers

// A stage asks alive() in its loop and leaves when it says no; whoever attaches is told.
TEST_F(LiveDamageData, AnyFlipOfTheMagicEndsTheRunForWhoeverIsInIt) {
  const test::UniqueInstance name;
  test::ShmInstance made(name.name());
  AttachedInstance inside;
  ASSERT_EQ(AttachedInstance::try_open(name.name(), inside), AttachError::None);
  Word& magic = made.objects().control->header.magic;
  std::uint64_t attaches = 0;
  flips_ += each_mask(random_, 8'000, [&](std::uint64_t mask) {
    magic.store(kMagic ^ mask);
    ASSERT_FALSE(inside.alive()) << std::hex << mask;
    if (++attaches % 16 == 0) {
      AttachedInstance late;
      ASSERT_EQ(AttachedInstance::try_open(name.name(), late), AttachError::BadMagic);
    }
  });
  magic.store(0);
  EXPECT_FALSE(inside.alive());
  magic.store(kMagic);
  EXPECT_TRUE(inside.alive());
}

}  // namespace
}  // namespace sluice
