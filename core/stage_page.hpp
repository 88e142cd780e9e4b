// The stage page: one per process, written by its driver, read by everyone. Lease, heartbeat, the
// serial it has obeyed, how it waits, its last fault, its conditions, statistics, and
// slot-versioned rows.
//
// Writer: the process that holds the lease (the lease words themselves are taken by CAS).
// Readers: gates (risk's lease), the supervisor, sluicectl, the monitor. A reader never blocks a
// writer.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "core/control_page.hpp"
#include "core/ring.hpp"
#include "core/rows.hpp"
#include "core/statistics.hpp"

namespace sluice {

enum class StageState : std::uint64_t {
  Absent = 0,
  Attaching = 1,   // lease taken, setting up
  Recovering = 2,  // replaying its journal
  Ready = 3,       // in its loop; takes risk only if the control page permits
  Stopping = 4,    // draining on request
  Stopped = 5,     // left in order
  Faulted = 6      // stopped itself; `fault` says why
};
constexpr std::string_view name_of(StageState state) noexcept {
  switch (state) {
    case StageState::Absent: return "absent";
    case StageState::Attaching: return "attaching";
    case StageState::Recovering: return "recovering";
    case StageState::Ready: return "ready";
    case StageState::Stopping: return "stopping";
    case StageState::Stopped: return "stopped";
    case StageState::Faulted: return "faulted";
  }
  return "?";
}

enum StageRequest : std::uint64_t { kRequestDrain = 1 };  // the supervisor asks for an orderly stop

struct StagePage {
  SegmentHeader header;
  alignas(kLinePair) Lease lease;
  std::atomic<std::uint64_t> state;        // StageState
  std::atomic<std::uint64_t> wait;         // WaitStrategy in use
  std::atomic<std::uint64_t> cpu;          // 1 + CPU it is pinned to; 0 = not pinned
  std::atomic<std::uint64_t> layout_hash;  // as this process was built
  std::atomic<std::uint64_t> config_hash;
  std::atomic<std::uint64_t> recoveries;  // times this page was recovered into
  std::array<char, 48> build_id;
  std::array<char, 160> fault;                                 // last fault, one line
  alignas(kLinePair) std::atomic<std::uint64_t> heartbeat_us;  // CLOCK_BOOTTIME
  std::atomic<std::uint64_t>
      obeyed;  // kill serial obeyed: every order byte before that scan is gone
  std::atomic<std::uint64_t> obeyed_at_ns;  // host time of that store
  std::atomic<std::uint64_t> conditions;    // Condition bits in force
  std::atomic<std::uint64_t> journal_position;
  std::atomic<std::uint64_t> turns;  // loop turns that did something
  std::atomic<std::uint64_t>
      lease_epoch_accepted;  // supervisor lease epoch this gate derives permits from
  alignas(kLinePair) std::atomic<std::uint64_t> request;  // StageRequest; writer: supervisor
  std::uint64_t row_version_;  // versions given out; touched by the writer only
  alignas(kLinePair) Slot rows[kRows];
  Statistics statistics;

  void write_row(std::size_t index, const Payload& payload) noexcept {
    Slot& slot = rows[index];
    const std::uint64_t version = slot.word.load(std::memory_order_relaxed);
    if (version != 0 && same(slot, payload)) return;
    slot.word.store(0, std::memory_order_relaxed);
    for (std::size_t i = 0; i < kPayloadWords; ++i)
      slot.payload[i].store(payload[i], std::memory_order_release);  // pairs with read_row
    // The version must differ from the last one that a reader can have seen, which a crash between
    // the clear and this store has lost: a count per page does, a count per row would not.
    slot.word.store(++row_version_, std::memory_order_release);
  }

  // A row never written, or one that changes all the time, reads as nullopt.
  template <class Row>
  [[nodiscard]] std::optional<Row> read_row(RowTable table, std::size_t index) const noexcept {
    const Slot& slot = rows[static_cast<std::size_t>(table) + index];
    for (int attempt = 0; attempt < 64; ++attempt) {
      const std::uint64_t version = slot.word.load(std::memory_order_acquire);
      if (version == 0) {
        cpu_pause();
        continue;
      }
      Payload payload;
      for (std::size_t i = 0; i < kPayloadWords; ++i)
        payload[i] = slot.payload[i].load(std::memory_order_acquire);
      if (slot.word.load(std::memory_order_relaxed) == version) return from_payload<Row>(payload);
    }
    return std::nullopt;
  }

  [[nodiscard]] StageState stage_state() const noexcept {
    return static_cast<StageState>(state.load(std::memory_order_acquire));
  }

 private:
  static bool same(const Slot& slot, const Payload& payload) noexcept {
    for (std::size_t i = 0; i < kPayloadWords; ++i)
      if (slot.payload[i].load(std::memory_order_relaxed) != payload[i]) return false;
    return true;
  }
};

}  // namespace sluice
