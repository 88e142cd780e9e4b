#include "strategies/stage.hpp"

#include <algorithm>
#include <bit>
#include <numeric>
#include <vector>

#include "core/error.hpp"

namespace sluice::strategies {
namespace {

// A row is rewritten on each decision, and in between at most this often in market time.
constexpr Duration kRowGap = Duration::millis(100);

// What a local refusal is shown as; there is one list of reasons for all.
constexpr Reason kOutstandingShown = Reason::OpenOrders;
constexpr Reason kMissingShown = Reason::NoQuote;
constexpr Reason kMinGapShown = Reason::Cooldown;

}  // namespace

StrategyStage::StrategyStage(SeatIndex seat, const PipelineConfig& config) : seat_(seat) {
  std::vector<std::size_t> order(config.strategies.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return config.strategies[a].priority < config.strategies[b].priority;
  });
  for (const std::size_t index : order) {
    const StrategyEntry& entry = config.strategies[index];
    if (entry.seat != seat) continue;
    const AnyStrategy fresh = make_strategy(entry);
    for (const InstrumentIndex instrument : entry.instruments) {
      if (pairs_ == kMaxPairs)
        throw Error(Exit::Usage, "seat " + std::to_string(seat) + " has more than " +  // setup
                                     std::to_string(kMaxPairs) +                       // setup
                                     " (strategy, instrument) pairs");                 // setup
      places_[pairs_] = {instrument, static_cast<StrategyIndex>(index)};
      of_instrument_.at(instrument) |= std::uint64_t{1} << pairs_;
      state_.pairs[pairs_++].strategy = fresh;
    }
  }
}

void StrategyStage::on(const Tick& tick, Context& ctx) noexcept {
  ctx.fx.count(Counter::Ticks);
  std::uint64_t waiting = 0;
  if (tick.instrument < kMaxInstruments) {
    waiting = of_instrument_[tick.instrument];
  } else if (tick.kind == TickKind::Status) {  // of a whole connection
    waiting = pairs_ == kMaxPairs ? ~std::uint64_t{0} : (std::uint64_t{1} << pairs_) - 1;
  }
  bool taken = false;
  for (; waiting != 0; waiting &= waiting - 1)
    evaluate(static_cast<std::size_t>(std::countr_zero(waiting)), tick, taken, ctx);
}

void StrategyStage::evaluate(std::size_t pair, const Tick& tick, bool& taken,
                             Context& ctx) noexcept {
  const Signal signal =
      std::visit([&](auto& s) noexcept { return s.on_tick(tick); }, state_.pairs[pair].strategy);
  switch (signal.verdict) {
    case Verdict::Quiet:
      if (tick.kind == TickKind::Trade) show(pair, tick, Reason::None, false, ctx);
      return;
    case Verdict::MissingData:
      ctx.fx.count(Counter::RefusedMissingData);
      return show(pair, tick, kMissingShown, false, ctx);
    case Verdict::MinGap:
      ctx.fx.count(Counter::Signals);
      ctx.fx.count(Counter::RefusedMinGap);
      return show(pair, tick, kMinGapShown, true, ctx);
    case Verdict::Signal: break;
  }
  ctx.fx.count(Counter::Signals);
  if (taken) {
    ctx.fx.count(Counter::Superseded);
    return show(pair, tick, kOutstandingShown, true, ctx);
  }
  taken = true;
  show(pair, tick, form_intent(pair, signal, tick, ctx), true, ctx);
}

Reason StrategyStage::form_intent(std::size_t index, const Signal& signal, const Tick& tick,
                                  Context& ctx) noexcept {
  Pair& pair = state_.pairs[index];
  if (pair.outstanding.raw != 0) {
    ctx.fx.count(Counter::RefusedOutstanding);
    return kOutstandingShown;
  }
  if (state_.edge_full != 0 || state_.started == 0) {
    ctx.fx.count(Counter::RefusedRingFull);
    return Reason::RingFull;
  }
  const OrderId id =
      OrderId::make(state_.run, static_cast<std::uint8_t>(seat_ + 1), ++state_.counter);
  pair.outstanding = id;
  ctx.out.emit(seat_risk(seat_), Intent{.id = id,
                                        .instrument = places_[index].instrument,
                                        .seat = seat_,
                                        .strategy = places_[index].strategy,
                                        .side = signal.side,
                                        .action = signal.action,
                                        .price = signal.price,
                                        .quantity = signal.quantity,
                                        .origin = tick.rx_time,
                                        .decided_at = ctx.now,
                                        .parameter_epoch = 0,
                                        .reason = signal.reason,
                                        .flags = 0});
  ctx.fx.count(Counter::Intents);
  ctx.fx.record(Histogram::TickToIntent, ctx.now - tick.rx_time);
  return Reason::None;
}

