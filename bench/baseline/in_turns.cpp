#include "bench/baseline/in_turns.hpp"

#include <algorithm>
#include <iterator>

namespace sluice::bench {
namespace {

void extend(Document& all, const Document& more) {
  if (all.series.empty()) {
    all = more;
    return;
  }
  for (std::size_t i = 0; i < all.series.size(); ++i)
    std::copy(more.series.at(i).runs.begin(), more.series.at(i).runs.end(),
              std::back_inserter(all.series[i].runs));
}

// Whether more runs could change the exit code.
Verdict open_verdict(const Comparison& comparison) noexcept {
  const auto& all = comparison.metrics;
  const bool open = comparison.unjudged.empty() && exit_of(comparison) == Exit::Unqualified;
  return !all.empty() && open ? Verdict::Undecided : Verdict::Same;
}

}  // namespace

std::size_t runs_to_add(std::size_t runs, std::size_t runs_max, Verdict verdict) noexcept {
  if (verdict != Verdict::Undecided || runs >= runs_max) return 0;
  return std::min(runs, runs_max - runs);
}

Trial judge_in_turns(const Order& a, const Order& b, std::size_t runs, std::size_t runs_max,
                     const Rule& rule) {
  Trial trial;
  std::size_t measured = 0;
  for (std::size_t more = runs; more > 0;
       more = runs_to_add(measured, runs_max, open_verdict(trial.comparison))) {
    const auto [of_a, of_b] = measure_pairs(a, b, more);
    extend(trial.a, of_a);
    extend(trial.b, of_b);
    measured += more;
    trial.comparison = judge(trial.a, trial.b, Taken::InTurns, rule);
  }
  return trial;
}

}  // namespace sluice::bench
