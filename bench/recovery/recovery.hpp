// `sluice-bench recovery`: an hour of recorded ticks through the pipeline, risk killed in the
// middle of turns, and how long its successors take until they know, byte for byte, what it knew.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "bench/recovery/world.hpp"

namespace sluice::bench {

inline constexpr Duration kRecoveryLimit = Duration::seconds(2);

struct RecoveryPlan {
  std::string conf = "conf/bench.toml";
  std::string capture = "tests/data/binance_spot_btcusdt_20240808.gz";
  std::string dir = {};                               // of the journal; empty: with temporary files
  std::uint64_t ticks = 72'000'000;                   // an hour
  std::int64_t rate = 20'000;                         // per second, by the clock that is moved
  std::size_t crashes = 6;                            // every other one just before a checkpoint
  std::uint64_t checkpoint_every = kCheckpointEvery;  // entries
  std::uint64_t rotate_mib = 256;
  // For tests: what happens to the checkpoints between a death and the recovery.
  std::function<void(CheckpointMemory&)> tamper = {};
};

struct Recovered {
  Duration took{};
  std::uint64_t entries = 0;           // replayed
  std::optional<std::size_t> differs;  // first byte that is not the dead one's
};

struct Crash {
  std::uint64_t ticks = 0;        // before it
  std::uint64_t entries = 0;      // committed
  std::uint64_t uncommitted = 0;  // of the turn it died in
  bool late = false;              // just before the next checkpoint
  Recovered memory, files, zero;  // by where the recovery began
};

struct RecoveryResult {
  std::vector<Crash> crashes;
  std::uint64_t orders = 0, fills = 0, exits = 0;
  std::size_t state_bytes = 0;
  Duration drive{};  // of this host, without the recoveries

  [[nodiscard]] bool identical() const noexcept;
  [[nodiscard]] Duration longest() const noexcept;  // recovery from shared memory
  [[nodiscard]] bool met() const noexcept { return identical() && longest() <= kRecoveryLimit; }
};

// Throws Error if the run makes no orders, or the disk does not take its journal.
RecoveryResult run_recovery(const RecoveryPlan& plan);

std::string recovery_table(const RecoveryPlan& plan, const RecoveryResult& result);
std::string recovery_json(const RecoveryPlan& plan, const RecoveryResult& result);

}  // namespace sluice::bench
