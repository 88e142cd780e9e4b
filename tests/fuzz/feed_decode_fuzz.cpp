// Hostile bytes into the whole feed stage: decoder, book, gap detection, output queue. Built as a
// libFuzzer target with SLUICE_FUZZ; the corpus test calls the same function in every build.
//
// The input is a list of messages separated by newlines; a first byte 'S' marks a snapshot.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "feed/stage.hpp"

namespace {

void check(const sluice::Tick& tick) {
  using sluice::TickKind;
  if (tick.kind == TickKind::Quote && !(tick.bid().raw > 0 && tick.bid() < tick.ask()))
    std::abort();
  if (tick.kind == TickKind::Trade && (tick.price().raw <= 0 || tick.qty().raw <= 0)) std::abort();
  if (tick.kind == TickKind::Status && tick.count() < 0) std::abort();
}

sluice::FeedConfig config() {
  sluice::FeedConfig c;
  c.trade = c.depth = true;
  c.stale = sluice::Duration::seconds(1);
  c.max_message_bytes = 64 * 1024;
  c.book_levels = 20;
  c.symbols = {"BTCUSDT", "ETHUSDT"};
  return c;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static sluice::Effects effects(nullptr);
  static sluice::FeedStage stage(config(), effects);
  sluice::Tick tick{};
  const auto drain = [&](bool got) {
    for (; got; got = stage.next(tick)) check(tick);
  };
  drain(stage.on_connection(true, {1}, tick));
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    std::string_view line = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const bool snapshot = !line.empty() && line.front() == 'S';
    if (snapshot) line.remove_prefix(1);
    drain(snapshot ? stage.on_snapshot(0, {line.data(), line.size()}, {2}, tick)
                   : stage.on_frame({line.data(), line.size()}, {2}, tick));
  }
  drain(stage.on_connection(false, {3}, tick));
  return 0;
}
