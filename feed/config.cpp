#include "feed/config.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

namespace sluice {

namespace {

constexpr std::array<std::string_view, 3> kStreams{"trade", "bookTicker", "depth@100ms"};
constexpr std::uint32_t kMaxBookLevels = 5'000;  // the venue's largest snapshot
constexpr std::size_t kMaxStreamPath = 2'032;    // what core/net can ask for
constexpr std::size_t kSnapshotLevelBytes = 80;  // ["12345678901.12345678","12345678901.12345678"],
constexpr std::size_t kSnapshotFrameBytes = 4'096;

bool begins(std::string_view text, std::string_view with) {
  return text.substr(0, with.size()) == with && text.size() > with.size();
}

std::string read_url(const config::Table& feed, std::string_view key, std::string_view plain,
                     std::string_view tls) {
  std::string url = feed.text(key);
  if (!feed.sound(key)) return url;
  const std::string_view scheme = begins(url, plain) ? plain : begins(url, tls) ? tls : "";
  const bool has_path = url.find_first_of("/?# ", scheme.size()) != std::string::npos;
  if (scheme.empty() || has_path)
    feed.fault(key, fmt::format("expected {}host:port or {}host:port without a path, got \"{}\"",
                                plain, tls, url));
  return url;
}

void read_streams(const config::Table& feed, FeedConfig& config) {
  const std::array<bool*, 3> wanted{&config.trade, &config.book_ticker, &config.depth};
  const std::vector<std::string> names = feed.texts("streams");
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto at = std::find(kStreams.begin(), kStreams.end(), names[i]);
    const std::string key = fmt::format("streams[{}]", i);
    if (at == kStreams.end()) {
      feed.fault(
          key, fmt::format("expected one of {}, got \"{}\"", fmt::join(kStreams, ", "), names[i]));
      continue;
    }
    bool& flag = *wanted[static_cast<std::size_t>(at - kStreams.begin())];
    if (flag) feed.fault(key, fmt::format("\"{}\" is there twice", names[i]));
    flag = true;
  }
  if (!feed.sound("streams")) return;
  if (!config.book_ticker && !config.depth)
    feed.fault("streams", "must have bookTicker or depth@100ms, or there is no quote");
  if (config.book_ticker && !config.trade && !config.depth)
    feed.fault("streams",
               "must have trade or depth@100ms beside bookTicker, which carries no time");
}

// A symbol as the venue writes it in the names of its streams.
std::string stream_symbol(std::string_view symbol) {
  std::string text;
  for (const char c : symbol) {
    const bool upper = c >= 'A' && c <= 'Z';
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    if (upper) {
      text += static_cast<char>(c - 'A' + 'a');
    } else if (plain) {
      text += c;
    } else {
      text += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
  }
  return text;
}

}  // namespace

FeedConfig parse_feed(const config::Table& feed, const PipelineConfig& pipeline) {
  FeedConfig config;
  config.url = read_url(feed, "url", "ws://", "wss://");
  config.rest_url = read_url(feed, "rest_url", "http://", "https://");
  read_streams(feed, config);
  config.stale = feed.duration("stale_ms", 10, 600'000);
  config.silence_max = feed.duration("silence_max_ms", 0, 3'600'000);
  if (feed.sound("silence_max_ms") && feed.sound("stale_ms") && config.silence_max.ns != 0 &&
      config.silence_max < config.stale)
    feed.fault("silence_max_ms", "must be 0 or not below stale_ms");
  config.reconnect_min = feed.duration("reconnect_min_ms", 1, 60'000);
  config.reconnect_max = feed.duration("reconnect_max_ms", 1, 600'000);
  if (feed.sound("reconnect_min_ms") && feed.sound("reconnect_max_ms") &&
      config.reconnect_max < config.reconnect_min)
    feed.fault("reconnect_max_ms", "must not be below reconnect_min_ms");
  config.max_message_bytes =
      static_cast<std::size_t>(feed.integer("max_message_bytes", 4'096, 16'777'216));
  config.book_levels = static_cast<std::uint32_t>(feed.integer("book_levels", 5, kMaxBookLevels));
  for (const Instrument& instrument : pipeline.instruments)
    config.symbols.push_back(instrument.venue_symbol);
  if (!feed.sound("streams") || !feed.sound("url")) return config;
  const std::size_t path = stream_url(config).size() - config.url.size();
  if (path > kMaxStreamPath)
    feed.fault("streams",
               fmt::format("one connection asks for them in a path of {} bytes, and {} are the "
                           "most: fewer streams or fewer instruments",
                           path, kMaxStreamPath));
  return config;
}

std::string stream_url(const FeedConfig& config) {
  const std::array<bool, 3> wanted{config.trade, config.book_ticker, config.depth};
  std::string url = config.url + "/stream?streams=";
  bool first = true;
  for (const std::string& symbol : config.symbols) {
    for (std::size_t i = 0; i < kStreams.size(); ++i) {
      if (!wanted[i]) continue;
      url += fmt::format("{}{}@{}", first ? "" : "/", stream_symbol(symbol), kStreams[i]);
      first = false;
    }
  }
  return url;
}

std::string snapshot_url(const FeedConfig& config, InstrumentIndex instrument) {
  // The stream is spelled in lower case, the request as the venue lists the symbol.
  std::string symbol;
  for (const char c : config.symbols.at(instrument))
    symbol += static_cast<unsigned char>(c) > ' ' && c != '&' && c != '#' && c != '%' && c != '+'
                  ? std::string(1, c)
                  : fmt::format("%{:02X}", static_cast<unsigned char>(c));
  return fmt::format("{}/api/v3/depth?symbol={}&limit={}", config.rest_url, symbol,
                     config.book_levels);
}

std::size_t snapshot_bytes(const FeedConfig& config) noexcept {
  return kSnapshotFrameBytes + 2 * kSnapshotLevelBytes * config.book_levels;
}

}  // namespace sluice
