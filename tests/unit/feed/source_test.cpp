// The adapter against a venue on loopback: subscription by URL, snapshot, reconnection, back-off.
#include "feed/source.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>

#include "core/net/server.hpp"

namespace sluice {
namespace {

FeedConfig config_for(std::uint16_t port) {
  FeedConfig config;
  config.url = "ws://127.0.0.1:" + std::to_string(port);
  config.rest_url = "http://127.0.0.1:" + std::to_string(port);
  config.trade = config.depth = true;
  config.reconnect_min = Duration::millis(1);
  config.reconnect_max = Duration::millis(20);
  config.max_message_bytes = 4'096;
  config.book_levels = 100;
  config.symbols = {"BTCUSDT"};
  return config;
}

struct Venue : net::ServerHandler {
  net::Response on_http(const net::Request& request) override {
    asked.push_back(request.path + "?" + request.query);
    return {rest_status, "application/json", "{\"lastUpdateId\":1}"};
  }
  bool on_ws_open(net::ConnectionId id, const net::Request& request) override {
    opened.push_back(request.path + "?" + request.query);
    connection = id;
    return true;
  }
  void on_ws_writable(net::ConnectionId id) override {
    if (to_send.empty()) return;
    if (server->send_text(id, {to_send.front().data(), to_send.front().size()}))
      to_send.pop_front();
    if (!to_send.empty()) server->request_writable(id);
  }
  net::Server* server = nullptr;
  unsigned rest_status = 200;
  net::ConnectionId connection = 0;
  std::vector<std::string> opened;
  std::vector<std::string> asked;
  std::deque<std::string> to_send;
};

struct Witness : FeedSourceHandler {
  void on_connection(bool up) override { up ? ++ups : ++downs; }
  void on_frame(std::span<const char> bytes) override {
    frames.emplace_back(bytes.data(), bytes.size());
  }
  void on_snapshot(InstrumentIndex, std::span<const char> body) override {
    snapshots.emplace_back(body.data(), body.size());
    wants = false;
  }
  bool wants_snapshot(InstrumentIndex) override { return wants; }
  void on_trouble(std::string_view line) override { troubles.emplace_back(line); }
  int ups = 0;
  int downs = 0;
  bool wants = false;
  std::vector<std::string> frames;
  std::vector<std::string> snapshots;
  std::vector<std::string> troubles;
};

struct Rig {
  Rig() : server(loop, venue), source(config_for(server.port()), witness, 7) {
    venue.server = &server;
  }

  // False after ten seconds.
  bool until(const std::function<bool()>& done) {
    const auto start = std::chrono::steady_clock::now();
    while (!done()) {
      const auto elapsed = std::chrono::steady_clock::now() - start;
      if (elapsed > std::chrono::seconds(10)) return false;
      now.ns += 1'000'000;  // a host clock of its own: back-off is tested without waiting for it
      source.poll(now);
      loop.poll();
    }
    return true;
  }

  net::Loop loop;
  Venue venue;
  net::Server server;
  Witness witness;
  HostTime now{};
  FeedSource source;
};

TEST(FeedSource, SubscribesByItsUrlAndHandsFramesOver) {
  Rig rig;
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 1; }));
  ASSERT_EQ(rig.venue.opened.size(), 1u);
  EXPECT_NE(rig.venue.opened[0].find("/stream?streams=btcusdt@trade/btcusdt@depth@100ms"),
            std::string::npos)
      << rig.venue.opened[0];
  rig.venue.to_send = {"one", "two"};
  rig.server.request_writable(rig.venue.connection);
  ASSERT_TRUE(rig.until([&] { return rig.witness.frames.size() == 2; }));
  EXPECT_EQ(rig.witness.frames[1], "two");
  EXPECT_TRUE(rig.witness.snapshots.empty());
}

TEST(FeedSource, FetchesASnapshotWhenOneIsWanted) {
  Rig rig;
  rig.witness.wants = true;
  ASSERT_TRUE(rig.until([&] { return rig.witness.snapshots.size() == 1; }));
  EXPECT_EQ(rig.witness.snapshots[0], "{\"lastUpdateId\":1}");
  ASSERT_EQ(rig.venue.asked.size(), 1u);
  EXPECT_NE(rig.venue.asked[0].find("/api/v3/depth?symbol=BTCUSDT&limit=100"), std::string::npos);
}

TEST(FeedSource, AsksAgainAfterAFailureButNotAtOnce) {
  Rig rig;
  rig.witness.wants = true;
  rig.venue.rest_status = 503;
  ASSERT_TRUE(rig.until([&] { return !rig.witness.troubles.empty(); }));
  const HostTime failed = rig.now;
  rig.venue.rest_status = 200;
  ASSERT_TRUE(rig.until([&] { return rig.witness.snapshots.size() == 1; }));
  EXPECT_GE((rig.now - failed).ns, Duration::millis(499).ns);
}

TEST(FeedSource, ConnectsAgainAndSaysSo) {
  Rig rig;
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 1; }));
  rig.server.drop(rig.venue.connection);
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 2; }));
  EXPECT_EQ(rig.witness.downs, 1);
  EXPECT_EQ(rig.venue.opened.size(), 2u);
  EXPECT_FALSE(rig.witness.troubles.empty());
  rig.source.stop();
  ASSERT_TRUE(rig.until([&] { return rig.source.idle(); }));
  EXPECT_EQ(rig.witness.downs, 2);
  const std::uint64_t attempts = rig.source.attempts();
  for (int i = 0; i < 100; ++i) rig.source.poll(rig.now = rig.now + Duration::seconds(1));
  EXPECT_EQ(rig.source.attempts(), attempts);
}

TEST(FeedBackoff, DoublesToItsCapLessAtMostOneHalf) {
  Backoff backoff(Duration::millis(10), Duration::millis(75), 1);
  for (const std::int64_t full : {10, 20, 40, 75, 75, 75}) {
    const Duration pause = backoff.next();
    EXPECT_LE(pause, Duration::millis(full));
    EXPECT_GE(pause.ns, Duration::millis(full).ns / 2 - 1);
  }
  backoff.reset();
  EXPECT_LE(backoff.next(), Duration::millis(10));
}

}  // namespace
}  // namespace sluice
