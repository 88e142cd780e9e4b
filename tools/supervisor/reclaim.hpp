// What a dead run left in shared memory is taken away, after what it must not lose was kept.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/supervisor/latch.hpp"

namespace sluice {

// Ends whatever run of this instance is in shared memory and whose supervisor is dead: fences every
// living holder of a lease, adds the levels that the kill words hold to `latched` and has them kept
// on disk (`keep`, which throws if it cannot), exchanges every word for ENDED, zeroes magic,
// unlinks. Throws Error while its supervisor lives, and for a run that this build cannot read.
void reclaim(const std::string& instance, std::vector<LatchedLevel>& latched,
             const std::function<void()>& keep);

}  // namespace sluice
