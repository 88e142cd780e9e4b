// Numbers, names and scopes of the pages as people write them, and back.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/control_page.hpp"
#include "core/kill_page.hpp"
#include "core/types.hpp"

namespace sluice::ctl {

template <std::size_t N>
std::string_view text_of(const std::array<char, N>& field) noexcept {
  const std::string_view all(field.data(), N);
  return all.substr(0, all.find('\0'));  // npos: the whole field
}

std::string decimal(std::int64_t raw);  // at 1e-8
std::string hex(std::uint64_t word);    // "0x00000007a3c10201"
std::string age(std::int64_t ns);       // "85 us", "340 ms", "12 s", "3 min 20 s"; negative: "?"
std::string utc(MarketTime at);         // "2024-05-01T09:15:00.123456789Z"
std::string uptime(HostTime at);        // seconds since boot, "12345.678901234"
std::string id_text(OrderId id);        // "3:seat0:12:0" = run:origin:counter:slice
std::string conditions_text(std::uint64_t bits);  // "dead_man, journal_behind"; "none"

std::string instrument_name(const ControlPage* control, InstrumentIndex index);
std::string strategy_name(const ControlPage* control, std::uint32_t index);
std::string gateway_name(const ControlPage* control, std::uint32_t index);
std::string scope_text(const ControlPage* control,
                       Scope scope);  // "global", "strategy:momentum_buying"

// "global", "gateway:X", "strategy:X", "instrument:X", X being a name of the run.
std::optional<Scope> parse_scope(const ControlPage& control, std::string_view text);
// A level that a person may raise, in either case; nothing else.
std::optional<KillLevel> parse_level(std::string_view text);
std::optional<std::uint64_t> parse_word(std::string_view text);  // hexadecimal, 0x optional

// The candidate nearest to a mistyped word, empty if none is near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace sluice::ctl
