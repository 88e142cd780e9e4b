// The configuration of `run`: what every live process of a pipeline would read, in one struct.
#pragma once

#include <filesystem>

#include "core/pipeline.hpp"
#include "feed/config.hpp"
#include "gateway/config.hpp"
#include "risk/config.hpp"

namespace sluice::replay {

struct RunConfig {
  PipelineConfig pipeline;
  FeedConfig feed;
  risk::RiskConfig risk{};
  GatewayConfig gateway{};
  Notional cap{};  // [supervisor] cap: of everything, and of each strategy
  std::uint64_t hash = 0;
};

// Throws Error(Usage) that lists every fault as file:line:col, parameters of strategies included.
RunConfig load_run_config(const std::filesystem::path& conf);
RunConfig parse_run_config(const config::Document& document);

}  // namespace sluice::replay
