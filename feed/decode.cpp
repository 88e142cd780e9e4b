// See decode.hpp. One pass over the fields in whatever order they come, then a check per event that
// all of its fields were there. The parser never sees the network library's memory: it wants 64
// readable bytes behind the text, so a message is copied into a buffer of our own first.
#include "feed/decode.hpp"

#include <simdjson.h>

#include <algorithm>
#include <cstring>
#include <limits>

#include "core/decimal.hpp"
#include "core/error.hpp"

namespace sluice {

namespace {

namespace json = simdjson::ondemand;

constexpr std::size_t kPadding = simdjson::SIMDJSON_PADDING;
constexpr std::size_t kMaxDepth = 32;   // nesting; ours is five deep
constexpr std::size_t kMaxNumber = 40;  // characters of a quoted decimal
constexpr std::uint64_t kMaxId = std::uint64_t{1}
                                 << 62;  // so that id + 1 and differences fit everywhere

// Fields of an event by their key; the bit says that it was seen.
enum FieldBit : std::uint32_t {
  kEvent = 1u << 0,
  kEventTime = 1u << 1,
  kSymbol = 1u << 2,
  kTradeId = 1u << 3,
  kPrice = 1u << 4,
  kQty = 1u << 5,
  kTradeTime = 1u << 6,
  kMaker = 1u << 7,
  kFirstId = 1u << 8,
  kLastId = 1u << 9,
  kBidPrice = 1u << 10,  // "b" as a string
  kAskPrice = 1u << 11,
  kBidQty = 1u << 12,
  kAskQty = 1u << 13,
  kBids = 1u << 14,  // "b" or "bids" as an array
  kAsks = 1u << 15,
  kSnapshotId = 1u << 16,
  kResult = 1u << 17,
  kError = 1u << 18,  // "error" object or top-level "code"
  kText = 1u << 19,
  kData = 1u << 20  // the event inside a wrapper
};
constexpr std::uint32_t kTradeFields =
    kEventTime | kSymbol | kTradeId | kPrice | kQty | kTradeTime | kMaker;
constexpr std::uint32_t kDepthFields = kEventTime | kSymbol | kFirstId | kLastId | kBids | kAsks;
constexpr std::uint32_t kTopFields = kBidPrice | kBidQty | kAskPrice | kAskQty;
constexpr std::uint32_t kTickerFields = kLastId | kSymbol | kTopFields;
constexpr std::uint32_t kSnapshotFields = kSnapshotId | kBids | kAsks;

DecodeError from(simdjson::error_code code) noexcept {
  if (code == simdjson::SUCCESS) return DecodeError::None;
  if (code == simdjson::INCORRECT_TYPE) return DecodeError::WrongType;
  if (code == simdjson::NUMBER_ERROR || code == simdjson::NUMBER_OUT_OF_RANGE)
    return DecodeError::BadNumber;
  if (code == simdjson::CAPACITY) return DecodeError::TooLarge;
  return DecodeError::Malformed;
}

// The text of a quoted decimal, without copying it: it has no escapes, or it is not a decimal.
DecodeError decimal_of(json::value& value, std::int64_t& out) noexcept {
  json::raw_json_string raw;
  if (const auto code = value.get_raw_json_string().get(raw)) return from(code);
  const char* const text = raw.raw();  // in the padded buffer, so kMaxNumber bytes are readable
  static_assert(kMaxNumber < kPadding);
  const void* const end = std::memchr(text, '"', kMaxNumber);
  if (end == nullptr) return DecodeError::BadNumber;
  const auto size = static_cast<std::size_t>(static_cast<const char*>(end) - text);
  return parse_decimal({text, size}, out) == DecimalError::None ? DecodeError::None
                                                                : DecodeError::BadNumber;
}

DecodeError id_of(json::value& value, std::uint64_t& out) noexcept {
  if (const auto code = value.get_uint64().get(out)) return from(code);
  return out < kMaxId ? DecodeError::None : DecodeError::BadNumber;
}

// Milliseconds, or microseconds where the value says so: 1e14 is the year 5138 in the one and 1973
// in the other unit.
DecodeError time_of(json::value& value, MarketTime& out) noexcept {
  std::uint64_t number = 0;
  if (const auto code = value.get_uint64().get(number)) return from(code);
  const std::uint64_t unit = number < 100'000'000'000'000 ? 1'000'000 : 1'000;
  constexpr std::uint64_t kMax = std::numeric_limits<std::int64_t>::max();
  if (number == 0 || number > kMax / unit) return DecodeError::BadTime;
  out.ns = static_cast<std::int64_t>(number * unit);
  return DecodeError::None;
}

DecodeError level_of(json::array pair, BookLevel& out) noexcept {
  std::size_t items = 0;
  for (auto result : pair) {
    json::value value;
    if (const auto code = result.get(value)) return from(code);
    if (items == 2) return DecodeError::Malformed;
    const DecodeError error = decimal_of(value, items == 0 ? out.price.raw : out.qty.raw);
    if (error != DecodeError::None) return error;
    ++items;
  }
  if (items != 2) return DecodeError::Malformed;
  return out.price.raw > 0 && out.qty.raw >= 0 ? DecodeError::None : DecodeError::BadNumber;
}

DecodeError levels_of(json::value& value, std::span<BookLevel> into,
                      std::span<const BookLevel>& out) noexcept {
  json::array list;
  if (const auto code = value.get_array().get(list)) return from(code);
  std::size_t count = 0;
  for (auto result : list) {
    json::array pair;
    if (const auto code = result.get_array().get(pair)) return from(code);
    if (count == into.size()) return DecodeError::TooManyLevels;
    const DecodeError error = level_of(pair, into[count]);
    if (error != DecodeError::None) return error;
    ++count;
  }
  out = into.first(count);
  return DecodeError::None;
}

// One message on its way from fields to an Update.
struct Scan {
  Update& out;
  LevelBuffer levels;
  std::uint32_t seen = 0;
  std::string_view event;
  std::string_view symbol;

