// A risk stage on a bench: records in, what it emitted out, counters and rows on a page of its own.
#pragma once

#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "core/error.hpp"
#include "core/stage_page.hpp"
#include "risk/stage.hpp"

namespace sluice::risk {

inline constexpr Scope kGlobal{ScopeKind::Global, 0};

constexpr Price price(std::int64_t tenths) {
  return {tenths * (kScale / 10)};
}
constexpr Notional money(std::int64_t units) {
  return Notional::whole(units);
}

inline RiskConfig bench_risk() {
  return {.equity = money(1'000'000),
          .alloc = {100'000},
          .risk_per_trade = {10'000},
          .daily_loss_max = money(5'000),
          .max_order_notional = money(50'000),
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

// Strategy 0 (seat 0) trades both instruments, strategy 1 (seat 1) the first.
inline PipelineConfig bench_pipeline() {
  PipelineConfig config;
  config.instance = "bench";
  for (const char* name : {"AAA", "BBB"})
    config.instruments.push_back({name, name, price(1), Qty::whole(1), Qty::whole(1'000)});
  StrategyEntry first;
  first.name = "first";
  first.instruments = {0, 1};
  StrategyEntry second;
  second.name = "second";
  second.seat = 1;
  second.instruments = {0};
  config.strategies = {first, second};
  return config;
}

class Desk {
 public:
  static constexpr std::uint16_t kRun = 7;
  static constexpr std::int64_t kEpoch = 1'700'000'000'000'000'000;  // market time at host time 0

  explicit Desk(const RiskConfig& risk = bench_risk(),
                const PipelineConfig& pipeline = bench_pipeline())
      : stage(risk, pipeline),
        page(std::make_unique<StagePage>()),
        out(std::make_unique<Outputs>()),
        fx(page.get()) {
    page->statistics.name(kCounterNames, kHistogramNames);
    out->open(Edge::RiskGateway);
    for (SeatIndex seat = 0; seat < kSeats; ++seat) out->open(risk_seat(seat));
  }

  // RUN with permits and generous caps everywhere, both instruments quoted at 99.9 / 100.1.
  Desk& armed() {
    control(ControlKind::RunStart, kRun);
    control(ControlKind::Rate, 1'000'000);
    for (const Scope scope : {Scope{ScopeKind::Global, 0}, Scope{ScopeKind::Gateway, 0},
                              Scope{ScopeKind::Strategy, 0}, Scope{ScopeKind::Strategy, 1},
                              Scope{ScopeKind::Instrument, 0}, Scope{ScopeKind::Instrument, 1}}) {
      level(scope, KillLevel::Run);
      permit(scope, true);
      cap(scope, money(1'000'000));
    }
    quote(0, price(999), price(1001));
    quote(1, price(999), price(1001));
    return *this;
  }

  template <class R>
  void send(const R& record) {
    log.push_back({to_payload(record), now});
    Context ctx{now, *out, fx};
    out->begin_input();
    stage.on(record, ctx);
    orders.clear();
    reports.clear();
    for (std::size_t i = 0; i < out->lanes(); ++i) {
      const Outputs::Lane& lane = out->lane(i);
      for (std::uint32_t k = 0; k < lane.count; ++k) {
        emitted.push_back(lane.records[k]);
        if (lane.edge == Edge::RiskGateway)
          orders.push_back(from_payload<Order>(lane.records[k]));
        else
          reports.push_back(from_payload<Report>(lane.records[k]));
      }
    }
    out->clear();
  }

  void control(ControlKind kind, std::int64_t after = 0, Scope scope = {},
               std::uint64_t epoch = 0) {
    Control c{};
    c.kind = kind;
    c.scope = scope.kind;
    c.index = scope.index;
    c.after = after;
    c.epoch = epoch;
    send(c);
  }
  void level(Scope scope, KillLevel wanted, std::uint64_t epoch = 3) {
    control(ControlKind::Level, static_cast<std::int64_t>(wanted), scope, epoch);
  }
  void permit(Scope scope, bool valid, std::uint64_t epoch = 5) {
    control(ControlKind::Permit, valid ? 1 : 0, scope, epoch);
  }
  void cap(Scope scope, Notional amount) { control(ControlKind::Cap, amount.raw, scope); }
  void edge(Edge which, bool full) {
    control(full ? ControlKind::EdgeFull : ControlKind::EdgeRoom, 0,
            {ScopeKind::Global, static_cast<std::uint32_t>(which)});
  }
  void proceed() { control(ControlKind::Continue); }
  void deadline() { control(ControlKind::Deadline); }

  [[nodiscard]] MarketTime market() const { return {kEpoch + now.ns}; }
  [[nodiscard]] Tick tick(InstrumentIndex instrument, TickKind kind) const {
    return {.instrument = instrument,
            .kind = kind,
            .flags = 0,
            .source = 0,
            .venue_time = market(),
            .rx_time = now,
            .value = {}};
  }
  void quote(InstrumentIndex instrument, Price bid, Price ask) {
    Tick t = tick(instrument, TickKind::Quote);
    t.value = {bid.raw, ask.raw, kScale, kScale};
    send(t);
  }
  void status(InstrumentIndex instrument, StatusCode code) {
    Tick t = tick(instrument, TickKind::Status);
    t.value = {static_cast<std::int64_t>(code), 1, 0, 0};
    send(t);
  }

  [[nodiscard]] Intent intent(StrategyIndex strategy = 0, InstrumentIndex instrument = 0,
                              Action action = Action::Enter, Side side = Side::Buy) {
    const SeatIndex seat = strategy;
    return {.id = OrderId::make(kRun, static_cast<std::uint8_t>(seat + 1), ++counter),
            .instrument = instrument,
            .seat = seat,
            .strategy = strategy,
            .side = side,
            .action = action,
            .price = price(1000),
            .quantity = action == Action::Enter ? 1 : 0,
            .origin = now,
            .decided_at = now,
            .parameter_epoch = 0,
            .reason = IntentReason::Breakout,
            .flags = 0};
  }

  [[nodiscard]] Report report(const Order& order, ReportKind kind, Qty cum = {},
                              Price at = {}) const {
    return {.id = order.id,
            .instrument = order.instrument,
            .strategy = order.strategy,
            .side = order.side,
            .kind = kind,
            .reason = Reason::None,
            .price = at,
            .qty = cum,
            .cum_qty = cum,
            .venue_time = market(),
            .at = now};
  }
  void fill(const Order& order, Qty cum, Price at) {
    send(report(order, ReportKind::Fill, cum, at));
  }
  void reject(const Order& order, Reason reason) {
    Report r = report(order, ReportKind::Reject);
    r.reason = reason;
    send(r);
  }

  // Sends an entry and fills it whole at its limit; returns it.
  Order bought(StrategyIndex strategy = 0, InstrumentIndex instrument = 0, Side side = Side::Buy) {
    send(intent(strategy, instrument, Action::Enter, side));
    if (orders.size() != 1) std::abort();
    const Order order = orders[0];
    fill(order, order.qty, order.price);
    return order;
  }

  [[nodiscard]] Reason refusal() const {
    return reports.size() == 1 && reports[0].kind == ReportKind::Reject ? reports[0].reason
                                                                        : Reason::None;
  }
  [[nodiscard]] std::uint64_t count(Counter counter_) const {
    return page->statistics.counter(static_cast<std::size_t>(counter_));
  }
  [[nodiscard]] const Position& position(PairIndex pair = 0) const {
    return stage.state().positions.at(pair);
  }

  struct Entry {
    Payload payload;
    HostTime now;
  };

  RiskStage stage;
  std::unique_ptr<StagePage> page;
  std::unique_ptr<Outputs> out;
  Effects fx;
  HostTime now{1'000'000'000};
  std::uint32_t counter = 0;
  std::vector<Order> orders;     // of the last input
  std::vector<Report> reports;   // of the last input
  std::vector<Payload> emitted;  // of all inputs
  std::vector<Entry> log;
};

}  // namespace sluice::risk
