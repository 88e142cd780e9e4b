// The [feed] section: values, both sides of each bound, relations, URLs.
#include "feed/config.hpp"

#include <gtest/gtest.h>

#include "core/error.hpp"

namespace sluice {
namespace {

struct Parsed {
  FeedConfig config;
  std::vector<config::Fault> faults;
};

constexpr std::string_view kGood = R"([feed]
url = "ws://127.0.0.1:9443"
rest_url = "http://127.0.0.1:9443"
streams = ["trade", "bookTicker", "depth@100ms"]
stale_ms = 2000
silence_max_ms = 30000
reconnect_min_ms = 50
reconnect_max_ms = 2000
max_message_bytes = 1048576
book_levels = 1000
)";

Parsed parse(std::string text) {
  PipelineConfig pipeline;
  pipeline.instruments.push_back({"BTC", "BTCUSDT", {1}, {1}, {1}});
  pipeline.instruments.push_back({"ODD", "A&B", {1}, {1}, {1}});
  const config::Document document = config::Document::parse(text, "test.toml");
  Parsed parsed{parse_feed(document.root().table("feed"), pipeline), {}};
  parsed.faults = document.faults();
  return parsed;
}

std::string good_but(std::string_view what, std::string_view with) {
  std::string text(kGood);
  const std::size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos);
  const std::size_t end = text.find('\n', at);
  return text.replace(at, end - at, with);
}

std::size_t faults_with(std::string_view what, std::string_view with) {
  return parse(good_but(what, with)).faults.size();
}

