// The [gateway] section: what the stage, the last look and the paper venue may and must do.
#pragma once

#include <cstdint>

#include "core/config.hpp"
#include "core/pipeline.hpp"

namespace sluice {

// Most orders that rest at the paper venue. The stage stops entries well below, so that exits find
// room.
inline constexpr std::uint32_t kPaperOrders = 256;

struct GatewayConfig {
  std::uint32_t gateway = 0;                       // index of the gateway scope
  Duration order_age_max = Duration::millis(20);   // older approvals are refused by the last look
  std::uint32_t max_open_orders = 128;             // entries above are refused; exits are not
  Duration paper_latency = Duration::micros(500);  // approval -> resting; ask -> cancelled
  Duration paper_order_life{};                     // 0: until filled or cancelled
};

// Faults are collected in the document of `table`.
[[nodiscard]] GatewayConfig parse_gateway(const config::Table& table,
                                          const PipelineConfig& pipeline);

}  // namespace sluice
