#include "tests/campaign/judge.hpp"

#include <fmt/format.h>

#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"

namespace sluice::campaign {
namespace {

using e2e::PositionKey;
using Positions = std::map<PositionKey, std::int64_t>;

std::string text_of(const Positions& positions) {
  std::string text;
  for (const auto& [key, qty] : positions)
    if (qty != 0) text += fmt::format(" {}/{}:{}", key.first, key.second, qty);
  return text.empty() ? " flat" : text;
}

// Fills that risk has journaled, each counted once by its cumulative quantity.
Positions positions_of_risk(const std::filesystem::path& dir) {
  Positions positions;
  std::map<std::uint64_t, std::int64_t> known;
  for (const JournalEntry& raw : e2e::read_journal(dir, "risk")) {
    if (raw.edge != Edge::GatewayRisk) continue;
    const auto report = from_payload<Report>(raw.payload);
    std::int64_t& seen = known[report.id.raw];
    if (report.cum_qty.raw <= seen) continue;
    const std::int64_t more = report.cum_qty.raw - seen;
    seen = report.cum_qty.raw;
    positions[{report.strategy, report.instrument}] += report.side == Side::Buy ? more : -more;
  }
  return positions;
}

// Capital that entries use: what is open of them at their limits, and positions at their cost.
class Capital {
 public:
  // The notional in use with this entry, raw.
  std::int64_t place(const PaperEntry& entry) {
    if (entry.kind == OrderKind::Entry) open_[entry.id.raw] = {entry.price, entry.qty};
    return used();
  }
  void fill(const PaperEntry& entry) {
    if (const auto at = open_.find(entry.id.raw); at != open_.end()) {
      at->second.second -= entry.qty;
      if (at->second.second.raw <= 0) open_.erase(at);
    }
    Held& held = held_[{entry.strategy, entry.instrument}];
    const std::int64_t signed_qty = entry.side == Side::Buy ? entry.qty.raw : -entry.qty.raw;
    const bool grows = held.qty == 0 || (held.qty > 0) == (signed_qty > 0);
    if (grows) {
      held.cost += notional(entry.price, entry.qty).raw;
    } else {
      const std::int64_t left = std::abs(held.qty) - std::abs(signed_qty);
      held.cost = left <= 0
                      ? 0
                      : static_cast<std::int64_t>(static_cast<long double>(held.cost) *
                                                  static_cast<long double>(left) /
                                                  static_cast<long double>(std::abs(held.qty)));
    }
    held.qty += signed_qty;
  }
  void end(const PaperEntry& entry) { open_.erase(entry.id.raw); }

 private:
  struct Held {
    std::int64_t qty = 0;
    std::int64_t cost = 0;
  };
  [[nodiscard]] std::int64_t used() const {
    std::int64_t sum = 0;
    for (const auto& [id, order] : open_) sum += notional(order.first, order.second).raw;
    for (const auto& [key, held] : held_) sum += held.cost;
    return sum;
  }
  std::map<std::uint64_t, std::pair<Price, Qty>> open_;
  std::map<PositionKey, Held> held_;
};

std::int64_t most_capital_used(const e2e::PaperTruth& paper) {
  Capital capital;
  std::int64_t most = 0;
  for (const PaperEntry& entry : paper.entries) {
    if (entry.what == PaperWhat::Placed && entry.kind == OrderKind::Entry)
      most = std::max(most, capital.place(entry));
    if (entry.what == PaperWhat::Filled) capital.fill(entry);
    if (entry.what == PaperWhat::Cancelled || entry.what == PaperWhat::Expired) capital.end(entry);
  }
  return most;
}

}  // namespace

Verdict judge_files(const std::filesystem::path& run_dir, std::int64_t cap, bool settled) {
  Verdict verdict;
  const auto add = [&](std::string text) { verdict.violations.push_back(std::move(text)); };
  const e2e::PaperTruth paper = e2e::read_paper(run_dir);
  verdict.placed = paper.placed;
  verdict.fills = paper.fills;
  if (paper.duplicates != 0) add(fmt::format("I2: {} ids were placed twice", paper.duplicates));
  const Positions gateway = e2e::positions_from_gateway(run_dir);
  if (text_of(gateway) != text_of(paper.positions))
    add("I4: gateway's journal says" + text_of(gateway) + ", the venue" + text_of(paper.positions));
  if (const Positions risk = positions_of_risk(run_dir);
      settled && text_of(risk) != text_of(paper.positions))
    add("I4: risk's journal says" + text_of(risk) + ", the venue" + text_of(paper.positions));
  verdict.most_used = most_capital_used(paper);
  if (verdict.most_used > cap)
    add(fmt::format("I5: {} in use, the cap is {}", verdict.most_used, cap));
  return verdict;
}

Verdict judge(const std::filesystem::path& run_dir, std::int64_t cap, bool settled) {
  Verdict verdict = judge_files(run_dir, cap, settled);
  const e2e::Outcome verify =
      e2e::run({e2e::bin("sluice-replay"), "verify", run_dir.string()}, std::chrono::seconds(120));
  if (verify.exit_code != 0) verdict.violations.push_back("I6: replay differs: " + verify.out);
  return verdict;
}

}  // namespace sluice::campaign
