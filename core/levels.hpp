// Scopes, kill levels and conditions: the vocabulary of stopping. Values are explicit and never
// reused.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "core/types.hpp"

namespace sluice {

enum class ScopeKind : std::uint8_t { Global = 1, Gateway = 2, Strategy = 3, Instrument = 4 };

struct Scope {
  ScopeKind kind = ScopeKind::Global;
  std::uint32_t index = 0;
  friend constexpr bool operator==(Scope, Scope) noexcept = default;
};

inline constexpr std::size_t kScopes = 1 + kMaxGateways + kMaxStrategies + kMaxInstruments;

// Position of a scope in the scope arrays of the control and kill pages; kScopes if there is no
// such scope.
constexpr std::size_t scope_slot(Scope scope) noexcept {
  switch (scope.kind) {
    case ScopeKind::Global: return scope.index == 0 ? 0 : kScopes;
    case ScopeKind::Gateway: return scope.index < kMaxGateways ? 1 + scope.index : kScopes;
    case ScopeKind::Strategy:
      return scope.index < kMaxStrategies ? 1 + kMaxGateways + scope.index : kScopes;
    case ScopeKind::Instrument:
      return scope.index < kMaxInstruments ? 1 + kMaxGateways + kMaxStrategies + scope.index
                                           : kScopes;
  }
  return kScopes;
}

constexpr Scope scope_at(std::size_t slot) noexcept {
  if (slot == 0) return {ScopeKind::Global, 0};
  auto index = static_cast<std::uint32_t>(slot - 1);
  if (index < kMaxGateways) return {ScopeKind::Gateway, index};
  index -= static_cast<std::uint32_t>(kMaxGateways);
  if (index < kMaxStrategies) return {ScopeKind::Strategy, index};
  return {ScopeKind::Instrument, index - static_cast<std::uint32_t>(kMaxStrategies)};
}

// Totally ordered; the effective level is the maximum over the four scopes of an order. 0 is not a
// level.
enum class KillLevel : std::uint8_t {
  Run = 1,
  ReduceOnly = 2,
  Halt = 3,
  Cancel = 4,
  Flatten = 5,
  Sever = 6,
  Ended = 15  // the run is over: stronger than all, never raised by a person
};

constexpr KillLevel max_level(KillLevel a, KillLevel b) noexcept {
  return a < b ? b : a;
}

constexpr std::string_view name_of(KillLevel level) noexcept {
  switch (level) {
    case KillLevel::Run: return "RUN";
    case KillLevel::ReduceOnly: return "REDUCE_ONLY";
    case KillLevel::Halt: return "HALT";
    case KillLevel::Cancel: return "CANCEL";
    case KillLevel::Flatten: return "FLATTEN";
    case KillLevel::Sever: return "SEVER";
    case KillLevel::Ended: return "ENDED";
  }
  return "HALT?";
}

enum class KillCause : std::uint8_t {
  None = 0,
  Operator = 1,
  Drill = 2,
  InternalFault = 3,
  ReportsLost = 4,  // gateway -> risk was full: risk no longer knows its positions
  Reconciliation = 5,
  DuplicateId = 6,
  PriorRun = 7,  // carried into this run from the latch
  CorruptRing = 8
};

constexpr std::string_view name_of(KillCause cause) noexcept {
  switch (cause) {
    case KillCause::None: return "none";
    case KillCause::Operator: return "operator";
    case KillCause::Drill: return "drill";
    case KillCause::InternalFault: return "internal fault";
    case KillCause::ReportsLost: return "reports lost";
    case KillCause::Reconciliation: return "reconciliation";
    case KillCause::DuplicateId: return "duplicate id";
    case KillCause::PriorRun: return "an earlier run";
    case KillCause::CorruptRing: return "corrupt ring";
  }
  return "unknown";
}

// Automatic reasons for REDUCE_ONLY that a gate derives by itself and that lift by themselves.
// Bits of Control{Condition}.after and of the stage page's conditions word.
enum Condition : std::uint32_t {
  kDeadMan = 1u << 0,        // supervisor heartbeat older than 500 ms
  kDeadManCancel = 1u << 1,  // older than 2 s: the gateway also cancels working entries
  kJournalBehind = 1u << 2,  // the recorder is half a journal ring behind
  kDiskLow = 1u << 3,        // the recorder reports an error or little disk
  kPeerDead = 1u << 4,       // the gateway: no live risk process
  kSuspended =
      1u << 5  // this loop stood still for more than 250 ms; cleared once pages are re-read
};
inline constexpr std::uint32_t kConditionBits = 6;

constexpr std::string_view condition_name(std::uint32_t bit) noexcept {
  switch (bit) {
    case kDeadMan: return "dead_man";
    case kDeadManCancel: return "dead_man_cancel";
    case kJournalBehind: return "journal_behind";
    case kDiskLow: return "disk_low";
    case kPeerDead: return "peer_dead";
    case kSuspended: return "suspended";
    default: return "unknown";
  }
}

constexpr std::string_view name_of(Condition condition) noexcept {
  return condition_name(condition);
}

enum class Mode : std::uint8_t { Shadow = 1, Paper = 2, Live = 3 };

constexpr std::string_view name_of(Mode mode) noexcept {
  switch (mode) {
    case Mode::Shadow: return "SHADOW";
    case Mode::Paper: return "PAPER";
    case Mode::Live: return "LIVE";
  }
  return "?";
}

}  // namespace sluice
