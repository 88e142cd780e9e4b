#include "bench/pipeline/sla.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace sluice::bench {
namespace {

constexpr std::array<const char*, kJudged.size()> kKeys{"p50_ns", "p90_ns", "p99_ns", "p999_ns"};
constexpr std::int64_t kLongest = 1'000'000'000'000;

HopLimits parse_hop(const config::Table& table) {
  HopLimits limits;
  limits.hop = static_cast<Hop>(table.choice("name", {kHopNames.begin(), kHopNames.end()}));
  for (std::size_t i = 0; i < kKeys.size(); ++i) {
    limits.at[i] = table.duration(kKeys[i], 1, kLongest).ns;
    if (i != 0 && table.sound(kKeys[i]) && table.sound(kKeys[i - 1]) &&
        limits.at[i] < limits.at[i - 1])
      table.fault(kKeys[i], fmt::format("must not be below {}", kKeys[i - 1]));
  }
  limits.count_min = static_cast<std::uint64_t>(table.integer("count_min", 1, 1'000'000'000));
  return limits;
}

const HopFigures& figures(const std::vector<HopFigures>& hops, Hop hop) noexcept {
  static const HopFigures kNone{};
  const auto found =
      std::find_if(hops.begin(), hops.end(), [hop](const auto& one) { return one.hop == hop; });
  return found != hops.end() ? *found : kNone;
}

}  // namespace

std::vector<HopFigures> figures_of(const Spans& spans) {
  std::vector<HopFigures> all;
  for (std::size_t i = 0; i < kHops; ++i) {
    const std::vector<std::int64_t>& sorted = spans.ns[i];
    HopFigures figures{.hop = static_cast<Hop>(i), .count = sorted.size()};
    for (std::size_t q = 0; q < kJudged.size(); ++q)
      figures.at[q] = exact_quantile(sorted, kJudged[q]);
    figures.max = sorted.empty() ? 0 : sorted.back();
    all.push_back(figures);
  }
  return all;
}

Sla parse_sla(const config::Document& document) {
  const config::Table root = document.root();
  Sla sla;
  sla.rate_min = root.table("run").integer("rate_min", 1, 10'000'000);
  sla.bare_percent_max = root.table("run").integer("bare_percent_max", 100, 100'000);
  for (const config::Table& table : root.tables("hop")) {
    const HopLimits limits = parse_hop(table);
    const bool twice = std::any_of(sla.hops.begin(), sla.hops.end(),
                                   [&](const HopLimits& one) { return one.hop == limits.hop; });
    if (twice && table.sound("name")) table.fault("name", "this hop has limits already");
    sla.hops.push_back(limits);
  }
  if (sla.hops.empty()) root.fault("", "no [[hop]] has limits: nothing would be judged");
  return sla;
}

Sla load_sla(const std::filesystem::path& file) {
  const config::Document document = config::Document::load(file);
  const Sla sla = parse_sla(document);
  document.check();
  return sla;
}

std::vector<SlaRow> judge_latency(const Sla& sla, const std::vector<HopFigures>& hops) {
  std::vector<SlaRow> rows;
  for (const HopLimits& limits : sla.hops) {
    const HopFigures& seen = figures(hops, limits.hop);
    const std::string_view name = kHopNames[static_cast<std::size_t>(limits.hop)];
    if (seen.count == 0) rows.push_back({fmt::format("{} count", name), 1, 0, true});
    for (std::size_t i = 0; i < kJudged.size(); ++i)
      rows.push_back({fmt::format("{} {} ns", name, kJudgedNames[i]), limits.at[i], seen.at[i]});
  }
  return rows;
}

std::vector<SlaRow> judge(const Sla& sla, const std::vector<HopFigures>& hops, double rate) {
  std::vector<SlaRow> rows{
      {"ticks per second", sla.rate_min, static_cast<std::int64_t>(rate), true}};
  for (const HopLimits& limits : sla.hops)
    rows.push_back({fmt::format("{} count", kHopNames[static_cast<std::size_t>(limits.hop)]),
                    static_cast<std::int64_t>(limits.count_min),
                    static_cast<std::int64_t>(figures(hops, limits.hop).count), true});
  const std::vector<SlaRow> latency = judge_latency(sla, hops);
  rows.insert(rows.end(), latency.begin(), latency.end());
  return rows;
}

bool all_met(const std::vector<SlaRow>& rows) noexcept {
  return std::all_of(rows.begin(), rows.end(), [](const SlaRow& row) { return row.met(); });
}

}  // namespace sluice::bench
