// For any interleaving of production and consumption an edge hears every tick, or exactly how many
// it did not hear and then the newest state.
#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "feed/fanout.hpp"
#include "tests/support/seed.hpp"

namespace sluice {
namespace {

using test::Random;
constexpr std::size_t kInstruments = 3;

struct Pipe {
  std::size_t capacity = 2;
  std::deque<Tick> held;
  std::uint64_t credit() noexcept { return capacity - held.size(); }
  bool try_push(const Payload& payload) noexcept {
    if (credit() == 0) return false;
    held.push_back(from_payload<Tick>(payload));
    return true;
  }
};

// Every tick carries its number in venue_time.
Tick any_tick(Random& random, std::int64_t number) {
  const std::uint64_t dice = random.below(20);
  const auto instrument = static_cast<InstrumentIndex>(random.below(kInstruments));
  if (dice == 0) {
    const StatusCode code = random.one_in(2) ? StatusCode::SessionUp : StatusCode::SessionDown;
    return {kWholeConnection,
            TickKind::Status,
            0,
            0,
            {number},
            {number},
            {static_cast<std::int64_t>(code), 0, 0, 0}};
  }
  if (dice == 1)
    return {instrument,
            TickKind::Status,
            0,
            0,
            {number},
            {number},
            {static_cast<std::int64_t>(StatusCode::VenueGap), 1, 0, 0}};
  const TickKind kind = dice < 12 ? TickKind::Quote : TickKind::Trade;
  return {instrument, kind, 0, 0, {number}, {number}, {number, number + 1, 1, 1}};
}

// One consumer's view, checked while it grows.
struct Listener {
  void hear(const Tick& tick) {
    const auto key = std::pair{tick.instrument, tick.kind};
    if (tick.kind == TickKind::Status && tick.status() == StatusCode::Gap) {
      missed += static_cast<std::uint64_t>(tick.count());
      ASSERT_GT(tick.count(), 0);
      doubtful[tick.instrument] = true;
      return;
    }
    const std::int64_t number = tick.venue_time.ns;
    if ((tick.flags & kAfterGap) == 0) {
      ++live;
      // Live ticks come only after everything that was owed, and in order.
      ASSERT_GT(number, newest_live);
      newest_live = number;
      for (const auto& [k, n] : last) ASSERT_GT(number, n);
    } else {
      ASSERT_FALSE(doubtful.empty());
    }
    if (tick.kind == TickKind::Trade) {
      ASSERT_GT(number, last[key]) << "a trade twice";
    }
    ASSERT_GE(number, last[key]);
    last[key] = number;
  }
  std::uint64_t live = 0;
  std::uint64_t missed = 0;
  std::int64_t newest_live = 0;
  std::map<std::pair<InstrumentIndex, TickKind>, std::int64_t> last;
  std::map<InstrumentIndex, bool> doubtful;
};

void run(Random& random, std::size_t capacity, std::uint64_t consume_one_in) {
  Effects effects(nullptr);
  Fanout<Pipe> fanout(kInstruments, effects);
  Pipe pipe;
  pipe.capacity = capacity;
  fanout.attach(Edge::FeedRisk, pipe);
  Listener listener;
  std::map<std::pair<InstrumentIndex, TickKind>, std::int64_t> truth;
  const auto consume = [&] {
    if (pipe.held.empty()) return;
    listener.hear(pipe.held.front());
    pipe.held.pop_front();
  };
  for (std::int64_t number = 1; number <= 2'000; ++number) {
    const Tick tick = any_tick(random, number);
    fanout.publish(tick);
    truth[{tick.instrument, tick.kind}] = number;
    while (random.one_in(consume_one_in)) {
      consume();
      if (testing::Test::HasFatalFailure()) return;
      if (random.one_in(3)) fanout.pump();
      if (consume_one_in == 1) break;
    }
  }
  for (int i = 0; i < 10'000 && (fanout.behind(Edge::FeedRisk) || !pipe.held.empty()); ++i) {
    consume();
    if (testing::Test::HasFatalFailure()) return;
    fanout.pump();
  }
  ASSERT_FALSE(fanout.behind(Edge::FeedRisk));
  EXPECT_EQ(listener.live + listener.missed, fanout.produced());
  EXPECT_EQ(listener.missed, fanout.dropped(Edge::FeedRisk));
  EXPECT_EQ(listener.last, truth);
}

TEST(FanoutProperty, EveryTickOrAnExactGapThenTheNewestState) {
  Random random(test::draw_seed());
  for (int round = 0; round < 300; ++round) {
    run(random, 1 + random.below(8), 1 + random.below(6));
    if (testing::Test::HasFailure()) return;
  }
}

// A consumer exactly as fast as the producer, behind a ring of one, still gets states and not gaps
// only.
TEST(FanoutProperty, AnOverloadedEdgeStillSeesStates) {
  Effects effects(nullptr);
  Fanout<Pipe> fanout(1, effects);
  Pipe pipe;
  pipe.capacity = 1;
  fanout.attach(Edge::FeedRisk, pipe);
  fanout.publish({0, TickKind::Quote, 0, 0, {1}, {1}, {1, 2, 1, 1}});
  fanout.publish({0, TickKind::Quote, 0, 0, {2}, {2}, {1, 2, 1, 1}});
  std::size_t states = 0;
  for (std::int64_t i = 3; i < 1'000; ++i) {
    states += pipe.held.front().kind == TickKind::Quote ? 1u : 0u;
    pipe.held.pop_front();
    const TickKind kind = i % 2 == 0 ? TickKind::Quote : TickKind::Trade;
    fanout.publish({0, kind, 0, 0, {i}, {i}, {1, 2, 1, 1}});
    ASSERT_FALSE(pipe.held.empty());
  }
  EXPECT_GT(states, 200u);
}

}  // namespace
}  // namespace sluice
