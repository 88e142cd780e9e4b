// The ring at every capacity that matters, at sequences near 2^32 and 2^64, and when it is damaged.
#include "core/ring.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/seed.hpp"
#include "tests/support/shared_instance.hpp"

namespace sluice {
namespace {

using test::preset;
using test::SharedRing;

Payload payload_of(std::uint64_t sequence) noexcept {
  Payload payload;
  for (std::size_t i = 0; i < kPayloadWords; ++i) payload[i] = mix(sequence * kPayloadWords + i);
  return payload;
}

class RingAt : public testing::TestWithParam<std::tuple<std::uint64_t, std::uint64_t>> {
 protected:
  RingAt() : ring_(capacity()) {
    if (start() != 0) preset(ring_.get(), start());
  }
  static std::uint64_t capacity() { return std::get<0>(GetParam()); }
  static std::uint64_t start() { return std::get<1>(GetParam()); }
  SharedRing ring_;
};

INSTANTIATE_TEST_SUITE_P(CapacityAndStart, RingAt,
                         testing::Combine(testing::Values(1, 2, 4, 8),
                                          testing::Values(0, 1, (std::uint64_t{1} << 32) - 3,
                                                          ~std::uint64_t{0} - 2999)));

TEST_P(RingAt, DeliversInOrderAcrossManyLaps) {
  Producer producer(ring_.get(), start());
  Consumer consumer(ring_.get(), start());
  for (std::uint64_t i = 0; i < 600; ++i) {
    ASSERT_TRUE(producer.try_push(payload_of(start() + i)));
    Payload out;
    ASSERT_EQ(consumer.poll(out), Poll::Record);
    EXPECT_EQ(out, payload_of(start() + i));
    EXPECT_EQ(consumer.poll(out), Poll::Empty);
    consumer.publish_head();
  }
  EXPECT_EQ(published(ring_.get()), start() + 600);
  EXPECT_EQ(ring_.get().corrupt.load(), 0u);
}

TEST_P(RingAt, TakesExactlyItsCapacity) {
  Producer producer(ring_.get(), start());
  EXPECT_EQ(producer.credit(), capacity());
  for (std::uint64_t i = 0; i < capacity(); ++i) ASSERT_TRUE(producer.try_push(payload_of(i)));
  EXPECT_EQ(producer.credit(), 0u);
  EXPECT_FALSE(producer.try_push(payload_of(99)));
  EXPECT_EQ(producer.next(), start() + capacity());
}

TEST_P(RingAt, GivesCreditBackOnlyWithTheHead) {
  Producer producer(ring_.get(), start());
  Consumer consumer(ring_.get(), start());
  for (std::uint64_t i = 0; i < capacity(); ++i) producer.push(payload_of(i));
  Payload out;
  ASSERT_EQ(consumer.poll(out), Poll::Record);
  EXPECT_EQ(producer.credit(), 0u) << "the record is read, the slot is not given back";
  consumer.publish_head();
  EXPECT_EQ(producer.credit(), 1u);
  EXPECT_EQ(producer.credit(2), 1u);
}

TEST_P(RingAt, ANewProducerGoesOnWhereTheOldOneStopped) {
  {
    Producer producer(ring_.get(), start());
    for (std::uint64_t i = 0; i < capacity(); ++i) producer.push(payload_of(i));
  }
  EXPECT_EQ(published(ring_.get()), start() + capacity());
  Producer producer(ring_.get(), published(ring_.get()));
  EXPECT_EQ(producer.credit(), 0u);
  Consumer consumer(ring_.get(), start());
  Payload out;
  for (std::uint64_t i = 0; i < capacity(); ++i) ASSERT_EQ(consumer.poll(out), Poll::Record);
  consumer.publish_head();
  EXPECT_EQ(producer.credit(), capacity());
}

TEST_P(RingAt, AHalfWrittenSlotIsInvisible) {
  Producer producer(ring_.get(), start());
  Consumer consumer(ring_.get(), start());
  Slot& slot = ring_.get().slots()[start() & (capacity() - 1)];
  slot.word.store(0);
  slot.payload[3].store(0xbad);
  Payload out;
  EXPECT_EQ(consumer.poll(out), Poll::Empty);
  EXPECT_EQ(published(ring_.get()), start());
  producer.push(payload_of(5));
  ASSERT_EQ(consumer.poll(out), Poll::Record);
  EXPECT_EQ(out, payload_of(5));
}

TEST(Ring, AnOlderLapIsEmptyAndANewerOneIsCorrupt) {
  for (const std::uint64_t next : {std::uint64_t{64}, (std::uint64_t{1} << 32) + 1}) {
    for (int laps = 1; laps < 8; ++laps) {
      SharedRing ring(8);
      Slot& slot = ring.get().slots()[next & 7];
      Payload out;
      Consumer consumer(ring.get(), next);
      slot.word.store(next + 1 - static_cast<std::uint64_t>(laps) * 8);
      EXPECT_EQ(consumer.poll(out), Poll::Empty);
      slot.word.store(next + 1 + static_cast<std::uint64_t>(laps) * 8);
      EXPECT_EQ(consumer.poll(out), Poll::Corrupt);
    }
  }
}

TEST(Ring, AnyOtherWordLatchesCorruptAndSaysWhere) {
  constexpr std::uint64_t kNext = 100;
  for (unsigned bit = 0; bit < 64; ++bit) {
    SharedRing ring(8);
    preset(ring.get(), kNext);
    Slot& slot = ring.get().slots()[kNext & 7];
    const std::uint64_t awaited = kNext + 1;
    const std::uint64_t flipped = awaited ^ std::uint64_t{1} << bit;
    const bool older_lap = flipped < awaited && (awaited - flipped) % 8 == 0;
    Consumer consumer(ring.get(), kNext);
    slot.word.store(flipped);
    Payload out;
    if (older_lap) {
      EXPECT_EQ(consumer.poll(out), Poll::Empty) << bit;
      continue;
    }
    EXPECT_EQ(consumer.poll(out), Poll::Corrupt) << bit;
    EXPECT_EQ(ring.get().corrupt.load(), kNext + 1) << bit;
    slot.word.store(flipped ^ 4);
    EXPECT_EQ(consumer.poll(out), Poll::Corrupt) << "latched, bit " << bit;
    EXPECT_EQ(consumer.next(), kNext);
  }
}

TEST(Ring, AWildHeadGivesNoCredit) {
  SharedRing ring(8);
  preset(ring.get(), 100);
  Producer producer(ring.get(), 100);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(producer.try_push({}));
  for (const std::uint64_t wild :
       {std::uint64_t{0}, std::uint64_t{99}, std::uint64_t{109}, ~std::uint64_t{0}}) {
    ring.get().head.store(wild);
    EXPECT_EQ(producer.credit(), 0u) << wild;
    EXPECT_FALSE(producer.try_push({})) << wild;
  }
  ring.get().head.store(101);
  EXPECT_EQ(producer.credit(), 1u);
}

TEST(Ring, HeadIsPublishedEveryEighthOfTheRing) {
  for (const std::uint64_t capacity : {1u, 2u, 8u, 64u}) {
    SharedRing ring(capacity);
    Producer producer(ring.get(), 0);
    Consumer consumer(ring.get(), 0);
    const std::uint64_t due = std::max<std::uint64_t>(1, capacity / 8);
    for (std::uint64_t i = 0; i < due; ++i) producer.push({});
    Payload out;
    for (std::uint64_t i = 0; i < due; ++i) {
      EXPECT_EQ(ring.get().head.load(), 0u);
      ASSERT_EQ(consumer.poll(out), Poll::Record);
      consumer.publish_head_if_due();
    }
    EXPECT_EQ(ring.get().head.load(), due) << capacity;
  }
}

TEST(RingTap, FollowsWithoutDisturbing) {
  SharedRing ring(8);
  Producer producer(ring.get(), 0);
  RingTap tap(ring.get(), 0);
  Payload out;
  EXPECT_EQ(tap.read(out).poll, Poll::Empty);
  for (std::uint64_t i = 0; i < 8; ++i) producer.push(payload_of(i));
  for (std::uint64_t i = 0; i < 8; ++i) {
    const auto result = tap.read(out);
    ASSERT_EQ(result.poll, Poll::Record);
    EXPECT_EQ(result.sequence, i);
    EXPECT_EQ(out, payload_of(i));
  }
  EXPECT_EQ(tap.read(out).poll, Poll::Empty);
  EXPECT_EQ(ring.get().head.load(), 0u);
}

// Whatever the distance, records read and records missed add up to what was pushed, and nothing is
// read under a wrong sequence.
TEST(RingTap, KnowsExactlyHowManyItMissed) {
  for (const std::uint64_t capacity : {2u, 4u, 8u, 16u}) {
    for (std::uint64_t ahead = 0; ahead <= 5 * capacity; ++ahead) {
      SharedRing ring(capacity);
      Producer producer(ring.get(), 0);
      RingTap tap(ring.get(), 0);
      for (std::uint64_t i = 0; i < ahead; ++i) {
        ring.get().head.store(i);
        producer.push(payload_of(i));
      }
      std::uint64_t read = 0, missed = 0, idle = 0;
      while (idle < 2) {
        Payload out;
        const auto result = tap.read(out);
        missed += result.missed;
        if (result.poll == Poll::Record) {
          EXPECT_EQ(result.sequence, read + missed);
          EXPECT_EQ(out, payload_of(result.sequence));
          ++read;
        }
        idle = result.poll == Poll::Record || result.missed != 0 ? 0 : idle + 1;
      }
      EXPECT_EQ(read + missed, ahead) << capacity << " " << ahead;
      EXPECT_EQ(missed == 0, ahead <= capacity) << capacity << " " << ahead;
    }
  }
}

TEST(RingTap, ASlotBeingRewrittenIsNotRead) {
  SharedRing ring(4);
  Producer producer(ring.get(), 0);
  for (std::uint64_t i = 0; i < 4; ++i) producer.push(payload_of(i));
  RingTap tap(ring.get(), 0);
  ring.get().slots()[0].word.store(0);
  Payload out;
  EXPECT_EQ(tap.read(out).poll, Poll::Empty);
  ring.get().slots()[0].word.store(5);
  const auto result = tap.read(out);
  EXPECT_EQ(result.poll, Poll::Empty);
  EXPECT_EQ(result.missed, 3u);  // half a lap behind the newest
}

}  // namespace
}  // namespace sluice
