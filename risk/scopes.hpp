// What risk was told about its scopes, from Control records only: kill levels, permits, capital
// caps.
//
// Until told, a scope is at HALT, without a permit and with a cap of 0: zero is the safe state. The
// epochs are kept to stamp orders with what they were decided under; the gateway compares them with
// the pages.
#pragma once

#include <algorithm>
#include <array>

#include "core/levels.hpp"
#include "core/records.hpp"

namespace sluice::risk {

inline constexpr std::uint32_t kGateway = 0;  // the one account so far

struct ScopeState {
  Notional cap{};
  std::uint64_t level_epoch = 0;
  std::uint64_t permit_epoch = 0;
  KillLevel level = KillLevel::Halt;
  std::uint8_t permitted = 0;
  std::array<std::uint8_t, 6> reserved{};
};

class ScopeTable {
 public:
  // True if a level changed.
  constexpr bool apply(const Control& control) noexcept {
    const std::size_t slot = scope_slot({control.scope, control.index});
    if (slot == kScopes) return false;
    ScopeState& scope = scopes_[slot];
    if (control.kind == ControlKind::Level) {
      const KillLevel before = scope.level;
      scope.level = level_of(control.after);
      scope.level_epoch = control.epoch;
      return before != scope.level;
    }
    if (control.kind == ControlKind::Permit) {
      scope.permitted = control.after == 1 ? 1 : 0;
      scope.permit_epoch = control.epoch;
    } else if (control.kind == ControlKind::Cap) {
      scope.cap = {control.after < 0 ? 0 : control.after};
    }
    return false;
  }

  [[nodiscard]] constexpr KillLevel level(StrategyIndex strategy,
                                          InstrumentIndex instrument) const noexcept {
    KillLevel worst = KillLevel::Run;
    for (const ScopeState* scope : four(strategy, instrument))
      worst = max_level(worst, scope ? scope->level : KillLevel::Halt);
    return worst;
  }
  // How many of the four scopes permit new risk.
  [[nodiscard]] constexpr int permits(StrategyIndex strategy,
                                      InstrumentIndex instrument) const noexcept {
    int valid = 0;
    for (const ScopeState* scope : four(strategy, instrument))
      valid += scope ? scope->permitted : 0;
    return valid;
  }
  [[nodiscard]] constexpr Notional global_cap() const noexcept { return scopes_[0].cap; }
  [[nodiscard]] constexpr Notional strategy_cap(StrategyIndex strategy) const noexcept {
    const std::size_t slot = scope_slot({ScopeKind::Strategy, strategy});
    return slot == kScopes ? Notional{} : scopes_[slot].cap;
  }

  [[nodiscard]] constexpr std::uint32_t kill_epoch(StrategyIndex s,
                                                   InstrumentIndex i) const noexcept {
    return sum(s, i, &ScopeState::level_epoch);
  }
  [[nodiscard]] constexpr std::uint32_t limits_epoch(StrategyIndex s,
                                                     InstrumentIndex i) const noexcept {
    return sum(s, i, &ScopeState::permit_epoch);
  }

 private:
  // A value that is no level is HALT, like a word that does not check.
  static constexpr KillLevel level_of(std::int64_t value) noexcept {
    if (value >= 1 && value <= 6) return static_cast<KillLevel>(value);
    return value == static_cast<std::int64_t>(KillLevel::Ended) ? KillLevel::Ended
                                                                : KillLevel::Halt;
  }
  [[nodiscard]] constexpr std::array<const ScopeState*, 4> four(
      StrategyIndex strategy, InstrumentIndex instrument) const noexcept {
    const auto at = [this](Scope scope) -> const ScopeState* {
      const std::size_t slot = scope_slot(scope);
      return slot == kScopes ? nullptr : &scopes_[slot];
    };
    return {at({ScopeKind::Global, 0}), at({ScopeKind::Gateway, kGateway}),
            at({ScopeKind::Strategy, strategy}), at({ScopeKind::Instrument, instrument})};
  }
  // Sums wrap at 32 bits on purpose: the gateway compares sums, never orders them.
  [[nodiscard]] constexpr std::uint32_t sum(StrategyIndex strategy, InstrumentIndex instrument,
                                            std::uint64_t ScopeState::*epoch) const noexcept {
    std::uint64_t total = 0;
    for (const ScopeState* scope : four(strategy, instrument)) total += scope ? scope->*epoch : 0;
    return static_cast<std::uint32_t>(total);
  }

  std::array<ScopeState, kScopes> scopes_{};
};

}  // namespace sluice::risk
