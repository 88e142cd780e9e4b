// A small pipeline configuration: one instrument, one strategy in seat 0, rings as small as a test
// wants.
#pragma once

#include <string>

#include "core/instance.hpp"

namespace sluice::test {

struct ToySizes {
  std::uint32_t ring = 16;      // every ring
  std::uint32_t journal = 256;  // every stage's journal
};

inline PipelineConfig toy_config(ToySizes sizes = {}, const std::string& instance = "toy") {
  PipelineConfig config;
  config.instance = instance;
  config.state_dir = "/nonexistent";
  config.tick_ring = config.order_ring = config.report_ring = config.intent_ring = sizes.ring;
  config.journal_ring = sizes.journal;
  config.instruments.push_back(
      {"BTCUSDT", "BTCUSDT", Price{1'000'000}, Qty{1'000}, Qty::whole(9'000)});
  StrategyEntry strategy;
  strategy.name = strategy.kind = "toy";
  strategy.instruments = {0};
  config.strategies.push_back(strategy);
  return config;
}

inline RunIdentity toy_run() {
  return {0x1122334455667788, 7, 0xc0ffee, {}};
}

}  // namespace sluice::test
