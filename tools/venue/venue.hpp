// The simulated venue: a tape served with the spot protocol of Binance on loopback.
//
// One tape position for everybody: at a recorded or scaled speed it follows the clock, and who
// joins later joins live; at maximum speed it is the furthest any client has got. Each client has a
// cursor into the tape instead of a queue, so a slow client costs no memory; at clock speeds one
// that falls more than backlog_max behind is closed with 1008. The same tape and options give each
// client the same bytes.
//
// At maximum speed a client of a depth stream is held back, once, until somebody has fetched a
// depth snapshot (or `hold` has passed): otherwise the whole tape would be over before the answer
// arrives.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/net/loop.hpp"
#include "core/types.hpp"
#include "tools/venue/fault.hpp"
#include "tools/venue/tape.hpp"

namespace sluice::venue {

struct Options {
  std::string address = "127.0.0.1";
  std::uint16_t port = 9443;    // 0: any free one
  std::int64_t speed = kScale;  // tape ns per host ns at 1e-8; 0: maximum
  std::uint32_t start_on = 1;   // the tape starts at the n-th subscribed client
  std::size_t from = 1;         // first line served, from 1
  std::size_t to = 0;           // last line served; 0: the tape's last
  std::int64_t seconds = 0;     // of tape, from `from` on; 0: no bound
  bool once = false;            // after the end and the linger: close, be finished
  Duration linger = Duration::seconds(5);
  Duration hold = Duration::millis(1'000);
  std::size_t backlog_max = std::size_t{64} << 20;  // bytes
  std::vector<Fault> faults;
  std::function<std::int64_t()> clock;        // host ns; empty: the steady clock
  std::function<void(std::string_view)> log;  // one line, for a person
};

// "max", or a decimal factor from 0.01 to 10000. Throws Error (Exit::Usage).
std::int64_t parse_speed(std::string_view text);

struct Totals {
  std::uint64_t messages = 0;  // of the tape, over all clients
  std::uint64_t bytes = 0;
  std::uint64_t clients = 0;   // WebSocket connections accepted
  std::uint64_t requests = 0;  // HTTP
  std::uint64_t too_slow = 0;  // clients closed for their backlog
  std::uint64_t faults = 0;    // fired
  std::int64_t tape_ns = 0;    // how far the tape has moved
  std::int64_t host_ns = 0;    // since it started
};

class Venue {
 public:
  // Throws Error: a busy port, or a part of the tape that does not exist.
  Venue(net::Loop& loop, Tape tape, Options options);
  ~Venue();
  Venue(const Venue&) = delete;
  Venue& operator=(const Venue&) = delete;

  void poll();                               // after each turn of the loop
  [[nodiscard]] Duration next_wait() const;  // longest the loop may sleep before the next poll
  void shut_down();                          // closes every client with 1001
  [[nodiscard]] bool finished() const;       // shut down, or over with `once`: nobody connected

  [[nodiscard]] std::uint16_t port() const;
  [[nodiscard]] std::uint64_t messages_served() const { return totals().messages; }
  [[nodiscard]] std::size_t position() const;  // lines of the tape that have passed
  [[nodiscard]] bool at_end() const;           // every client has the whole tape
  [[nodiscard]] Totals totals() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace sluice::venue