  DecodeError once(std::uint32_t bit) noexcept {
    if ((seen & bit) != 0) return DecodeError::Malformed;
    seen |= bit;
    return DecodeError::None;
  }
  DecodeError text(std::uint32_t bit, json::value& value, std::string_view& into) noexcept {
    if (const DecodeError error = once(bit); error != DecodeError::None) return error;
    return from(value.get_string().get(into));
  }
  DecodeError decimal(std::uint32_t bit, json::value& value, std::int64_t& into) noexcept {
    if (const DecodeError error = once(bit); error != DecodeError::None) return error;
    return decimal_of(value, into);
  }
  DecodeError id(std::uint32_t bit, json::value& value, std::uint64_t& into) noexcept {
    if (const DecodeError error = once(bit); error != DecodeError::None) return error;
    return id_of(value, into);
  }
  DecodeError time(std::uint32_t bit, json::value& value, MarketTime& into) noexcept {
    if (const DecodeError error = once(bit); error != DecodeError::None) return error;
    return time_of(value, into);
  }
  DecodeError side(std::uint32_t bit, json::value& value, std::span<BookLevel> into,
                   std::span<const BookLevel>& found) noexcept {
    if (const DecodeError error = once(bit); error != DecodeError::None) return error;
    return levels_of(value, into, found);
  }

