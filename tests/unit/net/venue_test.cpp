// The venue's protocol: streams, subscriptions, REST, faults and the end of the tape.
#include "core/error.hpp"
#include "tests/unit/net/venue_support.hpp"

namespace sluice::venue::test {
namespace {

constexpr const char* kTrade1 =
    R"({"stream":"btcusdt@trade","data":{"e":"trade","E":2010,"s":"BTCUSDT","t":1}})";

TEST_F(VenueTest, ServesTheWholeRecordedSessionVerbatim) {
  Tape tape = Tape::load(SLUICE_TEST_CAPTURE);
  std::vector<std::string> expected;
  for (const Line& line : tape.lines()) {
    if (line.stream != 0) expected.emplace_back(line.text);
  }
  open(std::move(tape), options(0));
  const auto peer = join("/stream?streams=btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms");
  ASSERT_TRUE(until([&] { return peer->messages.size() == expected.size(); }));
  EXPECT_TRUE(peer->messages == expected);
  EXPECT_EQ(venue->messages_served(), 41'248u);
  EXPECT_EQ(venue->position(), 41'249u);
  EXPECT_TRUE(venue->at_end());
}

TEST_F(VenueTest, SendsOnlyWhatWasAskedForAndLogsTheUnknown) {
  open(small_tape(), options(0));
  const auto peer = join("/stream?streams=btcusdt@trade/ethusdt@trade");
  ASSERT_TRUE(until([&] { return venue->at_end() && peer->messages.size() == 3; }));
  EXPECT_EQ(peer->messages[0], kTrade1);
  ASSERT_EQ(log.size(), 1u);
  EXPECT_NE(log[0].find("\"ethusdt@trade\""), std::string::npos);
}

TEST_F(VenueTest, SubscribesOnRequestAndSendsBareDataOnTheRawPath) {
  open(small_tape(), options(0));
  const auto peer = join("/ws");
  peer->then = [&] {
    peer->client.send_text(R"({"method":"LIST_SUBSCRIPTIONS","id":1})");
    peer->client.send_text("{nonsense");
    peer->client.send_text(R"({"method":"SUBSCRIBE","params":["btcusdt@trade","no@such"],"id":2})");
    peer->client.send_text(R"({"method":"LIST_SUBSCRIPTIONS","id":3})");
  };
  ASSERT_TRUE(until([&] { return peer->messages.size() == 7; }));
  EXPECT_EQ(peer->messages[0], R"({"result":[],"id":1})");
  EXPECT_EQ(peer->messages[1].substr(0, 19), R"({"error":{"code":2,)");
  const auto has = [&](const std::string& text) {
    return std::count(peer->messages.begin(), peer->messages.end(), text) == 1;
  };
  EXPECT_TRUE(has(R"({"result":null,"id":2})"));
  EXPECT_TRUE(has(R"({"result":["btcusdt@trade"],"id":3})"));
  EXPECT_TRUE(has(R"({"e":"trade","E":2010,"s":"BTCUSDT","t":1})"));
  EXPECT_EQ(peer->closed, 0);
}

TEST_F(VenueTest, StopsAStreamThatIsUnsubscribed) {
  open(small_tape(), options(kScale));
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return peer->messages.size() == 1; }));  // the first line is due at once
  peer->client.send_text(R"({"method":"UNSUBSCRIBE","params":["btcusdt@depth@100ms"],"id":9})");
  ASSERT_TRUE(until([&] { return peer->messages.size() == 2; }));
  move(Duration::seconds(10));
  ASSERT_TRUE(until([&] { return peer->messages.size() == 5; }));
  for (std::size_t i = 2; i < 5; ++i)
    EXPECT_EQ(peer->messages[i].substr(0, 24), R"({"stream":"btcusdt@trade)");
}

TEST_F(VenueTest, RefusesOtherPaths) {
  open(small_tape(), options(0));
  const auto peer = join("/other?streams=btcusdt@trade");
  ASSERT_TRUE(until([&] { return peer->closed == 1; }));
  EXPECT_EQ(peer->failures, std::vector{net::Failure::Handshake});
  EXPECT_EQ(venue->totals().clients, 0u);
}

TEST_F(VenueTest, AnswersRest) {
  open(small_tape(), options(kScale));
  EXPECT_EQ(get("/api/v3/ping").body, "{}");
  EXPECT_EQ(get("/api/v3/time").body, R"({"serverTime":2000})");
  EXPECT_EQ(get("/api/v3/depth?symbol=BTCUSDT").body, kSnapshotJson);
  EXPECT_EQ(get("/api/v3/depth?symbol=BTCUSDT&limit=5000").body, kSnapshotJson);
  for (const auto& [query, code] :
       std::vector<std::pair<std::string, std::string>>{{"?symbol=ETHUSDT", "-1121"},
                                                        {"?symbol=btcusdt", "-1121"},
                                                        {"", "-1102"},
                                                        {"?symbol=BTCUSDT&limit=0", "-1100"},
                                                        {"?symbol=BTCUSDT&limit=x", "-1100"}}) {
    const net::HttpResult result = get("/api/v3/depth" + query);
    EXPECT_EQ(result.status, 400u) << query;
    EXPECT_EQ(result.body.substr(0, 13), "{\"code\":" + code) << query;
  }
  EXPECT_EQ(get("/api/v3/depth?symbol=ETHUSDT").body, R"({"code":-1121,"msg":"Invalid symbol."})");
  EXPECT_EQ(get("/api/v3/order").status, 404u);
}

TEST_F(VenueTest, ServesAPartOfTheTape) {
  Options part = options(0);
  part.from = 5;
  part.to = 7;
  open(small_tape(), part);
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return venue->at_end() && peer->messages.size() == 3; }));
  EXPECT_EQ(get("/api/v3/depth?symbol=BTCUSDT").body.substr(0, 18), R"({"lastUpdateId":25)");

  Options seconds = options(0);
  seconds.seconds = 2;  // from 1.000 s on: lines up to but not including 3.000 s
  open(small_tape(), seconds);
  const auto other = join(kBoth);
  ASSERT_TRUE(until([&] { return venue->at_end() && other->messages.size() == 5; }));
}

