// `sluice-bench turn`: what a tick costs all four stages, in one thread, nothing waited for, from
// the decoded tick on, journals written; and where that goes.
#pragma once

#include <array>
#include <string>
#include <vector>

namespace sluice::bench {

struct TurnPlan {
  std::string conf = "conf/bench.toml";
  std::size_t blocks = 400;   // of each figure
  double slower_percent = 0;  // the regression detector's own test: work is stretched by so much
};

// Nanoseconds, without the clock that the drivers read: its reads are counted beside them.
struct TurnFigure {
  std::string name;             // "quiet tick", "order tick"
  double ns = 0;                // median of blocks
  double low = 0, high = 0;     // quartiles
  double stamps = 0;            // clock reads of the drivers
  double stamped_ns = 0;        // the same with every read of the clock paid for
  std::vector<double> samples;  // of `ns`, by block
};
struct TurnPart {
  std::string name;  // "publish", "seat", "risk", "gateway"
  double quiet_ns = 0;
  double order_ns = 0;
};
struct TurnResult {
  std::vector<TurnFigure> figures;
  std::vector<TurnPart> parts;
  double stamp_ns = 0;  // one read of the counter
};

TurnResult run_turn(const TurnPlan& plan);

// One of the figures' work alone and nothing measured, for a profiler to look at: "quiet" or
// "order".
void exercise_turn(const TurnPlan& plan, const std::string& figure);

std::string turn_table(const TurnPlan& plan, const TurnResult& result);
std::string turn_json(const TurnPlan& plan, const TurnResult& result);

}  // namespace sluice::bench
