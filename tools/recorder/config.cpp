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
  config.retention.keep_runs = static_cast<std::uint64_t>(recorder.integer("keep_runs", 1, 65'535));
  config.retention.keep_s = recorder.integer("keep_days", 0, 36'500) * 86'400;
  config.retention.budget_bytes =
      static_cast<std::uint64_t>(recorder.integer("budget_mib", 0, 1'073'741'824)) * kMiB;
  return config;
}

}  // namespace sluice