TEST(FeedConfig, ReadsEveryKey) {
  const Parsed parsed = parse(std::string(kGood));
  ASSERT_TRUE(parsed.faults.empty()) << parsed.faults[0].text;
  const FeedConfig& config = parsed.config;
  EXPECT_EQ(config.url, "ws://127.0.0.1:9443");
  EXPECT_EQ(config.rest_url, "http://127.0.0.1:9443");
  EXPECT_TRUE(config.trade && config.book_ticker && config.depth);
  EXPECT_EQ(config.stale, Duration::millis(2'000));
  EXPECT_EQ(config.silence_max, Duration::millis(30'000));
  EXPECT_EQ(config.reconnect_min, Duration::millis(50));
  EXPECT_EQ(config.reconnect_max, Duration::millis(2'000));
  EXPECT_EQ(config.max_message_bytes, 1'048'576u);
  EXPECT_EQ(config.book_levels, 1'000u);
  EXPECT_EQ(config.symbols, (std::vector<std::string>{"BTCUSDT", "A&B"}));
}

TEST(FeedConfig, ReportsMissingAndUnknownKeys) {
  EXPECT_EQ(parse("[feed]\n").faults.size(), 9u);
  EXPECT_EQ(parse(std::string(kGood) + "stale_s = 1\n").faults.size(), 1u);
}

TEST(FeedConfig, BoundsNumbers) {
  EXPECT_EQ(faults_with("stale_ms", "stale_ms = 9"), 1u);
  EXPECT_EQ(faults_with("stale_ms", "stale_ms = 10"), 0u);
  EXPECT_EQ(faults_with("silence_max_ms", "silence_max_ms = -1"), 1u);
  EXPECT_EQ(faults_with("silence_max_ms", "silence_max_ms = 0"), 0u);
  EXPECT_EQ(faults_with("silence_max_ms", "silence_max_ms = 1999"), 1u);  // below stale_ms
  EXPECT_EQ(faults_with("silence_max_ms", "silence_max_ms = 2000"), 0u);
  EXPECT_EQ(faults_with("silence_max_ms", "silence_max_ms = 3600000"), 0u);
  EXPECT_EQ(faults_with("silence_max_ms", "silence_max_ms = 3600001"), 1u);
  EXPECT_EQ(faults_with("max_message_bytes", "max_message_bytes = 4095"), 1u);
  EXPECT_EQ(faults_with("max_message_bytes", "max_message_bytes = 4096"), 0u);
  EXPECT_EQ(faults_with("max_message_bytes", "max_message_bytes = 16777217"), 1u);
  EXPECT_EQ(faults_with("book_levels", "book_levels = 4"), 1u);
  EXPECT_EQ(faults_with("book_levels", "book_levels = 5"), 0u);
  EXPECT_EQ(faults_with("book_levels", "book_levels = 5000"), 0u);
  EXPECT_EQ(faults_with("book_levels", "book_levels = 5001"), 1u);
  EXPECT_EQ(faults_with("reconnect_max_ms", "reconnect_max_ms = 49"), 1u);
  EXPECT_EQ(faults_with("reconnect_max_ms", "reconnect_max_ms = 50"), 0u);
  EXPECT_EQ(faults_with("reconnect_min_ms", "reconnect_min_ms = 0"), 1u);
}

TEST(FeedConfig, BoundsTheStalenessThatSilenceMayNotUndercut) {
  std::string text = good_but("silence_max_ms", "silence_max_ms = 0");
  text.replace(text.find("stale_ms = 2000"), 15, "stale_ms = 600000");
  EXPECT_TRUE(parse(text).faults.empty());
  text.replace(text.find("stale_ms = 600000"), 17, "stale_ms = 600001");
  EXPECT_EQ(parse(text).faults.size(), 1u);
}

// The library below cuts a longer request line off without a word, and the venue sees half a
// subscription.
TEST(FeedConfig, WantsASubscriptionThatFitsOneRequest) {
  PipelineConfig pipeline;
  const auto faults = [&pipeline](std::size_t instruments) {
    pipeline.instruments.clear();
    for (std::size_t i = 0; i < instruments; ++i)
      pipeline.instruments.push_back({"X", "SYM" + std::to_string(100 + i), {1}, {1}, {1}});
    const config::Document document = config::Document::parse(std::string(kGood), "test.toml");
    const FeedConfig config = parse_feed(document.root().table("feed"), pipeline);
    EXPECT_EQ(stream_url(config).size(), config.url.size() + 15 + instruments * 50);
    return document.faults().size();
  };
  EXPECT_EQ(faults(40), 0u);  // 2015 bytes
  EXPECT_EQ(faults(41), 1u);
}

TEST(FeedConfig, WantsStreamsThatMakeSense) {
  EXPECT_EQ(faults_with("streams", "streams = []"), 1u);
  EXPECT_EQ(faults_with("streams", R"(streams = ["trade"])"), 1u);       // no quote
  EXPECT_EQ(faults_with("streams", R"(streams = ["bookTicker"])"), 1u);  // no time
  EXPECT_EQ(faults_with("streams", R"(streams = ["depth@100ms"])"), 0u);
  EXPECT_EQ(faults_with("streams", R"(streams = ["trade", "bookTicker"])"), 0u);
  EXPECT_EQ(faults_with("streams", R"(streams = ["trade", "depth@100ms", "trade"])"), 1u);
  EXPECT_EQ(faults_with("streams", R"(streams = ["depth@100ms", "kline"])"), 1u);
}

TEST(FeedConfig, WantsUrlsWithoutAPath) {
  for (const char* good : {"ws://h:1", "wss://stream.binance.com:9443", "wss://h"})
    EXPECT_EQ(faults_with("url", std::string("url = \"") + good + "\""), 0u) << good;
  for (const char* bad :
       {"", "h:1", "http://h:1", "ws://", "ws://h:1/", "ws://h/stream", "ws://h?x"})
    EXPECT_EQ(faults_with("url", std::string("url = \"") + bad + "\""), 1u) << bad;
  EXPECT_EQ(faults_with("rest_url", R"(rest_url = "https://api.binance.com")"), 0u);
  EXPECT_EQ(faults_with("rest_url", R"(rest_url = "ws://h")"), 1u);
}

TEST(FeedConfig, SpellsTheUrlsOfTheVenue) {
  const FeedConfig config = parse(std::string(kGood)).config;
  EXPECT_EQ(
      stream_url(config),
      "ws://127.0.0.1:9443/stream?streams=btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms/"
      "a%26b@trade/a%26b@bookTicker/a%26b@depth@100ms");
  EXPECT_EQ(snapshot_url(config, 0),
            "http://127.0.0.1:9443/api/v3/depth?symbol=BTCUSDT&limit=1000");
  EXPECT_EQ(snapshot_url(config, 1), "http://127.0.0.1:9443/api/v3/depth?symbol=A%26B&limit=1000");
  EXPECT_GE(snapshot_bytes(config), 2 * 1'000 * 46u);
}

}  // namespace
}  // namespace sluice
