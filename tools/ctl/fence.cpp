#include "tools/ctl/fence.hpp"

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "core/process.hpp"
#include "core/stage_page.hpp"

namespace sluice::ctl {
namespace {

// Debian 12's glibc declares pidfd_open without C linkage, so the calls are spelled out.
int pidfd_open(pid_t pid) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
}
int pidfd_kill(int fd) noexcept {
  return static_cast<int>(::syscall(SYS_pidfd_send_signal, fd, SIGKILL, nullptr, 0));
}

bool died(int fd, std::chrono::milliseconds deadline) noexcept {
  const auto until = std::chrono::steady_clock::now() + deadline;
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        until - std::chrono::steady_clock::now());
    pollfd wait{fd, POLLIN, 0};
    const int n = ::poll(&wait, 1, left.count() < 0 ? 0 : static_cast<int>(left.count()));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

// Of a living holder, whose pidfd was opened by number: it is the holder's only if the holder still
// lives now. If it dies later the pidfd, not the number, decides who gets the signal.
Fenced fence_holder(const Segment& page, const LeaseView& holder, int fd,
                    std::chrono::milliseconds deadline) {
  const LeaseView again = look(page.as<const StagePage>()->lease);
  if (!again.alive || again.pid != holder.pid || again.epoch != holder.epoch) return Fenced::Gone;
  switch (mapped_by(holder.pid, {page.file()})) {
    case Mapped::Writable: break;
    case Mapped::No:
    case Mapped::ReadOnly: return died(fd, {}) ? Fenced::Gone : Fenced::NotHolder;
    case Mapped::Unknown: return died(fd, {}) ? Fenced::Gone : Fenced::NotSeen;
  }
  if (pidfd_kill(fd) != 0) return errno == ESRCH ? Fenced::Gone : Fenced::NotAllowed;
  return died(fd, deadline) ? Fenced::Killed : Fenced::NotProven;
}

}  // namespace

Fenced fence(const Segment& page, std::chrono::milliseconds deadline) {
  const Lease& lease = page.as<const StagePage>()->lease;
  const LeaseView holder = look(lease);
  if (!holder.alive) return Fenced::Gone;
  if (holder.pid == ::getpid()) return Fenced::NotAllowed;  // nobody fences himself
  const int fd = pidfd_open(holder.pid);
  if (fd < 0) return look(lease).alive ? Fenced::NotAllowed : Fenced::Gone;
  const Fenced result = fence_holder(page, holder, fd, deadline);
  ::close(fd);
  return result;
}

}  // namespace sluice::ctl
