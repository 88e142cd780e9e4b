// The control page: who may take new risk, and how much. Writer: the supervisor alone. Everyone
// else maps it read-only and reads plain 8-byte words; nothing on it needs a lock, a CAS or more
// than one word.
//
//   heartbeat {lease epoch 16 | CLOCK_BOOTTIME us 48}
//   permit    {scope epoch 32 | token 32}, token = f(run id, lease epoch, slot, scope epoch)
//
// Zero is the safe state: a zero permit, garbage, another run's or an earlier supervisor's permit
// and a torn write are all "no permit". Limits are independent words, each valid alone; cap 0 = no
// new risk.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>

#include "core/segment_header.hpp"
#include "core/topology.hpp"

namespace sluice {

// Who holds a page. word {epoch 32 | pid 32}; started {epoch 32 | start time of the pid in ticks
// since boot}. A holder is identified by pid and start time, so a reused pid is not mistaken for
// it. From another pid namespace its death cannot be proven: it counts as alive.
struct Lease {
  std::atomic<std::uint64_t> word;
  std::atomic<std::uint64_t> started;
  std::atomic<std::uint64_t> pid_namespace;  // inode of the holder's; 0 = unknown
};

// Host time from the time-stamp counter: ns = base_ns + (tsc - base_tsc) * ns_per_tick_q32 / 2^32.
// Written once per run before magic. ns_per_tick_q32 = 0: no invariant counter, clock_gettime is
// used.
struct Calibration {
  std::uint64_t base_tsc;
  std::uint64_t base_ns;  // CLOCK_BOOTTIME at base_tsc
  std::uint64_t ns_per_tick_q32;
  std::uint64_t spread_ppb;  // disagreement of the calibration's samples
};

enum class RunState : std::uint64_t {
  Starting = 1,  // segments exist, not every process is ready
  Armed = 2,     // permits may be valid
  Paused = 3,    // a process is missing or a precondition fails; permits are void
  Stopping = 4,  // orderly shutdown
  Ended = 5
};

constexpr std::uint32_t permit_token(std::uint64_t run_id, std::uint16_t lease_epoch,
                                     std::size_t slot, std::uint32_t scope_epoch) noexcept {
  const std::uint64_t what =
      std::uint64_t{scope_epoch} << 32 | std::uint64_t{lease_epoch} << 16 | std::uint64_t{slot};
  return static_cast<std::uint32_t>(mix(~run_id ^ mix(what + 0x9e3779b97f4a7c15))) | 1u;
}
constexpr std::uint64_t encode_permit(std::uint64_t run_id, std::uint16_t lease_epoch,
                                      std::size_t slot, std::uint32_t scope_epoch) noexcept {
  return std::uint64_t{scope_epoch} << 32 | permit_token(run_id, lease_epoch, slot, scope_epoch);
}

struct Permit {
  bool valid = false;
  std::uint32_t epoch = 0;
  friend constexpr bool operator==(const Permit&, const Permit&) noexcept = default;
};
constexpr Permit decode_permit(std::uint64_t run_id, std::uint16_t lease_epoch, std::size_t slot,
                               std::uint64_t word) noexcept {
  const auto epoch = static_cast<std::uint32_t>(word >> 32);
  return {epoch != 0 && encode_permit(run_id, lease_epoch, slot, epoch) == word, epoch};
}

struct Heartbeat {
  std::uint16_t lease_epoch = 0;
  std::uint64_t at_us = 0;  // CLOCK_BOOTTIME
};
constexpr std::uint64_t encode_heartbeat(Heartbeat beat) noexcept {
  return std::uint64_t{beat.lease_epoch} << 48 | (beat.at_us & 0xffff'ffff'ffffu);
}
constexpr Heartbeat decode_heartbeat(std::uint64_t word) noexcept {
  return {static_cast<std::uint16_t>(word >> 48), word & 0xffff'ffff'ffffu};
}

inline constexpr std::size_t kDeathsKept = 16;  // of one process: more than any crash limit

inline constexpr std::size_t kNameLength = 24;
using Name = std::array<char, kNameLength>;  // zero-terminated

// Tables written once before magic: names and the money scales tools need without a configuration
// file.
struct InstrumentEntry {
  Name name;
  Price tick;
  Qty lot;
};

// CLOCK_BOOTTIME ns of the newest deaths of one process, in no order; 0 = none.
struct DeathTimes {
  std::atomic<std::uint64_t> at[kDeathsKept];
};

struct ControlPage {
  SegmentHeader header;
  // Fixed for the run.
  alignas(kLinePair) Calibration calibration;
  std::uint64_t config_hash;
  std::array<char, 48> build_id;
  std::array<char, 256> state_dir;
  std::uint32_t instruments;
  std::uint32_t strategies;
  std::uint32_t gateways;
  std::uint32_t seats_taken;     // bit per seat that the configuration fills
  std::int64_t started_at_unix;  // seconds
  // Live words, each group on its own pair of lines.
  alignas(kLinePair) Lease supervisor;
  alignas(kLinePair) std::atomic<std::uint64_t> heartbeat;
  alignas(kLinePair) std::atomic<std::uint64_t> changes;  // raised after every change below
  std::atomic<std::uint64_t> state;                       // RunState
  std::atomic<std::int64_t> rate_ppm;                     // market ns per host ns
  alignas(kLinePair) std::atomic<std::uint64_t> permits[kScopes];
  alignas(kLinePair)
      std::atomic<std::int64_t> caps[kScopes];  // Notional raw; global and strategy scopes
  alignas(kLinePair) Name gateway_names[kMaxGateways];
  Name strategy_names[kMaxStrategies];
  std::uint8_t strategy_seat[kMaxStrategies];
  alignas(kLinePair) InstrumentEntry instrument[kMaxInstruments];
  // What the supervisor must know again when another one takes its place.
  // The highest scope epoch granted, stored before the permits that carry it.
  alignas(kLinePair) std::atomic<std::uint64_t> permit_epoch;
  DeathTimes deaths[kProcessSpan];

