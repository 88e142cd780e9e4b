// What a full edge is told, and in which order.
#include "feed/fanout.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <deque>
#include <memory>

#include "core/ring.hpp"

namespace sluice {
namespace {

struct Pipe {
  std::size_t capacity = 2;
  std::deque<Tick> held;
  std::uint64_t credit() noexcept { return capacity - held.size(); }
  bool try_push(const Payload& payload) noexcept {
    if (credit() == 0) return false;
    held.push_back(from_payload<Tick>(payload));
    return true;
  }
  Tick pop() {
    const Tick tick = held.front();
    held.pop_front();
    return tick;
  }
};
static_assert(TickEdge<Pipe> && TickEdge<Producer>);

Tick tick(TickKind kind, InstrumentIndex instrument, std::int64_t value) {
  return {instrument, kind, 0, 0, {value}, {value}, {value, value, 1, 1}};
}
Tick status(StatusCode code, InstrumentIndex instrument = kWholeConnection) {
  return {instrument, TickKind::Status, 0, 0, {1}, {1}, {static_cast<std::int64_t>(code), 0, 0, 0}};
}

struct Rig {
  Rig() { fanout.attach(Edge::FeedRisk, risk); }
  std::vector<Tick> drain() {
    std::vector<Tick> all;
    do {
      while (!risk.held.empty()) all.push_back(risk.pop());
      fanout.pump();
    } while (!risk.held.empty());
    return all;
  }
  Effects effects{nullptr};
  Fanout<Pipe> fanout{2, effects};
  Pipe risk;
};

TEST(Fanout, DeliversEveryTickWhileThereIsRoom) {
  Rig rig;
  Pipe gateway;
  gateway.capacity = 100;
  rig.fanout.attach(Edge::FeedGateway, gateway);
  rig.risk.capacity = 100;
  for (int i = 1; i <= 50; ++i) rig.fanout.publish(tick(TickKind::Quote, 0, i));
  ASSERT_EQ(rig.risk.held.size(), 50u);
  ASSERT_EQ(gateway.held.size(), 50u);
  for (int i = 1; i <= 50; ++i) {
    const Tick seen = rig.risk.pop();
    EXPECT_EQ(seen.value[0], i);
    EXPECT_EQ(seen.flags, 0);
  }
  EXPECT_EQ(rig.fanout.dropped(Edge::FeedRisk), 0u);
}

TEST(Fanout, TellsTheGapAndThenTheNewestState) {
  Rig rig;
  rig.fanout.publish(tick(TickKind::Quote, 0, 1));
  rig.fanout.publish(tick(TickKind::Trade, 0, 2));
  rig.fanout.publish(tick(TickKind::Quote, 0, 3));  // dropped from here
  rig.fanout.publish(tick(TickKind::Trade, 0, 4));
  rig.fanout.publish(tick(TickKind::Quote, 0, 5));
  EXPECT_TRUE(rig.fanout.behind(Edge::FeedRisk));
  const std::vector<Tick> seen = rig.drain();
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[2].status(), StatusCode::Gap);
  EXPECT_EQ(seen[2].count(), 3);
  EXPECT_EQ(seen[2].instrument, 0u);
  EXPECT_EQ(seen[3].value[0], 4);
  EXPECT_EQ(seen[3].flags, kAfterGap);
  EXPECT_EQ(seen[4].value[0], 5);
  EXPECT_EQ(seen[4].flags, kAfterGap);
  EXPECT_FALSE(rig.fanout.behind(Edge::FeedRisk));
  EXPECT_EQ(rig.fanout.dropped(Edge::FeedRisk), 3u);
  rig.fanout.publish(tick(TickKind::Quote, 0, 6));
  EXPECT_EQ(rig.risk.pop().flags, 0);
}

TEST(Fanout, DoesNotTellTheTickThatEndsAGapTwice) {
  Rig rig;
  for (int i = 1; i <= 3; ++i) rig.fanout.publish(tick(TickKind::Trade, 0, i));
  rig.risk.held.clear();
  rig.risk.capacity = 10;
  rig.fanout.publish(tick(TickKind::Trade, 0, 4));
  const std::vector<Tick> seen = rig.drain();
  ASSERT_EQ(seen.size(), 3u);
  EXPECT_EQ(seen[0].count(), 1);
  EXPECT_EQ(seen[1].value[0], 3);
  EXPECT_EQ(seen[1].flags, kAfterGap);
  EXPECT_EQ(seen[2].value[0], 4);
  EXPECT_EQ(seen[2].flags, 0);
}

TEST(Fanout, AGapOfTradesStillBringsTheQuoteThatHealsIt) {
  Rig rig;
  rig.fanout.publish(tick(TickKind::Quote, 0, 1));
  rig.fanout.publish(tick(TickKind::Trade, 0, 2));
  rig.fanout.publish(tick(TickKind::Trade, 0, 3));
  const std::vector<Tick> seen = rig.drain();
  ASSERT_EQ(seen.size(), 5u);
  EXPECT_EQ(seen[3].kind, TickKind::Quote);
  EXPECT_EQ(seen[3].value[0], 1);
  EXPECT_EQ(seen[4].kind, TickKind::Trade);
}

TEST(Fanout, AnOldQuoteDoesNotHealANewerStatus) {
  Rig rig;
  rig.fanout.publish(tick(TickKind::Quote, 0, 1));
  rig.fanout.publish(status(StatusCode::VenueGap, 0));
  rig.fanout.publish(tick(TickKind::Trade, 0, 3));
  std::vector<Tick> seen = rig.drain();
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[2].status(), StatusCode::Gap);
  EXPECT_EQ(seen[3].kind, TickKind::Trade);
}

