// A process that does nothing until it is killed, and leases that name it as their holder.
#pragma once

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>

#include "core/process.hpp"

namespace sluice::test {

class Sleeper {
 public:
  explicit Sleeper(const char* name = nullptr) {
    int ready[2];
    if (::pipe(ready) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::alarm(60);  // whoever waits for its death in vain waits for so long
      if (name != nullptr) ::prctl(PR_SET_NAME, name);
      (void)!::write(ready[1], "r", 1);
      for (;;) ::pause();
    }
    char got = 0;
    if (pid_ > 0) (void)!::read(ready[0], &got, 1);
    ::close(ready[0]);
    ::close(ready[1]);
  }
  ~Sleeper() {
    kill();
    reap();
  }
  Sleeper(const Sleeper&) = delete;
  Sleeper& operator=(const Sleeper&) = delete;

  // Never a pid of -1: that would be every process there is.
  void kill() const {
    if (pid_ > 0) ::kill(pid_, SIGKILL);
  }
  // Waits until it is dead, but leaves it a zombie.
  void await_death() const {
    siginfo_t info{};
    if (pid_ > 0) ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }
  void reap() {
    if (pid_ > 0) ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
};

inline std::uint64_t lease_word(std::uint32_t epoch, pid_t pid) {
  return std::uint64_t{epoch} << 32 | static_cast<std::uint32_t>(pid);
}

// As if that process had claimed it.
inline void take_for(Lease& lease, std::uint32_t epoch, pid_t pid) {
  lease.word.store(lease_word(epoch, pid));
  lease.started.store(std::uint64_t{epoch} << 32 | (start_ticks_of(pid) & 0xffff'ffff));
}

}  // namespace sluice::test
