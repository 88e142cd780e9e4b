// All metrics of two documents, judged: the table, the JSON and the exit code.
#pragma once

#include <string>
#include <vector>

#include "bench/baseline/compare.hpp"
#include "bench/baseline/document.hpp"
#include "core/error.hpp"

namespace sluice::bench {

struct Judged {
  Metric metric;
  Change change;
  bool judged = false;  // by its role, for how the sides were taken
};

struct Comparison {
  std::vector<Judged> metrics;        // those of both sides, in the order of the first
  std::vector<std::string> unlike;    // how machine, CPUs or conditions differ: no verdict holds
  std::vector<std::string> unjudged;  // why it cannot pass: a metric that is gone
  std::vector<std::string> notes;     // what a reader should know and no verdict depends on
};

// How often two sides that were not alike are measured before that stands.
constexpr int kAttempts = 3;

enum class Taken : std::uint8_t {
  Apart = 1,   // one after the other, maybe on different machines
  InTurns = 2  // by measure_pairs
};
Comparison judge(const Document& before, const Document& after, Taken taken, const Rule& rule);

// Unqualified if the sides are not alike, whatever was seen. Else No: a judged metric is worse;
// Unqualified: one is undecided or gone; Ok: every one is same or better.
Exit exit_of(const Comparison& comparison) noexcept;

std::string table(const Comparison& comparison, const Rule& rule);
std::string to_json(const Comparison& comparison, const Document& before, const Document& after,
                    const Rule& rule);

}  // namespace sluice::bench
