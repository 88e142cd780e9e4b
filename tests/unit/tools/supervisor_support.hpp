// A supervisor that starts nothing, for tests that play the processes themselves.
#pragma once

#include "tools/supervisor/config.hpp"

namespace sluice::test {

inline SupervisorConfig by_hand() {
  SupervisorConfig config{};
  config.spawn = false;
  config.ready_timeout = Duration::seconds(20);
  config.restart_min = Duration::millis(50);
  config.restart_max = Duration::seconds(2);
  config.crash_limit = 3;
  config.crash_window = Duration::seconds(600);
  config.ack_deadline = Duration::millis(50);
  config.cap = Notional::whole(1'000);
  return config;
}

}  // namespace sluice::test
