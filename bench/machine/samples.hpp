// Medians and spreads: these machines are shared, so a mean would measure the neighbours.
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

namespace sluice::bench {

// The value below which that part of the samples lies; 0 of none.
inline double quantile(std::vector<double> samples, double part) {
  if (samples.empty()) return 0;
  const auto at = static_cast<std::ptrdiff_t>(part * static_cast<double>(samples.size() - 1) + 0.5);
  std::nth_element(samples.begin(), samples.begin() + at, samples.end());
  return samples[static_cast<std::size_t>(at)];
}
inline double median(const std::vector<double>& samples) {
  return quantile(samples, 0.5);
}

}  // namespace sluice::bench