TEST_F(VenueTest, RefusesAPartThatDoesNotExist) {
  for (const auto& [from, to] :
       std::vector<std::pair<std::size_t, std::size_t>>{{0, 0}, {9, 0}, {1, 9}, {5, 4}}) {
    Options part = options(0);
    part.from = from;
    part.to = to;
    EXPECT_THROW(open(small_tape(), part), Error) << from << ' ' << to;
  }
  Options part = options(0);
  part.from = part.to = 8;
  EXPECT_NO_THROW(open(small_tape(), part));
}

TEST_F(VenueTest, ClosesInOrderAtTheEndWhenServingOnce) {
  Options once = options(0);
  once.once = true;
  once.linger = Duration::seconds(1);
  open(small_tape(), once);
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return venue->at_end() && peer->messages.size() == 7; }));
  settle();
  move(Duration{Duration::seconds(1).ns - 1});
  settle();
  EXPECT_EQ(peer->closed, 0);
  EXPECT_FALSE(venue->finished());
  move(Duration{1});
  ASSERT_TRUE(until([&] { return venue->finished() && peer->closed == 1; }));
  EXPECT_EQ(peer->close_code, net::kCloseNormal);
  EXPECT_EQ(peer->close_reason, "end of tape");
}

TEST_F(VenueTest, ShutsDownInOrder) {
  open(small_tape(), options(kScale));
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return peer->opened == 1; }));
  venue->shut_down();
  ASSERT_TRUE(until([&] { return venue->finished() && peer->closed == 1; }));
  EXPECT_EQ(peer->close_code, net::kCloseGoingAway);
  EXPECT_TRUE(peer->failures.empty());
}

TEST_F(VenueTest, InjectsEachBadMessageOnceAndLosesNothing) {
  for (const char* kind : {"malformed-json:@2", "oversize:@2:5000"}) {
    Options bad = options(0);
    bad.faults = {parse_fault(kind)};
    open(small_tape(), bad);
    const auto peer = join(kBoth);
    ASSERT_TRUE(until([&] { return peer->messages.size() == 8; })) << kind;
    EXPECT_EQ(peer->messages[1], kTrade1);
    EXPECT_EQ(peer->messages[2], injected_message(bad.faults[0]));
    EXPECT_EQ(venue->messages_served(), 7u);
    EXPECT_EQ(venue->totals().faults, 1u);
  }
}

TEST_F(VenueTest, SendsInvalidUtf8AndOversizeThatAClientRefuses) {
  Options bad = options(0);
  bad.faults = {parse_fault("invalid-utf8:@1"), parse_fault("oversize:@2")};
  open(small_tape(), bad);
  const auto first = join(kBoth);
  ASSERT_TRUE(until([&] { return first->closed == 1; }));
  EXPECT_EQ(first->failures, std::vector{net::Failure::InvalidUtf8});
}

TEST_F(VenueTest, DropsAndTearsConnections) {
  Options bad = options(kScale);
  bad.faults = {parse_fault("drop:@1"), parse_fault("close-mid-message:@2")};
  open(small_tape(), bad);
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return peer->closed == 1; }));
  EXPECT_EQ(peer->failures, std::vector{net::Failure::Lost});
  EXPECT_EQ(peer->messages.size(), 1u);
  peer->client.connect();
  ASSERT_TRUE(until([&] { return peer->opened == 2; }));
  settle();
  move(Duration::seconds(10));
  ASSERT_TRUE(until([&] { return peer->closed == 2; }));
  EXPECT_EQ(peer->failures.back(), net::Failure::ClosedMidMessage);
  EXPECT_EQ(peer->messages.size(), 3u);  // one before the drop, two before the tear
}

TEST_F(VenueTest, MutesAConnectionWithoutClosingIt) {
  Options bad = options(0);
  bad.faults = {parse_fault("mute:@3")};
  open(small_tape(), bad);
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return peer->messages.size() == 3; }));
  settle();
  EXPECT_EQ(peer->messages.size(), 3u);
  EXPECT_TRUE(peer->client.is_open());
  peer->client.send_text(R"({"method":"LIST_SUBSCRIPTIONS","id":1})");
  ASSERT_TRUE(until([&] { return peer->messages.size() == 4; }));
}

TEST_F(VenueTest, LeavesOutDepthMessagesForAGap) {
  Options bad = options(0);
  bad.faults = {parse_fault("gap:@1:2")};
  open(small_tape(), bad);
  const auto peer = join(kBoth);
  ASSERT_TRUE(until([&] { return venue->at_end() && peer->messages.size() == 5; }));
  int depths = 0;
  for (const std::string& message : peer->messages)
    depths += message.find("@depth") != message.npos;
  EXPECT_EQ(depths, 2);
  EXPECT_NE(peer->messages.back().find("\"U\":26"), std::string::npos);
}

}  // namespace
}  // namespace sluice::venue::test
