// What the feed counts, and under which names a reader finds it on the feed's stage page.
// Writer: the feed process (its stage and its fan-out).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "core/topology.hpp"
#include "feed/decode.hpp"

namespace sluice {

enum class FeedCounter : std::uint16_t {
  Messages = 0,  // frames, whatever is in them
  Bytes = 1,
  TicksQuote = 2,
  TicksTrade = 3,
  TicksStatus = 4,
  Answers = 5,  // to subscriptions
  VenueErrors = 6,
  Shutdowns = 7,        // announced by the venue
  Duplicates = 8,       // an id not above the last one: dropped
  TimeBackwards = 9,    // a venue time below an earlier one: passed on as it is
  RefusedCrossed = 10,  // bid not below ask: never passed on
  RefusedZero = 11,     // a price or quantity that is not positive: never passed on
  Gaps = 12,
  MissingUpdates = 13,
  Snapshots = 14,         // taken
  SnapshotsRefused = 15,  // too old, not in order, not wanted, not readable
  DepthOld = 16,          // differences that a snapshot had covered
  BookLevelsDropped = 17,
  BookOverflows = 18,  // the buffer for differences was full: synchronisation starts again
  BookChecks = 19,     // tops of the book that could be compared with the venue's
  BookMismatch = 20,
  Reconnects = 21,  // connections after the first
  Disconnects = 22,
  StalePeriods = 23,
  MuteConnections = 24,   // cut because nothing had arrived for too long
  FirstDecodeError = 25,  // + DecodeError - 1
  FirstDropped = 35       // + position in kFanoutEdges
};

inline constexpr std::array<Edge, 2 + kSeats> kFanoutEdges = [] {
  std::array<Edge, 2 + kSeats> edges{Edge::FeedRisk, Edge::FeedGateway};
  for (SeatIndex seat = 0; seat < kSeats; ++seat) edges[2u + seat] = feed_seat(seat);
  return edges;
}();

inline constexpr std::size_t kFeedCounters =
    static_cast<std::size_t>(FeedCounter::FirstDropped) + kFanoutEdges.size();
static_assert(static_cast<std::size_t>(FeedCounter::FirstDecodeError) + kDecodeErrors - 1 ==
              static_cast<std::size_t>(FeedCounter::FirstDropped));

constexpr FeedCounter counter_of(DecodeError error) noexcept {
  return static_cast<FeedCounter>(static_cast<std::uint16_t>(FeedCounter::FirstDecodeError) +
                                  static_cast<std::uint16_t>(error) - 1);
}
// Precondition: an edge of kFanoutEdges.
constexpr FeedCounter dropped_counter(Edge edge) noexcept {
  std::uint16_t position = 0;
  while (position + 1u < kFanoutEdges.size() && kFanoutEdges[position] != edge) ++position;
  return static_cast<FeedCounter>(static_cast<std::uint16_t>(FeedCounter::FirstDropped) + position);
}

inline constexpr std::array<std::string_view, kFeedCounters> kFeedCounterNames{
    "messages_total",
    "message_bytes_total",
    "ticks_total{kind=\"quote\"}",
    "ticks_total{kind=\"trade\"}",
    "ticks_total{kind=\"status\"}",
    "venue_answers_total",
    "venue_errors_total",
    "venue_shutdowns_total",
    "duplicates_total",
    "time_backwards_total",
    "refused_total{reason=\"crossed\"}",
    "refused_total{reason=\"zero\"}",
    "gaps_total",
    "missing_updates_total",
    "snapshots_total",
    "snapshots_refused_total",
    "depth_old_total",
    "book_levels_dropped_total",
    "book_overflows_total",
    "book_checks_total",
    "book_mismatch_total",
    "reconnects_total",
    "disconnects_total",
    "stale_total",
    "mute_connections_total",
    "decode_errors_total{error=\"too_large\"}",
    "decode_errors_total{error=\"malformed\"}",
    "decode_errors_total{error=\"missing_field\"}",
    "decode_errors_total{error=\"wrong_type\"}",
    "decode_errors_total{error=\"bad_number\"}",
    "decode_errors_total{error=\"bad_time\"}",
    "decode_errors_total{error=\"bad_sequence\"}",
    "decode_errors_total{error=\"unknown_symbol\"}",
    "decode_errors_total{error=\"unknown_event\"}",
    "decode_errors_total{error=\"too_many_levels\"}",
    "ticks_dropped_total{edge=\"feed-risk\"}",
    "ticks_dropped_total{edge=\"feed-gateway\"}",
    "ticks_dropped_total{edge=\"feed-seat0\"}",
    "ticks_dropped_total{edge=\"feed-seat1\"}",
    "ticks_dropped_total{edge=\"feed-seat2\"}",
    "ticks_dropped_total{edge=\"feed-seat3\"}",
    "ticks_dropped_total{edge=\"feed-seat4\"}",
    "ticks_dropped_total{edge=\"feed-seat5\"}",
    "ticks_dropped_total{edge=\"feed-seat6\"}",
    "ticks_dropped_total{edge=\"feed-seat7\"}",
};

// Recorded by the driver: the stage reads no clock.
enum class FeedHistogram : std::uint8_t { DecodeNs = 0 };
inline constexpr std::array<std::string_view, 1> kFeedHistogramNames{"feed_decode_ns"};

}  // namespace sluice
