// The adapter against a venue on loopback: subscription by URL, snapshot, reconnection, back-off.
#include "feed/source.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <deque>
#include <functional>

#include "core/net/server.hpp"

namespace sluice {
namespace {

FeedConfig config_for(std::uint16_t port, Duration silence_max, std::uint32_t levels) {
  FeedConfig config;
  config.silence_max = silence_max;
  config.url = "ws://127.0.0.1:" + std::to_string(port);
  config.rest_url = "http://127.0.0.1:" + std::to_string(port);
  config.trade = config.depth = true;
  config.reconnect_min = Duration::millis(1);
  config.reconnect_max = Duration::millis(20);
  config.max_message_bytes = 4'096;
  config.book_levels = levels;
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
    wants = never_satisfied;
  }
  bool wants_snapshot(InstrumentIndex) override { return wants; }
  void on_mute() override { ++mutes; }
  void on_trouble(std::string_view line) override { troubles.emplace_back(line); }
  int ups = 0;
  int downs = 0;
  int mutes = 0;
  bool wants = false;
  bool never_satisfied = false;  // no snapshot fits
  std::vector<std::string> frames;
  std::vector<std::string> snapshots;
  std::vector<std::string> troubles;
};

struct Rig {
  explicit Rig(Duration silence_max = {}, std::uint32_t levels = 100)
      : server(loop, venue), source(config_for(server.port(), silence_max, levels), witness, 7) {
    venue.server = &server;
  }

  void send(std::deque<std::string> frames) {
    venue.to_send = std::move(frames);
    server.request_writable(venue.connection);
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

// A snapshot of 5000 levels weighs 250, and a weight above 6000 in a minute is a ban.
TEST(FeedSource, AsksForNoMoreSnapshotsThanTheVenueAllows) {
  Rig rig({}, 5'000);
  rig.witness.wants = rig.witness.never_satisfied = true;
  ASSERT_TRUE(rig.until([&] { return !rig.venue.asked.empty(); }));
  const HostTime first = rig.now;
  ASSERT_TRUE(rig.until([&] { return rig.now - first >= Duration::seconds(60); }));
  EXPECT_LE(rig.venue.asked.size() * 250, 6'000u);
  EXPECT_GE(rig.venue.asked.size(), 15u);
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

TEST(FeedSource, CutsAVenueThatGoesMuteAndConnectsAgain) {
  constexpr Duration kSilence = Duration::millis(50);
  Rig rig(kSilence);
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 1; }));
  rig.send({"one", "two"});
  ASSERT_TRUE(rig.until([&] { return rig.witness.frames.size() == 2; }));
  const HostTime last = rig.now;
  ASSERT_TRUE(rig.until([&] { return rig.witness.downs == 1; }));
  EXPECT_GE(rig.now - last, kSilence);
  EXPECT_EQ(rig.witness.mutes, 1);
  ASSERT_EQ(rig.witness.troubles.size(), 1u) << "one line";
  EXPECT_NE(rig.witness.troubles[0].find("no message for 50 ms; connecting again in"),
            std::string::npos)
      << rig.witness.troubles[0];
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 2; }));
  rig.send({"three"});
  ASSERT_TRUE(rig.until([&] { return rig.witness.frames.size() == 3; }));
  EXPECT_EQ(rig.venue.opened.size(), 2u);
}

TEST(FeedSource, LeavesAVenueAloneThatSpeaksOften) {
  Rig rig(Duration::millis(50));
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 1; }));
  const HostTime start = rig.now;
  for (std::size_t i = 1; rig.now - start < Duration::millis(500); ++i) {
    rig.send({"tick"});
    ASSERT_TRUE(rig.until([&] { return rig.witness.frames.size() == i; }));
  }
  EXPECT_EQ(rig.witness.mutes, 0);
  EXPECT_EQ(rig.witness.ups, 1);
}

TEST(FeedSource, ZeroNeverCuts) {
  Rig rig;
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 1; }));
  for (int i = 0; i < 50; ++i) rig.source.poll(rig.now = rig.now + Duration::seconds(3'600));
  EXPECT_EQ(rig.witness.mutes, 0);
  EXPECT_TRUE(rig.source.connected());
}

// What arrived while the process stood still is in the socket.
TEST(FeedSource, DoesNotTakeItsOwnStandstillForSilence) {
  Rig rig(Duration::millis(50));
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 1; }));
  rig.send({"one"});
  const auto start = std::chrono::steady_clock::now();
  while (!rig.venue.to_send.empty() &&
         std::chrono::steady_clock::now() - start < std::chrono::seconds(10))
    rig.loop.poll();
  ASSERT_TRUE(rig.venue.to_send.empty());
  rig.source.poll(rig.now = rig.now + Duration::seconds(60));
  EXPECT_EQ(rig.witness.frames.size(), 1u);
  EXPECT_EQ(rig.witness.mutes, 0);
}

// A venue that takes connections and never says a word is not hammered.
TEST(FeedSource, BacksOffFromAVenueThatIsMuteFromTheStart) {
  Rig rig(Duration::millis(50));
  for (int i = 1; i <= 8; ++i) ASSERT_TRUE(rig.until([&] { return rig.witness.downs == i; }));
  const HostTime down = rig.now;
  ASSERT_TRUE(rig.until([&] { return rig.witness.ups == 9; }));
  EXPECT_GE(rig.now - down, Duration::millis(9));  // half of reconnect_max
  EXPECT_EQ(rig.witness.mutes, 8);
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
