#include "feed/live.hpp"

#include "core/stage_host.hpp"

namespace sluice {

LiveFeed::LiveFeed(const FeedConfig& config, const Clock& clock, StagePage& page,
                   LastValueTable& last_values, std::uint32_t lease_epoch)
    : clock_(clock), page_(page), effects_(&page), stage_(config, effects_),
      fanout_(config.symbols.size(), effects_), last_values_(last_values, lease_epoch),
      source_(config, *this, static_cast<std::uint64_t>(clock.now().ns)) {}

void LiveFeed::publish(bool got, Tick& tick) noexcept {
  for (; got; got = stage_.next(tick)) {
    fanout_.publish(tick);
    last_values_.write(tick);
  }
}

void LiveFeed::on_frame(std::span<const char> bytes) {
  const HostTime rx_time = clock_.now();
  Tick tick;
  publish(stage_.on_frame(bytes, rx_time, tick), tick);
  effects_.record(FeedHistogram::DecodeNs, clock_.now() - rx_time);
  worked_ = true;
}

void LiveFeed::on_snapshot(InstrumentIndex instrument, std::span<const char> body) {
  Tick tick;
  publish(stage_.on_snapshot(instrument, body, clock_.now(), tick), tick);
  worked_ = true;
}

void LiveFeed::on_connection(bool up) {
  Tick tick;
  publish(stage_.on_connection(up, clock_.now(), tick), tick);
  say_line(Process::Feed, up ? "connected" : "connection lost");
  worked_ = true;
}

void LiveFeed::on_trouble(std::string_view line) { say_line(Process::Feed, std::string(line)); }

bool LiveFeed::turn() noexcept {
  worked_ = false;
  const HostTime now = clock_.now();
  source_.poll(now);
  Tick tick;
  publish(stage_.on_idle(now, tick), tick);
  fanout_.pump();
  if (now - beat_at_ >= Duration::millis(1)) {
    beat_at_ = now;
    page_.heartbeat_us.store(clock_.liveness_us(), std::memory_order_relaxed);
  }
  return worked_;
}

}  // namespace sluice
