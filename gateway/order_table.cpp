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
    index_.remove(slots_[slot].id, slots_);
  }
  const std::uint16_t row = slots_[slot].row;
  slots_[slot] = OrderSlot{};
  slots_[slot].id = id;
  slots_[slot].row = row;
  index_.add(id, slot);
  return slot;
}

}  // namespace sluice
