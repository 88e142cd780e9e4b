// The picture as data: who sends what to whom. Rings, journals, drivers, tools and the table in
// ARCHITECTURE.md are all derived from (or tested against) this one table.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/types.hpp"

namespace sluice {

// The processes that own a stage page. Seats are places for strategy processes.
enum class Process : std::uint8_t {
  Feed = 1,
  Risk = 2,
  Gateway = 3,
  Recorder = 4,
  Supervisor = 5,
  Seat0 = 16  // .. Seat0 + kSeats - 1
};
constexpr Process seat_process(SeatIndex seat) noexcept {
  return static_cast<Process>(static_cast<std::uint8_t>(Process::Seat0) + seat);
}
constexpr bool is_seat(Process p) noexcept {
  return p >= Process::Seat0 && p < static_cast<Process>(16 + kSeats);
}

inline constexpr std::size_t kProcessSpan = 32;  // of tables by Process
inline constexpr std::array<Process, 5 + kSeats> kProcesses{
    Process::Feed,   Process::Risk,   Process::Gateway, Process::Recorder, Process::Supervisor,
    seat_process(0), seat_process(1), seat_process(2),  seat_process(3),   seat_process(4),
    seat_process(5), seat_process(6), seat_process(7)};

constexpr std::string_view name_of(Process p) noexcept {
  constexpr std::array<std::string_view, kSeats> kSeatNames{"seat0", "seat1", "seat2", "seat3",
                                                            "seat4", "seat5", "seat6", "seat7"};
  if (is_seat(p)) return kSeatNames[static_cast<std::size_t>(p) - 16];
  switch (p) {
    case Process::Feed: return "feed";
    case Process::Risk: return "risk";
    case Process::Gateway: return "gateway";
    case Process::Recorder: return "recorder";
    case Process::Supervisor: return "supervisor";
    case Process::Seat0: break;  // handled above, with the other seats
  }
  return "?";
}

// Stable numbers: they stand in every journal word. 0 is never an edge.
enum class Edge : std::uint8_t {
  None = 0,
  Control = 1,   // driver -> its stage
  Event = 2,     // session -> gateway stage
  Command = 3,   // gateway stage -> session; inside one process, no ring
  PaperLog = 4,  // entries of the paper order log
  FeedRisk = 8,
  FeedGateway = 9,
  RiskGateway = 10,
  GatewayRisk = 11,
  FeedSeat0 = 16,
  SeatRisk0 = 24,
  RiskSeat0 = 32
};
// clang-format off
constexpr Edge feed_seat(SeatIndex s) noexcept { return static_cast<Edge>(16 + s); }
constexpr Edge seat_risk(SeatIndex s) noexcept { return static_cast<Edge>(24 + s); }
constexpr Edge risk_seat(SeatIndex s) noexcept { return static_cast<Edge>(32 + s); }
// clang-format on
inline constexpr std::size_t kEdgeSpan = 40;  // edges as array indices

enum class RecordKind : std::uint8_t {
  Tick = 1,
  Intent = 2,
  Order = 3,
  Report = 4,
  Event = 5,
  Control = 6,
  PaperEntry = 7
};
constexpr std::string_view name_of(RecordKind kind) noexcept {
  switch (kind) {
    case RecordKind::Tick: return "Tick";
    case RecordKind::Intent: return "Intent";
    case RecordKind::Order: return "Order";
    case RecordKind::Report: return "Report";
    case RecordKind::Event: return "Event";
    case RecordKind::Control: return "Control";
    case RecordKind::PaperEntry: return "PaperEntry";
  }
  return "?";
}

// What the producer does when the ring has no room.
enum class OnFull : std::uint8_t {
  CountAndConflate =
      1,              // count the drop; when there is room: STATUS gap with the count, newest state
  RefuseEntries = 2,  // refuse entries with RING_FULL, retry exits
  SeatReduceOnly = 3,  // that seat's strategies go to REDUCE_ONLY
  HaltGateway = 4,     // HALT at gateway scope: risk no longer knows its positions
  Wait = 5             // the intent is not formed; the strategy counts it
};
constexpr std::string_view name_of(OnFull policy) noexcept {
  switch (policy) {
    case OnFull::CountAndConflate: return "count, gap, newest state";
    case OnFull::RefuseEntries: return "refuse entries, retry exits";
    case OnFull::SeatReduceOnly: return "seat to REDUCE_ONLY";
    case OnFull::HaltGateway: return "HALT the gateway scope";
    case OnFull::Wait: return "no intent is formed, counted";
  }
  return "?";
}

struct EdgeInfo {
  Edge edge;
  Process from;
  Process to;
  RecordKind record;
  std::uint32_t capacity;  // slots, a power of two; configuration may change it per record kind
  OnFull on_full;
};

namespace detail {
// clang-format off
consteval auto make_topology() {
  std::array<EdgeInfo, 4 + 3 * kSeats> t{};
  std::size_t n = 0;
  t[n++] = {Edge::FeedRisk, Process::Feed, Process::Risk, RecordKind::Tick, 8192,
            OnFull::CountAndConflate};
  t[n++] = {Edge::FeedGateway, Process::Feed, Process::Gateway, RecordKind::Tick, 8192,
              OnFull::CountAndConflate};
  t[n++] = {Edge::RiskGateway, Process::Risk, Process::Gateway, RecordKind::Order, 1024,
              OnFull::RefuseEntries};
  t[n++] = {Edge::GatewayRisk, Process::Gateway, Process::Risk, RecordKind::Report, 1024,
              OnFull::HaltGateway};
  for (SeatIndex s = 0; s < kSeats; ++s) {
    t[n++] = {feed_seat(s), Process::Feed, seat_process(s), RecordKind::Tick, 8192,
              OnFull::CountAndConflate};
    t[n++] = {seat_risk(s), seat_process(s), Process::Risk, RecordKind::Intent, 256, OnFull::Wait};
    t[n++] = {risk_seat(s), Process::Risk, seat_process(s), RecordKind::Report, 1024,
              OnFull::SeatReduceOnly};
  }
  return t;
}
// clang-format on
}  // namespace detail

inline constexpr auto kTopology = detail::make_topology();

constexpr const EdgeInfo* edge_info(Edge edge) noexcept {
  for (const EdgeInfo& info : kTopology)
    if (info.edge == edge) return &info;
  return nullptr;
}

// What a journal entry of this edge holds.
constexpr RecordKind record_of(Edge edge) noexcept {
  if (edge == Edge::Event) return RecordKind::Event;
  if (edge == Edge::Command) return RecordKind::Order;
  if (edge == Edge::PaperLog) return RecordKind::PaperEntry;
  const EdgeInfo* info = edge_info(edge);
  return info ? info->record : RecordKind::Control;
}

}  // namespace sluice
