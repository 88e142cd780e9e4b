// The detector's own test on this machine: does it pass a build beside itself, and does it flag the
// same build slowed down?
#pragma once

#include <cstdio>
#include <string>

#include "bench/baseline/in_turns.hpp"

namespace sluice::bench {

struct Proof {
  std::size_t trials = 20;  // of each kind, in alternation
  double slow_percent = 15;
  std::size_t runs = kRunsUsual;
  std::size_t runs_max = kRunsMax;  // in turns
  Taken taken = Taken::InTurns;
  Rule rule;
};

struct Proven {
  std::size_t trials = 0;
  std::size_t passed = 0;   // of the null trials: exit code 0
  std::size_t flagged = 0;  // of the slowed ones: exit code 1
  std::size_t metrics = 0;  // judged per trial
  std::size_t metrics_passed = 0;
  std::size_t metrics_flagged = 0;
  double null_largest = 0;  // the change furthest from none that was seen without one
  double slow_least = 0;    // and the least and the most that the slowed side showed
  double slow_most = 0;
};

// A line per trial to `out` as it ends.
Proven prove(const Order& order, const Proof& proof, std::FILE* out);
bool holds(const Proven& proven) noexcept;
std::string summary(const Proven& proven, const Proof& proof);
std::string to_json(const Proven& proven, const Proof& proof);

}  // namespace sluice::bench
