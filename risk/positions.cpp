#include "risk/positions.hpp"

#include <bit>

namespace sluice::risk {

FillEffect PositionTable::fill(PairIndex pair, Side side, Qty qty, Price price) noexcept {
  Position& p = rows_[pair];
  const bool buy = side == Side::Buy;
  FillEffect effect;
  const bool same = !p.open() || (p.qty.raw > 0) == buy;
  const Qty against = same ? Qty{} : (qty < p.size() ? qty : p.size());
  if (against.raw > 0) {
    reduce(p, against, price);
    effect.reduced = true;
  }
  const Qty rest = qty - against;
  if (rest.raw > 0) {
    effect.opened = !p.open();
    increase(p, buy, rest, price);
  }
  if (p.open()) {
    if (effect.opened || p.mark.raw <= 0) p.mark = price;
    open_.add(pair);
  } else {
    open_.remove(pair);
  }
  p.used = 1;
  effect.flat = !p.open();
  p.average =
      p.open() ? Price{detail::quotient(detail::Wide{p.cost.raw} * kScale, p.size().raw)} : Price{};
  value(p);
  return effect;
}

void PositionTable::increase(Position& p, bool buy, Qty qty, Price price) noexcept {
  const Notional paid = notional(price, qty);
  p.cost += paid;
  open_cost_ += paid;
  p.qty += buy ? qty : -qty;
}

void PositionTable::reduce(Position& p, Qty qty, Price price) noexcept {
  const Notional share = scaled(p.cost, qty.raw, p.size().raw);  // exact when all of it goes
  const Notional proceeds = notional(price, qty);
  const Notional gain = p.qty.raw > 0 ? proceeds - share : share - proceeds;
  p.cost -= share;
  open_cost_ -= share;
  p.realised += gain;
  realised_ += gain;
  p.qty += p.qty.raw > 0 ? -qty : qty;
}

void PositionTable::mark(PairIndex pair, const Quote& quote) noexcept {
  Position& p = rows_[pair];
  const Price touch = p.qty.raw > 0 ? quote.bid : quote.ask;
  if (!p.open() || touch.raw <= 0) return;
  p.mark = touch;
  value(p);
}

void PositionTable::value(Position& p) noexcept {
  const Notional worth = notional(p.mark, p.size());
  const Notional gain = p.qty.raw > 0 ? worth - p.cost : p.cost - worth;
  const Notional now = p.open() ? gain : Notional{};
  unrealised_ += now - p.unrealised;
  p.unrealised = now;
}

std::uint32_t PositionTable::open_count() const noexcept {
  return static_cast<std::uint32_t>(std::popcount(open_.word[0]) + std::popcount(open_.word[1]));
}

}  // namespace sluice::risk
