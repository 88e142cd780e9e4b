// A pipeline in one thread, as a rule under a virtual clock: each process as its main() assembles
// it - stage, real driver, rings and pages of an instance in plain memory - and the supervisor that
// they need around them. Whoever owns one decides whose turn it is and when time passes:
// `sluice-replay run` as a capture says, the simulation as a test says.
//
// Invariant: a process does here what it does live. Nothing of a stage, a driver or a session is
// written again; what differs is handed in (where a feed's ticks go, what stands before the
// gateway's session).
#pragma once

#include <array>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/driver.hpp"
#include "core/instance.hpp"
#include "core/wiring.hpp"
#include "feed/fanout.hpp"
#include "feed/stage.hpp"
#include "gateway/paper_gateway.hpp"
#include "risk/stage.hpp"
#include "strategies/stage.hpp"

namespace sluice::replay {

// Where a process finds everything.
template <class ClockType = VirtualClock>
struct BasicPlace {
  Objects& objects;
  const PipelineConfig& pipeline;
  const ClockType& clock;
  Process process;
  std::uint64_t checkpoint_every = 0;  // entries; 0: none are taken

  [[nodiscard]] DriverSources sources(const StagePage* peer = nullptr) const noexcept {
    return {objects.control,
            objects.kill,
            &objects.page(process),
            &objects.journal_of(process),
            peer,
            process,
            checkpoint_every == 0 ? nullptr : &objects.checkpoint_of(process),
            checkpoint_every};
  }
  template <class AnyDriver>
  void connect(AnyDriver& driver) const {
    wire(driver, process, pipeline,
         [this](Edge edge) -> RingMemory& { return objects.edge(edge); });
  }
};
using ProcessPlace = BasicPlace<>;

template <TickEdge Ring>
struct FeedProcess {
  // `ring_of(Edge, RingMemory&) -> Ring` is the producer's end of an edge.
  template <class RingOf>
  FeedProcess(const FeedConfig& config, const PipelineConfig& pipeline, Objects& objects,
              RingOf&& ring_of)
      : effects(&objects.page(Process::Feed)),
        stage(config, effects),
        fanout(stage.instruments(), effects) {
    rings.reserve(kFanoutEdges.size());
    for (const Edge edge : kFanoutEdges) {
      if (!edge_used(*edge_info(edge), pipeline)) continue;
      rings.push_back(ring_of(edge, objects.edge(edge)));
      fanout.attach(edge, rings.back());
    }
  }

  void on_connection(bool up, HostTime now) noexcept {
    Tick tick;
    publish(stage.on_connection(up, now, tick), tick);
  }
  void on_frame(std::span<const char> bytes, HostTime rx_time) noexcept {
    Tick tick;
    publish(stage.on_frame(bytes, rx_time, tick), tick);
  }
  void on_snapshot(InstrumentIndex instrument, std::span<const char> body, HostTime now) noexcept {
    Tick tick;
    publish(stage.on_snapshot(instrument, body, now, tick), tick);
  }
  void on_end_of_data(HostTime now) noexcept {
    Tick tick;
    publish(stage.on_end_of_data(now, tick), tick);
  }
  void turn(HostTime now) noexcept {
    Tick tick;
    publish(stage.on_idle(now, tick), tick);
    fanout.pump();
  }
  void publish(bool got, Tick& tick) noexcept {
    for (; got; got = stage.next(tick)) fanout.publish(tick);
  }

  Effects effects;
  FeedStage stage;
  std::vector<Ring> rings;
  Fanout<Ring> fanout;
};

template <class ClockType = VirtualClock>
struct BasicSeat {
  explicit BasicSeat(const BasicPlace<ClockType>& place)
      : stage(static_cast<SeatIndex>(static_cast<unsigned>(place.process) -
                                     static_cast<unsigned>(Process::Seat0)),
              place.pipeline),
        driver(stage, none, place.clock, place.sources()) {
    place.connect(driver);
  }
  strategies::StrategyStage stage;
  NoSession none;
  Driver<strategies::StrategyStage, NoSession, ClockType> driver;
};
using SeatProcess = BasicSeat<>;

template <class ClockType = VirtualClock>
struct BasicRisk {
  BasicRisk(const risk::RiskConfig& config, const BasicPlace<ClockType>& place)
      : stage(config, place.pipeline), driver(stage, none, place.clock, place.sources()) {
    place.connect(driver);
  }
  risk::RiskStage stage;
  NoSession none;
  Driver<risk::RiskStage, NoSession, ClockType> driver;
};
using RiskProcess = BasicRisk<>;

// Session: ReconcilingSession& itself, or something that stands before it and is made from it and
// `before...`.
template <class Session, class ClockType = VirtualClock>
struct GatewayProcess {
  template <class... Before>
  GatewayProcess(const GatewayConfig& config, const BasicPlace<ClockType>& place,
                 const KillPage& kill, Before&&... before)
      : gateway(std::make_unique<PaperGateway>(config, *place.objects.control, kill,
                                               *place.objects.paper_log,
                                               place.objects.page(Process::Gateway))),
        session(gateway->adapter, std::forward<Before>(before)...),
        driver(gateway->stage, session, place.clock,
               place.sources(&place.objects.page(Process::Risk))) {
    place.connect(driver);
  }

