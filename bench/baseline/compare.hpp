// Has a metric become worse? Pure functions of the samples: the same data give the same verdict.
//
// A change is the ratio of the two figures minus 1, turned so that above 0 is worse; of a metric of
// which more is better, the ratio of the reciprocals (half the records per second is +100 %, as is
// twice the time per record). A run's figure is the metric's quantile of its samples, a side's the
// median of its runs, so a burst costs a sample and a badly laid out process costs a run. The
// interval is a bootstrap over runs, then over the samples of each.
//
// The rule, with change c, interval [low, high] and threshold t:
//   worse      c > t and low > 0. A false alarm needs both, at once: noise that moves the median by
//              more than t, and nearly all resamples on one side. With an error s of c, a null
//              change is called worse with P(Z > t / s), and a true change x is missed with
//              P(Z > (ln(1 + x) - ln(1 + t)) / s) or low <= 0. For x = 15 % and t = 10 % that is
//              0.0444 / s: with s <= 1.3 % one in 3,000, so twenty of twenty in 99.3 % of all
//              proofs. Demanding low > t instead would need runs without end for a change near t.
//   rollback   worse, and c >= 50 %
//   better     c < 1 / (1 + t) - 1 and high < 0
//   same       high <= t: a change above the threshold is excluded, not only unproven
//   undecided  everything else: neither shown nor excluded. A noisy measurement ends here, not in
//              one of the others.
// An interval of a median over five runs is at most their range, which holds the truth in 15 of 16
// cases; seven: 63 of 64. The other condition of each verdict is what keeps the error rates low.
#pragma once

#include <cstddef>
#include <string_view>

#include "bench/baseline/series.hpp"

namespace sluice::bench {

constexpr std::size_t kRunsMin = 5;

struct Rule {
  double threshold = 0.10;
  double rollback = 0.50;
  double confidence = 0.99;  // of the interval
  std::size_t resamples = 2'000;
  std::uint64_t seed = 1;
};

enum class Verdict : std::uint8_t { Same = 1, Better = 2, Worse = 3, Rollback = 4, Undecided = 5 };
std::string_view name_of(Verdict verdict) noexcept;
inline bool is_regression(Verdict verdict) noexcept {
  return verdict == Verdict::Worse || verdict == Verdict::Rollback;
}

struct Change {
  double before = 0;  // the two figures, in the metric's unit
  double after = 0;
  double change = 0;  // 0.15: 15 % worse
  double low = 0;
  double high = 0;
  Verdict verdict = Verdict::Undecided;
  std::size_t runs = 0;  // of the side that has fewer
  // Undecided: how many runs more would narrow the interval enough, if the change stays where it
  // is. kNeverDecided: it lies at the threshold.
  std::size_t more_runs = 0;
};
constexpr std::size_t kNeverDecided = 1'000;

// Two sides measured one after the other, maybe on different days: runs of one are independent of
// the other's. Both throw Error (Unqualified) for fewer than kRunsMin runs, a run without samples,
// a value that is not finite or, at resolution 0, not above 0; and if the metrics differ.
Change compare(const Series& before, const Series& after, const Rule& rule);

// Two sides measured in turns: sample k of run r of one was taken within the same moment as that of
// the other, in the order ABBA. What is judged is their difference, so that what moves both, at
// whatever pace, cancels. Both sides have the same shape.
Change compare_pairs(const Series& a, const Series& b, const Rule& rule);

}  // namespace sluice::bench
