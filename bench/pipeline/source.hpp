// The source of a measurement: a thread in the feed's place that sends the synthetic market, at a
// stated rate whatever becomes of it (an open loop), or as fast as every ring takes it.
//
// Open loop: tick i is due at first_due + i / rate. A late one is sent at once and carries the time
// it was due, so latencies count from when it should have been there. A ring without room is a
// drop, counted as a feed counts it; nothing is ever waited for.
#pragma once

#include <atomic>
#include <cstdint>
#include <exception>
#include <memory>
#include <thread>

#include "bench/pipeline/rig.hpp"
#include "bench/pipeline/synthetic_feed.hpp"

namespace sluice::bench {

struct Load {
  std::int64_t rate = 10'000;       // ticks per second; 0: a closed loop, nothing is dropped
  std::uint64_t ticks = 0;          // 0: until halt()
  std::uint64_t order_every = 100;  // one tick in so many makes an order; kShortestCycle at least
  std::uint64_t seed = 1;
};

struct Sent {
  std::uint64_t ticks = 0;  // of all loads
  HostTime first_due{};     // of the last load
  HostTime last_sent{};
  Duration late_max{};  // of the last load: how far behind its own schedule it was
  std::uint64_t dropped_seat = 0;
  std::uint64_t dropped_risk = 0;
  std::uint64_t dropped_gateway = 0;
};

class Source {
 public:
  // Takes the feed's place; from here on its heart beats and the run can arm. The CPU and the wait
  // strategy are the rig's. Throws Error.
  explicit Source(Rig& rig);
  ~Source();  // leaves
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;

  // Begins a load. Precondition: !running(). Prices go on where the last one ended.
  void begin(const Load& load);
  [[nodiscard]] bool running() const noexcept {
    return state_.load(std::memory_order_acquire) == State::Running;
  }
  // Ends a load early; returns when the last tick has left.
  void halt();
  // Precondition: !running().
  [[nodiscard]] Sent sent() const;
  // Leaves as a feed that is asked to drain; the destructor does it as well. No load after that.
  void leave();

 private:
  enum class State : std::uint8_t { Idle = 1, Running = 2, Leaving = 3 };

  void work(int cpu);
  void send_open(const Load& load) noexcept;
  void send_closed(const Load& load) noexcept;
  [[nodiscard]] bool halted() const noexcept { return halt_.load(std::memory_order_relaxed); }

  WaitStrategy wait_;
  SyntheticFeed feed_;
  std::atomic<State> state_{State::Idle};
  std::atomic<bool> halt_{false};
  Load load_;                    // written before Running is stored
  Sent sent_;                    // written before Idle is stored
  std::uint64_t market_at_ = 0;  // index of the next tick of the market
  std::thread thread_;
};

}  // namespace sluice::bench
