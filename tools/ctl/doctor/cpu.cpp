// CPUs: are those that the configuration names there, alone, near each other and not throttled?
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "tools/ctl/doctor/doctor.hpp"

namespace sluice::ctl::doctor {
namespace {

constexpr std::string_view kCpu = "/sys/devices/system/cpu/";

std::string cpu_file(int cpu, std::string_view file) {
  return fmt::format("{}cpu{}/{}", kCpu, cpu, file);
}

Cpus online(const Host& host) {
  return host.cpus(std::string(kCpu) + "online").value_or(Cpus{});
}

// A parameter of the kernel's command line, "name=value"; empty if it is not there.
std::string parameter(const Host& host, std::string_view name) {
  std::istringstream words(host.text("/proc/cmdline").value_or(""));
  for (std::string word; words >> word;)
    if (word.starts_with(name) && word.size() > name.size() && word[name.size()] == '=')
      return word.substr(name.size() + 1);
  return {};
}

std::string boot_with(std::string_view parameter, const Cpus& cpus) {
  return fmt::format("# add {}={} to the kernel's command line and reboot", parameter,
                     text_of(cpus));
}

Seen affinity(const Patient& p) {
  if (p.hot.empty()) return needs_cpus();
  const Cpus hot = p.hot_set();
  const auto allowed = p.host.value_of("/proc/self/status", "Cpus_allowed_list");
  const Cpus missing = without(hot, online(p.host));
  const Cpus forbidden = allowed ? without(hot, parse_cpu_list(*allowed)) : Cpus{};
  const std::string edit = "# change cpu = N in [process.NAME] of the configuration";
  if (!missing.empty()) return fail("not online: " + text_of(missing), edit);
  if (!forbidden.empty())
    return fail("not allowed here (taskset, cpuset): " + text_of(forbidden), edit);
  if (hot.size() != p.hot.size()) return fail("a CPU is named twice: " + text_of(hot), edit);
  if (hot.contains(0)) return fail("CPU 0 is the kernel's own", edit);
  return ok(text_of(hot) + " are there, each for one process");
}

Seen isolated(const Patient& p) {
  const auto there = p.host.cpus(std::string(kCpu) + "isolated");
  if (!there) return absent("the kernel does not say");
  if (p.hot.empty())
    return there->empty() ? warn("no CPU is isolated",
                                 "# add isolcpus=managed_irq,domain,LIST to "
                                 "the kernel's command line and reboot")
                          : ok(text_of(*there));
  const Cpus rest = without(p.hot_set(), *there);
  return rest.empty() ? ok(text_of(*there))
                      : warn("not isolated: " + text_of(rest), boot_with("isolcpus", p.hot_set()));
}

Seen nohz_full(const Patient& p) {
  if (p.hot.empty()) return needs_cpus();
  const auto there = p.host.cpus(std::string(kCpu) + "nohz_full");
  if (!there) return absent("this kernel has no nohz_full");
  const Cpus rest = without(p.hot_set(), *there);
  return rest.empty()
             ? ok(text_of(*there))
             : warn("ticks go on on " + text_of(rest), boot_with("nohz_full", p.hot_set()));
}

Seen rcu_nocbs(const Patient& p) {
  if (p.hot.empty()) return needs_cpus();
  if (!p.host.exists("/proc/cmdline")) return absent("no kernel command line to read");
  const auto full = p.host.cpus(std::string(kCpu) + "nohz_full");
  if (full && without(p.hot_set(), *full).empty()) return ok("implied by nohz_full");
  const std::string list = parameter(p.host, "rcu_nocbs");
  const Cpus rest = without(p.hot_set(), parse_cpu_list(list));
  if (list == "all" || rest.empty()) return ok("rcu_nocbs=" + list);
  return warn("callbacks run on " + text_of(rest), boot_with("rcu_nocbs", p.hot_set()));
}

Seen smt(const Patient& p) {
  const auto active = p.host.number(std::string(kCpu) + "smt/active");
  if (active && *active == 0) return ok("off");
  if (p.hot.empty())
    return active ? warn("on", "echo off > /sys/devices/system/cpu/smt/control")
                  : absent("the kernel does not say");
  Cpus shared;
  bool seen = false;
  for (const int cpu : p.hot_set()) {
    const auto siblings = p.host.cpus(cpu_file(cpu, "topology/thread_siblings_list"));
    if (!siblings) continue;
    seen = true;
    if (siblings->size() > 1) shared.insert(cpu);
  }
  if (!seen) return absent("no topology is shown");
  return shared.empty() ? ok("the CPUs have their cores alone")
                        : warn("share their cores: " + text_of(shared),
                               "echo off > /sys/devices/system/cpu/smt/control");
}

Seen cache(const Patient& p) {
  if (p.hot.size() < 2) return p.hot.empty() ? needs_cpus() : absent("one CPU is named");
  const auto first = p.host.cpus(cpu_file(p.hot[0], "cache/index3/shared_cpu_list"));
  if (!first) return absent("no third-level cache is shown");
  const Cpus far = without(p.hot_set(), *first);
  return far.empty() ? ok("one third-level cache: " + text_of(*first))
                     : warn("behind another cache than CPU " + std::to_string(p.hot[0]) + ": " +
                                text_of(far),
                            "# choose CPUs of " + text_of(*first));
}

Seen numa(const Patient& p) {
  if (p.hot.empty()) return needs_cpus();
  const std::string nodes = "/sys/devices/system/node";
  std::string used;
  int count = 0;
  for (const std::string& name : p.host.names(nodes)) {
    if (!name.starts_with("node")) continue;
    const auto cpus = p.host.cpus(fmt::format("{}/{}/cpulist", nodes, name));
    if (!cpus || both(p.hot_set(), *cpus).empty()) continue;
    used += (count++ == 0 ? "" : ", ") + name;
  }
  if (count == 0) return absent("no nodes are shown");
  return count == 1 ? ok(used) : warn("spread over " + used, "# choose CPUs of one node");
}

// The folder of this process's cgroup with that file in it; empty if there is none.
std::string cgroup_file(const Host& host, std::string_view controller, std::string_view v1,
                        std::string_view v2) {
  for (const std::string& line : host.lines("/proc/self/cgroup")) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (second == std::string::npos) continue;
    const std::string_view name = std::string_view(line).substr(first + 1, second - first - 1);
    const std::string path = line.substr(second + 1);
    const std::string file = name.empty()
                                 ? fmt::format("/sys/fs/cgroup{}/{}", path, v2)
                                 : fmt::format("/sys/fs/cgroup/{}{}/{}", controller, path, v1);
    const bool ours =
        name.empty() ||
        ("," + std::string(name) + ",").find(fmt::format(",{},", controller)) != std::string::npos;
    if (ours && host.exists(file)) return file;
  }
  return {};
}

Seen quota(const Patient& p) {
  const std::string file = cgroup_file(p.host, "cpu", "cpu.cfs_quota_us", "cpu.max");
  const auto text = file.empty() ? std::nullopt : p.host.text(file);
  if (!text) return absent("no limit is shown");
  const bool free = text->starts_with("max") || *text == "-1";
  return free ? ok("none")
              : fail("CPU time is limited: " + *text + " in " + file,
                     fmt::format("echo {} > {}", file.ends_with("cpu.max") ? "max" : "-1", file));
}

struct Times {
  std::uint64_t stolen = 0;
  std::uint64_t all = 0;
};
Times times_of(const std::vector<std::string>& stat) {
  Times times;
  if (stat.empty()) return times;
  std::istringstream fields(stat[0]);
  std::string name;
  std::uint64_t value = 0;
  fields >> name;
  // user nice system idle iowait irq softirq steal; guest time behind them is in user already
  for (int i = 0; i < 8 && fields >> value; ++i) {
    times.all += value;
    if (i == 7) times.stolen = value;
  }
  return times;
}

Seen steal(const Patient& p) {
  const Times before = times_of(p.host.before("/proc/stat"));
  const Times after = times_of(p.host.after("/proc/stat"));
  if (after.all <= before.all) return absent("no CPU times were seen to pass");
  const std::uint64_t permille = 1'000 * (after.stolen - before.stolen) / (after.all - before.all);
  const std::string read =
      fmt::format("{}.{} % of CPU time is stolen", permille / 10, permille % 10);
  return permille < 1
             ? ok(read)
             : warn(read, "# ask the host for CPUs of your own (pinned, not overcommitted)");
}

Seen hypervisor(const Patient& p) {
  const auto flags = p.host.value_of("/proc/cpuinfo", "flags");
  if (!flags) return absent("no CPU flags are shown");
  return (" " + *flags + " ").find(" hypervisor ") == std::string::npos
             ? ok("bare metal")
             : warn("a virtual machine: the host can take any CPU away at any time",
                    "# run on bare metal");
}

Seen count(const Patient& p) {
  const std::size_t cpus = online(p.host).size();
  if (cpus == 0) return absent("the kernel does not say");
  if (p.processes == 0)
    return absent(
        fmt::format("{} CPUs; --conf FILE says for how many "
                    "processes",
                    cpus));
  const bool enough = cpus > static_cast<std::size_t>(p.processes);
  const std::string read = fmt::format("{} CPUs for {} processes", cpus, p.processes);
  return enough ? ok(read) : warn(read, "# let the stages yield: wait = \"auto\" or \"yield\"");
}

constexpr std::array kChecks{
    Check{"cpu.count", "one CPU more than there are processes", true, count},
    Check{"cpu.affinity", "configured CPUs are online, allowed, used once, and not CPU 0", true,
          affinity},
    Check{"cpu.isolated", "the configured CPUs are isolated from the scheduler", true, isolated},
    Check{"cpu.nohz_full", "no timer ticks on the configured CPUs", false, nohz_full},
    Check{"cpu.rcu_nocbs", "no RCU callbacks on the configured CPUs", false, rcu_nocbs},
    Check{"cpu.smt", "no other thread on the same core", true, smt},
    Check{"cpu.cache", "the configured CPUs share a third-level cache", false, cache},
    Check{"cpu.numa", "the configured CPUs are of one node", false, numa},
    Check{"cpu.quota", "no limit of CPU time (cgroup)", true, quota},
    Check{"cpu.steal", "below 0.1 %", true, steal},
    Check{"cpu.hypervisor", "bare metal", true, hypervisor},
};

}  // namespace

std::span<const Check> cpu_checks() noexcept {
  return kChecks;
}

}  // namespace sluice::ctl::doctor
