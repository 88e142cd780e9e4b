// Whether figures of this machine mean anything, said beside every one of them.
#pragma once

#include <string>
#include <vector>

namespace sluice::bench {

// What `sluicectl doctor` holds against figures taken on these CPUs; empty: nothing.
std::vector<std::string> unfit(const std::vector<int>& cpus);
// "qualified", or "UNQUALIFIED: " and why.
std::string fitness(const std::vector<int>& cpus);

}  // namespace sluice::bench
