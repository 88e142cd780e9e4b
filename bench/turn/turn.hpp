// `sluice-bench turn`: what a tick costs all four stages, in one thread, nothing waited for, from
// the decoded tick on, journals written; and where that goes.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace sluice::bench {

struct TurnPlan {
  std::string conf = "conf/bench.toml";
  std::uint64_t order_every = 100;  // one tick in so many makes an order; kShortestCycle at least
  std::size_t cycles = 1'000;       // of so many ticks, measured
};

// Nanoseconds without the clock that the drivers read: its reads are counted beside them.
struct TurnFigure {
  std::string name;             // "quiet tick", "order tick"
  double ns = 0;                // median of the cycles
  double low = 0, high = 0;     // quartiles
  double stamps = 0;            // clock reads of the drivers
  double stamped_ns = 0;        // the same with every read of the clock paid for
  std::array<double, 4> parts;  // kTurnParts, each timed by itself
  std::vector<double> samples;  // of `ns`, by cycle
};
inline constexpr std::array kTurnParts{"publish", "seat", "risk", "gateway"};

struct TurnResult {
  TurnFigure quiet;
  TurnFigure order;
  double stamp_ns = 0;  // one read of the counter
};

// Throws Error if the configuration lets too few orders pass, or a quiet tick makes one.
TurnResult run_turn(const TurnPlan& plan);

// The same work and nothing measured: for a profiler to look at.
void exercise_turn(const TurnPlan& plan);

std::string turn_table(const TurnPlan& plan, const TurnResult& result);
std::string turn_json(const TurnPlan& plan, const TurnResult& result);

}  // namespace sluice::bench
