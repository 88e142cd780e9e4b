// The driver turn by turn: order of inputs, journal before publish, full edges, full journal,
// faults, recovery.
#include "tests/support/alloc_guard.hpp"
#include "tests/unit/core/driver_fixture.hpp"

namespace sluice {
namespace {

TEST_F(DriverTest, JournalStartsWithTheRunAndTheBaseOfEachInput) {
  open({});
  const Oracle<> oracle = filed();
  ASSERT_EQ(oracle.controls.size(), 4u);
  EXPECT_EQ(oracle.controls[0].kind, ControlKind::RunStart);
  EXPECT_EQ(oracle.controls[0].after, test::toy_run().run_ordinal);
  EXPECT_EQ(oracle.controls[0].epoch, test::toy_run().run_id);
  for (std::size_t i = 1; i < 4; ++i) EXPECT_EQ(oracle.controls[i].kind, ControlKind::EdgeBase);
}

TEST_F(DriverTest, AnswersEveryInputByteForByteAsTheOracleSays) {
  open({});
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(world_->push_tick());
    ASSERT_TRUE(world_->push_intent());
    if (i % 3 == 0) {
      ASSERT_TRUE(world_->push_report());
    }
    settle();
  }
  expect_consistent();
  EXPECT_GE(world_->received[Edge::RiskGateway].size(), 134u);
  EXPECT_EQ(world_->received[risk_seat(0)].size(), 100u);
}

TEST_F(DriverTest, ReportsComeBeforeIntentsAndIntentsBeforeTicks) {
  open({});
  settle();
  const std::size_t before = filed().times.size();
  world_->push_tick();
  world_->push_intent();
  world_->push_report();
  step();
  const Oracle<> oracle = filed();
  std::vector<int> order;
  JournalDecoder decoder;
  std::size_t seen = 0;
  for (std::size_t at = 0; at < world_->archive.size(); ++at) {
    JournalEntry entry;
    if (decoder.decode(world_->archive[at], at, entry) != JournalDecoder::Status::Input) continue;
    if (seen++ >= before && entry.edge != Edge::Control)
      order.push_back(static_cast<int>(entry.edge));
  }
  EXPECT_EQ(order,
            (std::vector<int>{static_cast<int>(Edge::GatewayRisk), static_cast<int>(seat_risk(0)),
                              static_cast<int>(Edge::FeedRisk)}));
}

// A stage that answers no tick, so that only the batch bounds how long a request waits.
struct QuietStage {
  void on(const Tick&, Context&) noexcept { ++ticks; }
  void on(const Intent&, Context&) noexcept {
    if (first_intent_after == 0) first_intent_after = ticks;
  }
  void on(const Control&, Context&) noexcept {}
  [[nodiscard]] HostTime deadline() const noexcept { return HostTime::never(); }
  [[nodiscard]] bool wants_continue() const noexcept { return false; }
  std::size_t ticks = 0;
  std::size_t first_intent_after = 0;
};

TEST(DriverBatch, ARequestBehindAFloodOfTicksWaitsForOneBatchAtMost) {
  MemoryInstance instance(test::toy_config({.ring = 64, .journal = 1024}), test::toy_run());
  ToyWorld world(instance.objects());
  VirtualClock clock;
  NoSession session;
  QuietStage stage;
  Driver<QuietStage, NoSession, VirtualClock> driver(stage, session, clock, world.sources());
  world.connect(driver);
  driver.recover([&](JournalSlot& out, std::uint64_t at) { return world.entry(out, at); });
  while (world.push_tick()) {
  }
  driver.turn();
  constexpr std::size_t kBatch = decltype(driver)::kTickBatch;
  EXPECT_EQ(stage.ticks, kBatch);
  ASSERT_TRUE(world.push_intent());
  while (world.push_tick()) {
  }
  driver.turn();
  EXPECT_EQ(stage.first_intent_after, kBatch) << "served before the next tick";
}

TEST_F(DriverTest, NothingIsPublishedBeforeItsJournal) {
  open({});
  settle();
  const std::uint64_t tail = world_->journal().tail.load();
  const std::uint64_t head = instance_->objects().edge(Edge::FeedRisk).head.load();
  world_->push_tick();
  EXPECT_EQ(world_->journal().tail.load(), tail);
  step();
  EXPECT_GT(world_->journal().tail.load(), tail);
  EXPECT_EQ(published(instance_->objects().edge(Edge::RiskGateway)),
            world_->received[Edge::RiskGateway].size() + 1);
  EXPECT_GE(instance_->objects().edge(Edge::FeedRisk).head.load(), head);
}

TEST_F(DriverTest, FullAndRoomAreToldOnceAndJournaled) {
  open({.ring = 8, .journal = 1024});
  for (int i = 0; i < 12; ++i) {
    world_->push_tick();
    step();
    world_->record();
  }
  Oracle<> oracle = filed();
  EXPECT_EQ(oracle.count(ControlKind::EdgeFull), 1u);
  EXPECT_EQ(oracle.count(ControlKind::EdgeRoom), 0u);
  EXPECT_EQ(published(instance_->objects().edge(Edge::RiskGateway)), 8u);
  EXPECT_GT(stage_->backlog(), 0u);
  world_->take(3);  // less than half of the ring: no flapping
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(filed().count(ControlKind::EdgeRoom), 0u);
  world_->take(1);
  for (int i = 0; i < 5; ++i) step();
  oracle = filed();
  EXPECT_EQ(oracle.count(ControlKind::EdgeRoom), 1u);
  expect_consistent();
  EXPECT_EQ(stage_->backlog(), 0u);
}

TEST_F(DriverTest, ARingOfTwoLosesNothing) {
  for (const std::uint32_t ring : {2u, 4u}) {
    world_.reset();
    driver_.reset();
    open({.ring = ring, .journal = 256});
    for (int i = 0; i < 400; ++i) {
      world_->push_tick();
      world_->push_intent();
      world_->push_report();
      step();
      world_->record();
      if (i % 5 == 0) world_->take(1);
      if (stage_->backlog() > 500) settle();
    }
    expect_consistent();
    EXPECT_GT(filed().count(ControlKind::EdgeFull), 3u);
  }
}

TEST_F(DriverTest, ARunWithoutRecorderStopsTakingTicksFirst) {
  open({.ring = 64, .journal = 256});
  for (int i = 0; i < 300; ++i) {
    while (world_->push_tick()) {
    }
    step();
    world_->take();
  }
  const std::uint64_t behind = world_->journal().tail.load() - world_->journal().head.load();
  EXPECT_GE(behind, 256u * 3 / 4 - 2);
  EXPECT_LE(behind, 256u * 3 / 4 + ToyDriver::kTickBatch);
  EXPECT_EQ(driver_->conditions() & kJournalBehind, kJournalBehind);
  const std::uint64_t ticks = filed().inputs.at(Edge::FeedRisk).size();
  world_->archive.clear();
  world_->journal().head.store(0);
  ASSERT_TRUE(world_->push_intent());
  ASSERT_TRUE(world_->push_report());
  step();
  step();
  const Oracle<> oracle = filed();
  EXPECT_EQ(oracle.inputs.at(seat_risk(0)).size(), 1u) << "requests are still served";
  EXPECT_EQ(oracle.inputs.at(Edge::GatewayRisk).size(), 1u);
  EXPECT_EQ(oracle.inputs.at(Edge::FeedRisk).size(), ticks);
}

class DriverFullJournal : public DriverTest {
 protected:
  // Fills the journal to the last entry with inputs; the recorder is dead.
  void fill() {
    open({.ring = 64, .journal = 64});
    std::uint64_t before = 0;
    do {
      before = driver_->entries();
      while (world_->push_intent()) {
      }
      while (world_->push_report()) {
      }
      for (int i = 0; i < 4; ++i) step();
      world_->take();
    } while (driver_->entries() != before);
    // What is left serves Controls: use it up.
    for (std::int64_t rate = 2; world_->journal().tail.load() < 63 && rate < 80; ++rate) {
      control().rate_ppm.store(rate);
      control().changes.fetch_add(1);
      step();
    }
    ASSERT_GE(world_->journal().tail.load(), 63u);
  }
};

TEST_F(DriverFullJournal, TakesNoInputAndStillObeysAKill) {
  fill();
  const std::uint64_t entries = driver_->entries();
  const std::uint64_t head = instance_->objects().edge(Edge::GatewayRisk).head.load();
  const RaiseResult raised =
      raise_kill(kill(), {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Operator);
  EXPECT_LT(page().obeyed.load(), raised.target);
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(driver_->entries(), entries) << "no entry is overwritten";
  EXPECT_EQ(instance_->objects().edge(Edge::GatewayRisk).head.load(), head);
  EXPECT_GE(page().obeyed.load(), raised.target);
  expect_consistent();
  EXPECT_EQ(filed().count(ControlKind::Level), 5u) << "four scopes at the start, and the raise";
}

TEST_F(DriverFullJournal, ARecoveredGateObeysAKillBeforeItCanSayThatItRecovered) {
  fill();
  start();
  const std::uint64_t entries = driver_->entries();
  const RaiseResult raised =
      raise_kill(kill(), {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Operator);
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(driver_->entries(), entries);
  EXPECT_GE(page().obeyed.load(), raised.target);
  world_->record();
  step();
  EXPECT_EQ(filed().count(ControlKind::Recovered), 1u) << "told as soon as there is room";
  expect_consistent();
}

TEST_F(DriverTest, ObeyedNeverFallsWhenAProcessRecovers) {
  open({});
  settle();
  const RaiseResult raised =
      raise_kill(kill(), {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Operator);
  step();
  ASSERT_GE(page().obeyed.load(), raised.target);
  start();
  step();
  EXPECT_GE(page().obeyed.load(), raised.target);
}

TEST_F(DriverTest, ChangesOfThePagesArriveOnceAsControls) {
  open({});
  settle();
  const std::size_t before = filed().controls.size();
  const RaiseResult raised =
      raise_kill(kill(), {ScopeKind::Strategy, 0}, KillLevel::ReduceOnly, KillCause::Drill);
  step();
  control().permits[0].store(encode_permit(control().header.run_id, 1, 0, 77));
  control().changes.fetch_add(1);
  step();
  control().caps[0].store(12'345);
  control().changes.fetch_add(1);
  step();
  control().rate_ppm.store(2'000'000);
  control().changes.fetch_add(1);
  step();
  for (int i = 0; i < 50; ++i) step(Duration::millis(1));
  Oracle<> oracle = filed();
  std::erase_if(oracle.controls, [](const Control& c) { return c.kind == ControlKind::Deadline; });
  ASSERT_EQ(oracle.controls.size(), before + 4);
  const Control* told = oracle.controls.data() + before;
  EXPECT_EQ(told[0].kind, ControlKind::Level);
  EXPECT_EQ(told[0].scope, ScopeKind::Strategy);
  EXPECT_EQ(told[0].before, static_cast<std::int64_t>(KillLevel::Run));
  EXPECT_EQ(told[0].after, static_cast<std::int64_t>(KillLevel::ReduceOnly));
  EXPECT_EQ(told[0].epoch, raised.word.epoch);
  EXPECT_EQ(told[0].serial, raised.target);
  EXPECT_EQ(told[1].kind, ControlKind::Permit);
  EXPECT_EQ(told[1].after, 1);
  EXPECT_EQ(told[1].epoch, 77u);
  EXPECT_EQ(told[2].kind, ControlKind::Cap);
  EXPECT_EQ(told[2].after, 12'345);
  EXPECT_EQ(told[3].kind, ControlKind::Rate);
  EXPECT_EQ(told[3].after, 2'000'000);
}

TEST_F(DriverTest, AKillIsToldBeforeAnyInputOfItsTurn) {
  open({});
  settle();
  world_->push_report();
  raise_kill(kill(), {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Operator);
  step();
  filed();
  JournalDecoder decoder;
  JournalEntry last, before;
  for (std::size_t at = 0; at < world_->archive.size(); ++at) {
    before = last;
    ASSERT_NE(decoder.decode(world_->archive[at], at, last), JournalDecoder::Status::Corrupt);
  }
  EXPECT_EQ(last.edge, Edge::GatewayRisk);
  EXPECT_EQ(before.edge, Edge::Control);
  EXPECT_EQ(from_payload<Control>(before.payload).kind, ControlKind::Level);
}

TEST_F(DriverTest, ACorruptRingStopsTheStageAndHaltsTheRun) {
  open({});
  settle();
  RingMemory& ring = instance_->objects().edge(Edge::GatewayRisk);
  ring.slots()[0].word.store(0x7777);
  world_->push_intent();
  world_->push_tick();
  const std::size_t before = filed().times.size();
  step();
  EXPECT_TRUE(driver_->faulted());
  EXPECT_EQ(page().stage_state(), StageState::Faulted);
  EXPECT_STREQ(page().fault.data(), "ring gateway-risk holds a word that cannot be: corrupt");
  EXPECT_EQ(kill().read(0).level, KillLevel::Halt);
  EXPECT_EQ(kill().read(0).cause, KillCause::CorruptRing);
  EXPECT_EQ(ring.corrupt.load(), 1u);
  EXPECT_EQ(filed().times.size(), before) << "no other input of the turn is taken after the fault";
  const std::uint64_t target = kill().serial.load();
  for (int i = 0; i < 5; ++i) step();
  EXPECT_GE(page().obeyed.load(), target) << "a stopped stage still says that it obeys";
  EXPECT_FALSE(filed().inputs.contains(Edge::FeedRisk));
}

TEST_F(DriverTest, AHotTurnAllocatesNothing) {
  open({.ring = 64, .journal = 4096});
  settle();
  for (int i = 0; i < 60; ++i) {
    world_->push_tick();
    world_->push_report();
    world_->push_intent();
  }
  test::AllocGuard guard;
  for (int i = 0; i < 50; ++i) {
    clock_.advance(Duration::micros(20));
    driver_->turn();
  }
  EXPECT_EQ(guard.count(), 0u);
  EXPECT_GT(filed().inputs.at(Edge::FeedRisk).size(), 40u);
}

TEST_F(DriverTest, RecoveryGoesOnWhereTheJournalEnds) {
  open({});
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < round; ++i) {
      world_->push_tick();
      world_->push_intent();
    }
    step();
    if (round % 3 == 0) world_->take(2);
    start();
  }
  expect_consistent();
  // A recovery that was itself cut short before it could be told does not count.
  EXPECT_LE(filed().count(ControlKind::Recovered), 20u);
  EXPECT_GE(filed().count(ControlKind::Recovered), 1u);
}

TEST_F(DriverTest, RecoveryRefusesADamagedEntry) {
  open({});
  world_->push_tick();
  step();
  world_->journal().slots()[3].payload[2] ^= 1;
  EXPECT_THROW(start(), Error);
}

TEST_F(DriverTest, RecoveryRefusesOutputsThatTheJournalDoesNotExplain) {
  open({});
  settle();
  world_->push_report();
  step();
  world_->journal().tail.fetch_sub(1);
  try {
    start();
    FAIL() << "an output without a journal entry went unnoticed";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("the journal explains only"), std::string::npos)
        << error.what();
  }
}

TEST_F(DriverTest, RecoveryRefusesAMissingEntry) {
  open({});
  world_->push_tick();
  step();
  stage_ = std::make_unique<EchoStage>();
  driver_ = std::make_unique<ToyDriver>(*stage_, session_, clock_, world_->sources());
  world_->connect(*driver_);
  EXPECT_THROW(driver_->recover([](JournalSlot&, std::uint64_t at) { return at < 2; }), Error);
}

}  // namespace
}  // namespace sluice
