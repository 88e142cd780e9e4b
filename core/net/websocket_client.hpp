// A WebSocket client connection: whole messages in, text out, every way it can fail told apart.
//
// connect() starts one attempt. The attempt ends with exactly one on_closed, preceded by one
// on_error unless it ended in order; then connect() may be called again, also from inside
// on_closed. When to try again is the owner's policy. The connection pings every 15 s and gives up
// when no pong has come for 45 s; pings of the peer are answered. A peer that answers pings and
// says nothing else is the owner's to judge, and to drop().
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/net/loop.hpp"

namespace sluice::net {

enum class Failure : std::uint8_t {
  Unreachable = 1,       // the name does not resolve
  Refused = 2,           // nobody listens there, or no route: the library does not tell them apart
  Timeout = 3,           // no answer to the connect, the handshake or a ping
  Handshake = 4,         // an HTTP status other than 101, or not a WebSocket server
  Tls = 5,               // certificate or TLS negotiation
  Oversize = 6,          // a message above max_message; cut off, on_closed says 1009
  InvalidUtf8 = 7,       // a text message that is not UTF-8; cut off, on_closed says 1007
  Protocol = 8,          // the peer broke the WebSocket protocol
  ClosedMidMessage = 9,  // the connection ended between the fragments of a message
  Lost = 10              // the connection ended without a close handshake
};
std::string_view to_text(Failure failure) noexcept;

inline constexpr std::uint16_t kCloseNormal = 1000;
inline constexpr std::uint16_t kCloseGoingAway = 1001;
inline constexpr std::uint16_t kCloseNoStatus = 1005;
inline constexpr std::uint16_t kCloseAbnormal =
    1006;  // never on the wire: ended without a close frame
inline constexpr std::uint16_t kCloseInvalidPayload = 1007;
inline constexpr std::uint16_t kClosePolicy = 1008;
inline constexpr std::uint16_t kCloseTooBig = 1009;

// Called from inside Loop::poll() or wait(). A handler must not destroy its client.
class WebSocketHandler {
 public:
  virtual ~WebSocketHandler() = default;
  virtual void on_open() {}
  // Valid during the call only.
  virtual void on_message(std::span<const char> text) = 0;
  virtual void on_binary(std::span<const char> /*bytes*/) {}
  virtual void on_error(Failure /*failure*/, std::string_view /*text*/) {}
  virtual void on_closed(std::uint16_t code, std::string_view reason) = 0;
};

struct WebSocketOptions {
  std::size_t max_message = std::size_t{1} << 20;  // bytes; reserved once, at construction
  std::size_t max_pending = std::size_t{1} << 16;  // bytes of text accepted but not yet sent
  std::uint16_t ping_s = 15;                       // from a pong to the next ping
  std::uint16_t hangup_s = 45;                     // without a pong: given up
};

class WebSocketClient {
 public:
  // Throws Error (Exit::Usage) if the URL is not a ws:// or wss:// one. A name is resolved in
  // connect(), which blocks on the resolver: give an address where that matters.
  WebSocketClient(Loop& loop, std::string_view url, WebSocketHandler& handler,
                  WebSocketOptions options = {});
  ~WebSocketClient();
  WebSocketClient(const WebSocketClient&) = delete;
  WebSocketClient& operator=(const WebSocketClient&) = delete;

  void connect();  // nothing while an attempt is under way
  // False if not open or if max_pending would be exceeded: nothing is taken then.
  bool send_text(std::string_view text);
  // Close handshake; a peer that does not answer is cut off after a few seconds. on_closed follows.
  void close(std::uint16_t code = kCloseNormal, std::string_view reason = {});
  // Cut at once, without a close handshake: for a peer that may not answer one. on_closed follows
  // from the next turn, with kCloseAbnormal and this reason, whatever the peer does.
  void drop(std::string_view reason);

  [[nodiscard]] bool is_open() const noexcept;
  [[nodiscard]] bool is_idle() const noexcept;            // no attempt under way
  [[nodiscard]] std::uint64_t messages() const noexcept;  // whole messages, over all connections
  [[nodiscard]] std::uint64_t bytes() const noexcept;     // their bytes
  [[nodiscard]] std::uint64_t oversize() const noexcept;  // messages refused for their size

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::net
