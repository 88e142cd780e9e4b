// A seat: one strategy process's stage. Holds 1..n strategies in priority order and turns their
// signals into intents: Tick, Report, Control in; Intent on seat_risk(seat) out.
//
// Every strategy sees every tick of its instruments; the first signal by priority forms the intent.
// At most one intent per (strategy, instrument) is outstanding, until risk answers it. A signal
// that cannot become an intent is counted and gone: a signal is an edge, and edges are not
// repeated.
#pragma once

#include <array>
#include <cstdint>

#include "core/pipeline.hpp"
#include "core/stage.hpp"
#include "strategies/catalogue.hpp"
#include "strategies/counters.hpp"

namespace sluice::strategies {

class StrategyStage {
 public:
  // The driver measures how long on(Tick) takes; a stage reads no clock.
  static constexpr Histogram kEvaluation = Histogram::Evaluation;
  static constexpr std::size_t kMaxPairs = 64;  // (strategy, instrument) pairs of one seat

  struct Pair {
    AnyStrategy strategy{};
    OrderId outstanding{};  // 0 = none
  };
  // All that changes after construction; a checkpoint is a copy of it.
  struct State {
    std::array<Pair, kMaxPairs> pairs{};  // in priority order
    std::array<GateRow, kMaxStrategies> gates{};
    std::uint32_t counter = 0;  // of the last intent id
    std::uint16_t run = 0;
    std::uint8_t edge_full = 0;
    std::uint8_t started = 0;  // RunStart was seen: without it no id is unique
  };
  static_assert(std::is_trivially_copyable_v<State>);

  // Setup. Throws Error if a kind is unknown or the seat has more than kMaxPairs pairs.
  StrategyStage(SeatIndex seat, const PipelineConfig& config);

  void on(const Tick& tick, Context& ctx) noexcept;
  void on(const Report& report, Context& ctx) noexcept;
  void on(const Control& control, Context& ctx) noexcept;
  [[nodiscard]] HostTime deadline() const noexcept { return HostTime::never(); }
  [[nodiscard]] bool wants_continue() const noexcept { return false; }

  [[nodiscard]] const State& state() const noexcept { return state_; }
  void restore(const State& state) noexcept { state_ = state; }
  [[nodiscard]] std::size_t pairs() const noexcept { return pairs_; }

 private:
  struct Place {
    InstrumentIndex instrument = 0;
    StrategyIndex strategy = 0;
  };

  void evaluate(std::size_t pair, const Tick& tick, bool& taken, Context& ctx) noexcept;
  [[nodiscard]] Reason form_intent(std::size_t pair, const Signal& signal, const Tick& tick,
                                   Context& ctx) noexcept;
  void show(std::size_t pair, const Tick& tick, Reason reason, bool decided, Context& ctx) noexcept;
  void write_rows(Context& ctx) noexcept;

  SeatIndex seat_;
  std::size_t pairs_ = 0;
  std::array<Place, kMaxPairs> places_{};
  std::array<std::uint64_t, kMaxInstruments>
      of_instrument_{};  // bit = pair, so bits are in priority order
  State state_;
};

}  // namespace sluice::strategies
