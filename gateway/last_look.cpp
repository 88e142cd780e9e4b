#include "gateway/last_look.hpp"

namespace sluice {

const LastLook::KillSeen& LastLook::kill_at(std::size_t slot) noexcept {
  KillSeen& seen = kills_[slot];
  // acquire: pairs with the CAS of raise and rearm
  const std::uint64_t word = kill_.words[slot].load(std::memory_order_acquire);
  if (word != seen.word) [[unlikely]] {
    const KillWord decoded = decode_kill(kill_.run_id(), slot, word);
    seen = {word, decoded.epoch, decoded.level};
  }
  return seen;
}

LastLook::Standing LastLook::standing(const Scopes& scopes) noexcept {
  Standing result;
  for (const std::size_t slot : scopes) {
    const KillSeen& seen = kill_at(slot);
    result.level = max_level(result.level, seen.level);
    result.epoch += seen.epoch;  // wraps, as risk's sum does
  }
  return result;
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
  const Standing stand = standing(scopes);
  const KillLevel level =
      conditions == 0 ? stand.level : max_level(stand.level, KillLevel::ReduceOnly);
  if (!allowed(level, what)) return Reason::LastLookLevel;
  if (order.kill_epoch != stand.epoch) return Reason::Stale;
  if (what == OrderClass::Entry) {
    const Reason permits = check_permits(order, scopes);
    if (permits != Reason::None) return permits;
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

Reason LastLook::check_permits(const Order& order, const Scopes& scopes) noexcept {
  const std::uint16_t lease_epoch = control_.beat().lease_epoch;
  if (lease_epoch !=
      lease_epoch_) {  // a new supervisor: everything its predecessor allowed is void
    lease_epoch_ = lease_epoch;
    permits_.fill(PermitSeen{});
  }
  std::uint32_t epoch = 0;
  bool valid = true;
  for (const std::size_t slot : scopes) {
    PermitSeen& seen = permits_[slot];
    const std::uint64_t word = control_.permits[slot].load(std::memory_order_acquire);
    if (word != seen.word) [[unlikely]] {
      const Permit decoded = decode_permit(control_.header.run_id, lease_epoch, slot, word);
      seen = {word, decoded.epoch, decoded.valid};
    }
    valid &= seen.valid;
    epoch += seen.epoch;
  }
  if (!valid) return Reason::LastLookPermit;
  return order.limits_epoch == epoch ? Reason::None : Reason::Stale;
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

bool LastLook::may_cancel(StrategyIndex strategy, InstrumentIndex instrument) noexcept {
  if (strategy >= kMaxStrategies || instrument >= kMaxInstruments) return false;
  return allowed(standing(order_scopes(gateway_, strategy, instrument)).level, OrderClass::Cancel);
}

bool LastLook::may_sweep() noexcept {
  const std::size_t gateway = scope_slot({ScopeKind::Gateway, gateway_});
  return allowed(max_level(kill_at(0).level, kill_at(gateway).level), OrderClass::Cancel);
}

}  // namespace sluice
