#include "tools/supervisor/config.hpp"

#include <limits>

#include "core/control_page.hpp"

namespace sluice {

SupervisorConfig parse_supervisor(const config::Table& supervisor) {
  SupervisorConfig config{};
  config.spawn = supervisor.boolean("spawn");
  config.ready_timeout = supervisor.duration("ready_timeout_s", 1, 3'600);
  config.restart_min = supervisor.duration("restart_min_ms", 1, 60'000);
  config.restart_max = supervisor.duration("restart_max_ms", 1, 600'000);
  if (config.restart_max < config.restart_min)
    supervisor.fault("restart_max_ms", "must not be below restart_min_ms");
  config.crash_limit =
      static_cast<std::uint32_t>(supervisor.integer("crash_limit", 0, kDeathsKept - 1));
  config.crash_window = supervisor.duration("crash_window_s", 1, 86'400);
  config.ack_deadline = supervisor.duration("ack_deadline_ms", 1, 10'000);
  config.cool_off = supervisor.duration("cool_off_s", 0, 86'400);
  config.cap = {supervisor.decimal("cap", 0, std::numeric_limits<std::int64_t>::max())};
  return config;
}

}  // namespace sluice