TEST(Fanout, KeepsTheOrderOfQuoteAndSession) {
  Rig rig;
  rig.fanout.publish(tick(TickKind::Quote, 0, 1));
  rig.fanout.publish(tick(TickKind::Quote, 0, 2));
  rig.fanout.publish(status(StatusCode::SessionUp));
  rig.fanout.publish(tick(TickKind::Quote, 0, 3));
  rig.fanout.publish(tick(TickKind::Quote, 1, 4));
  rig.fanout.publish(status(StatusCode::SessionDown));
  const std::vector<Tick> seen = rig.drain();
  ASSERT_EQ(seen.size(), 2u + 6u);
  std::int64_t missed = 0;
  for (const Tick& t : seen)
    if (t.kind == TickKind::Status && t.status() == StatusCode::Gap) missed += t.count();
  EXPECT_EQ(missed, 4);
  EXPECT_EQ(seen.back().status(), StatusCode::SessionDown);  // nothing older comes behind it
}

TEST(Fanout, LosesNothingForAnotherEdge) {
  Rig rig;
  Pipe gateway;
  gateway.capacity = 1'000;
  rig.fanout.attach(Edge::FeedGateway, gateway);
  for (int i = 0; i < 100; ++i) rig.fanout.publish(tick(TickKind::Trade, 0, i));
  EXPECT_EQ(gateway.held.size(), 100u);
  EXPECT_EQ(rig.fanout.dropped(Edge::FeedRisk), 98u);
  EXPECT_EQ(rig.fanout.dropped(Edge::FeedGateway), 0u);
}

TEST(Fanout, SkipsSeatsThatNobodyTook) {
  Rig rig;
  Pipe seat;
  rig.fanout.publish(tick(TickKind::Trade, 0, 1));
  rig.fanout.attach(feed_seat(3), seat);
  rig.fanout.publish(tick(TickKind::Trade, 0, 2));
  rig.fanout.detach(feed_seat(3));
  rig.fanout.publish(tick(TickKind::Trade, 0, 3));
  ASSERT_EQ(seat.held.size(), 1u);
  EXPECT_EQ(seat.held.front().value[0], 2);
  EXPECT_EQ(rig.fanout.dropped(feed_seat(3)), 0u);
}

TEST(Fanout, WorksOnARingInSharedMemoryLayout) {
  constexpr std::uint64_t kCapacity = 2;
  std::vector<Slot> memory((RingMemory::bytes(kCapacity) + sizeof(Slot) - 1) / sizeof(Slot) + 1);
  void* start = memory.data();
  std::size_t space = memory.size() * sizeof(Slot);
  ASSERT_NE(std::align(kCacheLine, RingMemory::bytes(kCapacity), start, space), nullptr);
  auto& ring = *static_cast<RingMemory*>(start);
  ring.header.capacity = kCapacity;
  Producer producer(ring, 0);
  Consumer consumer(ring, 0);
  Effects effects(nullptr);
  Fanout<Producer> fanout(1, effects);
  fanout.attach(Edge::FeedRisk, producer);
  for (int i = 1; i <= 5; ++i) fanout.publish(tick(TickKind::Quote, 0, i));
  std::vector<Tick> seen;
  for (int turn = 0; turn < 10; ++turn) {
    Payload payload;
    while (consumer.poll(payload) == Poll::Record) seen.push_back(from_payload<Tick>(payload));
    consumer.publish_head();
    fanout.pump();
  }
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[2].count(), 3);
  EXPECT_EQ(seen[3].value[0], 5);
}

}  // namespace
}  // namespace sluice
