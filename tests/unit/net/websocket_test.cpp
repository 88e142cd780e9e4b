// WebSocketClient against Server and against a bare socket that breaks the protocol, over loopback.
#include <gtest/gtest.h>

#include <map>
#include <memory>

#include "core/error.hpp"
#include "core/net/server.hpp"
#include "core/net/websocket_client.hpp"
#include "tests/unit/net/net_support.hpp"

namespace sluice::net::test {
namespace {

// Echoes every message; the path chooses a misbehaviour.
struct EchoServer : ServerHandler {
  Response on_http(const Request&) override { return {404, "text/plain", "no"}; }
  bool on_ws_open(ConnectionId id, const Request& request) override {
    last_request = request;
    if (request.path == "/refuse") return false;
    if (request.path == "/torn") fragment_then_drop = id;
    if (!greeting.empty()) queue[id].push_back(greeting);
    return true;
  }
  void on_ws_message(ConnectionId id, std::span<const char> text) override {
    queue[id].emplace_back(text.data(), text.size());
    server->request_writable(id);
  }
  void on_ws_writable(ConnectionId id) override {
    if (fragment_then_drop == id) {
      server->send_fragment(id, std::string_view("{\"never\":"));
      server->drop(id);
      return;
    }
    auto& waiting = queue[id];
    while (!waiting.empty() && server->send_text(id, waiting.front()))
      waiting.erase(waiting.begin());
    if (!waiting.empty()) server->request_writable(id);
  }
  void on_ws_closed(ConnectionId id) override {
    ++closed;
    queue.erase(id);
  }

  Server* server = nullptr;
  Request last_request;
  std::string greeting;
  ConnectionId fragment_then_drop = 0;
  int closed = 0;
  std::map<ConnectionId, std::vector<std::string>> queue;
};

class WebSocket : public testing::Test {
 protected:
  WebSocket() : server(loop, echo) { echo.server = &server; }

  Loop loop;
  EchoServer echo;
  Server server;
  Witness witness;
};

TEST_F(WebSocket, EchoesText) {
  WebSocketClient client(loop, ws_url(server.port(), "/stream?streams=a@trade/b@depth@100ms"),
                         witness);
  EXPECT_FALSE(client.send_text("too early"));
  witness.then = [&] { EXPECT_TRUE(client.send_text("hello")); };
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.messages.size() == 1; }));
  EXPECT_EQ(witness.messages[0], "hello");
  EXPECT_EQ(echo.last_request.path, "/stream");
  EXPECT_EQ(query_value(echo.last_request.query, "streams"), "a@trade/b@depth@100ms");
  EXPECT_EQ(client.messages(), 1u);
  EXPECT_EQ(client.bytes(), 5u);

  client.close();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1 && echo.closed == 1; }));
  EXPECT_EQ(witness.close_code, kCloseNormal);
  EXPECT_TRUE(witness.failures.empty());
  EXPECT_EQ(server.connections(), 0u);
}

TEST_F(WebSocket, KeepsOrderAndContentOfManyMessages) {
  WebSocketClient client(loop, ws_url(server.port()), witness);
  constexpr int kCount = 2000;
  witness.then = [&] {
    for (int i = 0; i < kCount; ++i) ASSERT_TRUE(client.send_text("message " + std::to_string(i)));
  };
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.messages.size() == kCount; }));
  for (int i = 0; i < kCount; ++i) {
    ASSERT_EQ(witness.messages[static_cast<std::size_t>(i)], "message " + std::to_string(i));
  }
}

TEST_F(WebSocket, AssemblesALargeMessage) {
  for (int i = 0; i < 900'000; ++i) echo.greeting += static_cast<char>('a' + i % 23);
  WebSocketClient client(loop, ws_url(server.port()), witness);
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.messages.size() == 1; }));
  EXPECT_TRUE(witness.messages[0] == echo.greeting);
}

TEST_F(WebSocket, TakesAMessageOfExactlyTheBoundAndRefusesOneMore) {
  echo.greeting.assign(100'000, 'x');
  WebSocketOptions options;
  options.max_message = 100'000;
  WebSocketClient fits(loop, ws_url(server.port()), witness, options);
  fits.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.messages.size() == 1; }));
  EXPECT_EQ(fits.oversize(), 0u);

  options.max_message = 99'999;
  Witness second;
  WebSocketClient small(loop, ws_url(server.port()), second, options);
  small.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return second.closed == 1; }));
  EXPECT_TRUE(second.messages.empty());
  ASSERT_EQ(second.failures, std::vector{Failure::Oversize});
  EXPECT_EQ(second.errors[0], "message of 100000 bytes exceeds 99999");
  EXPECT_EQ(second.close_code, kCloseTooBig);
  EXPECT_EQ(small.oversize(), 1u);
}

TEST_F(WebSocket, TellsAServerThatDiesWithinAMessage) {
  WebSocketClient client(loop, ws_url(server.port(), "/torn"), witness);
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  EXPECT_EQ(witness.failures, std::vector{Failure::ClosedMidMessage});
  EXPECT_EQ(witness.close_code, kCloseAbnormal);
  EXPECT_TRUE(witness.messages.empty());
}

