#include <fmt/format.h>

#include "bench/machine/fitness.hpp"
#include "bench/machine/samples.hpp"
#include "bench/recovery/recovery.hpp"
#include "core/build.hpp"

namespace sluice::bench {
namespace {

struct Row {
  const char* name;
  const char* json;
  Recovered Crash::*of;
  bool late_only = false;
};
constexpr std::array kRows{
    Row{"newest checkpoint", "memory", &Crash::memory},
    Row{"  at its oldest", "memory_late", &Crash::memory, true},
    Row{"filed checkpoint", "files", &Crash::files},
    Row{"whole journal", "zero", &Crash::zero},
};

struct Figures {
  std::size_t crashes = 0;
  double p50_ms = 0, max_ms = 0, ns_per_entry = 0;
  std::uint64_t entries_max = 0;
};

Figures figures_of(const Row& row, const RecoveryResult& result) {
  std::vector<double> ms, per_entry;
  Figures figures;
  for (const Crash& crash : result.crashes) {
    if (row.late_only && !crash.late) continue;
    const Recovered& one = crash.*row.of;
    const auto ns = static_cast<double>(one.took.ns);
    ms.push_back(ns / 1e6);
    per_entry.push_back(ns / static_cast<double>(std::max<std::uint64_t>(one.entries, 1)));
    figures.entries_max = std::max(figures.entries_max, one.entries);
  }
  figures.crashes = ms.size();
  figures.p50_ms = median(ms);
  figures.max_ms = quantile(ms, 1);
  figures.ns_per_entry = median(per_entry);
  return figures;
}

std::string differences(const RecoveryResult& result) {
  std::string text;
  for (const Crash& crash : result.crashes)
    for (const Row& row : kRows) {
      if (row.late_only || !(crash.*row.of).differs) continue;
      text += fmt::format("crash behind entry {}: from {}, byte {} of what it knows differs\n",
                          crash.entries, row.name, *(crash.*row.of).differs);
    }
  return text;
}

std::string crash_json(const Crash& crash) {
  const auto one = [](const Recovered& r) {
    return fmt::format("{{\"ns\": {}, \"entries\": {}, \"identical\": {}}}", r.took.ns, r.entries,
                       !r.differs);
  };
  return fmt::format(
      "{{\"ticks\": {}, \"entries\": {}, \"uncommitted\": {}, \"late\": {}, \"memory\": {}, "
      "\"files\": {}, \"zero\": {}}}",
      crash.ticks, crash.entries, crash.uncommitted, crash.late, one(crash.memory),
      one(crash.files), one(crash.zero));
}

}  // namespace

std::string recovery_table(const RecoveryPlan& plan, const RecoveryResult& result) {
  std::string text = fmt::format("{:<20} {:>8} {:>10} {:>10} {:>13} {:>9}\n", "recovery of risk",
                                 "crashes", "p50 ms", "max ms", "entries max", "ns/entry");
  for (const Row& row : kRows) {
    const Figures f = figures_of(row, result);
    if (f.crashes == 0) continue;
    text += fmt::format("{:<20} {:>8} {:>10.2f} {:>10.2f} {:>13} {:>9.1f}\n", row.name, f.crashes,
                        f.p50_ms, f.max_ms, f.entries_max, f.ns_per_entry);
  }
  const std::string wrong = differences(result);
  text += fmt::format(
      "\nlongest from the newest checkpoint {:.2f} ms, at most {:.0f} ms: {}\n"
      "{} bytes of state and cursors, those of the dead one and of the whole journal: {}\n{}",
      static_cast<double>(result.longest().ns) / 1e6, static_cast<double>(kRecoveryLimit.ns) / 1e6,
      result.longest() <= kRecoveryLimit ? "met" : "MISSED", result.state_bytes,
      wrong.empty() ? "identical" : "DIFFERENT", wrong);
  return text + fmt::format(
                    "{} ticks at {} per second in {:.1f} s: {} orders, {} fills, {} exits; "
                    "checkpoints every {} entries; build {}\n{}\n",
                    plan.ticks, plan.rate, static_cast<double>(result.drive.ns) / 1e9,
                    result.orders, result.fills, result.exits, plan.checkpoint_every, build_id(),
                    fitness({}));
}

std::string recovery_json(const RecoveryPlan& plan, const RecoveryResult& result) {
  std::string figures, crashes;
  for (const Row& row : kRows) {
    const Figures f = figures_of(row, result);
    figures += fmt::format(
        "  \"{}\": {{\"crashes\": {}, \"p50_ms\": {:.3f}, \"max_ms\": {:.3f}, \"entries_max\": {}, "
        "\"ns_per_entry\": {:.2f}}},\n",
        row.json, f.crashes, f.p50_ms, f.max_ms, f.entries_max, f.ns_per_entry);
  }
  for (const Crash& crash : result.crashes)
    crashes += fmt::format("{}\n    {}", crashes.empty() ? "" : ",", crash_json(crash));
  return fmt::format(
      "{{\n{}  \"crashes\": [{}\n  ],\n  \"limit_ms\": {:.0f}, \"identical\": {}, \"met\": {},\n"
      "  \"ticks\": {}, \"rate\": {}, \"orders\": {}, \"fills\": {}, \"exits\": {}, "
      "\"state_bytes\": {},\n  \"checkpoint_every\": {}, \"rotate_mib\": {}, \"build\": \"{}\", "
      "\"qualified\": {}\n}}\n",
      figures, crashes, static_cast<double>(kRecoveryLimit.ns) / 1e6, result.identical(),
      result.met(), plan.ticks, plan.rate, result.orders, result.fills, result.exits,
      result.state_bytes, plan.checkpoint_every, plan.rotate_mib, build_id(), unfit({}).empty());
}

}  // namespace sluice::bench
