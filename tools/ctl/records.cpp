#include "tools/ctl/records.hpp"

#include <fmt/format.h>

#include <cstring>

#include "risk/explain.hpp"
#include "tools/ctl/text.hpp"

namespace sluice::ctl {

std::string_view word_of(TickKind kind) noexcept {
  switch (kind) {
    case TickKind::Quote: return "quote";
    case TickKind::Trade: return "trade";
    case TickKind::Day: return "day";
    case TickKind::Status: return "status";
  }
  return "?";
}

std::string_view word_of(Side side) noexcept {
  switch (side) {
    case Side::Buy: return "buy";
    case Side::Sell: return "sell";
  }
  return "?";
}

std::string_view word_of(Action action) noexcept {
  switch (action) {
    case Action::Enter: return "enter";
    case Action::Exit: return "exit";
    case Action::Cancel: return "cancel";
  }
  return "?";
}

std::string_view word_of(OrderKind kind) noexcept {
  switch (kind) {
    case OrderKind::Entry: return "entry";
    case OrderKind::StopLoss: return "stop_loss";
    case OrderKind::TakeProfit: return "take_profit";
    case OrderKind::StrategyExit: return "strategy_exit";
    case OrderKind::Cancel: return "cancel";
    case OrderKind::SessionExit: return "session_exit";
  }
  return "?";
}

std::string_view word_of(ReportKind kind) noexcept {
  switch (kind) {
    case ReportKind::Ack: return "ack";
    case ReportKind::Fill: return "fill";
    case ReportKind::Reject: return "reject";
    case ReportKind::Cancelled: return "cancelled";
    case ReportKind::Expired: return "expired";
    case ReportKind::InDoubt: return "in_doubt";
    case ReportKind::Accepted: return "accepted";
  }
  return "?";
}

std::string_view word_of(Reason reason) noexcept {
  return risk::explain(reason).name;
}

std::string_view word_of(IntentReason reason) noexcept {
  switch (reason) {
    case IntentReason::Breakout: return "breakout";
    case IntentReason::Manual: return "manual";
  }
  return "?";
}

std::string_view word_of(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::Gap: return "gap";
    case StatusCode::Stale: return "stale";
    case StatusCode::Fresh: return "fresh";
    case StatusCode::SessionUp: return "session_up";
    case StatusCode::SessionDown: return "session_down";
    case StatusCode::VenueGap: return "venue_gap";
    case StatusCode::Resynced: return "resynced";
    case StatusCode::EndOfData: return "end_of_data";
  }
  return "?";
}

namespace {

std::uint64_t number_at(const char* bytes, std::size_t size) noexcept {
  std::uint64_t number = 0;
  std::memcpy(&number, bytes, size < sizeof number ? size : sizeof number);  // little-endian
  return number;
}

std::string enumerator(RecordKind record, std::string_view field, std::uint64_t raw) {
  const auto as = [&]<class E>(E) { return std::string(word_of(static_cast<E>(raw))); };
  if (field == "side") return as(Side{});
  if (field == "action") return as(Action{});
  if (field == "reason" && record == RecordKind::Intent) return as(IntentReason{});
  if (field == "reason") return as(Reason{});
  if (field == "kind" && record == RecordKind::Tick) return as(TickKind{});
  if (field == "kind" && record == RecordKind::Order) return as(OrderKind{});
  if (field == "kind" && record == RecordKind::Report) return as(ReportKind{});
  return fmt::format("{}", raw);
}

// The four values of a tick mean something else by kind.
void tick_values(const Tick& tick, Fields& out) {
  static constexpr std::array<std::array<std::string_view, 4>, 4> kNames{
      {{"bid", "ask", "bid_qty", "ask_qty"},
       {"price", "qty", "volume", "open_interest"},
       {"open", "high", "low", "previous_close"},
       {"status", "count", "detail", "detail2"}}};
  const auto kind = static_cast<std::size_t>(tick.kind);
  const bool status = tick.kind == TickKind::Status;
  for (std::size_t i = 0; i < tick.value.size(); ++i) {
    const std::string name =
        kind >= 1 && kind <= 4 ? std::string(kNames[kind - 1][i]) : fmt::format("value{}", i);
    if (!status)
      out.emplace_back(name, decimal(tick.value[i]));
    else
      out.emplace_back(
          name, i == 0 ? std::string(word_of(tick.status())) : fmt::format("{}", tick.value[i]));
  }
}

std::string field_text(RecordKind record, const Field& field, const char* bytes,
                       const ControlPage* control) {
  const std::uint64_t raw = number_at(bytes + field.offset, field.size);
  const auto index = static_cast<std::uint32_t>(raw);
  if (field.name == "instrument") return instrument_name(control, index);
  if (field.name == "strategy") return strategy_name(control, index);
  switch (field.kind) {
    case FieldKind::Amount: return decimal(static_cast<std::int64_t>(raw));
    case FieldKind::Enum: return enumerator(record, field.name, raw);
    case FieldKind::Id: return id_text({raw});
    case FieldKind::Time:
      return field.name == "venue_time" ? utc({static_cast<std::int64_t>(raw)})
                                        : uptime({static_cast<std::int64_t>(raw)});
    case FieldKind::Integer:
    case FieldKind::Duration:
    case FieldKind::Reserved: break;
  }
  return field.size == 8 ? fmt::format("{}", static_cast<std::int64_t>(raw))
                         : fmt::format("{}", raw);
}

template <class R>
Fields decode_as(RecordKind record, const Payload& payload, const ControlPage* control) {
  Fields out;
  for (const Field& field : Layout<R>::kFields) {
    if (field.kind == FieldKind::Reserved) continue;
    if (record == RecordKind::Tick && field.name == "value")
      tick_values(from_payload<Tick>(payload), out);
    else
      out.emplace_back(
          field.name,
          field_text(record, field, reinterpret_cast<const char*>(payload.data()), control));
  }
  return out;
}

}  // namespace

Fields decode(RecordKind kind, const Payload& payload, const ControlPage* control) {
  switch (kind) {
    case RecordKind::Tick: return decode_as<Tick>(kind, payload, control);
    case RecordKind::Intent: return decode_as<Intent>(kind, payload, control);
    case RecordKind::Order: return decode_as<Order>(kind, payload, control);
    case RecordKind::Report: return decode_as<Report>(kind, payload, control);
    case RecordKind::Event: return decode_as<Event>(kind, payload, control);
    case RecordKind::Control: return decode_as<Control>(kind, payload, control);
    case RecordKind::PaperEntry: return decode_as<PaperEntry>(kind, payload, control);
  }
  return {};
}

}  // namespace sluice::ctl
