// The verbs that look, and the ones that ask the supervisor, on a real instance.
#include <unistd.h>

#include <bit>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/rows.hpp"
#include "gateway/order_state.hpp"
#include "tests/unit/tools/ctl_fake_supervisor.hpp"
#include "tests/unit/tools/ctl_support.hpp"

namespace sluice::ctl {
namespace {

class Verbs : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_private_shm())
      GTEST_SKIP() << "no private /dev/shm here: other instances would be found";
  }
};

template <class Row>
void write(StagePage& page, RowTable table, std::size_t index, const Row& row) {
  page.write_row(static_cast<std::size_t>(table) + index, std::bit_cast<Payload>(row));
}

TEST_F(Verbs, EveryLookingVerbSpeaksJson) {
  TestInstance instance;
  instance.make_well();
  instance.keep_beating();
  for (const auto& arguments : {std::vector<std::string>{"status", "--json"},
                                {"why", "--json"},
                                {"positions", "--json"},
                                {"orders", "--json"},
                                {"counters", "--json", "--all"},
                                {"cap", "--json"},
                                {"latency", "--json"},
                                {"clean", "--json"},
                                {"man", "--json"},
                                {"completion", "bash", "--json"},
                                {"tap", "risk-gateway", "--json"}}) {
    const Said said = sluicectl(arguments);
    EXPECT_EQ(said.code, 0) << said;
    EXPECT_TRUE(is_json(said.out)) << said;
  }
}

