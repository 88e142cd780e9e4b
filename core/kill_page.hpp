// The kill page: one word per scope and one serial. Anyone in the kill group may raise; only the
// supervisor lowers.
//
//   word   {epoch 32 | check 16 | cause 8 | level 8}, one per scope, in scope_slot order
//   serial  counts every raise and rearm twice; a gate that has published serial s has scanned
//   every word
//           that was stored before s was taken
//
// Writers: the kill group (raise), the supervisor (rearm, end). Readers: gates, tools.
// Invariant: new risk needs exactly a valid RUN word; zero, garbage or a failed check is HALT, so
// any single store stops trading. Epochs never repeat: each is a serial. Model-checked protocol:
// raise = take a serial, CAS the word to {max(present, wanted), serial}, take the serial again:
// that is the raiser's target.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/segment_header.hpp"

namespace sluice {

struct KillWord {
  KillLevel level = KillLevel::Halt;
  KillCause cause = KillCause::None;
  std::uint32_t epoch = 0;
  bool valid = false;  // false: level is HALT whatever the word holds

  friend constexpr bool operator==(const KillWord&, const KillWord&) noexcept = default;
};

// A residue modulo a prime, shifted by the run: any one or two wrong bits, and any other slot, are
// found for certain (the factor keeps a wrong payload bit from looking like a wrong check bit);
// garbage and another run's words pass once in 2^15.
constexpr std::uint16_t kill_check(std::uint64_t run_id, std::size_t slot, KillLevel level,
                                   KillCause cause, std::uint32_t epoch) noexcept {
  const std::uint64_t what = std::uint64_t{epoch} << 32 | std::uint64_t{slot} << 16 |
                             std::uint64_t{static_cast<std::uint8_t>(cause)} << 8 |
                             static_cast<std::uint8_t>(level);
  constexpr std::uint64_t kPrime = 32'749;  // the largest below 2^15
  constexpr std::uint64_t kFactor = 12'347;
  const std::uint64_t residue = (what % kPrime * kFactor + mix(run_id) % kPrime) % kPrime;
  // Bit 15 is always set, so that no word with a zero check is ever valid.
  return static_cast<std::uint16_t>(residue | 0x8000u);
}

constexpr std::uint64_t encode_kill(std::uint64_t run_id, std::size_t slot, KillLevel level,
                                    KillCause cause, std::uint32_t epoch) noexcept {
  return std::uint64_t{epoch} << 32 |
         std::uint64_t{kill_check(run_id, slot, level, cause, epoch)} << 16 |
         std::uint64_t{static_cast<std::uint8_t>(cause)} << 8 | static_cast<std::uint8_t>(level);
}

constexpr KillWord decode_kill(std::uint64_t run_id, std::size_t slot,
                               std::uint64_t word) noexcept {
  const auto epoch = static_cast<std::uint32_t>(word >> 32);
  const auto level = static_cast<KillLevel>(word & 0xff);
  const auto cause = static_cast<KillCause>(word >> 8 & 0xff);
  const bool known =
      (level >= KillLevel::Run && level <= KillLevel::Sever) || level == KillLevel::Ended;
  if (!known || encode_kill(run_id, slot, level, cause, epoch) != word)
    return {KillLevel::Halt, KillCause::None, epoch, false};
  return {level, cause, epoch, true};
}

struct KillPage {
  SegmentHeader header;
  alignas(kLinePair) std::atomic<std::uint64_t> serial;
  alignas(kLinePair) std::atomic<std::uint64_t> words[kScopes];

