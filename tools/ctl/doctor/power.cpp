// Power and clock: does a CPU stay awake at full speed, and is its counter a clock?
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>

#include "tools/ctl/doctor/doctor.hpp"

namespace sluice::ctl::doctor {
namespace {

constexpr std::string_view kCpu = "/sys/devices/system/cpu/";

// The hot CPUs, or all that are online.
Cpus looked_at(const Patient& p) {
  if (!p.hot.empty()) return p.hot_set();
  return p.host.cpus(std::string(kCpu) + "online").value_or(Cpus{});
}

// One file per CPU, all of which should say the same.
Seen everywhere(const Patient& p, std::string_view file, std::string_view good,
                std::string_view fix) {
  Cpus bad;
  std::string says;
  bool seen = false;
  for (const int cpu : looked_at(p)) {
    const auto text = p.host.text(fmt::format("{}cpu{}/{}", kCpu, cpu, file));
    if (!text) continue;
    seen = true;
    if (*text == good) continue;
    bad.insert(cpu);
    says = *text;
  }
  if (!seen) return absent("not shown here");
  return bad.empty() ? ok(std::string(good))
                     : warn(fmt::format("{} on CPU {}", says, text_of(bad)), std::string(fix));
}

Seen governor(const Patient& p) {
  return everywhere(p, "cpufreq/scaling_governor", "performance",
                    "cpupower frequency-set -g performance");
}
Seen preference(const Patient& p) {
  return everywhere(p, "cpufreq/energy_performance_preference", "performance",
                    "for f in /sys/devices/system/cpu/cpu*/cpufreq/energy_performance_preference; "
                    "do echo performance > $f; done");
}
Seen bias(const Patient& p) {
  return everywhere(p, "power/energy_perf_bias", "0", "cpupower set -b 0");
}

Seen turbo(const Patient& p) {
  if (const auto off = p.host.number(std::string(kCpu) + "intel_pstate/no_turbo"))
    return ok(*off == 0 ? "turbo may be used" : "turbo is off");
  if (const auto on = p.host.number(std::string(kCpu) + "cpufreq/boost"))
    return ok(*on != 0 ? "boost may be used" : "boost is off");
  return absent("not shown here");
}

// States that take longer than 10 us to leave and are not disabled.
Seen sleep_states(const Patient& p) {
  constexpr std::int64_t kLongUs = 10;
  std::string deep;
  bool seen = false;
  for (const int cpu : looked_at(p)) {
    const std::string folder = fmt::format("{}cpu{}/cpuidle", kCpu, cpu);
    for (const std::string& state : p.host.names(folder)) {
      const auto latency = p.host.number(fmt::format("{}/{}/latency", folder, state));
      const auto disabled = p.host.number(fmt::format("{}/{}/disable", folder, state));
      if (!latency) continue;
      seen = true;
      if (*latency > kLongUs && disabled.value_or(0) == 0)
        deep = fmt::format("CPU {}: {} takes {} us to leave", cpu,
                           p.host.text(fmt::format("{}/{}/name", folder, state)).value_or(state),
                           *latency);
    }
  }
  if (!seen) return absent("no sleep states are shown");
  if (deep.empty()) return ok("none above 10 us");
  return warn(deep + " (a spinning process holds it off by /dev/cpu_dma_latency)",
              "cpupower idle-set -D 10");
}

Seen clock_source(const Patient& p) {
  const auto source =
      p.host.text("/sys/devices/system/clocksource/clocksource0/current_clocksource");
  if (!source) return absent("not shown here");
  if (*source == "tsc") return ok(*source);
  const std::string fix =
      "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource";
  return *source == "hpet" || *source == "acpi_pm"
             ? fail(*source + ": each reading takes a us", fix)
             : warn(*source, fix);
}

Seen counter(const Patient& p) {
  const auto flags = p.host.value_of("/proc/cpuinfo", "flags");
  if (!flags) return absent("no CPU flags are shown");
  const std::string all = " " + *flags + " ";
  std::string missing;
  for (const std::string_view flag : {"constant_tsc", "nonstop_tsc"})
    if (all.find(fmt::format(" {} ", flag)) == std::string::npos)
      missing += fmt::format("{}{}", missing.empty() ? "" : ", ", flag);
  return missing.empty() ? ok("constant and never stops")
                         : warn("lacks " + missing + ": clock_gettime is used instead");
}

Seen reading(const Patient& p) {
  if (!p.host.real()) return absent("not this machine");
  constexpr int kTimes = 20'000;
  timespec t{};
  std::int64_t best = -1;
  for (int round = 0; round < 5; ++round) {
    timespec from{};
    clock_gettime(CLOCK_MONOTONIC, &from);
    for (int i = 0; i < kTimes; ++i) clock_gettime(CLOCK_MONOTONIC, &t);
    const std::int64_t ns =
        ((t.tv_sec - from.tv_sec) * 1'000'000'000 + t.tv_nsec - from.tv_nsec) / kTimes;
    best = best < 0 ? ns : std::min(best, ns);
  }
  const std::string read = fmt::format("{} ns a reading", best);
  return best < 100 ? ok(read)
                    : warn(read + ": a system call each",
                           "echo tsc > "
                           "/sys/devices/system/clocksource/clocksource0/current_clocksource");
}

constexpr std::array kChecks{
    Check{"power.governor", "performance", true, governor},
    Check{"power.preference", "performance", false, preference},
    Check{"power.bias", "0", false, bias},
    Check{"power.turbo", "either; figures of both differ", false, turbo},
    Check{"power.sleep_states", "none that takes more than 10 us to leave", true, sleep_states},
    Check{"clock.source", "tsc", true, clock_source},
    Check{"clock.counter", "constant_tsc and nonstop_tsc", true, counter},
    Check{"clock.reading", "below 100 ns", false, reading},
};

}  // namespace

std::span<const Check> power_checks() noexcept {
  return kChecks;
}

}  // namespace sluice::ctl::doctor
