// The gateway's memory of orders: a fixed table found by id, with ended orders recycled oldest
// first, and the queues of what is still to be said about them. Plain bytes without padding: it is
// part of the stage's checkpoint and is compared byte by byte in replays.
//
// Writer and reader: the gateway stage. Invariant: an order is in each queue at most once, and an
// order that is in a queue is never recycled, so nothing that risk or the venue must hear is
// forgotten.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "core/id_index.hpp"
#include "gateway/order_state.hpp"

namespace sluice {

inline constexpr std::size_t kGatewayOrders = 1024;
using SlotIndex = std::uint16_t;
inline constexpr SlotIndex kNoSlot = 0xffff;

enum SlotFlags : std::uint8_t {
  kOwesState = 1u << 0,  // risk has not heard of the present state
  kQueuedTell = 1u << 1,
  kCancelKept = 1u << 2,  // cancel as soon as it is known to work
  kOwesCancel = 1u << 3,  // the session must get a cancel
  kOwesQuery = 1u << 4,
  kQueuedAsk = 1u << 5
};

struct OrderSlot {
  OrderId id;
  std::uint64_t venue_id;
  InstrumentIndex instrument;
  StrategyIndex strategy;
  Side side;
  OrderKind kind;
  OrderState state;
  Price price;  // limit
  Qty qty;
  Qty cum;               // filled, whether risk knows or not
  Qty told;              // filled as risk knows
  Notional untold_cost;  // of fills that risk does not know
  Price last_price;      // of the last fill
  HostTime changed_at;
  MarketTime venue_time;  // of the last event that carried one
  std::uint32_t untold_fills;
  std::uint16_t row;  // 1 + row of the stage page; 0 = none
  Reason reason;
  std::uint8_t flags;  // SlotFlags

  [[nodiscard]] constexpr bool has(SlotFlags flag) const noexcept { return (flags & flag) != 0; }
  constexpr void set(SlotFlags flag) noexcept { flags = static_cast<std::uint8_t>(flags | flag); }
  constexpr void clear(SlotFlags flag) noexcept {
    flags = static_cast<std::uint8_t>(flags & ~flag);
  }
};
static_assert(sizeof(OrderSlot) == 96 && std::has_unique_object_representations_v<OrderSlot>);

// First in, first out; the caller bounds its length.
template <class T, std::size_t N>
struct Fifo {
  std::array<T, N> items;
  std::uint32_t head;
  std::uint32_t count;

  [[nodiscard]] constexpr bool empty() const noexcept { return count == 0; }
  [[nodiscard]] constexpr bool full() const noexcept { return count == N; }
  [[nodiscard]] constexpr const T& front() const noexcept { return items[head]; }
  constexpr void push(const T& item) noexcept { items[(head + count++) % N] = item; }
  constexpr T pop() noexcept {
    const T item = items[head];
    head = (head + 1) % static_cast<std::uint32_t>(N);
    --count;
    return item;
  }
};

class OrderTable {
 public:
  [[nodiscard]] SlotIndex find(OrderId id) const noexcept {
    const std::size_t slot = index_.find(id, slots_);
    return slot == kGatewayOrders ? kNoSlot : static_cast<SlotIndex>(slot);
  }
  // A place for a new id; kNoSlot if every order is open or still owed.
  SlotIndex add(OrderId id) noexcept;
  // The order has reached a terminal state: it may be recycled from now on.
  void finish(SlotIndex slot) noexcept { finished_.push(slot); }

  [[nodiscard]] OrderSlot& at(SlotIndex slot) noexcept { return slots_[slot]; }
  [[nodiscard]] const OrderSlot& at(SlotIndex slot) const noexcept { return slots_[slot]; }
  [[nodiscard]] SlotIndex used() const noexcept { return static_cast<SlotIndex>(used_); }

 private:
  std::array<OrderSlot, kGatewayOrders> slots_{};
  IdIndex<kGatewayOrders> index_{};
  Fifo<SlotIndex, kGatewayOrders> finished_{};
  std::uint64_t used_ = 0;  // slots ever used
};
static_assert(std::is_trivially_copyable_v<OrderTable> &&
              std::has_unique_object_representations_v<OrderTable>);

}  // namespace sluice
