// The kill drill: a bare `sluicectl kill` as an operator would type it, a second of watching that
// nothing more leaves, and a rearm that names the word. What happened is read from the journals,
// not from sluicectl.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "core/clock.hpp"

namespace sluice::demo {

struct GateReaction {
  std::string name;
  std::string end;  // "obeyed", "fenced", ...
  std::int64_t reaction_ns = -1;
};

struct KillAnswer {
  bool complete = false;
  std::string word;  // "0x..." of the global scope
  std::int64_t took_ns = -1;
  std::vector<GateReaction> gates;
};
// Pure: what `sluicectl kill --json` printed. Throws Error if it is not that.
KillAnswer parse_kill(std::string_view json);

struct DrillResult {
  bool done = false;
  std::string problem;  // why it failed; empty if it did not
  KillAnswer kill;
  std::uint64_t orders_after = 0;  // placed after KILL_COMPLETE and before the rearm
  bool rearmed = false;
};

class Drill {
 public:
  static constexpr std::chrono::milliseconds kWatch{1'000};

  struct Setup {
    std::filesystem::path bin_dir;
    std::filesystem::path state_dir;
    std::filesystem::path run_dir;
    std::string instance;
    Calibration calibration;
  };
  explicit Drill(Setup setup) : setup_(std::move(setup)), clock_(setup_.calibration) {}

  // True while it has something to do: call it on every turn from the moment it is due. Blocks for
  // the milliseconds that sluicectl takes, never for the watch.
  bool step();
  [[nodiscard]] const DrillResult& result() const noexcept { return result_; }
  [[nodiscard]] bool watching() const noexcept {
    return watch_until_.time_since_epoch().count() != 0;
  }
  // Again, once everything is on disk.
  void recount();
  [[nodiscard]] std::string line() const;

 private:
  void kill();
  void rearm();
  bool fail(std::string why);

  Setup setup_;
  Clock clock_;
  DrillResult result_;
  HostTime rearm_at_;
  std::chrono::steady_clock::time_point watch_until_{};
};

}  // namespace sluice::demo
