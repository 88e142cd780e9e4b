#include "gateway/order_table.hpp"

namespace sluice {

SlotIndex OrderTable::add(OrderId id) noexcept {
  SlotIndex slot = kNoSlot;
  if (used_ < kGatewayOrders) {
    slot = static_cast<SlotIndex>(used_++);
  } else {
    if (finished_.empty()) return kNoSlot;
    const OrderSlot& oldest = slots_[finished_.front()];
    // It is owed only while the report edge is full, and then new risk is stopped anyway.
    if (oldest.has(kQueuedTell) || oldest.has(kQueuedAsk)) return kNoSlot;
    slot = finished_.pop();
    forget(slots_[slot].id);
  }
  const std::uint16_t row = slots_[slot].row;
  slots_[slot] = OrderSlot{};
  slots_[slot].id = id;
  slots_[slot].row = row;
  std::size_t i = home(id);
  while (index_[i] != 0) i = (i + 1) % kIndex;
  index_[i] = static_cast<std::uint16_t>(slot + 1);
  return slot;
}

// Removes by shifting back what probed over the gap, so that no tombstones pile up.
void OrderTable::forget(OrderId id) noexcept {
  std::size_t gap = home(id);
  while (index_[gap] == 0 || slots_[index_[gap] - 1u].id != id) gap = (gap + 1) % kIndex;
  for (std::size_t i = (gap + 1) % kIndex; index_[i] != 0; i = (i + 1) % kIndex) {
    const std::size_t from_home = (i - home(slots_[index_[i] - 1u].id)) % kIndex;
    const std::size_t from_gap = (i - gap) % kIndex;
    if (from_home < from_gap) continue;  // its home lies behind the gap
    index_[gap] = index_[i];
    gap = i;
  }
  index_[gap] = 0;
}

}  // namespace sluice
