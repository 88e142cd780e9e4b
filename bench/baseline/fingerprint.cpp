#include "bench/baseline/fingerprint.hpp"

#include <cpuid.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include "core/clock.hpp"

namespace sluice::bench {
namespace {

using ctl::doctor::Host;

// As it reads after a round through the file.
std::string plain(std::string text) {
  for (char& c : text)
    if (c < 0x20 || c > 0x7e) c = '?';
  return text;
}
std::string read(const Host& host, std::string_view path) {
  const auto text = host.text(path);
  return text && !text->empty() ? plain(*text) : "none";
}
std::string value(const Host& host, std::string_view path, std::string_view key) {
  return plain(host.value_of(path, key).value_or("unknown"));
}

// What a hypervisor calls itself, in the leaf reserved for it.
std::string hypervisor(const Host& host) {
  const auto flags = host.value_of("/proc/cpuinfo", "flags");
  if (!flags || flags->find("hypervisor") == std::string::npos) return "none";
  std::array<unsigned, 4> leaf{};
  __cpuid(0x4000'0000, leaf[0], leaf[1], leaf[2], leaf[3]);
  std::string name(3 * sizeof(unsigned), '\0');
  std::memcpy(name.data(), &leaf[1], name.size());
  name.erase(std::find(name.begin(), name.end(), '\0'), name.end());
  return name.empty() ? "unknown" : name;
}

std::string counter_mhz() {
  const std::uint64_t ns_per_tick = calibrate().ns_per_tick_q32;
  return ns_per_tick == 0 ? "none"
                          : fmt::format("{:.1f}", 1e3 * 0x1p32 / static_cast<double>(ns_per_tick));
}

std::string memory_mib(const Host& host) {
  std::int64_t kib = 0;
  const std::string text = value(host, "/proc/meminfo", "MemTotal");
  const auto end = std::from_chars(text.data(), text.data() + text.size(), kib);
  return end.ec == std::errc{} ? std::to_string(kib / 1'024) : "unknown";
}

double tolerance(std::string_view name) noexcept {
  if (name == "tsc_mhz") return 0.001;
  return name == "memory_mib" ? 0.01 : 0;
}

std::optional<double> number(const std::string& text) {
  double parsed = 0;
  const auto end = std::from_chars(text.data(), text.data() + text.size(), parsed);
  if (end.ec != std::errc{} || end.ptr != text.data() + text.size()) return std::nullopt;
  return parsed;
}

bool alike(const Trait& there, const std::string& here) {
  if (there.value == here) return true;
  const auto a = number(there.value);
  const auto b = number(here);
  return a && b && std::abs(*a - *b) <= tolerance(there.name) * std::max(*a, *b);
}

const std::string* value_in(const Fingerprint& fingerprint, std::string_view name) {
  for (const Trait& trait : fingerprint)
    if (trait.name == name) return &trait.value;
  return nullptr;
}

}  // namespace

Fingerprint fingerprint_of(const Host& host) {
  constexpr std::string_view kCpus = "/sys/devices/system/cpu/";
  const auto of_cpus = [&](std::string_view name) {
    return read(host, fmt::format("{}{}", kCpus, name));
  };
  return {
      {"cpu", value(host, "/proc/cpuinfo", "model name")},
      {"cpus", of_cpus("online")},
      {"smt", of_cpus("smt/active")},
      {"microcode", value(host, "/proc/cpuinfo", "microcode")},
      {"kernel", read(host, "/proc/sys/kernel/osrelease")},
      {"clocksource",
       read(host, "/sys/devices/system/clocksource/clocksource0/current_clocksource")},
      {"tsc_mhz", counter_mhz()},
      {"hypervisor", hypervisor(host)},
      {"governor", of_cpus("cpu0/cpufreq/scaling_governor")},
      {"isolated", of_cpus("isolated")},
      {"nohz_full", of_cpus("nohz_full")},
      {"memory_mib", memory_mib(host)},
  };
}

const Fingerprint& this_machine() {
  static const Fingerprint fingerprint = fingerprint_of(Host());
  return fingerprint;
}

std::vector<std::string> differences(const Fingerprint& there, const Fingerprint& here) {
  std::vector<std::string> lines;
  for (const Trait& trait : there) {
    const std::string* mine = value_in(here, trait.name);
    if (mine == nullptr || !alike(trait, *mine))
      lines.push_back(fmt::format("{}: {} there, {} here", trait.name, trait.value,
                                  mine != nullptr ? *mine : "not looked at"));
  }
  for (const Trait& trait : here)
    if (value_in(there, trait.name) == nullptr)
      lines.push_back(fmt::format("{}: not looked at there, {} here", trait.name, trait.value));
  return lines;
}

}  // namespace sluice::bench
