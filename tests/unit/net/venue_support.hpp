// A venue, a clock that only the test moves, and clients, all on one loop.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <optional>

#include "core/net/http_client.hpp"
#include "tests/unit/net/net_support.hpp"
#include "tests/unit/net/tape_support.hpp"
#include "tools/venue/venue.hpp"

namespace sluice::venue::test {

struct Peer : net::test::Witness {
  Peer(net::Loop& loop, std::uint16_t port, std::string_view path)
      : client(loop, net::test::ws_url(port, path), *this) {
    client.connect();
  }
  net::WebSocketClient client;
};

inline constexpr const char* kBoth = "/stream?streams=btcusdt@trade/btcusdt@depth@100ms";

class VenueTest : public testing::Test {
 protected:
  Options options(std::int64_t speed) {
    Options out;
    out.port = 0;
    out.speed = speed;
    out.clock = [this] { return clock_ns; };
    out.log = [this](std::string_view line) { log.emplace_back(line); };
    out.hold = Duration::millis(0);
    return out;
  }
  void open(Tape tape, Options wanted) { venue.emplace(loop, std::move(tape), std::move(wanted)); }
  std::unique_ptr<Peer> join(std::string_view path) {
    return std::make_unique<Peer>(loop, venue->port(), path);
  }
  bool until(const std::function<bool()>& done) {
    return net::test::serve_until(loop, done, [this] { venue->poll(); });
  }
  // Enough turns for everything in flight on loopback to arrive; for asserting that nothing did.
  void settle() {
    for (int i = 0; i < 30; ++i) {
      loop.wait(Duration::millis(1));
      venue->poll();
    }
  }
  net::HttpResult get(const std::string& path) {
    net::HttpClient client(loop);
    std::optional<net::HttpResult> result;
    client.get("http://127.0.0.1:" + std::to_string(venue->port()) + path, Duration::seconds(5),
               [&](net::HttpResult got) { result = std::move(got); });
    EXPECT_TRUE(until([&] { return result.has_value(); }));
    return result.value_or(net::HttpResult{});
  }
  void move(Duration by) { clock_ns += by.ns; }

  std::int64_t clock_ns = 5'000'000'000;
  std::vector<std::string> log;
  net::Loop loop;
  std::optional<Venue> venue;
};

}  // namespace sluice::venue::test
