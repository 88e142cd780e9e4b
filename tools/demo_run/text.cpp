#include "tools/demo_run/text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "core/decimal.hpp"
#include "core/error.hpp"
#include "core/types.hpp"

namespace sluice::demo {
namespace {

// `key = ...` up to the end of its line.
void replace_value(std::string& text, const std::string& key, const std::string& value) {
  const std::string start = "\n" + key + " = ";
  const std::size_t at = text.find(start);
  if (at == std::string::npos || text.find(start, at + 1) != std::string::npos)
    throw Error(fmt::format("the demo's configuration must have exactly one line `{} = ...`", key));
  const std::size_t from = at + start.size();
  text.replace(from, std::min(text.find('\n', from), text.size()) - from, value);
}

}  // namespace

std::string demo_config(std::string_view text, std::uint16_t port, std::string_view speed) {
  std::string config = "\n" + std::string(text);
  replace_value(config, "url", fmt::format("\"ws://127.0.0.1:{}\"", port));
  replace_value(config, "rest_url", fmt::format("\"http://127.0.0.1:{}\"", port));
  replace_value(config, "rate", fmt::format("\"{}\"", speed));
  return config.substr(1);
}

std::string span(std::int64_t ns) {
  if (ns < 0) return "-";
  if (ns < 1'000) return fmt::format("{} ns", ns);
  const auto value = static_cast<double>(ns);
  if (ns < 1'000'000) return fmt::format("{:.1f} us", value / 1e3);
  if (ns < 1'000'000'000) return fmt::format("{:.2f} ms", value / 1e6);
  return fmt::format("{:.2f} s", value / 1e9);
}

std::string thousands(std::uint64_t n) {
  std::string text = std::to_string(n);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

std::string decimal(std::int64_t raw) {
  DecimalText text;
  return std::string(format_decimal(raw, text));
}

std::string money(std::int64_t raw) {
  constexpr std::int64_t kCent = kScale / 100;
  const std::int64_t cents = (raw < 0 ? raw - kCent / 2 : raw + kCent / 2) / kCent;
  const std::int64_t size = cents < 0 ? -cents : cents;
  return fmt::format("{}{}.{:02}", cents < 0 ? "-" : "+", size / 100, size % 100);
}

std::string bar(std::uint64_t part, std::uint64_t whole, std::size_t width) {
  const std::uint64_t full = whole == 0 ? 0 : std::min(part, whole) * width / whole;
  return std::string(full, '#') + std::string(width - full, '.');
}

std::string fit(std::string text, std::size_t width) {
  if (text.size() <= width) return text;
  text.resize(width);
  if (width > 0) text.back() = '~';
  return text;
}

}  // namespace sluice::demo
