// Distributions to look at: an SVG file, and a few lines for the terminal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/pipeline/sla.hpp"

namespace sluice::bench {

// The distribution of one line of the picture.
struct Curve {
  std::string name;
  struct Point {
    double part;  // of the samples that are at or below: 0 <= part < 1
    std::int64_t ns;
  };
  std::vector<Point> points;  // rising; empty: nothing was measured
};

// Down to the part that one sample is: denser where it is rarer.
Curve curve_of(std::string name, const std::vector<std::int64_t>& sorted);
std::vector<Curve> curves_of(const Spans& spans);

// Latency over percentile, both logarithmic, one line per curve; light and dark as the viewer
// prefers. `caption` stands below the title, one line each.
std::string svg_of(const std::string& title, const std::vector<std::string>& caption,
                   const std::vector<Curve>& curves);

// One row per hop on a common logarithmic axis: up to p50, p90, p99, p99.9, and the maximum. At
// most 80 columns; unicode blocks, or ASCII for what is no terminal.
std::string bars_of(const std::vector<HopFigures>& hops, bool terminal);

// "870 ns", "12.3 us", "4.56 ms"
std::string nanoseconds(std::int64_t ns);

}  // namespace sluice::bench
