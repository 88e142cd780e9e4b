#include "tools/replay/record_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <ctime>

#include "core/decimal.hpp"
#include "gateway/order_state.hpp"
#include "risk/explain.hpp"

namespace sluice::replay {
namespace {

using Words = std::array<std::string_view, 14>;  // by enumerator; empty = none

constexpr Words kTickKinds{"", "quote", "trade", "day", "status"};
constexpr Words kStatusCodes{"",          "gap",        "stale",
                             "fresh",     "session_up", "session_down",
                             "venue_gap", "resynced",   "end_of_data"};
constexpr Words kSides{"", "buy", "sell"};
constexpr Words kActions{"", "enter", "exit", "cancel"};
constexpr Words kIntentReasons{"", "breakout", "manual"};
constexpr Words kOrderKinds{"",       "entry",       "stop_loss", "take_profit", "strategy_exit",
                            "cancel", "session_exit"};
constexpr Words kReportKinds{"",          "ack",     "fill",     "reject",
                             "cancelled", "expired", "in_doubt", "accepted"};
constexpr Words kEventKinds{
    "",        "sent",         "refused",       "ack",          "fill",       "cancelled",
    "expired", "venue_reject", "cancel_reject", "query_result", "reconciled", "sweep_done"};
constexpr Words kControlKinds{"",          "run_start", "edge_base", "recovered",  "level",
                              "permit",    "cap",       "rate",      "conditions", "edge_full",
                              "edge_room", "continue",  "deadline",  "time"};
constexpr Words kScopeKinds{"", "global", "gateway", "strategy", "instrument"};
constexpr Words kPaperWhats{"",        "placed",       "filled",         "cancelled",
                            "expired", "cancel_asked", "cancel_rejected"};

std::string word(const Words& words, std::uint64_t raw) {
  return raw < words.size() && !words[raw].empty() ? std::string(words[raw])
                                                   : fmt::format("{}", raw);
}

std::uint64_t number_at(const Payload& payload, std::size_t offset, std::size_t size) noexcept {
  std::uint64_t number = 0;
  std::memcpy(&number, reinterpret_cast<const char*>(payload.data()) + offset,
              std::min(size, sizeof number));
  return number;
}

// The four values of a tick mean something else by kind.
void add_tick_values(const Tick& tick, std::vector<FieldText>& out) {
  static constexpr std::array<std::array<std::string_view, 4>, 4> kNames{
      {{"bid", "ask", "bid_qty", "ask_qty"},
       {"price", "qty", "day_volume", "open_interest"},
       {"open", "high", "low", "previous_close"},
       {"status", "count", "detail0", "detail1"}}};
  const auto kind = static_cast<std::size_t>(tick.kind);
  for (std::size_t i = 0; i < tick.value.size(); ++i) {
    const std::string name =
        kind >= 1 && kind <= 4 ? std::string(kNames[kind - 1][i]) : fmt::format("value{}", i);
    const auto raw = static_cast<std::uint64_t>(tick.value[i]);
    if (tick.kind != TickKind::Status)
      out.push_back({name, decimal_text(static_cast<std::int64_t>(raw))});
    else if (i == 0)
      out.push_back({name, word(kStatusCodes, raw)});
    else
      out.push_back({name, fmt::format("{}", tick.value[i])});
  }
}

// What a Control's numbers mean depends on its kind.
std::string control_number(const Control& control, std::string_view field, std::uint64_t raw) {
  const bool state = field == "before" || field == "after";
  if (state && control.kind == ControlKind::Level)
    return raw == 0 ? "none" : std::string(name_of(static_cast<KillLevel>(raw)));
  if (state && control.kind == ControlKind::Cap)
    return decimal_text(static_cast<std::int64_t>(raw));
  if (field == "detail" && control.kind == ControlKind::Level)
    return std::string(name_of(static_cast<KillCause>(raw)));
  const bool edge = control.kind == ControlKind::EdgeBase ||
                    control.kind == ControlKind::EdgeFull || control.kind == ControlKind::EdgeRoom;
  if (field == "index" && edge && raw < 256) return edge_label(static_cast<Edge>(raw));
  if (state) return fmt::format("{}", static_cast<std::int64_t>(raw));
  return fmt::format("{}", raw);
}

FieldText plain_field(RecordKind record, const Field& field, const Payload& payload,
                      const PipelineConfig* names) {
  const std::uint64_t raw = number_at(payload, field.offset, field.size);
  const std::string name(field.name);
  if (names != nullptr && name == "instrument" && raw < names->instruments.size())
    return {name, names->instruments[raw].name};
  if (names != nullptr && name == "strategy" && raw < names->strategies.size())
    return {name, names->strategies[raw].name};
  switch (field.kind) {
    case FieldKind::Amount: return {name, decimal_text(static_cast<std::int64_t>(raw))};
    case FieldKind::Enum: return {name, enum_text(record, field.name, raw)};
    case FieldKind::Id: return {name, id_text({raw})};
    case FieldKind::Time:
      return {name, name == "venue_time" ? utc_text(static_cast<std::int64_t>(raw))
                                         : time_text({static_cast<std::int64_t>(raw)})};
    case FieldKind::Integer:
    case FieldKind::Duration:
    case FieldKind::Reserved: break;
  }
  if (record == RecordKind::Control)
    return {name, control_number(from_payload<Control>(payload), field.name, raw)};
  if (record == RecordKind::Intent &&
      name == "quantity")  // a multiplier, or of an exit a raw quantity
    return {name, from_payload<Intent>(payload).action == Action::Exit
                      ? decimal_text(static_cast<std::int64_t>(raw))
                      : fmt::format("{}", raw)};
  return {name, fmt::format("{}", raw), field.size < 8};
}

bool all_zero(const Payload& payload, const Field& field) noexcept {
  const char* bytes = reinterpret_cast<const char*>(payload.data()) + field.offset;
  return std::all_of(bytes, bytes + field.size, [](char byte) { return byte == 0; });
}

template <class R>
std::vector<FieldText> decode(RecordKind record, const Payload& payload,
                              const PipelineConfig* names) {
  std::vector<FieldText> out;
  for (const Field& field : Layout<R>::kFields) {
    if (record == RecordKind::Tick && field.name == "value") {
      add_tick_values(from_payload<Tick>(payload), out);
    } else if (field.kind == FieldKind::Reserved) {
      if (all_zero(payload, field)) continue;
      std::string hex("0x");
      for (std::size_t i = field.size; i-- > 0;)
        hex += fmt::format("{:02x}", number_at(payload, field.offset + i, 1));
      out.push_back({std::string(field.name), hex});
    } else {
      out.push_back(plain_field(record, field, payload, names));
    }
  }
  return out;
}

}  // namespace

std::string enum_text(RecordKind record, std::string_view field, std::uint64_t raw) {
  if (field == "side") return word(kSides, raw);
  if (field == "action") return word(kActions, raw);
  if (field == "scope") return word(kScopeKinds, raw);
  if (field == "what") return word(kPaperWhats, raw);
  if (field == "reason" && record == RecordKind::Intent) return word(kIntentReasons, raw);
  if (field == "reason") {
    if (raw == 0) return "none";
    const auto known = std::find_if(
        risk::kReasons.begin(), risk::kReasons.end(),
        [raw](const auto& text) { return static_cast<std::uint64_t>(text.reason) == raw; });
    return known != risk::kReasons.end() ? std::string(known->name) : fmt::format("{}", raw);
  }
  switch (record) {  // what is left is "kind"
    case RecordKind::Tick: return word(kTickKinds, raw);
    case RecordKind::Order:
    case RecordKind::PaperEntry: return word(kOrderKinds, raw);
    case RecordKind::Report: return word(kReportKinds, raw);
    case RecordKind::Event: return word(kEventKinds, raw);
    case RecordKind::Control: return word(kControlKinds, raw);
    case RecordKind::Intent: break;
  }
  return fmt::format("{}", raw);
}

std::string decimal_text(std::int64_t raw) {
  DecimalText text;
  return std::string(format_decimal(raw, text));
}

std::string utc_text(std::int64_t ns) {
  if (ns <= 0) return fmt::format("{}", ns);
  const auto seconds = static_cast<std::time_t>(ns / 1'000'000'000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  std::array<char, 40> day{};
  std::strftime(day.data(), day.size(), "%Y-%m-%dT%H:%M:%S", &parts);
  return fmt::format("{}.{:09}Z", day.data(), ns % 1'000'000'000);
}

std::string id_text(OrderId id) {
  if (id.raw == 0) return "none";
  const std::string origin = id.origin() == 0 ? "risk" : fmt::format("seat{}", id.origin() - 1);
  return fmt::format("{}:{}:{}:{}", id.run(), origin, id.counter(), id.slice());
}

std::vector<FieldText> fields_of(RecordKind kind, const Payload& payload,
                                 const PipelineConfig* names) {
  switch (kind) {
    case RecordKind::Tick: return decode<Tick>(kind, payload, names);
    case RecordKind::Intent: return decode<Intent>(kind, payload, names);
    case RecordKind::Order: return decode<Order>(kind, payload, names);
    case RecordKind::Report: return decode<Report>(kind, payload, names);
    case RecordKind::Event: return decode<Event>(kind, payload, names);
    case RecordKind::Control: return decode<Control>(kind, payload, names);
    case RecordKind::PaperEntry: return decode<PaperEntry>(kind, payload, names);
  }
  return {};
}

std::string line_of(const std::vector<FieldText>& fields) {
  std::string line;
  for (const FieldText& field : fields) {
    if (!line.empty()) line += ' ';
    line.append(field.name).append("=").append(field.text);
  }
  return line;
}

std::string json_text(std::string_view text) {
  std::string out("\"");
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out += c;
    }
  }
  return out += '"';
}

std::string json_members(const std::vector<FieldText>& fields) {
  std::string out;
  for (const FieldText& field : fields) {
    if (!out.empty()) out += ',';
    out.append(json_text(field.name))
        .append(":")
        .append(field.number ? field.text : json_text(field.text));
  }
  return out;
}

std::string edge_label(Edge edge) {
  if (const EdgeInfo* info = edge_info(edge); info != nullptr)
    return fmt::format("{}->{}", name_of(info->from), name_of(info->to));
  if (edge == Edge::Control) return "driver->stage";
  if (edge == Edge::Event) return "session->gateway";
  if (edge == Edge::Command) return "gateway->session";
  if (edge == Edge::PaperLog) return "session->paper";
  return fmt::format("edge {} (no such edge)", static_cast<unsigned>(edge));
}

std::string edge_title(Edge edge) {
  const bool known =
      edge_info(edge) != nullptr || (edge >= Edge::Control && edge <= Edge::PaperLog);
  return known ? fmt::format("{} {}", edge_label(edge), name_of(record_of(edge)))
               : edge_label(edge);
}

std::string time_text(HostTime at) {
  if (at.ns < 0) return fmt::format("{} ns", at.ns);
  return fmt::format("{}.{:09}", at.ns / 1'000'000'000, at.ns % 1'000'000'000);
}

}  // namespace sluice::replay
