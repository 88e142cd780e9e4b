// The supervisor: creates the run or takes it over from a dead supervisor, keeps its processes
// alive, decides when risk is permitted, latches and completes kills, and ends the run in order.
// One thread; its heartbeat comes from the loop that does it all.
//
// Writes: the control page, rearms on the kill page, `request` of stage pages. Everything it
// loosens is in the audit log first.
//
// Taking over: segments, rings, processes, calibration, caps and kill words stay as they are. The
// first beat carries the new lease's epoch, which voids every permit; they are granted again when
// both gates have journaled that epoch and nothing else stands in the way.
#pragma once

#include <bitset>
#include <filesystem>
#include <memory>
#include <string>

#include "core/error.hpp"
#include "core/pipeline.hpp"
#include "tools/supervisor/audit.hpp"
#include "tools/supervisor/children.hpp"
#include "tools/supervisor/kill_watch.hpp"
#include "tools/supervisor/latch.hpp"
#include "tools/supervisor/notify.hpp"
#include "tools/supervisor/own_pages.hpp"
#include "tools/supervisor/requests.hpp"
#include "tools/supervisor/run_setup.hpp"

namespace sluice {

class Supervisor {
 public:
  struct Setup {
    const PipelineConfig& pipeline;
    SupervisorConfig config;
    std::uint64_t config_hash = 0;
    std::string config_bytes;
    Children::Launch launch;
  };
  // Throws Error: a run it was creating is removed then, one it was taking over stays as it was.
  explicit Supervisor(const Setup& setup);
  // Without an orderly stop before: the permit is void, the run stays for the next supervisor.
  ~Supervisor();

  // Runs until a stop is asked for. Returns the exit code of the process.
  int run();

 private:
  Children::Launch launch(Children::Launch wanted);
  [[nodiscard]] std::string forged_lease(Process p) const;
  void take_run(const Setup& setup);
  void take_pages(const Setup& setup);
  void set_starting_caps() noexcept;
  void expect_kept_caps() noexcept;
  void withhold_what_was_void();
  void turn(int wait_ms);
  void beat() noexcept;
  void note_deaths(std::uint64_t now_ns);
  void decide_permits(std::uint64_t now_ns);
  [[nodiscard]] std::string obstacle(std::uint64_t now_ns) const;
  void arm();
  void disarm(const std::string& why);
  void set_state(RunState state) noexcept;
  SupervisorReply answer(const SupervisorRequest& request, uid_t uid);
  KillWatch::Rearm rearm(const SupervisorRequest& request);
  // start, stop and restart of one stage: stage_requests.cpp
  struct Answer {
    Exit code;
    std::string text;
  };
  Answer stage(const SupervisorRequest& request, uid_t uid);
  [[nodiscard]] Answer refusal_to_start(Process p, const SupervisorRequest& request) const;
  void end_crash_loop(Process p, const SupervisorRequest& request);
  void set_cap(const SupervisorRequest& request, uid_t uid, SupervisorReply& reply);
  bool stop_in_order();
  void wait_quiet(std::uint64_t deadline_ns);
  bool wait_stopped(Process p, std::uint64_t deadline_ns);
  void say(const std::string& line) noexcept;

  const PipelineConfig& pipeline_;
  SupervisorConfig config_;
  int lock_ = -1;
  std::vector<LatchedLevel> carried_;
  std::vector<LatchedCap> caps_;  // as operators left them
  std::unique_ptr<Audit> audit_;
  std::unique_ptr<Run> run_;
  std::unique_ptr<OwnPages> own_;
  std::unique_ptr<Children> children_;
  std::unique_ptr<KillWatch> kills_;
  std::unique_ptr<Requests> requests_;
  Notify notify_;
  bool adopted_ = false;
  std::bitset<kScopes>
      withheld_;  // void when the run was taken over: an operator grants them again
  std::uint16_t lease_epoch_ = 0;
  std::uint64_t started_ns_ = 0;
  bool armed_ = false;
  bool stop_asked_ = false;
  std::string obstacle_;
  std::string said_;  // the obstacle that was told last
  std::uint64_t said_ns_ = 0;
};

}  // namespace sluice
