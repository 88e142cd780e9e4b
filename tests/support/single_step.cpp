#include "tests/support/single_step.hpp"

#include <sys/ptrace.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

namespace sluice::test {
namespace {

StepResult ended(int status, std::uint64_t steps = 0) {
  if (WIFEXITED(status)) return {StepEnd::Exited, WEXITSTATUS(status), steps};
  if (WIFSIGNALED(status)) return {StepEnd::Failed, WTERMSIG(status), steps};
  return {StepEnd::Failed, WIFSTOPPED(status) ? WSTOPSIG(status) : 0, steps};
}

void kill_and_reap(pid_t child) {
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, __WALL);
}

pid_t start(const std::function<void()>& body, bool traced) {
  std::fflush(nullptr);  // the child must not print the parent's buffer a second time
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (traced && ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(97);
  body();
  ::_exit(0);
}

}  // namespace

StepResult run_and_kill(const std::function<void()>& body,
                        const std::function<bool(std::uint64_t)>& enough) {
  const pid_t child = start(body, true);
  if (child < 0) return {};
  int status = 0;
  if (::waitpid(child, &status, __WALL) != child) return {};
  if (!WIFSTOPPED(status)) return ended(status);
  std::uint64_t steps = 0;
  for (; WSTOPSIG(status) == SIGTRAP && !enough(steps); ++steps) {
    if (::ptrace(PTRACE_SINGLESTEP, child, nullptr, nullptr) != 0) break;
    if (::waitpid(child, &status, __WALL) != child) return {};
    if (!WIFSTOPPED(status)) return ended(status, steps + 1);
  }
  const bool trapped = WSTOPSIG(status) == SIGTRAP;
  const StepResult failure = ended(status, steps);
  kill_and_reap(child);
  return trapped ? StepResult{StepEnd::Killed, SIGKILL, steps} : failure;
}

StepResult run_and_kill(const std::function<void()>& body, std::uint64_t steps) {
  return run_and_kill(body, [steps](std::uint64_t done) { return done >= steps; });
}

StepResult run_for(const std::function<void()>& body, std::int64_t nanoseconds) {
  const pid_t child = start(body, false);
  if (child < 0) return {};
  const timespec pause{nanoseconds / 1'000'000'000, nanoseconds % 1'000'000'000};
  ::nanosleep(&pause, nullptr);
  ::kill(child, SIGKILL);
  int status = 0;
  if (::waitpid(child, &status, __WALL) != child) return {};
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return {StepEnd::Killed, SIGKILL, 0};
  return ended(status);
}

bool can_single_step() {
  return run_and_kill(
             [] {
               crash_marker();
               for (;;) ::usleep(1);
             },
             3)
             .end == StepEnd::Killed;
}

}  // namespace sluice::test
