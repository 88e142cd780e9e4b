// What `status` knows: the run and its processes as plain data, collected from the pages.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/kill_page.hpp"
#include "tools/ctl/gates.hpp"
#include "tools/ctl/sight.hpp"

namespace sluice::ctl {

struct ProcessStatus {
  Process process{};
  bool expected = true;  // the configuration has work for it
  Alive alive;
  StageState state = StageState::Absent;
  std::string wait;  // spin, yield, nap
  int cpu = -1;      // -1: not pinned
  std::uint64_t conditions = 0;
  bool journaled = false;
  std::uint64_t journal_position = 0;
  std::uint64_t recorder_lag = 0;  // entries
  std::uint64_t obeyed = 0;
  std::uint64_t recoveries = 0;
  std::string build;
  bool same_build = false;  // as the control page says; false while it has not said anything
  bool same_config = false;
  bool same_layout = false;
  std::string fault;
};

struct ScopeStatus {
  Scope scope;
  KillWord word;
  std::uint64_t raw = 0;  // the word to name in a rearm
  std::int64_t since_ns = -1;
  bool permit = false;
  std::int64_t cap = 0;
};

struct Status {
  std::string instance;
  Mode mode = Mode::Paper;
  std::uint16_t run = 0;
  std::uint64_t run_id = 0;
  std::string state;
  std::string build;
  std::uint64_t config_hash = 0;
  std::string state_dir;
  std::int64_t rate_ppm = 0;
  int supervisor_pid = 0;
  bool supervisor_alive = false;
  std::int64_t supervisor_beat_ns = -1;
  std::uint64_t serial = 0;
  std::vector<ScopeStatus> scopes;  // every scope of the run
  std::vector<ProcessStatus> processes;
  Verdict verdict;
};

Status collect(const Sight& sight);
void print_text(const Sight& sight, const Status& status, Console& console);
void print_json(const Sight& sight, const Status& status, Console& console);

}  // namespace sluice::ctl
