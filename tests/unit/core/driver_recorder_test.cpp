// How fast a driver sees its recorder in trouble, in turns: half a ring behind and the disk flag
// are conditions in the next turn, three quarters leave the ticks where they are, and all of it
// lifts in one turn. The clock moves too little for a periodic scan to be due. And recovery begins
// at a filed checkpoint when shared memory has none.
#include <gtest/gtest.h>

#include <memory>

#include "core/driver.hpp"
#include "tests/support/toy_rig.hpp"

namespace sluice {
namespace {

using test::EchoStage;
using test::ToyWorld;
using ToyDriver = Driver<EchoStage, NoSession, VirtualClock>;

constexpr std::uint64_t kRing = 256;

class DriverRecorder : public testing::Test {
 protected:
  DriverRecorder() {
    world_.objects().page(Process::Risk).state.store(static_cast<std::uint64_t>(StageState::Ready));
    world_.beat(clock_.liveness_us());
    driver_ = std::make_unique<ToyDriver>(stage_, session_, clock_, world_.sources());
    world_.connect(*driver_);
    driver_->recover([this](JournalSlot& out, std::uint64_t at) { return world_.entry(out, at); });
    for (int i = 0; i < 4; ++i) turn();
    world_.record();
  }
  // A thousandth of the time after which a scan is due anyway.
  void turn() {
    clock_.advance(Duration{kScanEvery.ns / 1000});
    driver_->turn();
  }
  [[nodiscard]] std::uint64_t behind() const {
    return world_.journal().tail.load() - world_.journal().head.load();
  }
  [[nodiscard]] bool has(std::uint32_t condition) const {
    return (driver_->conditions() & condition) != 0;
  }
  // Gives all the space back as well.
  std::uint64_t journaled_ticks() {
    world_.record();
    return world_.replay().inputs[Edge::FeedRisk].size();
  }
  void fill_until(std::uint64_t entries) {
    for (int i = 0; i < 1'000 && behind() <= entries; ++i) {
      world_.push_intent();
      turn();
      world_.take();
    }
    ASSERT_GT(behind(), entries);
  }

  MemoryInstance instance_{test::toy_config({.ring = 64, .journal = kRing}), test::toy_run()};
  ToyWorld world_{instance_.objects()};
  VirtualClock clock_;
  NoSession session_;
  EchoStage stage_;
  std::unique_ptr<ToyDriver> driver_;
};

TEST_F(DriverRecorder, HalfARingBehindIsAConditionInTheNextTurnAndLiftsInOne) {
  while (behind() <= kRing / 2) {
    ASSERT_FALSE(has(kJournalBehind)) << behind();
    world_.push_intent();
    turn();
    world_.take();
  }
  turn();
  EXPECT_TRUE(has(kJournalBehind)) << "one turn after the threshold";
  world_.record(behind() - kRing / 4 - 1);
  turn();
  EXPECT_TRUE(has(kJournalBehind)) << "not a quarter yet";
  world_.record();
  turn();
  EXPECT_FALSE(has(kJournalBehind)) << "one turn after the space returned";
}

TEST_F(DriverRecorder, TheDiskFlagIsAConditionInOneTurnAndLiftsInOne) {
  for (int i = 0; i < 3; ++i) {
    world_.journal().flags.store(kRecorderDiskTrouble);
    turn();
    ASSERT_TRUE(has(kDiskLow)) << i;
    world_.journal().flags.store(0);
    turn();
    ASSERT_FALSE(has(kDiskLow)) << i;
  }
}

TEST_F(DriverRecorder, FromThreeQuartersTicksWaitAndRequestsDoNotAndOneTurnEndsIt) {
  fill_until(kRing * 3 / 4);
  for (int i = 0; i < 8; ++i) ASSERT_TRUE(world_.push_tick());
  for (int i = 0; i < 4; ++i) turn();
  const std::uint64_t entries = driver_->entries();
  ASSERT_TRUE(world_.push_intent());
  ASSERT_TRUE(world_.push_report());
  turn();
  EXPECT_EQ(driver_->entries(), entries + 2) << "both are served in the first turn";
  EXPECT_EQ(journaled_ticks(), 0u) << "a tick was taken";
  turn();
  EXPECT_EQ(journaled_ticks(), 1u) << "the first turn with room (the toy answers, so one a turn)";
}

// What RecoverySource offers: entries, and a filed checkpoint.
struct Filed {
  const ToyWorld& world;
  std::optional<Checkpoint> filed;
  std::uint64_t first_asked = ~std::uint64_t{0};

  bool operator()(JournalSlot& out, std::uint64_t at) {
    first_asked = std::min(first_asked, at);
    return world.entry(out, at);
  }
  [[nodiscard]] std::optional<Checkpoint> checkpoint(std::uint64_t) const { return filed; }
};

TEST(DriverFiledCheckpoint, RecoveryBeginsThereWhenSharedMemoryHasNone) {
  MemoryInstance instance(test::toy_config({.ring = 64, .journal = kRing}), test::toy_run());
  ToyWorld world(instance.objects());
  world.checkpoints = instance.objects().checkpoint[static_cast<std::size_t>(Process::Risk)];
  ASSERT_NE(world.checkpoints, nullptr);
  VirtualClock clock;
  NoSession session;
  EchoStage before;
  {
    ToyDriver driver(before, session, clock, world.sources());
    world.connect(driver);
    driver.recover([&](JournalSlot& out, std::uint64_t at) { return world.entry(out, at); });
    for (int i = 0; i < 60; ++i) {
      world.push_intent();
      clock.advance(Duration::micros(10));
      driver.turn();
      world.take();
      world.record();
    }
  }
  Filed source{world, newest_checkpoint(*world.checkpoints, world.journal().tail.load())};
  ASSERT_TRUE(source.filed);
  ASSERT_GT(source.filed->position, 0u);
  for (CheckpointMark& mark : world.checkpoints->marks) mark.word.store(0);
  EchoStage after;
  ToyDriver driver(after, session, clock, world.sources());
  world.connect(driver);
  driver.recover(source);
  EXPECT_GE(source.first_asked, source.filed->position) << "older entries may be gone";
  EXPECT_EQ(after.digest(), before.digest());
}

}  // namespace
}  // namespace sluice
