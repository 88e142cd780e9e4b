#include "feed/live.hpp"

#include <algorithm>

#include "core/stage_host.hpp"

namespace sluice {

LiveFeed::LiveFeed(const FeedConfig& config, const Clock& clock, StagePage& page,
                   LastValueTable& last_values, std::uint32_t lease_epoch)
    : clock_(clock),
      page_(page),
      effects_(&page),
      stage_(config, effects_),
      fanout_(config.symbols.size(), effects_),
      last_values_(last_values, lease_epoch),
      source_(config, *this, static_cast<std::uint64_t>(clock.now().ns)),
      symbols_(config.symbols),
      quiet_{config.stale.ns * kQuietPeriods} {
  // Before the silence ends the connection, and the period with it.
  if (config.silence_max.ns != 0) quiet_.ns = std::min(quiet_.ns, config.silence_max.ns / 2);
}

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
  connected_at_ = clock_.now();
  named_ = !up;
  publish(stage_.on_connection(up, connected_at_, tick), tick);
  say_line(Process::Feed, up ? "connected" : "connection lost");
  worked_ = true;
}

void LiveFeed::on_trouble(std::string_view line) {
  say_line(Process::Feed, std::string(line));  // setup
}  // setup

// The venue answers a stream that it does not know with silence, like one on which nothing happens.
// Cold: once per connection.
void LiveFeed::name_the_silent(HostTime now) {
  named_ = true;
  for (std::size_t i = 0; i < symbols_.size(); ++i)
    if (stage_.last_message(static_cast<InstrumentIndex>(i)) < connected_at_)
      say_line(Process::Feed,
               "nothing received of " + symbols_[i] + " in the " +
                   std::to_string((now - connected_at_).ns / 1'000'000) +  // setup
                   " ms since connecting: does the venue know it?");
}

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
    if (!named_ && now - connected_at_ >= quiet_) name_the_silent(now);
  }
  return worked_;
}

}  // namespace sluice
