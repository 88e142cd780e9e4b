// Two builds in turns until there is a verdict, or until that would take too long.
#pragma once

#include "bench/baseline/measuring.hpp"
#include "bench/baseline/verdict.hpp"

namespace sluice::bench {

constexpr std::size_t kRunsMax = 4 * kRunsUsual;

// How many runs to measure on top, so many having ended in this verdict; 0: it stands. An undecided
// one doubles them. Looking again does not favour a side: what ends the looking is the rule itself.
std::size_t runs_to_add(std::size_t runs, std::size_t runs_max, Verdict verdict) noexcept;

struct Trial {
  Document a;
  Document b;
  Comparison comparison;
};
Trial judge_in_turns(const Order& a, const Order& b, std::size_t runs, std::size_t runs_max,
                     const Rule& rule);

}  // namespace sluice::bench
