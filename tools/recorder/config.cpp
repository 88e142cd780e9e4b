#include "tools/recorder/config.hpp"

namespace sluice {

RecorderConfig parse_recorder(const config::Table& recorder) {
  constexpr std::uint64_t kMiB = 1024 * 1024;
  RecorderConfig config{};
  config.sync = recorder.duration("sync_ms", 1, 10'000);
  config.rotate_bytes =
      static_cast<std::uint64_t>(recorder.integer("rotate_mib", 1, 1'048'576)) * kMiB;
  config.disk_floor_bytes =
      static_cast<std::uint64_t>(recorder.integer("disk_floor_mib", 1, 1'048'576)) * kMiB;
  return config;
}

}  // namespace sluice
