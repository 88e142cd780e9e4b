// What is sent over every contender: 56 bytes whose content says which record it is, so that a
// wrong, torn, lost or doubled one is noticed.
#pragma once

#include <cstdint>

#include "core/records.hpp"

namespace sluice::bench {

// Cheap enough to be made and judged at the rate of the fastest contender.
inline void fill(Payload& record, std::uint64_t sequence) noexcept {
  for (std::size_t i = 0; i < kPayloadWords; ++i) record[i] = sequence + i;
}
inline bool is_record(const Payload& record, std::uint64_t sequence) noexcept {
  std::uint64_t wrong = 0;
  for (std::size_t i = 0; i < kPayloadWords; ++i) wrong |= record[i] ^ (sequence + i);
  return wrong == 0;
}

}  // namespace sluice::bench
