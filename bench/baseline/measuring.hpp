// Who measures when: runs one after the other, or two sides in turns.
#pragma once

#include <utility>

#include "bench/baseline/child.hpp"

namespace sluice::bench {

constexpr std::size_t kRunsUsual = 11;

// Every run (of each side) is a process of its own: where its memory lies is drawn anew. The
// document says what was measured, where and when; it has no command.
Document measure_runs(const Order& order, std::size_t runs);

// Both sides have a process at the same time and take turns on the same CPUs: ABBA, then BAAB, so
// that neither is always the first and a drift hits both alike. A sample is the geometric mean of a
// side's two turns; sample k of run r of the two documents belong together.
std::pair<Document, Document> measure_pairs(const Order& a, const Order& b, std::size_t runs);

}  // namespace sluice::bench
