// A pipeline of one instrument and one strategy: the least that a stage can be made of.
#pragma once

#include "core/pipeline.hpp"

namespace sluice::bench {

inline PipelineConfig one_pair() {
  PipelineConfig config;
  config.instance = "bench";
  config.instruments.push_back({"AAA", "AAA", Price::whole(1), Qty::whole(1), Qty::whole(1'000)});
  StrategyEntry strategy;
  strategy.name = "first";
  strategy.instruments = {0};
  config.strategies = {strategy};
  return config;
}

}  // namespace sluice::bench
