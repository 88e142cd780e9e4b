// The paper venue's books, made from its order log and nothing else: open orders in order of
// arrival, the most recent ended ones (to answer queries), and the session's own book of positions.
//
// apply() is the only way in, for a live entry and for one read back after a crash: so what is
// rebuilt equals what was lost, by construction.
#pragma once

#include <array>
#include <cstdint>
#include <numeric>
#include <span>

#include "core/records.hpp"
#include "gateway/config.hpp"
#include "gateway/order_state.hpp"
#include "gateway/own_book.hpp"

namespace sluice {

struct PaperOrder {
  OrderId id;
  std::uint64_t venue_id;  // position + 1 of its Placed entry
  InstrumentIndex instrument;
  StrategyIndex strategy;
  Side side;
  OrderKind kind;
  bool cancel_asked;  // CancelAsked is in the log
  Price price;
  Qty qty;
  Qty cum;
  Notional cost;  // of its fills
  HostTime placed_at;
  HostTime approved_at;
  HostTime cancel_asked_at;
  bool acked;          // not from the log: an Ack has no entry and may be repeated
  bool cancel_wanted;  // not from the log: asked for while the log was full

  [[nodiscard]] constexpr Qty remaining() const noexcept { return qty - cum; }
};

// Final state of an order that is no longer open.
struct PaperEnd {
  OrderId id;
  std::uint64_t venue_id;
  OrderState state;
  Qty qty;
  Qty cum;
  Notional cost;
};

class PaperBook {
 public:
  // As many as the stage remembers: it cannot ask for more.
  static constexpr std::size_t kEnds = 1024;

  // False: the entry contradicts the log before it (unknown id, fill above the quantity, too many
  // orders).
  bool apply(const PaperEntry& entry, std::uint64_t position) noexcept;
  // Ends every open order without an entry: those of an earlier run, which did not outlive it.
  void drop_open() noexcept;

  [[nodiscard]] std::size_t open() const noexcept { return open_; }
  [[nodiscard]] PaperOrder& order(std::size_t arrival) noexcept {
    return orders_[places_[arrival]];
  }
  [[nodiscard]] const PaperOrder& order(std::size_t arrival) const noexcept {
    return orders_[places_[arrival]];
  }
  [[nodiscard]] PaperOrder* find(OrderId id) noexcept;
  [[nodiscard]] const PaperOrder* find(OrderId id) const noexcept;
  [[nodiscard]] const PaperEnd* find_end(OrderId id) const noexcept;
  [[nodiscard]] std::span<const PaperEnd> ends() const noexcept {
    return std::span(ends_).first(ended_ < kEnds ? ended_ : kEnds);
  }
  [[nodiscard]] const OwnBook& own() const noexcept { return own_; }

 private:
  bool place(const PaperEntry& entry, std::uint64_t position) noexcept;
  bool fill(PaperOrder& order, const PaperEntry& entry) noexcept;
  void end(PaperOrder& order, OrderState state) noexcept;

  std::array<PaperOrder, kPaperOrders> orders_{};  // id 0 = free
  // Of open orders, by arrival; behind them the free ones.
  std::array<std::uint16_t, kPaperOrders> places_ = [] {
    std::array<std::uint16_t, kPaperOrders> all{};
    std::iota(all.begin(), all.end(), std::uint16_t{0});
    return all;
  }();
  std::size_t open_ = 0;
  std::array<PaperEnd, kEnds> ends_{};
  std::size_t ended_ = 0;
  OwnBook own_;
};

// Average price of fills, toward zero.
constexpr Price average_price(Notional cost, Qty qty) noexcept {
  return qty == Qty{} ? Price{} : Price{scaled(cost, kScale, qty.raw).raw};
}

}  // namespace sluice
