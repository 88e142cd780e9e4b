// UTF-8 validation of whole messages (RFC 3629: no overlong forms, no surrogates, nothing above
// U+10FFFF). Market data is ASCII, so eight bytes are skipped at a time while no high bit is set.
#pragma once

#include <cstdint>
#include <cstring>
#include <span>

namespace sluice::net {

inline bool valid_utf8(std::span<const char> text) noexcept {
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at < end) {
    if (end - at >= 8) {
      std::uint64_t word = 0;
      std::memcpy(&word, at, 8);
      if ((word & 0x8080'8080'8080'8080u) == 0) {
        at += 8;
        continue;
      }
    }
    const auto lead = static_cast<std::uint8_t>(*at++);
    if (lead < 0x80) continue;
    int more = 0;             // continuation bytes that follow
    std::uint8_t low = 0x80;  // bounds of the first one: they exclude overlong forms and surrogates
    std::uint8_t high = 0xbf;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
    } else if (lead >= 0xe0 && lead <= 0xef) {
      more = 2;
      if (lead == 0xe0) low = 0xa0;
      if (lead == 0xed) high = 0x9f;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      if (lead == 0xf0) low = 0x90;
      if (lead == 0xf4) high = 0x8f;
    } else {
      return false;
    }
    if (end - at < more) return false;
    for (; more > 0; --more, low = 0x80, high = 0xbf) {
      const auto next = static_cast<std::uint8_t>(*at++);
      if (next < low || next > high) return false;
    }
  }
  return true;
}

}  // namespace sluice::net
