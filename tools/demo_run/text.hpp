// Pure text: the demo's configuration made from the shipped one, and numbers as people read them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace sluice::demo {

// conf/demo.toml with another port and speed: the lines `url`, `rest_url` of [feed] and `rate` of
// [market] are replaced, each exactly once. Throws Error if one of them is missing or there twice.
std::string demo_config(std::string_view text, std::uint16_t port, std::string_view speed);

std::string span(std::int64_t ns);       // "870 ns", "12.3 us", "4.56 ms", "1.20 s"; negative: "-"
std::string thousands(std::uint64_t n);  // "41,248"
std::string decimal(std::int64_t raw);   // exact, at 1e-8
std::string money(std::int64_t raw);     // rounded to 0.01 for the table, with a sign
std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t width);  // "#####....."
// At most `width` bytes; a longer text ends in "~".
std::string fit(std::string text, std::size_t width);

}  // namespace sluice::demo
