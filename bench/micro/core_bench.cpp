// Did one of the primitives every turn is made of change, or the driver's turn itself? And what a
// look at the clock costs.
#include "bench/micro/micro.hpp"
#include "bench/pieces/core.hpp"
#include "bench/pieces/driver.hpp"
#include "core/clock.hpp"

namespace sluice::bench {
namespace {

const int kCore = time_all(CorePieces{});
const int kDriver = time_all(DriverPieces{});

void clock_now(benchmark::State& state) {
  const Clock clock(calibrate(10));
  for (auto _ : state) benchmark::DoNotOptimize(clock.now());
}
BENCHMARK(clock_now)->Name("clock.now");

void clock_loose_now(benchmark::State& state) {
  const Clock clock(calibrate(10));
  for (auto _ : state) benchmark::DoNotOptimize(clock.loose_now());
}
BENCHMARK(clock_loose_now)->Name("clock.loose_now");

}  // namespace
}  // namespace sluice::bench

BENCHMARK_MAIN();
