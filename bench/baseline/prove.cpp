#include "bench/baseline/prove.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/ctl/json.hpp"

namespace sluice::bench {
namespace {

Comparison trial(const Order& order, const Order& other, const Proof& proof) {
  if (proof.taken == Taken::InTurns)
    return judge_in_turns(order, other, proof.runs, proof.runs_max, proof.rule).comparison;
  Comparison seen;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const Document a = measure_runs(order, proof.runs);
    seen = judge(a, measure_runs(other, proof.runs), proof.taken, proof.rule);
    if (seen.unlike.empty()) break;
  }
  return seen;
}

void show(std::FILE* out, std::size_t number, bool slowed, const Comparison& seen) {
  std::string line = fmt::format("{:>3} {:<7}", number, slowed ? "slowed" : "null");
  for (const Judged& one : seen.metrics)
    if (one.judged)
      line += fmt::format(" {} {:+.1f} % ({:+.1f} .. {:+.1f})", one.metric.name,
                          one.change.change * 100, one.change.low * 100, one.change.high * 100);
  const Exit exit = exit_of(seen);
  if (exit != (slowed ? Exit::No : Exit::Ok))
    line += exit == Exit::Unqualified ? "  NOT JUDGED" : "  WRONG";
  fmt::print(out, "{}\n", line);
  std::fflush(out);
}

void count(Proven& proven, bool slowed, const Comparison& seen) {
  const Exit exit = exit_of(seen);
  if (slowed)
    proven.flagged += exit == Exit::No;
  else
    proven.passed += exit == Exit::Ok;
  for (const Judged& one : seen.metrics) {
    if (!one.judged) continue;
    const Verdict verdict = one.change.verdict;
    const double change = one.change.change;
    if (slowed) {
      const bool first = proven.slow_most == 0;
      proven.metrics_flagged += is_regression(verdict);
      proven.slow_least = first ? change : std::min(proven.slow_least, change);
      proven.slow_most = first ? change : std::max(proven.slow_most, change);
    } else {
      proven.metrics_passed += verdict == Verdict::Same || verdict == Verdict::Better;
      if (std::abs(change) > std::abs(proven.null_largest)) proven.null_largest = change;
    }
  }
}

}  // namespace

Proven prove(const Order& order, const Proof& proof, std::FILE* out) {
  Order slow = order;
  slow.slow_percent = proof.slow_percent;
  Proven proven;
  for (std::size_t number = 1; number <= proof.trials; ++number) {
    for (const bool slowed : {false, true}) {
      const Comparison seen = trial(order, slowed ? slow : order, proof);
      show(out, number, slowed, seen);
      count(proven, slowed, seen);
      proven.metrics = static_cast<std::size_t>(std::count_if(
          seen.metrics.begin(), seen.metrics.end(), [](const Judged& one) { return one.judged; }));
    }
    proven.trials = number;
  }
  return proven;
}

bool holds(const Proven& proven) noexcept {
  return proven.trials > 0 && proven.passed == proven.trials && proven.flagged == proven.trials;
}

std::string summary(const Proven& p, const Proof& proof) {
  return fmt::format(
      "null change: {} of {} passed ({} of {} metrics), largest change seen {:+.1f} %\n"
      "slowed by {:g} %: {} of {} flagged ({} of {} metrics), seen as {:+.1f} to {:+.1f} %\n"
      "{}\n",
      p.passed, p.trials, p.metrics_passed, p.trials * p.metrics, p.null_largest * 100,
      proof.slow_percent, p.flagged, p.trials, p.metrics_flagged, p.trials * p.metrics,
      p.slow_least * 100, p.slow_most * 100,
      holds(p) ? "the detector is right each time" : "the detector is not right each time");
}

std::string to_json(const Proven& p, const Proof& proof) {
  ctl::Json json;
  json.object()
      .field("threshold", proof.rule.threshold)
      .field("slow_percent", proof.slow_percent)
      .field("in_turns", proof.taken == Taken::InTurns)
      .field("runs", proof.runs)
      .field("trials", p.trials)
      .field("passed", p.passed)
      .field("flagged", p.flagged)
      .field("metrics", p.metrics)
      .field("metrics_passed", p.metrics_passed)
      .field("metrics_flagged", p.metrics_flagged)
      .field("null_largest", p.null_largest)
      .field("slow_least", p.slow_least)
      .field("slow_most", p.slow_most)
      .end();
  return json.take();
}

}  // namespace sluice::bench
