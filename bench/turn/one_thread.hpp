// The whole pipeline in this thread, behind its real drivers, rings, journals and pages: what the
// work itself costs when nothing is waited for. Its clock is moved by hand, so that venue latency
// and times to live cost nothing to wait for; how often the drivers read it is counted, and with
// `Stamped` every read costs what it costs live.
#pragma once

#include <array>
#include <cstdint>
#include <memory>

#include "core/clock.hpp"
#include "feed/last_value.hpp"
#include "gateway/config.hpp"
#include "risk/config.hpp"
#include "tools/replay/pipeline.hpp"

namespace sluice::bench {

struct OneThreadConfig {
  PipelineConfig pipeline;
  risk::RiskConfig risk;
  GatewayConfig gateway;
};
// Of a configuration file. Throws Error: it names every fault of the file.
OneThreadConfig load_one_thread(const std::string& conf);

template <bool Stamped>
class HandClock {
 public:
  [[nodiscard]] HostTime now() const noexcept {
    ++reads_;
    if constexpr (Stamped) {
      unsigned core = 0;
      // Held against the compiler, which knows that nobody reads it.
      std::uint64_t stamp = __rdtscp(&core);
      asm volatile("" : "+r"(stamp));
    }
    return now_;
  }
  [[nodiscard]] HostTime loose_now() const noexcept { return now(); }
  [[nodiscard]] std::uint64_t liveness_us() const noexcept {
    return static_cast<std::uint64_t>(now_.ns) / 1'000;
  }
  void advance(Duration by) noexcept { now_ = now_ + by; }
  [[nodiscard]] std::uint64_t reads() const noexcept { return reads_; }

 private:
  HostTime now_{10'000'000'000};
  mutable std::uint64_t reads_ = 0;
};

template <bool Stamped>
class OneThread {
 public:
  using ClockType = HandClock<Stamped>;
  static constexpr std::array kStages{Process::Seat0, Process::Risk, Process::Gateway};

  explicit OneThread(const OneThreadConfig& config)
      : config_(config),
        memory_(config_.pipeline, {0x5107CE, 3, 1, {}}),
        supervisor_(objects(), beside_),
        effects_(&objects().page(Process::Feed)),
        fanout_(config_.pipeline.instruments.size(), effects_),
        last_values_(*static_cast<LastValueTable*>(objects().last_value), 1) {
    supervisor_.set_cap(Notional::whole(200'000));
    supervisor_.beat();
    supervisor_.permit_all();
    start_feed();
    start_stages();
    settle();
  }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

  // What a feed does with a decoded tick.
  void publish(const Tick& tick) noexcept {
    fanout_.publish(tick);
    last_values_.write(tick);
  }
  bool turn(Process stage) noexcept {
    if (stage == Process::Seat0) return seat_->driver.turn();
    if (stage == Process::Risk) return risk_->driver.turn();
    return gateway_->driver.turn();
  }
  // A turn of each, in the order of the way.
  bool pass() noexcept {
    bool worked = false;
    for (const Process stage : kStages) worked = turn(stage) || worked;
    return worked;
  }
  // Everything that is under way arrives; the recorder has filed it.
  void settle() noexcept {
    while (pass()) {
    }
    file();
  }
  void advance(Duration by) noexcept {
    clock_.advance(by);
    beside_.advance(by);
    supervisor_.beat_if_due();
  }
  // What a recorder that keeps up leaves of the journals.
  void file() noexcept {
    for (const Process stage : kStages) forget(objects().journal_of(stage));
    forget(*objects().paper_log);
  }

  [[nodiscard]] Objects& objects() noexcept { return memory_.objects(); }
  [[nodiscard]] HostTime now() const noexcept { return beside_.now(); }
  [[nodiscard]] std::uint64_t stamps() const noexcept { return clock_.reads(); }
  // End of the paper log: what it moves over was sent.
  [[nodiscard]] std::uint64_t log_end() noexcept {
    return objects().paper_log->tail.load(std::memory_order_relaxed);
  }

 private:
  static void forget(JournalMemory& journal) noexcept {
    journal.head.store(journal.tail.load(std::memory_order_relaxed), std::memory_order_relaxed);
  }
  static bool nothing(JournalSlot&, std::uint64_t) noexcept { return false; }

  void start_feed() {
    std::size_t next = 0;
    for (const Edge edge : {Edge::FeedRisk, Edge::FeedGateway, feed_seat(0)}) {
      Producer& ring = rings_[next++];
      ring = Producer(objects().edge(edge), 0);
      fanout_.attach(edge, ring);
    }
  }
  void start_stages() {
    const auto place = [this](Process process) {
      return replay::BasicPlace<ClockType>{objects(), config_.pipeline, clock_, process};
    };
    seat_ = std::make_unique<replay::BasicSeat<ClockType>>(place(Process::Seat0));
    seat_->driver.recover(&nothing);
    risk_ = std::make_unique<replay::BasicRisk<ClockType>>(config_.risk, place(Process::Risk));
    risk_->driver.recover(&nothing);
    gateway_ = std::make_unique<Gateway>(config_.gateway, place(Process::Gateway), *objects().kill);
    gateway_->recover(&nothing, &nothing, 0);
    for (const Process stage : kStages) supervisor_.mark(stage, StageState::Ready);
  }
  using Gateway = replay::GatewayProcess<ReconcilingSession&, ClockType>;

  OneThreadConfig config_;
  MemoryInstance memory_;
  ClockType clock_;          // of the drivers
  HandClock<false> beside_;  // the same time, for everybody else
  replay::BasicSupervisor<HandClock<false>> supervisor_;
  Effects effects_;
  Fanout<Producer> fanout_;
  std::array<Producer, 3> rings_;
  LastValueWriter last_values_;
  std::unique_ptr<replay::BasicSeat<ClockType>> seat_;
  std::unique_ptr<replay::BasicRisk<ClockType>> risk_;
  std::unique_ptr<Gateway> gateway_;
};

}  // namespace sluice::bench
