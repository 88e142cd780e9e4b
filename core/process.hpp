// What a process needs of its host: a lease on its page, a CPU, locked memory, signals, and a way
// to wait. All of it is setup; the loop itself only calls Waiter::idle and looks at StopSignal.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <string>

#include "core/pipeline.hpp"
#include "core/ring.hpp"
#include "core/stage_page.hpp"

namespace sluice {

// ---- leases

struct LeaseView {
  pid_t pid = 0;  // 0: never taken, or given back
  std::uint32_t epoch = 0;
  bool alive = false;  // that process exists, or its death cannot be proven from here
};

// Start time of a process in clock ticks since boot (field 22 of /proc/<pid>/stat); 0 if it is gone
// or a zombie.
std::uint64_t start_ticks_of(pid_t pid) noexcept;
LeaseView look(const Lease& lease) noexcept;

// Takes the lease for this process. Returns the new epoch; throws Error naming the holder while it
// lives: never by heartbeat age, a stopped holder would wake up and write beside its successor.
std::uint32_t claim(Lease& lease, std::string_view what);
void release(Lease& lease) noexcept;

// ---- CPU, memory

// CPUs this process may run on.
int cpus_allowed() noexcept;
// Pins the calling thread; returns an empty text, or what is wrong.
std::string pin_to(int cpu);
// The CPU the thread is confined to by its affinity mask (taskset), -1 if it may use several.
int confined_cpu() noexcept;
// mlockall(current and future); empty, or one line that says what it means and what to do.
std::string lock_memory();
// Keeps CPUs out of deep sleep as long as the process lives; empty, or why not.
std::string hold_cpu_latency();

// ---- waiting

// auto: spin if the thread has a CPU of its own, else yield; nap after long idleness. Spinning
// stages that share CPUs cost milliseconds per hop, yielding ones microseconds.
WaitStrategy choose_wait(WaitStrategy configured, bool own_cpu) noexcept;
std::string_view name_of(WaitStrategy wait) noexcept;

class Waiter {
 public:
  // nap_after_ns: idle time after which yield and spin turn into naps of 50 us; 0 = never.
  Waiter(WaitStrategy strategy, std::uint64_t nap_after_ns) noexcept
      : strategy_(strategy), nap_after_ns_(nap_after_ns) {}
  void busy() noexcept { idle_since_ns_ = 0; }
  void idle() noexcept;

 private:
  WaitStrategy strategy_;
  std::uint64_t nap_after_ns_;
  std::uint64_t idle_since_ns_ = 0;
  std::uint32_t polls_ = 0;
};

// ---- signals

// SIGINT and SIGTERM ask for an orderly stop. A second SIGINT within the stop ends the process at
// once.
class StopSignal {
 public:
  static void install() noexcept;
  static bool asked() noexcept { return asked_.load(std::memory_order_relaxed) != 0; }
  static int signal() noexcept { return asked_.load(std::memory_order_relaxed); }

 private:
  static std::atomic<int> asked_;
  friend void on_stop_signal(int);
};

// Writes one line into the page's fault field (for people) and sets the state.
void write_fault(StagePage& page, std::string_view text) noexcept;

}  // namespace sluice
