// The kernel's own work: what runs on a CPU that nobody asked for.
#include <fmt/format.h>

#include <array>
#include <sstream>

#include "tools/ctl/doctor/doctor.hpp"

namespace sluice::ctl::doctor {
namespace {

Seen should_be(const Patient& p, std::string_view file, std::int64_t good, std::string_view name) {
  const auto number = p.host.number(file);
  if (!number) return absent("not shown here");
  return *number == good ? ok(std::to_string(*number))
                         : warn(std::to_string(*number), fmt::format("sysctl {}={}", name, good));
}

Seen timer_migration(const Patient& p) {
  return should_be(p, "/proc/sys/kernel/timer_migration", 0, "kernel.timer_migration");
}
Seen nmi_watchdog(const Patient& p) {
  return should_be(p, "/proc/sys/kernel/nmi_watchdog", 0, "kernel.nmi_watchdog");
}
Seen autogroup(const Patient& p) {
  return should_be(p, "/proc/sys/kernel/sched_autogroup_enabled", 0,
                   "kernel.sched_autogroup_enabled");
}

Seen stat_interval(const Patient& p) {
  const auto seconds = p.host.number("/proc/sys/vm/stat_interval");
  if (!seconds) return absent("not shown here");
  const std::string read = fmt::format("every {} s", *seconds);
  return *seconds >= 10 ? ok(read) : warn(read, "sysctl vm.stat_interval=10");
}

Seen split_lock(const Patient& p) {
  const auto on = p.host.number("/proc/sys/kernel/split_lock_mitigate");
  return on ? ok(*on != 0 ? "on" : "off") : absent("not shown here");
}

Seen realtime(const Patient& p) {
  const auto limit = p.host.number("/proc/sys/kernel/sched_rt_runtime_us");
  if (!limit) return absent("not shown here");
  return ok(fmt::format("{} us a second; no process of Sluice asks for real time", *limit));
}

// A mask or list of CPUs that the kernel's work is confined to.
Seen confined(const Patient& p, std::string_view file, bool mask) {
  if (p.hot.empty()) return needs_cpus();
  const auto text = p.host.text(file);
  if (!text) return absent("not shown here");
  const Cpus used = both(p.hot_set(), mask ? parse_cpu_mask(*text) : parse_cpu_list(*text));
  return used.empty() ? ok("not on the configured CPUs")
                      : warn("also on CPU " + text_of(used),
                             fmt::format("# write {} without CPU {} into {}",
                                         mask ? "the mask" : "the list", text_of(used), file));
}
Seen workqueues(const Patient& p) {
  return confined(p, "/sys/devices/virtual/workqueue/cpumask", true);
}
Seen writeback(const Patient& p) {
  return confined(p, "/sys/bus/workqueue/devices/writeback/cpumask", true);
}
Seen watchdog(const Patient& p) {
  return confined(p, "/proc/sys/kernel/watchdog_cpumask", false);
}

Seen machine_checks(const Patient& p) {
  const std::string folder = "/sys/devices/system/machinecheck/machinecheck0/";
  const auto every = p.host.number(folder + "check_interval");
  if (!every) return absent("not shown here");
  const bool ignored = p.host.number(folder + "ignore_ce").value_or(0) == 1;
  if (*every == 0 || ignored) return ok("memory is not polled for errors");
  return warn(fmt::format("every CPU polls for errors every {} s", *every),
              "# add mce=ignore_ce to the kernel's command line and reboot");
}

Seen pressure(const Patient& p) {
  const auto text = p.host.text("/proc/pressure/cpu");
  if (!text || !text->starts_with("some avg10=")) return absent("not shown here");
  double share = 0;
  std::istringstream(text->substr(std::string_view("some avg10=").size())) >> share;
  const std::string read = fmt::format("{:.2f} % of the time somebody waits for a CPU", share);
  return share < 1 ? ok(read) : warn(read, "# find who else computes here: top -H");
}

Seen kernel(const Patient& p) {
  const auto version = p.host.text("/proc/sys/kernel/osrelease");
  if (!version) return absent("not shown here");
  const bool real_time = p.host.number("/sys/kernel/realtime").value_or(0) == 1;
  std::string said;
  std::istringstream words(p.host.text("/proc/cmdline").value_or(""));
  for (std::string word; words >> word;)
    for (const std::string_view known :
         {"nosoftlockup", "tsc=", "mce=", "skew_tick=", "processor.max_cstate=",
          "intel_idle.max_cstate=", "idle=", "mitigations=", "isolcpus="})
      if (word.starts_with(known)) said += " " + word;
  return ok(fmt::format("{}{}{}", *version, real_time ? ", real time" : "", said));
}

constexpr std::array kChecks{
    Check{"kernel.version", "either; worth knowing with every figure", false, kernel},
    Check{"kernel.timer_migration", "0", false, timer_migration},
    Check{"kernel.nmi_watchdog", "0", false, nmi_watchdog},
    Check{"kernel.watchdog_cpus", "without the configured CPUs", false, watchdog},
    Check{"kernel.stat_interval", "10 s or more", false, stat_interval},
    Check{"kernel.autogroup", "0", false, autogroup},
    Check{"kernel.split_lock", "either", false, split_lock},
    Check{"kernel.real_time", "any: it is not used", false, realtime},
    Check{"kernel.workqueues", "without the configured CPUs", false, workqueues},
    Check{"kernel.writeback", "without the configured CPUs", false, writeback},
    Check{"kernel.machine_checks", "no polling", false, machine_checks},
    Check{"kernel.pressure", "below 1 %", true, pressure},
};

}  // namespace

std::span<const Check> kernel_checks() noexcept {
  return kChecks;
}

}  // namespace sluice::ctl::doctor
