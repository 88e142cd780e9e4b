// Positions per (strategy, instrument) pair, in integers. Risk is the one owner of profit and loss.
//
// What is booked is the cost of what is open, not an average: a reduction takes its share of the
// cost, and a flat position has none left. So realised profit is exactly the cash that flowed,
// whatever was rounded on the way: realised = cash received - cash paid + (signed) cost of what is
// open.
#pragma once

#include <array>

#include "core/records.hpp"
#include "risk/quotes.hpp"
#include "risk/rules.hpp"

namespace sluice::risk {

struct Position {
  Qty qty{};              // signed
  Notional cost{};        // >= 0: paid for a long, received for a short, of the open quantity
  Notional realised{};    // over the life of the pair
  Notional unrealised{};  // at mark
  Price mark{};           // bid for a long, ask for a short
  Price average{};        // cost / quantity, toward zero; kept, because every quote asks for it
  MarketTime opened_at{};
  HostTime opened_host{};
  MarketTime exited_at{};     // last reducing fill; 0 = never
  OrderId exit_order{};       // the one exit that works; 0 = none
  HostTime retry_at{};        // a refused exit is not sent again before
  std::uint32_t entries = 0;  // entry orders that have filled since it was flat
  std::uint8_t used = 0;      // has held a quantity
  // OrderKind of a protective exit that was sent; it stays until the position is flat. 0 = none.
  std::uint8_t exit_kind = 0;
  std::uint8_t paused = 0;  // an exit is due and the level forbids it
  std::uint8_t reserved = 0;

  [[nodiscard]] constexpr bool open() const noexcept { return qty.raw != 0; }
  [[nodiscard]] constexpr Qty size() const noexcept { return qty.raw < 0 ? -qty : qty; }
  [[nodiscard]] constexpr Side side() const noexcept {
    return qty.raw < 0 ? Side::Sell : Side::Buy;
  }
};

// What a fill changed.
struct FillEffect {
  bool opened = false;  // from flat, or through flat
  bool reduced = false;
  bool flat = false;  // nothing is left
};

class PositionTable {
 public:
  [[nodiscard]] const Position& at(PairIndex pair) const noexcept { return rows_[pair]; }
  [[nodiscard]] Position& at(PairIndex pair) noexcept { return rows_[pair]; }
  [[nodiscard]] const PairSet& open() const noexcept { return open_; }

  // Books `qty` (> 0) at `price`. A fill beyond the position turns it around.
  FillEffect fill(PairIndex pair, Side side, Qty qty, Price price) noexcept;
  // Values the open position at the touch it could leave at; a quote without that side changes
  // nothing.
  void mark(PairIndex pair, const Quote& quote) noexcept;

  // Totals over all pairs, kept with every change.
  [[nodiscard]] Notional realised() const noexcept { return realised_; }
  [[nodiscard]] Notional unrealised() const noexcept { return unrealised_; }
  [[nodiscard]] Notional open_cost() const noexcept { return open_cost_; }
  [[nodiscard]] Notional pnl() const noexcept { return realised_ + unrealised_; }
  [[nodiscard]] std::uint32_t open_count() const noexcept;

 private:
  void increase(Position& p, bool buy, Qty qty, Price price) noexcept;
  void reduce(Position& p, Qty qty, Price price) noexcept;
  void value(Position& p) noexcept;

  std::array<Position, kMaxPairs> rows_{};
  PairSet open_{};
  Notional realised_{};
  Notional unrealised_{};
  Notional open_cost_{};
};

}  // namespace sluice::risk
