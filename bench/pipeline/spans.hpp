// What the journals of a finished run say: how long each hop took, by the stamps of production
// records, and that nothing was lost.
//
//   tick_to_seat      a tick was due (synthetic) or its frame in hand (venue) -> the strategy's
//                     seat has journaled it. Every tick.
//   tick_to_intent    the same tick -> the strategy has decided. Ticks that made an intent.
//   intent_to_order   decided -> risk has approved the order
//   order_to_gateway  approved -> the gateway has journaled it
//   order_to_sent     approved -> the order's bytes are with the venue (its log has the entry)
//   tick_to_sent      tick -> sent, end to end. Entries.
//   tick_to_exit      tick -> sent, of exits, which risk decides alone
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "bench/pipeline/source.hpp"
#include "core/records.hpp"

namespace sluice::bench {

enum class Hop : std::uint8_t {
  TickToSeat = 0,
  TickToIntent = 1,
  IntentToOrder = 2,
  OrderToGateway = 3,
  OrderToSent = 4,
  TickToSent = 5,
  TickToExit = 6
};
inline constexpr std::array<std::string_view, 7> kHopNames{
    "tick_to_seat",  "tick_to_intent", "intent_to_order", "order_to_gateway",
    "order_to_sent", "tick_to_sent",   "tick_to_exit"};
inline constexpr std::size_t kHops = kHopNames.size();

// The ticks that one consumer has journaled. Live ones and the counts of its gaps are all ticks.
struct TicksTaken {
  std::uint64_t live = 0;
  std::uint64_t missed = 0;     // as told by STATUS gap records
  std::uint64_t after_gap = 0;  // newest states, delivered again behind a gap
};

struct Spans {
  std::array<std::vector<std::int64_t>, kHops> ns;  // per hop, sorted; of the time asked for
  TicksTaken seat;                                  // of the whole run, like all below
  TicksTaken risk;
  TicksTaken gateway;
  std::uint64_t intents = 0;
  std::uint64_t entries = 0;  // orders that the gateway took
  std::uint64_t exits = 0;
  std::uint64_t cancels = 0;
  std::uint64_t sent = 0;  // verdicts, and as many entries of the venue's log
  std::uint64_t fills = 0;
  std::map<std::string, std::uint64_t> rejects;  // "risk:OpenOrders"

  [[nodiscard]] const std::vector<std::int64_t>& of(Hop hop) const noexcept {
    return ns[static_cast<std::size_t>(hop)];
  }
};

// Spans of ticks stamped within [from, until). Throws Error for a journal that is missing, damaged
// or contradicts another one: an intent without an answer, an order without a verdict, a verdict
// without an entry in the venue's log.
Spans read_spans(const std::filesystem::path& run_dir, HostTime from,
                 HostTime until = HostTime::never());

// Throws Error, with every number, unless each consumer has journaled every tick that was sent or
// was told exactly how many it missed, and they are those that the source dropped.
void reconcile(const Spans& spans, const Sent& sent);

// The value below which that part of the sorted samples lies (nearest rank); 0 of none.
std::int64_t exact_quantile(const std::vector<std::int64_t>& sorted, double part) noexcept;

}  // namespace sluice::bench
