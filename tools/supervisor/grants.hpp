// What the supervisor stores into the control page, each in the order that a death may cut
// anywhere: tests/property/crash_control_test.cpp kills it behind every instruction.
#pragma once

#include <bitset>

#include "core/control_page.hpp"

namespace sluice {

// A gate that sees the new lease epoch in this word holds every permit of an earlier one for void.
inline void beat(ControlPage& control, std::uint16_t lease_epoch, std::uint64_t now_us) noexcept {
  control.heartbeat.store(encode_heartbeat({lease_epoch, now_us}),
                          std::memory_order_release);  // pairs with ControlPage::beat
}

// The epoch first, so that no later supervisor grants it again; the global scope last, because
// without it none of the others lets anything in.
inline void grant_permits(ControlPage& control, std::uint16_t lease_epoch,
                          const std::bitset<kScopes>& withheld) noexcept {
  const auto epoch =
      static_cast<std::uint32_t>(control.permit_epoch.fetch_add(1, std::memory_order_release) + 1);
  for (std::size_t slot = kScopes; slot-- > 0;)
    if (control.scope_exists(scope_at(slot)) && !withheld.test(slot))
      control.permits[slot].store(encode_permit(control.header.run_id, lease_epoch, slot, epoch),
                                  std::memory_order_release);
  control.changes.fetch_add(1, std::memory_order_release);
}

// One store ends all new risk.
inline void void_permits(ControlPage& control) noexcept {
  control.permits[0].store(0, std::memory_order_release);
  control.changes.fetch_add(1, std::memory_order_release);
}

inline void set_cap(ControlPage& control, std::size_t slot, Notional cap) noexcept {
  control.caps[slot].store(cap.raw, std::memory_order_release);
  control.changes.fetch_add(1, std::memory_order_release);
}

}  // namespace sluice
