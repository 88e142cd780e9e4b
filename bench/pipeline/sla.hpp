// Limits of latency, and whether a run has kept them.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "bench/pipeline/spans.hpp"
#include "core/config.hpp"

namespace sluice::bench {

inline constexpr std::array<double, 4> kJudged{0.5, 0.9, 0.99, 0.999};
inline constexpr std::array<const char*, 4> kJudgedNames{"p50", "p90", "p99", "p99.9"};

// One hop of a run in figures, ns.
struct HopFigures {
  Hop hop{};
  std::uint64_t count = 0;
  std::array<std::int64_t, kJudged.size()> at{};  // by kJudged
  std::int64_t max = 0;
};
std::vector<HopFigures> figures_of(const Spans& spans);

struct HopLimits {
  Hop hop{};
  std::array<std::int64_t, kJudged.size()> at{};
  std::uint64_t count_min = 0;
};
struct Sla {
  std::int64_t rate_min = 0;          // ticks per second
  std::int64_t bare_percent_max = 0;  // tick_to_sent p50 of the bare topology's
  std::vector<HopLimits> hops;
};

// The file's only user checks the document afterwards: every fault at once, with its place.
Sla parse_sla(const config::Document& document);
Sla load_sla(const std::filesystem::path& file);  // throws Error (Usage) with all faults

struct SlaRow {
  std::string what;  // "tick_to_sent p99"
  std::int64_t limit = 0;
  std::int64_t seen = 0;
  bool least = false;  // the limit is the least that must be seen, not the most
  [[nodiscard]] bool met() const noexcept { return least ? seen >= limit : seen <= limit; }
};
// Every row that the SLA has. rate: ticks per second.
std::vector<SlaRow> judge(const Sla& sla, const std::vector<HopFigures>& hops, double rate);
// Of the latencies alone: whatever the rate and however few.
std::vector<SlaRow> judge_latency(const Sla& sla, const std::vector<HopFigures>& hops);
bool all_met(const std::vector<SlaRow>& rows) noexcept;

}  // namespace sluice::bench
