// The running pipeline, cell by cell: what reaches the paper log under which level, cap and
// silence.
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace sluice::sim {
namespace {

constexpr std::int64_t kBid = 6'000'000;  // in cents
constexpr std::int64_t kAsk = kBid + 1;
constexpr std::int64_t kAway = 1'500;  // above an entry's limit, below a take-profit
constexpr MarketTime kOpening{1'723'161'253'000'000'000};

// A world in which the test is the strategy, at rest, with a quote.
class Desk {
 public:
  explicit Desk(const std::vector<std::pair<std::string, std::string>>& changes = {},
                std::uint32_t ring = 64)
      : config_(config_of(changes, ring)), world(config_, {.scripted_seat = true}) {
    start_ = world.now();
    quote(0);
  }
  ~Desk() {
    calm();
    world.verify(true);
    EXPECT_FALSE(world.violations().any()) << world.violations().text();
  }
  Desk(const Desk&) = delete;
  Desk& operator=(const Desk&) = delete;

  // A quote this far, in cents, from the first one, and what follows from it.
  void quote(std::int64_t off, Qty shown = Qty::whole(100)) {
    const Duration market{(world.now() - start_).ns *
                          12};  // a quote has no time of its own, a trade has
    world.send(
        {0, false,
         trade_frame(++trade_id_, kOpening + market, {(kBid + off) * 1'000'000}, {1'000'000})});
    world.send_quote(kBid + off, kAsk + off, shown);
    world.settle();
  }
  // Longer than the latency of the venue, with quotes.
  void trade(std::int64_t off = 0, int quotes = 4) {
    for (int i = 0; i < quotes; ++i) {
      world.run(Duration::micros(400), Duration::micros(100));
      quote(off);
    }
  }
  OrderId enter(std::int64_t multiplier = 1) {
    const OrderId id = world.intend(Action::Enter, Side::Buy, multiplier);
    world.settle();
    return id;
  }
  OrderId exit() {
    const OrderId id = world.intend(Action::Exit, Side::Sell, 0);
    world.settle();
    return id;
  }
  void open_position() {
    ASSERT_NE(enter().raw, 0u);
    trade();
    ASSERT_GT(position(), Qty{});
  }
  void raise(KillLevel level, Scope scope = {}) {
    raised_ = world.raise(scope, level);
    world.settle();
    EXPECT_GE(world.objects().page(Process::Gateway).obeyed.load(), raised_.target);
    EXPECT_GE(world.objects().page(Process::Risk).obeyed.load(), raised_.target);
  }
  void rearm() {
    EXPECT_TRUE(world.rearm());
    world.settle();
  }
  [[nodiscard]] Qty position() const { return world.paper().position(0, 0); }
  [[nodiscard]] std::size_t placed(OrderClass what) const { return world.paper().placed(what); }
  [[nodiscard]] bool is_placed(OrderId id) const { return world.paper().orders().contains(id.raw); }
  // The report that ended an intent, or its last one.
  [[nodiscard]] Report last_answer(OrderId id) {
    Report last{};
    for (const Report& report : world.answers())
      if (report.id.parent() == id.parent()) last = report;
    return last;
  }
  void calm() {
    world.record_at_most(~std::size_t{0});
    world.silence(false);
    world.run(Duration::millis(120), Duration::millis(1));
    world.permit_all();
    world.run(Duration::millis(2), Duration::millis(1));
  }

 private:
  static WorldConfig config_of(const std::vector<std::pair<std::string, std::string>>& changes,
                               std::uint32_t ring) {
    // What the cases count on, whatever the demo is tuned to.
    std::vector<std::pair<std::string, std::string>> all{{"cooldown_s", "0"},
                                                         {"max_same_side", "5"},
                                                         {"stop_loss", "\"0.0002\""},
                                                         {"take_profit", "\"0.0003\""},
                                                         {"entry_slip", "\"0.0002\""},
                                                         {"max_tick_age_ms", "5000"},
                                                         {"rate", "\"12\""}};
    all.insert(all.end(), changes.begin(), changes.end());
    WorldConfig config = demo_world(all);
    resize(config, ring, 4096);
    return config;
  }
  WorldConfig config_;
  RaiseResult raised_;
  HostTime start_;
  std::uint64_t trade_id_ = 0;

 public:
  World world;
};

constexpr std::array<KillLevel, 4> kLevels{KillLevel::Run, KillLevel::ReduceOnly, KillLevel::Halt,
                                           KillLevel::Cancel};
constexpr std::array<Scope, 4> kScopesOfOrder{
    Scope{ScopeKind::Global, 0}, Scope{ScopeKind::Gateway, 0}, Scope{ScopeKind::Strategy, 0},
    Scope{ScopeKind::Instrument, 0}};

void at_level(Desk& desk, KillLevel level, Scope scope) {
  if (level != KillLevel::Run) desk.raise(level, scope);
}

TEST(KillTable, Entries) {
  for (const Scope scope : kScopesOfOrder)
    for (const KillLevel level : kLevels) {
      SCOPED_TRACE(std::string(name_of(level)) + " slot " + std::to_string(scope_slot(scope)));
      Desk desk;
      at_level(desk, level, scope);
      const OrderId id = desk.enter();
      EXPECT_EQ(desk.is_placed(id), level == KillLevel::Run);
      const Reason reason = desk.last_answer(id).reason;
      EXPECT_EQ(reason, level == KillLevel::Run ? Reason::None : Reason::KillLevel);
    }
}

TEST(KillTable, StrategyExits) {
  for (const Scope scope : kScopesOfOrder)
    for (const KillLevel level : kLevels) {
      SCOPED_TRACE(std::string(name_of(level)) + " slot " + std::to_string(scope_slot(scope)));
      Desk desk;
      desk.open_position();
      at_level(desk, level, scope);
      const OrderId id = desk.exit();
      const bool passes = level <= KillLevel::ReduceOnly;
      EXPECT_EQ(desk.is_placed(id), passes);
      EXPECT_EQ(desk.placed(OrderClass::StrategyExit), passes ? 1u : 0u);
      desk.trade();
      EXPECT_EQ(desk.position() == Qty{}, passes);
    }
}

TEST(KillTable, ProtectiveExits) {
  for (const Scope scope : kScopesOfOrder)
    for (const KillLevel level : kLevels) {
      SCOPED_TRACE(std::string(name_of(level)) + " slot " + std::to_string(scope_slot(scope)));
      Desk desk;
      desk.open_position();
      at_level(desk, level, scope);
      desk.trade(-2'000);  // 20 USD: through the stop
      const bool passes = level <= KillLevel::ReduceOnly;
      EXPECT_EQ(desk.placed(OrderClass::ProtectiveExit), passes ? 1u : 0u);
      EXPECT_EQ(desk.position() == Qty{}, passes);
      if (passes) continue;
      desk.rearm();  // paused, not forgotten
      desk.trade(-2'000);
      EXPECT_EQ(desk.position(), Qty{});
    }
}

TEST(KillTable, Cancels) {
  for (const Scope scope : kScopesOfOrder)
    for (const KillLevel level : kLevels) {
      SCOPED_TRACE(std::string(name_of(level)) + " slot " + std::to_string(scope_slot(scope)));
      Desk desk;
      const OrderId id = desk.enter();
      desk.quote(kAway);  // away from its limit: it rests
      ASSERT_TRUE(desk.is_placed(id));
      at_level(desk, level, scope);
      // From CANCEL up the gateway cancels by itself.
      EXPECT_EQ(desk.world.paper().count(PaperWhat::CancelAsked),
                level == KillLevel::Cancel ? 1u : 0u);
      desk.world.intend_cancel(id);
      desk.world.settle();
      desk.trade(kAway);
      EXPECT_EQ(desk.world.paper().count(PaperWhat::CancelAsked), 1u);
      EXPECT_EQ(desk.world.paper().count(PaperWhat::Cancelled), 1u);
      EXPECT_EQ(desk.last_answer(id).kind, ReportKind::Cancelled);
    }
}

// An entry approved before a kill and still in the ring dies there, however soon the kill is
// lowered.
TEST(Kill, QueuedOrdersDieWithTheKill) {
  for (const KillLevel level : {KillLevel::ReduceOnly, KillLevel::Halt, KillLevel::Cancel})
    for (const bool rearmed_first : {false, true}) {
      SCOPED_TRACE(std::string(name_of(level)) +
                   (rearmed_first ? ", lowered before it was read" : ""));
      Desk desk;
      const OrderId id = desk.world.intend(Action::Enter, Side::Buy);
      desk.world.turn(Process::Risk);
      desk.world.turn(Process::Risk);
      ASSERT_EQ(published(desk.world.objects().edge(Edge::RiskGateway)), 1u);
      desk.world.raise({}, level);
      if (rearmed_first) {  // nobody has obeyed: the page alone says that something was
        KillPage& kill = *desk.world.objects().kill;
        ASSERT_NE(rearm_kill(kill, 0, kill.words[0].load()), 0u);
      }
      desk.world.settle();
      EXPECT_FALSE(desk.is_placed(id));
      if (!rearmed_first) desk.rearm();
      desk.trade();
      EXPECT_FALSE(desk.is_placed(id));
      EXPECT_EQ(desk.last_answer(id).kind, ReportKind::Reject);
      const OrderId next = desk.enter();  // and the pipeline works again
      EXPECT_TRUE(desk.is_placed(next));
    }
}

// A reducing order in the ring when epochs move is refused as STALE and approved again at once.
TEST(Kill, QueuedExitsAreApprovedAgain) {
  for (const KillLevel level : {KillLevel::ReduceOnly, KillLevel::Halt}) {
    SCOPED_TRACE(name_of(level));
    Desk desk;
    desk.open_position();
    const OrderId id = desk.world.intend(Action::Exit, Side::Sell, 0);
    desk.world.turn(Process::Risk);
    desk.world.turn(Process::Risk);
    desk.world.raise({}, level);
    desk.world.settle();
    EXPECT_FALSE(desk.is_placed(id));
    const bool passes = level == KillLevel::ReduceOnly;
    EXPECT_EQ(desk.placed(OrderClass::StrategyExit), passes ? 1u : 0u);
    desk.trade();
    EXPECT_EQ(desk.position() == Qty{}, passes);
  }
}

TEST(Driver, FloodedOrderServedFirst) {
  constexpr std::uint64_t kTicks = 10'000;
  Desk desk({}, 16'384);
  for (std::uint64_t i = 0; i < kTicks; ++i) {
    desk.world.send_quote(kBid, kAsk, Qty::whole(static_cast<std::int64_t>(1 + i % 7)));
    desk.world.pass({500});
    while (desk.world.turn(Process::Risk)) {
    }
  }
  const OrderId id = desk.world.intend(Action::Enter, Side::Buy);
  while (desk.world.turn(Process::Risk)) {
  }
  const RingMemory& ticks = desk.world.objects().edge(Edge::FeedGateway);
  const auto consumed = [&] {
    return desk.world.journaled(Process::Gateway, Edge::FeedGateway).size();
  };
  const std::size_t before = consumed();
  ASSERT_GE(published(ticks) - before, kTicks);
  ASSERT_TRUE(desk.world.turn(Process::Gateway));
  EXPECT_TRUE(desk.is_placed(id));
  EXPECT_LE(consumed() - before, (Driver<risk::RiskStage>::kTickBatch));
}

TEST(Supervisor, ReduceOnlyByDeadMan) {
  Desk desk;
  desk.open_position();
  const OrderId resting = desk.enter();
  desk.quote(kAway);
  desk.world.silence(true);
  const auto wait = [&](int millis) {
    for (int i = 0; i < millis / 20; ++i) {
      desk.world.run(Duration::millis(20), Duration::millis(1));
      desk.quote(kAway);
    }
  };
  wait(360);
  const OrderId allowed_entry = desk.enter();
  EXPECT_TRUE(desk.is_placed(allowed_entry)) << "a beat 460 ms old is still a beat";
  wait(160);
  const OrderId refused = desk.enter();
  EXPECT_FALSE(desk.is_placed(refused));
  EXPECT_EQ(desk.last_answer(refused).reason, Reason::Condition);
  desk.exit();
  EXPECT_EQ(desk.placed(OrderClass::StrategyExit), 1u);
  desk.world.silence(false);
  desk.world.run(Duration::millis(4), Duration::millis(1));
  desk.quote(kAway);
  EXPECT_TRUE(desk.is_placed(desk.enter())) << "the condition lifts by itself";
  EXPECT_TRUE(desk.is_placed(resting));
}

// Two seconds of silence: entries that rest are cancelled, a position keeps its protection.
TEST(Supervisor, DeadManCancelsEntries) {
  Desk desk({{"entry_ttl_ms", "10000"}, {"max_intent_age_ms", "10000"}});
  const OrderId id = desk.enter();
  desk.quote(kAway);
  desk.world.silence(true);
  desk.world.run(Duration::millis(1'800), Duration::millis(2));
  EXPECT_EQ(desk.world.paper().count(PaperWhat::CancelAsked), 0u);
  desk.world.run(Duration::millis(250), Duration::millis(1));
  EXPECT_EQ(desk.world.paper().count(PaperWhat::Cancelled), 1u);
  EXPECT_EQ(desk.last_answer(id).kind, ReportKind::Cancelled);
}

TEST(Capital, CapBinds) {
  Desk desk({{"alloc", "\"0.5\""},
             {"risk_per_trade", "\"0.05\""},
             {"max_order_notional", "\"5000000\""},
             {"max_order_qty", "\"100\""},
             {"freeze", "\"100\""}});
  desk.world.set_cap(Notional::whole(60'000));
  desk.open_position();
  const auto used = [&] { return desk.world.risk().state().used(); };
  EXPECT_LE(used(), Notional::whole(60'000));
  EXPECT_GT(used(), Notional::whole(59'000)) << "the cap was to be the bound that binds";
  // What a better price than the limit has left over may be spent, to the last lot, and no more.
  Reason reason = Reason::None;
  for (int i = 0; i < 5 && reason == Reason::None; ++i) {
    reason = desk.last_answer(desk.enter()).reason;
    desk.trade();
    EXPECT_LE(used(), Notional::whole(60'000));
  }
  EXPECT_TRUE(reason == Reason::AllocatorZero || reason == Reason::CapitalCap)
      << static_cast<int>(reason);
  desk.world.set_cap({});  // a zero is the safe state: no entry, and exits still pass
  desk.world.settle();
  EXPECT_FALSE(desk.is_placed(desk.enter()));
  desk.exit();
  desk.trade();
  EXPECT_EQ(desk.position(), Qty{});
  desk.world.set_cap(Notional::whole(60'000));
  desk.world.settle();
}

// An entry in the ring when the cap falls is stopped by the session's own sum.
TEST(Capital, CapBindsAtTheLastLook) {
  Desk desk;
  const OrderId id = desk.world.intend(Action::Enter, Side::Buy);
  while (desk.world.turn(Process::Risk)) {
  }
  desk.world.set_cap(Notional::whole(1'000));
  desk.world.settle();
  EXPECT_FALSE(desk.is_placed(id));
  EXPECT_EQ(desk.last_answer(id).reason, Reason::LastLookCap);
}

TEST(Permits, VoidMeansNoEntry) {
  Desk desk;
  desk.open_position();
  desk.world.void_permits();
  desk.world.settle();
  const OrderId refused = desk.enter();
  EXPECT_EQ(desk.last_answer(refused).reason, Reason::NoPermit);
  desk.exit();
  EXPECT_EQ(desk.placed(OrderClass::StrategyExit), 1u);
  desk.trade();
  desk.world.permit_all();
  desk.world.settle();
  EXPECT_TRUE(desk.is_placed(desk.enter()));
}

// A recorder that sleeps: half a ring behind nothing new is begun, at three quarters ticks wait,
// and a kill is obeyed even when the journals are full.
TEST(Recorder, SleepStopsTradingNotObedience) {
  Desk desk;
  desk.open_position();
  desk.world.record_at_most(0);
  std::size_t ticks = 0;
  const auto behind = [&] {
    const JournalMemory& journal = desk.world.objects().journal_of(Process::Risk);
    return journal.tail.load() - journal.head.load();
  };
  for (; behind() < 2'100 && ticks < 10'000; ++ticks) {
    desk.world.pass({20'000});
    desk.quote(static_cast<std::int64_t>(ticks % 3));
  }
  desk.world.run(Duration::millis(2), Duration::millis(1));
  EXPECT_EQ(desk.last_answer(desk.enter()).reason, Reason::Condition);
  for (ticks = 0; ticks < 6'000; ++ticks) {
    desk.world.pass({20'000});
    desk.quote(static_cast<std::int64_t>(ticks % 3));
  }
  EXPECT_GE(behind(), 3'000u);
  EXPECT_LT(behind(), 3'300u) << "ticks must leave the last quarter alone";
  const std::size_t before = desk.placed(OrderClass::StrategyExit);
  desk.exit();
  EXPECT_EQ(desk.placed(OrderClass::StrategyExit), before + 1) << "exits have room";
  desk.raise(KillLevel::Halt);
  desk.world.record_at_most(~std::size_t{0});
  desk.world.settle();
  desk.rearm();
  desk.trade();
  EXPECT_EQ(desk.position(), Qty{});
}

}  // namespace
}  // namespace sluice::sim
