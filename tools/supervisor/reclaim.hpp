// What a dead run left in shared memory is taken away, after what it must not lose was kept.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/access.hpp"
#include "tools/supervisor/latch.hpp"

namespace sluice {

// Ends whatever run of this instance is in shared memory and whose supervisor is dead: fences every
// living holder of a lease, adds the levels that the kill words hold to `latched` and has them kept
// on disk (`keep`, which throws if it cannot), exchanges every word for ENDED, zeroes magic,
// unlinks. Throws Error while its supervisor lives, and for a run that this build cannot read,
// and for an object of somebody else's, which cannot be removed.
void reclaim(const std::string& instance, std::vector<LatchedLevel>& latched,
             const std::function<void()>& keep, const AccessConfig* access = nullptr);

}  // namespace sluice
