#include "tools/demo_run/preflight.hpp"

#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "core/error.hpp"
#include "core/instance.hpp"
#include "core/process.hpp"

namespace sluice::demo {

void check_executables(const std::filesystem::path& bin_dir) {
  constexpr std::array<std::string_view, 8> kNeeded{
      "sluice-venue",    "sluice-supervisor", "sluice-recorder", "sluice-feed",
      "sluice-strategy", "sluice-risk",       "sluice-gateway",  "sluicectl"};
  for (const std::string_view name : kNeeded)
    if (::access((bin_dir / name).c_str(), X_OK) != 0)
      throw Error(
          fmt::format("{}: {}; build it: tools/demo does, or cmake --build --preset release",
                      (bin_dir / name).string(), std::strerror(errno)));
}

void check_instance_is_free(const std::string& instance) {
  AttachedInstance there;
  const AttachError error = AttachedInstance::try_open(instance, there);
  if (error == AttachError::NoPermission || error == AttachError::WrongOwner)
    throw Error(fmt::format(
        "instance '{}' in /dev/shm belongs to another user; give this run a name of its "
        "own: --instance NAME",
        instance));
  if (error != AttachError::None) return;  // none, or a dead one: the supervisor reclaims it
  const ControlPage& control = *there.objects().control;
  if (const LeaseView holder = look(control.supervisor); holder.alive)
    throw Error(fmt::format(
        "instance '{}' is running already (supervisor: process {}, state in {}); stop it "
        "with `sluicectl -i {} stop`, or give this run a name of its own: --instance NAME",
        instance, holder.pid, control.state_dir.data(), instance));
}

std::uint64_t shared_memory_needed(const PipelineConfig& pipeline) {
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  std::uint64_t bytes = 0;
  for (const ObjectPlan& plan : plan_objects(pipeline))
    bytes += (plan.bytes + page - 1) / page * page;
  return bytes;
}

void check_shared_memory(const PipelineConfig& pipeline) {
  if (::access("/dev/shm", W_OK | X_OK) != 0)
    throw Error(
        fmt::format("/dev/shm cannot be written: {}; the pipeline lives there (docker run needs no "
                    "option for it, a chroot needs a tmpfs mounted on it)",
                    std::strerror(errno)));
  struct statvfs fs {};
  if (::statvfs("/dev/shm", &fs) != 0)
    throw Error(fmt::format("/dev/shm: {}", std::strerror(errno)));
  const std::uint64_t room = std::uint64_t{fs.f_bavail} * fs.f_frsize;
  const std::uint64_t needed = shared_memory_needed(pipeline);
  if (room < needed)
    throw Error(
        fmt::format("/dev/shm has {} MiB free, {} MiB are needed; make it larger (docker run "
                    "--shm-size=64m, or mount -o remount,size=64m /dev/shm)",
                    room >> 20, (needed + (1u << 20) - 1) >> 20));
}

}  // namespace sluice::demo
