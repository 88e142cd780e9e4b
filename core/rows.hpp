// Rows of a stage page: state one wants to see, as 56-byte records behind a version word. Written
// by the stage's driver through Effects, read by sluicectl and the monitor. A row is a view, never
// an input.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/records.hpp"

namespace sluice {

// Regions of the row array; a process writes only those it owns.
enum class RowTable : std::uint16_t {
  Position = 0,      // risk: one per (strategy, instrument) position
  Order = 128,       // gateway: orders that are not terminal, then the most recent terminal ones
  Standing = Order,  // the same place on risk's page: its guard's answer of now, one per pair
  Strategy = 384,    // seats: one per strategy index
  Instrument = 416,  // feed: health of the instrument; risk: its last refusal
  Summary = 672      // one row: risk's account, gateway's session, feed's connection
};
inline constexpr std::size_t kRows = 673;
constexpr std::size_t row_capacity(RowTable table) noexcept {
  switch (table) {
    case RowTable::Position: return 128;
    case RowTable::Order: return 256;
    case RowTable::Strategy: return kMaxStrategies;
    case RowTable::Instrument: return kMaxInstruments;
    case RowTable::Summary: return 1;
  }
  return 0;
}

struct PositionRow {
  InstrumentIndex instrument;
  StrategyIndex strategy;
  std::uint8_t used;  // 1 = this row holds a position (flat ones stay until reused)
  std::uint8_t exit_pending;
  std::uint8_t reserved;
  Qty qty;  // signed
  Price average;
  Price last;         // mark
  Notional realised;  // net of nothing; fees are a later column
  Notional unrealised;
  HostTime opened_at;
};
static_assert(sizeof(PositionRow) == sizeof(Payload));

struct OrderRow {
  OrderId id;
  InstrumentIndex instrument;
  StrategyIndex strategy;
  Side side;
  OrderKind kind;
  std::uint8_t state;  // gateway's OrderState
  Price price;
  Qty qty;
  Qty cum_qty;
  HostTime changed_at;
  Reason reason;
  std::array<std::uint8_t, 7> reserved;
};
static_assert(sizeof(OrderRow) == sizeof(Payload));

inline constexpr std::uint8_t kBuyPasses = 1;
inline constexpr std::uint8_t kSellPasses = 2;

// The last decision on an instrument or strategy and what it was measured against: the source of
// `why`.
struct GateRow {
  InstrumentIndex instrument;
  StrategyIndex strategy;
  Reason reason;        // None = passed
  std::uint8_t armed;   // strategies: 1 = waiting for its edge
  std::uint8_t detail;  // standing rows: kBuyPasses, kSellPasses; of allocator_zero: what bound it
  std::int64_t value;   // raw, in the unit of the check
  std::int64_t limit;
  HostTime at;
  std::uint64_t passed;
  std::uint64_t refused;
  MarketTime market_at;
};
static_assert(sizeof(GateRow) == sizeof(Payload));

// Risk's account row (RowTable::Summary of risk).
struct AccountRow {
  Notional equity;
  Notional realised;
  Notional unrealised;
  Notional reserved_capital;  // approved and working entries
  Notional open_cost;
  Notional cap;
  std::uint32_t open_positions;
  std::uint32_t open_orders;
};
static_assert(sizeof(AccountRow) == sizeof(Payload));

// Connection state (RowTable::Summary of feed and gateway; RowTable::Instrument of feed).
struct SessionRow {
  std::uint32_t connected;  // 1 = the protocol says so
  std::uint32_t connects;   // times connected
  HostTime last_message;
  MarketTime last_venue_time;
  std::uint64_t messages;
  std::uint64_t gaps;
  std::uint64_t errors;
  std::uint64_t stale;  // 1 = stale now
};
static_assert(sizeof(SessionRow) == sizeof(Payload));

}  // namespace sluice
