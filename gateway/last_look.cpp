#include "gateway/last_look.hpp"

namespace sluice {

// One difference of nine words decides: the pages change a few times a day.
const LastLook::Pages& LastLook::look(StrategyIndex strategy, InstrumentIndex instrument) noexcept {
  const Scopes scopes = order_scopes(gateway_, strategy, instrument);
  const std::uint64_t pair = std::uint64_t{strategy} << 32 | instrument;
  Seen& seen = seen_[(instrument + strategy * 8u) % kSeen];
  const std::uint16_t lease_epoch = control_.beat().lease_epoch;
  std::uint64_t changed = (pair ^ seen.pair) | (lease_epoch ^ std::uint64_t{lease_epoch_});
#pragma GCC unroll 4
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    // acquire: pairs with the CAS of raise and rearm, and with the supervisor's stores
    changed |= kill_.words[scopes[i]].load(std::memory_order_acquire) ^ seen.kills[i];
    changed |= control_.permits[scopes[i]].load(std::memory_order_acquire) ^ seen.permits[i];
  }
  if (changed != 0) [[unlikely]]
    refresh(seen, pair, scopes, lease_epoch);
  return seen.pages;
}

// Reads every word once more, and decides by that reading alone.
void LastLook::refresh(Seen& seen, std::uint64_t pair, const Scopes& scopes,
                       std::uint16_t lease_epoch) noexcept {
  if (lease_epoch != lease_epoch_) {  // a new supervisor: its predecessor's permits are void
    lease_epoch_ = lease_epoch;
    seen_.fill(Seen{});
  }
  seen.pair = pair;
  Pages pages{.level = KillLevel::Run, .permitted = true};  // each scope can only take away
  for (std::size_t i = 0; i < scopes.size(); ++i) {
    const std::size_t slot = scopes[i];
    seen.kills[i] = kill_.words[slot].load(std::memory_order_acquire);
    const KillWord kill = decode_kill(kill_.run_id(), slot, seen.kills[i]);
    pages.level = max_level(pages.level, kill.level);
    pages.kill_epoch += kill.epoch;  // wraps, as risk's sum does
    seen.permits[i] = control_.permits[slot].load(std::memory_order_acquire);
    const Permit permit = decode_permit(control_.header.run_id, lease_epoch, slot, seen.permits[i]);
    pages.permitted = pages.permitted && permit.valid;
    pages.limits_epoch += permit.epoch;
  }
  seen.pages = pages;
}

Reason LastLook::check(const Order& order, HostTime now, std::uint32_t conditions,
                       const OwnBook& book) noexcept {
  if (order.strategy >= kMaxStrategies || order.instrument >= kMaxInstruments ||
      order.qty <= Qty{} || order.price <= Price{} ||
      (order.side != Side::Buy && order.side != Side::Sell))
    return Reason::BadOrder;
  const OrderClass what = class_of(order.kind);
  if (what == OrderClass::Cancel) return Reason::BadOrder;  // cancels ask may_cancel
  const Scopes scopes = order_scopes(gateway_, order.strategy, order.instrument);
  const Pages& pages = look(order.strategy, order.instrument);
  const KillLevel level =
      conditions == 0 ? pages.level : max_level(pages.level, KillLevel::ReduceOnly);
  if (!allowed(level, what)) return Reason::LastLookLevel;
  if (order.kill_epoch != pages.kill_epoch) return Reason::Stale;
  if (what == OrderClass::Entry) {
    if (!pages.permitted) return Reason::LastLookPermit;
    if (order.limits_epoch != pages.limits_epoch) return Reason::Stale;
  }
  // An approval as far in the future is as void as an old one; a little is the distance of two
  // cores.
  const Duration age = now - order.approved_at;
  if (age > order_age_max_ || age < Duration{-order_age_max_.ns}) return Reason::TooOld;
  if (what == OrderClass::Entry) return check_cap(order, scopes, book);
  return book.reduces(order.strategy, order.instrument, order.side, order.qty)
             ? Reason::None
             : Reason::NotReducing;
}

Reason LastLook::check_cap(const Order& order, const Scopes& scopes,
                           const OwnBook& book) const noexcept {
  const Notional cost = notional(order.price, order.qty);
  const Notional global{control_.caps[scopes[0]].load(std::memory_order_acquire)};
  const Notional strategy{control_.caps[scopes[2]].load(std::memory_order_acquire)};
  const bool fits =
      book.open_cost() + cost <= global && book.open_cost(order.strategy) + cost <= strategy;
  return fits ? Reason::None : Reason::LastLookCap;
}

bool LastLook::may_cancel(StrategyIndex strategy, InstrumentIndex instrument) const noexcept {
  if (strategy >= kMaxStrategies || instrument >= kMaxInstruments) return false;
  KillLevel highest = KillLevel::Run;
  for (const std::size_t slot : order_scopes(gateway_, strategy, instrument))
    highest = max_level(highest, kill_.read(slot).level);
  return allowed(highest, OrderClass::Cancel);
}

bool LastLook::may_sweep() const noexcept {
  const std::size_t gateway = scope_slot({ScopeKind::Gateway, gateway_});
  return allowed(max_level(kill_.read(0).level, kill_.read(gateway).level), OrderClass::Cancel);
}

}  // namespace sluice
