// Messages as the venue writes them, a configuration, and the recorded tape.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "feed/stage.hpp"

namespace sluice::test {

inline const std::string kTradeJson =
    R"({"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000",)"
    R"("q":"0.02000000","T":1723161255342,"m":true,"M":true})";
inline const std::string kTickerJson =
    R"({"u":50093239212,"s":"BTCUSDT","b":"61837.63000000","B":"3.78826000",)"
    R"("a":"61837.64000000","A":"1.54698000"})";
inline const std::string kDepthJson =
    R"({"e":"depthUpdate","E":1723161255408,"s":"BTCUSDT","U":50093239208,"u":50093239224,)"
    R"("b":[["61837.63000000","3.78826000"],["61820.99000000","0.00000000"]],)"
    R"("a":[["61837.64000000","1.60520000"]]})";
inline const std::string kSnapshotJson =
    R"({"lastUpdateId":50093239218,"bids":[["61837.63000000","3.78826000"],)"
    R"(["61837.62000000","0.61700000"]],"asks":[["61837.64000000","1.60520000"]]})";

inline std::string wrapped(std::string_view event) {
  return R"({"stream":"btcusdt@x","data":)" + std::string(event) + "}";
}

inline FeedConfig feed_config(bool trade, bool book_ticker, bool depth) {
  FeedConfig config;
  config.url = "ws://127.0.0.1:1";
  config.rest_url = "http://127.0.0.1:1";
  config.trade = trade;
  config.book_ticker = book_ticker;
  config.depth = depth;
  config.stale = Duration::millis(1'000);
  config.reconnect_min = Duration::millis(1);
  config.reconnect_max = Duration::millis(50);
  config.max_message_bytes = 64 * 1024;
  config.book_levels = 1'000;
  config.symbols = {"BTCUSDT", "ETHUSDT"};
  return config;
}

// A decoder with buffers of its own.
struct Decoding {
  explicit Decoding(std::size_t max_bytes = 64 * 1024, std::size_t levels = 100)
      : symbols{"BTCUSDT", "ETHUSDT"}, decoder(symbols, max_bytes), bids(levels), asks(levels) {}

  DecodeError operator()(std::string_view text) noexcept {
    return decoder.decode({text.data(), text.size()}, {bids, asks}, update);
  }

  std::vector<std::string> symbols;
  FeedDecoder decoder;
  std::vector<BookLevel> bids;
  std::vector<BookLevel> asks;
  Update update;
};

struct TapeLine {
  HostTime received{};
  std::string text;
  [[nodiscard]] bool is_snapshot() const { return text.rfind("{\"lastUpdateId\"", 0) == 0; }
};

// Empty if it cannot be read.
std::vector<TapeLine> read_tape();

// Feeds a stage and collects all that it emits.
struct Rig {
  explicit Rig(const FeedConfig& config, StagePage* page = nullptr)
      : effects(page), stage(config, effects) {}

  void take(bool got, const Tick& first) {
    Tick tick = first;
    for (; got; got = stage.next(tick)) ticks.push_back(tick);
  }
  void up(HostTime now = {1}) {
    Tick tick;
    const bool got = stage.on_connection(true, now, tick);
    take(got, tick);
  }
  void down(HostTime now = {2}) {
    Tick tick;
    const bool got = stage.on_connection(false, now, tick);
    take(got, tick);
  }
  void frame(std::string_view text, HostTime now = {3}) {
    Tick tick;
    const bool got = stage.on_frame({text.data(), text.size()}, now, tick);
    take(got, tick);
  }
  void snapshot(std::string_view text, InstrumentIndex instrument = 0, HostTime now = {4}) {
    Tick tick;
    const bool got = stage.on_snapshot(instrument, {text.data(), text.size()}, now, tick);
    take(got, tick);
  }
  void idle(HostTime now) {
    Tick tick;
    const bool got = stage.on_idle(now, tick);
    take(got, tick);
  }
  [[nodiscard]] std::size_t count(TickKind kind) const {
    std::size_t n = 0;
    for (const Tick& tick : ticks) n += tick.kind == kind ? 1u : 0u;
    return n;
  }
  [[nodiscard]] std::size_t count(StatusCode code) const {
    std::size_t n = 0;
    for (const Tick& tick : ticks)
      n += tick.kind == TickKind::Status && tick.status() == code ? 1u : 0u;
    return n;
  }

  Effects effects;
  FeedStage stage;
  std::vector<Tick> ticks;
};

}  // namespace sluice::test
