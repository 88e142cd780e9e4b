// [recorder]: how journals reach the disk.
#pragma once

#include <cstdint>

#include "core/config.hpp"
#include "core/types.hpp"

namespace sluice {

struct RetentionConfig {
  std::uint64_t keep_runs;     // so many of the newest finished runs are never touched
  std::int64_t keep_s;         // nor is one whose newest file is younger
  std::uint64_t budget_bytes;  // of all runs together; 0: no limit, nothing is ever removed
};

struct RecorderConfig {
  Duration sync;  // longest time between write(2) and fdatasync: what a power loss may cost
  std::uint64_t rotate_bytes;      // a file larger than this is followed by a new one
  std::uint64_t disk_floor_bytes;  // less free space than this raises the condition disk_low
  RetentionConfig retention;
};

RecorderConfig parse_recorder(const config::Table& recorder);

}  // namespace sluice
