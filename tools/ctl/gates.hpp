// Every gate between the venue and the socket, in order, as lines: what it says now, against which
// limit, since when, and what changes it. The source of `why` and of the verdict of `status`.
//
// Pure: (sight, selection) -> lines. A gate blocks entries; exits stay open as the kill table says.
// A line concerns everything, one strategy or one instrument, never a pair, so what may trade is a
// product of sets.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/watch.hpp"
#include "tools/ctl/sight.hpp"

namespace sluice::ctl {

enum class Says : std::uint8_t {
  Pass = 1,
  Block = 2,
  Note = 3  // worth knowing; does not stop an entry by itself
};

struct GateLine {
  std::string gate;  // "permit strategy:momentum_buying"
  Says says = Says::Pass;
  std::string value;
  std::string limit;           // empty: there is none to compare with
  std::int64_t since_ns = -1;  // how long ago it came to this; -1 = unknown
  std::string change;          // what changes it: a command, or what to wait for
  Scope about;                 // Global: concerns everything
};

struct Selection {
  std::vector<StrategyIndex> strategies;
  std::vector<InstrumentIndex> instruments;
};

// Names that were given, or everything. Throws Error (Usage) for an unknown name.
Selection select(const ControlPage& control, std::string_view strategy,
                 std::string_view instrument);

std::vector<GateLine> walk(const Sight& sight, const Selection& selection);

struct Verdict {
  bool trading = false;
  std::string text;  // "TRADING: entries allowed for ... on ...", "NOT TRADING: kill HALT ..."
};
Verdict verdict_of(const Sight& sight, const Selection& selection,
                   const std::vector<GateLine>& lines);

// A heartbeat older than this is a dead man's.
inline constexpr Duration kBeatLimit = Duration::micros(static_cast<std::int64_t>(kDeadManUs));

// A process as a gate sees it: it holds its page, says Ready and beats.
struct Alive {
  bool ok = false;
  int pid = 0;
  bool alive = false;         // the holder of the lease exists
  std::int64_t beat_ns = -1;  // age of its heartbeat
  std::string text;           // "ready, beat 2 ms ago"
};
Alive alive_of(const Sight& sight, Process process);
std::string_view run_state_name(RunState state) noexcept;

}  // namespace sluice::ctl
