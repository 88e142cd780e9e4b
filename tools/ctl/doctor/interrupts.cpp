// Interrupts and network: who else gets the configured CPUs, and is the wall clock right?
#include <fmt/format.h>
#include <sys/timex.h>

#include <array>
#include <map>
#include <sstream>

#include "tools/ctl/doctor/doctor.hpp"

namespace sluice::ctl::doctor {
namespace {

bool is_number(std::string_view text) noexcept {
  return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos;
}

Seen affinity(const Patient& p) {
  if (p.hot.empty()) return needs_cpus();
  std::string bad;
  std::string fix;
  bool seen = false;
  for (const std::string& irq : p.host.names("/proc/irq")) {
    if (!is_number(irq)) continue;
    const std::string folder = "/proc/irq/" + irq + "/";
    auto cpus = p.host.cpus(folder + "effective_affinity_list");
    if (!cpus || cpus->empty()) cpus = p.host.cpus(folder + "smp_affinity_list");
    if (!cpus) continue;
    seen = true;
    if (both(*cpus, p.hot_set()).empty()) continue;
    bad += (bad.empty() ? "" : ", ") + irq;
    if (fix.empty()) fix = "for i in";
    fix += " " + irq;
  }
  if (!seen) return absent("no interrupts are shown");
  if (bad.empty()) return ok("none on the configured CPUs");
  return warn("interrupts on the configured CPUs: " + bad,
              fix + "; do echo 0 > /proc/irq/$i/smp_affinity_list; done");
}

// Counts per CPU of one line of /proc/interrupts, by the header's columns.
std::map<int, std::uint64_t> counts_of(const std::vector<std::string>& lines,
                                       std::string_view label) {
  std::map<int, std::uint64_t> counts;
  if (lines.empty()) return counts;
  std::vector<int> columns;
  std::istringstream header(lines[0]);
  for (std::string word; header >> word;)
    if (word.starts_with("CPU")) columns.push_back(std::atoi(word.c_str() + 3));
  for (const std::string& line : lines) {
    std::istringstream fields(line);
    std::string name;
    fields >> name;
    if (name != label) continue;
    std::uint64_t value = 0;
    for (const int cpu : columns)
      if (fields >> value) counts[cpu] = value;
  }
  return counts;
}

Seen ticks(const Patient& p) {
  if (p.hot.empty()) return needs_cpus();
  const auto before = counts_of(p.host.before("/proc/interrupts"), "LOC:");
  const auto after = counts_of(p.host.after("/proc/interrupts"), "LOC:");
  std::uint64_t most = 0;
  bool seen = false;
  for (const int cpu : p.hot_set()) {
    const auto from = before.find(cpu);
    const auto to = after.find(cpu);
    if (from == before.end() || to == after.end()) continue;
    seen = true;
    most = std::max(most, to->second - from->second);
  }
  if (!seen) return absent("no counts are shown");
  const std::string read = fmt::format("{} timer interrupts within the look", most);
  return most <= 10 ? ok(read)
                    : warn(read, "# add nohz_full=LIST to the kernel's command line and reboot");
}

std::string unquoted(std::string text) {
  std::erase_if(text, [](char c) { return c == '"' || c == '\''; });
  return text;
}

Seen balancer(const Patient& p) {
  bool runs = false;
  for (const std::string& pid : p.host.names("/proc"))
    if (is_number(pid) && p.host.text("/proc/" + pid + "/comm") == "irqbalance") runs = true;
  if (!p.host.exists("/proc/self/status")) return absent("no processes are shown");
  if (!runs) return ok("not running");
  Cpus banned;
  for (const std::string& line : p.host.lines("/etc/default/irqbalance"))
    if (line.starts_with("IRQBALANCE_BANNED_CPULIST="))
      banned = parse_cpu_list(unquoted(line.substr(line.find('=') + 1)));
  if (!p.hot.empty() && without(p.hot_set(), banned).empty())
    return ok("running, the configured CPUs are banned");
  return warn("running: it may move interrupts to any CPU", "systemctl disable --now irqbalance");
}

Seen at_least(const Patient& p, std::string_view file, std::int64_t least, std::string_view name) {
  const auto number = p.host.number(file);
  if (!number) return absent("not shown here");
  return *number >= least ? ok(std::to_string(*number))
                          : warn(std::to_string(*number), fmt::format("sysctl {}={}", name, least));
}
Seen busy_read(const Patient& p) {
  return at_least(p, "/proc/sys/net/core/busy_read", 50, "net.core.busy_read");
}
Seen busy_poll(const Patient& p) {
  return at_least(p, "/proc/sys/net/core/busy_poll", 50, "net.core.busy_poll");
}
Seen receive_buffer(const Patient& p) {
  return at_least(p, "/proc/sys/net/core/rmem_max", 4'194'304, "net.core.rmem_max");
}

Seen wall_clock(const Patient& p) {
  if (!p.host.real()) return absent("not this machine");
  timex state{};
  if (::adjtimex(&state) < 0) return {Status::Unknown, "adjtimex is not permitted", {}};
  const std::string read = fmt::format(
      "{}, error at most {} us",
      (state.status & STA_UNSYNC) != 0 ? "not synchronised" : "synchronised", state.maxerror);
  return (state.status & STA_UNSYNC) == 0 ? ok(read) : warn(read, "systemctl enable --now chrony");
}

constexpr std::array kChecks{
    Check{"irq.affinity", "none on the configured CPUs", false, affinity},
    Check{"irq.ticks", "10 a second at most on the configured CPUs", false, ticks},
    Check{"irq.balancer", "not running, or with these CPUs banned", false, balancer},
    Check{"net.busy_read", "50 or more", false, busy_read},
    Check{"net.busy_poll", "50 or more", false, busy_poll},
    Check{"net.receive_buffer", "4 MiB or more", false, receive_buffer},
    Check{"net.wall_clock", "synchronised: the venue's time is compared with it", false,
          wall_clock},
};

}  // namespace

std::span<const Check> interrupt_checks() noexcept {
  return kChecks;
}

}  // namespace sluice::ctl::doctor
