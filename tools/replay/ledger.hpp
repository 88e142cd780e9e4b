// Trades from journaled records alone: what was ordered, what was filled, and what each round trip
// from flat to flat brought. Knows nothing of stages; risk's own account is the twin it is compared
// with.
//
// Invariant: money is integers. The profit of a trade is the cash that its fills moved, and that of
// one still open counts what is held at its mark: so the profits of all trades add up to realised
// plus open profit, to the last digit.
#pragma once

#include <cstdint>
#include <map>
#include <unordered_map>
#include <utility>
#include <vector>

#include "core/records.hpp"

namespace sluice::replay {

struct Trade {
  StrategyIndex strategy = 0;
  InstrumentIndex instrument = 0;
  Side side = Side::Buy;  // of the entry
  Qty qty{};              // entered, all entries together
  Qty held{};             // not exited
  MarketTime entered_at{};
  MarketTime ended_at{};  // of the last fill so far
  Notional entry_worth{};
  Notional exit_worth{};
  Notional pnl{};        // of an open trade: at mark, see mark_open()
  OrderKind ended_by{};  // of the order that made it flat; 0 = it is open
  std::uint32_t fills = 0;

  [[nodiscard]] bool open() const noexcept { return held.raw != 0; }
  [[nodiscard]] Price entry_price() const noexcept { return average(entry_worth, qty); }
  [[nodiscard]] Price exit_price() const noexcept { return average(exit_worth, qty - held); }

 private:
  static Price average(Notional worth, Qty qty) noexcept {
    if (qty.raw == 0) return {};
    return {detail::quotient(detail::Wide{worth.raw} * kScale, qty.raw)};
  }
};

class Ledger {
 public:
  // Orders as the gateway took them, then reports as risk took them; an order before its reports.
  void on(const Order& order);
  void on(const Report& report);

  // Sets the profit of the open trade of a pair, if there is one, to what it would bring at `mark`.
  void mark_open(StrategyIndex strategy, InstrumentIndex instrument, Price mark);

  [[nodiscard]] const std::vector<Trade>& trades() const noexcept { return trades_; }
  [[nodiscard]] std::uint64_t entries() const noexcept { return entries_; }
  [[nodiscard]] std::uint64_t exits() const noexcept { return exits_; }
  [[nodiscard]] std::uint64_t cancels() const noexcept { return cancels_; }
  [[nodiscard]] std::uint64_t fills() const noexcept { return fills_; }
  // Fills of orders that were never taken; a sound run has none.
  [[nodiscard]] std::uint64_t orphans() const noexcept { return orphans_; }

 private:
  using PairKey = std::pair<StrategyIndex, InstrumentIndex>;
  struct Known {
    Order order;
    Qty cum;
  };
  void book(const Order& order, Qty qty, Price price, MarketTime at);
  void enter(const Order& order, Qty qty, Price price, MarketTime at);
  void leave(Trade& trade, const Order& order, Qty qty, Price price, MarketTime at);

  std::unordered_map<std::uint64_t, Known> orders_;
  std::map<PairKey, std::size_t> open_;  // index of the open trade
  std::vector<Trade> trades_;
  std::uint64_t entries_ = 0;
  std::uint64_t exits_ = 0;
  std::uint64_t cancels_ = 0;
  std::uint64_t fills_ = 0;
  std::uint64_t orphans_ = 0;
};

}  // namespace sluice::replay
