// Thousands of processes that die at an arbitrary instruction: of a turn, of the recovery from an
// earlier death, of the recovery from that. They share one instance in anonymous shared memory with
// this process, which plays the neighbours. After every death what is published must be explained
// by the journal, and in the end every input was taken exactly once and every output stands in its
// ring exactly once, byte for byte as a pure replay of the journal makes it.
#include <gtest/gtest.h>

#include <gtest/gtest-spi.h>

#include <string>

#include "tests/support/seed.hpp"
#include "tests/support/shared_instance.hpp"
#include "tests/support/single_step.hpp"
#include "tests/support/toy_rig.hpp"

namespace sluice {
namespace {

using test::EchoStage;
using test::Oracle;
using test::Random;
using test::StepEnd;
using test::ToyWorld;

// Shared time that moves with every look, and a trap at a chosen look.
class TrapClock {
 public:
  TrapClock()
      : ns_(static_cast<std::int64_t*>(
            ::mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0))) {
    *ns_ = 1'000'000'000;
  }
  ~TrapClock() { ::munmap(ns_, 4096); }
  TrapClock(const TrapClock&) = delete;
  TrapClock& operator=(const TrapClock&) = delete;

  [[nodiscard]] HostTime loose_now() const noexcept { return now(); }
  [[nodiscard]] HostTime now() const noexcept {
    if (trap_in_ != 0 && --trap_in_ == 0) test::crash_marker();
    return {*ns_ += 137};
  }
  [[nodiscard]] std::uint64_t liveness_us() const noexcept {
    return static_cast<std::uint64_t>(*ns_) / 1'000;
  }
  void advance(Duration by) const noexcept { *ns_ += by.ns; }
  void trap_in(std::uint64_t looks) const noexcept { trap_in_ = looks; }

 private:
  std::int64_t* ns_;
  mutable std::uint64_t trap_in_ = 0;
};

// Asked for its deadline last thing before a turn is flushed: a trap there leads into the flush.
class TrapStage : public EchoStage {
 public:
  [[nodiscard]] HostTime deadline() const noexcept {
    if (trap_in_ != 0 && --trap_in_ == 0) test::crash_marker();
    return EchoStage::deadline();
  }
  void trap_in(std::uint64_t turns) noexcept { trap_in_ = turns; }

 private:
  mutable std::uint64_t trap_in_ = 0;
};

using ToyDriver = Driver<TrapStage, NoSession, TrapClock>;

struct CrashPlan {
  bool timed = false;
  std::uint64_t recovery_trap = 0;  // stop before the n-th last journal entry is replayed; 0 = no
  std::uint64_t clock_trap = 0;     // stop at the n-th look at the clock; 0 = no
  std::uint64_t flush_trap = 0;     // stop before the flush of the n-th turn; 0 = no
  std::uint64_t steps = 0;          // then die after so many instructions
  std::uint64_t turns = 0;
};

class CrashWorld {
 public:
  CrashWorld(std::uint32_t ring, std::uint64_t seed, bool checkpoints = false)
      : random_(seed),
        instance_(test::toy_config({.ring = ring, .journal = 256}), test::toy_run()),
        world_(instance_.objects()) {
    if (checkpoints) world_.checkpoints = &instance_.objects().checkpoint_of(Process::Risk);
  }

