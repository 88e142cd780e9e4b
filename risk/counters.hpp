// Numbers risk publishes, by the enums the stage counts with. A position in a name array is the
// number; the driver writes the names into risk's page.
#pragma once

#include <array>
#include <string_view>

#include "risk/explain.hpp"

namespace sluice::risk {

enum class Counter : std::uint16_t {
  Intents = 0,
  OrdersEntry = 1,
  OrdersExit = 2,
  OrdersCancel = 3,
  Fills = 4,
  FillsRepeated = 5,  // a cum_qty that was applied already
  FillsLate = 6,      // of an order that had ended
  ExitsStopLoss = 7,
  ExitsTakeProfit = 8,
  ExitsStrategy = 9,
  ExitsRenewed = 10,  // sent again for a position whose exit did not fill
  ExitsPaused = 11,   // due, and the level forbids it
  Reapproved = 12,
  Overfills = 13,
  UnknownReports = 14,
  ReportsDeferred = 15,   // kept for a seat without room
  ReportsLost = 16,       // no place to keep one either
  TimesToLive = 17,       // orders whose time to live ran out
  RefusedByGateway = 18,  // rejects of gateway and venue; counted by reason as well
  OtherReason = 19,       // a reason that is not in the list
  FirstReject = 20        // + position in kReasons
};

enum class Histogram : std::uint8_t {
  IntentToOrder = 0,  // approved_at - decided_at
  TickToApprove = 1   // approved_at - origin
};
inline constexpr std::array<std::string_view, 2> kHistogramNames{"intent_to_order_ns",
                                                                 "tick_to_approve_ns"};

constexpr Counter reject_counter(Reason reason) noexcept {
  for (std::size_t i = 0; i < kReasons.size(); ++i)
    if (kReasons[i].reason == reason)
      return static_cast<Counter>(static_cast<std::size_t>(Counter::FirstReject) + i);
  return Counter::OtherReason;
}

namespace label {
struct LabelText {
  std::array<char, 56> text{};
  std::size_t size = 0;
  constexpr void add(std::string_view part) {
    for (const char c : part) text[size++] = c;
  }
};
consteval auto make_reject_names() {
  std::array<LabelText, kReasons.size()> names{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i].add("rejects_total{reason=\"");
    names[i].add(kReasons[i].name);
    names[i].add("\"}");
  }
  return names;
}
inline constexpr auto kRejectNames = make_reject_names();
}  // namespace label

inline constexpr std::size_t kCounters =
    static_cast<std::size_t>(Counter::FirstReject) + kReasons.size();
inline constexpr std::array<std::string_view, kCounters> kCounterNames = [] {
  std::array<std::string_view, kCounters> names{"intents_total",
                                                "orders_total{kind=\"entry\"}",
                                                "orders_total{kind=\"exit\"}",
                                                "orders_total{kind=\"cancel\"}",
                                                "fills_total",
                                                "fills_repeated_total",
                                                "fills_late_total",
                                                "exits_total{kind=\"stop_loss\"}",
                                                "exits_total{kind=\"take_profit\"}",
                                                "exits_total{kind=\"strategy\"}",
                                                "exits_renewed_total",
                                                "exits_paused_total",
                                                "reapproved_total",
                                                "overfills_total",
                                                "unknown_reports_total",
                                                "reports_deferred_total",
                                                "reports_lost_total",
                                                "times_to_live_total",
                                                "refused_by_gateway_total",
                                                "rejects_total{reason=\"other\"}"};
  for (std::size_t i = 0; i < kReasons.size(); ++i)
    names[static_cast<std::size_t>(Counter::FirstReject) + i] = {label::kRejectNames[i].text.data(),
                                                                 label::kRejectNames[i].size};
  return names;
}();

}  // namespace sluice::risk
