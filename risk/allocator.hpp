// How many lots one entry may have, in integers, and which constraint decided. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "core/types.hpp"

namespace sluice::risk {

// Travels in Report.qty.raw of an AllocatorZero refusal. On a tie the first one is named.
enum class Binding : std::uint8_t {
  Alloc = 1,
  Risk = 2,
  Cap = 3,
  Cash = 4,
  MaxLots = 5,
  Freeze = 6,
  BadInput = 7  // no price, lot or stop: zero lots
};
constexpr std::string_view name_of(Binding binding) noexcept {
  switch (binding) {
    case Binding::Alloc: return "alloc";
    case Binding::Risk: return "risk";
    case Binding::Cap: return "cap";
    case Binding::Cash: return "cash";
    case Binding::MaxLots: return "max_lots";
    case Binding::Freeze: return "freeze";
    case Binding::BadInput: return "bad_input";
  }
  return "?";
}

struct AllocationRequest {
  Notional equity;
  Notional cash;      // equity not in use
  Notional cap_left;  // of the tighter capital cap
  Ppm alloc;
  Ppm risk;
  Ppm stop;     // distance of the stop from the price
  Price price;  // the limit price: the most a share can cost
  Qty lot;
  Qty freeze;
  std::int64_t multiplier;
  std::int64_t max_lots;
};

struct Allocation {
  std::int64_t lots = 0;
  Binding binding = Binding::BadInput;
  Notional available{};  // what the binding constraint leaves, and
  Notional lot_needs{};  // what one lot needs of it (0 for MaxLots and Freeze)
};

Allocation allocate(const AllocationRequest& request) noexcept;

}  // namespace sluice::risk
