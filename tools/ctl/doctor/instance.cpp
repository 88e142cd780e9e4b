// The instance: what is left over, do its processes agree, and is there a disk for its journals?
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <sstream>

#include "core/build.hpp"
#include "core/process.hpp"
#include "tools/ctl/doctor/doctor.hpp"
#include "tools/ctl/status.hpp"
#include "tools/ctl/text.hpp"

namespace sluice::ctl::doctor {
namespace {

Seen leftovers(const Patient& p) {
  if (!p.host.exists("/dev/shm")) return absent("no /dev/shm");
  if (p.left.empty()) return ok("none");
  return warn(fmt::format("dead instances: {}", fmt::join(p.left, ", ")), "sluicectl clean");
}

Seen access_modes(const Patient& p) {
  std::string loose;
  std::size_t seen = 0;
  for (const std::string& name : p.host.names("/dev/shm")) {
    struct stat info {};
    if (!name.starts_with("sluice.") ||
        ::lstat(p.host.path("/dev/shm/" + name).c_str(), &info) != 0)
      continue;
    ++seen;
    if ((info.st_mode & 07) != 0) loose += (loose.empty() ? "" : ", ") + name;
  }
  if (seen == 0) return absent("no objects");
  return loose.empty() ? ok(fmt::format("{} objects, none for others", seen))
                       : fail("others may use " + loose, "chmod o-rwx /dev/shm/sluice.*");
}

Seen agreement(const Patient& p) {
  if (p.sight == nullptr) return absent("no instance is looked at");
  std::string differ;
  int live = 0;
  for (const ProcessStatus& process : collect(*p.sight).processes) {
    if (!process.alive.alive) continue;
    ++live;
    for (const auto& [same, what] :
         {std::pair{process.same_build, "build"}, std::pair{process.same_layout, "layout"},
          std::pair{process.same_config, "configuration"}})
      if (!same)
        differ += fmt::format("{}{}: {}", differ.empty() ? "" : ", ",
                              sluice::name_of(process.process), what);
  }
  const std::string_view build = ctl::text_of(p.sight->control().build_id);
  if (!differ.empty())
    return fail(
        "not that of the run: " + differ,
        fmt::format("# install one build, then sluicectl restart STAGE -i {}", p.sight->instance));
  if (build != build_id())
    return warn(fmt::format("the run is of build {}, this sluicectl of {}", build, build_id()),
                "# use the sluicectl of the build that runs");
  return ok(fmt::format("{} processes of build {}", live, build));
}

Seen faults(const Patient& p) {
  if (p.sight == nullptr) return absent("no instance is looked at");
  std::string said;
  for (const ProcessStatus& process : collect(*p.sight).processes)
    if (!process.fault.empty())
      said += fmt::format("{}{}: {}", said.empty() ? "" : "; ", sluice::name_of(process.process),
                          process.fault);
  return said.empty() ? ok("none") : fail(said, "sluicectl status -i " + p.sight->instance);
}

Seen room(const Patient& p) {
  if (p.state_dir.empty()) return absent("no state directory is known: --conf FILE, or -i NAME");
  struct statvfs fs {};
  if (::statvfs(p.state_dir.c_str(), &fs) != 0)
    return errno == ENOENT ? absent(p.state_dir + " is not there yet")
                           : Seen{Status::Unknown, p.state_dir + ": " + std::strerror(errno), {}};
  const std::uint64_t mib = std::uint64_t{fs.f_bavail} * fs.f_frsize >> 20;
  const std::string read = fmt::format("{} MiB free under {}", mib, p.state_dir);
  const std::string fix = fmt::format("# move old runs away: {}/runs", p.state_dir);
  if (mib < 256) return fail(read, fix);
  return mib < 1'024 ? warn(read, fix) : ok(read);
}

// A file without a name: nothing is left of it, whatever happens.
Seen sync(const Patient& p) {
  if (p.state_dir.empty()) return absent("no state directory is known: --conf FILE, or -i NAME");
  const int fd = ::open(p.state_dir.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
  if (fd < 0)
    return errno == ENOENT ? absent(p.state_dir + " is not there yet")
                           : Seen{Status::Unknown, p.state_dir + ": " + std::strerror(errno), {}};
  std::array<char, 4'096> block{};
  std::int64_t worst_us = 0;
  bool good = true;
  for (int i = 0; i < 10 && good; ++i) {
    const auto start = std::chrono::steady_clock::now();
    good = ::write(fd, block.data(), block.size()) == static_cast<ssize_t>(block.size()) &&
           ::fdatasync(fd) == 0;
    worst_us =
        std::max<std::int64_t>(worst_us, std::chrono::duration_cast<std::chrono::microseconds>(
                                             std::chrono::steady_clock::now() - start)
                                             .count());
  }
  ::close(fd);
  if (!good) return fail(p.state_dir + ": cannot be written: " + std::strerror(errno));
  const std::string read = fmt::format("{} us at worst, of ten blocks", worst_us);
  return worst_us < 20'000 ? ok(read) : warn(read, "# give the state directory a disk of its own");
}

Seen files(const Patient& p) {
  for (const std::string& line : p.host.lines("/proc/self/limits")) {
    constexpr std::string_view kName = "Max open files";
    if (!line.starts_with(kName)) continue;
    std::int64_t most = 0;
    std::istringstream words(line.substr(kName.size()));
    if (!(words >> most)) return ok("unlimited");
    const std::string read = std::to_string(most);
    return most >= 256 ? ok(read) : fail(read, "ulimit -n 1024");
  }
  return absent("no limits are shown");
}

constexpr std::array kChecks{
    Check{"instance.leftovers", "no dead instance in /dev/shm", false, leftovers},
    Check{"instance.access", "objects are for owner and group only", false, access_modes},
    Check{"instance.agreement", "one build, layout and configuration", false, agreement},
    Check{"instance.faults", "no process has stopped itself", false, faults},
    Check{"disk.room", "1 GiB or more", false, room},
    Check{"disk.sync", "below 20 ms", false, sync},
    Check{"limit.files", "256 or more", false, files},
};

}  // namespace

std::span<const Check> instance_checks() noexcept {
  return kChecks;
}

}  // namespace sluice::ctl::doctor
