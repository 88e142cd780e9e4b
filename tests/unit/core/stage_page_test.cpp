// Rows and effects of a stage page.
#include "core/stage_page.hpp"

#include <gtest/gtest.h>

#include <memory>

#include "core/stage.hpp"

namespace sluice {
namespace {

GateRow row_of(std::int64_t value) {
  GateRow row{};
  row.value = value;
  return row;
}

TEST(StagePage, ARowNeverWrittenReadsAsNothing) {
  const auto page = std::make_unique<StagePage>();
  EXPECT_FALSE(page->read_row<GateRow>(RowTable::Strategy, 0));
}

TEST(StagePage, ARowBeingWrittenByADeadProcessReadsAsNothingUntilItIsWrittenAgain) {
  const auto page = std::make_unique<StagePage>();
  const auto index = static_cast<std::size_t>(RowTable::Strategy);
  page->write_row(index, to_payload(row_of(5)));
  page->rows[index].word.store(0);
  page->rows[index].payload[3].store(0xbad);
  EXPECT_FALSE(page->read_row<GateRow>(RowTable::Strategy, 0));
  page->write_row(index, to_payload(row_of(5)));
  ASSERT_TRUE(page->read_row<GateRow>(RowTable::Strategy, 0));
  EXPECT_EQ(page->read_row<GateRow>(RowTable::Strategy, 0)->value, 5);
}

TEST(StagePage, AnUnchangedRowIsNotWrittenAgain) {
  const auto page = std::make_unique<StagePage>();
  page->write_row(3, to_payload(row_of(1)));
  const std::uint64_t version = page->rows[3].word.load();
  page->write_row(3, to_payload(row_of(1)));
  EXPECT_EQ(page->rows[3].word.load(), version);
  page->write_row(3, to_payload(row_of(2)));
  EXPECT_NE(page->rows[3].word.load(), version);
}

TEST(Effects, StayInsideTheirTablesAndWithinAPage) {
  const auto page = std::make_unique<StagePage>();
  Effects fx(page.get());
  fx.row(RowTable::Strategy, kMaxStrategies - 1, row_of(1));
  fx.row(RowTable::Strategy, kMaxStrategies, row_of(2));
  EXPECT_TRUE(page->read_row<GateRow>(RowTable::Strategy, kMaxStrategies - 1));
  EXPECT_FALSE(page->read_row<GateRow>(RowTable::Instrument, 0)) << "the next table's first row";
  fx.count(kMaxCounters - 1);
  fx.count(kMaxCounters);
  fx.record(kMaxHistograms, Duration{5});
  EXPECT_EQ(page->statistics.counter(kMaxCounters - 1), 1u);
  EXPECT_EQ(page->statistics.histograms[0].count(), 0u);
}

TEST(Effects, AreMutedWholly) {
  const auto page = std::make_unique<StagePage>();
  Effects fx(page.get());
  fx.mute(true);
  fx.count(0);
  fx.gauge(1, 5);
  fx.record(0, Duration{5});
  fx.row(RowTable::Summary, 0, row_of(1));
  fx.raise({ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Drill);
  EXPECT_EQ(page->statistics.counter(std::size_t{0}), 0u);
  EXPECT_EQ(page->statistics.counter(std::size_t{1}), 0u);
  EXPECT_EQ(page->statistics.histograms[0].count(), 0u);
  EXPECT_FALSE(page->read_row<GateRow>(RowTable::Summary, 0));
  EXPECT_EQ(fx.raises(), 0u);
}

TEST(Effects, WithoutAPageGoNowhere) {
  Effects fx;
  fx.count(0);
  fx.record(0, Duration{1});
  fx.row(RowTable::Summary, 0, row_of(1));
  fx.raise({ScopeKind::Global, 0}, KillLevel::Halt, KillCause::Drill);
  EXPECT_EQ(fx.raises(), 1u);
}

TEST(Outputs, OnePerEdgePerInputOrTheProcessStops) {
  const auto out = std::make_unique<Outputs>();
  out->open(Edge::RiskGateway);
  out->begin_input();
  out->emit(Edge::RiskGateway, Order{});
  EXPECT_TRUE(out->emitted_any());
  EXPECT_DEATH(out->emit(Edge::RiskGateway, Order{}), "");
  out->begin_input();
  EXPECT_FALSE(out->emitted_any());
  out->emit(Edge::RiskGateway, Order{});
  EXPECT_EQ(out->lane(0).count, 2u);
  EXPECT_DEATH(out->emit(Edge::GatewayRisk, Report{}), "") << "an edge that is not open";
}

TEST(Outputs, NothingOnAnEdgeThatIsSaidToBeFullOrTheProcessStops) {
  const auto out = std::make_unique<Outputs>();
  out->open(Edge::RiskGateway);
  out->open(risk_seat(0));
  out->set_full(Edge::RiskGateway, true);
  out->begin_input();
  EXPECT_DEATH(out->emit(Edge::RiskGateway, Order{}), "");
  out->emit(risk_seat(0), Report{});
  EXPECT_EQ(out->lane(1).count, 1u) << "the others have room";
  out->set_full(Edge::RiskGateway, false);
  out->emit(Edge::RiskGateway, Order{});
  EXPECT_EQ(out->lane(0).count, 1u);
}

TEST(Outputs, NoMoreThanABatchPerTurnOrTheProcessStops) {
  const auto out = std::make_unique<Outputs>();
  out->open(Edge::RiskGateway);
  for (std::size_t i = 0; i < Outputs::kBatch; ++i) {
    out->begin_input();
    out->emit(Edge::RiskGateway, Order{});
  }
  out->begin_input();
  EXPECT_DEATH(out->emit(Edge::RiskGateway, Order{}), "");
}

}  // namespace
}  // namespace sluice
