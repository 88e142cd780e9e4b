// A turn of the driver around a stage that says nothing: what is left is the driver's own. It has
// risk's place in a pipeline of one seat, so the rings that a turn looks at are risk's.
#pragma once

#include "bench/pieces/config.hpp"
#include "bench/pieces/piece.hpp"
#include "core/driver.hpp"
#include "core/error.hpp"
#include "core/instance.hpp"
#include "core/wiring.hpp"

namespace sluice::bench {

struct SilentStage {
  void on(const Tick& tick, Context&) noexcept { last = tick; }
  void on(const Control&, Context&) noexcept {}
  [[nodiscard]] HostTime deadline() const noexcept { return HostTime::never(); }
  [[nodiscard]] bool wants_continue() const noexcept { return false; }
  Tick last{};
};

// Stands still unless it is moved: a turn looks at the pages when a millisecond has passed.
class StillClock {
 public:
  [[nodiscard]] HostTime now() const noexcept { return now_; }
  [[nodiscard]] HostTime loose_now() const noexcept { return now_; }
  [[nodiscard]] std::uint64_t liveness_us() const noexcept {
    return static_cast<std::uint64_t>(now_.ns) / 1'000;
  }
  void advance(Duration by) noexcept { now_ = now_ + by; }

 private:
  HostTime now_{10'000'000'000};
};

class DriverTurn {
 public:
  DriverTurn() {
    wire(driver_, Process::Risk, config_,
         [this](Edge edge) -> RingMemory& { return objects().edge(edge); });
    beat();
    driver_.recover([](JournalSlot&, std::uint64_t) { return false; });
    while (driver_.turn()) {
    }
    ticks_ = Producer(objects().edge(Edge::FeedRisk), 0);
  }
  DriverTurn(const DriverTurn&) = delete;
  DriverTurn& operator=(const DriverTurn&) = delete;

 protected:
  void turn() noexcept { driver_.turn(); }
  void push(const Tick& tick) noexcept { ticks_.try_push(to_payload(tick)); }
  void advance(Duration by) noexcept {
    clock_.advance(by);
    beat();
  }
  // What a recorder that keeps up leaves of the journal.
  void file() noexcept {
    JournalMemory& journal = objects().journal_of(Process::Risk);
    journal.head.store(journal.tail.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t entries() const noexcept { return driver_.entries(); }

 private:
  [[nodiscard]] Objects& objects() noexcept { return memory_.objects(); }
  void beat() noexcept {
    objects().control->heartbeat.store(encode_heartbeat({1, clock_.liveness_us()}));
  }

  PipelineConfig config_ = one_pair();
  MemoryInstance memory_{config_, {0x5107CE, 3, 1, {}}};
  StillClock clock_;
  SilentStage stage_;
  NoSession none_;
  Driver<SilentStage, NoSession, StillClock> driver_{
      stage_,
      none_,
      clock_,
      {objects().control, objects().kill, &objects().page(Process::Risk),
       &objects().journal_of(Process::Risk), nullptr, Process::Risk}};
  Producer ticks_;
};

struct EmptyTurn : DriverTurn {
  static constexpr const char* kName = "driver.empty_turn";
  void operator()() noexcept { turn(); }
};

// Nothing to do but the look at the pages, once a millisecond, and the heartbeat.
struct ScanTurn : DriverTurn {
  static constexpr const char* kName = "driver.scan_turn";
  void operator()() noexcept {
    advance(Duration::millis(1));
    turn();
  }
};

struct TickTurn : DriverTurn {
  static constexpr const char* kName = "driver.tick_turn";
  TickTurn() {
    tick_.kind = TickKind::Quote;
    tick_.value = {100, 101, 1, 1};
    const std::uint64_t before = entries();
    (*this)();
    if (entries() != before + 1) throw Error("the driver did not take the tick");
  }
  void operator()() noexcept {
    push(tick_);
    turn();
    file();
  }

 private:
  Tick tick_{};
};

using DriverPieces = Pieces<EmptyTurn, ScanTurn, TickTurn>;

}  // namespace sluice::bench
