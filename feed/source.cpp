// See source.hpp.
#include "feed/source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/segment_header.hpp"  // mix()

namespace sluice {

namespace {

constexpr Duration kFetchWithin = Duration::seconds(10);
constexpr Duration kFetchRetryMin = Duration::seconds(1);  // after a failure
constexpr Duration kFetchRetryMax = Duration::seconds(60);
constexpr Duration kFetchBanned = Duration::seconds(120);  // 418, 429: asking on prolongs the ban

// Between two requests, whether the answer fitted or not. The venue weighs a snapshot by its levels
// and bans who asks for more than a weight of 6000 in a minute: this is 5000 of it.
Duration fetch_pause(std::uint32_t levels) noexcept {
  const std::int64_t weight = levels <= 100 ? 5 : levels <= 500 ? 25 : levels <= 1'000 ? 50 : 250;
  return {weight * 12'000'000};
}

}  // namespace

Duration Backoff::next() noexcept {
  Duration full = min_;
  for (unsigned i = 0; i < attempts_ && full < max_; ++i) full = full + full;
  full = std::min(full, max_);
  if (full < max_) ++attempts_;
  random_ = mix(random_ + 0x9e3779b97f4a7c15);
  const auto span = static_cast<std::uint64_t>(full.ns / 2 + 1);
  return {full.ns - static_cast<std::int64_t>(random_ % span)};
}

FeedSource::FeedSource(const FeedConfig& config, FeedSourceHandler& handler, std::uint64_t seed,
                       net::LoopOptions options)
    : config_(config),
      handler_(handler),
      loop_(std::move(options)),
      websocket_(loop_, stream_url(config), *this, {.max_message = config.max_message_bytes}),
      http_(loop_, snapshot_bytes(config)),
      connecting_(config.reconnect_min, config.reconnect_max, seed),
      fetching_(kFetchRetryMin, kFetchRetryMax, mix(seed)) {
  for (std::size_t i = 0; i < config.symbols.size(); ++i)
    snapshot_urls_.push_back(snapshot_url(config, static_cast<InstrumentIndex>(i)));
}

void FeedSource::poll(HostTime now) {
  turn(now);
  loop_.poll();
  cut_if_mute();
}

void FeedSource::wait(HostTime now, Duration max) {
  turn(now);
  loop_.wait(max);
  cut_if_mute();
}

void FeedSource::turn(HostTime now) {
  now_ = now;
  if (stopped_) return;
  if (websocket_.is_idle() && now_ >= connect_at_) {
    ++attempts_;
    connect_at_ = HostTime::never();  // until on_closed says when
    websocket_.connect();
  }
  if (config_.depth && opened_ && now_ >= fetch_at_ && !http_.is_busy()) fetch_snapshot();
}

void FeedSource::hear(std::span<const char> bytes) {
  heard_ = true;
  heard_at_ = now_;
  handler_.on_frame(bytes);
}

// A half-open connection, or a venue that answers pings and sends nothing else, ends by itself late
// or never. Asked after the frames in hand were taken: a process that stood still is not a silent
// venue. No close handshake: nobody might answer it.
void FeedSource::cut_if_mute() {
  if (config_.silence_max.ns == 0 || !websocket_.is_open() || stopped_) return;
  if (now_ - heard_at_ < config_.silence_max) return;
  handler_.on_mute();
  websocket_.drop(fmt::format("no message for {} ms", (now_ - heard_at_).ns / 1'000'000));
}

void FeedSource::stop() {
  stopped_ = true;
  http_.cancel();
  websocket_.close();
}

void FeedSource::on_open() {
  opened_ = true;
  opened_at_ = heard_at_ = now_;
  heard_ = false;
  handler_.on_connection(true);
}

void FeedSource::on_error(net::Failure failure, std::string_view text) {
  handler_.on_trouble(fmt::format("{}: {}: {}", config_.url, net::to_text(failure), text));
}

void FeedSource::on_closed(std::uint16_t code, std::string_view reason) {
  // A connection that stood long enough and said something was a success: the next attempt is a
  // first one.
  if (opened_ && heard_ && now_ - opened_at_ >= config_.reconnect_max) connecting_.reset();
  const Duration pause = connecting_.next();
  connect_at_ = now_ + pause;
  http_.cancel();  // the answer would be for a book that no longer exists
  if (!std::exchange(opened_, false)) return;
  handler_.on_trouble(fmt::format("{}: closed with {} {}; connecting again in {} ms", config_.url,
                                  code, reason, pause.ns / 1'000'000));
  handler_.on_connection(false);
}

void FeedSource::fetch_snapshot() {
  for (std::size_t i = 0; i < snapshot_urls_.size(); ++i) {
    const std::size_t at = (next_instrument_ + i) % snapshot_urls_.size();
    const auto instrument = static_cast<InstrumentIndex>(at);
    if (!handler_.wants_snapshot(instrument)) continue;
    next_instrument_ = at + 1;
    fetch_at_ = now_ + fetch_pause(config_.book_levels);
    http_.get(snapshot_urls_[at], kFetchWithin,
              [this, instrument](const net::HttpResult& result) { on_answer(instrument, result); });
    return;
  }
}

void FeedSource::on_answer(InstrumentIndex instrument, const net::HttpResult& result) {
  if (result.status == 200) {
    fetching_.reset();
    fetch_at_ = now_ + fetch_pause(config_.book_levels);
    return handler_.on_snapshot(instrument, {result.body.data(), result.body.size()});
  }
  const bool banned = result.status == 418 || result.status == 429;
  const Duration pause = banned ? kFetchBanned : fetching_.next();
  fetch_at_ = now_ + pause;
  handler_.on_trouble(
      fmt::format("snapshot of {}: {}; again in {} ms", config_.symbols[instrument],
                  result.status == 0 ? result.error : fmt::format("status {}", result.status),
                  pause.ns / 1'000'000));
}

}  // namespace sluice
