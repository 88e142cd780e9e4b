// Decimal text <-> fixed point at 1e-8, exact: no double in between. Used by the decoders on the
// hot path (no allocation, no locale) and by the configuration.
#pragma once

#include <cstdint>
#include <string_view>

namespace sluice {

enum class DecimalError : std::uint8_t {
  None = 0,
  Empty = 1,
  Syntax = 2,
  TooPrecise = 3,
  Overflow = 4
};

// Accepts [+-]digits[.digits]. More than eight fractional digits are refused unless the rest are
// zeros: a value that cannot be held exactly is an error, never a rounding. `out` is set only on
// success.
constexpr DecimalError parse_decimal(std::string_view text, std::int64_t& out) noexcept {
  constexpr std::uint64_t kLimit = 9'223'372'036'854'775'807u;
  std::size_t i = 0;
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    i = 1;
  }
  if (i == text.size()) return DecimalError::Empty;
  std::uint64_t value = 0;
  int fraction = -1;  // digits behind the point; -1 before it
  bool digits = false;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.') {
      if (fraction >= 0) return DecimalError::Syntax;
      fraction = 0;
      continue;
    }
    if (c < '0' || c > '9') return DecimalError::Syntax;
    digits = true;
    const auto digit = static_cast<std::uint64_t>(c - '0');
    if (fraction >= 8) {
      if (digit != 0) return DecimalError::TooPrecise;
      continue;
    }
    if (value > (kLimit - digit) / 10) return DecimalError::Overflow;
    value = value * 10 + digit;
    if (fraction >= 0) ++fraction;
  }
  if (!digits) return DecimalError::Syntax;
  for (int f = fraction < 0 ? 0 : fraction; f < 8; ++f) {
    if (value > kLimit / 10) return DecimalError::Overflow;
    value *= 10;
  }
  out = negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
  return DecimalError::None;
}

// Writes the shortest exact text ("61837.63", "-0.001", "5") into buffer; the view points into it.
struct DecimalText {
  char buffer[24];
  std::string_view view;
};
constexpr std::string_view format_decimal(std::int64_t raw, DecimalText& text) noexcept {
  constexpr std::uint64_t kUnit = 100'000'000;
  std::uint64_t magnitude =
      raw < 0 ? ~static_cast<std::uint64_t>(raw) + 1 : static_cast<std::uint64_t>(raw);
  std::uint64_t whole = magnitude / kUnit;
  std::uint64_t rest = magnitude % kUnit;
  int at = 24;
  if (rest != 0) {
    int digits = 8;
    while (rest % 10 == 0) {
      rest /= 10;
      --digits;
    }
    for (; digits > 0; --digits, rest /= 10) text.buffer[--at] = static_cast<char>('0' + rest % 10);
    text.buffer[--at] = '.';
  }
  do {
    text.buffer[--at] = static_cast<char>('0' + whole % 10);
    whole /= 10;
  } while (whole != 0);
  if (raw < 0) text.buffer[--at] = '-';
  return text.view = std::string_view(text.buffer + at, static_cast<std::size_t>(24 - at));
}

}  // namespace sluice
