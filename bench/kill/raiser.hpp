// Raises one kill after another on a real run under load, and has each rearmed by the supervisor.
// One thread; on a machine with few CPUs it belongs beside the feed, not beside the gates.
#pragma once

#include <random>

#include "bench/kill/kill.hpp"
#include "bench/pipeline/source.hpp"

namespace sluice::bench {

// The time between two raises: long enough that nothing is left of the one before, and of random
// length, so that raises fall on every phase of load and turn.
class Gap {
 public:
  explicit Gap(std::uint64_t seed) : random_(seed) {}
  void wait() noexcept;

 private:
  std::mt19937_64 random_;
};

class Raiser {
 public:
  // The run is armed and its source runs.
  Raiser(Rig& rig, std::uint64_t seed);

  // Waits for an order to leave, and a gap; raises; waits for both gates; has it rearmed. Throws
  // Error.
  Reaction raise(KillLevel level);
  // The kill as sluicectl does it, with the gateway stopped, which must be fenced by it; then the
  // gateway is started again and the kill rearmed. Time from raise to KILL_COMPLETE.
  std::int64_t kill_stopped();

  [[nodiscard]] const std::vector<KillWindow>& kills() const noexcept { return kills_; }

 private:
  [[nodiscard]] std::uint64_t tail() const noexcept;
  [[nodiscard]] std::uint64_t sent() const noexcept;
  void await_orders();
  void rearm();

  Rig& rig_;
  Gap gap_;
  std::vector<KillWindow> kills_;
};

}  // namespace sluice::bench
