#include "tools/ctl/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <ctime>

#include "core/config_text.hpp"
#include "core/decimal.hpp"
#include "core/topology.hpp"

namespace sluice::ctl {

std::string decimal(std::int64_t raw) {
  DecimalText text;
  return std::string(format_decimal(raw, text));
}

std::string hex(std::uint64_t word) {
  return fmt::format("{:#018x}", word);
}

std::string age(std::int64_t ns) {
  if (ns < 0) return "?";
  if (ns < 1'000'000) return fmt::format("{} us", ns / 1'000);
  if (ns < 10'000'000'000) return fmt::format("{} ms", ns / 1'000'000);
  const std::int64_t s = ns / 1'000'000'000;
  if (s < 120) return fmt::format("{} s", s);
  if (s < 7'200) return fmt::format("{} min {} s", s / 60, s % 60);
  return fmt::format("{} h {} min", s / 3'600, s % 3'600 / 60);
}

std::string utc(MarketTime at) {
  if (at.ns <= 0) return "-";
  const auto seconds = static_cast<std::time_t>(at.ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char day[32];
  std::strftime(day, sizeof day, "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:09}Z", day, at.ns % 1'000'000'000);
}

std::string uptime(HostTime at) {
  if (at.ns <= 0) return "-";
  return fmt::format("{}.{:09}", at.ns / 1'000'000'000, at.ns % 1'000'000'000);
}

std::string id_text(OrderId id) {
  if (id.raw == 0) return "-";
  const std::string origin = id.origin() == 0 ? "risk" : fmt::format("seat{}", id.origin() - 1);
  return fmt::format("{}:{}:{}:{}", id.run(), origin, id.counter(), id.slice());
}

std::string conditions_text(std::uint64_t bits) {
  std::string text;
  for (std::uint32_t i = 0; i < 64; ++i) {
    if ((bits >> i & 1u) == 0) continue;
    if (!text.empty()) text += ", ";
    text += i < kConditionBits ? std::string(condition_name(1u << i)) : fmt::format("bit {}", i);
  }
  return text.empty() ? "none" : text;
}

std::string instrument_name(const ControlPage* control, InstrumentIndex index) {
  if (control != nullptr && index < control->instruments && index < kMaxInstruments)
    return std::string(text_of(control->instrument[index].name));
  return fmt::format("#{}", index);
}

std::string strategy_name(const ControlPage* control, std::uint32_t index) {
  if (control != nullptr && index < control->strategies && index < kMaxStrategies)
    return std::string(text_of(control->strategy_names[index]));
  return fmt::format("#{}", index);
}

std::string gateway_name(const ControlPage* control, std::uint32_t index) {
  if (control != nullptr && index < control->gateways && index < kMaxGateways)
    return std::string(text_of(control->gateway_names[index]));
  return fmt::format("#{}", index);
}

std::string scope_text(const ControlPage* control, Scope scope) {
  switch (scope.kind) {
    case ScopeKind::Global: return "global";
    case ScopeKind::Gateway: return "gateway:" + gateway_name(control, scope.index);
    case ScopeKind::Strategy: return "strategy:" + strategy_name(control, scope.index);
    case ScopeKind::Instrument: return "instrument:" + instrument_name(control, scope.index);
  }
  return "?";
}

std::optional<Scope> parse_scope(const ControlPage& control, std::string_view text) {
  if (text.empty() || text.back() == ':') return std::nullopt;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    const Scope scope = scope_at(slot);
    if (control.scope_exists(scope) && scope_text(&control, scope) == text) return scope;
  }
  return std::nullopt;
}

std::optional<KillLevel> parse_level(std::string_view text) {
  std::string upper(text);
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  for (const KillLevel level : {KillLevel::ReduceOnly, KillLevel::Halt, KillLevel::Cancel,
                                KillLevel::Flatten, KillLevel::Sever})
    if (name_of(level) == upper) return level;
  return std::nullopt;
}

std::optional<std::uint64_t> parse_word(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  std::uint64_t word = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), word, 16);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return word;
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  std::string best;
  std::size_t distance = word.size() / 2 + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t d = config::edit_distance(word, candidate);
    const bool prefix = !word.empty() && candidate.starts_with(word);
    if (!prefix && d >= distance) continue;
    best = candidate;
    distance = prefix ? 0 : d;
  }
  return best;
}

}  // namespace sluice::ctl
