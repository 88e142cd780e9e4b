// A stage's journal: every input with its `now`, in one order. It is the stage's cursor (what is in
// the journal happened) and its film (replayed, it gives the same outputs byte for byte).
//
//   JournalMemory   header | tail (stage's line) | head, flags (recorder's line) | entries of 64 B
//   entry           {word = dt 24 | edge 8 | crc32c 32} + payload; position p lives in entry p &
//   mask
//
// Writers: the stage's driver writes entries and `tail`; the recorder writes `head` after write(2).
// Invariant: `tail` is released after a turn's entries and before any output of that turn is
// published or
//   any input head moves. The checksum covers payload, edge, dt and the absolute position, so that
//   an older lap or a misplaced entry never validates.
// What a crash leaves: entries above `tail` never happened; entries below it are in the file (up to
// `head`)
//   or in this ring.
#pragma once

#include <atomic>
#include <cstdint>

#include "core/crc32c.hpp"
#include "core/records.hpp"
#include "core/segment_header.hpp"
#include "core/topology.hpp"

namespace sluice {

struct alignas(kCacheLine) JournalSlot {
  std::uint64_t word;
  Payload payload;
};
static_assert(sizeof(JournalSlot) == kCacheLine);

enum RecorderFlags : std::uint64_t { kRecorderDiskTrouble = 1 };

struct JournalMemory {
  SegmentHeader header;
  alignas(kLinePair) std::atomic<std::uint64_t> tail;  // committed; writer: the stage's driver
  alignas(kLinePair) std::atomic<std::uint64_t> head;  // in the files; writer: recorder
  std::atomic<std::uint64_t> flags;                    // RecorderFlags; writer: recorder

  // The recorder's side. Entries below what it says are whole until they are given back.
  [[nodiscard]] std::uint64_t committed() const noexcept {
    return tail.load(std::memory_order_acquire);  // pairs with JournalWriter::commit
  }
  void give_back(std::uint64_t up_to) noexcept {
    head.store(up_to, std::memory_order_release);  // pairs with JournalWriter::room
  }

  [[nodiscard]] JournalSlot* slots() noexcept { return reinterpret_cast<JournalSlot*>(this + 1); }
  [[nodiscard]] const JournalSlot* slots() const noexcept {
    return reinterpret_cast<const JournalSlot*>(this + 1);
  }
  static constexpr std::size_t bytes(std::uint64_t capacity) noexcept {
    return sizeof(JournalMemory) + capacity * sizeof(JournalSlot);
  }
};
static_assert(sizeof(JournalMemory) % kLinePair == 0);

inline constexpr std::int64_t kDtLimit = 1 << 24;  // ns; longer gaps take a Time entry

// The word of an entry without its checksum, and what the checksum of the payload goes on from.
constexpr std::uint64_t journal_head(Edge edge, std::uint32_t dt) noexcept {
  return std::uint64_t{dt} << 40 | std::uint64_t{static_cast<std::uint8_t>(edge)} << 32;
}
inline std::uint32_t journal_seed(std::uint64_t head, std::uint64_t position) noexcept {
  const std::uint64_t prefix[2]{head, position};
  return crc32c(prefix) ^ 0xffff'ffffu;
}
inline std::uint64_t journal_word(Edge edge, std::uint32_t dt, std::uint64_t position,
                                  const Payload& payload) noexcept {
  const std::uint64_t head = journal_head(edge, dt);
  return head | crc32c(payload, journal_seed(head, position));
}

struct JournalEntry {
  std::uint64_t position = 0;
  Edge edge = Edge::None;
  HostTime now;
  Payload payload{};
};

// Decodes raw entries in order, keeping `now`. One decoder per pass.
class JournalDecoder {
 public:
  enum class Status : std::uint8_t { Input = 1, Filler = 2, Corrupt = 3 };

  JournalDecoder() = default;
  // Continues behind an entry of this time.
  explicit JournalDecoder(HostTime now) noexcept : now_(now) {}

  [[nodiscard]] Status decode(const JournalSlot& raw, std::uint64_t position,
                              JournalEntry& out) noexcept {
    const auto edge = static_cast<Edge>(raw.word >> 32 & 0xff);
    const auto dt = static_cast<std::uint32_t>(raw.word >> 40);
    if (edge == Edge::None || journal_word(edge, dt, position, raw.payload) != raw.word)
      return Status::Corrupt;
    now_ = now_ + Duration{dt};
    out = {position, edge, now_, raw.payload};
    if (edge != Edge::Control) return Status::Input;
    const auto control = from_payload<Control>(raw.payload);
    if (control.kind != ControlKind::Time) return Status::Input;
    out.now = now_ = HostTime{control.after};
    return Status::Filler;
  }
  [[nodiscard]] HostTime now() const noexcept { return now_; }

 private:
  HostTime now_;
};

class JournalWriter {
 public:
  JournalWriter() = default;
  // Appends behind `position` (the tail that recovery found), `now` being the last journaled time.
  JournalWriter(JournalMemory& memory, std::uint64_t position, HostTime now) noexcept
      : memory_(&memory),
        slots_(memory.slots()),
        capacity_(memory.header.capacity),
        mask_(capacity_ - 1),
        next_(position),
        head_seen_(memory.head.load(std::memory_order_acquire)),
        now_(now) {}

  // Entries that can be appended. One input takes at most two (a Time entry before a long gap).
  [[nodiscard]] std::uint64_t room() noexcept {
    if (free() < capacity_ / 2)
      head_seen_ =
          memory_->head.load(std::memory_order_acquire);  // pairs with the recorder's release
    return free();
  }

  // Precondition: room() >= 2. Returns the journaled time: never before the previous entry's.
  HostTime append(Edge edge, const Payload& payload, HostTime now) noexcept {
    return append_words(edge, payload.data(), now);
  }
  template <Record R>
  HostTime append(Edge edge, const R& record, HostTime now) noexcept {
    return append_words(edge, &record, now);
  }

  // End of a turn, before its outputs and heads.
  void commit() noexcept {
    memory_->tail.store(
        next_, std::memory_order_release);  // pairs with the recorder's and recovery's acquire
  }

  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  [[nodiscard]] std::uint64_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] HostTime now() const noexcept { return now_; }

 private:
  HostTime append_words(Edge edge, const void* words, HostTime now) noexcept {
    if (now < now_) now = now_;
    const std::int64_t gap = (now - now_).ns;
    if (gap >= kDtLimit) {
      Control filler{};
      filler.kind = ControlKind::Time;
      filler.scope = ScopeKind::Global;
      filler.after = now.ns;
      put(Edge::Control, 0, &filler);
    }
    put(edge, gap >= kDtLimit ? 0 : static_cast<std::uint32_t>(gap), words);
    return now_ = now;
  }

  // A head that cannot be (ahead of `next_`, or more than a lap behind it) gives no room: what is
  // in no file yet is never overwritten.
  [[nodiscard]] std::uint64_t free() const noexcept {
    const std::uint64_t used = next_ - head_seen_;
    return used <= capacity_ ? capacity_ - used : 0;
  }

  void put(Edge edge, std::uint32_t dt, const void* words) noexcept {
    JournalSlot& slot = slots_[next_ & mask_];
    const std::uint64_t head = journal_head(edge, dt);
    slot.word = head | crc32c_copy(words, slot.payload, journal_seed(head, next_));
    ++next_;
  }

  JournalMemory* memory_ = nullptr;
  JournalSlot* slots_ = nullptr;
  std::uint64_t capacity_ = 0;
  std::uint64_t mask_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t head_seen_ = 0;
  HostTime now_;
};

}  // namespace sluice
