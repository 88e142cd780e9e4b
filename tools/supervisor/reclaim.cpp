#include "tools/supervisor/reclaim.hpp"

#include "core/error.hpp"
#include "core/instance.hpp"
#include "core/process.hpp"
#include "tools/supervisor/children.hpp"

namespace sluice {

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
    for (const Process p : kProcesses)
      if (dead.try_page(p)) {
        const LeaseView stage = look(dead.objects().page(p).lease);
        if (stage.alive && !fence(stage.pid))
          throw Error("instance '" + instance + "': cannot fence " + std::string(name_of(p)) +
                      " (process " + std::to_string(stage.pid) + "): kill it by hand");
      }
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
