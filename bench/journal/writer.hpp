// The measured end: a journal's writer, in blocks of entries as a driver makes them.
#pragma once

#include <x86intrin.h>

#include <array>
#include <cstdint>

#include "core/journal.hpp"

namespace sluice::bench {

inline constexpr std::size_t kBlock = 1'024;  // entries that fit when a block begins
inline constexpr std::size_t kBatch = 16;     // entries to a commit: a driver's batch of ticks

// Fenced on both sides: what was begun before is done, what follows has not begun. Without that an
// append hides behind the read of the counter.
inline std::uint64_t cycles() noexcept {
  _mm_lfence();
  const std::uint64_t counter = __rdtsc();
  _mm_lfence();
  return counter;
}

// Entry k of the run, made in a few cycles and unlike every other.
inline Payload numbered(std::uint64_t k) noexcept {
  return {k, ~k, k + 1, k + 2, k + 3, k + 4, k + 5};
}

class BlockWriter {
 public:
  explicit BlockWriter(JournalMemory& journal) noexcept : writer_(journal, 0, HostTime{}) {}

  // With room for a block and for what a driver keeps free.
  [[nodiscard]] bool fits() noexcept { return writer_.room() >= kBlock + 2; }

  // Cycles of the whole block.
  [[nodiscard]] std::uint64_t whole() noexcept {
    const std::uint64_t begin = cycles();
    for (std::size_t i = 0; i < kBlock; i += kBatch) {
      for (std::size_t k = 0; k < kBatch; ++k) one();
      writer_.commit();
    }
    return cycles() - begin;
  }
  // Cycles of every append; the sixteenth has the commit.
  void each(std::array<std::uint64_t, kBlock>& out) noexcept {
    std::uint64_t before = cycles();
    for (std::size_t i = 0; i < kBlock; ++i) {
      one();
      if (i % kBatch == kBatch - 1) writer_.commit();
      const std::uint64_t now = cycles();
      out[i] = now - before;
      before = now;
    }
  }
  [[nodiscard]] std::uint64_t entries() const noexcept { return writer_.next(); }

 private:
  static constexpr std::int64_t kBetween = 100;  // ns: some dt, never a gap

  void one() noexcept {
    if (writer_.room() < 2)
      return;  // as a driver looks; what would be missing is found in the files
    const std::uint64_t k = writer_.next();
    writer_.append(Edge::FeedRisk, numbered(k), HostTime{static_cast<std::int64_t>(k) * kBetween});
  }

  JournalWriter writer_;
};

}  // namespace sluice::bench
