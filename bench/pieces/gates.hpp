// What the two gates cost an entry that passes: the last look over pages that have not changed, and
// risk's guard chain with its allocator. One thread; the pages are in this core's cache, as they
// are between two raises.
#pragma once

#include <memory>

#include "bench/pieces/config.hpp"
#include "bench/pieces/piece.hpp"
#include "core/error.hpp"
#include "core/instance.hpp"
#include "core/watch.hpp"
#include "gateway/last_look.hpp"
#include "risk/explain.hpp"
#include "risk/guard.hpp"
#include "risk/stage.hpp"

namespace sluice::bench {

inline constexpr std::uint64_t kRunId = 0x1122334455667788;
inline constexpr std::uint16_t kLease = 3;
inline constexpr HostTime kNow{1'000'000'000};

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

inline Order entry() {
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

// All that the pages decide, by the turn's stamp: kill word and permit of four scopes, the
// heartbeat's age.
struct PageWords : Watched {
  static constexpr const char* kName = "last_look.page_words";
  StrategyIndex strategy = 1;
  explicit PageWords(HostTime now = kNow) : Watched(now) {
    if (watch.conditions_at(now) != 0 || !look.look(strategy, 2).permitted)
      throw Error("the pages permit no entry");
  }
  void operator()() noexcept { at(kNow); }
  void at(HostTime now) noexcept {
    keep(strategy);
    std::uint32_t conditions = watch.conditions_at(now);
    keep(conditions);
    LastLook::Pages seen = look.look(strategy, 2);
    keep(seen);
  }
};

// The whole of it: also the form of the order, its age, the cap.
struct WholeLastLook : Watched {
  static constexpr const char* kName = "last_look.check";
  std::unique_ptr<OwnBook> book = std::make_unique<OwnBook>();
  Order order = entry();
  WholeLastLook() : Watched(kNow) {
    if (look.check(order, kNow, 0, *book) != Reason::None)
      throw Error("the last look refuses the entry");
  }
  void operator()() noexcept {
    keep(order);
    Reason reason = look.check(order, kNow, 0, *book);
    keep(reason);
  }
};

inline risk::RiskConfig limits() {
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

struct GuardChain {
  static constexpr const char* kName = "guard.chain";
  Desk desk;
  Intent intent = desk.intent();
  GuardChain() {
    if (const Reason reason = desk.judge(intent); reason != Reason::None)
      throw Error("the guard refuses the entry: " + std::string(risk::explain(reason).name));
  }
  void operator()() noexcept {
    keep(intent);
    Reason reason = desk.judge(intent);
    keep(reason);
  }
};

// The part of the chain that sizes an entry.
struct Allocator {
  static constexpr const char* kName = "guard.allocator";
  risk::AllocationRequest request{.equity = Notional::whole(1'000'000),
                                  .cash = Notional::whole(900'000),
                                  .cap_left = Notional::whole(500'000),
                                  .alloc = {100'000},
                                  .risk = {10'000},
                                  .stop = {20'000},
                                  .price = Price::whole(100),
                                  .lot = Qty::whole(1),
                                  .freeze = Qty::whole(1'000),
                                  .multiplier = 1,
                                  .max_lots = 10'000};
  Allocator() {
    if (risk::allocate(request).lots < 1) throw Error("the allocator allows no lot");
  }
  void operator()() noexcept {
    keep(request);
    risk::Allocation allocation = risk::allocate(request);
    keep(allocation);
  }
};

using GatePieces = Pieces<PageWords, WholeLastLook, GuardChain, Allocator>;

}  // namespace sluice::bench
