// What work in one thread is divided by, so that figures of different hours can be compared. Two of
// them, because a neighbour on the same core takes places in the pipeline from work that uses many
// (twice the time) and none from work that waits for itself. How one relates to the other says how
// much of the core a neighbour has: no work follows a yardstick so closely that figures taken
// beside a neighbour and without one could be compared to a few percent.
#pragma once

#include <cstdint>

#include "core/ring.hpp"

namespace sluice::bench {

constexpr std::uint64_t kYardLines = 64;

// A record into a line and out again, without a protocol, so often; one line after the other.
void yard_of_copies(Slot* lines, Payload& record, std::uint64_t count) noexcept;
// Steps each of which needs the one before.
void yard_of_steps(std::uint64_t& state, std::uint64_t count) noexcept;

}  // namespace sluice::bench
