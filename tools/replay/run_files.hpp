// A run as it lies on disk: its directory, and the configuration that its stages were made of.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "core/config.hpp"
#include "core/pipeline.hpp"
#include "gateway/config.hpp"
#include "risk/config.hpp"

namespace sluice::replay {

struct RunFiles {
  std::filesystem::path dir;
  std::string chosen;  // how `dir` was found, if it was not given itself; else empty
  PipelineConfig pipeline;
  risk::RiskConfig risk{};
  GatewayConfig gateway{};
  std::uint64_t config_hash = 0;
};

// `given`: a run directory (<state_dir>/runs/<ordinal>), or a state directory, of which the newest
// run is taken. Throws Error(Unqualified) if it is neither, or its pipeline.toml cannot be used.
RunFiles open_run(const std::filesystem::path& given);

}  // namespace sluice::replay
