// What the driver guarantees whatever its stage, its journal or the market does: a kill is obeyed
// while it replays, a stop comes to an end, and a stage that emits where it must not ends the
// process.
#include <gtest/gtest.h>

#include "core/driver.hpp"
#include "tests/support/toy_rig.hpp"

namespace sluice {
namespace {

using test::EchoStage;
using test::ToyWorld;

template <class Stage>
struct Rig {
  explicit Rig(ToyWorld& world, const VirtualClock& clock)
      : driver(stage, session, clock, world.sources()) {
    world.connect(driver);
  }
  Stage stage;
  NoSession session;
  Driver<Stage, NoSession, VirtualClock> driver;
};

TEST(Replay, AKillRaisedInTheMiddleOfItIsObeyedBeforeItsEnd) {
  MemoryInstance instance(test::toy_config({.ring = 64, .journal = 1024}), test::toy_run());
  ToyWorld world(instance.objects());
  VirtualClock clock;
  const auto entry = [&](JournalSlot& out, std::uint64_t at) { return world.entry(out, at); };
  {
    Rig<EchoStage> before(world, clock);
    before.driver.recover(entry);
    while (world.archive.size() < 4'096) {
      world.push_tick();
      clock.advance(Duration::micros(10));
      before.driver.turn();
      world.take();
      world.record();
    }
  }
  const StagePage& page = instance.objects().page(Process::Risk);
  constexpr std::uint64_t kRaisedAt = 100;
  RaiseResult raised;
  std::uint64_t obeyed_at = 0;
  Rig<EchoStage> after(world, clock);
  after.driver.recover([&](JournalSlot& out, std::uint64_t at) {
    if (at == kRaisedAt)
      raised = raise_kill(*instance.objects().kill, {}, KillLevel::Halt, KillCause::Operator);
    if (raised.raised && obeyed_at == 0 && page.obeyed.load() >= raised.target) obeyed_at = at;
    return entry(out, at);
  });
  ASSERT_TRUE(raised.raised);
  EXPECT_GT(obeyed_at, kRaisedAt) << "not before it returned from its replay";
  EXPECT_LT(obeyed_at, world.archive.size() / 2);
}

// Listens, and says nothing.
struct SilentStage {
  void on(const Tick&, Context&) noexcept {}
  void on(const Intent&, Context&) noexcept {}
  void on(const Control&, Context&) noexcept {}
  [[nodiscard]] HostTime deadline() const noexcept { return HostTime::never(); }
  [[nodiscard]] bool wants_continue() const noexcept { return false; }
};

// An orderly stop must come to an end in a busy market: the feed is stopped last.
TEST(Drained, TicksAreNotOwedAnythingARequestIs) {
  MemoryInstance instance(test::toy_config({.ring = 64, .journal = 1024}), test::toy_run());
  ToyWorld world(instance.objects());
  VirtualClock clock;
  Rig<SilentStage> rig(world, clock);
  rig.driver.recover([&](JournalSlot& out, std::uint64_t at) { return world.entry(out, at); });
  const auto live = [&](int millis, bool requests) {
    for (int i = 0; i < millis; ++i) {
      world.push_tick();
      if (requests && i % 10 == 0) world.push_intent();
      clock.advance(Duration::millis(1));
      world.beat(clock.liveness_us());
      rig.driver.turn();
      world.record();
    }
  };
  live(50, false);
  EXPECT_TRUE(rig.driver.drained()) << "ticks alone keep nobody";
  live(50, true);
  EXPECT_FALSE(rig.driver.drained()) << "a neighbour asks every 10 ms";
  live(25, false);
  EXPECT_TRUE(rig.driver.drained());
}

// Answers each tick, although it was told that the edge is full.
struct CarelessStage {
  void on(const Tick&, Context& ctx) noexcept { ctx.out.emit(Edge::RiskGateway, Order{}); }
  void on(const Control&, Context&) noexcept {}
  [[nodiscard]] HostTime deadline() const noexcept { return HostTime::never(); }
  [[nodiscard]] bool wants_continue() const noexcept { return false; }
};

TEST(FullEdge, AStageThatEmitsThereEndsTheProcess) {
  MemoryInstance instance(test::toy_config({.ring = 8, .journal = 1024}), test::toy_run());
  ToyWorld world(instance.objects());
  VirtualClock clock;
  Rig<CarelessStage> rig(world, clock);
  rig.driver.recover([&](JournalSlot& out, std::uint64_t at) { return world.entry(out, at); });
  RingMemory& orders = instance.objects().edge(Edge::RiskGateway);
  for (std::uint64_t sent = 1; sent <= orders.header.capacity; ++sent) {
    ASSERT_TRUE(world.push_tick());
    rig.driver.turn();
    ASSERT_EQ(published(orders), sent);
  }
  ASSERT_TRUE(world.push_tick());
  EXPECT_DEATH(rig.driver.turn(), "");
}

}  // namespace
}  // namespace sluice
