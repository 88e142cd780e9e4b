// `sluice-bench kill`: how fast both gates of the real processes obey a raise under load, beside a
// bare flag that the seats of the same topology look at once per turn; and how long a kill takes to
// be complete when the gateway is stopped.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/kill/oracle.hpp"
#include "bench/pipeline/rig.hpp"

namespace sluice::bench {

// Raised in turn: what a level makes a gate do may be what makes it late.
inline constexpr std::array kRaisedLevels{KillLevel::ReduceOnly, KillLevel::Halt,
                                          KillLevel::Cancel};

struct KillPlan {
  RigPlan rig = {};
  std::size_t raises = 10'000;
  std::size_t blocks = 10;  // of real raises, each beside a block of as many bare flags
  std::size_t stopped = 20;
  std::int64_t rate = 10'000;      // ticks per second, and records of the bare topology
  std::uint64_t order_every = 40;  // ticks
  std::uint64_t seed = 1;
};

// From the raiser's stamp just before the raise to the gate's stamp that it obeys. The clock of the
// run in both; the bare flag's stamps are of one clock as well.
struct Reaction {
  std::int64_t risk_ns = 0;
  std::int64_t gateway_ns = 0;
  KillLevel level = KillLevel::Run;  // Run: the bare flag
  [[nodiscard]] std::int64_t both_ns() const noexcept { return std::max(risk_ns, gateway_ns); }
};

struct KillBlock {
  std::vector<Reaction> real;
  std::vector<Reaction> bare;
};

struct KillResult {
  std::vector<KillBlock> blocks;
  std::vector<std::int64_t> complete_ns;  // with the gateway stopped: from raise to KILL_COMPLETE
  KillVerdict verdict;
  Placement placement;
  std::string wait;
  std::vector<std::string> unfit;  // why the machine gives no figures
};

// Interleaved: a block of real raises, a block of bare flags, and so on. Throws Error if a gate
// does not obey within seconds, a process dies, or a stop was asked for.
KillResult run_kill(const KillPlan& plan);

}  // namespace sluice::bench
