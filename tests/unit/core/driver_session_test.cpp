// The driver around a stage with a session: commands, events, raises and counters, live and in
// recovery.
#include "core/driver.hpp"

#include <gtest/gtest.h>

#include <optional>
#include <vector>

#include "tests/support/toy_rig.hpp"

namespace sluice {
namespace {

struct CommandStage {
  static constexpr auto kCancel = static_cast<std::int64_t>(KillLevel::Cancel);
  void on(const Order& order, Context& ctx) noexcept { ctx.out.emit(Edge::Command, order); }
  void on(const Event&, Context&) noexcept { ++events; }
  void on(const Tick&, Context& ctx) noexcept {
    ctx.fx.raise({ScopeKind::Gateway, 0}, KillLevel::Halt, KillCause::Reconciliation);
    ctx.fx.count(Counter::Ticks);
  }
  void on(const Control& control, Context& ctx) noexcept {
    if (control.kind != ControlKind::Level || control.after != kCancel) return;
    if (raiser != nullptr) raiser->serial.fetch_add(1);
    raiser = nullptr;
    ctx.out.emit(Edge::Command, Order{});
  }
  [[nodiscard]] HostTime deadline() const noexcept { return HostTime::never(); }
  [[nodiscard]] bool wants_continue() const noexcept { return false; }
  enum class Counter { Ticks = 0 };
  int events = 0;
  KillPage* raiser = nullptr;  // takes its second serial while its word is being told
};

struct ScriptedSession {
  void execute(const Order& order, HostTime, std::uint32_t conditions) noexcept {
    executed.push_back(order.id.raw);
    conditions_at_execute = conditions;
    obeyed_at_execute = page->obeyed.load();
    tail_at_execute = journal->tail.load();
  }
  void on_tick(const Tick&, HostTime) noexcept { ++ticks; }
  void poll(HostTime) noexcept {}
  [[nodiscard]] bool has_event() const noexcept { return pending != 0; }
  Event next_event() noexcept {
    --pending;
    Event event{};
    event.kind = EventKind::Ack;
    event.sequence = ++sequence;
    return event;
  }
  [[nodiscard]] bool drained() const noexcept { return is_drained; }

  const JournalMemory* journal = nullptr;
  const StagePage* page = nullptr;
  std::uint64_t obeyed_at_execute = 0;
  std::vector<std::uint64_t> executed;
  std::uint32_t conditions_at_execute = 0;
  std::uint64_t tail_at_execute = 0;
  int ticks = 0, pending = 0;
  std::uint32_t sequence = 0;
  bool is_drained = true;
};

class DriverSession : public testing::Test {
 protected:
  using GatewayDriver = Driver<CommandStage, ScriptedSession, VirtualClock>;
  DriverSession()
      : orders_(objects().edge(Edge::RiskGateway), 0),
        ticks_(objects().edge(Edge::FeedGateway), 0) {
    start();
  }
  Objects& objects() { return instance_.objects(); }
  void start() {
    session_ = {};
    session_.journal = &objects().journal_of(Process::Gateway);
    session_.page = &objects().page(Process::Gateway);
    stage_ = {};
    const DriverSources sources{objects().control,
                                objects().kill,
                                &objects().page(Process::Gateway),
                                &objects().journal_of(Process::Gateway),
                                nullptr,
                                Process::Gateway};
    driver_.emplace(stage_, session_, clock_, sources);
    driver_->open_input(Edge::RiskGateway, objects().edge(Edge::RiskGateway));
    driver_->open_input(Edge::FeedGateway, objects().edge(Edge::FeedGateway));
    const JournalMemory& journal = objects().journal_of(Process::Gateway);
    driver_->recover([&](JournalSlot& out, std::uint64_t at) {
      out = journal.slots()[at & (journal.header.capacity - 1)];
      return true;
    });
  }
  void push_order(std::uint64_t id) {
    Order order{};
    order.id = {id};
    ASSERT_TRUE(orders_.try_push(to_payload(order)));
  }

