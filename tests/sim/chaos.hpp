// A seeded life of the whole pipeline: who turns next, how much time passes, who dies, what is
// raised, when the recorder sleeps. The same plan gives the same run, byte for byte.
#pragma once

#include <cstdint>

#include "tests/sim/world.hpp"

namespace sluice::sim {

struct ChaosPlan {
  std::uint64_t seed = 1;
  std::uint32_t ring = 64;
  std::uint32_t journal = 1024;
  std::uint64_t checkpoint_every = 0;  // journal entries; 0 = recovery replays everything
  std::uint64_t events = 1'500;        // frames of the market
  std::uint64_t crash_one_in = 900;    // steps; 0 = never
  std::uint64_t fault_one_in = 400;    // kills, silence, permits, recorder; 0 = never
  Mutant mutant = Mutant::None;
};

struct ChaosResult {
  Violations violations;
  std::array<std::uint64_t, 4> crashes{};  // feed, seat, risk, gateway
  std::uint64_t torn = 0;                  // of these in the middle of a turn
  std::uint64_t steps = 0;
  std::uint64_t raises = 0;
  std::size_t entries = 0;
  std::size_t exits = 0;
  std::size_t fills = 0;
  std::uint64_t dropped = 0;  // ticks, over the edges of the feed's last life
  // What the run has reached at the gateway, over all its lives.
  std::uint64_t queries = 0;
  std::uint64_t stale = 0;
  std::uint64_t too_late = 0;  // refused by the last look for level, permit, cap or age
  std::uint64_t sweeps = 0;
  std::uint64_t digest = 0;  // of the paper log
};

ChaosResult run_chaos(const ChaosPlan& plan);

}  // namespace sluice::sim