  // `entries` of its journal, `log` of the paper log, of which `log_end` are committed.
  template <class Entries, class Log>
  void recover(Entries&& entries, Log&& log, std::uint64_t log_end) {
    driver.recover(entries);
    gateway->rebuild(log, log_end, driver.last_event_sequence());
  }

  // When the paper venue does something that no record brings about; never() if nothing waits.
  [[nodiscard]] HostTime venue_due(const GatewayConfig& config) const noexcept {
    HostTime due = HostTime::never();
    const PaperBook& book = gateway->session.book();
    for (std::size_t i = 0; i < book.open(); ++i) {
      const PaperOrder& order = book.order(i);
      if (!order.acked) due = std::min(due, order.approved_at + config.paper_latency);
      if (order.cancel_asked) due = std::min(due, order.cancel_asked_at + config.paper_latency);
      if (config.paper_order_life > Duration{})
        due = std::min(due, order.placed_at + config.paper_order_life);
    }
    return due;
  }

  std::unique_ptr<PaperGateway> gateway;
  Session session;
  Driver<GatewayStage, std::remove_reference_t<Session>, ClockType> driver;
};

// The processes that live; a crash is a reset, which leaves the memory as it is.
template <TickEdge Ring, class Session>
struct Processes {
  std::unique_ptr<FeedProcess<Ring>> feed;
  std::array<std::unique_ptr<SeatProcess>, kSeats> seats;
  std::unique_ptr<RiskProcess> risk;
  std::unique_ptr<GatewayProcess<Session>> gateway;

  [[nodiscard]] std::unique_ptr<SeatProcess>& seat(Process process) noexcept {
    return seats[static_cast<std::size_t>(process) - static_cast<std::size_t>(Process::Seat0)];
  }
  // One turn; false if the process had nothing to do or is dead. A feed has work only if somebody
  // brings it frames.
  bool turn(Process process, HostTime now) noexcept {
    if (is_seat(process)) return seat(process) && seat(process)->driver.turn();
    if (process == Process::Risk) return risk && risk->driver.turn();
    if (process == Process::Gateway) return gateway && gateway->driver.turn();
    if (process == Process::Feed && feed) feed->turn(now);
    return false;
  }
};

// What the supervisor gives a run that nobody stops: heartbeats, permits, caps.
template <class ClockType = VirtualClock>
class BasicSupervisor {
 public:
  static constexpr std::uint16_t kLease = 1;
  static constexpr Duration kBeatEvery = Duration::millis(100);

  BasicSupervisor(Objects& objects, const ClockType& clock) noexcept
      : objects_(objects), clock_(clock) {}

  void beat() noexcept {
    beat_at_ = clock_.now();
    objects_.control->heartbeat.store(encode_heartbeat({kLease, clock_.liveness_us()}));
  }
  void beat_if_due() noexcept {
    if (clock_.now() - beat_at_ >= kBeatEvery) beat();
  }
  // Under a new epoch each time.
  void permit_all() noexcept {
    ControlPage& control = *objects_.control;
    ++permit_epoch_;
    for (std::size_t slot = 0; slot < kScopes; ++slot)
      if (control.scope_exists(scope_at(slot)))
        control.permits[slot].store(
            encode_permit(control.header.run_id, kLease, slot, permit_epoch_));
    control.changes.fetch_add(1);
  }
  void void_permits() noexcept {
    objects_.control->permits[0].store(0);
    objects_.control->changes.fetch_add(1);
  }
  // Of everything, and of each strategy.
  void set_cap(Notional cap) noexcept {
    ControlPage& control = *objects_.control;
    control.caps[0].store(cap.raw);
    for (std::uint32_t i = 0; i < control.strategies; ++i)
      control.caps[scope_slot({ScopeKind::Strategy, i})].store(cap.raw);
    control.changes.fetch_add(1);
  }
  // What the frame around a process writes on its page.
  void mark(Process process, StageState state) noexcept {
    StagePage& page = objects_.page(process);
    page.state.store(static_cast<std::uint64_t>(state));
    page.heartbeat_us.store(clock_.liveness_us());
  }

 private:
  Objects& objects_;
  const ClockType& clock_;
  HostTime beat_at_{};
  std::uint32_t permit_epoch_ = 0;
};
using SimulatedSupervisor = BasicSupervisor<>;

}  // namespace sluice::replay
