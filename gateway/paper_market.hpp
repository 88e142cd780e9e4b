// Displayed quantities of the last quotes and how much of them paper orders have already taken.
//
// What a paper order takes is not missing from the real book, so the same display must not fill
// twice: taken quantity counts against its price until the price changes. A display that shrinks
// below what was taken forgets the difference: what it shows later is new.
#pragma once

#include <algorithm>
#include <array>

#include "core/records.hpp"

namespace sluice {

class PaperMarket {
 public:
  struct Touch {
    Price price;
    Qty shown;
    Qty taken;
    [[nodiscard]] constexpr Qty left() const noexcept { return shown - taken; }
  };

  void show(const Tick& quote) noexcept {
    Quote& q = quotes_[quote.instrument];
    update(q.bid, quote.bid(), quote.bid_qty());
    update(q.ask, quote.ask(), quote.ask_qty());
  }

  // What an order of this side trades against.
  [[nodiscard]] Touch& against(InstrumentIndex instrument, Side side) noexcept {
    return side == Side::Buy ? quotes_[instrument].ask : quotes_[instrument].bid;
  }

  static constexpr bool crosses(Side side, Price limit, const Touch& touch) noexcept {
    if (touch.price <= Price{}) return false;  // that side is empty
    return side == Side::Buy ? limit >= touch.price : limit <= touch.price;
  }

 private:
  struct Quote {
    Touch bid;
    Touch ask;
  };

  static void update(Touch& touch, Price price, Qty shown) noexcept {
    if (price != touch.price) touch.taken = {};
    touch.price = price;
    touch.shown = std::max(shown, Qty{});
    touch.taken = std::min(touch.taken, touch.shown);
  }

  std::array<Quote, kMaxInstruments> quotes_{};
};

}  // namespace sluice
