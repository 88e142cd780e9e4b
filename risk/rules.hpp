// What never changes while risk runs: its limits, the instruments' steps, and which strategy may
// trade what. Built once from the configuration; the guard, the allocator and the exit engine only
// read it.
#pragma once

#include <array>
#include <cstdint>

#include "core/pipeline.hpp"
#include "risk/config.hpp"

namespace sluice::risk {

using PairIndex = std::uint8_t;  // a (strategy, instrument) pair: the row of its position
inline constexpr PairIndex kNoPair = 0xff;

// A set of pairs: 128 bits in two words.
struct PairSet {
  std::array<std::uint64_t, 2> word{};

  constexpr void add(PairIndex pair) noexcept { word[pair / 64] |= std::uint64_t{1} << pair % 64; }
  constexpr void remove(PairIndex pair) noexcept {
    word[pair / 64] &= ~(std::uint64_t{1} << pair % 64);
  }
  [[nodiscard]] constexpr bool has(PairIndex pair) const noexcept {
    return (word[pair / 64] >> pair % 64 & 1) != 0;
  }
  [[nodiscard]] constexpr bool empty() const noexcept { return (word[0] | word[1]) == 0; }
  friend constexpr PairSet operator&(const PairSet& a, const PairSet& b) noexcept {
    return {{a.word[0] & b.word[0], a.word[1] & b.word[1]}};
  }
  // Calls f(PairIndex) in ascending order.
  template <class F>
  constexpr void each(F&& f) const noexcept {
    for (std::size_t w = 0; w < word.size(); ++w)
      for (std::uint64_t left = word[w]; left != 0; left &= left - 1)
        f(static_cast<PairIndex>(w * 64 + static_cast<std::size_t>(__builtin_ctzll(left))));
  }
};

struct Steps {
  Price tick{};
  Qty lot{};
  Qty freeze{};
};

struct Pair {
  InstrumentIndex instrument = 0;
  StrategyIndex strategy = 0;
  SeatIndex seat = 0;
};

struct Rules {
  // Throws Error (Exit::Usage) if there are more pairs than kMaxPairs.
  Rules(const RiskConfig& risk, const PipelineConfig& pipeline);

  [[nodiscard]] PairIndex pair_of(StrategyIndex strategy,
                                  InstrumentIndex instrument) const noexcept {
    return strategy < kMaxStrategies && instrument < kMaxInstruments ? pair_at[strategy][instrument]
                                                                     : kNoPair;
  }

  RiskConfig limits;
  std::size_t instruments = 0;
  std::size_t pairs = 0;
  std::array<Steps, kMaxInstruments> steps{};
  std::array<Pair, kMaxPairs> pair{};
  std::array<PairSet, kMaxInstruments> pairs_on{};  // by instrument
  std::array<std::array<PairIndex, kMaxInstruments>, kMaxStrategies> pair_at;
};

}  // namespace sluice::risk
