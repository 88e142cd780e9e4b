// The same three pieces of work for each contender (contenders.hpp): there and back, as many as
// possible, and what one record costs its sender. Every record is judged by whoever receives it.
#pragma once

#include <vector>

#include "bench/hop/contenders.hpp"
#include "bench/hop/record.hpp"
#include "bench/machine/pair.hpp"
#include "bench/machine/samples.hpp"

namespace sluice::bench {

// One direction, made before the peer is born.
template <class C>
class Direction {
 public:
  Direction() : mapping_(C::bytes(kCapacity) + kLinePair) {
    place_.memory = mapping_.data();
    place_.capacity = kCapacity;
    C::make(place_);
  }
  ~Direction() {
    if (place_.read_end >= 0) ::close(place_.read_end);
    if (place_.write_end >= 0 && place_.write_end != place_.read_end) ::close(place_.write_end);
  }
  Direction(const Direction&) = delete;
  Direction& operator=(const Direction&) = delete;
  [[nodiscard]] const Place& place() const noexcept { return place_; }

 private:
  Mapping mapping_;
  Place place_;
};

template <class C>
constexpr Peer peer_of() noexcept {
  return C::kThreads ? Peer::Thread : Peer::Process;
}

template <class Sender>
void send(Sender& sender, const Payload& record) noexcept {
  await([&] { return sender.try_send(record); });
}
template <class Receiver>
bool receive(Receiver& receiver, std::uint64_t sequence) noexcept {
  Payload record;
  await([&] { return receiver.try_receive(record); });
  return is_record(record, sequence);
}

// Nanoseconds there and back, the median of blocks.
template <class C>
double round_trip(const Cpus& cpus) {
  constexpr std::uint64_t kBlock = C::kSystemCalls ? 100 : 500;
  constexpr std::uint64_t kBlocks = 20;
  Direction<C> there;
  Direction<C> back;
  std::vector<double> blocks;
  blocks.reserve(kBlocks);
  bool right = true;
  run_pair(
      peer_of<C>(), cpus,
      [&] {
        typename C::Receiver in(there.place());
        typename C::Sender out(back.place());
        Payload record;
        bool good = true;
        for (std::uint64_t i = 0; i < kBlock * kBlocks; ++i) {
          good = receive(in, i) && good;
          fill(record, ~i);
          send(out, record);
        }
        return good;
      },
      [&] {
        typename C::Sender out(there.place());
        typename C::Receiver in(back.place());
        Payload record;
        std::uint64_t i = 0;
        for (std::uint64_t block = 0; block < kBlocks; ++block) {
          const HostTime begin = bench_clock().now();
          for (std::uint64_t n = 0; n < kBlock; ++n, ++i) {
            fill(record, i);
            send(out, record);
            right = receive(in, ~i) && right;
          }
          blocks.push_back(static_cast<double>((bench_clock().now() - begin).ns) /
                           static_cast<double>(kBlock));
        }
      });
  must(right, "a record came back that was not sent");
  return median(blocks);
}

// One atomic of the peer's, beside the contender.
struct Progress {
  alignas(kLinePair) std::atomic<std::uint64_t> received;
};

// Millions of records per second, from the first that is sent to the last that is taken. `together`
// > 1: so many are offered and taken by one call, by contenders that have one for it.
template <class C>
double stream(const Cpus& cpus, std::size_t together = 1) {
  constexpr std::uint64_t kRecords = C::kSystemCalls ? 16'000 : 1'000'000;
  static_assert(kRecords % 16 == 0);
  Direction<C> there;
  const Mapping mapping(sizeof(Progress));
  auto& progress = *static_cast<Progress*>(mapping.data());
  double ns = 0;
  run_pair(
      peer_of<C>(), cpus,
      [&] {
        typename C::Receiver in(there.place());
        bool good = true;
        if constexpr (requires(Payload * p) { in.try_receive_many(p, together); }) {
          std::array<Payload, 16> records;
          for (std::uint64_t i = 0; together > 1 && i < kRecords;) {
            std::size_t got = 0;
            await([&] { return (got = in.try_receive_many(records.data(), together)) != 0; });
            for (std::size_t k = 0; k < got; ++k) good = is_record(records[k], i++) && good;
          }
        }
        for (std::uint64_t i = 0; together == 1 && i < kRecords; ++i) good = receive(in, i) && good;
        progress.received.store(kRecords, std::memory_order_release);
        return good;
      },
      [&] {
        typename C::Sender out(there.place());
        std::array<Payload, 16> records;
        const HostTime begin = bench_clock().now();
        if constexpr (requires(const Payload* p) { out.try_send_many(p, together); }) {
          for (std::uint64_t i = 0; together > 1 && i < kRecords; i += together) {
            for (std::size_t k = 0; k < together; ++k) fill(records[k], i + k);
            std::size_t sent = 0;
            await([&] {
              return (sent += out.try_send_many(&records[sent], together - sent)) == together;
            });
          }
        }
        for (std::uint64_t i = 0; together == 1 && i < kRecords; ++i) {
          fill(records[0], i);
          send(out, records[0]);
        }
        await([&] { return progress.received.load(std::memory_order_acquire) == kRecords; });
        ns = static_cast<double>((bench_clock().now() - begin).ns);
      });
  return static_cast<double>(kRecords) * 1e3 / ns;
}

// Some 250 ns in which nothing is sent, as a stage's own work would be: each step waits for the one
// before, so what is sent beside it has the rest of the processor.
inline void think(std::uint64_t& state) noexcept {
  for (int i = 0; i < 256; ++i) {
    state = state * 6'364'136'223'846'793'005u + 1;
    asm volatile("" : "+r"(state));
  }
}

// Nanoseconds that one record takes of a sender that has its own work to do, while a receiver takes
// them: what the same work takes longer with a record sent in each piece of it. The median over
// pairs of bursts; it may be a little below nothing.
template <class C>
double push_cost(const Cpus& cpus) {
  constexpr std::uint64_t kBurst = C::kSystemCalls ? 8 : 256;
  constexpr std::uint64_t kBursts = 200;
  Direction<C> there;
  const Mapping mapping(sizeof(Progress));
  auto& progress = *static_cast<Progress*>(mapping.data());
  std::vector<double> costs;
  costs.reserve(kBursts);
  run_pair(
      peer_of<C>(), cpus,
      [&] {
        typename C::Receiver in(there.place());
        bool good = true;
        for (std::uint64_t i = 0; i < kBurst * kBursts; ++i) {
          good = receive(in, i) && good;
          if ((i + 1) % kBurst == 0) progress.received.store(i + 1, std::memory_order_release);
        }
        if constexpr (requires { in.seen_by_tap(); })  // it must have read along
          good = good && in.seen_by_tap() > kBurst * kBursts / 2;
        return good;
      },
      [&] {
        typename C::Sender out(there.place());
        std::uint64_t state = 1;
        std::uint64_t i = 0;
        const auto burst = [&](auto&& act) {
          Payload record;
          const HostTime begin = bench_clock().now();
          for (std::uint64_t n = 0; n < kBurst; ++n) {
            think(state);
            fill(record, i + n);
            asm volatile("" : : "m"(record));
            act(record);
          }
          return static_cast<double>((bench_clock().now() - begin).ns);
        };
        for (std::uint64_t pair = 0; pair < kBursts; ++pair) {
          const double without = burst([](const Payload&) {});
          const double with = burst([&](const Payload& record) { send(out, record); });
          i += kBurst;
          costs.push_back((with - without) / static_cast<double>(kBurst));
          await([&] { return progress.received.load(std::memory_order_acquire) == i; });
        }
      });
  return median(costs);
}

}  // namespace sluice::bench
