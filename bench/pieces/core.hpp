// The primitives that every turn is made of. One thread: no cache line moves between cores here.
// The hop between processes is measured in bench/hop, beside the floor of the machine.
#pragma once

#include "bench/pieces/piece.hpp"
#include "core/journal.hpp"
#include "core/kill_page.hpp"
#include "core/statistics.hpp"

namespace sluice::bench {

// Both ends of one ring.
struct RingEnds {
  static constexpr std::uint64_t kCapacity = 4'096;
  decltype(zeroed<RingMemory>(0)) memory = zeroed<RingMemory>(kCapacity);
  Producer producer{*memory, 0};
  Consumer consumer{*memory, 0};
  Payload payload{1, 2, 3, 4, 5, 6, 7};
};

struct RingPushPoll : RingEnds {
  static constexpr const char* kName = "ring.push_poll";
  void operator()() noexcept {
    producer.try_push(payload);
    static_cast<void>(consumer.poll(payload));
    keep(payload);
    consumer.publish_head_if_due();
  }
};

// As a driver does it: credit is asked for once, heads are given back once.
struct RingBatch : RingEnds {
  static constexpr const char* kName = "ring.batch_of_16";
  static constexpr std::uint64_t kItems = 16;
  void operator()() noexcept {
    if (producer.credit(kItems) < kItems) return;
    for (std::uint64_t i = 0; i < kItems; ++i) producer.push(payload);
    while (consumer.poll(payload) == Poll::Record) keep(payload);
    consumer.publish_head_if_due();
  }
};

// Over a full ring, again and again.
struct RingTapRead : RingEnds {
  static constexpr const char* kName = "ring.tap_read";
  RingTap tap{*memory, 0};
  RingTapRead() {
    while (producer.try_push(payload)) {
    }
  }
  void operator()() noexcept {
    if (tap.read(payload).poll == Poll::Empty) tap = RingTap(*memory, 0);
    keep(payload);
  }
};

struct JournalAppend {
  static constexpr const char* kName = "journal.append";
  decltype(zeroed<JournalMemory>(0)) memory = zeroed<JournalMemory>(65'536);
  JournalWriter writer{*memory, 0, HostTime{1}};
  Payload payload{1, 2, 3, 4, 5, 6, 7};
  std::int64_t now = 1;
  void operator()() noexcept {
    keep(payload);
    writer.append(Edge::FeedRisk, payload, HostTime{now += 100});
    writer.commit();
    if (writer.room() < 2) memory->head.store(writer.next());
  }
};

struct HistogramRecord {
  static constexpr const char* kName = "histogram.record";
  std::unique_ptr<Histogram> histogram = std::make_unique<Histogram>();
  std::int64_t value = 1;
  void operator()() noexcept { histogram->record(value = value * 5 % 1'000'003); }
};

struct KillWordDecode {
  static constexpr const char* kName = "kill_word.decode";
  std::uint64_t word = encode_kill(7, 0, KillLevel::Run, KillCause::None, 9);
  void operator()() noexcept {
    keep(word);
    KillWord read = decode_kill(7, 0, word);
    keep(read);
  }
};

using CorePieces =
    Pieces<RingPushPoll, RingBatch, RingTapRead, JournalAppend, HistogramRecord, KillWordDecode>;

}  // namespace sluice::bench