  MemoryInstance instance_{test::toy_config(), test::toy_run()};
  VirtualClock clock_;
  CommandStage stage_;
  ScriptedSession session_;
  std::optional<GatewayDriver> driver_;
  Producer orders_;
  Producer ticks_;
};

TEST_F(DriverSession, CommandsAreExecutedBehindTheJournalAndNeverAgain) {
  push_order(41);
  push_order(42);
  driver_->turn();
  EXPECT_EQ(session_.executed, (std::vector<std::uint64_t>{41, 42}));
  EXPECT_EQ(session_.tail_at_execute, driver_->entries());
  start();
  driver_->turn();
  EXPECT_TRUE(session_.executed.empty());
}

// The supervisor may die between two scans: an order behind that is held against its age then.
TEST_F(DriverSession, ACommandIsHeldAgainstTheHeartbeatAsItIsThen) {
  objects().control->heartbeat.store(encode_heartbeat({1, clock_.liveness_us()}));
  for (const Duration by :
       {Duration::millis(200), Duration::millis(200), Duration::micros(99'900)}) {
    clock_.advance(by);
    driver_->turn();
  }
  push_order(41);
  driver_->turn();
  ASSERT_EQ(session_.executed.size(), 1u);
  EXPECT_EQ(session_.conditions_at_execute & kDeadMan, 0u) << "half a second old, less 0.1 ms";
  clock_.advance(Duration::micros(200));
  push_order(42);
  driver_->turn();
  ASSERT_EQ(session_.executed.size(), 2u);
  EXPECT_EQ(driver_->conditions() & kDeadMan, 0u) << "no scan was due";
  EXPECT_EQ(session_.conditions_at_execute & kDeadMan, kDeadMan);
}

TEST_F(DriverSession, EventsAreJournaledInputs) {
  session_.pending = 3;
  driver_->turn();
  EXPECT_EQ(stage_.events, 3);
  EXPECT_EQ(driver_->last_event_sequence(), 3u);
  start();
  EXPECT_EQ(stage_.events, 3) << "replayed from the journal";
  EXPECT_EQ(driver_->last_event_sequence(), 3u);
}

TEST_F(DriverSession, SerialIsNotObeyedWhileBytesAreOnTheirWay) {
  driver_->turn();
  const StagePage& page = objects().page(Process::Gateway);
  session_.is_drained = false;
  const RaiseResult raised =
      raise_kill(*objects().kill, {ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Drill);
  for (int i = 0; i < 5; ++i) {
    clock_.advance(Duration::millis(2));
    driver_->turn();
  }
  EXPECT_LT(page.obeyed.load(), raised.target);
  session_.is_drained = true;
  driver_->turn();
  EXPECT_GE(page.obeyed.load(), raised.target) << "in the next turn, not with the next scan";
}

// A raiser waits for obedience, not for the cancels that follow from it.
TEST_F(DriverSession, AKillIsObeyedBeforeItsAnswerIsSent) {
  driver_->turn();
  push_order(41);
  const RaiseResult raised =
      raise_kill(*objects().kill, {ScopeKind::Global, 0}, KillLevel::Cancel, KillCause::Drill);
  driver_->turn();
  ASSERT_EQ(session_.executed.size(), 2u) << "the answer, and the order behind it";
  EXPECT_GE(session_.obeyed_at_execute, raised.target);
}

TEST_F(DriverSession, ARaiseMetBetweenItsSerialsIsObeyedInThatTurn) {
  driver_->turn();
  stage_.raiser = objects().kill;
  raise_kill(*objects().kill, {ScopeKind::Global, 0}, KillLevel::Cancel, KillCause::Drill);
  driver_->turn();
  EXPECT_EQ(stage_.raiser, nullptr);
  EXPECT_EQ(objects().page(Process::Gateway).obeyed.load(), objects().kill->serial.load());
}

TEST_F(DriverSession, EffectsAreMutedInRecovery) {
  ASSERT_TRUE(ticks_.try_push(to_payload(test::toy_tick(1))));
  driver_->turn();
  EXPECT_EQ(session_.ticks, 1);
  EXPECT_EQ(objects().kill->read(1).level, KillLevel::Halt);
  EXPECT_EQ(objects().kill->read(1).cause, KillCause::Reconciliation);
  EXPECT_EQ(objects().page(Process::Gateway).statistics.counter(std::size_t{0}), 1u);
  const std::uint64_t word = objects().kill->words[1].load();
  start();
  driver_->turn();
  EXPECT_EQ(session_.ticks, 0);
  EXPECT_EQ(objects().kill->words[1].load(), word) << "raised once, not again";
  EXPECT_EQ(objects().page(Process::Gateway).statistics.counter(std::size_t{0}), 1u);
}

}  // namespace
}  // namespace sluice