  DecodeError object(json::object fields, bool wrapped) noexcept;
  DecodeError letter(char key, json::value& value) noexcept;
  DecodeError word(json::raw_json_string key, json::value& value, bool wrapped) noexcept;
  DecodeError price_or_levels(bool bid, json::value& value) noexcept;
  DecodeError error_object(json::value& value) noexcept;
  DecodeError finish(const SymbolTable& symbols) noexcept;
  DecodeError finish_nameless(const SymbolTable& symbols) noexcept;
  DecodeError complete(UpdateKind kind, std::uint32_t needed, const SymbolTable& symbols) noexcept;
};

DecodeError Scan::object(json::object fields, bool wrapped) noexcept {
  for (auto result : fields) {
    json::field field;
    if (const auto code = std::move(result).get(field)) return from(code);
    const json::raw_json_string key = field.key();
    json::value value = field.value();
    // Both bytes are readable: the buffer is padded.
    const bool single = key.raw()[0] != '"' && key.raw()[1] == '"';
    const DecodeError error = single ? letter(key.raw()[0], value) : word(key, value, wrapped);
    if (error != DecodeError::None) return error;
  }
  return DecodeError::None;
}

DecodeError Scan::letter(char key, json::value& value) noexcept {
  switch (key) {
    case 'e': return text(kEvent, value, event);
    case 's': return text(kSymbol, value, symbol);
    case 'E': return time(kEventTime, value, out.event_time);
    case 'T': return time(kTradeTime, value, out.trade_time);
    case 't': return id(kTradeId, value, out.last_id);
    case 'U': return id(kFirstId, value, out.first_id);
    case 'u': return id(kLastId, value, out.last_id);
    case 'p': return decimal(kPrice, value, out.price.raw);
    case 'q': return decimal(kQty, value, out.qty.raw);
    case 'B': return decimal(kBidQty, value, out.top.bid_qty.raw);
    case 'A': return decimal(kAskQty, value, out.top.ask_qty.raw);
    case 'b': return price_or_levels(true, value);
    case 'a': return price_or_levels(false, value);
    case 'm': {
      if (const DecodeError error = once(kMaker); error != DecodeError::None) return error;
      return from(value.get_bool().get(out.buyer_is_maker));
    }
    default: return DecodeError::None;  // a field that we do not use
  }
}

// "b" and "a" are prices in a bookTicker and lists of levels in a depthUpdate.
DecodeError Scan::price_or_levels(bool bid, json::value& value) noexcept {
  json::json_type type{};
  if (const auto code = value.type().get(type)) return from(code);
  if (type == json::json_type::array)
    return bid ? side(kBids, value, levels.bids, out.bids)
               : side(kAsks, value, levels.asks, out.asks);
  return bid ? decimal(kBidPrice, value, out.top.bid.raw)
             : decimal(kAskPrice, value, out.top.ask.raw);
}

DecodeError Scan::word(json::raw_json_string key, json::value& value, bool wrapped) noexcept {
  if (key.unsafe_is_equal("bids")) return side(kBids, value, levels.bids, out.bids);
  if (key.unsafe_is_equal("asks")) return side(kAsks, value, levels.asks, out.asks);
  if (key.unsafe_is_equal("lastUpdateId")) return id(kSnapshotId, value, out.last_id);
  if (wrapped) return DecodeError::None;
  if (key.unsafe_is_equal("data") || key.unsafe_is_equal("event")) {
    if (const DecodeError error = once(kData); error != DecodeError::None) return error;
    json::object inner;
    if (const auto code = value.get_object().get(inner)) return from(code);
    return object(inner, true);
  }
  if (key.unsafe_is_equal("result")) return once(kResult);
  if (key.unsafe_is_equal("error")) return error_object(value);
  if (key.unsafe_is_equal("msg")) return text(kText, value, out.text);
  if (key.unsafe_is_equal("code")) {
    if (const DecodeError error = once(kError); error != DecodeError::None) return error;
    return from(value.get_int64().get(out.code));
  }
  return DecodeError::None;
}

DecodeError Scan::error_object(json::value& value) noexcept {
  json::object fields;
  if (const auto code = value.get_object().get(fields)) return from(code);
  for (auto result : fields) {
    json::field field;
    if (const auto code = std::move(result).get(field)) return from(code);
    json::value inner = field.value();
    DecodeError error = DecodeError::None;
    if (field.key().unsafe_is_equal("code")) {
      error = from(inner.get_int64().get(out.code));
    } else if (field.key().unsafe_is_equal("msg")) {
      error = from(inner.get_string().get(out.text));
    }
    if (error != DecodeError::None) return error;
  }
  return once(kError);
}

DecodeError Scan::complete(UpdateKind kind, std::uint32_t needed,
                           const SymbolTable& symbols) noexcept {
  if ((seen & needed) != needed) return DecodeError::MissingField;
  if ((needed & kSymbol) != 0) {
    out.instrument = symbols.find(symbol);
    if (out.instrument == kWholeConnection) return DecodeError::UnknownSymbol;
  }
  if (kind == UpdateKind::Depth && out.first_id > out.last_id) return DecodeError::BadSequence;
  out.kind = kind;
  return DecodeError::None;
}

DecodeError Scan::finish(const SymbolTable& symbols) noexcept {
  if ((seen & kEvent) == 0) return finish_nameless(symbols);
  if (event == "trade") return complete(UpdateKind::Trade, kTradeFields, symbols);
  if (event == "depthUpdate") return complete(UpdateKind::Depth, kDepthFields, symbols);
  if (event == "serverShutdown") return complete(UpdateKind::Shutdown, 0, symbols);
  return DecodeError::UnknownEvent;
}

// The venue names no event in a bookTicker and in everything that is not market data.
DecodeError Scan::finish_nameless(const SymbolTable& symbols) noexcept {
  if ((seen & kError) != 0) return complete(UpdateKind::VenueError, 0, symbols);
  if ((seen & kSnapshotId) != 0) return complete(UpdateKind::Snapshot, kSnapshotFields, symbols);
  if ((seen & kTopFields) != 0) return complete(UpdateKind::BookTicker, kTickerFields, symbols);
  if ((seen & kResult) != 0) return complete(UpdateKind::Answer, 0, symbols);
  return (seen & kSymbol) != 0 ? DecodeError::MissingField : DecodeError::UnknownEvent;
}

struct AlignedDelete {
  void operator()(char* bytes) const noexcept {
    ::operator delete[](bytes, std::align_val_t{kCacheLine});
  }
};

}  // namespace

std::string_view to_text(DecodeError error) noexcept {
  switch (error) {
    case DecodeError::None: return "none";
    case DecodeError::TooLarge: return "too_large";
    case DecodeError::Malformed: return "malformed";
    case DecodeError::MissingField: return "missing_field";
    case DecodeError::WrongType: return "wrong_type";
    case DecodeError::BadNumber: return "bad_number";
    case DecodeError::BadTime: return "bad_time";
    case DecodeError::BadSequence: return "bad_sequence";
    case DecodeError::UnknownSymbol: return "unknown_symbol";
    case DecodeError::UnknownEvent: return "unknown_event";
    case DecodeError::TooManyLevels: return "too_many_levels";
  }
  return "?";
}

SymbolTable::SymbolTable(std::span<const std::string> symbols) {  // setup
  rows_.reserve(symbols.size());
  for (std::size_t i = 0; i < symbols.size(); ++i)
    rows_.push_back({symbols[i], static_cast<InstrumentIndex>(i)});  // setup
  std::sort(rows_.begin(), rows_.end(),
            [](const Row& a, const Row& b) { return a.symbol < b.symbol; });
  for (std::size_t i = 1; i < rows_.size(); ++i)
    if (rows_[i].symbol == rows_[i - 1].symbol)
      throw Error(Exit::Usage,  // setup
                  "two instruments have the venue symbol \"" + rows_[i].symbol + "\"");
}

InstrumentIndex SymbolTable::find(std::string_view symbol) const noexcept {
  const auto at =
      std::lower_bound(rows_.begin(), rows_.end(), symbol,
                       [](const Row& row, std::string_view s) { return row.symbol < s; });
  return at != rows_.end() && at->symbol == symbol ? at->instrument : kWholeConnection;
}

struct FeedDecoder::Parser {
  explicit Parser(std::size_t max_bytes)
      : buffer(static_cast<char*>(
            ::operator new[](max_bytes + kPadding, std::align_val_t{kCacheLine}))) {
    std::memset(buffer.get(), 0, max_bytes + kPadding);
    if (const auto code = parser.allocate(max_bytes, kMaxDepth))
      throw Error(std::string("feed decoder: ") + simdjson::error_message(code));  // setup
  }

