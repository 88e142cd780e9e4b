#include "bench/baseline/compare.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

#include "core/error.hpp"

namespace sluice::bench {
namespace {

using Logs = std::vector<std::vector<double>>;

// Splitmix64: one generator everywhere, so that a verdict does not depend on the library.
class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}
  std::size_t below(std::size_t count) noexcept {
    std::uint64_t x = state_ += 0x9e3779b97f4a7c15;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
    x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
    return static_cast<std::size_t>((((x ^ (x >> 31)) >> 32) * count) >> 32);
  }

 private:
  std::uint64_t state_;
};

// Between two samples on a line: the median of an even number lies in the middle, or differences
// of equal sides would lean to one of them. Reorders.
double quantile_of(std::vector<double>& values, double part) {
  const double at = part * static_cast<double>(values.size() - 1);
  const auto below = static_cast<std::ptrdiff_t>(at);
  std::nth_element(values.begin(), values.begin() + below, values.end());
  const double low = values[static_cast<std::size_t>(below)];
  const double share = at - static_cast<double>(below);
  if (share <= 0) return low;
  return low + share * (*std::min_element(values.begin() + below + 1, values.end()) - low);
}

[[noreturn]] void refuse(const Metric& metric, const std::string& why) {
  throw Error(Exit::Unqualified, fmt::format("{}: cannot be judged: {}", metric.name, why));
}

Logs logs_of(const Series& series) {
  const Metric& metric = series.metric;
  if (series.runs.size() < kRunsMin)
    refuse(metric, fmt::format("{} runs, at least {} are needed", series.runs.size(), kRunsMin));
  Logs logs;
  for (const Run& run : series.runs) {
    if (run.empty()) refuse(metric, "a run without samples");
    std::vector<double>& of_run = logs.emplace_back();
    for (const double sample : run) {
      const double value = std::max(sample, metric.resolution);
      if (!std::isfinite(sample) || !(value > 0))
        refuse(metric, fmt::format("a sample of {}", sample));
      of_run.push_back(std::log(value));
    }
  }
  return logs;
}

// One figure of a side, over runs and samples that were drawn or, for the estimate, over all.
class Draw {
 public:
  Draw(Random* random, double part) noexcept : random_(random), part_(part) {}

  double side(const Logs& runs) {
    return over_runs(runs.size(), [&](std::size_t run) {
      return over_samples(runs[run].size(), part_, [&](std::size_t k) { return runs[run][k]; });
    });
  }
  // Of medians the difference of each pair; another quantile has no pairs within a run, so there
  // the difference of the two quantiles over the same samples.
  double pairs(const Logs& a, const Logs& b) {
    return over_runs(a.size(), [&](std::size_t run) {
      if (part_ == 0.5)
        return over_samples(a[run].size(), part_,
                            [&](std::size_t k) { return b[run][k] - a[run][k]; });
      return over_samples(b[run].size(), part_, [&](std::size_t k) { return b[run][k]; }) -
             over_samples(a[run].size(), part_, [&](std::size_t k) { return a[run][k]; });
    });
  }

 private:
  [[nodiscard]] std::size_t pick(std::size_t index, std::size_t count) const noexcept {
    return random_ != nullptr ? random_->below(count) : index;
  }
  template <class Value>
  double over_samples(std::size_t count, double part, Value&& value) {
    samples_.clear();
    for (std::size_t k = 0; k < count; ++k) samples_.push_back(value(pick(k, count)));
    return quantile_of(samples_, part);
  }
  template <class Value>
  double over_runs(std::size_t count, Value&& value) {
    runs_.clear();
    for (std::size_t r = 0; r < count; ++r) runs_.push_back(value(pick(r, count)));
    return quantile_of(runs_, 0.5);
  }

  Random* random_;
  double part_;
  std::vector<double> samples_;
  std::vector<double> runs_;
};

