// What the two gates cost an entry that passes, and the last look by a clock of its own.
#include "bench/micro/micro.hpp"
#include "bench/pieces/gates.hpp"
#include "core/clock.hpp"

namespace sluice::bench {
namespace {

const int kGates = time_all(GatePieces{});

void page_words_fresh_clock(benchmark::State& state) {
  const Clock clock(calibrate(10));
  PageWords words(clock.now());
  for (auto _ : state) words.at(clock.loose_now());
}
BENCHMARK(page_words_fresh_clock)->Name("last_look.page_words_fresh_clock");

}  // namespace
}  // namespace sluice::bench

BENCHMARK_MAIN();
