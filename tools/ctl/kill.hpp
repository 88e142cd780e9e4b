// The kill: raise first, everything else afterwards. Needs the kill page of an instance and nothing
// else; names of scopes come from the control page, reaction times from the gates' stage pages.
//
// COMPLETE means: every gate (risk, gateway) has obeyed a serial at or above the raiser's target,
// so no order byte written before its scan is left, or it is proven dead. From HALT up a gate that
// has not obeyed within kFenceAfter is fenced; REDUCE_ONLY never fences.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/instance.hpp"
#include "core/kill_page.hpp"
#include "tools/ctl/console.hpp"

namespace sluice::ctl {

inline constexpr std::chrono::milliseconds kFenceAfter{50};
inline constexpr std::array kGates{Process::Risk, Process::Gateway};

struct KillRequest {
  KillLevel level = KillLevel::Halt;
  std::string scope = "global";
  std::string instance;  // empty: every live one
  bool wait = true;
  std::chrono::milliseconds timeout{2'000};
};

enum class GateEnd : std::uint8_t {
  Waiting = 0,
  Obeyed = 1,
  Dead = 2,        // it was not running, or died by itself
  Fenced = 3,      // killed by us and proven dead
  NotAllowed = 4,  // has not obeyed, and we may not signal it
  Unseen = 5       // its page cannot be read
};

struct GateResult {
  Process process{};
  GateEnd end = GateEnd::Waiting;
  int pid = 0;
  std::int64_t reaction_ns = -1;  // raise to obedience, or to proven death
  std::string note;

  [[nodiscard]] bool settled() const noexcept {
    return end == GateEnd::Obeyed || end == GateEnd::Dead || end == GateEnd::Fenced;
  }
};

struct KillResult {
  std::string instance;
  std::string problem;  // why nothing could be raised; empty if it was
  bool raised = false;
  bool ended = false;   // the run is over: its words say ENDED, which is stronger than any level
  bool absent = false;  // left over from before a reboot: nothing can be running
  std::uint64_t target = 0;
  std::uint64_t word = 0;  // what stands in the page now
  KillLevel standing = KillLevel::Halt;
  std::vector<GateResult> gates;
  std::int64_t open_orders = -1;  // at the venue, as the gateway sees them now; -1 = unknown
  bool waited = false;
  std::int64_t took_ns = -1;

  [[nodiscard]] bool complete() const noexcept;
};

// Instances that have a kill page or a control page in /dev/shm.
std::vector<std::string> kill_candidates();

// Throws Error (Usage) if the scope is of no instance, (Unreachable) if there is no instance; then
// nothing has been raised anywhere.
std::vector<KillResult> kill(const KillRequest& request);

// 0 if all are complete, or raised and not waited for; Incomplete otherwise.
int exit_code(const std::vector<KillResult>& results, bool waited) noexcept;

void print_text(const KillRequest& request, const std::vector<KillResult>& results,
                Console& console);
void print_json(const KillRequest& request, const std::vector<KillResult>& results,
                Console& console);

}  // namespace sluice::ctl
