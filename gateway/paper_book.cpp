#include "gateway/paper_book.hpp"

#include <algorithm>

namespace sluice {

bool PaperBook::apply(const PaperEntry& entry, std::uint64_t position) noexcept {
  if (entry.what == PaperWhat::Placed) return place(entry, position);
  PaperOrder* order = find(entry.id);
  switch (entry.what) {
    case PaperWhat::Placed: return false;
    case PaperWhat::Filled: return order != nullptr && fill(*order, entry);
    case PaperWhat::Cancelled:
    case PaperWhat::Expired:
      if (order == nullptr) return false;
      end(*order, entry.what == PaperWhat::Cancelled ? OrderState::Cancelled : OrderState::Expired);
      return true;
    case PaperWhat::CancelAsked:
      if (order == nullptr) return false;
      order->cancel_asked = true;
      order->cancel_asked_at = entry.at;
      return true;
    case PaperWhat::CancelRejected: return true;  // of an order that had ended, or never was
  }
  return false;
}

bool PaperBook::place(const PaperEntry& e, std::uint64_t position) noexcept {
  if (open_ == kPaperOrders || e.id.raw == 0 || e.qty <= Qty{} || e.strategy >= kMaxStrategies ||
      e.instrument >= kMaxInstruments || find(e.id) != nullptr)
    return false;
  PaperOrder& order = orders_[places_[open_++]];
  order = {};
  order.id = e.id;
  order.venue_id = position + 1;
  order.instrument = e.instrument;
  order.strategy = e.strategy;
  order.side = e.side;
  order.kind = e.kind;
  order.price = e.price;
  order.qty = e.qty;
  order.placed_at = e.at;
  order.approved_at = e.approved_at;
  own_.work(e.strategy, e.instrument, e.kind, e.price, Qty{}, e.qty);
  return true;
}

bool PaperBook::fill(PaperOrder& order, const PaperEntry& e) noexcept {
  if (e.qty <= Qty{} || e.qty > order.remaining()) return false;
  own_.work(order.strategy, order.instrument, order.kind, order.price, order.remaining(),
            order.remaining() - e.qty);
  own_.fill(order.strategy, order.instrument, order.side, e.price, e.qty);
  order.cum += e.qty;
  order.cost += notional(e.price, e.qty);
  order.acked = true;
  if (order.remaining() == Qty{}) end(order, OrderState::Filled);
  return true;
}

void PaperBook::end(PaperOrder& order, OrderState state) noexcept {
  own_.work(order.strategy, order.instrument, order.kind, order.price, order.remaining(), Qty{});
  ends_[ended_++ % kEnds] = {order.id, order.venue_id, state, order.qty, order.cum, order.cost};
  const auto place = static_cast<std::uint16_t>(&order - orders_.data());
  const auto last = places_.begin() + static_cast<std::ptrdiff_t>(open_);
  const auto here = std::find(places_.begin(), last, place);
  std::copy(here + 1, last, here);
  places_[--open_] = place;
  order.id = {};
}

void PaperBook::drop_open() noexcept {
  while (open_ > 0) end(order(open_ - 1), OrderState::Expired);
}

PaperOrder* PaperBook::find(OrderId id) noexcept {
  for (std::size_t i = 0; i < open_; ++i)
    if (order(i).id == id) return &order(i);
  return nullptr;
}

const PaperOrder* PaperBook::find(OrderId id) const noexcept {
  for (std::size_t i = 0; i < open_; ++i)
    if (order(i).id == id) return &order(i);
  return nullptr;
}

const PaperEnd* PaperBook::find_end(OrderId id) const noexcept {
  for (const PaperEnd& end : ends())
    if (end.id == id) return &end;
  return nullptr;
}

}  // namespace sluice
