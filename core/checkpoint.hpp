// A checkpoint: all that a stage and its driver know at one committed position of the journal, as
// plain bytes. Recovery restores the newest one and replays only the entries behind it.
//
//   CheckpointMemory   header | two marks | two buffers of header.capacity bytes
//   mark               word = 1 + position, 0 while its buffer changes; bytes; crc32c over position
//                      and content
//
// Writer: the stage's driver, between two turns. Readers: recovery, and the recorder, which files
// it. Invariant: at any instruction at most one buffer is in pieces: the older one is overwritten,
// its word cleared before and stored (release) behind its content. What is in pieces has word 0 or
// fails its checksum, and the other one, older by one interval, is used.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <vector>

#include "core/crc32c.hpp"
#include "core/segment_header.hpp"

namespace sluice {

// Room for the largest stage (the gateway's order table) and the driver's part.
inline constexpr std::size_t kCheckpointBytes = 160 * 1024;
// Journal entries between two checkpoints; an idle turn takes it then, a busy one at twice as many.
inline constexpr std::uint64_t kCheckpointEvery = 65'536;

struct CheckpointMark {
  std::atomic<std::uint64_t> word;  // release after the content, acquire before reading it
  std::atomic<std::uint64_t> bytes;
  std::atomic<std::uint64_t> crc;
};

struct CheckpointMemory {
  SegmentHeader header;  // capacity: bytes of one buffer, a multiple of 8
  alignas(kLinePair) CheckpointMark marks[2];

  using Word = std::atomic<std::uint64_t>;
  // Bounded, because the header is shared memory: a damaged one must not lead out of the mapping.
  [[nodiscard]] std::uint64_t capacity() const noexcept {
    return std::min<std::uint64_t>(header.capacity, kCheckpointBytes);
  }
  [[nodiscard]] Word* buffer(std::size_t i) noexcept {
    return reinterpret_cast<Word*>(this + 1) + i * capacity() / sizeof(Word);
  }
  [[nodiscard]] const Word* buffer(std::size_t i) const noexcept {
    return reinterpret_cast<const Word*>(this + 1) + i * capacity() / sizeof(Word);
  }
  static constexpr std::size_t bytes(std::uint64_t capacity) noexcept {
    return sizeof(CheckpointMemory) + 2 * capacity;
  }
};
static_assert(sizeof(CheckpointMemory) % kLinePair == 0);

// Writes the parts one after the other; each a multiple of 8 bytes, together at most
// header.capacity. No allocation, no system call: about 30 us for 100 KiB, between two turns.
class CheckpointWriter {
 public:
  CheckpointWriter(CheckpointMemory& memory, std::uint64_t position) noexcept
      : memory_(memory),
        position_(position),
        side_(older(memory)),
        at_(memory.buffer(side_)),
        crc_(_mm_crc32_u64(0xffff'ffff, position)) {
    // Relaxed: a reader that saw a word of the new content (release) sees this 0, or a newer mark.
    memory_.marks[side_].word.store(0, std::memory_order_relaxed);
  }
  void put(const void* part, std::size_t bytes) noexcept {
    const auto* from = static_cast<const char*>(part);
    for (std::size_t i = 0; i < bytes; i += sizeof(std::uint64_t), ++at_) {
      std::uint64_t word;
      std::memcpy(&word, from + i, sizeof word);
      crc_ = _mm_crc32_u64(crc_, word);
      at_->store(word, std::memory_order_release);
    }
  }
  void finish() noexcept {
    CheckpointMark& mark = memory_.marks[side_];
    mark.bytes.store(
        static_cast<std::uint64_t>(at_ - memory_.buffer(side_)) * sizeof(std::uint64_t),
        std::memory_order_relaxed);
    mark.crc.store(crc_, std::memory_order_relaxed);
    mark.word.store(position_ + 1, std::memory_order_release);
  }

 private:
  static std::size_t older(const CheckpointMemory& memory) noexcept {
    return memory.marks[0].word.load(std::memory_order_relaxed) <=
                   memory.marks[1].word.load(std::memory_order_relaxed)
               ? 0
               : 1;
  }

  CheckpointMemory& memory_;
  std::uint64_t position_;
  std::size_t side_;
  CheckpointMemory::Word* at_;
  std::uint64_t crc_;
};

struct Checkpoint {
  std::uint64_t position = 0;  // entries below it are in the state
  std::vector<std::uint64_t> words;
};

inline std::uint64_t checkpoint_crc(std::uint64_t position,
                                    std::span<const std::uint64_t> words) noexcept {
  std::uint64_t crc = _mm_crc32_u64(0xffff'ffff, position);
  for (const std::uint64_t word : words) crc = _mm_crc32_u64(crc, word);
  return crc;
}

// Setup and recorder. One buffer, if it is whole and not above `limit`. Safe beside a writer: what
// changes meanwhile is not returned.
inline std::optional<Checkpoint> read_checkpoint(const CheckpointMemory& memory, std::size_t side,
                                                 std::uint64_t limit) {
  const CheckpointMark& mark = memory.marks[side];
  const std::uint64_t word = mark.word.load(std::memory_order_acquire);
  const std::uint64_t bytes = mark.bytes.load(std::memory_order_acquire);
  if (word == 0 || word - 1 > limit || bytes > memory.capacity() ||
      bytes % sizeof(std::uint64_t) != 0)
    return std::nullopt;
  Checkpoint found{word - 1, std::vector<std::uint64_t>(bytes / sizeof(std::uint64_t))};
  for (std::size_t i = 0; i < found.words.size(); ++i)
    found.words[i] = memory.buffer(side)[i].load(std::memory_order_acquire);
  const std::uint64_t crc = mark.crc.load(std::memory_order_acquire);
  if (mark.word.load(std::memory_order_relaxed) != word ||
      checkpoint_crc(found.position, found.words) != crc)
    return std::nullopt;
  return found;
}

// The newest whole one at or below `limit`; nothing if there is none.
inline std::optional<Checkpoint> newest_checkpoint(const CheckpointMemory& memory,
                                                   std::uint64_t limit) {
  std::optional<Checkpoint> first = read_checkpoint(memory, 0, limit);
  std::optional<Checkpoint> second = read_checkpoint(memory, 1, limit);
  if (!first || (second && second->position > first->position)) return second;
  return first;
}

// Its owner, before it writes again: what is broken must not pass for the newer of the two.
inline void forget_broken(CheckpointMemory& memory, std::uint64_t limit) {
  for (std::size_t side = 0; side < 2; ++side)
    if (!read_checkpoint(memory, side, limit))
      memory.marks[side].word.store(0, std::memory_order_relaxed);
}

}  // namespace sluice
