// Crashes at a chosen instruction: a forked child is single-stepped by ptrace and killed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>

namespace sluice::test {

// Stops the traced child until the parent goes on. Called by the child where stepping may begin.
inline void crash_marker() noexcept {
  __asm__ volatile("int3");
}

enum class StepEnd : std::uint8_t { Killed = 1, Exited = 2, Failed = 3 };

struct StepResult {
  StepEnd end = StepEnd::Failed;
  int status = 0;  // exit code of a child that ended by itself, or the signal that ended it
  std::uint64_t steps = 0;
};

// Ends the child without one instruction of the C library: what is stepped is the body alone.
[[noreturn]] inline void leave_at_once() noexcept {
  __asm__ volatile("syscall" : : "a"(231L), "D"(0L) : "rcx", "r11", "memory");  // exit_group(0)
  __builtin_unreachable();
}

// Runs `body` in a child until its first crash_marker(), then `steps` single instructions, then
// SIGKILL. A child that returns from `body` or exits first has Exited, one that dies of a signal
// has Failed.
StepResult run_and_kill(const std::function<void()>& body, std::uint64_t steps);
// The same, with SIGKILL as soon as `enough(steps)` says so; asked before each instruction.
StepResult run_and_kill(const std::function<void()>& body,
                        const std::function<bool(std::uint64_t)>& enough);

// Runs `body` in a child and kills it after `nanoseconds` of wall time.
StepResult run_for(const std::function<void()>& body, std::int64_t nanoseconds);

// False where ptrace is forbidden (a container's seccomp filter): tests then skip and say so.
bool can_single_step();

}  // namespace sluice::test
