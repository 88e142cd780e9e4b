// Bytes -> Update: every kind, every way to fail, hostile bytes.
#include "feed/decode.hpp"

#include <gtest/gtest.h>

#include <set>

#include "core/error.hpp"
#include "tests/unit/feed/feed_support.hpp"

namespace sluice {
namespace {

using test::Decoding;
using test::kDepthJson;
using test::kSnapshotJson;
using test::kTickerJson;
using test::kTradeJson;
using test::wrapped;

std::string replaced(std::string text, std::string_view what, std::string_view with) {
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return at == std::string::npos ? text : text.replace(at, what.size(), with);
}

TEST(Decoder, ReadsATradeAloneAndWrapped) {
  for (const std::string& text : {kTradeJson, wrapped(kTradeJson)}) {
    Decoding decode;
    ASSERT_EQ(decode(text), DecodeError::None);
    const Update& u = decode.update;
    EXPECT_EQ(u.kind, UpdateKind::Trade);
    EXPECT_EQ(u.instrument, 0u);
    EXPECT_EQ(u.last_id, 3735683259u);
    EXPECT_EQ(u.price.raw, 6'183'763'000'000);
    EXPECT_EQ(u.qty.raw, 2'000'000);
    EXPECT_EQ(u.event_time.ns, 1'723'161'255'343'000'000);
    EXPECT_EQ(u.trade_time.ns, 1'723'161'255'342'000'000);
    EXPECT_TRUE(u.buyer_is_maker);
  }
}

TEST(Decoder, ReadsABookTicker) {
  Decoding decode;
  ASSERT_EQ(decode(wrapped(kTickerJson)), DecodeError::None);
  const Update& u = decode.update;
  EXPECT_EQ(u.kind, UpdateKind::BookTicker);
  EXPECT_EQ(u.last_id, 50093239212u);
  EXPECT_EQ(u.top, (Top{{6'183'763'000'000}, {6'183'764'000'000}, {378'826'000}, {154'698'000}}));
  EXPECT_EQ(u.event_time.ns, 0);
}

TEST(Decoder, ReadsADepthUpdate) {
  Decoding decode;
  ASSERT_EQ(decode(kDepthJson), DecodeError::None);
  const Update& u = decode.update;
  EXPECT_EQ(u.kind, UpdateKind::Depth);
  EXPECT_EQ(u.first_id, 50093239208u);
  EXPECT_EQ(u.last_id, 50093239224u);
  ASSERT_EQ(u.bids.size(), 2u);
  ASSERT_EQ(u.asks.size(), 1u);
  EXPECT_EQ(u.bids[1], (BookLevel{{6'182'099'000'000}, {0}}));
  EXPECT_EQ(u.asks[0], (BookLevel{{6'183'764'000'000}, {160'520'000}}));
}

TEST(Decoder, ReadsASnapshot) {
  Decoding decode;
  ASSERT_EQ(decode(kSnapshotJson), DecodeError::None);
  EXPECT_EQ(decode.update.kind, UpdateKind::Snapshot);
  EXPECT_EQ(decode.update.last_id, 50093239218u);
  EXPECT_EQ(decode.update.bids.size(), 2u);
  EXPECT_EQ(decode.update.asks.size(), 1u);
}

TEST(Decoder, ReadsWhatIsNotMarketData) {
  Decoding decode;
  ASSERT_EQ(decode(R"({"result":null,"id":1})"), DecodeError::None);
  EXPECT_EQ(decode.update.kind, UpdateKind::Answer);
  ASSERT_EQ(decode(R"({"error":{"code":2,"msg":"Invalid \"x\""},"id":"a"})"), DecodeError::None);
  EXPECT_EQ(decode.update.kind, UpdateKind::VenueError);
  EXPECT_EQ(decode.update.code, 2);
  EXPECT_EQ(decode.update.text, "Invalid \"x\"");
  ASSERT_EQ(decode(R"({"code":-1121,"msg":"Invalid symbol."})"), DecodeError::None);
  EXPECT_EQ(decode.update.code, -1121);
  ASSERT_EQ(decode(R"({"e":"serverShutdown","E":1723161255343})"), DecodeError::None);
  EXPECT_EQ(decode.update.kind, UpdateKind::Shutdown);
  ASSERT_EQ(decode(R"({"event":{"e":"serverShutdown","E":1723161255343}})"), DecodeError::None);
  EXPECT_EQ(decode.update.kind, UpdateKind::Shutdown);
}

TEST(Decoder, TakesFieldsInAnyOrder) {
  Decoding decode;
  EXPECT_EQ(
      decode(R"({"data":{"A":"1","a":"3","s":"ETHUSDT","B":"1","b":"2","u":7},"stream":"x"})"),
      DecodeError::None);
  EXPECT_EQ(decode.update.instrument, 1u);
  EXPECT_EQ(decode.update.top.ask.raw, 3 * kScale);
}

TEST(Decoder, TakesMicrosecondsWhereTheValueSaysSo) {
  Decoding decode;
  ASSERT_EQ(decode(replaced(kTradeJson, "1723161255343", "1723161255343123")), DecodeError::None);
  EXPECT_EQ(decode.update.event_time.ns, 1'723'161'255'343'123'000);
}

TEST(Decoder, BoundsTimes) {
  Decoding decode;
  const auto with = [&](std::string_view time) {
    return decode(replaced(kTradeJson, "1723161255343", time));
  };
  EXPECT_EQ(with("0"), DecodeError::BadTime);
  EXPECT_EQ(with("1"), DecodeError::None);
  EXPECT_EQ(with("9223372036854"), DecodeError::None);  // the last ms that fits
  EXPECT_EQ(with("9223372036855"), DecodeError::BadTime);
  EXPECT_EQ(with("9223372036854775"), DecodeError::None);
  EXPECT_EQ(with("9223372036854776"), DecodeError::BadTime);
  EXPECT_NE(with("-1"), DecodeError::None);
}

TEST(Decoder, NamesEveryFailure) {
  Decoding decode(512, 2);
  const auto fails = [&](std::string_view text) { return decode(text); };
  EXPECT_EQ(fails(kTradeJson + std::string(512, ' ')), DecodeError::TooLarge);
  EXPECT_EQ(fails(""), DecodeError::Malformed);
  EXPECT_EQ(fails("[]"), DecodeError::Malformed);
  EXPECT_EQ(fails("12"), DecodeError::Malformed);
  EXPECT_EQ(fails(kTradeJson + "x"), DecodeError::Malformed);
  EXPECT_EQ(fails(kTradeJson + kTradeJson), DecodeError::Malformed);
  EXPECT_EQ(fails(replaced(kTradeJson, "\"M\":true", "\"p\":\"1\"")), DecodeError::Malformed);
  EXPECT_EQ(fails(replaced(kTradeJson, "BTCUSDT", "\xff\xfe")), DecodeError::Malformed);
  EXPECT_EQ(fails(replaced(kTradeJson, "\"t\":", "\"x\":")), DecodeError::MissingField);
  EXPECT_EQ(fails(replaced(kTickerJson, "\"A\":", "\"x\":")), DecodeError::MissingField);
  EXPECT_EQ(fails(replaced(kDepthJson, "\"U\":", "\"x\":")), DecodeError::MissingField);
  EXPECT_EQ(fails(replaced(kSnapshotJson, "\"asks\"", "\"x\"")), DecodeError::MissingField);
  EXPECT_EQ(fails(replaced(kTradeJson, "\"61837.63000000\"", "61837.63")), DecodeError::WrongType);
  EXPECT_EQ(fails(replaced(kTradeJson, "\"m\":true", "\"m\":\"x\"")), DecodeError::WrongType);
  EXPECT_EQ(fails(R"({"stream":"x","data":[1]})"), DecodeError::WrongType);
  EXPECT_EQ(fails(replaced(kTradeJson, "61837.63000000", "61837.6e3")), DecodeError::BadNumber);
  EXPECT_EQ(fails(replaced(kTradeJson, "61837.63000000", "0.000000001")), DecodeError::BadNumber);
  EXPECT_EQ(fails(replaced(kTradeJson, "61837.63000000", "99999999999.9")), DecodeError::BadNumber);
  EXPECT_EQ(fails(replaced(kTradeJson, "61837.63000000", std::string(60, '1'))),
            DecodeError::BadNumber);
  EXPECT_EQ(fails(replaced(kDepthJson, "\"61820.99000000\"", "\"0\"")), DecodeError::BadNumber);
  EXPECT_EQ(fails(replaced(kDepthJson, "\"1.60520000\"", "\"-1\"")), DecodeError::BadNumber);
  EXPECT_EQ(fails(replaced(kDepthJson, "50093239208", "50093239225")), DecodeError::BadSequence);
  EXPECT_EQ(fails(replaced(kTradeJson, "BTCUSDT", "DOGEUSDT")), DecodeError::UnknownSymbol);
  EXPECT_EQ(fails(replaced(kTradeJson, "BTCUSDT", "btcusdt")), DecodeError::UnknownSymbol);
  EXPECT_EQ(fails(replaced(kTradeJson, "\"trade\"", "\"kline\"")), DecodeError::UnknownEvent);
  EXPECT_EQ(fails("{}"), DecodeError::UnknownEvent);
  EXPECT_EQ(fails(replaced(kDepthJson, "]],\"a\"", "],[\"1\",\"1\"]],\"a\"")),
            DecodeError::TooManyLevels);
  EXPECT_EQ(fails(kDepthJson), DecodeError::None);  // two bids: the bound itself
  EXPECT_EQ(fails(replaced(kDepthJson, "[\"61837.64000000\",\"1.60520000\"]", "[\"1\"]")),
            DecodeError::Malformed);
  EXPECT_EQ(
      fails(replaced(kDepthJson, "[\"61837.64000000\",\"1.60520000\"]", "[\"1\",\"1\",\"1\"]")),
      DecodeError::Malformed);
}

TEST(Decoder, BoundsIds) {
  Decoding decode;
  EXPECT_EQ(decode(replaced(kTickerJson, "50093239212", "4611686018427387903")), DecodeError::None);
  EXPECT_EQ(decode(replaced(kTickerJson, "50093239212", "4611686018427387904")),
            DecodeError::BadNumber);
  EXPECT_EQ(decode(replaced(kTickerJson, "50093239212", "99999999999999999999")),
            DecodeError::WrongType);
}

TEST(Decoder, BoundsTheMessage) {
  Decoding decode(kTradeJson.size());
  EXPECT_EQ(decode(kTradeJson), DecodeError::None);
  EXPECT_EQ(decode(kTradeJson + " "), DecodeError::TooLarge);
}

TEST(Decoder, GivesEveryErrorANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < kDecodeErrors; ++i)
    names.insert(to_text(static_cast<DecodeError>(i)));
  EXPECT_EQ(names.size(), kDecodeErrors);
  EXPECT_EQ(names.count("?"), 0u);
}

