// Pieces of work as Google Benchmarks.
#pragma once

#include <benchmark/benchmark.h>

#include "bench/pieces/piece.hpp"
#include "core/error.hpp"

namespace sluice::bench {

template <class Piece>
void time(benchmark::State& state) try {
  Piece piece;
  make_ready(piece);
  for (auto _ : state) piece();
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(items_of<Piece>()));
} catch (const Error& error) {
  state.SkipWithError(error.what());
}

template <class... Piece>
int time_all(Pieces<Piece...>) {
  (benchmark::RegisterBenchmark(Piece::kName, &time<Piece>), ...);
  return 0;
}

}  // namespace sluice::bench