void StrategyStage::on(const Report& report, Context& ctx) noexcept {
  ctx.fx.count(Counter::Reports);
  if (report.kind == ReportKind::Reject) ctx.fx.count(rejected_counter(report.reason));
  std::size_t index = pairs_;
  if (report.instrument < kMaxInstruments) {
    for (std::uint64_t left = of_instrument_[report.instrument]; left != 0; left &= left - 1) {
      const auto candidate = static_cast<std::size_t>(std::countr_zero(left));
      if (places_[candidate].strategy == report.strategy) index = candidate;
    }
  }
  if (index == pairs_) {
    ctx.fx.count(Counter::ReportsUnknown);
    return;
  }
  // Risk's answer ends the question. The order's later life is risk's business (exposure,
  // cooldown): were it ours, what is decided would depend on how fast fills come back, and a replay
  // at another speed would differ.
  const bool answer = report.kind == ReportKind::Accepted || report.kind == ReportKind::Reject;
  Pair& pair = state_.pairs[index];
  if (answer && pair.outstanding == report.id.parent()) pair.outstanding = {};
}

void StrategyStage::on(const Control& control, Context& ctx) noexcept {
  switch (control.kind) {
    case ControlKind::RunStart:
      // Ids start again under a new ordinal. What was outstanding lay in the old run's rings.
      state_.run = static_cast<std::uint16_t>(control.after);
      state_.counter = 0;
      state_.edge_full = 0;
      state_.started = 1;
      for (Pair& pair : state_.pairs) pair.outstanding = {};
      return;
    case ControlKind::EdgeFull:
      if (static_cast<Edge>(control.index) == seat_risk(seat_)) state_.edge_full = 1;
      return;
    case ControlKind::EdgeRoom:
      if (static_cast<Edge>(control.index) == seat_risk(seat_)) state_.edge_full = 0;
      return;
    case ControlKind::Recovered: write_rows(ctx); return;
    case ControlKind::EdgeBase:
    case ControlKind::Level:
    case ControlKind::Permit:
    case ControlKind::Cap:
    case ControlKind::Rate:
    case ControlKind::Conditions:
    case ControlKind::Continue:
    case ControlKind::Deadline:
    case ControlKind::Time: return;
  }
}

void StrategyStage::show(std::size_t pair, const Tick& tick, Reason reason, bool decided,
                         Context& ctx) noexcept {
  const StrategyIndex strategy = places_[pair].strategy;
  GateRow& row = state_.gates[strategy];
  const View view =
      std::visit([](const auto& s) noexcept { return s.view(); }, state_.pairs[pair].strategy);
  if (decided) ++(reason == Reason::None ? row.passed : row.refused);
  const bool due = decided || row.reason != reason || (row.armed != 0) != view.armed ||
                   tick.venue_time - row.market_at >= kRowGap;
  if (!due) return;
  row.instrument = places_[pair].instrument;
  row.strategy = strategy;
  row.reason = reason;
  row.armed = view.armed ? 1 : 0;
  row.value = view.value;
  row.limit = view.limit;
  row.at = ctx.now;
  row.market_at = tick.venue_time;
  ctx.fx.row(RowTable::Strategy, strategy, row);
}

void StrategyStage::write_rows(Context& ctx) noexcept {
  for (std::size_t pair = 0; pair < pairs_; ++pair) {
    const StrategyIndex strategy = places_[pair].strategy;
    ctx.fx.row(RowTable::Strategy, strategy, state_.gates[strategy]);
  }
}

}  // namespace sluice::strategies