  [[nodiscard]] Heartbeat beat() const noexcept {
    return decode_heartbeat(heartbeat.load(std::memory_order_acquire));
  }
  [[nodiscard]] Permit permit(std::size_t slot, std::uint16_t lease_epoch) const noexcept {
    return decode_permit(header.run_id, lease_epoch, slot,
                         permits[slot].load(std::memory_order_acquire));
  }
  // Scopes that exist in this run: slots of the global scope and of configured indices.
  [[nodiscard]] bool scope_exists(Scope scope) const noexcept {
    switch (scope.kind) {
      case ScopeKind::Global: return scope.index == 0;
      case ScopeKind::Gateway: return scope.index < gateways;
      case ScopeKind::Strategy: return scope.index < strategies;
      case ScopeKind::Instrument: return scope.index < instruments;
    }
    return false;
  }
  // Calls `see(slot) -> bool` for the slots of scopes that exist, in order, until one is false.
  // Gates do this under way: most of the kScopes slots are of no scope.
  template <class See>
  bool each_scope(See&& see) const noexcept {
    const auto some = [&see](std::size_t from, std::size_t count, std::size_t most) {
      for (std::size_t slot = from; slot < from + std::min(count, most); ++slot)
        if (!see(slot)) return false;
      return true;
    };
    return see(std::size_t{0}) && some(1, gateways, kMaxGateways) &&
           some(1 + kMaxGateways, strategies, kMaxStrategies) &&
           some(1 + kMaxGateways + kMaxStrategies, instruments, kMaxInstruments);
  }
};

// The four scopes that an order answers to, as slots: global, gateway, strategy, instrument.
constexpr std::array<std::size_t, 4> order_scopes(std::uint32_t gateway, StrategyIndex strategy,
                                                  InstrumentIndex instrument) noexcept {
  return {0, scope_slot({ScopeKind::Gateway, gateway}), scope_slot({ScopeKind::Strategy, strategy}),
          scope_slot({ScopeKind::Instrument, instrument})};
}

}  // namespace sluice
