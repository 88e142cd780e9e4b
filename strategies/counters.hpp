// Numbers a seat publishes, by the enums the stage counts with. A position in a name array is the
// number; the driver writes the names into the seat's page.
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "core/records.hpp"

namespace sluice::strategies {

// The reasons a report can bring back, in the order of their counters. The words are risk's
// (risk/explain.hpp); a test compares the two, because stages never include each other.
struct ReasonWord {
  Reason reason;
  std::string_view word;
};
inline constexpr std::array kReasonWords{
    ReasonWord{Reason::NoPermit, "no_permit"},
    ReasonWord{Reason::KillLevel, "kill_level"},
    ReasonWord{Reason::Condition, "condition"},
    ReasonWord{Reason::NotReady, "not_ready"},
    ReasonWord{Reason::DuplicateId, "duplicate_id"},
    ReasonWord{Reason::IntentTooOld, "intent_too_old"},
    ReasonWord{Reason::UnknownInstrument, "unknown_instrument"},
    ReasonWord{Reason::StrategyDisabled, "strategy_disabled"},
    ReasonWord{Reason::NoQuote, "no_quote"},
    ReasonWord{Reason::StaleTick, "stale_tick"},
    ReasonWord{Reason::FeedDown, "feed_down"},
    ReasonWord{Reason::PriceCollar, "price_collar"},
    ReasonWord{Reason::Spread, "spread"},
    ReasonWord{Reason::DailyLoss, "daily_loss"},
    ReasonWord{Reason::Cooldown, "cooldown"},
    ReasonWord{Reason::SameSide, "same_side"},
    ReasonWord{Reason::OpenOrders, "open_orders"},
    ReasonWord{Reason::AllocatorZero, "allocator_zero"},
    ReasonWord{Reason::SizeLimit, "size_limit"},
    ReasonWord{Reason::NotionalLimit, "notional_limit"},
    ReasonWord{Reason::CapitalCap, "capital_cap"},
    ReasonWord{Reason::RingFull, "ring_full"},
    ReasonWord{Reason::NoPosition, "no_position"},
    ReasonWord{Reason::UnknownTarget, "unknown_target"},
    ReasonWord{Reason::TableFull, "table_full"},
    ReasonWord{Reason::BadIntent, "bad_intent"},
    ReasonWord{Reason::LastLookLevel, "last_look_level"},
    ReasonWord{Reason::LastLookPermit, "last_look_permit"},
    ReasonWord{Reason::Stale, "stale"},
    ReasonWord{Reason::TooOld, "too_old"},
    ReasonWord{Reason::LastLookCap, "last_look_cap"},
    ReasonWord{Reason::NotReducing, "not_reducing"},
    ReasonWord{Reason::SessionDown, "session_down"},
    ReasonWord{Reason::LogFull, "log_full"},
    ReasonWord{Reason::BadOrder, "bad_order"},
    ReasonWord{Reason::VenueReject, "venue_reject"},
    ReasonWord{Reason::NotFound, "not_found"},
};

enum class Counter : std::uint16_t {
  Ticks = 0,
  Reports = 1,
  Signals = 2,
  Intents = 3,
  Superseded = 4,       // a signal behind the first one on the same tick
  RefusedRingFull = 5,  // local: the intent was never formed
  RefusedOutstanding = 6,
  RefusedMissingData = 7,
  RefusedMinGap = 8,
  ReportsUnknown = 9,  // of no strategy of this seat
  RejectedOther = 10,  // a reason that is not in the list
  FirstRejected = 11   // + position in kReasonWords
};

enum class Histogram : std::uint8_t {
  TickToIntent = 0,  // now - rx_time of the causing tick, of each intent
  Evaluation = 1     // recorded by the driver: a stage reads no clock
};
inline constexpr std::array<std::string_view, 2> kHistogramNames{"tick_to_intent_ns",
                                                                 "strategy_evaluation_ns"};

constexpr Counter rejected_counter(Reason reason) noexcept {
  for (std::size_t i = 0; i < kReasonWords.size(); ++i)
    if (kReasonWords[i].reason == reason)
      return static_cast<Counter>(static_cast<std::size_t>(Counter::FirstRejected) + i);
  return Counter::RejectedOther;
}

namespace label {
struct LabelText {
  std::array<char, 56> text{};
  std::size_t size = 0;
  constexpr void add(std::string_view part) {
    for (const char c : part) text[size++] = c;
  }
};
consteval auto make_rejected_names() {
  std::array<LabelText, kReasonWords.size()> names{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    names[i].add("signals_rejected_total{reason=\"");
    names[i].add(kReasonWords[i].word);
    names[i].add("\"}");
  }
  return names;
}
inline constexpr auto kRejectedNames = make_rejected_names();
}  // namespace label

inline constexpr std::size_t kCounters =
    static_cast<std::size_t>(Counter::FirstRejected) + kReasonWords.size();
inline constexpr std::array<std::string_view, kCounters> kCounterNames = [] {
  std::array<std::string_view, kCounters> names{"ticks_total",
                                                "reports_total",
                                                "signals_generated_total",
                                                "intents_total",
                                                "signals_superseded_total",
                                                "signals_rejected_total{reason=\"seat_ring_full\"}",
                                                "signals_rejected_total{reason=\"outstanding\"}",
                                                "signals_rejected_total{reason=\"missing_data\"}",
                                                "signals_rejected_total{reason=\"min_gap\"}",
                                                "reports_unknown_total",
                                                "signals_rejected_total{reason=\"other\"}"};
  for (std::size_t i = 0; i < kReasonWords.size(); ++i)
    names[static_cast<std::size_t>(Counter::FirstRejected) + i] = {
        label::kRejectedNames[i].text.data(), label::kRejectedNames[i].size};
  return names;
}();

}  // namespace sluice::strategies