TEST_F(WebSocket, TellsADropFromAnOrderlyClose) {
  WebSocketClient client(loop, ws_url(server.port()), witness);
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.opened == 1 && server.connections() == 1; }));
  server.drop(1);
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  EXPECT_EQ(witness.failures, std::vector{Failure::Lost});

  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.opened == 2; }));
  server.close(2, kCloseGoingAway, "maintenance");
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 2; }));
  EXPECT_EQ(witness.close_code, kCloseGoingAway);
  EXPECT_EQ(witness.close_reason, "maintenance");
  EXPECT_EQ(witness.failures.size(), 1u);
}

TEST_F(WebSocket, ClosesInvalidUtf8With1007) {
  echo.greeting = "{\"s\":\"\xc3\x28\"}";
  WebSocketClient client(loop, ws_url(server.port()), witness);
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  EXPECT_EQ(witness.failures, std::vector{Failure::InvalidUtf8});
  EXPECT_EQ(witness.close_code, kCloseInvalidPayload);
  EXPECT_TRUE(witness.messages.empty());
}

TEST_F(WebSocket, ServerCutsInvalidUtf8AndOversizeOfTheClient) {
  WebSocketOptions options;
  options.max_pending = 1 << 20;
  WebSocketClient client(loop, ws_url(server.port()), witness, options);
  witness.then = [&] { client.send_text("\xff"); };
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  EXPECT_EQ(witness.close_code, kCloseAbnormal);
  witness.then = [&] { client.send_text(std::string(65'537, 'x')); };
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 2; }));
  EXPECT_EQ(witness.close_code, kCloseAbnormal);
  witness.then = [&] { client.send_text(std::string(65'536, 'x')); };
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.messages.size() == 1; }));
  EXPECT_EQ(witness.messages[0].size(), 65'536u);
}

TEST_F(WebSocket, ReportsARejectedHandshakeWithItsStatus) {
  WebSocketClient client(loop, ws_url(server.port(), "/refuse"), witness);
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  ASSERT_EQ(witness.failures, std::vector{Failure::Handshake});
  EXPECT_NE(witness.errors[0].find("404"), std::string::npos) << witness.errors[0];
  EXPECT_EQ(witness.opened, 0);
  EXPECT_EQ(echo.closed, 0);
}

TEST_F(WebSocket, ReportsARefusedConnectionFromTheLoop) {
  std::uint16_t port = 0;
  { port = BareServer().port(); }
  WebSocketClient client(loop, ws_url(port), witness);
  for (int attempt = 1; attempt <= 3; ++attempt) {
    client.connect();
    EXPECT_EQ(witness.closed, attempt - 1);
    ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == attempt; }));
    EXPECT_EQ(witness.failures.back(), Failure::Refused) << witness.errors.back();
    EXPECT_TRUE(client.is_idle());
  }
}

TEST_F(WebSocket, RefusesABadUrlAtConstruction) {
  EXPECT_THROW(WebSocketClient(loop, "wss:/x", witness), Error);
  EXPECT_THROW(WebSocketClient(loop, "http://127.0.0.1/", witness), Error);
}

TEST_F(WebSocket, CanBeClosedWhileConnecting) {
  BareServer silent;
  WebSocketClient client(loop, ws_url(silent.port()), witness);
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return silent.has_request(); }));
  client.close(kCloseGoingAway, "changed my mind");
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  EXPECT_EQ(witness.close_code, kCloseGoingAway);
  EXPECT_TRUE(witness.failures.empty());
}

TEST_F(WebSocket, CanBeDestroyedWhileOpen) {
  auto client = std::make_unique<WebSocketClient>(loop, ws_url(server.port()), witness);
  client->connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.opened == 1; }));
  client.reset();
  ASSERT_TRUE(serve_until(loop, [&] { return server.connections() == 0; }));
  EXPECT_EQ(witness.closed, 0);
}

TEST_F(WebSocket, ServesManyClients) {
  constexpr std::size_t kClients = 60;
  std::vector<std::unique_ptr<Witness>> witnesses;
  std::vector<std::unique_ptr<WebSocketClient>> clients;
  for (std::size_t i = 0; i < kClients; ++i) {
    witnesses.push_back(std::make_unique<Witness>());
    clients.push_back(
        std::make_unique<WebSocketClient>(loop, ws_url(server.port()), *witnesses[i]));
    witnesses[i]->then = [&clients, i] { clients[i]->send_text("client " + std::to_string(i)); };
    clients[i]->connect();
  }
  ASSERT_TRUE(serve_until(loop, [&] {
    return std::all_of(witnesses.begin(), witnesses.end(),
                       [](const auto& w) { return w->messages.size() == 1; });
  }));
  for (std::size_t i = 0; i < kClients; ++i) {
    EXPECT_EQ(witnesses[i]->messages[0], "client " + std::to_string(i));
  }
}

TEST_F(WebSocket, ServerMayGoBeforeItsClients) {
  auto other = std::make_unique<Server>(loop, echo);
  WebSocketClient client(loop, ws_url(other->port()), witness);
  client.connect();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.opened == 1; }));
  other.reset();
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  EXPECT_EQ(echo.closed, 0);
}

