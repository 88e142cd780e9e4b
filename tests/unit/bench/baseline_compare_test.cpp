// The verdict on a metric: each one at both sides of its bound, what cannot be judged, and that
// bursts, drift, placements and badly laid out processes neither make a regression nor hide one.
#include "bench/baseline/compare.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.hpp"

namespace sluice::bench {
namespace {

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// `runs` runs of five samples around the value, 1 % apart, so that there is something to resample.
Series around(double value, std::size_t runs = 7, Metric metric = {.name = "m", .unit = "ns"}) {
  Series series{std::move(metric), {}};
  for (std::size_t r = 0; r < runs; ++r) {
    Run& run = series.runs.emplace_back();
    for (int k = -2; k <= 2; ++k)
      run.push_back(value * (1 + 0.001 * k + 0.001 * (static_cast<double>(r % 3) - 1)));
  }
  return series;
}
Verdict verdict_at(double after, double before = 100) {
  const Change apart = compare(around(before), around(after), {});
  EXPECT_EQ(compare_pairs(around(before), around(after), {}).verdict, apart.verdict);
  return apart.verdict;
}
std::string refusal(const Series& a, const Series& b, bool pairs = false) {
  try {
    static_cast<void>(pairs ? compare_pairs(a, b, {}) : compare(a, b, {}));
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::Unqualified);
    return error.what();
  }
  return "no refusal";
}
// Multiplies one sample of every run, or every sample of one run.
Series with_burst(Series series, double factor) {
  for (Run& run : series.runs) run[1] *= factor;
  return series;
}
Series with_bad_run(Series series, std::size_t run, double factor) {
  for (double& sample : series.runs[run]) sample *= factor;
  return series;
}

TEST(Compare, EachVerdictHasItsBound) {
  EXPECT_EQ(verdict_at(100), Verdict::Same);
  EXPECT_EQ(verdict_at(109), Verdict::Same);
  EXPECT_EQ(verdict_at(111), Verdict::Worse);
  EXPECT_EQ(verdict_at(149), Verdict::Worse);
  EXPECT_EQ(verdict_at(151), Verdict::Rollback);
  EXPECT_EQ(verdict_at(92), Verdict::Same);
  EXPECT_EQ(verdict_at(90), Verdict::Better);
}

TEST(Compare, AThresholdOfOnesOwn) {
  const Rule strict{.threshold = 0.03};
  EXPECT_EQ(compare(around(100), around(104), strict).verdict, Verdict::Worse);
  EXPECT_EQ(compare(around(100), around(102), strict).verdict, Verdict::Same);
}

TEST(Compare, HalfTheRateIsTwiceTheTime) {
  const Metric rate{.name = "m", .unit = "M/s", .better = Better::Higher};
  const Change halved = compare(around(100, 7, rate), around(50, 7, rate), {});
  EXPECT_NEAR(halved.change, 1.0, 1e-9);
  EXPECT_EQ(halved.verdict, Verdict::Rollback);
  EXPECT_EQ(compare_pairs(around(100, 7, rate), around(120, 7, rate), {}).verdict, Verdict::Better);
}

TEST(Compare, FiguresAndIntervalAreOfTheMetric) {
  const Change seen = compare_pairs(around(100), around(115), {});
  EXPECT_NEAR(seen.before, 100, 0.01);
  EXPECT_NEAR(seen.after, 115, 0.01);
  EXPECT_NEAR(seen.change, 0.15, 1e-9);
  EXPECT_LE(seen.low, seen.change);
  EXPECT_GE(seen.high, seen.change);
  EXPECT_EQ(seen.runs, 7u);
}

TEST(Compare, TheSameDataGiveTheSameVerdict) {
  const Series noisy = with_bad_run(with_bad_run(around(100), 1, 1.3), 2, 0.8);
  const Change one = compare(around(100), noisy, {});
  const Change two = compare(around(100), noisy, {});
  EXPECT_EQ(one.low, two.low);
  EXPECT_EQ(one.high, two.high);
}

TEST(Compare, BelowTheResolutionNothingChanges) {
  Metric cost{.name = "m", .unit = "ns", .resolution = 2.5};
  EXPECT_EQ(compare(around(0.2, 7, cost), around(2, 7, cost), {}).verdict, Verdict::Same);
  EXPECT_EQ(compare(around(0, 7, cost), around(2, 7, cost), {}).verdict, Verdict::Same);
  EXPECT_EQ(compare(around(0.2, 7, cost), around(4, 7, cost), {}).verdict, Verdict::Rollback);
  cost.resolution = 0;
  EXPECT_EQ(compare(around(0.2, 7, cost), around(2, 7, cost), {}).verdict, Verdict::Rollback);
  EXPECT_NE(refusal(around(0, 7, cost), around(2, 7, cost)).find("a sample of"), std::string::npos);
}

TEST(Compare, TheQuantileOfTheMetricIsWhatIsCompared) {
  Metric tail{.name = "m", .unit = "ns", .quantile = 1};
  Series a = around(100, 7, tail);
  Series b = with_burst(a, 2);
  const Rule bold{.confidence = 0.5};  // a third of the resamples of a run miss its one burst
  EXPECT_EQ(compare(a, b, bold).verdict, Verdict::Rollback);
  EXPECT_EQ(compare_pairs(a, b, bold).verdict, Verdict::Rollback);
  a.metric.quantile = b.metric.quantile = 0.5;
  EXPECT_EQ(compare(a, b, {}).verdict, Verdict::Same);
  EXPECT_EQ(compare_pairs(a, b, {}).verdict, Verdict::Same);
}

TEST(Compare, OneBadRunOrOneBadSampleMakesNoRegression) {
  for (const double factor : {3.0, 0.4}) {
    EXPECT_EQ(compare(around(100), with_burst(around(100), factor), {}).verdict, Verdict::Same);
    EXPECT_EQ(compare_pairs(around(100, 11), with_bad_run(around(100, 11), 4, factor), {}).verdict,
              Verdict::Same);
    EXPECT_EQ(compare(around(100, 11), with_bad_run(around(100, 11), 4, factor), {}).verdict,
              Verdict::Same);
  }
}

TEST(Compare, WhatIsNeitherShownNorExcludedIsUndecided) {
  Series b = around(105);
  for (std::size_t run = 0; run < 3; ++run) b = with_bad_run(b, run, 1.2);
  const Change seen = compare_pairs(around(100), b, {});
  EXPECT_EQ(seen.verdict, Verdict::Undecided);
  EXPECT_GT(seen.high, 0.10);
  EXPECT_GT(seen.more_runs, 0u);
  EXPECT_LT(seen.more_runs, kNeverDecided);
}

TEST(Compare, ALargeChangeThatAFewRunsDoNotShowIsUndecidedToo) {
  Series b = around(115);
  for (std::size_t run = 0; run < 3; ++run) b = with_bad_run(b, run, 0.8);
  const Change seen = compare_pairs(around(100), b, {});
  EXPECT_GT(seen.change, 0.10);
  EXPECT_LT(seen.low, 0);
  EXPECT_EQ(seen.verdict, Verdict::Undecided);
  EXPECT_GT(seen.more_runs, 0u);
}

TEST(Compare, AtTheThresholdNoNumberOfRunsIsNamed) {
  Series b = around(109.9999);
  for (std::size_t run = 0; run < 2; ++run) b = with_bad_run(b, run, 1.1);
  const Change seen = compare_pairs(around(100), b, {});
  EXPECT_EQ(seen.verdict, Verdict::Undecided);
  EXPECT_EQ(seen.more_runs, kNeverDecided);
}

TEST(Compare, WhatCannotBeJudgedIsSaid) {
  EXPECT_NE(refusal(around(100, 4), around(100, 7)).find("4 runs, at least 5"), std::string::npos);
  EXPECT_NE(refusal(around(100, 7), around(100, 4)).find("4 runs"), std::string::npos);
  Series hollow = around(100);
  hollow.runs[3].clear();
  EXPECT_NE(refusal(around(100), hollow).find("a run without samples"), std::string::npos);
  for (const double wrong : {kNotANumber, std::numeric_limits<double>::infinity(), 0.0, -1.0}) {
    Series odd = around(100);
    odd.runs[6][4] = wrong;
    EXPECT_NE(refusal(around(100), odd).find("a sample of"), std::string::npos) << wrong;
  }
  Series other = around(100);
  other.metric.unit = "us";
  EXPECT_NE(refusal(around(100), other).find("do not mean the same"), std::string::npos);
}

TEST(Compare, PairsHaveTheSameShape) {
  EXPECT_NE(refusal(around(100, 7), around(100, 8), true).find("not measured in turns"),
            std::string::npos);
  Series shorter = around(100);
  shorter.runs[2].pop_back();
  EXPECT_NE(refusal(around(100), shorter, true).find("not measured in turns"), std::string::npos);
}

TEST(Compare, ADriftCancelsInPairsOnly) {
  Series a = around(100, 11);
  Series b = around(100, 11);
  double pace = 1;
  for (std::size_t r = 0; r < a.runs.size(); ++r)
    for (std::size_t k = 0; k < a.runs[r].size(); ++k) {
      a.runs[r][k] *= pace;
      b.runs[r][k] *= pace;
      pace *= 1.02;
    }
  EXPECT_EQ(compare_pairs(a, b, {}).verdict, Verdict::Same);
  EXPECT_EQ(compare(a, b, {}).verdict, Verdict::Undecided);
}

}  // namespace
}  // namespace sluice::bench
