// Bytes of a Binance spot stream -> Update. Pure: no I/O, no clock, and after construction no
// allocation, so it can be fuzzed and replayed. Every way to fail is an enumerator with its own
// name and counter.
//
// Understood: trade, bookTicker, depthUpdate and serverShutdown, alone or inside a combined
// stream's
// {"stream":..,"data":..}; answers to subscriptions, error objects, and the REST depth snapshot.
// Fields may come in any order; unknown ones are skipped. Numbers are exact (core/decimal.hpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/types.hpp"

namespace sluice {

// The instrument of what concerns a whole connection: above every row of the instrument table.
inline constexpr InstrumentIndex kWholeConnection = 0xffff'ffff;

enum class DecodeError : std::uint8_t {
  None = 0,
  TooLarge = 1,   // more bytes than the decoder was built for
  Malformed = 2,  // not one JSON object, bad UTF-8, a field twice, bytes behind the end
  MissingField = 3,
  WrongType = 4,    // a number where a string belongs, and the like
  BadNumber = 5,    // not a decimal, more than eight fractional digits, out of range
  BadTime = 6,      // zero, or beyond the year 2262
  BadSequence = 7,  // first update id above the last one
  UnknownSymbol = 8,
  UnknownEvent = 9,
  TooManyLevels = 10  // more than the caller's buffer holds
};
inline constexpr std::size_t kDecodeErrors = 11;
std::string_view to_text(DecodeError error) noexcept;

enum class UpdateKind : std::uint8_t {
  None = 0,
  Trade = 1,
  BookTicker = 2,
  Depth = 3,
  Snapshot = 4,    // REST; names no symbol
  Answer = 5,      // to a subscription
  VenueError = 6,  // an error object: code and text
  Shutdown = 7     // the venue announces that it will close the connection
};

struct BookLevel {
  Price price;  // > 0
  Qty qty;      // >= 0; 0 removes the level
  friend constexpr bool operator==(const BookLevel&, const BookLevel&) noexcept = default;
};

// Best bid and ask with their quantities.
struct Top {
  Price bid{};
  Price ask{};
  Qty bid_qty{};
  Qty ask_qty{};
  friend constexpr bool operator==(const Top&, const Top&) noexcept = default;
};

// Where decoded levels go: the caller's, and bounded.
struct LevelBuffer {
  std::span<BookLevel> bids;
  std::span<BookLevel> asks;
};

// Views point into the decoder or into the LevelBuffer and live until the next decode.
struct Update {
  UpdateKind kind = UpdateKind::None;
  bool buyer_is_maker = false;                    // Trade
  InstrumentIndex instrument = kWholeConnection;  // Trade, BookTicker, Depth
  MarketTime event_time{};          // all but BookTicker and Snapshot, which carry none
  MarketTime trade_time{};          // Trade: when it was matched
  std::uint64_t first_id = 0;       // Depth: U
  std::uint64_t last_id = 0;        // Trade: t. BookTicker, Depth: u. Snapshot: lastUpdateId
  Price price{};                    // Trade
  Qty qty{};                        // Trade
  Top top{};                        // BookTicker
  std::span<const BookLevel> bids;  // Depth, Snapshot: in the venue's order
  std::span<const BookLevel> asks;
  std::int64_t code = 0;  // VenueError
  std::string_view text;  // VenueError
};

// Venue symbol -> row of the instrument table. Sorted once at setup; a look-up is a few
// comparisons.
class SymbolTable {
 public:
  // `symbols` in order of the instrument table, in the venue's exact spelling. Throws Error on a
  // duplicate.
  explicit SymbolTable(std::span<const std::string> symbols);  // setup
  // kWholeConnection if the symbol is not ours.
  [[nodiscard]] InstrumentIndex find(std::string_view symbol) const noexcept;

 private:
  struct Row {
    std::string symbol;  // setup
    InstrumentIndex instrument;
  };
  std::vector<Row> rows_;
};

class FeedDecoder {
 public:
  // Reserves everything for messages of up to `max_bytes`. Throws Error if there is no memory.
  FeedDecoder(std::span<const std::string> symbols, std::size_t max_bytes);  // setup
  ~FeedDecoder();
  FeedDecoder(const FeedDecoder&) = delete;
  FeedDecoder& operator=(const FeedDecoder&) = delete;

  // `bytes` need no padding: they are copied. `out` means something only if None is returned.
  [[nodiscard]] DecodeError decode(std::span<const char> bytes, LevelBuffer levels,
                                   Update& out) noexcept;

  [[nodiscard]] std::size_t max_bytes() const noexcept { return max_bytes_; }

 private:
  struct Parser;
  SymbolTable symbols_;
  std::size_t max_bytes_;
  std::unique_ptr<Parser> parser_;
};

}  // namespace sluice
