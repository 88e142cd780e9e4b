// Which process of a run is on which CPU.
#pragma once

#include <string>
#include <vector>

#include "core/topology.hpp"

namespace sluice::bench {

struct Placement {
  int feed = 0;
  int strategy = 0;
  int risk = 0;
  int gateway = 0;
  int rest = 0;  // recorder and supervisor

  [[nodiscard]] int of(Process process) const noexcept;
  // The CPUs in use, each once.
  [[nodiscard]] std::vector<int> cpus() const;
};

// One CPU for each stage if there are as many, else neighbours on the path of a tick share one:
// feed with strategy, risk with gateway. Recorder and supervisor are on the last. Precondition:
// not empty.
Placement place(const std::vector<int>& cpus);

// "feed 0, strategy 0, risk 1, gateway 1, recorder 1"
std::string placement_text(const Placement& placement);

// Those that this process may run on.
std::vector<int> allowed_cpus();

// "0,1,4-6"; throws Error (Usage) for what is no list, for a CPU named twice and for one that this
// process may not use.
std::vector<int> parse_cpus(const std::string& text);

}  // namespace sluice::bench
