// The judge of the campaign sees what it must: each violation planted alone, and none in a clean
// run.
#include "tests/campaign/judge.hpp"

#include <gtest/gtest.h>

#include "core/journal_file.hpp"
#include "tests/support/names.hpp"

namespace sluice::campaign {
namespace {

constexpr std::int64_t kAmount = 100'000'000;  // 1.0
const OrderId kEntry = OrderId::make(1, 1, 1);

PaperEntry paper(PaperWhat what, Side side = Side::Buy) {
  PaperEntry entry{};
  entry.id = side == Side::Buy ? kEntry : OrderId::make(1, 0, 1);
  entry.side = side;
  entry.kind = side == Side::Buy ? OrderKind::Entry : OrderKind::TakeProfit;
  entry.what = what;
  entry.price = {100 * kAmount};
  entry.qty = {2 * kAmount};
  entry.cum_qty = what == PaperWhat::Filled ? entry.qty : Qty{};
  return entry;
}

// A run in which one entry of 200.0 was placed and filled, and everybody knows.
class Judge : public testing::Test {
 protected:
  Judge() {
    Order order{};
    order.id = kEntry;
    order.kind = OrderKind::Entry;
    order.side = Side::Buy;
    order.qty = {2 * kAmount};
    Event fill{};
    fill.id = kEntry;
    fill.kind = EventKind::Fill;
    fill.qty = fill.cum_qty = order.qty;
    Report report{};
    report.id = kEntry;
    report.kind = ReportKind::Fill;
    report.side = Side::Buy;
    report.qty = report.cum_qty = order.qty;
    gateway_ = {{Edge::RiskGateway, to_payload(order)}, {Edge::Event, to_payload(fill)}};
    risk_ = {{Edge::GatewayRisk, to_payload(report)}};
    add_paper(paper(PaperWhat::Placed));
    add_paper(paper(PaperWhat::Filled));
  }

  using Entries = std::vector<std::pair<Edge, Payload>>;
  void add_paper(const PaperEntry& entry) {
    paper_.emplace_back(Edge::PaperLog, to_payload(entry));
  }
  static void file(const std::filesystem::path& dir, const char* journal, const Entries& entries) {
    JournalFileWriter writer(dir, journal, {}, 1 << 20);
    for (std::uint64_t at = 0; at < entries.size(); ++at) {
      const auto& [edge, payload] = entries[at];
      const JournalSlot slot{journal_word(edge, 1, at, payload), payload};
      ASSERT_EQ(writer.write(&slot, 1), 0);
    }
  }
  Verdict verdict(std::int64_t cap = 200 * kAmount, bool settled = true) {
    const std::filesystem::path dir = dir_.path() / std::to_string(++runs_);
    file(dir, "paper", paper_);
    file(dir, "gateway", gateway_);
    file(dir, "risk", risk_);
    return judge_files(dir, cap, settled);
  }
  static void expect_only(const Verdict& verdict, const std::string& what) {
    ASSERT_EQ(verdict.violations.size(), 1u);
    EXPECT_EQ(verdict.violations[0].substr(0, 3), what) << verdict.violations[0];
  }

  const test::TempDir dir_;
  int runs_ = 0;
  Entries paper_;
  Entries gateway_;
  Entries risk_;
};

TEST_F(Judge, FindsNothingInACleanRun) {
  const Verdict clean = verdict();
  EXPECT_TRUE(clean.violations.empty()) << clean.violations[0];
  EXPECT_EQ(clean.placed, 1u);
  EXPECT_EQ(clean.fills, 1u);
  EXPECT_EQ(clean.most_used, 200 * kAmount);
}
TEST_F(Judge, SeesAnIdThatWasPlacedTwice) {
  PaperEntry again = paper(PaperWhat::Placed);
  again.price = {};
  again.qty = {};
  add_paper(again);
  expect_only(verdict(), "I2:");
}
TEST_F(Judge, SeesAFillThatTheGatewayDoesNotKnow) {
  gateway_.pop_back();
  expect_only(verdict(), "I4:");
}
TEST_F(Judge, SeesAFillThatRiskHasNotHeardOf) {
  risk_.clear();
  risk_.emplace_back(Edge::Control, Payload{});
  expect_only(verdict(), "I4:");
  EXPECT_TRUE(verdict(200 * kAmount, false).violations.empty()) << "it may be on its way";
}
TEST_F(Judge, SeesCapitalAboveTheCap) {
  expect_only(verdict(200 * kAmount - 1), "I5:");
}
TEST_F(Judge, AnExitGivesCapitalBack) {
  add_paper(paper(PaperWhat::Placed, Side::Sell));
  add_paper(paper(PaperWhat::Filled, Side::Sell));
  PaperEntry next = paper(PaperWhat::Placed);
  next.id = OrderId::make(1, 1, 2);
  add_paper(next);
  EXPECT_EQ(verdict().most_used, 200 * kAmount);
}

}  // namespace
}  // namespace sluice::campaign
