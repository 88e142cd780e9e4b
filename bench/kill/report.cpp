#include "bench/kill/report.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "bench/machine/samples.hpp"
#include "bench/pipeline/picture.hpp"
#include "core/build.hpp"
#include "core/error.hpp"

namespace sluice::bench {
namespace {

Quantiles quantiles_of(const std::vector<double>& ns) {
  return {.count = ns.size(),
          .p50 = quantile(ns, 0.5),
          .p90 = quantile(ns, 0.9),
          .p99 = quantile(ns, 0.99),
          .p999 = quantile(ns, 0.999),
          .max = quantile(ns, 1)};
}

std::int64_t both_of(const Reaction& reaction) {
  return reaction.both_ns();
}

template <class Value>
void append(std::vector<double>& to, const std::vector<Reaction>& reactions, Value&& value) {
  for (const Reaction& one : reactions) to.push_back(static_cast<double>(value(one)));
}

double ratio_of(const KillBlock& block, double part) {
  std::vector<double> real;
  std::vector<double> bare;
  append(real, block.real, both_of);
  append(bare, block.bare, both_of);
  const double floor = quantile(std::move(bare), part);
  return floor > 0 ? quantile(std::move(real), part) / floor : 0;
}

Spread spread_of(const std::vector<KillBlock>& blocks, double part) {
  std::vector<double> ratios;
  for (const KillBlock& block : blocks) ratios.push_back(ratio_of(block, part));
  return {quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75)};
}

std::string row(std::string_view name, const Quantiles& q) {
  return fmt::format("{:<16} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>9.2f} {:>8}\n", name,
                     q.p50 / 1e3, q.p90 / 1e3, q.p99 / 1e3, q.p999 / 1e3, q.max / 1e3, q.count);
}

std::string setting(const KillPlan& plan, const KillResult& result) {
  return fmt::format("{} ticks/s, one in {} makes an order; {} blocks; {}; wait {}; build {}",
                     plan.rate, plan.order_every, result.blocks.size(),
                     placement_text(result.placement), result.wait, build_id());
}
std::string fitness_of(const KillResult& result) {
  return result.unfit.empty() ? "qualified"
                              : fmt::format("UNQUALIFIED: {}", fmt::join(result.unfit, "; "));
}

std::string_view said(bool met) {
  return met ? "met" : "MISSED";
}

std::string bars(const KillResult& result, const KillSummary& s) {
  const KillVerdict& v = result.verdict;
  std::string text = fmt::format(
      "both gates refuse, p50      {:>8.2f} us     at most {:.0f} us   {}\n"
      "p99 to that of the flag     {:>8.2f}        at most {:.0f}      {}   blocks' quartiles "
      "{:.2f} to {:.2f}\n"
      "p50 to that of the flag     {:>8.2f}                                blocks' quartiles "
      "{:.2f} to {:.2f}\n",
      s.both.p50 / 1e3, KillSummary::kQuickNs / 1e3, said(s.quick()), s.ratio_p99.median,
      KillSummary::kRatio, said(s.near_bare()), s.ratio_p99.low, s.ratio_p99.high,
      s.ratio_p50.median, s.ratio_p50.low, s.ratio_p50.high);
  text += fmt::format("p99.9 to that of the flag   {:>8.2f}        at most {:.0f}      {}\n",
                      s.bare.p999 > 0 ? s.both.p999 / s.bare.p999 : 0, KillSummary::kRatio,
                      result.unfit.empty() ? said(s.tail_near_bare()) : "not judged here");
  if (s.complete.count > 0)
    text += fmt::format(
        "gateway stopped, COMPLETE   {:>8.1f} ms     at most {:.0f} ms {}   the longest of {}, p50 "
        "{:.1f} ms\n",
        s.complete.max / 1e6, KillSummary::kCompleteNs / 1e6, said(s.completes()), s.complete.count,
        s.complete.p50 / 1e6);
  return text + fmt::format(
                    "paper log: {} orders; {} entries and {} exits sent behind KILL_COMPLETE, {} "
                    "approved before a kill and sent behind it: {}\n",
                    v.placed, v.entries_after, v.exits_after, v.revived,
                    v.violations() == 0 ? "kept" : "VIOLATED");
}

std::string json_of(const Quantiles& q) {
  return fmt::format(
      "{{\"count\": {}, \"p50_ns\": {:.0f}, \"p90_ns\": {:.0f}, \"p99_ns\": {:.0f}, \"p999_ns\": "
      "{:.0f}, \"max_ns\": {:.0f}}}",
      q.count, q.p50, q.p90, q.p99, q.p999, q.max);
}
std::string json_of(const Spread& s) {
  return fmt::format("{{\"median\": {:.4f}, \"quartiles\": [{:.4f}, {:.4f}]}}", s.median, s.low,
                     s.high);
}

std::string levels_json(const KillSummary& summary) {
  std::string text;
  for (std::size_t i = 0; i < kRaisedLevels.size(); ++i)
    text += fmt::format("{}\"{}\": {}", i == 0 ? "{" : ", ", name_of(kRaisedLevels[i]),
                        json_of(summary.levels[i]));
  return text + "}";
}

}  // namespace

