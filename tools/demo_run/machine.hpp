// Whether this machine can give latency figures that mean something, and if not, why not.
// Qualification is about the figures only: the pipeline runs on anything.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace sluice::demo {

struct Machine {
  int cpus = 0;  // that this process may run on
  bool hypervisor = false;
  bool invariant_tsc = false;
  std::string isolated;    // "2-5"; empty = none
  std::string governor;    // empty = not visible
  std::string huge_pages;  // "always", "madvise", "never"
  std::string memlock;     // "unlimited", "8192 KiB"
  bool memlock_enough = false;
  double steal_percent = 0;  // of all CPU time since the first look

  [[nodiscard]] bool qualified(int processes) const { return obstacles(processes).empty(); }
  [[nodiscard]] std::vector<std::string> obstacles(int processes) const;
};

// CPU time of the whole machine in ticks: {stolen, all}.
using CpuTimes = std::pair<std::uint64_t, std::uint64_t>;
CpuTimes cpu_times(const std::string& proc_stat);  // pure: the text of /proc/stat
CpuTimes cpu_times();

Machine look_at_machine(CpuTimes since);
std::string chosen_word(const std::string& text);  // pure: "always [madvise] never" -> "madvise"

}  // namespace sluice::demo
