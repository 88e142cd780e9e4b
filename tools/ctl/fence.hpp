// Fencing: the process that holds the lease of a stage page is ended and proven dead. SIGKILL works
// on a stopped process too. The proof of death is a pidfd: a number can be reused, a pidfd cannot.
//
// Whoever made the page wrote the number: anybody may put an instance into /dev/shm whose lease
// names somebody else's process, and wait for root. So nobody is signalled who does not map that
// very page for writing, which the kernel knows and no page can claim.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/segment.hpp"

namespace sluice::ctl {

enum class Fenced : std::uint8_t {
  Killed = 1,      // it was alive, got SIGKILL and is dead
  Gone = 2,        // it was dead already, or nobody held the lease
  NotAllowed = 3,  // the caller may not signal it
  NotProven = 4,   // SIGKILL was sent, death was not seen within the deadline
  NotHolder = 5,   // that process does not map the page: the lease is false, nothing was sent
  NotSeen = 6      // the caller may not see what that process maps: nothing was sent
};

// `page` holds a StagePage.
Fenced fence(const Segment& page, std::chrono::milliseconds deadline);

}  // namespace sluice::ctl
