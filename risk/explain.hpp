// Every reason of a refusal in words: its name in counters and reports, what it means, the unit of
// the value and limit that a GateRow carries for it, and what changes the answer. The source of
// `why`.
#pragma once

#include <array>
#include <string_view>

#include "core/records.hpp"

namespace sluice::risk {

// How to print GateRow.value and .limit.
enum class Unit : std::uint8_t {
  None = 0,
  Money = 1,  // raw at 1e-8
  Quantity = 2,
  Ppm = 3,
  Nanos = 4,
  Count = 5,
  Level = 6,  // KillLevel
  Bits = 7,   // Condition or FeedTrouble bits
  Edge = 8,   // topology number
  Id = 9      // counter of an OrderId
};

struct ReasonText {
  Reason reason;
  std::string_view name;
  std::string_view meaning;
  Unit unit;
  std::string_view remedy;
};

inline constexpr std::array kReasons{
    ReasonText{Reason::NoPermit, "no_permit",
               "not all four scopes (global, gateway, strategy, instrument) hold a permit; value = "
               "how many do",
               Unit::Count,
               "the supervisor grants permits when every process is ready and of one build"},
    ReasonText{Reason::KillLevel, "kill_level",
               "the highest kill level of the four scopes forbids it", Unit::Level,
               "sluicectl rearm, once its preconditions hold"},
    ReasonText{Reason::Condition, "condition",
               "an automatic condition holds this process at REDUCE_ONLY", Unit::Bits,
               "it lifts by itself when its cause is gone; sluicectl status names it"},
    ReasonText{Reason::NotReady, "not_ready",
               "the gateway has not finished its startup reconciliation", Unit::None,
               "wait for the reconciliation, or clear what it found"},
    ReasonText{Reason::DuplicateId, "duplicate_id",
               "the intent's id does not rise above the seat's last one", Unit::Id,
               "a defect of the strategy process: restart the seat"},
    ReasonText{Reason::IntentTooOld, "intent_too_old",
               "the intent waited too long before risk saw it", Unit::Nanos,
               "find the stall, or raise risk.max_intent_age_ms"},
    ReasonText{Reason::UnknownInstrument, "unknown_instrument", "there is no such instrument",
               Unit::Count, "add an [[instrument]] to the configuration"},
    ReasonText{Reason::StrategyDisabled, "strategy_disabled",
               "the strategy is not configured for this instrument or seat", Unit::Count,
               "add the instrument to the [[strategy]]"},
    ReasonText{Reason::NoQuote, "no_quote", "no two-sided quote has arrived yet", Unit::Money,
               "wait for the feed; check its subscription"},
    ReasonText{Reason::StaleTick, "stale_tick", "the last quote is too old in market time",
               Unit::Nanos, "wait for a fresh quote; check the feed"},
    ReasonText{
        Reason::FeedDown, "feed_down",
        "the feed is stale, lost its session or lost records, and no newer state has arrived",
        Unit::Bits, "wait for the feed to reconnect and deliver a quote"},
    ReasonText{Reason::PriceCollar, "price_collar",
               "even the touch is too far from the middle of the market", Unit::Ppm,
               "wait for a narrower market, or raise risk.collar"},
    ReasonText{Reason::Spread, "spread",
               "the spread is too wide, or the quote is crossed (negative)", Unit::Ppm,
               "wait for a narrower market, or raise risk.max_spread"},
    ReasonText{Reason::DailyLoss, "daily_loss",
               "realised and unrealised loss of the day reached its limit", Unit::Money,
               "it lifts with the next UTC day of market time, or as open positions recover"},
    ReasonText{Reason::Cooldown, "cooldown", "too soon after the last exit of this strategy here",
               Unit::Nanos, "wait; risk.cooldown_s of market time"},
    ReasonText{Reason::SameSide, "same_side",
               "enough entries are open on this side of the instrument", Unit::Count,
               "an exit frees a place; risk.max_same_side"},
    ReasonText{Reason::OpenOrders, "open_orders", "enough orders are working", Unit::Count,
               "fills, cancels and expiry free places; risk.max_open_orders"},
    ReasonText{Reason::AllocatorZero, "allocator_zero",
               "not even one lot fits; value = what one lot needs, limit = what the named "
               "constraint leaves",
               Unit::Money, "more equity, a larger step of the rollout, or a smaller lot"},
    ReasonText{Reason::SizeLimit, "size_limit", "the order is larger than one order may be",
               Unit::Quantity, "lower risk.max_lots, or raise risk.max_order_qty"},
    ReasonText{Reason::NotionalLimit, "notional_limit",
               "the order is worth more than one order may be", Unit::Money,
               "lower risk.alloc, or raise risk.max_order_notional"},
    ReasonText{Reason::CapitalCap, "capital_cap",
               "capital in use plus this order exceeds the cap of the step", Unit::Money,
               "exits free capital; the rollout raises the cap"},
    ReasonText{Reason::RingFull, "ring_full", "an output of risk has no room", Unit::Edge,
               "the process behind that edge is stopped or slow"},
    ReasonText{Reason::NoPosition, "no_position", "there is nothing (left) to reduce",
               Unit::Quantity, "nothing to do: it is flat, or its exit works already"},
    ReasonText{Reason::UnknownTarget, "unknown_target", "no order with this id works", Unit::Id,
               "nothing to do: it has ended already"},
    ReasonText{Reason::TableFull, "table_full", "no place for another working order", Unit::Count,
               "fills, cancels and expiry free places"},
    ReasonText{Reason::BadIntent, "bad_intent", "a field of the intent makes no sense", Unit::Count,
               "a defect of the strategy process"},
    ReasonText{Reason::LastLookLevel, "last_look_level",
               "the gateway saw a higher kill level before the send", Unit::Level,
               "sluicectl rearm, once its preconditions hold"},
    ReasonText{Reason::LastLookPermit, "last_look_permit",
               "the gateway saw a void permit before the send", Unit::None, "see no_permit"},
    ReasonText{Reason::Stale, "stale", "approved under older kill or permit epochs", Unit::None,
               "entries: the next signal; exits are approved again at once"},
    ReasonText{Reason::TooOld, "too_old", "the approval was too old when it could be sent",
               Unit::Nanos, "find the stall between risk and gateway"},
    ReasonText{Reason::LastLookCap, "last_look_cap",
               "the gateway's own open cost plus this order exceeds the cap", Unit::Money,
               "see capital_cap"},
    ReasonText{Reason::NotReducing, "not_reducing",
               "a reducing order would not reduce what the gateway knows", Unit::Quantity,
               "reconcile: risk and gateway disagree on the position"},
    ReasonText{Reason::SessionDown, "session_down", "the gateway's session is not connected",
               Unit::None, "wait for the session"},
    ReasonText{Reason::LogFull, "log_full", "the paper order log has no room", Unit::None,
               "the recorder is stopped or slow"},
    ReasonText{Reason::BadOrder, "bad_order", "a field of the order makes no sense to the gateway",
               Unit::None, "a defect: risk and gateway disagree"},
    ReasonText{Reason::VenueReject, "venue_reject", "the venue refused it", Unit::None,
               "the gateway's log has the venue's words"},
    ReasonText{Reason::NotFound, "not_found", "the venue has no trace of it: it was never sent",
               Unit::None, "nothing to do"},
};

inline constexpr ReasonText kPassed{Reason::None, "none", "passed", Unit::None, ""};

constexpr const ReasonText& explain(Reason reason) noexcept {
  for (const ReasonText& text : kReasons)
    if (text.reason == reason) return text;
  return kPassed;
}

}  // namespace sluice::risk
