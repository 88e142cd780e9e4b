// Has a metric become worse? Pure functions of the samples: the same data give the same verdict.
//
// A change is the ratio of the two figures minus 1, turned so that above 0 is worse; of a metric of
// which more is better, the ratio of the reciprocals (half the records per second is +100 %, as is
// twice the time per record). A run's figure is the metric's quantile of its samples, a side's the
// median of its runs, so a burst costs a sample and a badly laid out process costs a run. The
// interval is a bootstrap over runs, then over the samples of each.
//
// The rule, with change c, interval [low, high] and threshold t:
//   worse      c > t and low > 0
//   rollback   worse, and c >= 50 %
//   better     c < 1 / (1 + t) - 1 and high < 0
//   same       high <= t: a change above the threshold is excluded, not only unproven
//   undecided  everything else: neither shown nor excluded. A noisy measurement ends here, not in
//              one of the others.
//
// Its errors. A false alarm needs two things at once: noise that moves the median by more than t,
// and an interval that leaves out no-change. With an error s of c the first is P(Z > ln(1 + t) /
// s): for s <= 2 % and t = 10 %, one in a million. The second holds whatever the noise: at 99 % and
// eleven runs all but one must lie on one side, which equal builds do in 6 of 1,000 looks. (Five
// runs: all five, 3 of 100; so few cannot promise more.) A true change x is missed, that is
// undecided, with P(Z > (ln(1 + x) - ln(1 + t)) / s) or if low <= 0: for x = 15 % and s <= 1.3 % in
// one of 3,000, so twenty of twenty in 99 of 100 proofs. An s that is too large for this is seen as
// a wide interval, and more runs make it smaller. Demanding low > t instead would need runs without
// end for every change near t. tests/unit/bench/baseline_power_test.cpp counts all of these.
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
