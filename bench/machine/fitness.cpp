#include "bench/machine/fitness.hpp"

#include <fmt/format.h>

#include "tools/ctl/doctor/doctor.hpp"

namespace sluice::bench {

std::vector<std::string> unfit(const std::vector<int>& cpus) {
  return ctl::doctor::unfit_for_figures(cpus);
}

std::string fitness(const std::vector<int>& cpus) {
  const auto reasons = unfit(cpus);
  return reasons.empty() ? "qualified" : fmt::format("UNQUALIFIED: {}", fmt::join(reasons, "; "));
}

}  // namespace sluice::bench
