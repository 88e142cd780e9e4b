#include "bench/hop/floor.hpp"

#include <algorithm>
#include <atomic>
#include <vector>

#include "bench/hop/record.hpp"
#include "bench/machine/samples.hpp"
#include "core/ring.hpp"

namespace sluice::bench {
namespace {

constexpr std::uint64_t kTrips = 10'000;
constexpr std::uint64_t kBlock = 500;
constexpr std::uint64_t kLines = 4'096;
constexpr std::uint64_t kStream = 1'000'000;

struct Lines {
  alignas(kLinePair) std::atomic<std::uint64_t> there;
  alignas(kLinePair) std::atomic<std::uint64_t> back;
};

template <bool Pause>
void await_value(const std::atomic<std::uint64_t>& word, std::uint64_t value) noexcept {
  while (word.load(std::memory_order_acquire) != value)
    if constexpr (Pause) cpu_pause();
}

// Odd values go there, even ones come back.
template <bool OneLine, bool Pause>
double ping_pong(const Cpus& cpus) {
  const Mapping mapping(sizeof(Lines));
  auto& lines = *static_cast<Lines*>(mapping.data());
  auto& there = lines.there;
  auto& back = OneLine ? lines.there : lines.back;
  std::vector<double> blocks;
  blocks.reserve(kTrips / kBlock);
  run_pair(
      Peer::Process, cpus,
      [&] {
        for (std::uint64_t i = 1; i < 2 * kTrips; i += 2) {
          await_value<Pause>(there, i);
          back.store(i + 1, std::memory_order_release);
        }
        return true;
      },
      [&] {
        std::uint64_t i = 1;
        for (std::uint64_t block = 0; block < kTrips / kBlock; ++block) {
          const HostTime begin = bench_clock().now();
          for (std::uint64_t n = 0; n < kBlock; ++n, i += 2) {
            there.store(i, std::memory_order_release);
            await_value<Pause>(back, i + 1);
          }
          blocks.push_back(static_cast<double>((bench_clock().now() - begin).ns) /
                           static_cast<double>(kBlock));
        }
      });
  return median(blocks);
}

struct Stream {
  alignas(kLinePair) std::atomic<std::uint64_t> taken;
  alignas(kLinePair) Slot lines[kLines];
};

}  // namespace

double round_trip_floor(const Cpus& cpus) {
  return std::min({ping_pong<true, true>(cpus), ping_pong<true, false>(cpus),
                   ping_pong<false, true>(cpus), ping_pong<false, false>(cpus)});
}

double stream_floor(const Cpus& cpus) {
  const Mapping mapping(sizeof(Stream));
  auto& stream = *static_cast<Stream*>(mapping.data());
  constexpr std::uint64_t kHalf = kLines / 2;
  double ns = 0;
  run_pair(
      Peer::Process, cpus,
      [&] {
        bool right = true;
        Payload record;
        for (std::uint64_t i = 0; i < kStream; ++i) {
          const Slot& line = stream.lines[i % kLines];
          await([&] { return line.word.load(std::memory_order_acquire) == i + 1; });
          for (std::size_t k = 0; k < kPayloadWords; ++k)
            record[k] = line.payload[k].load(std::memory_order_relaxed);
          right = right && is_record(record, i);
          if ((i + 1) % kHalf == 0) stream.taken.store(i + 1, std::memory_order_release);
        }
        stream.taken.store(kStream, std::memory_order_release);
        return right;
      },
      [&] {
        Payload record;
        const HostTime begin = bench_clock().now();
        for (std::uint64_t i = 0; i < kStream; ++i) {
          if (i % kHalf == 0)
            await([&] { return i - stream.taken.load(std::memory_order_acquire) <= kHalf; });
          Slot& line = stream.lines[i % kLines];
          fill(record, i);
          for (std::size_t k = 0; k < kPayloadWords; ++k)
            line.payload[k].store(record[k], std::memory_order_relaxed);
          line.word.store(i + 1, std::memory_order_release);
        }
        await([&] { return stream.taken.load(std::memory_order_acquire) == kStream; });
        ns = static_cast<double>((bench_clock().now() - begin).ns);
      });
  return static_cast<double>(kStream) * 1e3 / ns;
}

}  // namespace sluice::bench