TEST_F(WebSocket, ReportsAServerThatIsNotAWebSocket) {
  BareServer bare;
  WebSocketClient client(loop, ws_url(bare.port()), witness);
  client.connect();
  bool answered = false;
  ASSERT_TRUE(serve_until(
      loop, [&] { return witness.closed == 1; },
      [&] {
        if (answered || !bare.has_request()) return;
        answered = true;
        bare.send("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
      }));
  ASSERT_EQ(witness.failures, std::vector{Failure::Handshake});
  EXPECT_NE(witness.errors[0].find("503"), std::string::npos) << witness.errors[0];
  EXPECT_NE(bare.request().find("Upgrade: websocket"), std::string::npos);
  EXPECT_EQ(bare.request().find("permessage-deflate"), std::string::npos);
}

// A server written by hand, for frames that a correct one never sends.
class WebSocketFrames : public testing::Test {
 protected:
  void serve(std::string_view frames, bool hang_up) {
    bool answered = false;
    client.connect();
    ASSERT_TRUE(serve_until(
        loop, [&] { return witness.closed == 1; },
        [&] {
          if (answered || !bare.has_request()) return;
          answered = true;
          bare.upgrade();
          bare.send(frames);
          if (hang_up) bare.hang_up();
        }));
  }
  Loop loop;
  BareServer bare;
  Witness witness;
  WebSocketClient client{loop, ws_url(bare.port()), witness};
};

TEST_F(WebSocketFrames, AMessageInFragmentsIsOneMessage) {
  using namespace std::string_view_literals;
  serve(
      "\x01\x02"
      "ab"
      "\x89\x00"
      "\x00\x01"
      "c"
      "\x80\x02"
      "de"
      "\x81\x01"
      "f"
      "\x88\x02\x03\xe8"sv,
      true);
  EXPECT_EQ(witness.messages, (std::vector<std::string>{"abcde", "f"}));
  EXPECT_TRUE(witness.failures.empty());
  EXPECT_EQ(witness.close_code, kCloseNormal);
}

TEST_F(WebSocketFrames, AReasonCannotBeginALineInALog) {
  using namespace std::string_view_literals;
  serve(
      "\x88\x0a\x03\xe9"
      "a\nb\x1b\x7f\xc3\xa9 "sv,
      true);
  EXPECT_EQ(witness.close_code, kCloseGoingAway);
  EXPECT_EQ(witness.close_reason, "a?b??\xc3\xa9 ");
}

TEST_F(WebSocketFrames, AReservedOpcodeIsAProtocolError) {
  using namespace std::string_view_literals;
  serve(
      "\x81\x02"
      "ok"
      "\x83\x02"
      "no"sv,
      false);
  EXPECT_EQ(witness.opened, 1);
  EXPECT_EQ(witness.failures, std::vector{Failure::Protocol});
  EXPECT_EQ(witness.messages, std::vector<std::string>{"ok"});
}

TEST_F(WebSocketFrames, AReservedBitIsAProtocolError) {
  using namespace std::string_view_literals;
  serve(
      "\xc1\x02"
      "no"sv,
      false);
  EXPECT_EQ(witness.failures, std::vector{Failure::Protocol});
  EXPECT_TRUE(witness.messages.empty());
}

TEST_F(WebSocketFrames, AnEndBetweenFragmentsIsNotAnOrderlyClose) {
  using namespace std::string_view_literals;
  serve(
      "\x01\x03"
      "abc"sv,
      true);
  EXPECT_EQ(witness.failures, std::vector{Failure::ClosedMidMessage});
}

TEST_F(WebSocketFrames, AnEndWithinAFrameIsALostConnection) {
  using namespace std::string_view_literals;
  serve(
      "\x81\x7d"
      "only a part"sv,
      true);
  EXPECT_EQ(witness.failures.size(), 1u);
  EXPECT_TRUE(witness.messages.empty());
}

TEST(Server, RefusesABusyPort) {
  Loop loop;
  EchoServer echo;
  const Server first(loop, echo);
  ServerOptions options;
  options.port = first.port();
  try {
    const Server second(loop, echo, options);
    FAIL() << "two servers on port " << options.port;
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::No);
    const std::string expected = "port " + std::to_string(options.port) + " on 127.0.0.1 is busy: ";
    EXPECT_EQ(std::string(error.what()).substr(0, expected.size()), expected);
  }
}

TEST(Server, RefusesAnAddressOfAnotherHost) {
  Loop loop;
  EchoServer echo;
  ServerOptions options;
  options.address = "203.0.113.7";
  EXPECT_THROW(Server(loop, echo, options), Error);
  options.address = "localhost";
  EXPECT_THROW(Server(loop, echo, options), Error);
}

TEST(Loop, WaitIsBounded) {
  Loop loop;
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 10; ++i) loop.wait(Duration::millis(5));
  const auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(40));  // it sleeps, it does not spin
}

}  // namespace
}  // namespace sluice::net::test
