// What a gate tells its stage of the pages: each difference once, each condition at its exact
// bound.
#include "core/watch.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "tests/support/toy_config.hpp"

namespace sluice {
namespace {

class WatchTest : public testing::Test {
 protected:
  WatchTest() : instance_(test::toy_config({.ring = 8, .journal = 64}), test::toy_run()) {
    watch_.attach({&control(), &kill(), &journal(), &peer()});
    peer().state.store(static_cast<std::uint64_t>(StageState::Ready));
    beat(kNow);
    scan();
  }
  // One complete scan; what it told, after the stage has been told.
  std::vector<Control> scan(std::uint64_t liveness_us = kNow, bool suspended = false) {
    std::vector<Control> told;
    complete_ = watch_.scan(now_, liveness_us, suspended, [&](const Control& c) {
      if (told.size() == room_) return false;
      told.push_back(c);
      watch_.observe(c);
      return true;
    });
    return told;
  }
  std::uint32_t conditions_at(std::uint64_t liveness_us) {
    scan(liveness_us);
    return watch_.conditions();
  }
  void beat(std::uint64_t at_us) {
    control().heartbeat.store(encode_heartbeat({1, at_us}));
    peer().heartbeat_us.store(at_us);
  }
  ControlPage& control() { return *instance_.objects().control; }
  KillPage& kill() { return *instance_.objects().kill; }
  JournalMemory& journal() { return instance_.objects().journal_of(Process::Gateway); }
  StagePage& peer() { return instance_.objects().page(Process::Risk); }

