// Memory: can pages be locked, and does the kernel leave them alone?
#include <fmt/format.h>
#include <sys/statvfs.h>

#include <array>
#include <charconv>
#include <sstream>

#include "tools/ctl/doctor/doctor.hpp"

namespace sluice::ctl::doctor {
namespace {

constexpr std::string_view kThp = "/sys/kernel/mm/transparent_hugepage/";
constexpr std::uint64_t kLockable = std::uint64_t{64} << 20;  // one stage with its mappings

Seen huge_pages(const Patient& p) {
  const auto word = p.host.chosen(std::string(kThp) + "enabled");
  if (!word) return absent("not shown here");
  return *word != "always"
             ? ok(*word)
             : warn(*word, "echo madvise > /sys/kernel/mm/transparent_hugepage/enabled");
}

Seen defrag(const Patient& p) {
  const auto word = p.host.chosen(std::string(kThp) + "defrag");
  if (!word) return absent("not shown here");
  return *word != "always"
             ? ok(*word)
             : warn(*word, "echo madvise > /sys/kernel/mm/transparent_hugepage/defrag");
}

// Soft limit of a line of /proc/self/limits; nothing if it is not there, all ones if unlimited.
std::optional<std::uint64_t> limit(const Host& host, std::string_view name) {
  for (const std::string& line : host.lines("/proc/self/limits")) {
    if (!line.starts_with(name)) continue;
    std::istringstream words(line.substr(name.size()));
    std::string soft;
    words >> soft;
    if (soft == "unlimited") return ~std::uint64_t{0};
    std::uint64_t value = 0;
    if (std::from_chars(soft.data(), soft.data() + soft.size(), value).ec == std::errc{})
      return value;
  }
  return std::nullopt;
}

bool may_lock_anything(const Host& host) {
  const std::string hex = host.value_of("/proc/self/status", "CapEff").value_or("");
  std::uint64_t bits = 0;
  std::from_chars(hex.data(), hex.data() + hex.size(), bits, 16);
  constexpr unsigned kIpcLock = 14;
  return (bits >> kIpcLock & 1u) != 0;
}

Seen memlock(const Patient& p) {
  const auto bytes = limit(p.host, "Max locked memory");
  if (!bytes) return absent("no limits are shown");
  if (*bytes == ~std::uint64_t{0}) return ok("unlimited");
  const std::string read = fmt::format("{} KiB", *bytes >> 10);
  if (may_lock_anything(p.host)) return ok(read + ", and CAP_IPC_LOCK overrides it");
  const std::uint64_t need = kLockable + p.shared_memory;
  return *bytes >= need ? ok(read)
                        : fail(read + fmt::format(", {} KiB are needed", need >> 10),
                               "ulimit -l unlimited  # or LimitMEMLOCK=infinity of the unit");
}

Seen swap(const Patient& p) {
  if (!p.host.exists("/proc/swaps")) return absent("not shown here");
  const std::size_t areas = p.host.lines("/proc/swaps").size();
  if (areas <= 1) return ok("no swap");
  const auto eager = p.host.number("/proc/sys/vm/swappiness");
  const std::string read = fmt::format("{} swap areas, swappiness {}", areas - 1,
                                       eager ? std::to_string(*eager) : "unknown");
  return eager && *eager <= 10 ? ok(read) : warn(read, "swapoff -a  # or sysctl vm.swappiness=10");
}

// A setting that should be one number.
Seen setting(const Patient& p, std::string_view file, std::int64_t good, std::string_view fix) {
  const auto text = p.host.text(file);
  if (!text) return absent("not shown here");
  return *text == std::to_string(good) ? ok(*text) : warn(*text, std::string(fix));
}

Seen balancing(const Patient& p) {
  return setting(p, "/proc/sys/kernel/numa_balancing", 0, "sysctl kernel.numa_balancing=0");
}
Seen zone_reclaim(const Patient& p) {
  return setting(p, "/proc/sys/vm/zone_reclaim_mode", 0, "sysctl vm.zone_reclaim_mode=0");
}
Seen compaction(const Patient& p) {
  return setting(p, "/proc/sys/vm/compaction_proactiveness", 0,
                 "sysctl vm.compaction_proactiveness=0");
}
Seen merging(const Patient& p) {
  const auto run = p.host.number("/sys/kernel/mm/ksm/run");
  if (!run) return absent("not shown here");
  return *run != 1 ? ok("off") : warn("pages are merged", "echo 2 > /sys/kernel/mm/ksm/run");
}

Seen shm_room(const Patient& p) {
  struct statvfs fs {};
  if (::statvfs(p.host.path("/dev/shm").c_str(), &fs) != 0) return absent("no /dev/shm");
  const std::uint64_t room = std::uint64_t{fs.f_bavail} * fs.f_frsize;
  constexpr std::uint64_t kDefault = std::uint64_t{32} << 20;  // the default configuration
  const std::uint64_t need = 2 * (p.shared_memory != 0 ? p.shared_memory : kDefault);
  const std::string read =
      fmt::format("{} MiB free, two instances take {} MiB", room >> 20, need >> 20);
  return room >= need ? ok(read)
                      : fail(read, fmt::format("mount -o remount,size={}m /dev/shm  # docker run "
                                               "--shm-size={}m",
                                               2 * (need >> 20), 2 * (need >> 20)));
}

Seen cores(const Patient& p) {
  const auto bytes = limit(p.host, "Max core file size");
  const auto pattern = p.host.text("/proc/sys/kernel/core_pattern");
  if (!bytes || !pattern) return absent("not shown here");
  return ok(fmt::format("{}, pattern {}", *bytes == 0 ? "no core files" : "core files are written",
                        *pattern));
}

constexpr std::array kChecks{
    Check{"memory.huge_pages", "madvise or never", false, huge_pages},
    Check{"memory.defrag", "not always", false, defrag},
    Check{"memory.lock", "64 MiB and an instance, or CAP_IPC_LOCK", true, memlock},
    Check{"memory.swap", "none, or swappiness of 10 at most", false, swap},
    Check{"memory.numa_balancing", "0", false, balancing},
    Check{"memory.merging", "off", false, merging},
    Check{"memory.zone_reclaim", "0", false, zone_reclaim},
    Check{"memory.compaction", "0", false, compaction},
    Check{"memory.shm", "room for two instances", false, shm_room},
    Check{"memory.core_files", "either; worth knowing before a crash", false, cores},
};

}  // namespace

std::span<const Check> memory_checks() noexcept {
  return kChecks;
}

}  // namespace sluice::ctl::doctor
