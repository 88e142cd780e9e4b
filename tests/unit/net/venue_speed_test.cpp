// The venue's clock: recorded, scaled and maximum speed, late clients, slow clients, the hold.
#include <arpa/inet.h>

#include "core/error.hpp"
#include "tests/unit/net/venue_support.hpp"

namespace sluice::venue::test {
namespace {

TEST_F(VenueTest, FollowsTheClockAtScaledSpeed) {
  open(small_tape(), options(10 * kScale));
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return peer->messages.size() == 1; }));
  settle();
  EXPECT_EQ(venue->position(), 1u);
  move(Duration{3'999'999});  // 40 ms of tape reach the trade at 1.040 s; one ns less does not
  ASSERT_TRUE(until([&] { return peer->messages.size() == 3; }));
  settle();
  EXPECT_EQ(venue->position(), 4u);
  move(Duration{1});
  ASSERT_TRUE(until([&] { return peer->messages.size() == 4; }));
  move(Duration::millis(300));
  ASSERT_TRUE(until([&] { return peer->messages.size() == 7 && venue->at_end(); }));
  EXPECT_EQ(venue->totals().tape_ns, 3'000'000'000);
}

TEST_F(VenueTest, WaitsForTheNamedNumberOfClients) {
  Options two = options(0);
  two.start_on = 2;
  open(small_tape(), two);
  const auto first = join(kBoth);
  const auto idle = join("/ws");  // connected, but subscribed to nothing
  ASSERT_TRUE(until([&] { return first->opened == 1 && idle->opened == 1; }));
  settle();
  EXPECT_TRUE(first->messages.empty());
  const auto second = join(kBoth);
  ASSERT_TRUE(until([&] { return first->messages.size() == 7 && second->messages.size() == 7; }));
  EXPECT_EQ(first->messages, second->messages);
  EXPECT_TRUE(idle->messages.empty());
}

TEST_F(VenueTest, LateClientsJoinLive) {
  open(small_tape(), options(kScale));
  const auto first = join(kBoth);
  ASSERT_TRUE(until([&] { return first->messages.size() == 1; }));
  move(Duration::millis(1'000));
  ASSERT_TRUE(until([&] { return first->messages.size() == 5; }));
  const auto late = join(kBoth);
  ASSERT_TRUE(until([&] { return late->opened == 1; }));
  EXPECT_EQ(get("/api/v3/depth?symbol=BTCUSDT").body.substr(0, 18), R"({"lastUpdateId":25)");
  move(Duration::seconds(10));
  ASSERT_TRUE(until([&] { return late->messages.size() == 2 && first->messages.size() == 7; }));
  EXPECT_EQ(late->messages[0], first->messages[5]);
  EXPECT_EQ(late->messages[1], first->messages[6]);
}

TEST_F(VenueTest, LateClientsAtMaximumSpeedStartAtTheFurthest) {
  Options bad = options(0);
  bad.faults = {parse_fault("drop:@4")};
  open(small_tape(), bad);
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return peer->closed == 1; }));
  EXPECT_EQ(peer->messages.size(), 4u);
  EXPECT_EQ(venue->position(), 5u);
  peer->client.connect();
  ASSERT_TRUE(until([&] { return peer->messages.size() == 7; }));
  EXPECT_NE(peer->messages[4].find("\"U\":23"), std::string::npos);
}

TEST_F(VenueTest, HoldsADepthClientAtMaximumSpeedUntilTheSnapshotIsFetched) {
  Options hold = options(0);
  hold.hold = Duration::seconds(1);
  open(small_tape(), hold);
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return peer->messages.size() == 3; }));
  settle();
  EXPECT_EQ(peer->messages.size(), 3u);  // up to the recorded snapshot, not a message more
  EXPECT_EQ(get("/api/v3/depth?symbol=BTCUSDT").body, kSnapshotJson);
  ASSERT_TRUE(until([&] { return peer->messages.size() == 7; }));
}

TEST_F(VenueTest, HoldsNoLongerThanTold) {
  Options hold = options(0);
  hold.hold = Duration::seconds(1);
  open(small_tape(), hold);
  const auto peer = join(kBoth);
  const auto trades = join("/stream?streams=btcusdt@trade");
  ASSERT_TRUE(until([&] { return peer->messages.size() == 3 && trades->messages.size() == 3; }));
  move(Duration{Duration::seconds(1).ns - 1});
  settle();
  EXPECT_EQ(peer->messages.size(), 3u);
  move(Duration{1});
  ASSERT_TRUE(until([&] { return peer->messages.size() == 7; }));
}

// A peer that never reads: the kernel's buffers fill, then its backlog on the tape grows.
class DeafPeer {
 public:
  DeafPeer(std::uint16_t port, std::string_view path) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    const int small = 4096;
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
    const std::string head =
        "GET " + std::string(path) +
        " HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    ::send(fd_, head.data(), head.size(), MSG_NOSIGNAL);
  }
  ~DeafPeer() { ::close(fd_); }
  DeafPeer(const DeafPeer&) = delete;
  DeafPeer& operator=(const DeafPeer&) = delete;

 private:
  int fd_;
};

TEST_F(VenueTest, ClosesAClientThatIsTooSlowAndSparesTheOther) {
  Options slow = options(kScale);
  slow.backlog_max = 100'000;
  open(Tape::load(SLUICE_TEST_CAPTURE), slow);
  const char* const all = "/stream?streams=btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms";
  const auto good = join(all);
  const DeafPeer deaf(venue->port(), all);
  ASSERT_TRUE(until([&] { return venue->totals().clients == 2; }));
  while (!venue->at_end()) {
    move(Duration::millis(500));
    venue->poll();
    // The snapshot's line is the one that is not sent.
    ASSERT_TRUE(until([&] { return good->messages.size() + 1 >= venue->position(); }));
  }
  EXPECT_EQ(good->closed, 0);
  EXPECT_EQ(venue->totals().too_slow, 1u);
  ASSERT_TRUE(until([&] { return good->messages.size() == 41'248; }));
}

TEST_F(VenueTest, RefusesABusyPort) {
  open(small_tape(), options(0));
  Options same = options(0);
  same.port = venue->port();
  EXPECT_THROW(Venue(loop, small_tape(), same), Error);
}

}  // namespace
}  // namespace sluice::venue::test
