// The [risk] section. Fractions are parts per million, money and quantities raw at 1e-8; ages of
// ticks and cooldowns are market time, ages of intents and times to live are host time.
#pragma once

#include "core/pipeline.hpp"

namespace sluice::risk {

inline constexpr std::size_t kMaxPairs = 128;  // (strategy, instrument) pairs of the pipeline
inline constexpr std::int64_t kMaxOpenOrders =
    128;  // so that exits, one per pair, always find a place

struct RiskConfig {
  Notional equity;          // what the fractions refer to, before today's profit or loss
  Ppm alloc;                // of equity, for one entry
  Ppm risk_per_trade;       // of equity, lost if the stop is hit
  Notional daily_loss_max;  // realised + unrealised of the UTC day of market time
  Notional max_order_notional;
  Qty max_order_qty;
  Ppm collar;                  // limit price from mid
  Ppm max_spread;              // of mid
  Duration max_tick_age;       // market time
  Duration max_intent_age;     // host time
  Duration cooldown;           // market time since the last exit of the (strategy, instrument)
  std::int64_t max_same_side;  // entries per (instrument, side)
  std::int64_t max_open_orders;
  std::int64_t max_lots;
  Ppm stop_loss;    // of the average entry price, > 0
  Ppm take_profit;  // 0 = none
  Ppm entry_slip;   // through the touch
  Ppm exit_slip;
  Duration entry_ttl;  // host time: then the remainder is cancelled
  Duration exit_ttl;   // host time: then it is cancelled and sent again at a new price
};

// Every key is required. Relations: entry_slip <= collar, exit_slip < 1, freeze >= lot of every
// instrument, and no more pairs than kMaxPairs.
RiskConfig parse_risk(const config::Table& table, const PipelineConfig& pipeline);

}  // namespace sluice::risk