TEST_F(Verbs, StatusEndsWithTheVerdict) {
  TestInstance instance;
  instance.make_well();
  instance.keep_beating();
  Said said = sluicectl({"status"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.out.ends_with("TRADING: entries allowed for momo, calm on BTCUSDT, ETHUSDT\n"))
      << said;
  EXPECT_TRUE(said.has("all live processes agree")) << said;
  instance.objects().page(Process::Gateway).config_hash.store(1);
  EXPECT_TRUE(sluicectl({"status"}).has("DIFFER: gateway: configuration"));
  raise_kill(*instance.objects().kill, {ScopeKind::Gateway, 0}, KillLevel::Halt, KillCause::Drill);
  said = sluicectl({"status"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("NOT TRADING: kill HALT raised by drill")) << said;
  EXPECT_TRUE(said.has("on gateway:paper")) << said;
}

TEST_F(Verbs, WhyLeavesWithOneIfAnythingBlocks) {
  TestInstance instance;
  instance.make_well();
  instance.keep_beating();
  EXPECT_EQ(sluicectl({"why"}).code, 0) << sluicectl({"why"});
  instance.objects().control->caps[0].store(0);
  const Said said = sluicectl({"why", "momo", "BTCUSDT"});
  EXPECT_EQ(said.code, 1) << said;
  EXPECT_TRUE(said.has("BLOCK cap global")) << said;
  EXPECT_TRUE(said.has("sluicectl cap VALUE --scope global")) << said;
  EXPECT_EQ(sluicectl({"why", "nobody"}).code, 2);
  EXPECT_EQ(sluicectl({"why", "momo", "XAUUSD"}).code, 2);
}

TEST_F(Verbs, TheInstanceMayBeLeftOutOnlyIfItIsClear) {
  Said said = sluicectl({"status"});
  EXPECT_EQ(said.code, 5) << said;
  TestInstance first;
  EXPECT_EQ(sluicectl({"status"}).code, 0);
  TestInstance second;
  said = sluicectl({"status"});
  EXPECT_EQ(said.code, 2) << said;
  EXPECT_TRUE(said.has(first.name())) << said;
  EXPECT_TRUE(said.has(second.name())) << said;
  EXPECT_EQ(sluicectl({"status", "-i", second.name()}).code, 0);
  EXPECT_EQ(sluicectl({"status", "-i", "nowhere"}).code, 5);
}

TEST_F(Verbs, PositionsShowTheOpenOnes) {
  TestInstance instance;
  PositionRow row{};
  row.used = 1;
  row.qty = Qty{-kScale / 2};
  row.average = Price{Price::whole(61'837).raw + 63'000'000};
  write(instance.objects().page(Process::Risk), RowTable::Position, 0, row);
  row.qty = {};
  row.instrument = 1;
  write(instance.objects().page(Process::Risk), RowTable::Position, 1, row);
  const Said said = sluicectl({"positions"});
  EXPECT_TRUE(said.has("BTCUSDT")) << said;
  EXPECT_TRUE(said.has("-0.5")) << said;
  EXPECT_TRUE(said.has("61837.63")) << said;
  EXPECT_FALSE(said.has("ETHUSDT")) << said;
  EXPECT_TRUE(sluicectl({"positions", "--all"}).has("ETHUSDT"));
}

TEST_F(Verbs, OrdersShowTheOnesThatMayStillFill) {
  TestInstance instance;
  OrderRow row{};
  row.id = OrderId::make(3, 1, 12);
  row.side = Side::Sell;
  row.kind = OrderKind::StopLoss;
  row.state = static_cast<std::uint8_t>(OrderState::InDoubt);
  write(instance.objects().page(Process::Gateway), RowTable::Order, 0, row);
  row.id = OrderId::make(3, 0, 13);
  row.state = static_cast<std::uint8_t>(OrderState::Rejected);
  row.reason = Reason::TooOld;
  write(instance.objects().page(Process::Gateway), RowTable::Order, 1, row);
  const Said said = sluicectl({"orders"});
  EXPECT_TRUE(said.has("3:seat0:12:0")) << said;
  EXPECT_TRUE(said.has("stop_loss")) << said;
  EXPECT_FALSE(said.has("3:risk:13:0")) << said;
  EXPECT_TRUE(sluicectl({"orders", "--all"}).has("too_old"));
}

TEST_F(Verbs, CountersShowWhatIsNotZero) {
  TestInstance instance;
  Statistics& numbers = instance.objects().page(Process::Risk).statistics;
  const std::array<std::string_view, 2> counters{"seen", "refused"};
  const std::array<std::string_view, 1> histograms{"tick_ns"};
  numbers.name(counters, histograms);
  numbers.add(1, 42);
  numbers.histograms[0].record(1'000);
  Said said = sluicectl({"counters", "risk"});
  EXPECT_TRUE(said.has("refused")) << said;
  EXPECT_TRUE(said.has("42")) << said;
  EXPECT_FALSE(said.has("seen")) << said;
  EXPECT_TRUE(said.has("count 1 p50 1000 p99 1000 p99.9 1000 max 1000")) << said;
  EXPECT_TRUE(sluicectl({"counters", "--all"}).has("seen"));
  said = sluicectl({"counters", "riks"});
  EXPECT_EQ(said.code, 2) << said;
}

TEST_F(Verbs, TapDecodesByTheLayoutTables) {
  TestInstance instance;
  Producer producer(instance.objects().edge(Edge::RiskGateway), 0);
  for (std::uint32_t i = 0; i < 3; ++i) {
    Order order{};
    order.id = OrderId::make(3, 1, i);
    order.instrument = 1;
    order.side = Side::Buy;
    order.kind = OrderKind::Entry;
    order.price = {Price::whole(100).raw + 1};
    producer.push(to_payload(order));
  }
  const Said said = sluicectl({"tap", "risk-gateway", "--count", "2"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(
      said.out.starts_with("1 id=3:seat0:1:0 instrument=ETHUSDT strategy=momo side=buy kind=entry"))
      << said;
  EXPECT_TRUE(said.has("\n2 id=3:seat0:2:0")) << said;
  EXPECT_TRUE(said.has("price=100.00000001")) << said;
  EXPECT_TRUE(said.has("kill_epoch=0")) << said;
  EXPECT_EQ(sluicectl({"tap", "risk-gatway"}).code, 2);
  EXPECT_TRUE(sluicectl({"tap", "risk-gatway"}).has("did you mean risk-gateway?"));
}

TEST_F(Verbs, TapNamesTheValuesOfATickByItsKind) {
  TestInstance instance;
  Producer producer(instance.objects().edge(Edge::FeedRisk), 0);
  Tick tick{};
  tick.kind = TickKind::Quote;
  tick.value = {kScale, 2 * kScale, 3, 4};
  producer.push(to_payload(tick));
  tick.kind = TickKind::Status;
  tick.value = {static_cast<std::int64_t>(StatusCode::Gap), 17, 0, 0};
  producer.push(to_payload(tick));
  const Said said = sluicectl({"tap", "feed-risk"});
  EXPECT_TRUE(said.has("bid=1 ask=2 bid_qty=0.00000003 ask_qty=0.00000004")) << said;
  EXPECT_TRUE(said.has("status=gap count=17")) << said;
}

TEST_F(Verbs, RearmWithoutASupervisorSaysSo) {
  TestInstance instance;
  EXPECT_TRUE(sluicectl({"rearm"}).has("every scope is RUN"));
  raise_kill(*instance.objects().kill, {}, KillLevel::Halt, KillCause::Operator);
  const Said said = sluicectl({"rearm"});
  EXPECT_EQ(said.code, 5) << said;
  EXPECT_TRUE(said.has("nobody listens")) << said;
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt);
}

TEST_F(Verbs, RearmAsksForEachScopeAndPrintsTheAnswer) {
  TestInstance instance;
  raise_kill(*instance.objects().kill, {ScopeKind::Instrument, 1}, KillLevel::Halt,
             KillCause::Operator);
  FakeSupervisor supervisor(instance, 1, "it stays: the cool-off has 30 s left\n");
  const Said said = sluicectl({"rearm"});
  EXPECT_EQ(said.code, 1) << said;
  EXPECT_TRUE(said.has("the cool-off has 30 s left")) << said;
  const SupervisorRequest& asked = supervisor.request();
  EXPECT_EQ(asked.verb, sluice::Verb::Rearm);
  EXPECT_EQ(asked.scope, ScopeKind::Instrument);
  EXPECT_EQ(asked.index, 1u);
  EXPECT_EQ(asked.word, 0u) << "no word: nothing may change";
}

TEST_F(Verbs, RearmNamesTheWordTheOperatorAndTheReason) {
  TestInstance instance;
  FakeSupervisor supervisor(instance, 0, "done\n");
  const Said said = sluicectl({"rearm", "--scope", "strategy:calm", "--word", "0x1f", "--operator",
                               "ada", "--reason", "positions checked by hand", "--json"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(is_json(said.out)) << said;
  const SupervisorRequest& asked = supervisor.request();
  EXPECT_EQ(asked.word, 0x1fu);
  EXPECT_EQ(asked.scope, ScopeKind::Strategy);
  EXPECT_EQ(asked.index, 1u);
  EXPECT_STREQ(asked.who.data(), "ada");
  EXPECT_STREQ(asked.reason.data(), "positions checked by hand");
}

TEST_F(Verbs, WhatTheSupervisorCannotTakeIsRefusedHere) {
  TestInstance instance;
  EXPECT_EQ(sluicectl({"rearm", "--word", "nothex"}).code, 2);
  EXPECT_EQ(sluicectl({"rearm", "--word", "0"}).code, 2);
  EXPECT_EQ(sluicectl({"rearm", "--scope", "strategy:nobody"}).code, 2);
  EXPECT_EQ(sluicectl({"cap", "100"}).code, 2) << "no reason";
  EXPECT_EQ(sluicectl({"cap", "many", "--reason", "x"}).code, 2);
  EXPECT_EQ(sluicectl({"cap", "1", "--reason", std::string(256, 'x')}).code, 2);
  EXPECT_EQ(sluicectl({"cap", "1", "--reason", std::string(255, 'x')}).code, 5) << "nobody there";
}

TEST_F(Verbs, CapShowsAndAsks) {
  TestInstance instance;
  instance.make_well();
  const Said shown = sluicectl({"cap"});
  EXPECT_TRUE(shown.has("cap global 1000\n")) << shown;
  EXPECT_TRUE(shown.has("cap strategy:calm 500\n")) << shown;
  FakeSupervisor supervisor(instance, 0, "cap global is 1250.5\n");
  EXPECT_EQ(sluicectl({"cap", "1250.50", "--operator", "ada", "--reason", "next step"}).code, 0);
  EXPECT_EQ(supervisor.request().verb, sluice::Verb::SetCap);
  EXPECT_EQ(supervisor.request().value, 125'050'000'000);
}

TEST_F(Verbs, StopWaitsForTheEndOfTheRun) {
  TestInstance instance;
  instance.objects().control->state.store(static_cast<std::uint64_t>(RunState::Ended));
  FakeSupervisor supervisor(instance, 0, "stopping in order\n");
  const Said said = sluicectl({"stop"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("the run has ended")) << said;
  EXPECT_EQ(supervisor.request().verb, sluice::Verb::Stop);
}

TEST(CheckVerb, ListsFaultsByPlace) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("sluicectl-" + std::to_string(::getpid()) + ".toml");
  std::ofstream(path)
      << "[instance]\nname = \"Not Good\"\nmode = \"PAPER\"\nstate_dir = \"/tmp/x\"\nspeed = 3\n";
  const Said said = sluicectl({"check", path.string()});
  EXPECT_EQ(said.code, 2) << said;
  EXPECT_TRUE(said.out.starts_with(path.string() + ":")) << said;
  EXPECT_TRUE(said.has(":2:")) << said;
  EXPECT_TRUE(said.has(":5:")) << said;
  const Said json = sluicectl({"check", path.string(), "--json"});
  EXPECT_EQ(json.code, 2);
  EXPECT_TRUE(is_json(json.out)) << json;
  std::filesystem::remove(path);
  EXPECT_EQ(sluicectl({"check", path.string()}).code, 2);
}

TEST(CheckVerb, TakesTheDemo) {
  const Said said = sluicectl({"check", SLUICE_SOURCE_DIR "/conf/demo.toml"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.out.starts_with("ok: 1 instruments, 1 strategies, instance demo PAPER")) << said;
}

}  // namespace
}  // namespace sluice::ctl