  static constexpr std::uint64_t kNow = 10'000'000;
  MemoryInstance instance_;
  PageWatch watch_;
  HostTime now_{1'000};
  std::size_t room_ = 1'000;
  bool complete_ = false;
};

TEST_F(WatchTest, NothingNewIsNothingTold) {
  EXPECT_TRUE(scan().empty());
  EXPECT_TRUE(complete_);
}

TEST_F(WatchTest, IsDueOnAChangeOrAfterAMillisecond) {
  EXPECT_FALSE(watch_.due(now_));
  EXPECT_FALSE(watch_.due(now_ + Duration{999'999}));
  EXPECT_TRUE(watch_.due(now_ + Duration::millis(1)));
  control().changes.fetch_add(1);
  EXPECT_TRUE(watch_.due(now_));
  scan();
  EXPECT_FALSE(watch_.due(now_));
  kill().serial.fetch_add(1);
  EXPECT_TRUE(watch_.due(now_));
}

TEST_F(WatchTest, DeadManAtHalfASecondAndTwo) {
  constexpr std::uint32_t kBoth = kDeadMan | kDeadManCancel;
  EXPECT_EQ(conditions_at(kNow + 499'999) & kBoth, 0u);
  EXPECT_EQ(conditions_at(kNow + 500'000) & kBoth, 0u);
  EXPECT_EQ(conditions_at(kNow + 500'001) & kBoth, kDeadMan);
  EXPECT_EQ(conditions_at(kNow + 2'000'000) & kBoth, kDeadMan);
  EXPECT_EQ(conditions_at(kNow + 2'000'001) & kBoth, kBoth);
  beat(kNow + 2'000'001);
  EXPECT_EQ(conditions_at(kNow + 2'000'001) & kBoth, 0u) << "it lifts by itself";
}

// The last look of a turn that was held up behind its scan.
TEST_F(WatchTest, TheHeartbeatAgesBetweenTwoScans) {
  const HostTime scanned = now_;
  scan(kNow + 300'000);
  EXPECT_EQ(watch_.conditions_at(scanned), 0u);
  EXPECT_EQ(watch_.conditions_at(scanned + Duration::millis(200)), 0u);
  EXPECT_EQ(watch_.conditions_at(scanned + Duration::micros(200'001)), kDeadMan);
  beat(kNow + 400'000);  // a newer one is seen without a scan
  EXPECT_EQ(watch_.conditions_at(scanned + Duration::micros(200'001)), 0u);
  EXPECT_EQ(watch_.conditions_at(scanned + Duration::micros(600'001)), kDeadMan);
  control().heartbeat.store(0);
  EXPECT_EQ(watch_.conditions_at(scanned), kDeadMan) << "a page that was wiped";
  beat(kNow + 10'000'000);
  EXPECT_EQ(watch_.conditions_at(scanned), kDeadMan) << "from the future";
}

TEST_F(WatchTest, AHeartbeatFromTheFutureOrNoneIsADeadMan) {
  beat(kNow + 100'000);  // a gate reads its clock before the heartbeat
  EXPECT_EQ(conditions_at(kNow) & kDeadMan, 0u);
  beat(kNow + 100'001);
  EXPECT_EQ(conditions_at(kNow) & (kDeadMan | kDeadManCancel), kDeadMan | kDeadManCancel);
  control().heartbeat.store(0);
  EXPECT_EQ(conditions_at(kNow) & kDeadMan, kDeadMan);
  EXPECT_EQ(conditions_at(0) & kDeadMan, kDeadMan);
}

TEST_F(WatchTest, JournalBehindFromHalfARingUntilAQuarter) {
  journal().tail.store(132);
  journal().head.store(100);
  EXPECT_EQ(conditions_at(kNow) & kJournalBehind, 0u) << "exactly half";
  journal().tail.store(133);
  EXPECT_EQ(conditions_at(kNow) & kJournalBehind, kJournalBehind);
  journal().head.store(116);
  EXPECT_EQ(conditions_at(kNow) & kJournalBehind, kJournalBehind) << "17 of 64";
  journal().head.store(117);
  EXPECT_EQ(conditions_at(kNow) & kJournalBehind, 0u) << "a quarter";
}

TEST_F(WatchTest, DiskTroubleIsACondition) {
  journal().flags.store(kRecorderDiskTrouble);
  EXPECT_EQ(conditions_at(kNow) & kDiskLow, kDiskLow);
  journal().flags.store(0);
  EXPECT_EQ(conditions_at(kNow) & kDiskLow, 0u);
}

TEST_F(WatchTest, APeerIsAliveOnlyIfReadyAndBeating) {
  for (const StageState state : {StageState::Absent, StageState::Attaching, StageState::Recovering,
                                 StageState::Stopping, StageState::Stopped, StageState::Faulted}) {
    peer().state.store(static_cast<std::uint64_t>(state));
    EXPECT_EQ(conditions_at(kNow) & kPeerDead, kPeerDead) << name_of(state);
  }
  peer().state.store(static_cast<std::uint64_t>(StageState::Ready));
  EXPECT_EQ(conditions_at(kNow) & kPeerDead, 0u);
  EXPECT_EQ(conditions_at(kNow + 500'000) & kPeerDead, 0u);
  EXPECT_EQ(conditions_at(kNow + 500'001) & kPeerDead, kPeerDead);
}

TEST_F(WatchTest, SuspensionLiftsWithTheNextScan) {
  const auto told = scan(kNow, true);
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, ControlKind::Conditions);
  EXPECT_EQ(told[0].after, kSuspended);
  EXPECT_EQ(scan().size(), 1u);
  EXPECT_EQ(watch_.conditions(), 0u);
}

TEST_F(WatchTest, ACutScanIsDueAgainAndTellsTheRest) {
  control().permits[0].store(encode_permit(control().header.run_id, 1, 0, 5));
  control().caps[0].store(7);
  raise_kill(kill(), {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Operator);
  const std::uint64_t serial = kill().serial.load();
  room_ = 1;
  EXPECT_EQ(scan().size(), 1u);
  EXPECT_FALSE(complete_);
  EXPECT_TRUE(watch_.due(now_));
  EXPECT_EQ(watch_.serial(), serial);
  room_ = 100;
  const auto rest = scan();
  EXPECT_TRUE(complete_);
  ASSERT_EQ(rest.size(), 2u);
  EXPECT_EQ(rest[0].kind, ControlKind::Permit);
  EXPECT_EQ(rest[1].kind, ControlKind::Cap);
  EXPECT_FALSE(watch_.due(now_));
}

TEST_F(WatchTest, AWildStoreIntoAKillWordIsToldAsHalt) {
  kill().words[1].store(0x4242);
  const auto told = scan();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, ControlKind::Level);
  EXPECT_EQ(told[0].scope, ScopeKind::Gateway);
  EXPECT_EQ(told[0].after, static_cast<std::int64_t>(KillLevel::Halt));
  EXPECT_TRUE(scan().empty()) << "once";
}

// Words that stand are not decoded again, but of another run they mean HALT.
TEST_F(WatchTest, ADamagedRunIdIsSeenUnderWordsThatStand) {
  ASSERT_TRUE(scan().empty());
  kill().header.run_id ^= 1;
  const auto told = scan();
  ASSERT_FALSE(told.empty());
  for (const Control& control : told) {
    EXPECT_EQ(control.kind, ControlKind::Level);
    EXPECT_EQ(control.after, static_cast<std::int64_t>(KillLevel::Halt));
  }
  kill().header.run_id ^= 1;
  EXPECT_EQ(scan().size(), told.size()) << "and back";
}

TEST_F(WatchTest, ARestoredViewIsComparedWithWordsThatStand) {
  ASSERT_TRUE(scan().empty());
  watch_.restore({});
  EXPECT_FALSE(scan().empty()) << "nothing of it has been told";
  EXPECT_TRUE(scan().empty());
}

TEST_F(WatchTest, TakingOverVoidsPermitsInTheSameScan) {
  control().permits[0].store(encode_permit(control().header.run_id, 1, 0, 5));
  ASSERT_EQ(scan().size(), 1u);
  control().heartbeat.store(encode_heartbeat({2, kNow}));
  const auto told = scan();
  ASSERT_EQ(told.size(), 1u);
  EXPECT_EQ(told[0].kind, ControlKind::Permit);
  EXPECT_EQ(told[0].before, 1);
  EXPECT_EQ(told[0].after, 0);
  EXPECT_EQ(watch_.lease_epoch(), 2u);
}

TEST_F(WatchTest, IsRebuiltFromTheControlsAlone) {
  raise_kill(kill(), {ScopeKind::Instrument, 0}, KillLevel::Cancel, KillCause::Drill);
  PageWatch first;
  first.attach({&control(), &kill(), &journal(), &peer()});
  std::vector<Control> told;
  const auto tell = [&](PageWatch& watch) {
    return watch.scan(now_, kNow, false, [&](const Control& c) {
      told.push_back(c);
      watch.observe(c);
      return true;
    });
  };
  ASSERT_TRUE(tell(first));
  ASSERT_FALSE(told.empty());
  PageWatch second;
  second.attach({&control(), &kill(), &journal(), &peer()});
  for (const Control& c : told) second.observe(c);
  told.clear();
  ASSERT_TRUE(tell(second));
  EXPECT_TRUE(told.empty());
}

}  // namespace
}  // namespace sluice
