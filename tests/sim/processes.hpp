// The four processes of a simulation: what their main() assembles, without the process around it.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "core/driver.hpp"
#include "core/instance.hpp"
#include "core/wiring.hpp"
#include "feed/fanout.hpp"
#include "feed/stage.hpp"
#include "gateway/paper_gateway.hpp"
#include "risk/stage.hpp"
#include "strategies/stage.hpp"

namespace sluice::sim {

// What the feed has put into each ring since the run began, over all its lives.
struct FeedLog {
  std::map<Edge, std::vector<Payload>> pushed;
  std::uint64_t produced = 0;  // by lives that have ended
  std::uint64_t crashes = 0;
};

// A feed ring that remembers what went in; `log` null = it does not.
class FeedEdge {
 public:
  FeedEdge(RingMemory& ring, std::vector<Payload>* log)
      : producer_(ring, published(ring)), log_(log) {}
  [[nodiscard]] std::uint64_t credit() noexcept { return producer_.credit(); }
  bool try_push(const Payload& payload) noexcept {
    if (!producer_.try_push(payload)) return false;
    if (log_ != nullptr) log_->push_back(payload);
    return true;
  }

 private:
  Producer producer_;
  std::vector<Payload>* log_;
};

struct FeedProcess {
  FeedProcess(const FeedConfig& config, Objects& objects, FeedLog* log)
      : effects(&objects.page(Process::Feed)),
        stage(config, effects),
        fanout(stage.instruments(), effects) {
    edges.reserve(kEdges.size());
    for (const Edge edge : kEdges) {
      edges.emplace_back(objects.edge(edge), log != nullptr ? &log->pushed[edge] : nullptr);
      fanout.attach(edge, edges.back());
    }
  }
  static constexpr std::array<Edge, 3> kEdges{Edge::FeedRisk, Edge::FeedGateway, Edge::FeedSeat0};

  Effects effects;
  FeedStage stage;
  std::vector<FeedEdge> edges;
  Fanout<FeedEdge> fanout;
};

// Committed entries: the recorder's file, then the ring above it.
struct EntrySource {
  const std::vector<JournalSlot>& file;
  const JournalMemory& ring;
  bool operator()(JournalSlot& out, std::uint64_t position) const {
    if (position < file.size()) {
      out = file[position];
      return true;
    }
    if (position < ring.head.load() || position >= ring.tail.load()) return false;
    out = ring.slots()[position & (ring.header.capacity - 1)];
    return true;
  }
};

struct ProcessPlace {
  Objects& objects;
  const PipelineConfig& pipeline;
  const VirtualClock& clock;
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

struct SeatProcess {
  explicit SeatProcess(const ProcessPlace& place)
      : stage(0, place.pipeline), driver(stage, none, place.clock, place.sources()) {
    place.connect(driver);
  }
  strategies::StrategyStage stage;
  NoSession none;
  Driver<strategies::StrategyStage, NoSession, VirtualClock> driver;
};

struct RiskProcess {
  RiskProcess(const risk::RiskConfig& config, const ProcessPlace& place)
      : stage(config, place.pipeline), driver(stage, none, place.clock, place.sources()) {
    place.connect(driver);
  }
  risk::RiskStage stage;
  NoSession none;
  Driver<risk::RiskStage, NoSession, VirtualClock> driver;
};

// The gateway's session, or one that sends whatever it is given: every approval is made to look
// like one of now to a last look that sees the kill page as it was at the start.
class SimSession {
 public:
  SimSession(ReconcilingSession& inner, const Objects& objects, const KillPage* blind) noexcept
      : inner_(inner), control_(*objects.control), log_(*objects.paper_log), blind_(blind) {}

  void execute(const Order& command, HostTime now, std::uint32_t conditions) noexcept {
    if (blind_ == nullptr) return inner_.execute(command, now, conditions);
    Order forged = command;
    forged.approved_at = now;
    forged.kill_epoch = forged.limits_epoch = 0;
    for (const std::size_t slot : order_scopes(0, command.strategy, command.instrument)) {
      forged.kill_epoch += blind_->read(slot).epoch;
      forged.limits_epoch += control_.permit(slot, control_.beat().lease_epoch).epoch;
    }
    inner_.execute(forged, now, 0);
  }
  void on_tick(const Tick& tick, HostTime now) noexcept { inner_.on_tick(tick, now); }
  void poll(HostTime now) noexcept {
    inner_.poll(now);
    polled_ = log_.tail.load();
  }
  // End of the paper log when the last turn began to take input: what follows was sent after its
  // journal.
  [[nodiscard]] std::uint64_t polled() const noexcept { return polled_; }
  bool next_event(Event& event) noexcept { return inner_.next_event(event); }
  [[nodiscard]] bool drained() const noexcept { return inner_.drained(); }

 private:
  ReconcilingSession& inner_;
  const ControlPage& control_;
  const JournalMemory& log_;
  const KillPage* blind_;
  std::uint64_t polled_ = 0;
};

struct GatewayProcess {
  GatewayProcess(const GatewayConfig& config, const ProcessPlace& place, const KillPage* blind)
      : gateway(std::make_unique<PaperGateway>(
            config, *place.objects.control, blind != nullptr ? *blind : *place.objects.kill,
            *place.objects.paper_log, place.objects.page(Process::Gateway))),
        session(gateway->adapter, place.objects, blind),
        driver(gateway->stage, session, place.clock,
               place.sources(&place.objects.page(Process::Risk))) {
    place.connect(driver);
  }
  std::unique_ptr<PaperGateway> gateway;
  SimSession session;
  Driver<GatewayStage, SimSession, VirtualClock> driver;
};

}  // namespace sluice::sim
