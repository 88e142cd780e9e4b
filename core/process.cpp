#include "core/process.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/clock.hpp"
#include "core/error.hpp"

namespace sluice {

namespace {

// Pids mean nothing in another pid namespace.
std::uint64_t own_pid_namespace() noexcept {
  static const std::uint64_t inode = [] {
    struct stat info {};
    return ::stat("/proc/self/ns/pid", &info) == 0 ? static_cast<std::uint64_t>(info.st_ino) : 0;
  }();
  return inode;
}

struct ProcStat {
  bool known = false;       // the kernel answered: gone, or its start time
  std::uint64_t ticks = 0;  // 0: gone, or a zombie
};

// Proof of death is the kernel's word that there is no such process. A /proc entry that cannot be
// read (hidepid, no descriptors left) proves nothing.
ProcStat stat_of(pid_t pid) noexcept {
  char path[40];
  std::snprintf(path, sizeof path, "/proc/%d/stat", static_cast<int>(pid));
  const int fd = ::open(path, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return {::kill(pid, 0) != 0 && errno == ESRCH, 0};
  char text[1024];
  const ssize_t n = ::read(fd, text, sizeof text - 1);
  const int error = errno;
  ::close(fd);
  if (n <= 0) return {n < 0 && error == ESRCH, 0};
  text[n] = 0;
  const char* at = std::strrchr(text, ')');  // the command may contain blanks and parentheses
  if (at == nullptr || at[1] == 0) return {};
  if (at[2] == 'Z' || at[2] == 'X') return {true, 0};
  ++at;
  for (int field = 2; field < 21 && at != nullptr; ++field) at = std::strchr(at + 1, ' ');
  if (at == nullptr) return {};
  return {true, std::strtoull(at + 1, nullptr, 10)};
}

}  // namespace

std::uint64_t start_ticks_of(pid_t pid) noexcept {
  return stat_of(pid).ticks;
}

LeaseView look(const Lease& lease) noexcept {
  const std::uint64_t word = lease.word.load(std::memory_order_acquire);
  const std::uint64_t started = lease.started.load(std::memory_order_acquire);
  LeaseView view{static_cast<pid_t>(word & 0xffff'ffff), static_cast<std::uint32_t>(word >> 32),
                 false};
  if (view.pid == 0) return view;
  // Epochs differ while a claim is being completed: then the pid alone decides.
  const bool complete = static_cast<std::uint32_t>(started >> 32) == view.epoch;
  const std::uint64_t home = lease.pid_namespace.load(std::memory_order_relaxed);
  const ProcStat now = stat_of(view.pid);
  const bool provable = now.known && (home == 0 || home == own_pid_namespace());
  view.alive = !provable || (now.ticks != 0 &&
                             (!complete || (now.ticks & 0xffff'ffff) == (started & 0xffff'ffff)));
  return view;
}

std::uint32_t claim(Lease& lease, std::string_view what) {
  for (;;) {
    std::uint64_t word = lease.word.load(std::memory_order_acquire);
    const LeaseView holder = look(lease);
    if (holder.alive && holder.pid != ::getpid())
      throw Error(Exit::No, std::string(what) + " is held by process " +
                                std::to_string(holder.pid) + ", which is alive: stop it first");
    const auto epoch = static_cast<std::uint32_t>(word >> 32) + 1;
    const std::uint64_t mine = std::uint64_t{epoch} << 32 | static_cast<std::uint32_t>(::getpid());
    if (!lease.word.compare_exchange_strong(word, mine)) continue;
    lease.pid_namespace.store(own_pid_namespace(), std::memory_order_relaxed);
    lease.started.store(std::uint64_t{epoch} << 32 | (start_ticks_of(::getpid()) & 0xffff'ffff),
                        std::memory_order_release);
    return epoch;
  }
}

void release(Lease& lease) noexcept {
  std::uint64_t word = lease.word.load(std::memory_order_acquire);
  if (static_cast<pid_t>(word & 0xffff'ffff) != ::getpid()) return;
  lease.word.compare_exchange_strong(word, word & ~std::uint64_t{0xffff'ffff});
}

int cpus_allowed() noexcept {
  cpu_set_t set;
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::string pin_to(int cpu) {
  cpu_set_t set;
  if (cpu < 0 || cpu >= CPU_SETSIZE) return "no such CPU: " + std::to_string(cpu);
  CPU_ZERO(&set);
  CPU_SET(static_cast<unsigned>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) == 0) return {};
  return "cannot use CPU " + std::to_string(cpu) + ": " + std::strerror(errno) +
         " (see `nproc`, `taskset -p $$` and the cgroup's cpuset)";
}

int confined_cpu() noexcept {
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) != 0 || CPU_COUNT(&set) != 1) return -1;
  for (unsigned i = 0; i < CPU_SETSIZE; ++i)
    if (CPU_ISSET(i, &set)) return static_cast<int>(i);
  return -1;
}

std::string lock_memory() {
  rlimit limit{};
  if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_MEMLOCK, &limit);
  }
  if (mlockall(MCL_CURRENT | MCL_FUTURE) == 0) return {};
  const int error = errno;
  munlockall();
  return std::string("memory is not locked (") + std::strerror(error) +
         "): pages may be swapped out and cost milliseconds; raise `ulimit -l` or LimitMEMLOCK=";
}

std::string hold_cpu_latency() {
  const int fd = ::open("/dev/cpu_dma_latency", O_WRONLY | O_CLOEXEC);
  if (fd < 0) return std::string("/dev/cpu_dma_latency: ") + std::strerror(errno);
  const std::int32_t zero = 0;
  // The request holds as long as the descriptor is open, which is as long as the process lives.
  if (::write(fd, &zero, sizeof zero) == static_cast<ssize_t>(sizeof zero)) return {};
  const std::string what = std::string("/dev/cpu_dma_latency: ") + std::strerror(errno);
  ::close(fd);
  return what;
}

WaitStrategy choose_wait(WaitStrategy configured, bool own_cpu) noexcept {
  if (configured != WaitStrategy::Auto) return configured;
  return own_cpu ? WaitStrategy::Spin : WaitStrategy::Yield;
}

std::string_view name_of(WaitStrategy wait) noexcept {
  switch (wait) {
    case WaitStrategy::Auto: return "auto";
    case WaitStrategy::Spin: return "spin";
    case WaitStrategy::Yield: return "yield";
    case WaitStrategy::Nap: return "nap";
  }
  return "?";
}

void Waiter::idle() noexcept {
  const timespec nap{0, 50'000};
  if (strategy_ == WaitStrategy::Nap) {
    nanosleep(&nap, nullptr);
    return;
  }
  if (strategy_ == WaitStrategy::Spin)
    cpu_pause();
  else
    sched_yield();
  if (nap_after_ns_ == 0) return;
  if (idle_since_ns_ == 0) {
    idle_since_ns_ = boottime_ns();
    polls_ = 0;
  } else if ((++polls_ & 63u) == 0 && boottime_ns() - idle_since_ns_ > nap_after_ns_) {
    --polls_;  // stay on the slow path until something arrives
    nanosleep(&nap, nullptr);
  }
}

std::atomic<int> StopSignal::asked_{0};

void on_stop_signal(int number) {
  if (number == SIGINT && StopSignal::asked_.load() == SIGINT) _exit(130);
  StopSignal::asked_.store(number);
}

void StopSignal::install() noexcept {
  struct sigaction action {};
  action.sa_handler = on_stop_signal;
  sigaction(SIGINT, &action, nullptr);
  sigaction(SIGTERM, &action, nullptr);
  struct sigaction ignore {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGPIPE, &ignore, nullptr);
}

void write_fault(StagePage& page, std::string_view text) noexcept {
  const std::size_t n = std::min(text.size(), page.fault.size() - 1);
  std::memcpy(page.fault.data(), text.data(), n);
  page.fault[n] = 0;
  page.state.store(static_cast<std::uint64_t>(StageState::Faulted), std::memory_order_release);
}

}  // namespace sluice
