// The recorded tape through the whole pipeline, as the demo runs it.
#include <gtest/gtest.h>

#include <algorithm>

#include "feed/counters.hpp"
#include "tests/sim/world.hpp"

namespace sluice::sim {
namespace {

const Tape& tape() {
  static const Tape kTape = recorded_tape();
  return kTape;
}

// Plays frames at their recorded times divided by `speed`; everybody turns at least every `step`.
void play(World& world, std::size_t frames, std::int64_t speed,
          Duration step = Duration::micros(250)) {
  const HostTime start = world.now();
  for (std::size_t i = 0; i < std::min(frames, tape().size()); ++i) {
    const HostTime due = start + Duration{tape()[i].at_ns / speed};
    while (world.now() < due) {
      world.pass(std::min(step, due - world.now()));
      world.settle();
    }
    world.send(tape()[i]);
    world.settle();
  }
}

std::uint64_t feed_count(World& world, FeedCounter counter) {
  return world.objects().page(Process::Feed).statistics.counter(static_cast<std::size_t>(counter));
}

TEST(Tape, RealTapeRunsThrough) {
  World world(demo_world());
  play(world, tape().size(), 12);
  world.run(Duration::millis(600), Duration::millis(1));
  world.verify(true);
  EXPECT_FALSE(world.violations().any()) << world.violations().text();

  EXPECT_EQ(tape().size(), 41'249u);
  EXPECT_EQ(feed_count(world, FeedCounter::TicksQuote), 28'040u);
  EXPECT_EQ(feed_count(world, FeedCounter::TicksTrade), 9'757u);
  EXPECT_EQ(feed_count(world, FeedCounter::Gaps), 0u);
  EXPECT_EQ(feed_count(world, FeedCounter::Snapshots), 1u);
  EXPECT_EQ(feed_count(world, FeedCounter::BookMismatch), 0u);
  const PaperAuditor& paper = world.paper();
  const std::size_t intents = world.journaled(Process::Risk, Edge::SeatRisk0).size();
  const std::size_t orders = world.journaled(Process::Gateway, Edge::RiskGateway).size();
  std::printf(
      "%zu frames, %llu book checks; %zu intents, %zu orders, %zu entries, %zu exits, %zu fills, "
      "%zu cancels, realised %lld\n",
      tape().size(), static_cast<unsigned long long>(feed_count(world, FeedCounter::BookChecks)),
      intents, orders, paper.placed(OrderClass::Entry), paper.placed(OrderClass::ProtectiveExit),
      paper.count(PaperWhat::Filled), paper.count(PaperWhat::CancelAsked),
      static_cast<long long>(world.risk().state().positions.realised().raw));
  EXPECT_GT(intents, 0u);
  EXPECT_GT(orders, 0u);
  EXPECT_GT(paper.placed(OrderClass::Entry), 0u);
  EXPECT_GT(paper.placed(OrderClass::ProtectiveExit), 0u);
  EXPECT_GT(paper.count(PaperWhat::Filled), 1u);
}

std::vector<Tick> ticks_of(World& world) {
  std::vector<Tick> ticks;
  for (const Payload& payload : world.journaled(Process::Seat0, Edge::FeedSeat0)) {
    ticks.push_back(from_payload<Tick>(payload));
    ticks.back().rx_time = {};
  }
  return ticks;
}

// What of an intent does not depend on the speed: everything but host times and the run.
std::vector<Payload> intents_of(World& world) {
  std::vector<Payload> intents;
  for (const Payload& payload : world.journaled(Process::Risk, Edge::SeatRisk0)) {
    auto intent = from_payload<Intent>(payload);
    intent.id = OrderId::make(0, intent.id.origin(), intent.id.counter(), intent.id.slice());
    intent.origin = intent.decided_at = {};
    intents.push_back(to_payload(intent));
  }
  return intents;
}

// The speed is not part of what a strategy sees. Orders may differ: host time bounds their life and
// the latency of the venue, and those are shorter in market time the slower the tape runs.
TEST(Tape, SpeedsAgree) {
  constexpr std::size_t kFrames = 12'000;
  WorldConfig slow_config = demo_world({{"rate", "\"1\""}});
  const WorldConfig fast_config = demo_world();
  World slow(slow_config);
  World fast(fast_config);
  play(slow, kFrames, 1, Duration::millis(1));
  play(fast, kFrames, 12);
  const std::vector<Tick> ticks = ticks_of(slow);
  const std::vector<Tick> fast_ticks = ticks_of(fast);
  ASSERT_EQ(ticks.size(), fast_ticks.size());
  for (std::size_t i = 0; i < ticks.size(); ++i)
    ASSERT_EQ(to_payload(ticks[i]), to_payload(fast_ticks[i])) << "tick " << i;
  const std::vector<Payload> intents = intents_of(slow);
  EXPECT_GT(intents.size(), 0u);
  EXPECT_EQ(intents, intents_of(fast));
  EXPECT_FALSE(slow.violations().any()) << slow.violations().text();
  EXPECT_FALSE(fast.violations().any()) << fast.violations().text();
  std::printf("%zu ticks, %zu intents; entries %zu and %zu, fills %zu and %zu\n", ticks.size(),
              intents.size(), slow.paper().placed(OrderClass::Entry),
              fast.paper().placed(OrderClass::Entry), slow.paper().count(PaperWhat::Filled),
              fast.paper().count(PaperWhat::Filled));
  for (const auto& [id, order] : slow.paper().orders())
    EXPECT_EQ(order.placed.side == Side::Buy, order.placed.kind == OrderKind::Entry);
}

}  // namespace
}  // namespace sluice::sim
