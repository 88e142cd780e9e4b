// Names of states and events, for sluicectl, logs and tests.
#include "gateway/order_state.hpp"

namespace sluice {

std::string_view name_of(OrderState state) noexcept {
  switch (state) {
    case OrderState::Sending: return "sending";
    case OrderState::Sent: return "sent";
    case OrderState::Working: return "working";
    case OrderState::Partial: return "partial";
    case OrderState::CancelPending: return "cancel pending";
    case OrderState::InDoubt: return "in doubt";
    case OrderState::Filled: return "filled";
    case OrderState::Cancelled: return "cancelled";
    case OrderState::Expired: return "expired";
    case OrderState::Rejected: return "rejected";
  }
  return "?";
}

std::string_view name_of(OrderEvent event) noexcept {
  switch (event) {
    case OrderEvent::Sent: return "sent";
    case OrderEvent::Refused: return "refused";
    case OrderEvent::Ack: return "ack";
    case OrderEvent::FillPart: return "part fill";
    case OrderEvent::FillAll: return "last fill";
    case OrderEvent::Cancelled: return "cancelled";
    case OrderEvent::Expired: return "expired";
    case OrderEvent::VenueReject: return "venue reject";
    case OrderEvent::CancelReject: return "cancel reject";
    case OrderEvent::CancelRejectPart: return "cancel reject, part filled";
    case OrderEvent::CancelAsked: return "cancel asked";
    case OrderEvent::Recovered: return "recovered";
    case OrderEvent::NotFound: return "not found";
  }
  return "?";
}

}  // namespace sluice
