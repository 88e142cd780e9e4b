// An SPSC ring of records in shared memory, in-slot sequence, with taps.
//
//   RingMemory   header 256 B | head (consumer's line pair) | slots: {word, seven payload words}
//   each 64 B
//
// Writers:    the producer writes slots, the consumer writes `head`. Nobody else writes anything.
// Readers:    the consumer; any number of taps (read-only mappings).
// Invariants: record i (from 0) lives in slot i & mask under word i + 1. A slot is rewritten only
// after
//             `head` has passed it. Words never wrap (64 bits); 0 = being written.
// Why it is correct: the word is cleared before the payload changes and set by a release store
// after it, so
//             the consumer's acquire of the awaited word makes the payload visible. Payload words
//             are atomics with release stores, so a tap that saw a new payload word also sees the
//             cleared word when it reads the word again: it detects a rewrite instead of racing
//             with it.
// What a crash leaves: an unpublished slot is invisible (word 0 or an older lap); the next owner
// resumes
//             at max(highest published word, head).
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/records.hpp"
#include "core/segment_header.hpp"

namespace sluice {

struct alignas(kCacheLine) Slot {
  std::atomic<std::uint64_t> word;
  std::atomic<std::uint64_t> payload[kPayloadWords];
};
static_assert(sizeof(Slot) == kCacheLine);

struct RingMemory {
  SegmentHeader header;
  alignas(kLinePair) std::atomic<std::uint64_t> head;     // records consumed; writer: consumer
  alignas(kLinePair) std::atomic<std::uint64_t> corrupt;  // 1 + position where the consumer stopped

  [[nodiscard]] Slot* slots() noexcept { return reinterpret_cast<Slot*>(this + 1); }
  [[nodiscard]] const Slot* slots() const noexcept {
    return reinterpret_cast<const Slot*>(this + 1);
  }
  static constexpr std::size_t bytes(std::uint64_t capacity) noexcept {
    return sizeof(RingMemory) + capacity * sizeof(Slot);
  }
};
static_assert(sizeof(RingMemory) % kLinePair == 0);

// The memory orders of the protocol, as a parameter only so that a test can weaken them and show
// that the ring tests notice.
struct RingOrders {
  static constexpr std::memory_order kPublish = std::memory_order_release;
  static constexpr std::memory_order kAwait = std::memory_order_acquire;
  static constexpr std::memory_order kFree = std::memory_order_release;
  static constexpr std::memory_order kCredit = std::memory_order_acquire;
};

inline void cpu_pause() noexcept {
  __builtin_ia32_pause();
}

template <class Orders = RingOrders>
class BasicProducer {
 public:
  BasicProducer() = default;
  // `next` = sequence of the first record to push; 0 in a new run.
  BasicProducer(RingMemory& ring, std::uint64_t next) noexcept
      : ring_(&ring),
        slots_(ring.slots()),
        capacity_(ring.header.capacity),
        mask_(capacity_ - 1),
        next_(next),
        head_seen_(ring.head.load(Orders::kCredit)) {}

  // Records that may be pushed now. Re-reads the consumer's line only when the cached credit is
  // below `wanted`.
  [[nodiscard]] std::uint64_t credit(std::uint64_t wanted = 1) noexcept {
    if (room() < wanted)
      head_seen_ = ring_->head.load(Orders::kCredit);  // pairs with BasicConsumer::publish_head
    return room();
  }

  bool try_push(const Payload& payload) noexcept {
    if (credit() == 0) return false;
    push(payload);
    return true;
  }

  // Precondition: credit() > 0.
  void push(const Payload& payload) noexcept {
    Slot& slot = slots_[next_ & mask_];
    slot.word.store(0, std::memory_order_relaxed);
#pragma GCC unroll 7  // here and below: GCC leaves loops over atomics as they are
    for (std::size_t i = 0; i < kPayloadWords; ++i)
      slot.payload[i].store(payload[i], std::memory_order_release);  // pairs with RingTap::read
    slot.word.store(++next_, Orders::kPublish);  // pairs with BasicConsumer::poll and RingTap::read
  }

  [[nodiscard]] std::uint64_t next() const noexcept {
    return next_;
  }
  [[nodiscard]] std::uint64_t capacity() const noexcept {
    return capacity_;
  }
  [[nodiscard]] explicit operator bool() const noexcept {
    return ring_ != nullptr;
  }

 private:
  // A head that cannot be (ahead of `next_`, or more than a lap behind it) gives no credit.
  [[nodiscard]] std::uint64_t room() const noexcept {
    const std::uint64_t used = next_ - head_seen_;
    return used < capacity_ ? capacity_ - used : 0;
  }

  RingMemory* ring_ = nullptr;
  Slot* slots_ = nullptr;
  std::uint64_t capacity_ = 0;  // checked at attach, never re-read
  std::uint64_t mask_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t head_seen_ = 0;
};
using Producer = BasicProducer<>;

enum class Poll : std::uint8_t { Empty = 1, Record = 2, Corrupt = 3 };

template <class Orders = RingOrders>
class BasicConsumer {
 public:
  BasicConsumer() = default;
  BasicConsumer(RingMemory& ring, std::uint64_t next) noexcept
      : ring_(&ring),
        slots_(ring.slots()),
        mask_(ring.header.capacity - 1),
        head_every_(std::max<std::uint64_t>(1, ring.header.capacity / 8)),
        next_(next),
        head_published_(ring.head.load(std::memory_order_relaxed)) {}

