// The gateway stage: what is known of every order, decided from records alone (core/stage.hpp).
//
//   Order (from risk), Event (from the session), Control -> Report (to risk), command (to the
//   session)
//
// A command is an Order: as it came = send it; kind Cancel = cancel the id; CommandFlags = ask or
// sweep. Ids are remembered before a command leaves, so after a crash an order is at worst in
// doubt, and is asked for by its id: nothing is ever sent twice. What cannot be said at once (one
// record per edge and input, or an edge is full) waits in the table and is said on
// Control{Continue}; a report is always made from the latest state of its order, so late reports
// are few and never stale.
#pragma once

#include <array>
#include <cstdint>

#include "core/stage.hpp"
#include "gateway/config.hpp"
#include "gateway/order_table.hpp"
#include "gateway/statistics.hpp"

namespace sluice {

enum CommandFlags : std::uint8_t {
  kQuery = 1u << 0,  // ask the venue what became of this id
  kSweep = 1u << 1   // with kind Cancel: cancel everything on the venue's list of open orders
};

class GatewayStage {
 public:
  static constexpr std::size_t kRefusals = 64;

  // Everything the stage knows; plain bytes, the checkpoint.
  struct State {
    OrderTable orders;
    Fifo<SlotIndex, kGatewayOrders> tell;   // orders that owe risk a report
    Fifo<SlotIndex, kGatewayOrders> ask;    // orders that owe the session a command
    Fifo<Report, kRefusals> refusals;       // of orders that have no place in the table
    std::array<std::uint64_t, 256> newest;  // by origin: highest {run, counter, slice} seen
    std::array<std::uint16_t, row_capacity(RowTable::Order)> rows;  // 1 + slot; 0 = free
    SessionRow session;
    std::uint64_t next_row;
    std::uint32_t open;  // orders that are not terminal
    std::uint32_t conditions;
    std::uint32_t last_sequence;  // highest Event.sequence: where the venue's log is known to
    std::uint8_t reconciled;
    std::uint8_t reports_full;
    std::uint8_t commands_full;
    std::uint8_t sweep_owed;  // the command has not been given
    std::uint8_t sweeping;    // given or owed, not done
    std::array<std::uint8_t, 7> reserved;
  };
  static_assert(std::is_trivially_copyable_v<State> &&
                std::has_unique_object_representations_v<State>);

  explicit GatewayStage(const GatewayConfig& config) noexcept : config_(config) {}

  void on(const Order& order, Context& ctx) noexcept;
  void on(const Event& event, Context& ctx) noexcept;
  void on(const Control& control, Context& ctx) noexcept;
  [[nodiscard]] HostTime deadline() const noexcept { return HostTime::never(); }
  [[nodiscard]] bool wants_continue() const noexcept {
    return (state_.reports_full == 0 && !(state_.tell.empty() && state_.refusals.empty())) ||
           (state_.commands_full == 0 && (state_.sweep_owed != 0 || !state_.ask.empty()));
  }

  [[nodiscard]] const State& state() const noexcept { return state_; }
  void restore(const State& state) noexcept { state_ = state; }

 private:
  void on_cancel(const Order& order, Context& ctx) noexcept;
  [[nodiscard]] Reason entry_gate(const Order& order) const noexcept;
  bool take_id(OrderId id) noexcept;
  void refuse(const Order& order, Reason reason, Context& ctx) noexcept;
  void send(const Order& order, Context& ctx) noexcept;

  void on_order_event(SlotIndex index, const Event& event, Context& ctx) noexcept;
  void on_reconciled(const Event& event, Context& ctx) noexcept;
  [[nodiscard]] bool absorb_fill(OrderSlot& slot, const Event& event, Context& ctx) noexcept;
  void apply(SlotIndex index, OrderEvent event, Reason reason, Context& ctx) noexcept;
  void enter(SlotIndex index, OrderState next, Reason reason, Context& ctx) noexcept;

  void on_level(const Control& control, Context& ctx) noexcept;
  void on_conditions(const Control& control, Context& ctx) noexcept;
  void on_edge(const Control& control, Context& ctx) noexcept;
  void on_recovered(Context& ctx) noexcept;
  template <class Match>
  void cancel_all(Match&& match, Context& ctx) noexcept;
  void owe_sweep() noexcept;

  void owe_state(SlotIndex index) noexcept;
  void owe_command(SlotIndex index, SlotFlags what) noexcept;
  void tell_one(Context& ctx) noexcept;
  void ask_one(Context& ctx) noexcept;
  void say(Context& ctx) noexcept;
  [[nodiscard]] Report next_report(OrderSlot& slot, Context& ctx) noexcept;

  void place_row(SlotIndex index) noexcept;
  void show(const OrderSlot& slot, Context& ctx) const noexcept;

  GatewayConfig config_;
  State state_{};
  bool commanded_ = false;  // within one input only: a send has taken the command edge
};

}  // namespace sluice
