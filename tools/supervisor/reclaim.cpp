#include "tools/supervisor/reclaim.hpp"

#include <unistd.h>

#include <cerrno>

#include "core/error.hpp"
#include "core/instance.hpp"
#include "core/process.hpp"
#include "tools/supervisor/children.hpp"
#include "tools/supervisor/holder.hpp"

namespace sluice {
namespace {

// Nobody else supervises, takes over or reclaims this run meanwhile, from whatever state directory.
class HeldLease {
 public:
  explicit HeldLease(ControlPage& control) : lease_(control.supervisor) {
    claim(lease_, "the control page");
  }
  ~HeldLease() { release(lease_); }
  HeldLease(const HeldLease&) = delete;
  HeldLease& operator=(const HeldLease&) = delete;

 private:
  Lease& lease_;
};

Segment control_of(const std::string& instance) {
  const std::string name = segment_name(instance, "control");
  Segment control;
  const AttachError error = Segment::attach(
      name, Access::ReadWrite, {instance, ObjectKind::Control, 0, 0, Mode::Paper}, control);
  if (error != AttachError::None)
    throw Error("/dev/shm/" + name + " " + std::string(name_of(error)));
  return control;
}

// Why the holder of that page's lease is not dead; empty if it is. Who gets the signal is decided
// by the pidfd, which was opened before the proof: a number that passes on takes no signal along.
std::string fence(pid_t pid, Process process, FileId page, const Identities* who) {
  const int pidfd = open_pidfd(pid);
  if (pidfd < 0) return errno == ESRCH ? "" : "kill it by hand";
  std::string why;
  if (!gone(pidfd) && !is_holder(pid, process, page, who))
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
  std::optional<Identities> who;
  if (access != nullptr) who = resolve(*access);
  for (const Process p : kProcesses) {
    if (!dead.try_page(p)) continue;
    const LeaseView stage = look(dead.objects().page(p).lease);
    if (!stage.alive) continue;
    const std::string why = fence(stage.pid, p, dead.file_of(p), who ? &*who : nullptr);
    if (!why.empty())
      throw Error("instance '" + instance + "': cannot fence " + std::string(name_of(p)) +
                  " (process " + std::to_string(stage.pid) + "): " + why);
  }
}

void end_run(const std::string& instance, AttachedInstance& dead,
             std::vector<LatchedLevel>& latched, const std::function<void()>& keep,
             const AccessConfig* access) {
  const LeaseView holder = look(dead.objects().control->supervisor);
  if (holder.alive)
    throw Error("instance '" + instance + "' is supervised by process " +
                std::to_string(holder.pid) + ": stop it first (sluicectl -i " + instance +
                " stop)");
  Segment segment = control_of(instance);
  auto& control = *segment.as<ControlPage>();
  const HeldLease lease(control);
  fence_holders(instance, dead, access);
  dead.attach_kill(Access::ReadWrite);
  end_words(*dead.objects().kill, control, latched, keep);
  // The control page last, and while its lease is held: a supervisor that finds none makes new
  // objects of these names, which must not be unlinked.
  const std::string last = segment_name(instance, "control");
  for (const std::string& name : list_objects(instance))
    if (name != last) Segment::remove(name);
  Segment::remove(last);
  // Whoever still maps it, a tool that follows it say, sees that the run is over.
  control.header.magic.store(0, std::memory_order_release);
}

// A supervisor that died between publishing the kill page and the control page: somebody may have
// raised in the one without the other.
void end_lone_kill_page(const std::string& instance, std::vector<LatchedLevel>& latched,
                        const std::function<void()>& keep) {
  Segment segment;
  if (Segment::attach(segment_name(instance, "kill"), Access::ReadWrite,
                      {instance, ObjectKind::Kill, 0, 0, Mode::Paper},
                      segment) == AttachError::None)
    end_global_word(*segment.as<KillPage>(), latched, keep);
}

}  // namespace

void reclaim(const std::string& instance, std::vector<LatchedLevel>& latched,
             const std::function<void()>& keep, const AccessConfig* access) {
  AttachedInstance dead;
  const AttachError error = AttachedInstance::try_open(instance, dead, access);
  // Unlinking what cannot be read would leave gates running where no kill reaches them.
  const bool nobody = error == AttachError::NotFound || error == AttachError::NotReady ||
                      error == AttachError::TooSmall || error == AttachError::WrongBoot;
  if (error == AttachError::None)
    end_run(instance, dead, latched, keep, access);
  else if (nobody)
    end_lone_kill_page(instance, latched, keep);
  else
    throw Error("instance '" + instance + "': /dev/shm/" + segment_name(instance, "control") + " " +
                std::string(name_of(error)) +
                ": end that run with the build that made it, or kill its "
                "processes and remove /dev/shm/" +
                segment_name(instance, "*"));
  for (const std::string& name : list_objects(instance)) Segment::remove(name);
  if (const auto left = list_objects(instance); !left.empty())
    throw Error(
        "/dev/shm/" + left.front() +
        ": is somebody else's and cannot be removed: look at it with ls -l, remove it as root");
}

}  // namespace sluice
