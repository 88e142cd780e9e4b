// Every gate blocks when it should, is named, and leaves the others alone.
#include <algorithm>
#include <bit>

#include "core/rows.hpp"
#include "tests/unit/tools/ctl_support.hpp"
#include "tools/ctl/gates.hpp"
#include "tools/ctl/text.hpp"

namespace sluice::ctl {
namespace {

class Gates : public ::testing::Test {
 protected:
  void SetUp() override { instance_.make_well(); }

  std::vector<GateLine> lines() {
    const Sight sight = instance_.sight();
    return walk(sight, select(sight.control(), "", ""));
  }
  std::vector<std::string> blocking() {
    std::vector<std::string> names;
    for (const GateLine& line : lines())
      if (line.says == Says::Block) names.push_back(line.gate);
    return names;
  }
  Verdict verdict() {
    const Sight sight = instance_.sight();
    const Selection selection = select(sight.control(), "", "");
    return verdict_of(sight, selection, walk(sight, selection));
  }
  ControlPage& control() { return *instance_.objects().control; }
  StagePage& page(Process p) { return instance_.objects().page(p); }
  template <class Row>
  void write(Process p, RowTable table, std::size_t index, const Row& row) {
    page(p).write_row(static_cast<std::size_t>(table) + index, std::bit_cast<Payload>(row));
  }
  void refuse(Reason reason, std::int64_t age_ns) {
    GateRow row{};
    row.reason = reason;
    row.value = 900;
    row.limit = 500;
    row.at = {instance_.sight().now.ns - age_ns};
    row.refused = 1;
    write(Process::Risk, RowTable::Instrument, 0, row);
  }

  void stand(std::size_t pair, StrategyIndex strategy, Reason reason, std::uint8_t passes = 0) {
    GateRow row{};
    row.strategy = strategy;
    row.reason = reason;
    row.armed = 1;
    row.detail = reason == Reason::None ? kBuyPasses | kSellPasses : passes;
    write(Process::Risk, RowTable::Standing, pair, row);
  }