KillSummary summary_of(const KillResult& result) {
  std::vector<double> risk;
  std::vector<double> gateway;
  std::vector<double> both;
  std::vector<double> bare;
  for (const KillBlock& block : result.blocks) {
    append(risk, block.real, [](const Reaction& r) { return r.risk_ns; });
    append(gateway, block.real, [](const Reaction& r) { return r.gateway_ns; });
    append(both, block.real, both_of);
    append(bare, block.bare, both_of);
  }
  std::array<Quantiles, kRaisedLevels.size()> levels;
  for (std::size_t i = 0; i < levels.size(); ++i) {
    std::vector<double> ns;
    for (const KillBlock& block : result.blocks)
      for (const Reaction& one : block.real)
        if (one.level == kRaisedLevels[i]) ns.push_back(static_cast<double>(one.both_ns()));
    levels[i] = quantiles_of(ns);
  }
  return {.risk = quantiles_of(risk),
          .gateway = quantiles_of(gateway),
          .both = quantiles_of(both),
          .bare = quantiles_of(bare),
          .ratio_p50 = spread_of(result.blocks, 0.5),
          .ratio_p99 = spread_of(result.blocks, 0.99),
          .levels = levels,
          .complete = quantiles_of({result.complete_ns.begin(), result.complete_ns.end()})};
}

Exit kill_exit(const KillResult& result, const KillSummary& summary, bool unqualified_ok) noexcept {
  const bool qualified = result.unfit.empty();
  if (result.verdict.violations() > 0) return Exit::No;
  if (!qualified && !unqualified_ok) return Exit::Unqualified;
  const bool met = summary.quick() && summary.near_bare() && summary.completes() &&
                   (!qualified || summary.tail_near_bare());
  return met ? Exit::Ok : Exit::No;
}

std::string kill_table(const KillPlan& plan, const KillResult& result, const KillSummary& summary) {
  std::string text = fmt::format("{:<16} {:>9} {:>9} {:>9} {:>9} {:>9} {:>8}\n", "us from raise",
                                 "p50", "p90", "p99", "p99.9", "max", "raises");
  text += row("risk obeys", summary.risk) + row("gateway obeys", summary.gateway) +
          row("both", summary.both);
  for (std::size_t i = 0; i < kRaisedLevels.size(); ++i)
    text += row(fmt::format("  {}", name_of(kRaisedLevels[i])), summary.levels[i]);
  text += row("bare flag, both", summary.bare) + "\n";
  text += bars(result, summary);
  return text + setting(plan, result) + "\n" + fitness_of(result) + "\n";
}

std::string kill_svg(const KillPlan& plan, const KillResult& result) {
  const auto curve = [&](const char* name, std::vector<Reaction> KillBlock::*of, auto&& value) {
    std::vector<std::int64_t> all;
    for (const KillBlock& block : result.blocks)
      for (const Reaction& one : block.*of) all.push_back(value(one));
    std::sort(all.begin(), all.end());
    return curve_of(name, all);
  };
  return svg_of("From a raise until the gates obey it", {setting(plan, result), fitness_of(result)},
                {curve("risk", &KillBlock::real, [](const Reaction& r) { return r.risk_ns; }),
                 curve("gateway", &KillBlock::real, [](const Reaction& r) { return r.gateway_ns; }),
                 curve("both", &KillBlock::real, both_of),
                 curve("bare flag, both", &KillBlock::bare, both_of)});
}

std::string kill_json(const KillPlan& plan, const KillResult& result, const KillSummary& summary) {
  const KillVerdict& v = result.verdict;
  return fmt::format(
      "{{\n  \"risk\": {},\n  \"gateway\": {},\n  \"both\": {},\n  \"bare\": {},\n"
      "  \"levels\": {},\n  \"ratio_p50\": {},\n  \"ratio_p99\": {},\n  \"complete_stopped\": {},\n"
      "  \"orders\": {}, \"entries_after\": {}, \"exits_after\": {}, \"revived\": {},\n"
      "  \"met\": {{\"both_p50\": {}, \"ratio_p99\": {}, \"complete\": {}}},\n"
      "  \"rate\": {}, \"order_every\": {}, \"blocks\": {}, \"placement\": \"{}\", \"wait\": "
      "\"{}\", \"build\": \"{}\", \"qualified\": {}\n}}\n",
      json_of(summary.risk), json_of(summary.gateway), json_of(summary.both), json_of(summary.bare),
      levels_json(summary), json_of(summary.ratio_p50), json_of(summary.ratio_p99),
      json_of(summary.complete), v.placed, v.entries_after, v.exits_after, v.revived,
      summary.quick(), summary.near_bare(), summary.completes(), plan.rate, plan.order_every,
      result.blocks.size(), placement_text(result.placement), result.wait, build_id(),
      result.unfit.empty());
}

}  // namespace sluice::bench
