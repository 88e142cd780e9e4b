// The sections of the configuration that every process shares: which instance this is, which
// instruments and strategies exist and under which index, and where processes run. Stage sections
// ([feed], [risk], ...) are parsed by their stages.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/access.hpp"
#include "core/config.hpp"
#include "core/levels.hpp"
#include "core/topology.hpp"
#include "core/types.hpp"

namespace sluice {

struct Instrument {
  std::string name;          // "BTCUSDT": unique, <= 23 characters, [A-Z0-9._-]
  std::string venue_symbol;  // the venue's spelling, "BTCUSDT"
  Price tick;                // > 0; every limit price is a multiple
  Qty lot;                   // > 0; every quantity is a multiple
  Qty freeze;                // largest quantity of one order
};

struct StrategyEntry {
  std::string name;  // unique in the pipeline, <= 23 characters, e.g. "momentum_buying"
  std::string kind;  // the catalogue's word; often the same
  SeatIndex seat = 0;
  std::uint32_t priority = 0;  // lower first
  std::vector<InstrumentIndex> instruments;
  config::Table parameters;  // [strategy.parameters], parsed by the strategy
};

enum class WaitStrategy : std::uint8_t { Auto = 0, Spin = 1, Yield = 2, Nap = 3 };

struct ProcessEntry {
  int cpu = -1;  // -1: inherited (taskset) or free
  WaitStrategy wait = WaitStrategy::Auto;
};

struct PipelineConfig {
  std::string instance;  // [a-z0-9_-], <= 20 characters; prefix of the segments
  Mode mode = Mode::Paper;
  std::filesystem::path state_dir;    // journals, latch, audit, socket
  std::int64_t rate_ppm = 1'000'000;  // market ns per host ns
  std::uint32_t tick_ring = 0;        // capacities; 0 = the topology's default
  std::uint32_t order_ring = 0;
  std::uint32_t report_ring = 0;
  std::uint32_t intent_ring = 0;
  std::uint32_t journal_ring = 0;  // entries
  std::vector<Instrument> instruments;
  std::vector<StrategyEntry> strategies;     // index = StrategyIndex
  std::array<ProcessEntry, 32> processes{};  // by Process value
  std::optional<AccessConfig> access;        // absent: one user runs everything

  [[nodiscard]] const ProcessEntry& process(Process p) const noexcept {
    return processes[static_cast<std::size_t>(p)];
  }
  [[nodiscard]] bool seat_taken(SeatIndex seat) const noexcept;
  [[nodiscard]] std::uint32_t capacity(const EdgeInfo& edge) const noexcept;
};

// Reads [instance], [market], [rings], [[instrument]], [[strategy]], [process.*], [access]; marks
// the stage sections as belonging to others.
PipelineConfig parse_pipeline(const config::Document& document);

}  // namespace sluice