  using Names = std::vector<std::string>;
  TestInstance instance_;
};

TEST_F(Gates, NothingBlocksWhenAllIsWell) {
  EXPECT_EQ(blocking(), Names{});
  EXPECT_TRUE(verdict().trading);
  EXPECT_EQ(verdict().text, "TRADING: entries allowed for momo, calm on BTCUSDT, ETHUSDT");
}

TEST_F(Gates, ZeroPagesBlock) {
  TestInstance fresh;
  const Sight sight = fresh.sight();
  const Selection all = select(sight.control(), "", "");
  EXPECT_FALSE(verdict_of(sight, all, walk(sight, all)).trading);
}

TEST_F(Gates, EachKillScopeIsNamed) {
  const std::vector<std::pair<Scope, std::string>> cases{
      {{ScopeKind::Global, 0}, "kill global"},
      {{ScopeKind::Gateway, 0}, "kill gateway:paper"},
      {{ScopeKind::Strategy, 1}, "kill strategy:calm"},
      {{ScopeKind::Instrument, 0}, "kill instrument:BTCUSDT"}};
  for (const auto& [scope, name] : cases) {
    TestInstance instance;
    instance.make_well();
    raise_kill(*instance.objects().kill, scope, KillLevel::ReduceOnly, KillCause::Drill);
    const Sight sight = instance.sight();
    for (const GateLine& line : walk(sight, select(sight.control(), "", "")))
      EXPECT_EQ(line.says == Says::Block, line.gate == name) << line.gate;
  }
}

TEST_F(Gates, AGarbageKillWordIsHalt) {
  instance_.objects().kill->words[0].store(12345);
  EXPECT_EQ(blocking(), Names{"kill global"});
  EXPECT_NE(verdict().text.find("the word is not valid"), std::string::npos);
}

TEST_F(Gates, EachMissingPermitIsNamed) {
  const std::vector<std::pair<Scope, std::string>> cases{
      {{ScopeKind::Global, 0}, "permit global"},
      {{ScopeKind::Gateway, 0}, "permit gateway:paper"},
      {{ScopeKind::Strategy, 0}, "permit strategy:momo"},
      {{ScopeKind::Instrument, 1}, "permit instrument:ETHUSDT"}};
  for (const auto& [scope, name] : cases) {
    control().permits[scope_slot(scope)].store(0);
    EXPECT_EQ(blocking(), Names{name});
    instance_.grant(scope);
  }
}

TEST_F(Gates, PermitsOfAnEarlierSupervisorAreVoid) {
  control().heartbeat.store(encode_heartbeat({8, instance_.sight().liveness_us}));
  EXPECT_EQ(blocking().size(), 6u);  // global, gateway, two strategies, two instruments
}

TEST_F(Gates, AHeartbeatBlocksBeyondHalfASecond) {
  Sight sight = instance_.sight();
  const Selection all = select(sight.control(), "", "");
  const auto blocks = [&](std::int64_t us) {
    sight.liveness_us = control().beat().at_us + static_cast<std::uint64_t>(us);
    for (const Process p : kProcesses) page(p).heartbeat_us.store(sight.liveness_us);
    const std::vector<GateLine> found = walk(sight, all);
    return std::any_of(found.begin(), found.end(), [](const GateLine& line) {
      return line.gate == "supervisor heartbeat" && line.says == Says::Block;
    });
  };
  EXPECT_FALSE(blocks(500'000));
  EXPECT_TRUE(blocks(500'001));
  EXPECT_FALSE(blocks(-500'000));
  EXPECT_TRUE(blocks(-500'001)) << "a heartbeat from the future is void";
}

TEST_F(Gates, AStaleQuoteBlocksItsInstrumentOnly) {
  SessionRow row{};
  row.connected = row.connects = 1;
  row.last_message = {instance_.sight().now.ns - 3'000'000'000};
  row.stale = 1;
  write(Process::Feed, RowTable::Instrument, 1, row);
  EXPECT_EQ(blocking(), Names{"feed fresh ETHUSDT"});
  EXPECT_EQ(verdict().text, "TRADING: entries allowed for momo, calm on BTCUSDT");
}

TEST_F(Gates, CapsBlockAtZeroAndWhenUsedUp) {
  control().caps[0].store(0);
  EXPECT_EQ(blocking(), Names{"cap global"});
  control().caps[0].store(Notional::whole(100).raw);
  AccountRow account{};
  account.open_cost = Notional::whole(60);
  account.reserved_capital = Notional::whole(39);
  write(Process::Risk, RowTable::Summary, 0, account);
  EXPECT_EQ(blocking(), Names{});
  account.reserved_capital = Notional::whole(40);
  write(Process::Risk, RowTable::Summary, 0, account);
  EXPECT_EQ(blocking(), Names{"cap global"});
}

TEST_F(Gates, AStrategyCapOfZeroLeavesTheOtherTrading) {
  control().caps[scope_slot({ScopeKind::Strategy, 0})].store(0);
  EXPECT_EQ(blocking(), Names{"cap strategy:momo"});
  EXPECT_EQ(verdict().text, "TRADING: entries allowed for calm on BTCUSDT, ETHUSDT");
}

TEST_F(Gates, ADeadOrSilentProcessBlocks) {
  page(seat_process(1)).state.store(static_cast<std::uint64_t>(StageState::Recovering));
  EXPECT_EQ(blocking(), Names{"seat1 process (calm)"});
  page(seat_process(1)).state.store(static_cast<std::uint64_t>(StageState::Ready));
  page(Process::Risk).lease.word.store(0);
  EXPECT_EQ(blocking(), Names{"risk process"});
}

TEST_F(Gates, ConditionsSessionAndRunStateBlock) {
  page(Process::Gateway).conditions.store(kPeerDead);
  EXPECT_EQ(blocking(), Names{"gateway conditions"});
  page(Process::Gateway).conditions.store(0);
  SessionRow down{};
  write(Process::Gateway, RowTable::Summary, 0, down);
  EXPECT_EQ(blocking(), (Names{"gateway session", "gateway reconciled"}));
  instance_.make_well();
  control().state.store(static_cast<std::uint64_t>(RunState::Paused));
  EXPECT_EQ(blocking(), Names{"run state"});
}

TEST_F(Gates, AJournalBlocksBeyondHalfARing) {
  JournalMemory& journal = instance_.objects().journal_of(Process::Risk);
  journal.tail.store(32);
  EXPECT_EQ(blocking(), Names{});
  journal.tail.store(33);
  EXPECT_EQ(blocking(), Names{"journal risk"});
  journal.head.store(33);
  journal.flags.store(kRecorderDiskTrouble);
  EXPECT_EQ(blocking(), Names{"journal risk"});
}

TEST_F(Gates, AFullOrderRingBlocks) {
  RingMemory& ring = instance_.objects().edge(Edge::RiskGateway);
  Producer producer(ring, 0);
  for (int i = 0; i < 12; ++i) producer.push(Payload{});
  EXPECT_EQ(blocking(), Names{});
  producer.push(Payload{});
  EXPECT_EQ(blocking(), Names{"ring risk-gateway"});
}

TEST_F(Gates, ALastingReasonBlocksByTheGuardOfNow) {
  for (const Reason reason :
       {Reason::DailyLoss, Reason::SameSide, Reason::OpenOrders, Reason::AllocatorZero,
        Reason::SizeLimit, Reason::NotionalLimit, Reason::CapitalCap, Reason::TableFull}) {
    refuse(reason, 1'000'000);
    stand(0, 0, Reason::None);
    EXPECT_EQ(blocking(), Names{}) << "the last refusal is history";
    stand(0, 0, reason, kSellPasses);
    EXPECT_EQ(blocking(), Names{"last refusal BTCUSDT"}) << "it buys, it seems, and may not";
    refuse(reason, 60'000'000'000);
    EXPECT_EQ(blocking(), Names{}) << "it does not try to buy";
    stand(0, 0, reason);
    EXPECT_EQ(blocking(), Names{"risk guard BTCUSDT"});
    stand(2, 1, Reason::None);
    EXPECT_EQ(blocking(), Names{}) << "the other strategy may still enter";
    stand(2, 1, reason);
    EXPECT_EQ(blocking(), (Names{"risk guard BTCUSDT", "risk guard BTCUSDT"})) << "a line for each";
    write(Process::Risk, RowTable::Standing, 2, GateRow{});
  }
}

TEST_F(Gates, APairThatIsNotConfiguredIsBlocked) {
  refuse(Reason::StrategyDisabled, 1'000'000);
  refuse(Reason::UnknownInstrument, 1'000'000);
  EXPECT_EQ(blocking(), Names{});
  const auto verdict_for = [&](std::string_view strategy) {
    const Sight sight = instance_.sight();
    const Selection pair = select(sight.control(), strategy, "BTCUSDT");
    return verdict_of(sight, pair, walk(sight, pair)).trading;
  };
  EXPECT_TRUE(verdict_for("momo"));
  EXPECT_FALSE(verdict_for("calm"));
}

TEST_F(Gates, APassingRefusalBlocksForFiveSeconds) {
  refuse(Reason::Spread, 1'000'000);
  EXPECT_EQ(blocking(), Names{"last refusal BTCUSDT"});
  refuse(Reason::Spread, 60'000'000'000);
  EXPECT_EQ(blocking(), Names{});
  refuse(Reason::KillLevel, 1'000'000);
  EXPECT_EQ(blocking(), Names{}) << "the kill word has a gate of its own";
}

TEST_F(Gates, TheVerdictSaysWhoRaisedTheKillAndWhen) {
  const RaiseResult raised =
      raise_kill(*instance_.objects().kill, {}, KillLevel::Halt, KillCause::Operator);
  StagePage& gateway = page(Process::Gateway);
  gateway.obeyed_at_ns.store(static_cast<std::uint64_t>(instance_.sight().now.ns) - 12'500'000'000);
  gateway.obeyed.store(raised.target);
  control().permits[0].store(0);  // a consequence, which comes earlier in the list
  EXPECT_EQ(verdict().text,
            "NOT TRADING: kill HALT raised by operator 12 s ago on global (`sluicectl why` has "
            "every gate)");
}

TEST_F(Gates, TheJournalRemembersSinceWhenALevelStands) {
  const RaiseResult raised =
      raise_kill(*instance_.objects().kill, {}, KillLevel::Halt, KillCause::Operator);
  JournalWriter writer(instance_.objects().journal_of(Process::Risk), 0, {});
  Control level{};
  level.kind = ControlKind::Level;
  level.scope = ScopeKind::Global;
  level.epoch = raised.word.epoch;
  writer.append(Edge::Control, to_payload(level), {instance_.sight().now.ns - 3'000'000'000});
  writer.commit();
  const std::int64_t found = level_age(instance_.sight(), 0, raised.word);
  EXPECT_EQ(found, 3'000'000'000);
  EXPECT_EQ(level_age(instance_.sight(), 1, raised.word), -1);
}

TEST_F(Gates, ASelectionLeavesTheOthersOut) {
  const Sight sight = instance_.sight();
  control().permits[scope_slot({ScopeKind::Strategy, 1})].store(0);
  const Selection momo = select(sight.control(), "momo", "ETHUSDT");
  const std::vector<GateLine> found = walk(sight, momo);
  for (const GateLine& line : found) {
    EXPECT_NE(line.says, Says::Block) << line.gate;
    EXPECT_EQ(line.gate.find("calm"), std::string::npos) << line.gate;
    EXPECT_EQ(line.gate.find("BTCUSDT"), std::string::npos) << line.gate;
  }
  EXPECT_EQ(verdict_of(sight, momo, found).text, "TRADING: entries allowed for momo on ETHUSDT");
}

TEST(Text, SaysAges) {
  EXPECT_EQ(age(-1), "?");
  EXPECT_EQ(age(999'999), "999 us");
  EXPECT_EQ(age(1'000'000), "1 ms");
  EXPECT_EQ(age(9'999'999'999), "9999 ms");
  EXPECT_EQ(age(10'000'000'000), "10 s");
  EXPECT_EQ(age(119'999'999'999), "119 s");
  EXPECT_EQ(age(120'000'000'000), "2 min 0 s");
  EXPECT_EQ(age(7'200'000'000'000), "2 h 0 min");
}

TEST(Text, ReadsLevelsAndWords) {
  EXPECT_EQ(parse_level("halt"), KillLevel::Halt);
  EXPECT_EQ(parse_level("RUN"), std::nullopt);
  EXPECT_EQ(parse_level(""), std::nullopt);
  EXPECT_EQ(parse_word("0x00000007a3c10201"), std::uint64_t{0x7a3c10201});
  EXPECT_EQ(parse_word("7a3c10201"), std::uint64_t{0x7a3c10201});
  EXPECT_EQ(parse_word("7a3c1020g"), std::nullopt);
  EXPECT_EQ(parse_word("0x"), std::nullopt);
  EXPECT_EQ(parse_word(hex(~std::uint64_t{0})), ~std::uint64_t{0});
}

TEST(Text, KnowsEveryScopeOfTheRunByItsName) {
  TestInstance instance;
  const ControlPage& control = *instance.objects().control;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    if (!control.scope_exists(scope_at(slot))) continue;
    EXPECT_EQ(parse_scope(control, scope_text(&control, scope_at(slot))), scope_at(slot));
  }
  for (const char* wrong :
       {"", "global:", "Global", "gateway", "strategy:mom", "instrument:#0", "strategy:#9"})
    EXPECT_EQ(parse_scope(control, wrong), std::nullopt) << wrong;
}

}  // namespace
}  // namespace sluice::ctl
