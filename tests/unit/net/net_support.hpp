// Loopback helpers of the net and venue tests: a deadline on every wait, a client that remembers
// what happened to it, and a bare TCP server that can break the protocol.
#pragma once

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/net/loop.hpp"
#include "core/net/websocket_client.hpp"

namespace sluice::net::test {

// Serves the loop until `done` or ten seconds; `turn` runs once per turn.
inline bool serve_until(Loop& loop, const std::function<bool()>& done,
                        const std::function<void()>& turn = {}) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!done()) {
    if (std::chrono::steady_clock::now() > end) return false;
    loop.wait(Duration::millis(2));
    if (turn) turn();
  }
  return true;
}

struct Witness : WebSocketHandler {
  void on_open() override {
    ++opened;
    if (then) then();
  }
  void on_message(std::span<const char> text) override {
    messages.emplace_back(text.data(), text.size());
  }
  void on_error(Failure failure, std::string_view text) override {
    failures.push_back(failure);
    errors.emplace_back(text);
  }
  void on_closed(std::uint16_t code, std::string_view reason) override {
    ++closed;
    close_code = code;
    close_reason = reason;
  }

  std::function<void()> then;  // what to do once open
  int opened = 0;
  int closed = 0;
  std::uint16_t close_code = 0;
  std::string close_reason;
  std::vector<std::string> messages;
  std::vector<Failure> failures;
  std::vector<std::string> errors;
};

// A listening socket whose one client is answered by hand.
class BareServer {
 public:
  BareServer() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address));
    ::listen(fd_, 8);
    socklen_t size = sizeof(address);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  ~BareServer() {
    hang_up();
    ::close(fd_);
  }
  BareServer(const BareServer&) = delete;
  BareServer& operator=(const BareServer&) = delete;

  [[nodiscard]] std::uint16_t port() const { return port_; }
  // Accepts and reads what is there; true once a whole request head has arrived.
  bool has_request() {
    if (peer_ < 0) peer_ = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    char chunk[4096];
    const ssize_t n = peer_ < 0 ? -1 : ::recv(peer_, chunk, sizeof(chunk), 0);
    if (n > 0) request_.append(chunk, static_cast<std::size_t>(n));
    return request_.find("\r\n\r\n") != std::string::npos;
  }
  void send(std::string_view bytes) { ::send(peer_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }
  // Completes a WebSocket handshake with the key of the request.
  void upgrade();
  void hang_up() {
    if (peer_ >= 0) ::close(peer_);
    peer_ = -1;
  }
  [[nodiscard]] const std::string& request() const { return request_; }
  void forget() { request_.clear(); }  // for the next request
  // What has arrived since, without the request; false once the peer has closed its side.
  bool read(std::string& into) {
    char chunk[4096];
    const ssize_t n = ::recv(peer_, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n > 0) into.append(chunk, static_cast<std::size_t>(n));
    return n > 0 || (n < 0 && errno == EAGAIN);
  }

 private:
  int fd_;
  int peer_ = -1;
  std::uint16_t port_ = 0;
  std::string request_;
};

// SHA-1 of a text below 120 bytes in base64: what the handshake's answer is made of.
inline std::string sha1_base64(std::string text) {
  const std::uint64_t bits = text.size() * 8;
  text += '\x80';
  while (text.size() % 64 != 56) text += '\0';
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(bits >> shift & 0xff);
  std::uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0};
  for (std::size_t block = 0; block < text.size(); block += 64) {
    std::uint32_t w[80];
    for (std::size_t i = 0; i < 80; ++i) {
      if (i >= 16) {
        w[i] = std::rotl(w[i - 3] ^ w[i - 8] ^ w[i - 14] ^ w[i - 16], 1);
        continue;
      }
      w[i] = 0;
      for (std::size_t b = 0; b < 4; ++b) {
        w[i] = w[i] << 8 | static_cast<std::uint8_t>(text[block + i * 4 + b]);
      }
    }
    std::uint32_t a = h[0], b = h[1], c = h[2], d = h[3], e = h[4];
    for (int i = 0; i < 80; ++i) {
      const std::uint32_t f = i < 20   ? ((b & c) | (~b & d)) + 0x5a827999
                              : i < 40 ? (b ^ c ^ d) + 0x6ed9eba1
                              : i < 60 ? ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
                                       : (b ^ c ^ d) + 0xca62c1d6;
      const std::uint32_t next = std::rotl(a, 5) + f + e + w[i];
      e = std::exchange(d,
                        std::exchange(c, std::rotl(std::exchange(b, std::exchange(a, next)), 30)));
    }
    h[0] += a, h[1] += b, h[2] += c, h[3] += d, h[4] += e;
  }
  std::string digest;
  for (const std::uint32_t word : h) {
    for (int shift = 24; shift >= 0; shift -= 8) digest += static_cast<char>(word >> shift & 0xff);
  }
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  digest += '\0';  // 20 bytes: one short of a multiple of three
  for (std::size_t i = 0; i < digest.size(); i += 3) {
    std::uint32_t three = 0;
    for (std::size_t b = 0; b < 3; ++b)
      three = three << 8 | static_cast<std::uint8_t>(digest[i + b]);
    for (int shift = 18; shift >= 0; shift -= 6) out += kAlphabet[three >> shift & 63];
  }
  out.back() = '=';
  return out;
}

inline void BareServer::upgrade() {
  constexpr std::string_view kKey = "Sec-WebSocket-Key: ";
  const std::size_t at = request_.find(kKey) + kKey.size();
  const std::string key = request_.substr(at, request_.find('\r', at) - at);
  send(
      "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
      "Sec-WebSocket-Accept: " +
      sha1_base64(key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11") + "\r\n\r\n");
}

inline std::string ws_url(std::uint16_t port, std::string_view path = "/") {
  return "ws://127.0.0.1:" + std::to_string(port) + std::string(path);
}

}  // namespace sluice::net::test
