#include "gateway/config.hpp"

namespace sluice {

GatewayConfig parse_gateway(const config::Table& table, const PipelineConfig& pipeline) {
  GatewayConfig c;
  c.order_age_max = table.duration("order_age_max_ms", 1, 1'000);
  c.max_open_orders =
      static_cast<std::uint32_t>(table.integer("max_open_orders", 1, kPaperOrders - 32));
  c.paper_latency = table.duration("paper_latency_us", 0, 10'000'000);
  c.paper_order_life = table.duration("paper_order_life_s", 0, 86'400);
  // A sweep ends every open order at once, each with at most two reports (a late fill, the end).
  if (pipeline.capacity(*edge_info(Edge::GatewayRisk)) < 4 * c.max_open_orders)
    table.fault("max_open_orders",
                "must be at most a quarter of the report ring, or a sweep would overflow it");
  return c;
}

}  // namespace sluice
