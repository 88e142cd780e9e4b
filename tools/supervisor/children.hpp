// The processes of a run: started by the supervisor or found through the lease on their page,
// watched by pidfd and heartbeat, fenced when they must not go on.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "core/access.hpp"
#include "core/instance.hpp"
#include "core/process.hpp"
#include "tools/supervisor/config.hpp"

namespace sluice {

// SIGKILL and wait until the kernel confirms the death (a pidfd becomes readable). False if not
// permitted or not dead within a second.
bool fence_pidfd(int pidfd) noexcept;

// A file descriptor that becomes readable when the process is gone; -1 if there is no such process.
int open_pidfd(pid_t pid) noexcept;
bool gone(int pidfd) noexcept;

struct Death {
  Process process;
  pid_t pid;
  std::string how;  // "killed by signal 9", "exit 1: <fault>"
  bool in_order;    // it said goodbye: not a crash, not restarted
};

class Children {
 public:
  struct Launch {
    std::filesystem::path bin_dir;
    std::filesystem::path conf;
    std::filesystem::path state_dir;
    std::string instance;
    std::map<Process, User> users = {};  // empty: children run as we do
    // Whether that process holds that page, as its lease says (holder.hpp). Empty: leases are
    // believed, for pages that nobody else can write.
    std::function<bool(pid_t, Process)> holds = {};
  };

  Children(const SupervisorConfig& config, const PipelineConfig& pipeline, Objects& objects,
           Launch launch);
  ~Children();

  // Processes this configuration needs: recorder, gateway, risk, the taken seats, feed; in start
  // order.
  [[nodiscard]] const std::vector<Process>& needed() const noexcept { return needed_; }

  // Starts what is due (unless spawn = false), notices deaths. Call every few ms.
  std::vector<Death> poll(std::uint64_t now_ns);

  [[nodiscard]] bool ready(Process p, std::uint64_t now_ns) const noexcept;
  [[nodiscard]] bool all_ready(std::uint64_t now_ns) const noexcept;
  [[nodiscard]] bool alive(Process p) const noexcept;
  [[nodiscard]] pid_t pid_of(Process p) const noexcept;
  // The lease on its page names a living process that does not hold it: that one is neither watched
  // nor fenced.
  [[nodiscard]] bool forged(Process p) const noexcept;
  // Those that were found since the last call.
  [[nodiscard]] std::vector<Process> take_forged() { return std::exchange(new_forged_, {}); }
  // True if the process died more often than the crash limit allows; it is not restarted any more.
  // The deaths stand on the control page, so another supervisor goes on counting.
  [[nodiscard]] bool crash_loop(Process p) const noexcept {
    return recent_deaths(p) > config_.crash_limit;
  }
  [[nodiscard]] const Process* missing(
      std::uint64_t now_ns) const noexcept;  // first that is not ready

  // One stage on request: drained, killed past the deadline, and then not started again before
  // start(); `again`: started again at once. Its end is no crash, however it comes.
  void stop(Process p, std::uint64_t deadline_ns, bool again) noexcept;
  void start(Process p) noexcept;
  void forget_deaths(Process p) noexcept;  // ends a crash loop
  // The first stage that is being stopped on request.
  [[nodiscard]] const Process* stopping() const noexcept;

  // Orderly stop: no restarts any more.
  void stop_restarting() noexcept { restarting_ = false; }
  void request_drain(Process p) noexcept;
  // Fences a gate that does not obey. False: not permitted, or not dead within a second.
  bool fence_process(Process p) noexcept;
  // It did not leave in order with exit code 0.
  [[nodiscard]] bool failed(Process p) const noexcept;
  // Neither watched nor holding its lease: nothing it could still send.
  [[nodiscard]] bool proven_dead(Process p) const noexcept;

 private:
  struct Child {
    Process process{};
    pid_t pid = 0;  // as spawned or as found in the lease
    int pidfd = -1;
    bool spawned = false;
    std::uint64_t restart_at_ns = 0;
    int exit_code = 0;                // of the last end
    bool left = false;                // stopped in order by somebody: not restarted
    std::uint64_t kill_after_ns = 0;  // being stopped on request, until then in order; 0 = not
    bool again = false;               // and started again afterwards
    std::uint64_t forged = 0;  // lease word that names a process which does not hold the page
  };

  [[nodiscard]] const Child& child(Process p) const noexcept;
  Child& child(Process p) noexcept;
  // Deaths within the crash window before the newest one.
  [[nodiscard]] std::size_t recent_deaths(Process p) const noexcept;
  void note_death(Process p, std::uint64_t now_ns) noexcept;
  [[nodiscard]] std::uint64_t backoff_ns(Process p) const noexcept;
  [[nodiscard]] bool died_unseen(const Child& child) const noexcept;
  void spawn(Child& child);
  void adopt(Child& child);
  [[nodiscard]] bool proven(const Child& child, pid_t pid) const;
  void note_forged(Child& child, std::uint64_t word);
  bool has_left(Child& child);
  void press(Child& child, std::uint64_t now_ns) noexcept;
  Death bury(Child& child, std::uint64_t now_ns);
  void bury_asked(Child& child, bool taken, Death& death) noexcept;
  [[nodiscard]] bool may_start(const Child& child, std::uint64_t now_ns) const noexcept;

  SupervisorConfig config_;
  Objects& objects_;
  Launch launch_;
  std::vector<Process> needed_;
  std::vector<Child> children_;
  std::vector<Process> new_forged_;
  bool restarting_ = true;
};

}  // namespace sluice
