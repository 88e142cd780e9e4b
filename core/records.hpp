// The whole vocabulary between processes: six records of 56 bytes. With the 8-byte word in front of
// it (the slot's sequence in a ring, {crc, edge, dt} in a journal) a record fills one cache line.
//
// Trivially copyable, no padding, no floats; asserted below each record and hashed into every
// segment header. Enumerators are explicit, start at 1 and are never reused; 0 means not set.
#pragma once

#include <array>
#include <bit>
#include <concepts>
#include <type_traits>

#include "core/layout.hpp"
#include "core/levels.hpp"
#include "core/types.hpp"

namespace sluice {

inline constexpr std::size_t kPayloadWords = 7;
using Payload = std::array<std::uint64_t, kPayloadWords>;

template <class T>
concept Record = std::is_trivially_copyable_v<T> && std::is_standard_layout_v<T> &&
                     std::has_unique_object_representations_v<T> && sizeof(T) == sizeof(Payload) &&
                 alignof(T) == alignof(std::uint64_t) && requires {
  Layout<T>::kFields;
};

template <class R>
constexpr Payload to_payload(const R& record) noexcept {
  return std::bit_cast<Payload>(record);
}
template <class R>
constexpr R from_payload(const Payload& payload) noexcept {
  return std::bit_cast<R>(payload);
}

// Hashed into every layout: raise it when a meaning changes and no field does (a scale, an
// enumerator).
inline constexpr std::uint32_t kSchemaVersion = 1;

// ---- Tick
enum class TickKind : std::uint8_t { Quote = 1, Trade = 2, Day = 3, Status = 4 };

enum TickFlags : std::uint8_t {
  kTimeInferred = 1u << 0,  // the message carried no time; venue_time is the feed's market now
  kBuyerIsMaker = 1u << 1,  // TRADE: the aggressor sold
  kAfterGap = 1u << 2       // first state delivered after a STATUS gap
};

// value[0] of a STATUS tick; value[1] is the exact count where there is one, value[2] and value[3]
// detail.
enum class StatusCode : std::int64_t {
  Gap = 1,        // value[1] records were not delivered on this edge; the newest state follows
  Stale = 2,      // value[1] = age in ms of the last message
  Fresh = 3,      // messages arrive again
  SessionUp = 4,  // connected and subscribed; value[1] = number of connections so far
  SessionDown = 5,
  VenueGap =
      6,  // the venue's own sequence jumped; value[1] = missing updates, [2] expected, [3] got
  Resynced = 7,  // the book was bridged again by a snapshot; value[1] = its lastUpdateId
  EndOfData = 8  // a recorded source has no more
};

struct Tick {
  InstrumentIndex instrument;
  TickKind kind;
  std::uint8_t flags;
  std::uint16_t source;               // index of the feed connection
  MarketTime venue_time;              // ns since the Unix epoch
  HostTime rx_time;                   // when the frame was in hand
  std::array<std::int64_t, 4> value;  // by kind:
  // QUOTE  bid, ask (Price), bid quantity, ask quantity (Qty)
  // TRADE  price, quantity, day volume (0 = unknown), open interest (0 = unknown)
  // DAY    open, high, low, previous close
  // STATUS StatusCode, count, detail, detail

