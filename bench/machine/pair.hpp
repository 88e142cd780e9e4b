// Two ends of a measurement: this thread on one CPU, its peer, a process or a thread, on another.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <ctime>
#include <functional>

#include "core/clock.hpp"
#include "core/error.hpp"
#include "core/ring.hpp"

namespace sluice::bench {

struct Cpus {
  int mine = 0;
  int peer = 1;
};
// The first two that this process may run on; throws Error if it may run on one alone.
Cpus first_two();
// Throws Error with that exit code, naming the one that this process may not run on.
void must_be_allowed(const Cpus& cpus, Exit otherwise);

// Zeroed memory that a forked peer shares. Every page of it is there before anything is measured.
class Mapping {
 public:
  explicit Mapping(std::size_t bytes);
  ~Mapping();
  Mapping(const Mapping&) = delete;
  Mapping& operator=(const Mapping&) = delete;
  [[nodiscard]] void* data() const noexcept { return data_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

// This thread is on one CPU and goes back to where it may run at the end. Throws Error.
class Pinned {
 public:
  explicit Pinned(int cpu);
  ~Pinned();
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;

 private:
  cpu_set_t before_{};
};

enum class Peer : std::uint8_t { Process = 1, Thread = 2 };

// Runs both and returns when both are done. `peer` returns whether all it received was right;
// throws Error if it was not, or if it died. Nobody waits forever: a peer that makes no progress
// for a minute ends the program.
void run_pair(Peer kind, const Cpus& cpus, const std::function<bool()>& peer,
              const std::function<void()>& mine);

// The one wait of every contender and every floor.
template <class Condition>
inline void await(Condition&& condition) noexcept {
  while (!condition()) cpu_pause();
}

// Time between two stamps, from one calibration of the counter for the whole program.
const Clock& bench_clock();

// What another CPU is about to do is waited for awake, so that it is seen at once; what takes it
// longer is waited for asleep, because its CPU may be this one. False after the patience.
template <class Condition>
bool await_soon(Condition&& condition, Duration patience) noexcept {
  constexpr Duration kAwake = Duration::micros(50);
  const timespec nap{0, 20'000};
  const HostTime begin = bench_clock().now();
  for (;;) {
    if (condition()) return true;
    const Duration waited = bench_clock().now() - begin;
    if (waited > patience) return false;
    waited < kAwake ? cpu_pause() : static_cast<void>(::nanosleep(&nap, nullptr));
  }
}

}  // namespace sluice::bench
