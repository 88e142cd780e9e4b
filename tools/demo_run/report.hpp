// The closing report: everything that was seen, what was expected of it, as text and as JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/demo_run/capture.hpp"
#include "tools/demo_run/drill.hpp"
#include "tools/demo_run/evidence.hpp"
#include "tools/demo_run/machine.hpp"
#include "tools/demo_run/view.hpp"

namespace sluice::demo {

struct VerifyResult {
  bool ran = false;  // false: there is no sluice-replay in this build
  int code = -1;
  std::string text;  // its first line if it failed
};

struct Report {
  Capture capture;
  Sample sample;  // after the tape, drained, before the stop
  bool drained = false;
  bool tape_ended = false;  // the venue left by itself, content
  Evidence evidence;
  DrillResult drill;
  Machine machine;
  VerifyResult verify;
  int supervisor_exit = -1;
  std::uint64_t deaths = 0;            // of processes, from the supervisor's audit log
  std::vector<std::string> leftovers;  // objects in /dev/shm after the end
  double wall_s = 0;
  std::string speed;
  std::string run_dir;
  bool kept = false;
  std::string bin_dir;  // as the user would type it
};

// Ticks that no Gap record accounts for, over all consumers, and updates that the venue left out.
std::uint64_t explained_gaps(const Report& report) noexcept;
std::uint64_t unexplained_gaps(const Report& report) noexcept;

struct Expectation {
  std::string text;  // "every message decoded: 41248 of 41248"
  bool met = false;
};
// Exit 0 needs all of them.
std::vector<Expectation> judge(const Report& report);
bool all_met(const std::vector<Expectation>& expectations) noexcept;

// Processes that want a CPU: the four stages' processes, recorder, supervisor.
int processes_of(const Report& report) noexcept;

std::vector<std::string> report_lines(const Report& report);
std::string report_json(const Report& report);

}  // namespace sluice::demo
