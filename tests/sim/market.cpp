#include "tests/sim/market.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <charconv>
#include <memory>

#include "core/decimal.hpp"
#include "core/error.hpp"

namespace sluice::sim {
namespace {

constexpr std::int64_t kEpochNs = 1'723'161'253'000'000'000;

std::string decimal(std::int64_t raw) {
  DecimalText text;
  return std::string(format_decimal(raw, text));
}

std::string unzip(const char* path) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path, "rb"), gzclose);
  if (!file) throw Error(std::string("no tape at ") + path);
  std::string text;
  std::vector<char> chunk(1u << 20);
  for (int n = 0; (n = gzread(file.get(), chunk.data(), static_cast<unsigned>(chunk.size()))) > 0;)
    text.append(chunk.data(), static_cast<std::size_t>(n));
  return text;
}

}  // namespace

Tape recorded_tape() {
  const std::string text = unzip(SLUICE_SOURCE_DIR "/tests/data/binance_spot_btcusdt_20240808.gz");
  Tape tape;
  std::int64_t first = 0;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find('\n', at), text.size());
    const std::size_t space = text.find(' ', at);
    std::int64_t time = 0;
    if (space >= end ||
        std::from_chars(text.data() + at, text.data() + space, time).ptr != text.data() + space)
      throw Error("tape: line " + std::to_string(tape.size() + 1) + " is no frame");
    if (tape.empty()) first = time;
    Frame frame{time - first, false, text.substr(space + 1, end - space - 1)};
    frame.snapshot = frame.text.find("\"stream\"") == std::string::npos;
    tape.push_back(std::move(frame));
    at = end + 1;
  }
  return tape;
}

std::string quote_frame(std::uint64_t id, Price bid, Price ask, Qty bid_qty, Qty ask_qty) {
  return fmt::format(R"({{"stream":"btcusdt@bookTicker","data":{{"u":{},"s":"BTCUSDT",)"
                     R"("b":"{}","B":"{}","a":"{}","A":"{}"}}}})",
                     id, decimal(bid.raw), decimal(bid_qty.raw), decimal(ask.raw),
                     decimal(ask_qty.raw));
}

std::string trade_frame(std::uint64_t id, MarketTime at, Price price, Qty qty) {
  const std::int64_t ms = at.ns / 1'000'000;
  return fmt::format(
      R"({{"stream":"btcusdt@trade","data":{{"e":"trade","E":{},"s":"BTCUSDT","t":{},"p":"{}",)"
      R"("q":"{}","T":{},"m":false,"M":true}}}})",
      ms, id, decimal(price.raw), decimal(qty.raw), ms);
}

void RandomMarket::walk() noexcept {
  if (burst_ == 0) {
    burst_ = 20 + random_.below(120);
    drift_ = random_.one_in(2) ? 0 : static_cast<std::int64_t>(random_.below(401)) - 200;
  }
  --burst_;
  cents_ += drift_ + static_cast<std::int64_t>(random_.below(201)) - 100;
  if (cents_ < 5'000'000 || cents_ > 7'000'000) cents_ = 6'000'000;
}

Frame RandomMarket::next() {
  walk();
  now_ns_ += static_cast<std::int64_t>(random_.below(36'000'000));
  if (random_.one_in(200)) now_ns_ += static_cast<std::int64_t>(random_.below(4'000'000'000));
  return random_.below(3) == 0 ? trade() : quote();
}

Frame RandomMarket::calm() {
  now_ns_ += 50'000'000;
  drift_ = 0;
  return quote();
}

Frame RandomMarket::quote() {
  const Price bid{cents_ * 1'000'000};
  const Price ask{(cents_ + 1 + static_cast<std::int64_t>(random_.below(20))) * 1'000'000};
  const auto display = [this] {
    return Qty{static_cast<std::int64_t>(1 + random_.below(300)) * 1'000'000};
  };
  const Qty bid_qty = display();
  return {now_ns_, false, quote_frame(++quote_id_, bid, ask, bid_qty, display())};
}

Frame RandomMarket::trade() {
  trade_id_ += random_.one_in(150) ? 2 + random_.below(5) : 1;
  return {now_ns_, false,
          trade_frame(trade_id_, {kEpochNs + now_ns_}, {cents_ * 1'000'000}, Qty{1'000'000})};
}

}  // namespace sluice::sim