  // Copies the next record out. A word that is neither awaited, nor 0, nor an older lap of this
  // slot latches Corrupt: the consumer stops, it never guesses.
  [[nodiscard]] Poll poll(Payload& out) noexcept { return poll_words(out.data()); }
  template <Record R>
  [[nodiscard]] Poll poll(R& out) noexcept {
    return poll_words(&out);
  }

  // Whether poll() has something to say: a record, or that the ring is corrupt. What is seen of the
  // record itself is poll's.
  [[nodiscard]] bool waiting() const noexcept {
    const std::uint64_t word = slots_[next_ & mask_].word.load(std::memory_order_relaxed);
    return word == next_ + 1 || !is_older(word);
  }

  // Gives the consumed slots back. Only after the records are journaled.
  void publish_head() noexcept {
    if (head_published_ == next_) return;
    ring_->head.store(next_, Orders::kFree);  // pairs with BasicProducer::credit
    head_published_ = next_;
  }
  void publish_head_if_due() noexcept {
    if (next_ - head_published_ >= head_every_) publish_head();
  }

  [[nodiscard]] std::uint64_t next() const noexcept { return next_; }
  [[nodiscard]] explicit operator bool() const noexcept { return ring_ != nullptr; }

 private:
  [[nodiscard]] Poll poll_words(void* out) noexcept {
    const Slot& slot = slots_[next_ & mask_];
    const std::uint64_t word = slot.word.load(Orders::kAwait);  // pairs with BasicProducer::push
    if (word != next_ + 1) [[unlikely]]
      return miss(word);
#pragma GCC unroll 7
    for (std::size_t i = 0; i < kPayloadWords; ++i) {
      const std::uint64_t word_i = slot.payload[i].load(std::memory_order_relaxed);
      std::memcpy(static_cast<std::byte*>(out) + i * sizeof word_i, &word_i, sizeof word_i);
    }
    ++next_;
    return Poll::Record;
  }

  // Being written, or of an older lap of this slot.
  [[nodiscard]] bool is_older(std::uint64_t word) const noexcept {
    return word == 0 || (word <= next_ && ((word - 1) & mask_) == (next_ & mask_));
  }
  Poll miss(std::uint64_t word) noexcept {
    if (corrupt_) return Poll::Corrupt;
    if (is_older(word)) return Poll::Empty;
    corrupt_ = true;
    slots_ =
        &kStopped;  // latched without a test on the fast path: this slot is never the awaited one
    mask_ = 0;
    ring_->corrupt.store(next_ + 1, std::memory_order_relaxed);
    return Poll::Corrupt;
  }

  static inline const Slot kStopped{};

  RingMemory* ring_ = nullptr;
  const Slot* slots_ = nullptr;
  std::uint64_t mask_ = 0;
  std::uint64_t head_every_ = 0;
  std::uint64_t next_ = 0;
  std::uint64_t head_published_ = 0;
  bool corrupt_ = false;
};
using Consumer = BasicConsumer<>;

// Highest sequence that is known to be published: where a recovering producer stops suppressing.
inline std::uint64_t published(const RingMemory& ring, std::uint64_t capacity) noexcept {
  std::uint64_t highest = ring.head.load(std::memory_order_acquire);
  const Slot* slots = ring.slots();
  for (std::uint64_t i = 0; i < capacity; ++i)
    highest = std::max(highest, slots[i].word.load(std::memory_order_acquire));
  return highest;
}

inline std::uint64_t published(const RingMemory& ring) noexcept {
  return published(ring, ring.header.capacity);
}

// A read-only follower. It never disturbs the ring; when it is lapped it knows exactly how many
// records it missed.
class RingTap {
 public:
  RingTap(const RingMemory& ring, std::uint64_t from) noexcept
      : ring_(&ring), capacity_(ring.header.capacity), next_(from) {}

  struct Result {
    Poll poll = Poll::Empty;
    std::uint64_t missed =
        0;  // records overwritten before they could be read; reading goes on behind them
    std::uint64_t sequence = 0;
  };

  [[nodiscard]] Result read(Payload& out) noexcept {
    const Slot& slot = ring_->slots()[next_ & (capacity_ - 1)];
    const std::uint64_t before = slot.word.load(std::memory_order_acquire);  // pairs with push
    if (before == next_ + 1) {
#pragma GCC unroll 7
      for (std::size_t i = 0; i < kPayloadWords; ++i)
        out[i] = slot.payload[i].load(std::memory_order_acquire);  // pairs with the release in push
      if (slot.word.load(std::memory_order_relaxed) == before) return {Poll::Record, 0, next_++};
    } else if (before <= next_) {
      return {Poll::Empty, 0, next_};  // 0 (being written) or an older lap
    }
    return skip();
  }

 private:
  // Lapped: go on at the oldest record that cannot be overwritten for half a lap.
  Result skip() noexcept {
    const std::uint64_t newest = published(*ring_, capacity_);
    const std::uint64_t keep = capacity_ / 2;
    const std::uint64_t resume = newest > keep ? newest - keep : 0;
    if (resume <= next_) return {Poll::Empty, 0, next_};
    const std::uint64_t missed = resume - next_;
    next_ = resume;
    return {Poll::Empty, missed, next_};
  }

  const RingMemory* ring_;
  std::uint64_t capacity_;
  std::uint64_t next_;
};

}  // namespace sluice
