// [supervisor]: how the run is kept alive and how much capital the step may use.
#pragma once

#include <cstdint>

#include "core/config.hpp"
#include "core/types.hpp"

namespace sluice {

struct SupervisorConfig {
  bool spawn = true;       // false: processes are started by hand or by systemd
  Duration ready_timeout;  // how long the first start may take
  Duration restart_min;    // back-off between restarts of one process, doubling
  Duration restart_max;
  std::uint32_t
      crash_limit;  // more deaths of one process within crash_window end the automatic restart
  Duration crash_window;
  Duration ack_deadline;  // a gate that has not obeyed HALT or more by then is fenced
  Duration cool_off;      // time between KILL_COMPLETE and rearm; 0 only in SHADOW and PAPER
  Notional cap;           // capital cap of the step, global scope
};

SupervisorConfig parse_supervisor(const config::Table& supervisor);

}  // namespace sluice
