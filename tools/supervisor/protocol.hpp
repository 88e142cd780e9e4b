// What sluicectl asks the supervisor, over one AF_UNIX SEQPACKET socket at
// <state_dir>/supervisor.sock: one request, one reply. Only what loosens or what only the
// supervisor may write goes this way; raising a kill never does.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>

#include "core/levels.hpp"

namespace sluice {

inline constexpr std::uint32_t kRequestMagic = 0x534c5251;

enum class Verb : std::uint16_t {
  Rearm = 1,   // scope, word = the kill word named (0: change nothing, explain)
  SetCap = 2,  // scope (global or strategy), value = raw Notional
  Stop = 3,    // orderly shutdown of the instance
  Ping = 4,    // is it armed, and if not, why
  // index = Process of one stage. The reply says that it has begun; the stage's page shows the
  // rest.
  StartStage = 5,   // who and reason are required to end a crash loop
  StopStage = 6,    // drained, killed after kStageDrain, not started again before StartStage
  RestartStage = 7  // StopStage and StartStage without a client in between
};

inline constexpr std::uint64_t kStageDrainNs = 5'000'000'000;

struct SupervisorRequest {
  std::uint32_t magic = kRequestMagic;
  Verb verb = Verb::Ping;
  ScopeKind scope = ScopeKind::Global;
  std::uint8_t reserved0 = 0;
  std::uint32_t index = 0;
  std::uint32_t reserved1 = 0;
  std::uint64_t word = 0;
  std::int64_t value = 0;
  std::array<char, 40> who{};      // operator, zero-terminated; required by Rearm and SetCap
  std::array<char, 256> reason{};  // 20 characters or more for Rearm
};

struct SupervisorReply {
  std::int32_t exit_code = 1;     // Exit
  std::array<char, 3800> text{};  // for the operator, lines
};

inline std::filesystem::path supervisor_socket(const std::filesystem::path& state_dir) {
  return state_dir / "supervisor.sock";
}

}  // namespace sluice
