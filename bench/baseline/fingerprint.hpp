// The machine that figures were taken on, as far as it decides what they mean.
#pragma once

#include <string>
#include <vector>

#include "tools/ctl/doctor/host.hpp"

namespace sluice::bench {

struct Trait {
  std::string name;   // "cpu", "kernel", ...
  std::string value;  // "none" or "unknown" where there is nothing to read

  friend bool operator==(const Trait&, const Trait&) = default;
};
using Fingerprint = std::vector<Trait>;

// CPU model, CPUs, siblings, microcode, kernel, clock source, rate of the time-stamp counter,
// hypervisor, governor, isolated CPUs, memory. A host name, an address and the time since the boot
// are no traits: they change nothing.
Fingerprint fingerprint_of(const ctl::doctor::Host& host);
// Of this machine, read once.
const Fingerprint& this_machine();

// One line per trait that differs: "kernel: 6.1.0 there, 6.5.0 here". Measured ones have a
// tolerance: the counter 0.1 %, memory 1 %. Empty: the same machine, or one just like it.
std::vector<std::string> differences(const Fingerprint& there, const Fingerprint& here);

}  // namespace sluice::bench
