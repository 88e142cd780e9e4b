// What a kill run says: quantiles, ratios to the bare flag, the bars and whether they are met.
#pragma once

#include <string>

#include "bench/kill/kill.hpp"

namespace sluice::bench {

struct Quantiles {
  std::size_t count = 0;
  double p50 = 0, p90 = 0, p99 = 0, p999 = 0, max = 0;  // ns
};

struct Spread {
  double median = 0, low = 0, high = 0;  // quartiles of the blocks
};

struct KillSummary {
  Quantiles risk, gateway, both, bare;                 // over all raises
  Spread ratio_p50, ratio_p99;                         // both to bare, of the blocks
  std::array<Quantiles, kRaisedLevels.size()> levels;  // both, of the raises of one level
  Quantiles complete;                                  // with the gateway stopped

  // Bars. Medians and ratios survive a noisy machine; p99.9 is judged on a qualified one alone.
  [[nodiscard]] bool quick() const noexcept { return both.p50 <= kQuickNs; }
  [[nodiscard]] bool near_bare() const noexcept { return ratio_p99.median <= kRatio; }
  [[nodiscard]] bool tail_near_bare() const noexcept { return both.p999 <= kRatio * bare.p999; }
  [[nodiscard]] bool completes() const noexcept { return complete.max <= kCompleteNs; }

  static constexpr double kQuickNs = 5e3;
  static constexpr double kRatio = 2;
  static constexpr double kCompleteNs = 100e6;
};

KillSummary summary_of(const KillResult& result);

// 1 for a violation whatever the figures say; else 3 on an unfit machine unless that is accepted;
// else 1 for a missed bar.
Exit kill_exit(const KillResult& result, const KillSummary& summary, bool unqualified_ok) noexcept;

std::string kill_table(const KillPlan& plan, const KillResult& result, const KillSummary& summary);
std::string kill_json(const KillPlan& plan, const KillResult& result, const KillSummary& summary);
// Both gates, each of them, and the bare flag.
std::string kill_svg(const KillPlan& plan, const KillResult& result);

}  // namespace sluice::bench
