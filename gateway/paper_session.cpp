// What of the paper session does not depend on the kind of its log.
#include "gateway/paper_session.hpp"

namespace sluice {

bool event_of(const PaperEntry& entry, std::uint64_t position, std::uint64_t venue_id,
              Event& event) noexcept {
  event = {};
  switch (entry.what) {
    case PaperWhat::Placed:
    case PaperWhat::CancelAsked: return false;
    case PaperWhat::Filled: event.kind = EventKind::Fill; break;
    case PaperWhat::Cancelled: event.kind = EventKind::Cancelled; break;
    case PaperWhat::Expired: event.kind = EventKind::Expired; break;
    case PaperWhat::CancelRejected: event.kind = EventKind::CancelReject; break;
    default: return false;
  }
  event.id = entry.id;
  event.venue_id = venue_id;
  event.sequence = static_cast<std::uint32_t>(position + 1);
  event.price = entry.price;
  event.qty = entry.qty;
  event.cum_qty = entry.cum_qty;
  return true;
}

Event answer_of(const PaperBook& venue, OrderId id) noexcept {
  Event event{};
  event.id = id;
  event.kind = EventKind::QueryResult;
  OrderState state{};
  Notional cost{};
  if (const PaperOrder* order = venue.find(id); order != nullptr) {
    state = order->cancel_asked  ? OrderState::CancelPending
            : order->cum > Qty{} ? OrderState::Partial
                                 : OrderState::Working;
    event.venue_id = order->venue_id;
    event.qty = order->qty;
    event.cum_qty = order->cum;
    cost = order->cost;
  } else if (const PaperEnd* end = venue.find_end(id); end != nullptr) {
    state = end->state;
    event.venue_id = end->venue_id;
    event.qty = end->qty;
    event.cum_qty = end->cum;
    cost = end->cost;
  } else {
    event.reason = Reason::NotFound;
    return event;
  }
  event.code = static_cast<std::uint16_t>(state);
  event.price = average_price(cost, event.cum_qty);
  return event;
}

std::size_t count_mismatches(const PaperBook& venue, const GatewayStage::State& stage) noexcept {
  std::size_t mismatches = 0;
  for (std::size_t i = 0; i < venue.open(); ++i) {
    const PaperOrder& order = venue.order(i);
    const SlotIndex slot = stage.orders.find(order.id);
    const bool agree = slot != kNoSlot && !is_terminal(stage.orders.at(slot).state) &&
                       stage.orders.at(slot).cum == order.cum;
    mismatches += agree ? 0u : 1u;
  }
  for (SlotIndex i = 0; i < stage.orders.used(); ++i) {
    const OrderSlot& slot = stage.orders.at(i);
    if (!is_terminal(slot.state)) {
      mismatches += venue.find(slot.id) == nullptr ? 1u : 0u;
    } else if (const PaperEnd* end = venue.find_end(slot.id); end != nullptr) {
      mismatches += end->cum == slot.cum ? 0u : 1u;
    } else if (venue.find(slot.id) ==
               nullptr) {  // never at the venue, or so long ago that it forgot
      mismatches += slot.cum > Qty{} && venue.ends().size() < PaperBook::kEnds ? 1u : 0u;
    }
  }
  return mismatches;
}

}  // namespace sluice