  // The neighbours do something, then one more process lives and dies. False: the child said that
  // it could not recover.
  StepEnd live_and_die() {
    stimulate();
    const CrashPlan plan = draw_plan();
    const auto body = [&] { child(plan); };
    const auto result = plan.timed
                            ? test::run_for(body, static_cast<std::int64_t>(random_.below(400'000)))
                            : test::run_and_kill(body, plan.steps);
    look_at_the_remains();
    return result.status == 3 ? StepEnd::Failed : result.end;
  }

  // What an observer may never see, at any instant. Empty: all is well.
  [[nodiscard]] std::string fault() {
    follow_journal();
    if (damaged_) return "a committed journal entry fails its checksum";
    for (const Edge edge : {Edge::RiskGateway, risk_seat(0)})
      if (published(ring(edge)) > oracle_.outputs[edge].size())
        return "published " + std::to_string(published(ring(edge))) + " on edge " +
               std::to_string(static_cast<int>(edge)) + ", the journal explains " +
               std::to_string(oracle_.outputs[edge].size());
    for (const Edge edge : {Edge::FeedRisk, seat_risk(0), Edge::GatewayRisk})
      if (ring(edge).head.load() > oracle_.inputs[edge].size())
        return "gave back " + std::to_string(ring(edge).head.load()) + " of edge " +
               std::to_string(static_cast<int>(edge)) + ", journaled " +
               std::to_string(oracle_.inputs[edge].size());
    return {};
  }

  // One last process, which is left alone until nothing moves.
  void finish() {
    TrapStage stage;
    NoSession session;
    ToyDriver driver(stage, session, clock_, world_.sources());
    world_.connect(driver);
    driver.recover([this](JournalSlot& out, std::uint64_t at) { return world_.entry(out, at); });
    for (int i = 0, still = 0; still < 5; ++i) {
      ASSERT_LT(i, 100'000) << "no progress";
      const std::uint64_t before = driver.entries();
      advance(Duration::micros(50));
      driver.turn();
      world_.record();
      still = world_.take() != 0 || driver.entries() != before ? 0 : still + 1;
    }
    follow_journal();
    EXPECT_EQ(oracle_.stage.digest(), stage.digest());
    EXPECT_EQ(stage.dropped(), 0u);
    EXPECT_FALSE(world_.corrupt);
    for (const Edge edge : {Edge::FeedRisk, seat_risk(0), Edge::GatewayRisk})
      EXPECT_EQ(oracle_.inputs[edge], world_.pushed[edge])
          << "inputs of edge " << static_cast<int>(edge);
    for (const Edge edge : {Edge::RiskGateway, risk_seat(0)})
      EXPECT_EQ(oracle_.outputs[edge], world_.received[edge])
          << "outputs of edge " << static_cast<int>(edge);
  }

  struct Seen {
    std::uint64_t torn_slots = 0;    // died inside a push
    std::uint64_t cut_turns = 0;     // died between the first journal entry of a turn and its tail
    std::uint64_t unpublished = 0;   // died between the tail and the last output of a turn
    std::uint64_t heads_behind = 0;  // died between the tail and the heads
  } seen;

  RingMemory& ring(Edge edge) { return world_.objects().edge(edge); }
  ToyWorld& world() { return world_; }

 private:
  void advance(Duration by) {
    clock_.advance(by);
    world_.beat(clock_.liveness_us());
  }

  void child(const CrashPlan& plan) {
    try {
      TrapStage stage;
      NoSession session;
      ToyDriver driver(stage, session, clock_, world_.sources());
      world_.connect(driver);
      const std::uint64_t tail = world_.journal().tail.load();
      driver.recover([&](JournalSlot& out, std::uint64_t at) {
        if (at + plan.recovery_trap == tail && plan.recovery_trap != 0) test::crash_marker();
        return world_.entry(out, at);
      });
      clock_.trap_in(plan.clock_trap);
      stage.trap_in(plan.flush_trap);
      for (std::uint64_t i = 0; i < plan.turns || plan.timed; ++i) {
        advance(Duration::micros(20));
        driver.turn();
      }
    } catch (const std::exception& error) {
      std::fprintf(stderr, "child: %s\n", error.what());
      ::_exit(3);
    }
  }

  CrashPlan draw_plan() {
    CrashPlan plan;
    plan.turns = 1 + random_.below(6);
    plan.steps = random_.below(std::uint64_t{1} << random_.below(10));
    switch (random_.below(8)) {
      case 0: plan.timed = true; break;
      case 1:
      case 2: plan.recovery_trap = 1 + random_.below(2); break;
      case 3:
      case 4:
      case 5:
        plan.flush_trap = 1 + random_.below(4);
        plan.steps = random_.below(700);
        break;
      default: plan.clock_trap = 1 + random_.below(30); break;
    }
    return plan;
  }

  void stimulate() {
    for (std::uint64_t n = random_.below(12); n > 0; --n) {
      switch (random_.below(3)) {
        case 0: world_.push_tick(); break;
        case 1: world_.push_intent(); break;
        default: world_.push_report(); break;
      }
    }
    if (!random_.one_in(3)) world_.take(random_.below(5));
    if (!random_.one_in(4)) world_.record(random_.below(100));
    if (random_.one_in(10))
      raise_kill(*world_.objects().kill, {ScopeKind::Global, 0}, KillLevel::ReduceOnly,
                 KillCause::Drill);
    if (random_.one_in(10))
      rearm_kill(*world_.objects().kill, 0, world_.objects().kill->words[0].load());
    if (random_.one_in(10))
      world_.objects().control->caps[0].store(static_cast<std::int64_t>(random_.below(1'000)));
    advance(random_.one_in(20) ? Duration::millis(300) : Duration::micros(80));
  }

  void follow_journal() {
    const std::uint64_t tail = world_.journal().tail.load(std::memory_order_acquire);
    JournalSlot raw{};
    while (!damaged_ && oracle_.position < tail) {
      world_.entry(raw, oracle_.position);
      damaged_ = !oracle_.feed(raw);
    }
  }

  void look_at_the_remains() {
    follow_journal();
    for (const Edge edge : {Edge::RiskGateway, risk_seat(0)}) {
      const std::uint64_t next = published(ring(edge));
      const Slot& slot = ring(edge).slots()[next & (ring(edge).header.capacity - 1)];
      if (slot.word.load() == 0 && next >= ring(edge).header.capacity) ++seen.torn_slots;
      if (next < oracle_.outputs[edge].size()) ++seen.unpublished;
    }
    JournalEntry entry;
    const std::uint64_t tail = world_.journal().tail.load();
    const JournalSlot& above =
        world_.journal().slots()[tail & (world_.journal().header.capacity - 1)];
    if (JournalDecoder{}.decode(above, tail, entry) != JournalDecoder::Status::Corrupt)
      ++seen.cut_turns;
    if (ring(Edge::GatewayRisk).head.load() < oracle_.inputs[Edge::GatewayRisk].size())
      ++seen.heads_behind;
  }

  Random random_;
  TrapClock clock_;
  test::SharedInstance instance_;
  ToyWorld world_;
  Oracle<> oracle_;
  bool damaged_ = false;
};

TEST(DriverCrash, EveryInputOnceEveryOutputOnceAtAnyInstruction) {
  if (!test::can_single_step()) GTEST_SKIP() << "ptrace is not permitted here";
  constexpr int kDeaths = 3'000, kPerWorld = 100;
  Random seeds(test::draw_seed());
  int deaths = 0;
  CrashWorld::Seen seen;
  while (deaths < kDeaths) {
    const std::uint32_t ring = 2u << seeds.below(4);
    CrashWorld world(ring, seeds.next(), seeds.one_in(2));
    for (int here = 0; here < kPerWorld;) {
      const StepEnd end = world.live_and_die();
      ASSERT_NE(end, StepEnd::Failed) << "after " << deaths << " deaths, ring of " << ring;
      ASSERT_EQ(world.fault(), "") << "after " << deaths << " deaths, ring of " << ring;
      if (end == StepEnd::Killed) ++here, ++deaths;
    }
    world.finish();
    if (HasFailure())
      FAIL() << "ring of " << ring << " in the world that ended after " << deaths << " deaths";
    seen.torn_slots += world.seen.torn_slots;
    seen.cut_turns += world.seen.cut_turns;
    seen.unpublished += world.seen.unpublished;
    seen.heads_behind += world.seen.heads_behind;
  }
  std::printf(
      "%d deaths: %llu inside a push, %llu before the tail, %llu before an output, %llu before a "
      "head\n",
      deaths, static_cast<unsigned long long>(seen.torn_slots),
      static_cast<unsigned long long>(seen.cut_turns),
      static_cast<unsigned long long>(seen.unpublished),
      static_cast<unsigned long long>(seen.heads_behind));
  // The deaths are worth something only if they hit the windows that matter.
  EXPECT_GT(seen.torn_slots, 20u);
  EXPECT_GT(seen.cut_turns, 20u);
  EXPECT_GT(seen.unpublished, 20u);
  EXPECT_GT(seen.heads_behind, 20u);
}

// The same harness over worlds that are broken on purpose: it must notice each of them.
class DriverCrashMutant : public testing::Test {
 protected:
  DriverCrashMutant() : world_(8, 7) {
    for (int i = 0; i < 6; ++i) world_.world().push_report();
    TrapStage stage;
    NoSession session;
    ToyDriver driver(stage, session, clock_, world_.world().sources());
    world_.world().connect(driver);
    driver.recover(
        [&](JournalSlot& out, std::uint64_t at) { return world_.world().entry(out, at); });
    driver.turn();
    EXPECT_EQ(world_.fault(), "");
    EXPECT_EQ(published(world_.ring(Edge::RiskGateway)), 6u);
  }
  void expect_refused(std::string_view because) {
    TrapStage stage;
    NoSession session;
    ToyDriver driver(stage, session, clock_, world_.world().sources());
    world_.world().connect(driver);
    try {
      driver.recover(
          [&](JournalSlot& out, std::uint64_t at) { return world_.world().entry(out, at); });
      FAIL() << "recovered over a broken state";
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(because), std::string::npos) << error.what();
    }
  }
  CrashWorld world_;
  TrapClock clock_;
};

TEST_F(DriverCrashMutant, ALostCommitIsRefused) {
  world_.world().journal().tail.fetch_sub(1);
  expect_refused("the journal explains only");
}

TEST_F(DriverCrashMutant, AnOutputBeforeItsJournalIsNoticed) {
  Producer rogue(world_.ring(Edge::RiskGateway), 6);
  rogue.push({});
  EXPECT_NE(world_.fault(), "");
  expect_refused("the journal explains only");
}

TEST_F(DriverCrashMutant, AHeadBeforeItsJournalIsNoticed) {
  world_.ring(Edge::GatewayRisk).head.store(7);
  EXPECT_NE(world_.fault(), "");
}

TEST_F(DriverCrashMutant, ASwappedPairOfEntriesIsRefused) {
  JournalSlot* slots = world_.world().journal().slots();
  std::swap(slots[4], slots[5]);
  expect_refused("fails its checksum");
}

TEST_F(DriverCrashMutant, ALostOutputIsNoticedInTheEnd) {
  Consumer thief(world_.ring(Edge::RiskGateway), 0);
  Payload stolen;
  ASSERT_EQ(thief.poll(stolen), Poll::Record);
  world_.world().received[Edge::RiskGateway].push_back(stolen);  // so that it will be there twice
  testing::TestPartResultArray failures;
  {
    testing::ScopedFakeTestPartResultReporter catch_failures(
        testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    world_.finish();
  }
  EXPECT_GT(failures.size(), 0);
}

}  // namespace
}  // namespace sluice