  [[nodiscard]] constexpr Price bid() const noexcept { return {value[0]}; }
  [[nodiscard]] constexpr Price ask() const noexcept { return {value[1]}; }
  [[nodiscard]] constexpr Qty bid_qty() const noexcept { return {value[2]}; }
  [[nodiscard]] constexpr Qty ask_qty() const noexcept { return {value[3]}; }
  [[nodiscard]] constexpr Price price() const noexcept { return {value[0]}; }
  [[nodiscard]] constexpr Qty qty() const noexcept { return {value[1]}; }
  [[nodiscard]] constexpr StatusCode status() const noexcept {
    return static_cast<StatusCode>(value[0]);
  }
  [[nodiscard]] constexpr std::int64_t count() const noexcept { return value[1]; }
};

template <>
struct Layout<Tick> {
  static constexpr std::string_view kName = "Tick";
  static constexpr std::uint32_t kVersion = kSchemaVersion;
  static constexpr std::array kFields{
      SLUICE_FIELD(Tick, instrument, Integer), SLUICE_FIELD(Tick, kind, Enum),
      SLUICE_FIELD(Tick, flags, Integer),      SLUICE_FIELD(Tick, source, Integer),
      SLUICE_FIELD(Tick, venue_time, Time),    SLUICE_FIELD(Tick, rx_time, Time),
      SLUICE_FIELD(Tick, value, Amount)};
};
static_assert(Record<Tick> && fields_tile<Tick>());

// ---- Intent
enum class Action : std::uint8_t { Enter = 1, Exit = 2, Cancel = 3 };

// Why a strategy acted (Intent.reason).
enum class IntentReason : std::uint16_t { Breakout = 1, Manual = 2 };

struct Intent {
  OrderId id;  // unique; CANCEL carries its target's id
  InstrumentIndex instrument;
  SeatIndex seat;
  StrategyIndex strategy;
  Side side;
  Action action;
  Price price;            // reference price of the decision; risk sets the limit price
  std::int64_t quantity;  // ENTER: multiplier 1..3. EXIT: raw Qty, 0 = the whole position
  HostTime origin;        // rx_time of the causing tick
  HostTime decided_at;
  std::uint32_t parameter_epoch;
  IntentReason reason;
  std::uint16_t flags;
};

template <>
struct Layout<Intent> {
  static constexpr std::string_view kName = "Intent";
  static constexpr std::uint32_t kVersion = kSchemaVersion;
  static constexpr std::array kFields{SLUICE_FIELD(Intent, id, Id),
                                      SLUICE_FIELD(Intent, instrument, Integer),
                                      SLUICE_FIELD(Intent, seat, Integer),
                                      SLUICE_FIELD(Intent, strategy, Integer),
                                      SLUICE_FIELD(Intent, side, Enum),
                                      SLUICE_FIELD(Intent, action, Enum),
                                      SLUICE_FIELD(Intent, price, Amount),
                                      SLUICE_FIELD(Intent, quantity, Integer),
                                      SLUICE_FIELD(Intent, origin, Time),
                                      SLUICE_FIELD(Intent, decided_at, Time),
                                      SLUICE_FIELD(Intent, parameter_epoch, Integer),
                                      SLUICE_FIELD(Intent, reason, Enum),
                                      SLUICE_FIELD(Intent, flags, Integer)};
};
static_assert(Record<Intent> && fields_tile<Intent>());

// ---- Order
enum class OrderKind : std::uint8_t {
  Entry = 1,
  StopLoss = 2,
  TakeProfit = 3,
  StrategyExit = 4,
  Cancel = 5,  // id is the target's
  SessionExit = 6
};

// What the kill table distinguishes: an entry, an exit a strategy asked for, an exit risk decided,
// a cancel.
enum class OrderClass : std::uint8_t {
  Entry = 1,
  StrategyExit = 2,
  ProtectiveExit = 3,
  Cancel = 4
};
constexpr OrderClass class_of(OrderKind kind) noexcept {
  switch (kind) {
    case OrderKind::Entry: return OrderClass::Entry;
    case OrderKind::StrategyExit: return OrderClass::StrategyExit;
    case OrderKind::StopLoss:
    case OrderKind::TakeProfit:
    case OrderKind::SessionExit: return OrderClass::ProtectiveExit;
    case OrderKind::Cancel: return OrderClass::Cancel;
  }
  return OrderClass::Entry;  // an unknown kind gets the strictest treatment
}

// The level x action table (rows RUN to SEVER). The one place where it is decided what a level lets
// pass.
constexpr bool allowed(KillLevel level, OrderClass what) noexcept {
  switch (level) {
    case KillLevel::Run: return true;
    case KillLevel::ReduceOnly: return what != OrderClass::Entry;
    case KillLevel::Halt:
    case KillLevel::Cancel:
    case KillLevel::Flatten: return what == OrderClass::Cancel;
    case KillLevel::Sever:
    case KillLevel::Ended: return false;
  }
  return false;
}

struct Order {
  OrderId id;
  InstrumentIndex instrument;
  StrategyIndex strategy;
  Side side;
  OrderKind kind;
  std::uint8_t flags;
  Price price;      // limit price, on the instrument's tick
  Qty qty;          // > 0 except CANCEL
  HostTime origin;  // rx_time of the causing tick, from end to end
  HostTime approved_at;
  std::uint32_t kill_epoch;    // sum of the scope epochs of the kill words that risk decided with
  std::uint32_t limits_epoch;  // likewise of the permits
};

template <>
struct Layout<Order> {
  static constexpr std::string_view kName = "Order";
  static constexpr std::uint32_t kVersion = kSchemaVersion;
  static constexpr std::array kFields{SLUICE_FIELD(Order, id, Id),
                                      SLUICE_FIELD(Order, instrument, Integer),
                                      SLUICE_FIELD(Order, strategy, Integer),
                                      SLUICE_FIELD(Order, side, Enum),
                                      SLUICE_FIELD(Order, kind, Enum),
                                      SLUICE_FIELD(Order, flags, Integer),
                                      SLUICE_FIELD(Order, price, Amount),
                                      SLUICE_FIELD(Order, qty, Amount),
                                      SLUICE_FIELD(Order, origin, Time),
                                      SLUICE_FIELD(Order, approved_at, Time),
                                      SLUICE_FIELD(Order, kill_epoch, Integer),
                                      SLUICE_FIELD(Order, limits_epoch, Integer)};
};
static_assert(Record<Order> && fields_tile<Order>());

// ---- Report
enum class ReportKind : std::uint8_t {
  Ack = 1,     // working at the venue
  Fill = 2,    // qty and price of this fill, cum_qty in all
  Reject = 3,  // refused by risk, gateway or venue: nothing works
  Cancelled = 4,
  Expired = 5,
  InDoubt = 6,  // sent or not? a query by id is under way; counts as open at full size
  Accepted = 7  // risk approved the intent (risk -> seat only)
};

// Why (Report.reason, Event.reason). One list for all refusers: each value has one counter.
enum class Reason : std::uint8_t {
  None = 0,
  // risk's guard chain, in order
  NoPermit = 1,
  KillLevel = 2,
  Condition = 3,
  NotReady = 4,  // startup reconciliation not done
  DuplicateId = 5,
  IntentTooOld = 6,
  UnknownInstrument = 7,
  StrategyDisabled = 8,
  NoQuote = 9,
  StaleTick = 10,
  FeedDown = 11,
  PriceCollar = 12,
  Spread = 13,
  DailyLoss = 14,
  Cooldown = 15,
  SameSide = 16,
  OpenOrders = 17,
  AllocatorZero = 18,  // one lot does not fit; the binding constraint is in the Report's qty field
  SizeLimit = 19,
  NotionalLimit = 20,
  CapitalCap = 21,
  RingFull = 22,
  NoPosition = 23,
  UnknownTarget = 24,  // CANCEL of an id that is not working
  TableFull = 25,
  BadIntent = 26,
  // gateway stage and session
  LastLookLevel = 40,
  LastLookPermit = 41,
  Stale = 42,   // approved under older epochs: a reducing order is approved again at once
  TooOld = 43,  // older than order_age_max
  LastLookCap = 44,
  NotReducing = 45,
  SessionDown = 46,
  LogFull = 47,
  BadOrder = 48,
  // venue
  VenueReject = 60,
  NotFound = 61  // a query found no trace: it was never sent
};

struct Report {
  OrderId id;
  InstrumentIndex instrument;
  StrategyIndex strategy;
  Side side;
  ReportKind kind;
  Reason reason;
  Price price;  // of this fill
  Qty qty;      // of this fill; of a Reject: the order's quantity
  Qty cum_qty;  // filled so far
  MarketTime venue_time;
  HostTime at;
};

template <>
struct Layout<Report> {
  static constexpr std::string_view kName = "Report";
  static constexpr std::uint32_t kVersion = kSchemaVersion;
  static constexpr std::array kFields{SLUICE_FIELD(Report, id, Id),
                                      SLUICE_FIELD(Report, instrument, Integer),
                                      SLUICE_FIELD(Report, strategy, Integer),
                                      SLUICE_FIELD(Report, side, Enum),
                                      SLUICE_FIELD(Report, kind, Enum),
                                      SLUICE_FIELD(Report, reason, Enum),
                                      SLUICE_FIELD(Report, price, Amount),
                                      SLUICE_FIELD(Report, qty, Amount),
                                      SLUICE_FIELD(Report, cum_qty, Amount),
                                      SLUICE_FIELD(Report, venue_time, Time),
                                      SLUICE_FIELD(Report, at, Time)};
};
static_assert(Record<Report> && fields_tile<Report>());

// ---- Event
// Session -> gateway stage: verdicts of the last look, and what the venue says.
enum class EventKind : std::uint8_t {
  Sent = 1,     // verdict: the bytes left; cum_qty unused
  Refused = 2,  // verdict: no byte was written; reason says why
  Ack = 3,
  Fill = 4,
  Cancelled = 5,
  Expired = 6,
  VenueReject = 7,
  CancelReject = 8,  // too late to cancel, or unknown
  QueryResult =
      9,  // answer to a query by id: reason None + code OrderState of the venue, or NotFound
  Reconciled = 10,  // startup reconciliation done; qty = number of mismatches (0 = clean)
  SweepDone = 11    // the venue's open-order list was empty twice
};

struct Event {
  OrderId id;
  std::uint64_t venue_id;
  EventKind kind;
  Reason reason;
  std::uint16_t code;
  std::uint32_t sequence;  // position + 1 of the venue's log entry behind it; 0 for verdicts
  Price price;
  Qty qty;
  Qty cum_qty;
  MarketTime venue_time;
};

template <>
struct Layout<Event> {
  static constexpr std::string_view kName = "Event";
  static constexpr std::uint32_t kVersion = kSchemaVersion;
  static constexpr std::array kFields{
      SLUICE_FIELD(Event, id, Id),          SLUICE_FIELD(Event, venue_id, Integer),
      SLUICE_FIELD(Event, kind, Enum),      SLUICE_FIELD(Event, reason, Enum),
      SLUICE_FIELD(Event, code, Integer),   SLUICE_FIELD(Event, sequence, Integer),
      SLUICE_FIELD(Event, price, Amount),   SLUICE_FIELD(Event, qty, Amount),
      SLUICE_FIELD(Event, cum_qty, Amount), SLUICE_FIELD(Event, venue_time, Time)};
};
static_assert(Record<Event> && fields_tile<Event>());

// ---- Control
// Everything else that a stage must know arrives as one of these, injected by its driver and
// journaled.
enum class ControlKind : std::uint16_t {
  RunStart = 1,   // after = run ordinal, epoch = run id; first entry of a journal
  EdgeBase = 2,   // index = Edge, after = next sequence of it; one per edge behind RunStart
  Recovered = 3,  // the journal was replayed; settle what is in doubt. after = number of recoveries
  Level = 4,      // scope; before/after = kill level, epoch = the word's epoch
  Permit = 5,     // scope; after = 1 allowed, 0 void; epoch = the permit's scope epoch
  Cap = 6,        // scope; after = capital cap (raw Notional)
  Rate = 7,       // after = market ns per host ns in ppm (1'000'000 = real time, 0 = ticks only)
  Conditions = 8,  // after = set of Condition bits
  EdgeFull = 9,    // index = Edge: nothing may be emitted on it
  EdgeRoom = 10,   // index = Edge
  Continue = 11,   // the stage asked to go on with what it could not emit at once
  Deadline = 12,   // the stage's deadline is due
  Time = 13        // filler: after = absolute now in ns; carries gaps longer than a word's dt
};

struct Control {
  ControlKind kind;
  ScopeKind scope;      // where it applies; Global where scopes mean nothing
  std::uint8_t detail;  // KillCause of a Level
  std::uint32_t index;
  std::int64_t before;
  std::int64_t after;
  std::uint64_t epoch;
  std::uint64_t serial;  // kill serial read before the scan that found it
  std::array<std::uint64_t, 2> reserved;
};

template <>
struct Layout<Control> {
  static constexpr std::string_view kName = "Control";
  static constexpr std::uint32_t kVersion = kSchemaVersion;
  static constexpr std::array kFields{
      SLUICE_FIELD(Control, kind, Enum),        SLUICE_FIELD(Control, scope, Enum),
      SLUICE_FIELD(Control, detail, Integer),   SLUICE_FIELD(Control, index, Integer),
      SLUICE_FIELD(Control, before, Integer),   SLUICE_FIELD(Control, after, Integer),
      SLUICE_FIELD(Control, epoch, Integer),    SLUICE_FIELD(Control, serial, Integer),
      SLUICE_FIELD(Control, reserved, Reserved)};
};
static_assert(Record<Control> && fields_tile<Control>());

// ---- the paper venue
// One entry of the paper order log. The log is the paper venue: appending Placed *is* the send.
enum class PaperWhat : std::uint8_t {
  Placed = 1,
  Filled = 2,
  Cancelled = 3,
  Expired = 4,
  CancelAsked = 5,  // the cancel message itself
  CancelRejected = 6
};

struct PaperEntry {
  OrderId id;
  InstrumentIndex instrument;
  StrategyIndex strategy;
  Side side;
  OrderKind kind;
  PaperWhat what;
  Price price;  // limit of Placed, price of Filled
  Qty qty;      // of Placed, of this fill
  Qty cum_qty;
  HostTime at;  // when the entry was made: of Placed, the send
  HostTime approved_at;
};

template <>
struct Layout<PaperEntry> {
  static constexpr std::string_view kName = "PaperEntry";
  static constexpr std::uint32_t kVersion = kSchemaVersion;
  static constexpr std::array kFields{SLUICE_FIELD(PaperEntry, id, Id),
                                      SLUICE_FIELD(PaperEntry, instrument, Integer),
                                      SLUICE_FIELD(PaperEntry, strategy, Integer),
                                      SLUICE_FIELD(PaperEntry, side, Enum),
                                      SLUICE_FIELD(PaperEntry, kind, Enum),
                                      SLUICE_FIELD(PaperEntry, what, Enum),
                                      SLUICE_FIELD(PaperEntry, price, Amount),
                                      SLUICE_FIELD(PaperEntry, qty, Amount),
                                      SLUICE_FIELD(PaperEntry, cum_qty, Amount),
                                      SLUICE_FIELD(PaperEntry, at, Time),
                                      SLUICE_FIELD(PaperEntry, approved_at, Time)};
};
static_assert(Record<PaperEntry> && fields_tile<PaperEntry>());

}  // namespace sluice
