// See source.hpp.
#include "feed/source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "core/segment_header.hpp"  // mix()

namespace sluice {

namespace {

constexpr Duration kFetchWithin = Duration::seconds(10);
constexpr Duration kFetchPause =
    Duration::millis(250);  // after an answer, whether it fitted or not
constexpr Duration kFetchRetryMin = Duration::seconds(1);  // after a failure
constexpr Duration kFetchRetryMax = Duration::seconds(60);
constexpr Duration kFetchBanned = Duration::seconds(120);  // 418, 429: asking on prolongs the ban

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
}

void FeedSource::wait(HostTime now, Duration max) {
  turn(now);
  loop_.wait(max);
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

void FeedSource::stop() {
  stopped_ = true;
  http_.cancel();
  websocket_.close();
}

void FeedSource::on_open() {
  opened_ = true;
  opened_at_ = now_;
  handler_.on_connection(true);
}

void FeedSource::on_error(net::Failure failure, std::string_view text) {
  handler_.on_trouble(fmt::format("{}: {}: {}", config_.url, net::to_text(failure), text));
}

void FeedSource::on_closed(std::uint16_t code, std::string_view reason) {
  // A connection that stood long enough was a success: the next attempt is a first one.
  if (opened_ && now_ - opened_at_ >= config_.reconnect_max) connecting_.reset();
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
    fetch_at_ = now_ + kFetchPause;
    http_.get(snapshot_urls_[at], kFetchWithin,
              [this, instrument](const net::HttpResult& result) { on_answer(instrument, result); });
    return;
  }
}

void FeedSource::on_answer(InstrumentIndex instrument, const net::HttpResult& result) {
  if (result.status == 200) {
    fetching_.reset();
    fetch_at_ = now_ + kFetchPause;
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
