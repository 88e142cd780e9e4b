// A seat: priority, one unanswered intent, ids, full edges, and that decisions depend on ticks
// alone.
#include "strategies/stage.hpp"

#include <gtest/gtest.h>

#include <memory>
#include <random>
#include <set>
#include <tuple>

#include "core/error.hpp"
#include "core/stage_page.hpp"
#include "risk/explain.hpp"

namespace sluice::strategies {
namespace {

constexpr std::int64_t kEpoch = 1'700'000'000'000'000'000;
constexpr SeatIndex kSeat = 2;

// Two strategies on seat 2: index 0 with priority 5, index 1 (instruments 0 and 1) with priority 1.
// A third one sits elsewhere.
PipelineConfig pipeline(
    const std::string& window = "window_s = 64\nmin_gap_s = 0\nmin_rsi = \"off\"\n") {
  PipelineConfig config;
  config.instruments.resize(2);
  const config::Table parameters = config::Document::parse(window, "parameters").root();
  for (int i = 0; i < 3; ++i) {
    StrategyEntry entry;
    entry.name = "s" + std::to_string(i);
    entry.kind = "momentum_buying";
    entry.seat = i == 2 ? 0 : kSeat;
    entry.priority = i == 0 ? 5 : 1;
    entry.instruments =
        i == 1 ? std::vector<InstrumentIndex>{0, 1} : std::vector<InstrumentIndex>{0};
    entry.parameters = parameters;
    config.strategies.push_back(entry);
  }
  return config;
}

class Seat : public testing::Test {
 protected:
  Seat() {
    page->statistics.name(kCounterNames, kHistogramNames);
    out->open(seat_risk(kSeat));
    control(ControlKind::RunStart, 9);
  }
  template <class R>
  void send(const R& record) {
    Context ctx{now, *out, fx};
    out->begin_input();
    stage.on(record, ctx);
    intents.clear();
    for (std::uint32_t i = 0; i < out->lane(0).count; ++i)
      intents.push_back(from_payload<Intent>(out->lane(0).records[i]));
    out->clear();
  }
  void control(ControlKind kind, std::int64_t after = 0, std::uint32_t index = 0) {
    Control c{};
    c.kind = kind;
    c.scope = ScopeKind::Global;
    c.after = after;
    c.index = index;
    send(c);
  }
  void trade(std::int64_t at_ms, std::int64_t price, InstrumentIndex instrument = 0) {
    Tick t{};
    t.instrument = instrument;
    t.kind = TickKind::Trade;
    t.venue_time = {kEpoch + at_ms * 1'000'000};
    t.rx_time = now - Duration::micros(2);
    t.value = {price, 1, 0, 0};
    send(t);
  }
  void warm(InstrumentIndex instrument = 0) {
    trade(0, 100, instrument);
    trade(60'000, 100, instrument);
    trade(64'000, 100, instrument);
  }
  void report(const Intent& intent, ReportKind kind, std::int64_t qty = 0, std::int64_t cum = 0,
              Reason reason = Reason::None, std::uint8_t slice = 0) {
    Report r{};
    r.id = {intent.id.raw + slice};
    r.instrument = intent.instrument;
    r.strategy = intent.strategy;
    r.side = intent.side;
    r.kind = kind;
    r.reason = reason;
    r.qty = {qty};
    r.cum_qty = {cum};
    send(r);
  }
  // A breakout above everything before.
  void breakout() {
    trade(ms += 1'000, 1);
    trade(ms += 1'000, ++level);
  }
  [[nodiscard]] std::uint64_t count(Counter counter) const {
    return page->statistics.counter(static_cast<std::size_t>(counter));
  }

  std::unique_ptr<StagePage> page = std::make_unique<StagePage>();
  std::unique_ptr<Outputs> out = std::make_unique<Outputs>();
  Effects fx{page.get()};
  StrategyStage stage{kSeat, pipeline()};
  HostTime now{1'000'000'000};
  std::int64_t ms = 64'000;
  std::int64_t level = 100;
  std::vector<Intent> intents;
};

TEST_F(Seat, TheFirstSignalByPriorityWins) {
  warm();
  breakout();
  ASSERT_EQ(intents.size(), 1u);
  const Intent& intent = intents[0];
  EXPECT_EQ(intent.strategy, 1) << "priority 1 before priority 5";
  EXPECT_EQ(intent.id, OrderId::make(9, kSeat + 1, 1));
  EXPECT_EQ(intent.seat, kSeat);
  EXPECT_EQ(intent.side, Side::Buy);
  EXPECT_EQ(intent.quantity, 1);
  EXPECT_EQ(intent.price.raw, 101);
  EXPECT_EQ(intent.origin, now - Duration::micros(2));
  EXPECT_EQ(intent.decided_at, now);
  EXPECT_EQ(count(Counter::Signals), 2u);
  EXPECT_EQ(count(Counter::Superseded), 1u);
  EXPECT_EQ(page->statistics.histogram("tick_to_intent_ns")->max(), 2'000);
  const auto row = page->read_row<GateRow>(RowTable::Strategy, 1);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->reason, Reason::None);
  EXPECT_EQ(row->value, 101);
  EXPECT_EQ(row->passed, 1u);
  EXPECT_EQ(row->armed, 0);
}

TEST_F(Seat, OneIntentIsOutstandingUntilRiskAnswers) {
  warm();
  breakout();
  Intent intent = intents.at(0);
  const auto still = [&] {
    const std::uint64_t before = count(Counter::RefusedOutstanding);
    breakout();
    EXPECT_TRUE(intents.empty());
    EXPECT_EQ(count(Counter::RefusedOutstanding), before + 1);
  };
  const auto ended = [&] {
    breakout();
    ASSERT_EQ(intents.size(), 1u);
    intent = intents[0];
  };
  still();
  report(intent, ReportKind::Ack);
  report(intent, ReportKind::Fill, 9, 9);
  still();
  report(intent, ReportKind::Accepted, 10);
  ended();
  report(intent, ReportKind::Reject, 0, 0, Reason::Cooldown);
  EXPECT_EQ(page->statistics.counter("signals_rejected_total{reason=\"cooldown\"}"), 1u);
  ended();
  report(intent, ReportKind::Reject, 0, 0, Reason::SameSide,
         3);  // under a later slice of the same id
  ended();
  EXPECT_EQ(intent.id.counter(), 4u);
}

// How fast an order fills must not change what is decided next: a replay at another speed would
// differ.
TEST_F(Seat, TheLifeOfAnOrderDoesNotChangeDecisions) {
  warm();
  breakout();
  const Intent first = intents.at(0);
  report(first, ReportKind::Accepted, 10);
  breakout();
  ASSERT_EQ(intents.size(), 1u) << "the first order is still working";
  report(intents[0], ReportKind::Accepted, 10);
  report(first, ReportKind::Fill, 10, 10);
  report(first, ReportKind::Expired);
  breakout();
  EXPECT_EQ(intents.size(), 1u);
}

TEST_F(Seat, CountsReportsOfOthers) {
  Intent foreign{};
  foreign.strategy = 31;
  report(foreign, ReportKind::Fill, 1, 1);
  EXPECT_EQ(count(Counter::ReportsUnknown), 1u);
}

TEST_F(Seat, InstrumentsAreIndependent) {
  warm(0);
  warm(1);
  breakout();
  ASSERT_EQ(intents.size(), 1u);
  trade(ms + 1, 1'000, 1);
  ASSERT_EQ(intents.size(), 1u);
  EXPECT_EQ(intents[0].instrument, 1u);
}

TEST_F(Seat, AFullEdgeFormsNoIntent) {
  warm();
  control(ControlKind::EdgeFull, 0,
          static_cast<std::uint32_t>(risk_seat(kSeat)));  // not an output of it
  breakout();
  ASSERT_EQ(intents.size(), 1u);
  report(intents[0], ReportKind::Reject);
  control(ControlKind::EdgeFull, 0, static_cast<std::uint32_t>(seat_risk(kSeat)));
  breakout();
  EXPECT_TRUE(intents.empty());
  EXPECT_EQ(count(Counter::RefusedRingFull), 1u);
  control(ControlKind::EdgeRoom, 0, static_cast<std::uint32_t>(seat_risk(kSeat)));
  breakout();
  ASSERT_EQ(intents.size(), 1u);
  EXPECT_EQ(intents[0].id.counter(), 2u) << "no id was spent";
}

TEST_F(Seat, MissingDataIsCountedAndShown) {
  trade(0, 100);
  EXPECT_EQ(count(Counter::RefusedMissingData), 2u) << "both strategies";
  const auto row = page->read_row<GateRow>(RowTable::Strategy, 0);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->reason, Reason::NoQuote);
}

TEST_F(Seat, DecidesTheSameAtAnySpeed) {
  const auto run = [&](std::int64_t speed) {
    StrategyStage fresh(kSeat, pipeline());
    stage.restore(fresh.state());
    control(ControlKind::RunStart, 9);
    std::vector<std::tuple<std::uint64_t, std::int64_t, std::int64_t>> decided;
    std::int64_t price = 100'000;
    std::mt19937_64 random(1);
    for (std::int64_t i = 0; i < 20'000; ++i) {
      price += static_cast<std::int64_t>(random() % 13) - 6;
      now = {1'000'000'000 + i * 50'000'000 / speed};
      trade(i * 50, price);
      const std::vector<Intent> formed = intents;
      for (const Intent& intent : formed) {
        decided.emplace_back(intent.id.raw, intent.price.raw, i);
        report(intent, ReportKind::Reject);
      }
    }
    return decided;
  };
  const auto slow = run(1);
  EXPECT_GT(slow.size(), 3u);
  EXPECT_EQ(slow, run(12));
}

TEST_F(Seat, ANewRunStartsItsIdsAgain) {
  warm();
  breakout();
  control(ControlKind::RunStart, 10);
  breakout();
  ASSERT_EQ(intents.size(), 1u) << "what was outstanding lay in the old rings";
  EXPECT_EQ(intents[0].id, OrderId::make(10, kSeat + 1, 1));
}

TEST_F(Seat, RewritesItsRowsAfterRecovery) {
  warm();
  auto other = std::make_unique<StagePage>();
  Effects effects(other.get());
  Context ctx{now, *out, effects};
  Control recovered{};
  recovered.kind = ControlKind::Recovered;
  recovered.scope = ScopeKind::Global;
  stage.on(recovered, ctx);
  EXPECT_TRUE(other->read_row<GateRow>(RowTable::Strategy, 0).has_value());
  EXPECT_TRUE(other->read_row<GateRow>(RowTable::Strategy, 1).has_value());
}

TEST(SeatSetup, RefusesMoreThanItsPairs) {
  PipelineConfig config = pipeline();
  config.instruments.resize(kMaxInstruments);
  config.strategies[1].instruments.clear();
  for (InstrumentIndex i = 0; i < StrategyStage::kMaxPairs - 1; ++i)
    config.strategies[1].instruments.push_back(i);
  EXPECT_EQ(StrategyStage(kSeat, config).pairs(), StrategyStage::kMaxPairs);
  config.strategies[1].instruments.push_back(200);
  EXPECT_THROW(StrategyStage(kSeat, config), Error);
}

TEST(SeatCounters, SpeakTheSameWordsAsRiskAndFitThePage) {
  ASSERT_EQ(kReasonWords.size(), risk::kReasons.size());
  std::set<std::string_view> names;
  for (const ReasonWord& word : kReasonWords) EXPECT_EQ(word.word, risk::explain(word.reason).name);
  EXPECT_LE(kCounters, kMaxCounters);
  for (const std::string_view name : kCounterNames) {
    EXPECT_FALSE(name.empty());
    EXPECT_LT(name.size(), kStatisticName) << name;
    EXPECT_TRUE(names.insert(name).second) << name;
  }
}

}  // namespace
}  // namespace sluice::strategies