// No prefix of a message is a message: a cut connection never yields half an update.
TEST(Decoder, RefusesEveryTruncation) {
  Decoding decode;
  for (const std::string& text : {kTradeJson, kTickerJson, kDepthJson, kSnapshotJson,
                                  wrapped(kTradeJson), wrapped(kTickerJson), wrapped(kDepthJson)})
    for (std::size_t size = 0; size < text.size(); ++size)
      EXPECT_NE(decode(std::string_view(text).substr(0, size)), DecodeError::None)
          << text.substr(0, size);
}

TEST(Decoder, SurvivesEveryFlippedBitAndEveryByte) {
  Decoding decode;
  std::size_t accepted = 0;
  for (std::string text :
       {wrapped(kTradeJson), wrapped(kTickerJson), wrapped(kDepthJson), kSnapshotJson}) {
    for (char& byte : text) {
      const char before = byte;
      for (int value = 0; value < 256; ++value) {
        byte = static_cast<char>(value);
        if (decode(text) != DecodeError::None) continue;
        ++accepted;
        for (const BookLevel& level : decode.update.bids) ASSERT_GT(level.price.raw, 0);
      }
      byte = before;
    }
  }
  EXPECT_GT(accepted, 0u);  // another digit is another number
}

TEST(Decoder, DoesNotReadWhatAnEarlierMessageLeft) {
  Decoding decode;
  ASSERT_EQ(decode(kTradeJson), DecodeError::None);
  EXPECT_NE(decode(std::string_view(kTradeJson).substr(0, kTradeJson.size() - 1)),
            DecodeError::None);
}

TEST(SymbolTable, FindsEverySymbolAndNothingElse) {
  const std::vector<std::string> symbols{"ETHUSDT", "BTCUSDT", "A", "ZZZ"};
  const SymbolTable table(symbols);
  for (std::size_t i = 0; i < symbols.size(); ++i) EXPECT_EQ(table.find(symbols[i]), i);
  EXPECT_EQ(table.find(""), kWholeConnection);
  EXPECT_EQ(table.find("BTCUSD"), kWholeConnection);
  EXPECT_EQ(table.find("BTCUSDTT"), kWholeConnection);
}

TEST(SymbolTable, RefusesADuplicate) {
  const std::vector<std::string> symbols{"A", "B", "A"};
  EXPECT_THROW(SymbolTable{symbols}, Error);
}

}  // namespace
}  // namespace sluice
