// The doctor: a table of checks, each of which reads a few files and says what it found, what would
// be good and which command mends it. It changes nothing.
//
// ok and warn and fail are said of what was read; n-a of what this machine does not show (a guest
// hides most of it) or of what needs the configuration; unknown if it is there and cannot be read.
// warn costs latency or evidence, fail breaks a run.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tools/ctl/doctor/host.hpp"
#include "tools/ctl/sight.hpp"

namespace sluice {
struct PipelineConfig;
}

namespace sluice::ctl::doctor {

enum class Status : std::uint8_t { Ok = 1, Warn = 2, Fail = 3, NotApplicable = 4, Unknown = 5 };
std::string_view name_of(Status status) noexcept;

struct Seen {
  Status status = Status::NotApplicable;
  std::string read;  // what was read, with its source where that is not obvious
  std::string fix;   // a command; empty: nothing to mend, or nothing that a command can mend
};

// What is known beside the files.
struct Patient {
  const Host& host;
  std::vector<int> hot;                // CPUs of the processes, as configured; may repeat
  int processes = 0;                   // of the configuration; 0 = unknown
  std::uint64_t shared_memory = 0;     // bytes that an instance takes; 0 = unknown
  std::string state_dir;               // empty: unknown
  const Sight* sight = nullptr;        // a live instance; null: none
  std::vector<std::string> left = {};  // dead instances in /dev/shm

  [[nodiscard]] Cpus hot_set() const { return {hot.begin(), hot.end()}; }
};

struct Check {
  std::string_view id;  // "cpu.isolated"
  std::string_view good;
  bool figures;  // without it latency figures mean little
  Seen (*look)(const Patient&);
};

// By subject, in the order in which they are shown.
std::span<const Check> cpu_checks() noexcept;
std::span<const Check> power_checks() noexcept;
std::span<const Check> memory_checks() noexcept;
std::span<const Check> kernel_checks() noexcept;
std::span<const Check> interrupt_checks() noexcept;
std::span<const Check> instance_checks() noexcept;
std::vector<const Check*> all_checks();
// Files that count up: look_twice before examining.
std::vector<std::string> counting_files();

struct Finding {
  const Check* check = nullptr;
  Seen seen;
};
std::vector<Finding> examine(const Patient& patient);
std::string verdict_of(const std::vector<Finding>& findings);  // one line: what is wrong
int exit_code(const std::vector<Finding>& findings) noexcept;

// Why figures of this machine mean little, in short; empty: they are good. Does not wait.
std::vector<std::string> unfit_for_figures(const std::vector<int>& hot);

// Shorthands of the checks.
inline Seen ok(std::string read) {
  return {Status::Ok, std::move(read), {}};
}
inline Seen absent(std::string what) {
  return {Status::NotApplicable, std::move(what), {}};
}
inline Seen warn(std::string read, std::string fix = {}) {
  return {Status::Warn, std::move(read), std::move(fix)};
}
inline Seen fail(std::string read, std::string fix = {}) {
  return {Status::Fail, std::move(read), std::move(fix)};
}
inline Seen needs_cpus() {
  return absent("no CPUs are named: --conf FILE with cpu = N in [process.NAME]");
}

}  // namespace sluice::ctl::doctor
