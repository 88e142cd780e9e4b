#include "bench/baseline/yardstick.hpp"

namespace sluice::bench {

// Aligned, and in a file of their own: where a loop lies decides 5 % of it, and what stands before
// it must not.
[[gnu::noinline, gnu::aligned(64)]] void yard_of_copies(Slot* lines, Payload& record,
                                                        std::uint64_t count) noexcept {
  for (std::uint64_t i = 0; i < count; ++i) {
    Slot& line = lines[i % kYardLines];
    for (std::size_t k = 0; k < kPayloadWords; ++k)
      line.payload[k].store(record[k], std::memory_order_relaxed);
    line.word.store(i, std::memory_order_release);
    for (std::size_t k = 0; k < kPayloadWords; ++k)
      record[k] = line.payload[k].load(std::memory_order_relaxed);
    asm volatile("" : "+m"(record) : : "memory");
  }
}

[[gnu::noinline, gnu::aligned(64)]] void yard_of_steps(std::uint64_t& state,
                                                       std::uint64_t count) noexcept {
  std::uint64_t now = state;
  for (std::uint64_t i = 0; i < count; ++i) {
    now = now * 6'364'136'223'846'793'005u + 1;
    asm volatile("" : "+r"(now));
  }
  state = now;
}

}  // namespace sluice::bench
