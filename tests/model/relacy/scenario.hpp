// What relacy runs: a few threads over one object of core, and what must hold in every execution.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace sluice::model {

struct Search {
  bool random = true;            // false: every execution of at most `bound` preemptions
  std::uint64_t executions = 1;  // random: how many
  std::uint64_t first = 1;       // random: number of the first one, which is its seed
  unsigned bound = 2;
};

struct Outcome {
  std::uint64_t executions = 0;
  std::string broken;  // the claim that did not hold; empty: all of them did
  std::string trace;   // what happened in that execution
};

struct Scenario {
  std::string_view name;
  std::string_view what;
  bool small;  // every execution of two preemptions takes seconds
  Outcome (*run)(const Search&);
};

std::span<const Scenario> scenarios() noexcept;

}  // namespace sluice::model
