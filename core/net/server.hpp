// A small HTTP and WebSocket server on one address and port: the simulated venue and the monitor.
//
// A WebSocket connection is a number that is never reused. Sending happens only inside
// on_ws_writable, which follows request_writable: memory per connection is bounded by construction,
// because whoever cannot send keeps its own cursor instead of queueing. A peer whose message is too
// big or not UTF-8 is cut off. Requests other than GET and HEAD are answered with 405; one whose
// head is above 4 KiB is cut off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "core/net/loop.hpp"
#include "core/net/websocket_client.hpp"  // close codes

namespace sluice::net {

using ConnectionId = std::uint64_t;

struct Request {
  std::string_view method;  // GET or HEAD
  std::string path;         // percent-decoded
  std::string query;        // percent-decoded, without '?'; parts joined by '&'
  std::string host;         // Host header
  std::string origin;       // Origin header; a browser's page says here where it came from
};

struct Response {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
};

// The value of a key in "a=1&b=2"; empty if it is not there.
std::string_view query_value(std::string_view query, std::string_view key) noexcept;

// Called from inside Loop::poll() or wait(). A handler must not destroy its server.
class ServerHandler {
 public:
  virtual ~ServerHandler() = default;
  virtual Response on_http(const Request& request) = 0;
  // The handshake: false answers it with 404. Sending is possible from the first on_ws_writable on.
  virtual bool on_ws_open(ConnectionId /*id*/, const Request& /*request*/) { return false; }
  virtual void on_ws_message(ConnectionId /*id*/, std::span<const char> /*text*/) {}
  virtual void on_ws_writable(ConnectionId /*id*/) {}
  virtual void on_ws_closed(ConnectionId /*id*/) {}  // exactly one for every accepted on_ws_open
};

struct ServerOptions {
  std::string address = "127.0.0.1";
  std::uint16_t port = 0;                           // 0: any free one
  std::size_t max_message = std::size_t{64} << 10;  // bytes of one incoming message; more: cut off
  std::uint16_t ping_s = 15;
  std::uint16_t hangup_s = 45;
};

class Server {
 public:
  // Throws Error if the port is busy or the address is not one of this host's.
  Server(Loop& loop, ServerHandler& handler, ServerOptions options = {});
  ~Server();  // closes all connections without a handshake and without calling the handler
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] std::size_t connections() const noexcept;  // WebSocket connections

  // An unknown id is ignored everywhere: the connection may have gone meanwhile.
  void request_writable(ConnectionId id);
  // Only inside on_ws_writable(id). False: nothing was sent; ask for writable and try again.
  bool send_text(ConnectionId id, std::span<const char> text);
  // The beginning of a message that is never finished: for tests of a peer that dies within one.
  bool send_fragment(ConnectionId id, std::span<const char> text);
  void close(ConnectionId id, std::uint16_t code, std::string_view reason = {});
  void drop(ConnectionId id);  // TCP close without a close frame, after what has been sent

  struct Impl;

 private:
  std::shared_ptr<Impl> impl_;  // shared with the loop until its last callback
};

}  // namespace sluice::net
