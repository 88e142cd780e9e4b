// The simulated venue gives every client the same bytes: read from the sockets by a client of its
// own making.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <stdexcept>

#include "tests/e2e/box.hpp"
#include "tests/e2e/text.hpp"

namespace sluice::e2e {
namespace {

// A client of its own making: what it gets is read from the socket, byte by byte, up to the close
// frame.
class RawClient {
 public:
  explicit RawClient(int port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot connect to the venue");
    const std::string request =
        "GET /stream?streams=btcusdt@trade/btcusdt@bookTicker HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    if (::send(fd_, request.data(), request.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(request.size()))
      throw std::runtime_error("cannot ask the venue");
  }
  ~RawClient() { ::close(fd_); }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  // Takes what is there. True once the venue has closed.
  bool poll() {
    char buffer[65'536];
    pollfd one{fd_, POLLIN, 0};
    while (!over_ && ::poll(&one, 1, 0) > 0) {
      const ssize_t n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n <= 0)
        over_ = true;
      else
        bytes_.append(buffer, static_cast<std::size_t>(n));
      take_frames();
    }
    return over_;
  }
  [[nodiscard]] const std::string& messages() const noexcept { return messages_; }
  [[nodiscard]] std::size_t count() const noexcept { return count_; }

 private:
  void take_frames() {
    if (at_ == 0) {
      const std::size_t end = bytes_.find("\r\n\r\n");
      if (end == std::string::npos) return;
      at_ = end + 4;
    }
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(bytes_[i]); };
    while (bytes_.size() >= at_ + 2) {
      std::size_t size = byte(at_ + 1) & 0x7f;
      const std::size_t extra = size == 126 ? 2 : size == 127 ? 8 : 0;
      if (bytes_.size() < at_ + 2 + extra) return;
      if (extra != 0) size = 0;
      for (std::size_t i = 0; i < extra; ++i) size = size << 8 | byte(at_ + 2 + i);
      if (bytes_.size() < at_ + 2 + extra + size) return;
      const unsigned opcode = byte(at_) & 0x0f;
      if (opcode == 8) over_ = true;
      if (opcode < 8) messages_.append(bytes_, at_ + 2 + extra, size);
      if (opcode < 8 && (byte(at_) & 0x80) != 0) {
        messages_ += '\n';
        ++count_;
      }
      at_ += 2 + extra + size;
    }
  }

  int fd_;
  bool over_ = false;
  std::string bytes_;
  std::size_t at_ =
      0;  // first byte that is not taken; 0: the answer to the upgrade is not complete
  std::string messages_;
  std::size_t count_ = 0;
};

TEST(VenueBytes, TwoClientsGetTheSame) {
  Box box({.speed = "max",
           .venue_flags = {"--start-on", "2", "--once", "--linger", "0", "--seconds", "20"}});
  int port = 0;
  std::ifstream(box.dir() / "port") >> port;
  RawClient one(port);
  RawClient two(port);
  ASSERT_TRUE(eventually([&] {
    const bool first = one.poll();
    return two.poll() && first;
  })) << one.count()
      << " and " << two.count() << " messages\n"
      << box.log("sluice-venue");
  EXPECT_EQ(one.count(), messages_on_tape(1, 20, {"trade", "bookTicker"}));
  EXPECT_EQ(two.count(), one.count());
  EXPECT_TRUE(one.messages() == two.messages()) << "the same number of messages, but other bytes";
}

}  // namespace
}  // namespace sluice::e2e
