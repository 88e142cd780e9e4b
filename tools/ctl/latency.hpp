// Latency histograms of the stage pages as one table: every hop in the order of the way, and the
// whole of it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/statistics.hpp"
#include "tools/ctl/sight.hpp"

namespace sluice::ctl {

// A histogram at one moment, or what two moments differ by.
struct Distribution {
  std::vector<std::uint64_t> buckets;
  std::uint64_t count = 0;
  std::int64_t max = 0;  // of a difference: the upper bound of its highest bucket

  // Upper bound of the bucket that holds the quantile; 0 if empty.
  [[nodiscard]] std::int64_t quantile(std::uint64_t ppm) const noexcept;
};
Distribution look_at_histogram(const Histogram& histogram);
Distribution difference(const Distribution& later, const Distribution& earlier);

struct Hop {
  Process process{};
  std::string name;      // as the histogram: "tick_to_send_ns"
  std::string_view way;  // "frame in hand to order sent"; empty: one that this table does not know
  bool end_to_end = false;
  Distribution took;
};
// Hops on the way first, in its order, the whole way last; then what else has a histogram.
std::vector<Hop> hops_of(const Sight& sight);

}  // namespace sluice::ctl
