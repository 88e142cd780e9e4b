// CRC-32C (Castagnoli) over 8-byte words by the SSE4.2 instruction, which x86-64-v2 guarantees.
#pragma once

#include <nmmintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>

namespace sluice {

inline std::uint32_t crc32c(std::span<const std::uint64_t> words,
                            std::uint64_t seed = 0xffff'ffff) noexcept {
  std::uint64_t crc = seed;
  for (const std::uint64_t word : words) crc = _mm_crc32_u64(crc, word);
  return static_cast<std::uint32_t>(crc ^ 0xffff'ffff);
}

// The same, and copies the words. One by one through a register: a record was stored so a moment
// ago, and a wider load of it would wait until those stores have reached the cache.
inline std::uint32_t crc32c_copy(const void* from, std::span<std::uint64_t> to,
                                 std::uint64_t seed) noexcept {
  std::uint64_t crc = seed;
  const auto* bytes = static_cast<const std::byte*>(from);
  for (std::uint64_t& word : to) {
    std::uint64_t copied;
    std::memcpy(&copied, bytes, sizeof copied);
    asm("" : "+r"(copied));
    crc = _mm_crc32_u64(crc, copied);
    word = copied;
    bytes += sizeof copied;
  }
  return static_cast<std::uint32_t>(crc ^ 0xffff'ffff);
}

}  // namespace sluice
