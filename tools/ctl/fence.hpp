// Fencing: a process that holds a lease is ended and proven dead. SIGKILL works on a stopped
// process too. The proof is a pidfd: a number can be reused, a pidfd cannot.
#pragma once

#include <chrono>
#include <cstdint>

#include "core/process.hpp"

namespace sluice::ctl {

enum class Fenced : std::uint8_t {
  Killed = 1,      // it was alive, got SIGKILL and is dead
  Gone = 2,        // it was dead already, or nobody held the lease
  NotAllowed = 3,  // the caller may not signal it
  NotProven = 4    // SIGKILL was sent, death was not seen within the deadline
};

Fenced fence(const Lease& lease, std::chrono::milliseconds deadline) noexcept;

}  // namespace sluice::ctl
