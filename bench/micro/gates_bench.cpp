// What the two gates cost an entry that passes: the last look over pages that have not changed, and
// risk's guard chain with its allocator. One thread; the pages are in this core's cache, as they
// are between two raises.
#include <benchmark/benchmark.h>

#include <memory>

#include "core/clock.hpp"
#include "core/instance.hpp"
#include "core/watch.hpp"
#include "gateway/last_look.hpp"
#include "risk/explain.hpp"
#include "risk/guard.hpp"
#include "risk/stage.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kRunId = 0x1122334455667788;
constexpr std::uint16_t kLease = 3;
constexpr HostTime kNow{1'000'000'000};

// Everything is permitted, generously.
struct Pages {
  std::unique_ptr<ControlPage> control = std::make_unique<ControlPage>();
  std::unique_ptr<KillPage> kill = std::make_unique<KillPage>();
  Pages() {
    control->header.run_id = kill->header.run_id = kRunId;
    control->heartbeat.store(encode_heartbeat({kLease, 1}));
    for (std::size_t slot = 0; slot < kScopes; ++slot) {
      kill->words[slot].store(encode_kill(kRunId, slot, KillLevel::Run, KillCause::None, 10));
      control->permits[slot].store(encode_permit(kRunId, kLease, slot, 20));
      control->caps[slot].store(Notional::whole(1'000'000'000).raw);
    }
  }
};

Order entry() {
  Order order{};
  order.id = OrderId::make(1, 1, 1);
  order.instrument = 2;
  order.strategy = 1;
  order.side = Side::Buy;
  order.kind = OrderKind::Entry;
  order.price = Price::whole(100);
  order.qty = Qty::whole(10);
  order.approved_at = kNow;
  order.kill_epoch = 4 * 10;
  order.limits_epoch = 4 * 20;
  return order;
}

// A gate's pages as its driver watches them.
struct Watched {
  Pages pages;
  PageWatch watch;
  LastLook look{*pages.control, *pages.kill, 0, Duration::seconds(3'600)};
  explicit Watched(HostTime now) {
    pages.control->instruments = 3;
    pages.control->strategies = 2;
    pages.control->gateways = 1;
    const auto live = static_cast<std::uint64_t>(now.ns) / 1'000;
    pages.control->heartbeat.store(encode_heartbeat({kLease, live}));
    watch.attach({pages.control.get(), pages.kill.get(), nullptr, nullptr});
    watch.scan(now, live, false, [this](const Control& control) {
      watch.observe(control);
      return true;
    });
  }
};

// All that the pages decide: kill word and permit of four scopes, the heartbeat's age against the
// turn's stamp.
void PageWordsWithTheTurnsStamp(benchmark::State& state) {
  Watched gate(kNow);
  StrategyIndex strategy = 1;
  if (gate.watch.conditions_at(kNow) != 0 || !gate.look.look(strategy, 2).permitted)
    return state.SkipWithError("refused");
  for (auto _ : state) {
    benchmark::DoNotOptimize(strategy);
    benchmark::DoNotOptimize(gate.watch.conditions_at(kNow));
    benchmark::DoNotOptimize(gate.look.look(strategy, 2));
  }
}
BENCHMARK(PageWordsWithTheTurnsStamp);

void PageWordsWithAFreshClock(benchmark::State& state) {
  const Clock clock(calibrate(10));
  Watched gate(clock.now());
  StrategyIndex strategy = 1;
  for (auto _ : state) {
    benchmark::DoNotOptimize(strategy);
    benchmark::DoNotOptimize(gate.watch.conditions_at(clock.loose_now()));
    benchmark::DoNotOptimize(gate.look.look(strategy, 2));
  }
}
BENCHMARK(PageWordsWithAFreshClock);

// The whole of it: also the form of the order, its age, the cap.
void LastLookWithTheTurnsStamp(benchmark::State& state) {
  Watched gate(kNow);
  const auto book = std::make_unique<OwnBook>();
  Order order = entry();
  if (gate.look.check(order, kNow, 0, *book) != Reason::None) return state.SkipWithError("refused");
  for (auto _ : state) {
    benchmark::DoNotOptimize(order);
    benchmark::DoNotOptimize(gate.look.check(order, kNow, 0, *book));
  }
}
BENCHMARK(LastLookWithTheTurnsStamp);

risk::RiskConfig limits() {
  return {.equity = Notional::whole(1'000'000),
          .alloc = {100'000},
          .risk_per_trade = {10'000},
          .daily_loss_max = Notional::whole(5'000),
          .max_order_notional = Notional::whole(50'000),
          .max_order_qty = Qty::whole(500),
          .collar = {10'000},
          .max_spread = {10'000},
          .max_tick_age = Duration::millis(1'000),
          .max_intent_age = Duration::millis(500),
          .cooldown = Duration::seconds(60),
          .max_same_side = 2,
          .max_open_orders = 8,
          .max_lots = 10,
          .stop_loss = {20'000},
          .take_profit = {40'000},
          .entry_slip = {1'000},
          .exit_slip = {5'000},
          .entry_ttl = Duration::millis(200),
          .exit_ttl = Duration::millis(100)};
}
PipelineConfig one_pair() {
  PipelineConfig config;
  config.instance = "bench";
  config.instruments.push_back({"AAA", "AAA", Price::whole(1), Qty::whole(1), Qty::whole(1'000)});
  StrategyEntry strategy;
  strategy.name = "first";
  strategy.instruments = {0};
  config.strategies = {strategy};
  return config;
}

// A stage that would let an entry in: told of levels, permits and caps, and quoted.
class Desk {
 public:
  Desk() {
    outputs_->open(Edge::RiskGateway);
    control(ControlKind::RunStart, 7);
    control(ControlKind::Rate, 1'000'000);
    for (const ScopeKind kind :
         {ScopeKind::Global, ScopeKind::Gateway, ScopeKind::Strategy, ScopeKind::Instrument}) {
      control(ControlKind::Level, static_cast<std::int64_t>(KillLevel::Run), kind, 3);
      control(ControlKind::Permit, 1, kind, 5);
      control(ControlKind::Cap, Notional::whole(1'000'000).raw, kind);
    }
    quote();
  }
  void quote() {
    Tick tick{};
    tick.kind = TickKind::Quote;
    tick.venue_time = {kEpoch};
    tick.rx_time = kNow;
    tick.value = {kScale * 999 / 10, kScale * 1'001 / 10, kScale, kScale};
    send(tick);
  }
  [[nodiscard]] Intent intent() const {
    Intent intent{};
    intent.id = OrderId::make(7, 1, 1);
    intent.side = Side::Buy;
    intent.action = Action::Enter;
    intent.price = Price::whole(100);
    intent.quantity = 1;
    intent.origin = intent.decided_at = kNow;
    return intent;
  }
  [[nodiscard]] Reason judge(const Intent& intent) const {
    risk::Probe probe =
        risk::prepare(stage_->rules(), stage_->state(), intent, kNow, MarketTime{kEpoch});
    return risk::run_chain(probe);
  }

 private:
  static constexpr std::int64_t kEpoch = 1'700'000'000'000'000'000;
  template <class R>
  void send(const R& record) {
    Context context{kNow, *outputs_, effects_};
    outputs_->begin_input();
    stage_->on(record, context);
    outputs_->clear();
  }
  void control(ControlKind kind, std::int64_t after, ScopeKind scope = ScopeKind::Global,
               std::uint64_t epoch = 0) {
    Control told{};
    told.kind = kind;
    told.scope = scope;
    told.after = after;
    told.epoch = epoch;
    send(told);
  }

  std::unique_ptr<StagePage> page_ = std::make_unique<StagePage>();
  std::unique_ptr<Outputs> outputs_ = std::make_unique<Outputs>();
  Effects effects_{page_.get()};
  std::unique_ptr<risk::RiskStage> stage_ = std::make_unique<risk::RiskStage>(limits(), one_pair());
};

void GuardChain(benchmark::State& state) {
  const Desk desk;
  Intent intent = desk.intent();
  if (const Reason reason = desk.judge(intent); reason != Reason::None)
    return state.SkipWithError(std::string(risk::explain(reason).name).c_str());
  for (auto _ : state) {
    benchmark::DoNotOptimize(intent);
    benchmark::DoNotOptimize(desk.judge(intent));
  }
}
BENCHMARK(GuardChain);

}  // namespace
}  // namespace sluice

BENCHMARK_MAIN();
