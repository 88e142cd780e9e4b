// Did one of the primitives every turn is made of change? Single-threaded: no cache line moves
// between cores here. The hop between processes is measured elsewhere, beside the floor of the
// machine.
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "core/clock.hpp"
#include "core/journal.hpp"
#include "core/kill_page.hpp"
#include "core/ring.hpp"
#include "core/statistics.hpp"

namespace sluice {
namespace {

template <class Memory>
std::unique_ptr<Memory, decltype(&std::free)> zeroed(std::uint64_t capacity) {
  const std::size_t bytes = (Memory::bytes(capacity) + kLinePair - 1) / kLinePair * kLinePair;
  void* memory = std::aligned_alloc(kLinePair, bytes);
  std::memset(memory, 0, bytes);
  auto* object = static_cast<Memory*>(memory);
  object->header.capacity = capacity;
  return {object, &std::free};
}

void PushAndPoll(benchmark::State& state) {
  auto ring = zeroed<RingMemory>(4096);
  Producer producer(*ring, 0);
  Consumer consumer(*ring, 0);
  Payload payload{1, 2, 3, 4, 5, 6, 7};
  for (auto _ : state) {
    producer.try_push(payload);
    benchmark::DoNotOptimize(consumer.poll(payload));
    consumer.publish_head_if_due();
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(PushAndPoll);

void JournalAppend(benchmark::State& state) {
  auto journal = zeroed<JournalMemory>(65'536);
  JournalWriter writer(*journal, 0, HostTime{1});
  const Payload payload{1, 2, 3, 4, 5, 6, 7};
  std::int64_t now = 1;
  for (auto _ : state) {
    writer.append(Edge::FeedRisk, payload, HostTime{now += 100});
    writer.commit();
    if (writer.room() < 2) journal->head.store(writer.next());
  }
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(JournalAppend);

void HistogramRecord(benchmark::State& state) {
  auto histogram = std::make_unique<Histogram>();
  std::int64_t value = 1;
  for (auto _ : state) histogram->record(value = value * 5 % 1'000'003);
  state.SetItemsProcessed(state.iterations());
}
BENCHMARK(HistogramRecord);

void KillWordDecode(benchmark::State& state) {
  std::uint64_t word = encode_kill(7, 0, KillLevel::Run, KillCause::None, 9);
  for (auto _ : state) {
    benchmark::DoNotOptimize(word);
    benchmark::DoNotOptimize(decode_kill(7, 0, word));
  }
}
BENCHMARK(KillWordDecode);

void ClockNow(benchmark::State& state) {
  const Clock clock(calibrate(10));
  for (auto _ : state) benchmark::DoNotOptimize(clock.now());
}
BENCHMARK(ClockNow);

void ClockLooseNow(benchmark::State& state) {
  const Clock clock(calibrate(10));
  for (auto _ : state) benchmark::DoNotOptimize(clock.loose_now());
}
BENCHMARK(ClockLooseNow);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
