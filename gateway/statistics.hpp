// Numbers of the gateway: counters of the stage and histograms of its session, with their names.
// The enumerators index the stage page's statistics; append only behind the last one of a release.
#pragma once

#include <array>
#include <cstddef>
#include <string_view>

#include "core/records.hpp"

namespace sluice {

enum class GatewayCounter : std::size_t {
  OrdersReceived,
  CommandsSent,
  ReportsSent,
  EventsReceived,
  SentVerdicts,
  Acks,
  Fills,
  Cancels,
  Expiries,
  CancelsAsked,
  CancelsLate,
  CancelRejects,
  Queries,
  InDoubt,
  Sweeps,
  SweepsDone,
  Reconciliations,
  Mismatches,
  Duplicates,
  Anomalies,
  Repeats,
  FillsRepeated,
  FillGaps,
  UnknownOrders,
  ReportsLost,
  OpenOrders,  // a gauge
  // refusals by reason, in the order of kRejectReasons
  RejectNotReady,
  RejectDuplicateId,
  RejectOpenOrders,
  RejectRingFull,
  RejectUnknownTarget,
  RejectTableFull,
  RejectLastLookLevel,
  RejectLastLookPermit,
  RejectStale,
  RejectTooOld,
  RejectLastLookCap,
  RejectNotReducing,
  RejectSessionDown,
  RejectLogFull,
  RejectBadOrder,
  RejectVenue,
  RejectNotFound,
  RejectOther,
  kCount
};

inline constexpr std::array<std::string_view, static_cast<std::size_t>(GatewayCounter::kCount)>
    kGatewayCounters{"orders_received",
                     "commands_sent",
                     "reports_sent",
                     "events_received",
                     "sent_verdicts",
                     "acks",
                     "fills",
                     "cancels",
                     "expiries",
                     "cancels_asked",
                     "cancels_late",
                     "cancel_rejects",
                     "queries",
                     "in_doubt",
                     "sweeps",
                     "sweeps_done",
                     "reconciliations",
                     "mismatches",
                     "duplicates",
                     "anomalies",
                     "repeats",
                     "fills_repeated",
                     "fill_gaps",
                     "unknown_orders",
                     "reports_lost",
                     "open_orders",
                     "reject_not_ready",
                     "reject_duplicate_id",
                     "reject_open_orders",
                     "reject_ring_full",
                     "reject_unknown_target",
                     "reject_table_full",
                     "reject_last_look_level",
                     "reject_last_look_permit",
                     "reject_stale",
                     "reject_too_old",
                     "reject_last_look_cap",
                     "reject_not_reducing",
                     "reject_session_down",
                     "reject_log_full",
                     "reject_bad_order",
                     "reject_venue",
                     "reject_not_found",
                     "reject_other"};
static_assert(!kGatewayCounters.back().empty());

inline constexpr std::array kRejectReasons{
    Reason::NotReady,      Reason::DuplicateId, Reason::OpenOrders,    Reason::RingFull,
    Reason::UnknownTarget, Reason::TableFull,   Reason::LastLookLevel, Reason::LastLookPermit,
    Reason::Stale,         Reason::TooOld,      Reason::LastLookCap,   Reason::NotReducing,
    Reason::SessionDown,   Reason::LogFull,     Reason::BadOrder,      Reason::VenueReject,
    Reason::NotFound};

constexpr GatewayCounter reject_counter(Reason reason) noexcept {
  auto index = static_cast<std::size_t>(GatewayCounter::RejectNotReady);
  for (Reason known : kRejectReasons) {
    if (known == reason) break;
    ++index;
  }
  return static_cast<GatewayCounter>(index);
}
static_assert(reject_counter(Reason::NotReady) == GatewayCounter::RejectNotReady);
static_assert(reject_counter(Reason::NotFound) == GatewayCounter::RejectNotFound);
static_assert(reject_counter(Reason::Spread) == GatewayCounter::RejectOther);

// Recorded by the session when an order has left.
enum class GatewayHistogram : std::size_t { kTickToSend, kApproveToSend, kCount };

inline constexpr std::array<std::string_view, static_cast<std::size_t>(GatewayHistogram::kCount)>
    kGatewayHistograms{"tick_to_send_ns", "approve_to_send_ns"};

}  // namespace sluice
