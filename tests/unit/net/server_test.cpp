// Server against clients that break its bounds by hand: messages too big or not UTF-8 from a peer
// that goes on sending, and HTTP heads without end. Run it under the asan preset as well.
#include "core/net/server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>

#include "tests/unit/net/net_support.hpp"

namespace sluice::net::test {
namespace {

struct Counting : ServerHandler {
  Response on_http(const Request& request) override {
    last = request;
    return {200, "text/plain", "here"};
  }
  bool on_ws_open(ConnectionId, const Request&) override {
    ++open;
    return true;
  }
  void on_ws_message(ConnectionId, std::span<const char> text) override {
    ++messages;
    bytes += text.size();
  }
  void on_ws_closed(ConnectionId) override { ++closed; }
  Request last;
  int open = 0;
  int closed = 0;
  int messages = 0;
  std::size_t bytes = 0;
};

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::uint32_t operator()() { return static_cast<std::uint32_t>(engine_()); }

 private:
  std::mt19937 engine_;
};

// A socket that says what it is told to.
class BareClient {
 public:
  explicit BareClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0;
  }
  ~BareClient() { ::close(fd_); }
  BareClient(const BareClient&) = delete;
  BareClient& operator=(const BareClient&) = delete;

  // One turn: sends what fits of `out` and reads what is there. False once the server has ended it.
  bool turn(std::string_view out, std::size_t most) {
    if (sent_ < out.size()) {
      const std::size_t size = std::min(most, out.size() - sent_);
      const ssize_t n = ::send(fd_, out.data() + sent_, size, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (n > 0) sent_ += static_cast<std::size_t>(n);
      if (n < 0 && errno != EAGAIN) return false;
    }
    char chunk[4096];
    const ssize_t n = ::recv(fd_, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (n > 0) answer.append(chunk, static_cast<std::size_t>(n));
    return connected_ && (n > 0 || (n < 0 && errno == EAGAIN));
  }
  [[nodiscard]] std::size_t sent() const { return sent_; }
  void forget_sent() { sent_ = 0; }

  std::string answer;

 private:
  int fd_;
  bool connected_ = false;
  std::size_t sent_ = 0;
};

constexpr std::string_view kUpgrade =
    "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

std::string frame(int opcode, bool last, std::size_t size, std::uint32_t mask, char fill) {
  std::string out(1, static_cast<char>((last ? 0x80 : 0) | opcode));
  if (size < 126) {
    out += static_cast<char>(0x80 | size);
  } else {
    const int bytes = size < 65'536 ? 2 : 8;
    out += static_cast<char>(bytes == 2 ? 0xfe : 0xff);
    for (int shift = (bytes - 1) * 8; shift >= 0; shift -= 8)
      out += static_cast<char>(std::uint64_t{size} >> shift & 0xff);
  }
  char key[4];
  std::memcpy(key, &mask, sizeof(key));
  out.append(key, sizeof(key));
  for (std::size_t i = 0; i < size; ++i) out += static_cast<char>(fill ^ key[i % 4]);
  return out;
}

class HostileClient : public testing::Test {
 protected:
  HostileClient() : server(loop, counting) {}

  // Opens a connection, sends `bytes` whatever the server says, and waits until the server has cut
  // it off.
  void send_until_cut(const std::string& bytes, std::size_t step) {
    BareClient client(server.port());
    const int closed = counting.closed;
    ASSERT_TRUE(serve_until(
        loop, [&] { return client.answer.find("\r\n\r\n") != std::string::npos; },
        [&] { client.turn(kUpgrade, kUpgrade.size()); }));
    ASSERT_EQ(client.answer.substr(0, 12), "HTTP/1.1 101");
    client.answer.clear();
    client.forget_sent();
    bool ended = false;
    ASSERT_TRUE(serve_until(
        loop, [&] { return ended && counting.closed == closed + 1; },
        [&] { ended = ended || !client.turn(bytes, step); }));
    EXPECT_EQ(client.answer, "") << "a close frame begins a handshake";
    EXPECT_EQ(server.connections(), 0u);
  }

  // What a client that does not care for the answer sends after the offence.
  std::string more(Random& random) {
    std::string out;
    for (int i = 0; i < 12; ++i) out += frame(1, true, random() % 200'000, random(), 'z');
    return out;
  }

  Loop loop;
  Counting counting;
  Server server;
};

TEST_F(HostileClient, OneHugeFrameIsCutWhileItIsSent) {
  Random random(1);
  for (const std::uint32_t mask : {0u, 0x1234'5678u}) {
    for (const std::size_t size : {65'537u, 131'072u, 3'000'000u})
      send_until_cut(frame(1, true, size, mask, 'x') + more(random), 1 + random() % 300'000);
  }
  // What a frame merely announces is refused as well, before its bytes come.
  send_until_cut(std::string("\x81\xff\x7f\xff\xff\xff\xff\xff\xff\xff"
                             "maskpayload",
                             21),
                 21);
  EXPECT_EQ(counting.messages, 0);
}

TEST_F(HostileClient, ManyFragmentsAreCutAtTheBound) {
  Random random(2);
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t mask = round % 2 == 0 ? 0 : random();
    std::string out = frame(1, false, 1 + random() % 60'000, mask, 'x');
    for (int i = 0; i < 30; ++i) {
      out += frame(0, false, 1 + random() % 60'000, mask, 'y');
      if (i % 3 == 0) out += frame(9, true, 20, mask, 'p');
    }
    send_until_cut(out + more(random), 1 + random() % 200'000);
  }
  EXPECT_EQ(counting.messages, 0);
}

TEST_F(HostileClient, InvalidUtf8IsCutWhateverFollows) {
  Random random(3);
  for (const std::size_t size : {1u, 125u, 126u, 60'000u, 65'536u}) {
    send_until_cut(frame(1, true, size, random(), '\xff') + more(random), 1 + random() % 200'000);
    // Valid up to the last fragment.
    send_until_cut(frame(1, false, size - 1, random(), 'a') + frame(0, true, 1, random(), '\x80') +
                       more(random),
                   1'000'000);
  }
  EXPECT_EQ(counting.messages, 0);
}

TEST_F(HostileClient, OthersAreServedMeanwhile) {
  Random random(4);
  const std::string flood = frame(1, true, 5'000'000, 0, 'x');
  BareClient hostile(server.port());
  BareClient good(server.port());
  const std::string fine = std::string(kUpgrade) + frame(1, true, 65'536, 0, 'g');
  ASSERT_TRUE(serve_until(
      loop, [&] { return counting.messages == 1; },
      [&] {
        hostile.turn(std::string(kUpgrade) + flood, 100'000);
        good.turn(good.answer.empty() ? kUpgrade : std::string_view(fine), 100'000);
      }));
  EXPECT_EQ(counting.bytes, 65'536u);
}

class HostileRequest : public HostileClient {
 protected:
  // The answer to these bytes, up to the end of the connection or of what it says.
  std::string ask(const std::string& bytes) {
    BareClient client(server.port());
    bool ended = false;
    EXPECT_TRUE(serve_until(
        loop, [&] { return ended || client.answer.ends_with("here"); },
        [&] { ended = !client.turn(bytes, 100'000); }));
    return client.answer;
  }
};

TEST_F(HostileRequest, HeadsAboveTheBoundAreCutOffUnanswered) {
  const std::string tail = " HTTP/1.1\r\nHost: x\r\n";
  EXPECT_TRUE(ask("GET /" + std::string(3'000, 'u') + tail + "\r\n").ends_with("here"));
  EXPECT_EQ(counting.last.path.size(), 3'001u);
  EXPECT_TRUE(ask("GET /?" + std::string(3'000, 'q') + tail + "\r\n").ends_with("here"));
  EXPECT_EQ(counting.last.query.size(), 3'000u);
  for (const std::size_t size : {4'096u, 65'536u, 1'000'000u}) {
    const std::string pad(size, 'h');
    EXPECT_EQ(ask("GET /" + pad + tail + "\r\n"), "") << "path of " << size;
    EXPECT_EQ(ask("GET /?q=" + pad + tail + "\r\n"), "") << "query of " << size;
    EXPECT_EQ(ask("GET /" + tail + "Origin: " + pad + "\r\n\r\n"), "") << "header of " << size;
    std::string many = "GET /" + tail;
    for (std::size_t i = 0; i < size / 20; ++i) many += "Cookie: 123456789012\r\n";
    EXPECT_EQ(ask(many + "\r\n"), "") << size << " bytes of headers";
  }
  EXPECT_TRUE(ask("GET /" + tail + "\r\n").ends_with("here"));
}

TEST_F(HostileRequest, NoiseIsCutOffOrRefused) {
  Random random(5);
  for (int round = 0; round < 20; ++round) {
    std::string noise;
    for (int i = 0; i < 100'000; ++i) noise += static_cast<char>(random());
    EXPECT_EQ(ask(noise).find("200 OK"), std::string::npos);
  }
  EXPECT_TRUE(ask("GET / HTTP/1.1\r\nHost: x\r\n\r\n").ends_with("here"));
}

}  // namespace
}  // namespace sluice::net::test
