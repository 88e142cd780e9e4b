#include "risk/config.hpp"

#include <limits>
#include <string>

namespace sluice::risk {
namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 4;

void check_relations(const config::Table& table, const RiskConfig& risk,
                     const PipelineConfig& pipeline) {
  if (table.sound("entry_slip") && table.sound("collar") && risk.entry_slip > risk.collar)
    table.fault("entry_slip", "must not exceed collar");
  if (table.sound("risk_per_trade") && table.sound("alloc") && risk.risk_per_trade > risk.alloc)
    table.fault("risk_per_trade", "must not exceed alloc: no more than the allocation can be lost");
  if (table.sound("daily_loss_max") && table.sound("equity") && risk.daily_loss_max > risk.equity)
    table.fault("daily_loss_max", "must not exceed equity");
  std::size_t pairs = 0;
  for (const StrategyEntry& entry : pipeline.strategies) pairs += entry.instruments.size();
  if (pairs > kMaxPairs)
    table.fault("", "the pipeline has " + std::to_string(pairs) +
                        " (strategy, instrument) pairs, risk keeps at most " +
                        std::to_string(kMaxPairs));
  for (const Instrument& instrument : pipeline.instruments)
    if (instrument.freeze < instrument.lot)
      table.fault("", "instrument " + instrument.name + ": freeze is below one lot");
}

}  // namespace

RiskConfig parse_risk(const config::Table& table, const PipelineConfig& pipeline) {
  const RiskConfig risk{
      .equity = {table.decimal("equity", 1, kMost)},
      .alloc = table.fraction("alloc", "0.000001", "1"),
      .risk_per_trade = table.fraction("risk_per_trade", "0.000001", "1"),
      .daily_loss_max = {table.decimal("daily_loss_max", 1, kMost)},
      .max_order_notional = {table.decimal("max_order_notional", 1, kMost)},
      .max_order_qty = {table.decimal("max_order_qty", 1, kMost)},
      .collar = table.fraction("collar", "0.000001", "0.5"),
      .max_spread = table.fraction("max_spread", "0.000001", "0.5"),
      .max_tick_age = table.duration("max_tick_age_ms", 1, 3'600'000),
      .max_intent_age = table.duration("max_intent_age_ms", 1, 60'000),
      .cooldown = table.duration("cooldown_s", 0, 86'400),
      .max_same_side = table.integer("max_same_side", 1, 1'000),
      .max_open_orders = table.integer("max_open_orders", 1, kMaxOpenOrders),
      .max_lots = table.integer("max_lots", 1, 1'000'000'000),
      .stop_loss = table.fraction("stop_loss", "0.000001", "0.999999"),
      .take_profit = table.fraction("take_profit", "0", "100"),
      .entry_slip = table.fraction("entry_slip", "0", "0.5"),
      .exit_slip = table.fraction("exit_slip", "0", "0.5"),
      .entry_ttl = table.duration("entry_ttl_ms", 1, 3'600'000),
      .exit_ttl = table.duration("exit_ttl_ms", 1, 3'600'000),
  };
  check_relations(table, risk, pipeline);
  return risk;
}

}  // namespace sluice::risk
