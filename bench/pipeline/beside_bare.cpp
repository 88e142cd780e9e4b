#include "bench/pipeline/beside_bare.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "bench/machine/samples.hpp"
#include "bench/pipeline/bare.hpp"
#include "bench/pipeline/picture.hpp"

namespace sluice::bench {
namespace {

constexpr double kShortest = 3;  // seconds of a block, warm-up included

void add(Measured& all, Measured&& block) {
  if (all.seconds == 0) {
    all = std::move(block);
    return;
  }
  for (std::size_t i = 0; i < kHops; ++i)
    all.spans.ns[i].insert(all.spans.ns[i].end(), block.spans.ns[i].begin(),
                           block.spans.ns[i].end());
  all.sent.ticks += block.sent.ticks;
  all.sent.dropped_seat += block.sent.dropped_seat;
  all.sent.dropped_risk += block.sent.dropped_risk;
  all.sent.dropped_gateway += block.sent.dropped_gateway;
  all.sent.late_max = std::max(all.sent.late_max, block.sent.late_max);
  all.seconds += block.seconds;
  all.spans.intents += block.spans.intents;
  all.spans.entries += block.spans.entries;
  all.spans.exits += block.spans.exits;
  all.spans.sent += block.spans.sent;
  all.spans.fills += block.spans.fills;
  for (const auto& [reason, count] : block.spans.rejects) all.spans.rejects[reason] += count;
}

std::vector<std::int64_t> bare_block(const Session& session, const Measured& real, double seconds) {
  const Placement& p = real.setting.place;
  const BareResult result =
      run_bare({.cpus = {p.feed, p.strategy, p.risk, p.gateway},
                .wait = real.setting.strategy,
                .rate = static_cast<double>(session.rate),
                .length = Duration{static_cast<std::int64_t>(seconds * 1e9)},
                .warm_up = Duration{static_cast<std::int64_t>(session.warm_up_s * 1e9)}});
  std::vector<std::int64_t> sorted = result.latency_ns;
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

std::vector<double> ratios(const std::vector<BareBlock>& blocks) {
  std::vector<double> all;
  for (const BareBlock& block : blocks) all.push_back(block.ratio());
  return all;
}

}  // namespace

BesideBare measure_beside_bare(const Session& session, std::size_t blocks) {
  const double seconds = std::max(kShortest, session.seconds / static_cast<double>(blocks));
  if (session.warm_up_s >= seconds)
    throw Error(Exit::Usage, fmt::format("--warm-up {} leaves nothing of a block of {:.1f} s: "
                                         "longer --seconds, or fewer --blocks",
                                         session.warm_up_s, seconds));
  BesideBare both;
  for (std::size_t i = 0; i < blocks; ++i) {
    Measured real = measure(session, "latency", session.rate, seconds);
    const std::vector<std::int64_t> bare = bare_block(session, real, seconds);
    both.blocks.push_back(
        {exact_quantile(real.spans.of(Hop::TickToSent), 0.5), exact_quantile(bare, 0.5)});
    both.bare.insert(both.bare.end(), bare.begin(), bare.end());
    add(both.real, std::move(real));
  }
  for (auto& samples : both.real.spans.ns) std::sort(samples.begin(), samples.end());
  std::sort(both.bare.begin(), both.bare.end());
  both.real.hops = figures_of(both.real.spans);
  both.real.rate = static_cast<double>(both.real.sent.ticks) / both.real.seconds;
  return both;
}

double median_ratio(const std::vector<BareBlock>& blocks) {
  return median(ratios(blocks));
}

std::string bare_table(const BesideBare& both) {
  std::string text =
      fmt::format("{:<8} {:>18} {:>12} {:>8}\n", "block", "tick_to_sent p50", "bare p50", "ratio");
  for (const BareBlock& block : both.blocks)
    text += fmt::format("{:<8} {:>18} {:>12} {:>8.2f}\n", &block - both.blocks.data() + 1,
                        nanoseconds(block.real_ns), nanoseconds(block.bare_ns), block.ratio());
  const std::vector<double> all = ratios(both.blocks);
  return text + fmt::format(
                    "bare, all blocks: p50 {}, p90 {}, p99 {}, {} records\n"
                    "ratio of p50: median {:.2f}, quartiles {:.2f} to {:.2f}\n",
                    nanoseconds(exact_quantile(both.bare, 0.5)),
                    nanoseconds(exact_quantile(both.bare, 0.9)),
                    nanoseconds(exact_quantile(both.bare, 0.99)), both.bare.size(), median(all),
                    quantile(all, 0.25), quantile(all, 0.75));
}

std::string bare_json(const BesideBare& both) {
  std::string blocks;
  for (const BareBlock& block : both.blocks)
    blocks +=
        fmt::format("{}{{\"tick_to_sent_p50_ns\": {}, \"bare_p50_ns\": {}, \"ratio\": {:.3f}}}",
                    blocks.empty() ? "" : ", ", block.real_ns, block.bare_ns, block.ratio());
  const std::vector<double> all = ratios(both.blocks);
  return fmt::format(
      "{{\"p50_ns\": {}, \"p99_ns\": {}, \"records\": {}, \"ratio\": {:.3f}, "
      "\"ratio_quartiles\": [{:.3f}, {:.3f}], \"blocks\": [{}]}}",
      exact_quantile(both.bare, 0.5), exact_quantile(both.bare, 0.99), both.bare.size(),
      median(all), quantile(all, 0.25), quantile(all, 0.75), blocks);
}

SlaRow bare_row(const Sla& sla, const BesideBare& both) {
  return {"tick_to_sent p50, % of bare", sla.bare_percent_max,
          static_cast<std::int64_t>(median_ratio(both.blocks) * 100 + 0.5)};
}

}  // namespace sluice::bench