  std::unique_ptr<char[], AlignedDelete> buffer;
  json::parser parser;
};

FeedDecoder::FeedDecoder(std::span<const std::string> symbols, std::size_t max_bytes)  // setup
    : symbols_(symbols), max_bytes_(max_bytes), parser_(std::make_unique<Parser>(max_bytes)) {}
FeedDecoder::~FeedDecoder() = default;

DecodeError FeedDecoder::decode(std::span<const char> bytes, LevelBuffer levels,
                                Update& out) noexcept {
  out = Update{};
  if (bytes.size() > max_bytes_) return DecodeError::TooLarge;
  if (bytes.empty()) return DecodeError::Malformed;
  char* const text = parser_->buffer.get();
  std::memcpy(text, bytes.data(), bytes.size());
  // What an earlier, longer message left behind the end must not look like a part of this one.
  std::memset(text + bytes.size(), 0, kPadding);
  json::document document;
  if (const auto code =
          parser_->parser.iterate(text, bytes.size(), max_bytes_ + kPadding).get(document))
    return from(code);
  json::object root;
  if (const auto code = document.get_object().get(root))
    return code == simdjson::INCORRECT_TYPE ? DecodeError::Malformed : from(code);
  Scan scan{out, levels, 0, {}, {}};
  if (const DecodeError error = scan.object(root, false); error != DecodeError::None) return error;
  // The location behind the root object exists only if something follows it.
  if (document.current_location().error() != simdjson::OUT_OF_BOUNDS) return DecodeError::Malformed;
  return scan.finish(symbols_);
}

}  // namespace sluice
