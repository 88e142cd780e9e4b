// Pings, pongs, and peers that answer neither: what keeps a client's connection and what ends it.
#include <gtest/gtest.h>

#include <memory>

#include "core/net/websocket_client.hpp"
#include "tests/unit/net/net_support.hpp"

namespace sluice::net::test {
namespace {

using namespace std::string_view_literals;

// A venue written by hand: it speaks when the test says so.
class Liveness : public testing::Test {
 protected:
  void open(WebSocketOptions options = {}) {
    client = std::make_unique<WebSocketClient>(loop, ws_url(bare.port()), witness, options);
    client->connect();
    ASSERT_TRUE(serve_until(loop, [&] { return bare.has_request(); }));
    bare.upgrade();
    ASSERT_TRUE(serve_until(loop, [&] { return witness.opened == 1; }));
  }
  Loop loop;
  BareServer bare;
  Witness witness;
  std::unique_ptr<WebSocketClient> client;
};

// The payload of the first frame of this opcode in a client's bytes; false if there is none yet.
bool payload_of(std::string_view bytes, char opcode, std::string& payload) {
  while (bytes.size() >= 6) {
    const auto size = static_cast<std::size_t>(bytes[1] & 0x7f);
    if (size > 125 || bytes.size() < 6 + size) return false;
    if (bytes[0] == static_cast<char>('\x80' | opcode)) {
      payload.clear();
      for (std::size_t i = 0; i < size; ++i)
        payload += static_cast<char>(bytes[6 + i] ^ bytes[2 + i % 4]);
      return true;
    }
    bytes.remove_prefix(6 + size);
  }
  return false;
}

TEST_F(Liveness, APingOfTheVenueIsAnsweredWithItsPayload) {
  open();
  bare.send(
      "\x89\x0d"
      "1731974400000"sv);
  std::string bytes;
  std::string pong;
  ASSERT_TRUE(serve_until(loop, [&] {
    bare.read(bytes);
    return payload_of(bytes, '\x0a', pong);
  }));
  EXPECT_EQ(pong, "1731974400000");
  EXPECT_TRUE(client->is_open());
}

TEST_F(Liveness, APongKeepsASilentVenue) {
  open({.ping_s = 1, .hangup_s = 2});
  std::string bytes;
  std::string ping;
  for (int pings = 0; pings < 4; ++pings) {  // longer than the hangup
    bytes.clear();
    ASSERT_TRUE(serve_until(loop, [&] {
      bare.read(bytes);
      return payload_of(bytes, '\x09', ping);
    }));
    bare.send("\x8a\x00"sv);
  }
  EXPECT_TRUE(client->is_open());
  EXPECT_EQ(witness.closed, 0);
}

// Data does not count: the library asks for pongs, and says of a peer that gives none what it is.
TEST_F(Liveness, AVenueThatGivesNoPongIsGivenUpAndNamed) {
  open({.ping_s = 1, .hangup_s = 2});
  ASSERT_TRUE(serve_until(
      loop, [&] { return witness.closed == 1; },
      [&] {
        bare.send(
            "\x81\x02"
            "ok"sv);
      }));
  EXPECT_EQ(witness.failures, std::vector{Failure::Timeout});
  EXPECT_EQ(witness.errors, std::vector<std::string>{"no pong for 2 s"});
  EXPECT_FALSE(witness.messages.empty());
}

TEST_F(Liveness, DropCutsWithoutACloseHandshake) {
  open();
  client->drop("mute");
  client->drop("twice");
  EXPECT_FALSE(client->is_open());
  EXPECT_EQ(witness.closed, 0) << "never from inside the call";
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  EXPECT_EQ(witness.close_code, kCloseAbnormal);
  EXPECT_EQ(witness.close_reason, "twice");
  EXPECT_TRUE(witness.failures.empty());
  std::string bytes;
  ASSERT_TRUE(serve_until(loop, [&] { return !bare.read(bytes); }));
  std::string close;
  EXPECT_FALSE(payload_of(bytes, '\x08', close));
  EXPECT_EQ(witness.closed, 1);
}

// A peer that does not answer our close frame would hold an orderly close for seconds.
TEST_F(Liveness, DropEndsACloseHandshakeThatNobodyAnswers) {
  open();
  client->close(kCloseGoingAway, "bye");
  std::string bytes;
  std::string close;
  ASSERT_TRUE(serve_until(loop, [&] {
    bare.read(bytes);
    return payload_of(bytes, '\x08', close);
  }));
  EXPECT_EQ(witness.closed, 0);
  client->drop("enough");
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  EXPECT_EQ(witness.close_reason, "enough");
  EXPECT_TRUE(client->is_idle());
}

TEST_F(Liveness, AConnectionMayBeMadeAgainAfterADrop) {
  open();
  client->drop("mute");
  ASSERT_TRUE(serve_until(loop, [&] { return witness.closed == 1; }));
  bare.hang_up();
  bare.forget();
  client->connect();
  ASSERT_TRUE(serve_until(loop, [&] { return bare.has_request(); }));
  bare.upgrade();
  bare.send(
      "\x81\x02"
      "ok"sv);
  ASSERT_TRUE(serve_until(loop, [&] { return witness.messages.size() == 1; }));
  EXPECT_EQ(witness.opened, 2);
  EXPECT_EQ(witness.closed, 1);
}

}  // namespace
}  // namespace sluice::net::test
