// A whole pipeline in one thread: seat, risk and gateway through their real drivers over memory and
// a clock that stands still, a scripted market, one crash of the gateway, and the journals written
// as the recorder writes them.
#pragma once

#include <fstream>
#include <memory>
#include <string>

#include "core/clock.hpp"
#include "core/driver.hpp"
#include "core/error.hpp"
#include "core/instance.hpp"
#include "core/journal_file.hpp"
#include "core/wiring.hpp"
#include "gateway/paper_gateway.hpp"
#include "risk/stage.hpp"
#include "strategies/stage.hpp"
#include "tests/support/names.hpp"

namespace sluice::test {

inline constexpr std::string_view kReplayToml = R"([instance]
name = "replay"
mode = "PAPER"
state_dir = "/nonexistent"
[market]
rate = "1"
[rings]
ticks = 1024
orders = 256
reports = 512
intents = 64
journal = 32768
[[instrument]]
name = "BTCUSDT"
venue_symbol = "BTCUSDT"
tick = "0.01"
lot = "0.00001"
freeze = "10"
[[strategy]]
name = "momentum"
kind = "momentum_buying"
seat = 0
priority = 1
instruments = ["BTCUSDT"]
[strategy.parameters]
window_s = 1
min_gap_s = 0
min_rsi = "off"
[risk]
equity = "5000000"
alloc = "0.02"
risk_per_trade = "0.001"
daily_loss_max = "50000"
max_order_notional = "150000"
max_order_qty = "5"
collar = "0.005"
max_spread = "0.001"
max_tick_age_ms = 5000
max_intent_age_ms = 500
cooldown_s = 0
max_same_side = 2
max_open_orders = 8
max_lots = 1000000
stop_loss = "0.0004"
take_profit = "0.0003"
entry_slip = "0.0002"
exit_slip = "0.001"
entry_ttl_ms = 200
exit_ttl_ms = 200
[gateway]
order_age_max_ms = 20
max_open_orders = 64
paper_latency_us = 500
paper_order_life_s = 0
)";

// The gateway's session, which dies on request between the journal's tail and the send.
class MortalSession {
 public:
  explicit MortalSession(ReconcilingSession& session) noexcept : session_(session) {}
  void execute(const Order& command, HostTime now, std::uint32_t conditions) noexcept {
    if (dying && command.kind != OrderKind::Cancel) dead = true;
    if (!dead) session_.execute(command, now, conditions);
  }
  void on_tick(const Tick& tick, HostTime now) noexcept { session_.on_tick(tick, now); }
  void poll(HostTime now) noexcept { session_.poll(now); }
  [[nodiscard]] bool has_event() const noexcept { return session_.has_event(); }
  Event next_event() noexcept { return session_.next_event(); }
  [[nodiscard]] bool drained() const noexcept { return session_.drained(); }

  bool dying = false;
  bool dead = false;

 private:
  ReconcilingSession& session_;
};

class ReplayRig {
 public:
  static constexpr std::uint16_t kRunOrdinal = 3;

  ReplayRig()
      : document_(config::Document::parse(kReplayToml, "pipeline.toml")),
        pipeline_(parse_pipeline(document_)),
        risk_config_(risk::parse_risk(document_.root().table("risk"), pipeline_)),
        gateway_config_(parse_gateway(document_.root().table("gateway"), pipeline_)),
        instance_(pipeline_, {0x1122334455667788, kRunOrdinal, document_.hash(), {}}),
        objects_(instance_.objects()),
        to_seat_(objects_.edge(feed_seat(0)), 0),
        to_risk_(objects_.edge(Edge::FeedRisk), 0),
        to_gateway_(objects_.edge(Edge::FeedGateway), 0) {
    document_.check();
    permit();
    seat_ = std::make_unique<strategies::StrategyStage>(SeatIndex{0}, pipeline_);
    risk_ = std::make_unique<risk::RiskStage>(risk_config_, pipeline_);
    seat_driver_ = start<SeatDriver>(*seat_, none_, Process::Seat0);
    risk_driver_ = start<RiskDriver>(*risk_, none_, Process::Risk);
    start_gateway();
  }

