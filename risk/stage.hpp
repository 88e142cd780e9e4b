// Risk: the single-threaded owner of money. Tick, Intent, Report, Control in; Order on RiskGateway
// and Report on risk_seat(seat) out.
//
// Entries fail closed, exits stay open: a missing permit, a stale feed, a condition or a full ring
// refuses entries only. Capital is reserved before an order leaves and a position is closed by
// fills alone.
//
// At most one record per edge and input: what cannot leave at once waits in state_ (exits due,
// cancels due, reports in the outbox) and leaves with Control{Continue} or Control{EdgeRoom}, exits
// first.
#pragma once

#include "core/stage.hpp"
#include "risk/counters.hpp"
#include "risk/guard.hpp"
#include "risk/rules.hpp"
#include "risk/state.hpp"

namespace sluice::risk {

class RiskStage {
 public:
  RiskStage(const RiskConfig& risk, const PipelineConfig& pipeline) : rules_(risk, pipeline) {}

  void on(const Tick& tick, Context& ctx) noexcept;
  void on(const Intent& intent, Context& ctx) noexcept;
  void on(const Report& report, Context& ctx) noexcept;
  void on(const Control& control, Context& ctx) noexcept;
  [[nodiscard]] HostTime deadline() const noexcept {
    return std::min(state_.orders.deadline(), state_.retry_at);
  }
  [[nodiscard]] bool wants_continue() const noexcept { return state_.more != 0; }

  [[nodiscard]] const State& state() const noexcept { return state_; }
  void restore(const State& state) noexcept { state_ = state; }
  [[nodiscard]] const Rules& rules() const noexcept { return rules_; }

 private:
  // One input being handled: where to emit, and where this input has emitted already.
  struct Turn {
    Context& ctx;
    bool order_sent = false;
    std::uint8_t seats_told = 0;  // bit = seat
  };

  // Ticks
  void on_quote(const Tick& tick, Turn& turn) noexcept;
  void mark(const PairSet& here, const Quote& quote, Turn& turn) noexcept;
  void begin_exit(PairIndex pair, std::uint8_t wanted, Turn& turn) noexcept;
  static void count_exit(std::uint8_t kind, Effects& fx) noexcept;
  void on_status(const Tick& tick) noexcept;
  void roll_day(MarketTime now) noexcept;

  // Intents
  void enter(const Probe& probe, Turn& turn) noexcept;
  void exit_on_request(const Probe& probe, Turn& turn) noexcept;
  void cancel_on_request(const Intent& intent, Turn& turn) noexcept;
  void refuse(const Probe& probe, Reason reason, Turn& turn) noexcept;

  // Reports (reports.cpp)
  void book_fill(std::size_t index, const Report& report, Turn& turn) noexcept;
  void after_fill(PairIndex pair, const FillEffect& effect, const LiveOrder& order,
                  Turn& turn) noexcept;
  bool end_order(std::size_t index, const Report& report, Turn& turn) noexcept;
  bool reapprove(const LiveOrder& order, Turn& turn) noexcept;
  void retry_later(Position& position, HostTime now) noexcept;

  // Orders
  [[nodiscard]] bool order_edge_open(const Turn& turn) const noexcept {
    return state_.order_edge_full == 0 && !turn.order_sent;
  }
  bool place(const LiveOrder& order, Turn& turn) noexcept;
  void send_exit(PairIndex pair, Turn& turn) noexcept;
  bool send_next_cancel(Turn& turn) noexcept;
  void emit_order(const LiveOrder& order, OrderKind kind, Turn& turn) noexcept;

  // Control
  void start_run(const Control& control, Turn& turn) noexcept;
  void edge(const Control& control, bool full) noexcept;
  void due_deadlines(Turn& turn) noexcept;
  void look_at_open_positions() noexcept;

  // Ends every input: what still has to leave, leaves or is marked as waiting.
  void pump(Turn& turn) noexcept;
  void tell(const Report& report, Turn& turn) noexcept;
  // Rows (rows.cpp)
  static constexpr Duration kRowGap = Duration::millis(100);  // between what only a mark changes
  void write_position(PairIndex pair, Context& ctx) const noexcept;
  void write_account(Context& ctx) const noexcept;
  void write_standing(PairIndex pair, Context& ctx) const noexcept;
  void show_standings(Context& ctx) noexcept;
  void write_standings(Context& ctx) const noexcept;
  void write_rows(Context& ctx) const noexcept;

  Rules rules_;
  State state_;
};

}  // namespace sluice::risk