// An interval that reaches `reach` from the change shrinks with the root of the runs until it ends
// at `allowed`.
std::size_t more_runs(std::size_t runs, double reach, double allowed) noexcept {
  if (allowed <= 0) return kNeverDecided;
  const double shrink = reach / allowed;
  const double wanted = std::ceil(static_cast<double>(runs) * shrink * shrink);
  const double more = wanted - static_cast<double>(runs);
  return more < static_cast<double>(kNeverDecided)
             ? std::max<std::size_t>(1, static_cast<std::size_t>(more))
             : kNeverDecided;
}

void judge(Change& seen, const Rule& rule) noexcept {
  const double c = seen.change;
  const double t = rule.threshold;
  if (c > t && seen.low > 0)
    seen.verdict = c >= rule.rollback ? Verdict::Rollback : Verdict::Worse;
  else if (c < 1 / (1 + t) - 1 && seen.high < 0)
    seen.verdict = Verdict::Better;
  else if (seen.high <= t)
    seen.verdict = Verdict::Same;
  else
    seen.more_runs = c > t
                         ? more_runs(seen.runs, std::log1p(c) - std::log1p(seen.low), std::log1p(c))
                         : more_runs(seen.runs, std::log1p(seen.high) - std::log1p(c),
                                     std::log1p(t) - std::log1p(c));
}

// `difference` is the logarithm of after / before, over what a draw picks.
Change change_of(const Metric& metric, const Rule& rule, std::size_t runs,
                 const std::function<double(Draw&)>& difference) {
  const double sign = metric.better == Better::Lower ? 1 : -1;
  Change seen{.runs = runs};
  Draw all(nullptr, metric.quantile);
  seen.change = std::expm1(sign * difference(all));
  Random random(rule.seed);
  Draw drawn(&random, metric.quantile);
  std::vector<double> resampled;
  resampled.reserve(rule.resamples);
  for (std::size_t i = 0; i < rule.resamples; ++i) resampled.push_back(sign * difference(drawn));
  const double outside = (1 - rule.confidence) / 2;
  seen.low = std::expm1(quantile_of(resampled, outside));
  seen.high = std::expm1(quantile_of(resampled, 1 - outside));
  judge(seen, rule);
  return seen;
}

double figure(const Logs& logs, double part) {
  return std::exp(Draw(nullptr, part).side(logs));
}

void same_metric(const Series& a, const Series& b) {
  if (a.metric != b.metric)
    refuse(a.metric, "the two sides do not mean the same by it (unit, direction or quantile)");
}

}  // namespace

std::string_view name_of(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::Same: return "same";
    case Verdict::Better: return "better";
    case Verdict::Worse: return "worse";
    case Verdict::Rollback: return "rollback";
    case Verdict::Undecided: return "undecided";
  }
  return "?";
}

Change compare(const Series& before, const Series& after, const Rule& rule) {
  same_metric(before, after);
  const Logs a = logs_of(before);
  const Logs b = logs_of(after);
  Change seen = change_of(before.metric, rule, std::min(a.size(), b.size()),
                          [&](Draw& draw) { return draw.side(b) - draw.side(a); });
  seen.before = figure(a, before.metric.quantile);
  seen.after = figure(b, before.metric.quantile);
  return seen;
}

Change compare_pairs(const Series& a, const Series& b, const Rule& rule) {
  same_metric(a, b);
  const Logs of_a = logs_of(a);
  const Logs of_b = logs_of(b);
  const auto same_shape = [](const auto& x, const auto& y) { return x.size() == y.size(); };
  if (!std::equal(of_a.begin(), of_a.end(), of_b.begin(), of_b.end(), same_shape))
    refuse(a.metric, "the two sides were not measured in turns: their samples have no pairs");
  Change seen =
      change_of(a.metric, rule, of_a.size(), [&](Draw& draw) { return draw.pairs(of_a, of_b); });
  seen.before = figure(of_a, a.metric.quantile);
  seen.after = figure(of_b, a.metric.quantile);
  return seen;
}

}  // namespace sluice::bench
