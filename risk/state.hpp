// All that risk knows and that changes: a checkpoint is a copy of it, and a replayed journal ends
// in the same bytes. So it is trivially copyable and has no padding.
#pragma once

#include <array>

#include "core/market_time.hpp"
#include "core/rows.hpp"
#include "risk/orders.hpp"
#include "risk/outbox.hpp"
#include "risk/positions.hpp"
#include "risk/quotes.hpp"
#include "risk/scopes.hpp"

namespace sluice::risk {

struct State {
  MarketNow market{};
  ScopeTable scopes{};
  QuoteTable quotes{};
  OrderTable orders{};
  PositionTable positions{};
  Outbox outbox{};
  PairSet due{};                                     // positions whose exit is to be looked at
  std::array<GateRow, kMaxInstruments> gates{};      // the last refusal of each instrument
  std::array<std::uint32_t, kSeats> last_counter{};  // of the seats' intent ids
  std::uint64_t conditions = 0;                      // Condition bits
  MarketTime day_end{};                              // 0 = no day yet
  Notional day_base{};                               // profit and loss when the day began
  HostTime rows_at{};                                // when marks were last written to rows
  HostTime standing_at{};                            // when standing rows were last written
  std::size_t standing_next = 0;                     // pair whose standing row comes next
  HostTime retry_at = HostTime::never();             // earliest retry of a refused exit
  std::uint32_t exit_counter = 0;
  std::uint16_t run = 0;
  std::uint8_t order_edge_full = 0;
  std::uint8_t seats_full = 0;  // bit = seat
  std::uint8_t more = 0;        // work waits for Control{Continue}
  std::array<std::uint8_t, 7> reserved{};

  [[nodiscard]] Notional day_pnl() const noexcept { return positions.pnl() - day_base; }
  // Capital in use: what entries reserve plus what positions cost.
  [[nodiscard]] Notional used() const noexcept { return orders.reserved() + positions.open_cost(); }
  [[nodiscard]] Notional used_by(StrategyIndex strategy, const Rules& rules) const noexcept {
    Notional used{};
    orders.each_working([&](std::size_t, const LiveOrder& order) {
      if (rules.pair[order.pair].strategy == strategy) used += order.reserved;
    });
    positions.open().each([&](PairIndex pair) {
      if (rules.pair[pair].strategy == strategy) used += positions.at(pair).cost;
    });
    return used;
  }
};
static_assert(kSeats <= 8, "seats_full has a bit per seat");
static_assert(std::is_trivially_copyable_v<State> &&
              std::has_unique_object_representations_v<State>);

}  // namespace sluice::risk
