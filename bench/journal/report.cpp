#include <fmt/format.h>

#include "bench/journal/journal.hpp"
#include "bench/machine/fitness.hpp"
#include "bench/machine/samples.hpp"
#include "core/build.hpp"

namespace sluice::bench {
namespace {

std::string row(const char* name, const AppendTail& t) {
  return fmt::format("{:<24} {:>8.1f} {:>8.1f} {:>8.1f} {:>10.0f} {:>11}\n", name, t.p50, t.p99,
                     t.p999, t.max, t.appends);
}
std::string json_of(const AppendTail& t) {
  return fmt::format(
      "{{\"appends\": {}, \"p50_ns\": {:.1f}, \"p99_ns\": {:.1f}, \"p999_ns\": {:.1f}, \"max_ns\": "
      "{:.0f}}}",
      t.appends, t.p50, t.p99, t.p999, t.max);
}
const char* said(bool met) {
  return met ? "met" : "MISSED";
}

}  // namespace

std::string journal_table(const JournalPlan& plan, const JournalResult& result) {
  const double ns = result.append_ns();
  std::string text =
      fmt::format("{:<24} {:>8} {:>8} {:>8} {:>10} {:>11}\n", "ns per append, each timed", "p50",
                  "p99", "p99.9", "max", "appends");
  text += row("clean windows", result.clean) + row("all windows", result.all);
  text += fmt::format(
      "\nan append {:.1f} ns, quartiles {:.1f}-{:.1f} of {} blocks; at most {:.0f}: {}\n"
      "p99.9 in clean windows {:.1f} ns, at most {:.0f}: {}\n"
      "{} windows: in {} the kernel ran somebody else, {} others were away for longer than an "
      "append can be\n"
      "{} stalls through a full journal, {:.2f} s of {:.2f} s, in no figure\n"
      "{} entries in {} files: {}\n",
      ns, quantile(result.block_ns, 0.25), quantile(result.block_ns, 0.75), result.block_ns.size(),
      kAppendLimitNs, said(ns <= kAppendLimitNs), result.clean.p999, kAppendTailLimitNs,
      said(result.clean.p999 <= kAppendTailLimitNs), result.windows, result.switched, result.gaps,
      result.stalls, static_cast<double>(result.stalled.ns) / 1e9,
      static_cast<double>(result.took.ns) / 1e9, result.entries, result.files,
      result.wrong.empty() ? "every one there, in order and whole" : result.wrong);
  return text + fmt::format(
                    "writer on CPU {}, recorder on CPU {}; timer {:.1f} ns, taken off, in steps of "
                    "{:.1f} ns;\na cache line there and back {:.0f} ns before, {:.0f} ns behind; "
                    "build {}\n"
                    "{}\n",
                    plan.cpus.mine, plan.cpus.peer, result.timer_ns, result.step_ns,
                    result.floor_before_ns, result.floor_behind_ns, build_id(),
                    fitness({plan.cpus.mine, plan.cpus.peer}));
}

std::string journal_json(const JournalPlan& plan, const JournalResult& result) {
  return fmt::format(
      "{{\n  \"append_ns\": {:.2f}, \"quartiles\": [{:.2f}, {:.2f}], \"blocks\": {},\n"
      "  \"clean\": {},\n  \"all\": {},\n"
      "  \"windows\": {}, \"switched\": {}, \"gaps\": {}, \"stalls\": {}, \"stalled_ns\": {}, "
      "\"took_ns\": {},\n  \"entries\": {}, \"files\": {}, \"complete\": {}, \"met\": {}, "
      "\"timer_ns\": {:.2f}, \"step_ns\": {:.2f},\n  \"floor_ns\": [{:.1f}, {:.1f}],  \"cpus\": "
      "[{}, {}], \"rotate_mib\": {}, "
      "\"build\": \"{}\", "
      "\"qualified\": {}\n}}\n",
      result.append_ns(), quantile(result.block_ns, 0.25), quantile(result.block_ns, 0.75),
      result.block_ns.size(), json_of(result.clean), json_of(result.all), result.windows,
      result.switched, result.gaps, result.stalls, result.stalled.ns, result.took.ns,
      result.entries, result.files, result.wrong.empty(), result.met(), result.timer_ns,
      result.step_ns, result.floor_before_ns, result.floor_behind_ns, plan.cpus.mine,
      plan.cpus.peer, plan.rotate_mib, build_id(), unfit({plan.cpus.mine, plan.cpus.peer}).empty());
}

}  // namespace sluice::bench
