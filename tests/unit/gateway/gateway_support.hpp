// What the gateway's tests share: pages in plain memory, a stage with its outputs collected, a
// paper log.
#pragma once

#include <cstring>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "core/stage_page.hpp"
#include "gateway/last_look.hpp"
#include "gateway/paper_session.hpp"
#include "gateway/stage.hpp"

namespace sluice::test {

inline constexpr std::uint64_t kRunId = 0x5eed'0000'1234'5678;
inline constexpr std::uint16_t kLease = 3;

constexpr Price px(std::int64_t units) {
  return Price::whole(units);
}
constexpr Qty lots(std::int64_t units) {
  return Qty::whole(units);
}
constexpr HostTime at_us(std::int64_t us) {
  return HostTime{us * 1'000};
}

// Control and kill page of a run in which everything is permitted, with generous caps.
struct Pages {
  std::unique_ptr<ControlPage> control = std::make_unique<ControlPage>();
  std::unique_ptr<KillPage> kill = std::make_unique<KillPage>();

  Pages() {
    control->header.run_id = kRunId;
    kill->header.run_id = kRunId;
    control->heartbeat.store(encode_heartbeat({kLease, 1}));
    for (std::size_t slot = 0; slot < kScopes; ++slot) {
      level(slot, KillLevel::Run, 10);
      permit(slot, 20);
      control->caps[slot].store(Notional::whole(1'000'000'000).raw);
    }
  }
  void level(std::size_t slot, KillLevel value, std::uint32_t epoch) const {
    kill->words[slot].store(encode_kill(kRunId, slot, value, KillCause::Operator, epoch));
  }
  void permit(std::size_t slot, std::uint32_t epoch) const {
    control->permits[slot].store(encode_permit(kRunId, kLease, slot, epoch));
  }
};
inline constexpr std::uint32_t kKillEpoch = 4 * 10;
inline constexpr std::uint32_t kLimitsEpoch = 4 * 20;

inline Order make_order(std::uint32_t counter, OrderKind kind, Side side, Price price, Qty qty,
                        HostTime approved_at, std::uint8_t origin = 1) {
  Order o{};
  o.id = OrderId::make(1, origin, counter);
  o.instrument = 2;
  o.strategy = 1;
  o.side = side;
  o.kind = kind;
  o.price = price;
  o.qty = qty;
  o.origin = approved_at;
  o.approved_at = approved_at;
  o.kill_epoch = kKillEpoch;
  o.limits_epoch = kLimitsEpoch;
  return o;
}
inline Order entry(std::uint32_t counter, Qty qty = lots(10), HostTime approved_at = {}) {
  return make_order(counter, OrderKind::Entry, Side::Buy, px(100), qty, approved_at);
}
inline Order cancel_of(OrderId id) {
  Order o{};
  o.id = id;
  o.kind = OrderKind::Cancel;
  o.instrument = 2;
  o.strategy = 1;
  o.side = Side::Buy;
  return o;
}
inline Control control(ControlKind kind, std::int64_t after = 0, std::uint32_t index = 0,
                       ScopeKind scope = ScopeKind::Global) {
  Control c{};
  c.kind = kind;
  c.scope = scope;
  c.index = index;
  c.after = after;
  return c;
}
inline Control level(ScopeKind scope, std::uint32_t index, KillLevel value) {
  return control(ControlKind::Level, static_cast<std::int64_t>(value), index, scope);
}
inline Control edge(ControlKind kind, Edge which) {
  return control(kind, 0, static_cast<std::uint32_t>(which));
}
inline Event event(EventKind kind, OrderId id = {}, Reason reason = Reason::None) {
  Event e{};
  e.kind = kind;
  e.id = id;
  e.reason = reason;
  return e;
}
inline Event fill(OrderId id, Price price, Qty qty, Qty cum) {
  Event e = event(EventKind::Fill, id);
  e.price = price;
  e.qty = qty;
  e.cum_qty = cum;
  return e;
}
inline Event answer(OrderId id, OrderState state, Qty cum = {}, Price price = {}) {
  Event e = event(EventKind::QueryResult, id);
  e.code = static_cast<std::uint16_t>(state);
  e.cum_qty = cum;
  e.price = price;
  return e;
}
inline Tick quote(Price bid, Qty bid_qty, Price ask, Qty ask_qty, HostTime rx,
                  InstrumentIndex i = 2) {
  Tick t{};
  t.instrument = i;
  t.kind = TickKind::Quote;
  t.rx_time = rx;
  t.venue_time = {rx.ns + 1'000'000'000};
  t.value = {bid.raw, ask.raw, bid_qty.raw, ask_qty.raw};
  return t;
}

using Input = std::pair<std::variant<Order, Event, Control>, HostTime>;

// A stage as a driver runs it: one input at a time, outputs collected in order, inputs remembered.
class StageRig {
 public:
  explicit StageRig(GatewayConfig config = {}) : stage_(std::make_unique<GatewayStage>(config)) {
    out_->open(Edge::Command);
    out_->open(Edge::GatewayRisk);
  }

  template <class R>
  void in(const R& record) {
    inputs.emplace_back(record, now);
    out_->begin_input();
    Context ctx{now, *out_, fx};
    stage_->on(record, ctx);
    for (std::uint32_t k = 0; k < out_->lane(0).count; ++k)
      commands.push_back(from_payload<Order>(out_->lane(0).records[k]));
    for (std::uint32_t k = 0; k < out_->lane(1).count; ++k)
      reports.push_back(from_payload<Report>(out_->lane(1).records[k]));
    out_->clear();
    now = now + Duration{1};
  }
  void ready() { in(event(EventKind::Reconciled)); }
  // Sends and has it sent: the order stands in Sent afterwards.
  OrderId sent(std::uint32_t counter, Qty qty = lots(10)) {
    const Order o = entry(counter, qty);
    in(o);
    in(event(EventKind::Sent, o.id));
    return o.id;
  }
  OrderId working(std::uint32_t counter, Qty qty = lots(10)) {
    const OrderId id = sent(counter, qty);
    in(event(EventKind::Ack, id));
    return id;
  }
  // Continues as long as the stage asks for it; returns how often.
  int settle(int limit = 5'000) {
    int n = 0;
    for (; stage_->wants_continue() && n < limit; ++n) in(control(ControlKind::Continue));
    return n;
  }
  void forget_outputs() {
    reports.clear();
    commands.clear();
  }

  [[nodiscard]] GatewayStage& stage() { return *stage_; }
  [[nodiscard]] OrderState state_of(OrderId id) const {
    const SlotIndex slot = stage_->state().orders.find(id);
    return slot == kNoSlot ? OrderState{} : stage_->state().orders.at(slot).state;
  }
  [[nodiscard]] Qty cum_of(OrderId id) const {
    const SlotIndex slot = stage_->state().orders.find(id);
    return slot == kNoSlot ? Qty{} : stage_->state().orders.at(slot).cum;
  }
  [[nodiscard]] std::uint64_t count(GatewayCounter counter) const {
    return page->statistics.counter(static_cast<std::size_t>(counter));
  }

  std::unique_ptr<StagePage> page = std::make_unique<StagePage>();
  Effects fx{page.get()};
  HostTime now{1};
  std::vector<Report> reports;
  std::vector<Order> commands;
  std::vector<Input> inputs;

 private:
  std::unique_ptr<Outputs> out_ = std::make_unique<Outputs>();
  std::unique_ptr<GatewayStage> stage_;
};

inline bool same_bytes(const GatewayStage::State& a, const GatewayStage::State& b) {
  return std::memcmp(&a, &b, sizeof a) == 0;
}
template <class R>
bool same_records(const std::vector<R>& a, const std::vector<R>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(R)) == 0);
}

struct VectorLog {
  std::vector<PaperEntry> entries;
  std::size_t capacity = 1'000'000;
  bool append(const PaperEntry& e) noexcept {
    if (entries.size() >= capacity) return false;
    entries.push_back(e);
    return true;
  }
};
static_assert(PaperLog<VectorLog>);

using TestSession = PaperSession<VectorLog>;

// A paper session on pages where everything is permitted.
class SessionRig {
 public:
  explicit SessionRig(GatewayConfig c = {}) : config(c) { restart(); }

  // The process dies; the log stays.
  void restart() {
    look = std::make_unique<LastLook>(*pages.control, *pages.kill, 0, config.order_age_max);
    session = std::make_unique<TestSession>(config, *look, log, fx);
  }
  void rebuild(std::uint32_t last_sequence) {
    std::size_t next = 0;
    session->rebuild(
        [&](PaperEntry& e) {
          if (next == log.entries.size()) return false;
          e = log.entries[next++];
          return true;
        },
        last_sequence);
  }
  std::vector<Event> events() {
    std::vector<Event> all;
    while (session->has_event()) all.push_back(session->next_event());
    return all;
  }

  GatewayConfig config;
  Pages pages;
  VectorLog log;
  std::unique_ptr<StagePage> page = std::make_unique<StagePage>();
  Effects fx{page.get()};
  std::unique_ptr<LastLook> look;
  std::unique_ptr<TestSession> session;
};

}  // namespace sluice::test
