// Producer and consumer threads over one ring, with a plain array beside it: the producer writes a
// line of the array before it pushes and the consumer reads it after it polls, so the array is free
// of races exactly if the ring's memory orders carry the records they announce and the slots they
// give back.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstdint>
#include <thread>
#include <vector>

#include "core/ring.hpp"
#include "tests/support/seed.hpp"
#include "tests/support/shared_instance.hpp"

namespace sluice::test {

inline Payload stress_payload(std::uint64_t sequence) noexcept {
  Payload payload;
  for (std::size_t i = 0; i < kPayloadWords; ++i)
    payload[i] = mix(sequence + (std::uint64_t{i} << 48));
  return payload;
}

struct StressPlan {
  std::uint64_t capacity = 64;
  std::uint64_t count = 100'000;
  std::uint64_t start = 0;
  std::uint64_t seed = 1;
  bool tap = true;
  bool batch = false;  // consumer gives slots back when due, not at once
};

struct StressResult {
  std::uint64_t wrong = 0;  // records whose content or order was not what was pushed
  std::uint64_t corrupt = 0;
  std::uint64_t tap_read = 0;
  std::uint64_t tap_missed = 0;
  std::uint64_t tap_torn = 0;  // records a tap delivered with a content that was never pushed
};

template <class Orders>
class RingStress {
 public:
  explicit RingStress(const StressPlan& plan)
      : plan_(plan), ring_(plan.capacity), shadow_(plan.capacity) {
    if (plan.start != 0) preset(ring_.get(), plan.start);
  }

  StressResult run() {
    std::thread producer([this] { produce(); });
    std::thread consumer([this] { consume(); });
    std::thread tap;
    if (plan_.tap) tap = std::thread([this] { follow(); });
    producer.join();
    consumer.join();
    if (plan_.tap) tap.join();
    return result_;
  }

 private:
  struct Line {
    std::uint64_t sequence = 0;
    std::uint64_t check = 0;
  };

  void produce() {
    Random random(plan_.seed);
    BasicProducer<Orders> producer(ring_.get(), plan_.start);
    for (std::uint64_t k = plan_.start; k != plan_.start + plan_.count; ++k) {
      while (producer.credit() == 0 && !stop_.load(std::memory_order_relaxed)) ::sched_yield();
      if (stop_.load(std::memory_order_relaxed)) return;
      shadow_[k & (plan_.capacity - 1)] = {k, mix(k)};
      producer.push(stress_payload(k));
      if (random.one_in(997)) ::sched_yield();
    }
  }

  void consume() {
    Random random(plan_.seed + 1);
    BasicConsumer<Orders> consumer(ring_.get(), plan_.start);
    Payload out;
    for (std::uint64_t k = plan_.start; k != plan_.start + plan_.count;) {
      const Poll poll = consumer.poll(out);
      if (poll == Poll::Corrupt) {
        ++result_.corrupt;
        stop_.store(true, std::memory_order_relaxed);
        return;
      }
      if (poll == Poll::Empty) {
        consumer.publish_head();
        ::sched_yield();
        continue;
      }
      const Line line = shadow_[k & (plan_.capacity - 1)];
      if (out != stress_payload(k) || line.sequence != k || line.check != mix(k)) ++result_.wrong;
      ++k;
      if (plan_.batch)
        consumer.publish_head_if_due();
      else
        consumer.publish_head();
      if (random.one_in(1'009)) ::sched_yield();
    }
    consumer.publish_head();
  }

  // Never waits for anybody, never makes anybody wait.
  void follow() {
    RingTap tap(ring_.get(), plan_.start);
    std::uint64_t expected = plan_.start;
    Payload out;
    while (expected != plan_.start + plan_.count && !stop_.load(std::memory_order_relaxed)) {
      const RingTap::Result result = tap.read(out);
      expected += result.missed;
      result_.tap_missed += result.missed;
      if (result.poll != Poll::Record) {
        if (result.missed == 0) ::sched_yield();
        continue;
      }
      if (result.sequence != expected || out != stress_payload(expected)) ++result_.tap_torn;
      ++expected;
      ++result_.tap_read;
    }
  }

  StressPlan plan_;
  SharedRing ring_;
  std::vector<Line> shadow_;
  StressResult result_;
  std::atomic<bool> stop_{false};
};

}  // namespace sluice::test
