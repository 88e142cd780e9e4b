// The feed's adapter: the only part of the feed that does I/O. Connects to the combined stream,
// connects again when the connection is lost (capped exponential back-off with jitter; the URL is
// the subscription), cuts a connection on which nothing arrives, and fetches the depth snapshots
// that the stage asks for, one at a time and never in a hurry.
//
// Single-threaded: everything happens inside poll() or wait(), handlers included.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/http_client.hpp"
#include "core/net/loop.hpp"
#include "core/net/websocket_client.hpp"
#include "core/types.hpp"
#include "feed/config.hpp"

namespace sluice {

// What the source tells and asks; the driver answers by means of its FeedStage. Views live during
// the call.
class FeedSourceHandler {
 public:
  virtual ~FeedSourceHandler() = default;
  virtual void on_connection(bool up) = 0;
  virtual void on_frame(std::span<const char> bytes) = 0;
  virtual void on_snapshot(InstrumentIndex instrument, std::span<const char> body) = 0;
  [[nodiscard]] virtual bool wants_snapshot(InstrumentIndex instrument) = 0;
  virtual void on_mute() {}  // the connection is about to be cut, because it is silent
  virtual void on_trouble(std::string_view /*line*/) {}  // one line for the log
};

// Waiting time before the n-th attempt in a row: doubles from `min` to `max`, less a random part of
// up to one half, so that many clients of a venue that came back do not arrive together.
class Backoff {
 public:
  Backoff(Duration min, Duration max, std::uint64_t seed) noexcept
      : min_(min), max_(max), random_(seed) {}
  Duration next() noexcept;
  void reset() noexcept { attempts_ = 0; }

 private:
  Duration min_;
  Duration max_;
  std::uint64_t random_;
  unsigned attempts_ = 0;
};

class FeedSource final : private net::WebSocketHandler {
 public:
  // Throws Error for an impossible URL. `seed` of the jitter. The handler must outlive the source.
  FeedSource(const FeedConfig& config, FeedSourceHandler& handler, std::uint64_t seed,
             net::LoopOptions options = {});

  // One turn without blocking, or one that sleeps until something happens, at most `max`.
  void poll(HostTime now);
  void wait(HostTime now, Duration max);
  // Closes in order and does not connect again. on_connection(false) follows from a later turn.
  void stop();

  [[nodiscard]] bool connected() const noexcept { return websocket_.is_open(); }
  [[nodiscard]] bool idle() const noexcept { return websocket_.is_idle(); }
  [[nodiscard]] std::uint64_t attempts() const noexcept { return attempts_; }

 private:
  void on_open() override;
  void on_message(std::span<const char> text) override { hear(text); }
  void on_binary(std::span<const char> bytes) override { hear(bytes); }
  void on_error(net::Failure failure, std::string_view text) override;
  void on_closed(std::uint16_t code, std::string_view reason) override;

  void turn(HostTime now);
  void hear(std::span<const char> bytes);
  void cut_if_mute();
  void fetch_snapshot();
  void on_answer(InstrumentIndex instrument, const net::HttpResult& result);

  FeedConfig config_;
  FeedSourceHandler& handler_;
  net::Loop loop_;  // before its clients: it must outlive them
  net::WebSocketClient websocket_;
  net::HttpClient http_;
  std::vector<std::string> snapshot_urls_;
  Backoff connecting_;
  Backoff fetching_;
  HostTime now_{};
  HostTime opened_at_{};
  HostTime heard_at_{};  // last frame of this connection, or its opening
  HostTime connect_at_{};
  HostTime fetch_at_{};
  std::uint64_t attempts_ = 0;
  std::size_t next_instrument_ = 0;
  bool opened_ = false;  // the handler was told so
  bool heard_ = false;   // this connection has brought a frame
  bool stopped_ = false;
};

}  // namespace sluice