  [[nodiscard]] std::uint64_t run_id() const noexcept { return header.run_id; }
  [[nodiscard]] KillWord read(std::size_t slot) const noexcept {
    // acquire: pairs with the CAS of raise and rearm
    return decode_kill(run_id(), slot, words[slot].load(std::memory_order_acquire));
  }
};
static_assert(sizeof(KillPage) <= 4096);

struct RaiseResult {
  bool raised = false;  // false: the run has ended, or the scope does not exist; nothing was stored
  std::uint64_t target = 0;  // gates that have obeyed this serial have obeyed the raise
  KillWord word;             // what stands in the page now
};

// The serial that becomes the epoch behind `present`. A wild store may have thrown the serial back:
// then it is moved on, because an epoch that comes twice would revive what an older one had
// stopped.
inline std::uint64_t next_epoch(KillPage& page, const KillWord& present) noexcept {
  // seq_cst: the serial orders raises against the gates' scans (read serial, then words)
  const std::uint64_t taken = page.serial.fetch_add(1) + 1;
  const std::uint64_t behind = static_cast<std::uint32_t>(present.epoch - taken);
  constexpr std::uint64_t kHalf = std::uint64_t{1}
                                  << 31;  // epochs wrap: what is behind, what ahead
  if (!present.valid || behind >= kHalf) return taken;
  return page.serial.fetch_add(behind + 1) + behind + 1;
}

// Raises one scope to at least `level`. Lock-free, needs no supervisor, no memory, no disk. Also
// when the level is there already a new epoch is stored, so that a rearm naming the older word
// fails.
inline RaiseResult raise_kill(KillPage& page, Scope scope, KillLevel level,
                              KillCause cause) noexcept {
  const std::size_t slot = scope_slot(scope);
  if (slot >= kScopes || level < KillLevel::ReduceOnly || level > KillLevel::Sever) return {};
  std::uint64_t present = page.words[slot].load(std::memory_order_acquire);
  for (;;) {
    const KillWord now = decode_kill(page.run_id(), slot, present);
    if (now.level == KillLevel::Ended) return {false, 0, now};
    const auto epoch = static_cast<std::uint32_t>(next_epoch(page, now));
    const KillWord next{max_level(now.level, level), cause, epoch, true};
    const std::uint64_t wanted =
        encode_kill(page.run_id(), slot, next.level, next.cause, next.epoch);
    if (page.words[slot].compare_exchange_strong(present, wanted))
      return {true, page.serial.fetch_add(1) + 1, next};
  }
}

// A serial below what a gate says it has obeyed was thrown back by a wild store. Moved on again, so
// that no raise is given a number that was obeyed before it. A number that no run reaches is the
// gate's damage, not the serial's.
inline void pass_obeyed(KillPage& page, std::uint64_t obeyed) noexcept {
  constexpr std::uint64_t kUnreachable = std::uint64_t{1} << 48;
  std::uint64_t serial = page.serial.load();
  while (serial < obeyed && obeyed < kUnreachable &&
         !page.serial.compare_exchange_weak(serial, obeyed)) {
  }
}

// Whether a gate whose page says `obeyed` has obeyed a raise. It says so of serials that this page
// gave out: of a higher one it speaks from before a wild store threw the serial back, and is waited
// for until it has looked again.
inline bool has_obeyed(const KillPage& page, std::uint64_t obeyed, std::uint64_t target) noexcept {
  return obeyed >= target && obeyed <= page.serial.load();
}

// Lowers one scope to RUN, only if it still holds exactly `named`. Supervisor only; the
// preconditions (KILL_COMPLETE, reconciliation, cool-off) are the caller's. Returns the serial to
// wait for, 0 if refused.
inline std::uint64_t rearm_kill(KillPage& page, std::size_t slot, std::uint64_t named) noexcept {
  if (slot >= kScopes) return 0;
  const KillWord present = decode_kill(page.run_id(), slot, named);
  if (present.level == KillLevel::Ended) return 0;
  const auto epoch = static_cast<std::uint32_t>(next_epoch(page, present));
  const std::uint64_t run_word =
      encode_kill(page.run_id(), slot, KillLevel::Run, KillCause::None, epoch);
  if (!page.words[slot].compare_exchange_strong(named, run_word)) return 0;
  return page.serial.fetch_add(1) + 1;
}

}  // namespace sluice
