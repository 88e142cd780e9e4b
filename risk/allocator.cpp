#include "risk/allocator.hpp"

#include <array>

namespace sluice::risk {
namespace {

// Rounds up, so that n lots never cost more than n times this.
Notional cost_of_lot(Price price, Qty lot) noexcept {
  const detail::Wide exact = detail::Wide{price.raw} * lot.raw;
  return {detail::quotient(exact + kScale - 1, kScale)};
}

// Rounds up: a loss is never understated.
Notional at_risk(Notional cost, Ppm stop) noexcept {
  return {detail::quotient(detail::Wide{cost.raw} * stop.raw + 999'999, 1'000'000)};
}

Notional part(Notional equity, Ppm fraction, std::int64_t multiplier) noexcept {
  return {detail::clamp(detail::Wide{(equity * fraction).raw} * multiplier)};
}

}  // namespace

Allocation allocate(const AllocationRequest& r) noexcept {
  if (r.price.raw <= 0 || r.lot.raw <= 0 || r.stop.raw <= 0 || r.multiplier < 1) return {};
  const Notional cost = cost_of_lot(r.price, r.lot);
  const Notional loss = at_risk(cost, r.stop);
  const auto by_money = [](Binding binding, Notional available, Notional needs) noexcept {
    return Allocation{available.raw <= 0 ? 0 : available.raw / needs.raw, binding, available,
                      needs};
  };
  const std::array candidates{
      by_money(Binding::Alloc, part(r.equity, r.alloc, r.multiplier), cost),
      by_money(Binding::Risk, part(r.equity, r.risk, r.multiplier), loss),
      by_money(Binding::Cap, r.cap_left, cost),
      by_money(Binding::Cash, r.cash, cost),
      Allocation{r.max_lots < 0 ? 0 : r.max_lots, Binding::MaxLots, {}, {}},
      Allocation{r.freeze.raw <= 0 ? 0 : r.freeze.raw / r.lot.raw, Binding::Freeze, {}, {}},
  };
  Allocation least = candidates[0];
  for (const Allocation& candidate : candidates)
    if (candidate.lots < least.lots) least = candidate;
  return least;
}

}  // namespace sluice::risk
