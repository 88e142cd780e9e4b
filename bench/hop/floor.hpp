// What the machine can do at all, without any protocol: measured on the same CPUs in the same
// second as each contender, because a guest's host moves them between placements whose costs differ
// by ten.
#pragma once

#include "bench/machine/pair.hpp"

namespace sluice::bench {

// One cache line there and back: the best of {one line for both ways, a line for each} x {with a
// pause in the wait, without}. Nanoseconds, the median of blocks.
double round_trip_floor(const Cpus& cpus);

// Lines of 64 bytes, all written and all read, a flag in each and an acknowledgement for half a
// buffer of them. Millions per second.
double stream_floor(const Cpus& cpus);

}  // namespace sluice::bench
