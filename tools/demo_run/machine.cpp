#include "tools/demo_run/machine.hpp"

#include <fmt/format.h>
#include <sys/resource.h>

#include <fstream>
#include <sstream>

#include "core/clock.hpp"
#include "core/process.hpp"
#include "tools/demo_run/children.hpp"

namespace sluice::demo {
namespace {

constexpr rlim_t kMemoryNeeded = rlim_t{64} << 20;  // one stage with its mappings

std::string line_of(const std::string& path) {
  const std::string text = file_text(path);
  return text.substr(0, text.find('\n'));
}

bool has_hypervisor_flag() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("flags")) return (line + " ").find(" hypervisor ") != std::string::npos;
  return false;
}

}  // namespace

CpuTimes cpu_times(const std::string& proc_stat) {
  std::istringstream fields(proc_stat);
  std::string name;
  fields >> name;
  CpuTimes times{0, 0};
  std::uint64_t value = 0;
  // user nice system idle iowait irq softirq steal; guest time behind them is in user already
  for (int i = 0; i < 8 && fields >> value; ++i) {
    times.second += value;
    if (i == 7) times.first = value;
  }
  return times;
}
CpuTimes cpu_times() {
  return cpu_times(line_of("/proc/stat"));
}

std::string chosen_word(const std::string& text) {
  const std::size_t from = text.find('[');
  const std::size_t to = text.find(']');
  return from < to && to != std::string::npos ? text.substr(from + 1, to - from - 1)
                                              : std::string();
}

Machine look_at_machine(CpuTimes since) {
  Machine machine;
  machine.cpus = cpus_allowed();
  machine.hypervisor = has_hypervisor_flag();
  machine.invariant_tsc = invariant_tsc();
  machine.isolated = line_of("/sys/devices/system/cpu/isolated");
  machine.governor = line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor");
  machine.huge_pages = chosen_word(line_of("/sys/kernel/mm/transparent_hugepage/enabled"));
  rlimit limit{};
  getrlimit(RLIMIT_MEMLOCK, &limit);
  machine.memlock =
      limit.rlim_cur == RLIM_INFINITY ? "unlimited" : fmt::format("{} KiB", limit.rlim_cur >> 10);
  machine.memlock_enough = limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= kMemoryNeeded;
  const CpuTimes now = cpu_times();
  if (now.second > since.second)
    machine.steal_percent = 100.0 * static_cast<double>(now.first - since.first) /
                            static_cast<double>(now.second - since.second);
  return machine;
}

std::vector<std::string> Machine::obstacles(int processes) const {
  std::vector<std::string> list;
  if (cpus < processes)
    list.push_back(fmt::format("{} CPU{} for {} processes", cpus, cpus == 1 ? "" : "s", processes));
  if (hypervisor) list.emplace_back("hypervisor");
  if (!invariant_tsc) list.emplace_back("no invariant time-stamp counter");
  if (isolated.empty()) list.emplace_back("no isolated CPUs");
  if (!governor.empty() && governor != "performance") list.push_back("governor " + governor);
  if (steal_percent >= 0.05)
    list.push_back(fmt::format("{:.1f} % of CPU time stolen", steal_percent));
  if (!memlock_enough) list.push_back("memory cannot be locked (memlock " + memlock + ")");
  return list;
}

}  // namespace sluice::demo
