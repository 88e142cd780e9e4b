// Faults against a pipeline of real processes under load, and what became of it. A fault is named
// on the command line; its moment and its details come from the seed.
//
//   kill:PROCESS        SIGKILL, then wait until it is back, Ready and permitted
//   pair                two processes within 10 ms
//   stop:PROCESS        SIGSTOP for 1 ms up to the longest stop, then SIGCONT
//   deaf                SIGSTOP of the gateway, `sluicectl kill`, SIGCONT, rearm
//
// After each round of faults the run is stopped in order and judged from its files.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/e2e/box.hpp"
#include "tests/support/seed.hpp"

namespace sluice::campaign {

struct Plan {
  std::vector<std::string> faults;
  std::uint64_t times = 20;  // of each
  std::uint64_t round = 40;  // faults in one run
  std::uint64_t seed = 1;
  std::chrono::milliseconds longest_stop{500};
};

// What one kind of fault did, over all rounds.
struct Outcome {
  std::uint64_t times = 0;
  std::vector<double> recovery_ms;  // from the fault to Ready and permitted
};

struct Result {
  std::map<std::string, Outcome> faults;
  std::uint64_t rounds = 0;
  std::uint64_t placed = 0;
  std::uint64_t fills = 0;
  std::int64_t most_used = 0;
  std::vector<std::string> violations;  // each with its round
};

inline constexpr std::int64_t kCap = 300'000'000'000;  // 3000.0: small enough to bind

std::vector<std::string> known_faults();
Result run(const Plan& plan);
void print_text(const Plan& plan, const Result& result);
std::string as_json(const Plan& plan, const Result& result);

}  // namespace sluice::campaign
