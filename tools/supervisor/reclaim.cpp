#include "tools/supervisor/reclaim.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/instance.hpp"
#include "core/process.hpp"
#include "tools/supervisor/children.hpp"

namespace sluice {
namespace {

// Whether a process is what the lease on a page says. It maps the page for writing; or, where this
// user may not see that (a supervisor that has given up root), it runs under the user that
// [access] lets write the page, which only the configured supervisor can have made.
bool is_holder(pid_t pid, Process process, FileId page, const AccessConfig* access) {
  const Mapped mapped = mapped_by(pid, {page});
  if (mapped != Mapped::Unknown || access == nullptr) return mapped == Mapped::Writable;
  struct stat info {};
  return ::stat(("/proc/" + std::to_string(pid)).c_str(), &info) == 0 &&
         info.st_uid == resolve(*access)[role_of(process)];
}

// Why the holder of that page's lease is not dead; empty if it is. Who gets the signal is decided
// by the pidfd, which was opened before the proof: a number that passes on takes no signal along.
std::string fence(pid_t pid, Process process, FileId page, const AccessConfig* access) {
  const int pidfd = open_pidfd(pid);
  if (pidfd < 0) return errno == ESRCH ? "" : "kill it by hand";
  std::string why;
  if (!gone(pidfd) && !is_holder(pid, process, page, access))
    why =
        "it is not proven to be that: it does not map the page, or this user may not see it; "
        "nothing was sent. Look at it (ps -fp " +
        std::to_string(pid) + "), then kill it by hand or remove the forged objects";
  else if (!fence_pidfd(pidfd))
    why = "kill it by hand";
  ::close(pidfd);
  return why;
}

void fence_holders(const std::string& instance, AttachedInstance& dead,
                   const AccessConfig* access) {
  for (const Process p : kProcesses) {
    if (!dead.try_page(p)) continue;
    const LeaseView stage = look(dead.objects().page(p).lease);
    if (!stage.alive) continue;
    const std::string why = fence(stage.pid, p, dead.file_of(p), access);
    if (!why.empty())
      throw Error("instance '" + instance + "': cannot fence " + std::string(name_of(p)) +
                  " (process " + std::to_string(stage.pid) + "): " + why);
  }
}

}  // namespace

void reclaim(const std::string& instance, std::vector<LatchedLevel>& latched,
             const std::function<void()>& keep, const AccessConfig* access) {
  AttachedInstance dead;
  const AttachError error = AttachedInstance::try_open(instance, dead, access);
  // Unlinking what cannot be read would leave gates running where no kill reaches them.
  const bool nobody = error == AttachError::NotFound || error == AttachError::NotReady ||
                      error == AttachError::TooSmall || error == AttachError::WrongBoot;
  if (error != AttachError::None && !nobody)
    throw Error("instance '" + instance + "': /dev/shm/" + segment_name(instance, "control") + " " +
                std::string(name_of(error)) +
                ": end that run with the build that made it, or kill its "
                "processes and remove /dev/shm/" +
                segment_name(instance, "*"));
  if (error == AttachError::None) {
    const LeaseView holder = look(dead.objects().control->supervisor);
    if (holder.alive)
      throw Error("instance '" + instance + "' is supervised by process " +
                  std::to_string(holder.pid) + ": stop it first (sluicectl -i " + instance +
                  " stop)");
    fence_holders(instance, dead, access);
    dead.attach_kill(Access::ReadWrite);
    // Durable first, ended afterwards, and once more what slipped in between.
    add_levels(latched, raised_levels(*dead.objects().kill, *dead.objects().control));
    keep();
    add_levels(latched, end_words(*dead.objects().kill, *dead.objects().control));
    keep();
    // Whoever still maps it, a tool that follows it say, sees that the run is over.
    Segment control;
    if (Segment::attach(segment_name(instance, "control"), Access::ReadWrite,
                        {instance, ObjectKind::Control, 0, 0, Mode::Paper},
                        control) == AttachError::None)
      control.as<SegmentHeader>()->magic.store(0, std::memory_order_release);
  }
  for (const std::string& name : list_objects(instance)) Segment::remove(name);
  if (const auto left = list_objects(instance); !left.empty())
    throw Error(
        "/dev/shm/" + left.front() +
        ": is somebody else's and cannot be removed: look at it with ls -l, remove it as root");
}

}  // namespace sluice