  // A sawtooth that climbs: each rise breaks the high of the last second, each fall meets a stop.
  // In every third tooth so little is shown that entries outlive their time and risk cancels the
  // rest.
  void trade(int ticks) {
    for (int i = 0; i < ticks; ++i, ++tick_) {
      const std::int64_t phase = tick_ % 160;
      const std::int64_t wave = phase < 100 ? phase : 100 - (phase - 100) * 5 / 3;
      const std::int64_t cents = 6'000'000 + tick_ / 160 * 300 + wave * 60;
      push(cents, tick_ % 2 == 0 ? TickKind::Quote : TickKind::Trade);
      rounds(8);
      clock_.advance(Duration::millis(20));
    }
  }
  void level(KillLevel wanted) {
    raise_kill(*objects_.kill, {ScopeKind::Global, 0}, wanted, KillCause::Operator);
  }
  // Raised while an order rests, so that there is something to cancel.
  void cancel_with_an_order_open() {
    for (int i = 0; i < 2'000 && gateway_->stage.state().open == 0; ++i) trade(1);
    if (gateway_->stage.state().open == 0)
      throw Error("the market of this rig leaves no order open");
    level(KillLevel::Cancel);
    trade(20);
  }
  // The gateway dies with its next send in hand and is restarted.
  void crash_gateway() {
    session_->dying = true;
    for (int i = 0; i < 2'000 && !session_->dead; ++i) trade(1);
    if (!session_->dead) throw Error("the market of this rig gave the gateway nothing to send");
    start_gateway();
    rounds(50);
  }

  // As the recorder would leave it.
  std::filesystem::path file(const std::filesystem::path& state_dir) {
    const std::filesystem::path dir = run_directory(state_dir, kRunOrdinal);
    std::filesystem::create_directories(dir);
    std::ofstream(dir / "pipeline.toml") << kReplayToml;
    for (const Process p : {Process::Seat0, Process::Risk, Process::Gateway})
      write(dir, std::string(name_of(p)), objects_.journal_of(p));
    write(dir, "paper", *objects_.paper_log);
    return dir;
  }

 private:
  using SeatDriver = Driver<strategies::StrategyStage, NoSession, VirtualClock>;
  using RiskDriver = Driver<risk::RiskStage, NoSession, VirtualClock>;
  using GatewayDriver = Driver<GatewayStage, MortalSession, VirtualClock>;

  static auto entries_of(JournalMemory& memory) {
    return [&memory](JournalSlot& out, std::uint64_t position) {
      out = memory.slots()[position & (memory.header.capacity - 1)];
      return true;
    };
  }
  template <class D, class Stage, class Session>
  std::unique_ptr<D> start(Stage& stage, Session& session, Process process) {
    objects_.page(process).state.store(static_cast<std::uint64_t>(StageState::Ready));
    const StagePage* peer = process == Process::Gateway ? &objects_.page(Process::Risk) : nullptr;
    JournalMemory& journal = objects_.journal_of(process);
    auto driver =
        std::make_unique<D>(stage, session, clock_,
                            DriverSources{objects_.control, objects_.kill, &objects_.page(process),
                                          &journal, peer, process});
    wire(*driver, process, pipeline_,
         [&](Edge edge) -> RingMemory& { return objects_.edge(edge); });
    driver->recover(entries_of(journal));
    return driver;
  }
  void start_gateway() {
    gateway_driver_.reset();
    gateway_ = std::make_unique<PaperGateway>(gateway_config_, *objects_.control, *objects_.kill,
                                              *objects_.paper_log, objects_.page(Process::Gateway));
    session_ = std::make_unique<MortalSession>(gateway_->adapter);
    gateway_driver_ = start<GatewayDriver>(gateway_->stage, *session_, Process::Gateway);
    gateway_->rebuild(entries_of(*objects_.paper_log), objects_.paper_log->tail.load(),
                      gateway_driver_->last_event_sequence());
  }
  void permit() {
    ControlPage& control = *objects_.control;
    beat();
    for (std::size_t slot = 0; slot < kScopes; ++slot) {
      if (!control.scope_exists(scope_at(slot))) continue;
      control.permits[slot].store(encode_permit(control.header.run_id, 1, slot, 5));
      control.caps[slot].store(Notional::whole(1'000'000).raw);
    }
  }
  void beat() { objects_.control->heartbeat.store(encode_heartbeat({1, clock_.liveness_us()})); }
  void push(std::int64_t cents, TickKind kind) {
    Tick tick{};
    tick.kind = kind;
    tick.rx_time = clock_.now();
    tick.venue_time = MarketTime{1'700'000'000'000'000'000 + clock_.now().ns};
    const std::int64_t price = cents * (kScale / 100);
    if (kind == TickKind::Quote)
      tick.value = {price - kScale / 10, price + kScale / 10, kScale,
                    tick_ / 160 % 3 == 1 ? kScale / 20 : kScale};
    else
      tick.value = {price, kScale / 100, 0, 0};
    for (Producer* ring : {&to_seat_, &to_risk_, &to_gateway_})
      if (!ring->try_push(to_payload(tick))) throw Error("a tick ring is full");
  }
  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      clock_.advance(Duration::micros(200));
      beat();
      seat_driver_->turn();
      risk_driver_->turn();
      if (!session_->dead) gateway_driver_->turn();
    }
  }
  void write(const std::filesystem::path& dir, const std::string& journal,
             const JournalMemory& memory) {
    JournalFileHeader identity{};
    identity.run_id = memory.header.run_id;
    identity.run_ordinal = kRunOrdinal;
    identity.config_hash = document_.hash();
    identity.process = memory.header.edge;
    identity.mode = Mode::Paper;
    identity.instance = memory.header.instance;
    JournalFileWriter writer(dir, journal, identity, 96 * 1024);
    const std::uint64_t tail = memory.tail.load();
    if (tail > memory.header.capacity) throw Error("the rig's journal ring is too small");
    while (writer.next() < tail) {
      const std::uint64_t next = writer.next();
      if (writer.write(memory.slots() + next, std::min<std::uint64_t>(tail - next, 512)) != 0)
        throw Error("cannot write " + dir.string());
    }
  }

  config::Document document_;
  PipelineConfig pipeline_;
  risk::RiskConfig risk_config_;
  GatewayConfig gateway_config_;
  MemoryInstance instance_;
  Objects& objects_;
  VirtualClock clock_;
  NoSession none_;
  Producer to_seat_;
  Producer to_risk_;
  Producer to_gateway_;
  std::unique_ptr<strategies::StrategyStage> seat_;
  std::unique_ptr<risk::RiskStage> risk_;
  std::unique_ptr<PaperGateway> gateway_;
  std::unique_ptr<MortalSession> session_;
  std::unique_ptr<SeatDriver> seat_driver_;
  std::unique_ptr<RiskDriver> risk_driver_;
  std::unique_ptr<GatewayDriver> gateway_driver_;
  std::int64_t tick_ = 0;
};

}  // namespace sluice::test
