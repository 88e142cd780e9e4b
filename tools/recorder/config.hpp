// [recorder]: how journals reach the disk.
#pragma once

#include <cstdint>

#include "core/config.hpp"
#include "core/types.hpp"

namespace sluice {

struct RecorderConfig {
  Duration sync;  // longest time between write(2) and fdatasync: what a power loss may cost
  std::uint64_t rotate_bytes;      // a file larger than this is followed by a new one
  std::uint64_t disk_floor_bytes;  // less free space than this raises the condition disk_low
};

RecorderConfig parse_recorder(const config::Table& recorder);

}  // namespace sluice
