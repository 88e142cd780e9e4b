// What callgrind is told to watch, by these names. In a source of their own, so that no caller has
// a copy of them.
#pragma once

#include <cstdint>

extern "C" {
// Instructions are counted from its call to its return.
void sluice_counted(void (*row)(void*, std::uint64_t), void* piece, std::uint64_t calls);
// What was counted since the last call is written down.
void sluice_count_taken();
}
