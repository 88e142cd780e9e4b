#include "risk/rules.hpp"

#include <string>

#include "core/error.hpp"

namespace sluice::risk {

Rules::Rules(const RiskConfig& risk, const PipelineConfig& pipeline)
    : limits(risk), instruments(pipeline.instruments.size()) {
  for (auto& row : pair_at) row.fill(kNoPair);
  for (std::size_t i = 0; i < instruments; ++i) {
    const Instrument& instrument = pipeline.instruments[i];
    steps.at(i) = {instrument.tick, instrument.lot, instrument.freeze};
  }
  for (std::size_t s = 0; s < pipeline.strategies.size(); ++s) {
    const StrategyEntry& entry = pipeline.strategies[s];
    for (const InstrumentIndex instrument : entry.instruments) {
      if (pairs == kMaxPairs)
        throw Error(Exit::Usage, "risk keeps at most " + std::to_string(kMaxPairs) +  // setup
                                     " (strategy, instrument) pairs");
      const auto index = static_cast<PairIndex>(pairs);
      pair[pairs++] = {instrument, static_cast<StrategyIndex>(s), entry.seat};
      pair_at.at(s).at(instrument) = index;
      pairs_on[instrument].add(index);
    }
  }
}

}  // namespace sluice::risk
