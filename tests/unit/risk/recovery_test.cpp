// Purity: the same inputs give the same bytes out and the same bytes of state, from the start or
// from a checkpoint in the middle.
#include <gtest/gtest.h>

#include <cstring>
#include <random>

#include "desk.hpp"

namespace sluice::risk {
namespace {

struct Logged {
  RecordKind kind;
  Payload payload;
  HostTime now;
};

void play(Desk& desk, const Logged& entry) {
  desk.now = entry.now;
  switch (entry.kind) {
    case RecordKind::Tick: return desk.send(from_payload<Tick>(entry.payload));
    case RecordKind::Intent: return desk.send(from_payload<Intent>(entry.payload));
    case RecordKind::Report: return desk.send(from_payload<Report>(entry.payload));
    case RecordKind::Control: return desk.send(from_payload<Control>(entry.payload));
    case RecordKind::Order:
    case RecordKind::Event:
    case RecordKind::PaperEntry: FAIL() << "not an input of risk";
  }
}

// A lively session: quotes that wander, entries of both strategies, fills in parts, levels and
// edges.
std::vector<Logged> session(std::uint64_t seed) {
  Desk desk;
  std::mt19937_64 random(seed);
  std::vector<Logged> log;
  const auto keep = [&](RecordKind kind, auto&& act) {
    const std::size_t from = desk.log.size();
    act();
    for (std::size_t i = from; i < desk.log.size(); ++i)
      log.push_back({kind, desk.log[i].payload, desk.log[i].now});
  };
  const auto pick = [&](std::uint64_t n) { return static_cast<std::int64_t>(random() % n); };
  keep(RecordKind::Control, [&] {
    desk.control(ControlKind::RunStart, Desk::kRun);
    desk.control(ControlKind::Rate, 1'000'000);
    for (std::size_t slot = 0; slot < kScopes; ++slot) {
      desk.level(scope_at(slot), KillLevel::Run);
      desk.permit(scope_at(slot), true);
      desk.cap(scope_at(slot), money(20'000));
    }
  });
  std::vector<Order> sent;
  std::int64_t middle = 1000;
  for (int step = 0; step < 2'000; ++step) {
    desk.now = desk.now + Duration::millis(pick(20));
    const std::int64_t what = pick(10);
    if (what < 5) {
      middle += pick(13) - 6;
      middle = middle < 500 ? 500 : middle;
      keep(RecordKind::Tick, [&] {
        desk.quote(static_cast<InstrumentIndex>(pick(2)), price(middle - 1), price(middle + 1));
      });
    } else if (what < 7) {
      const auto strategy = static_cast<StrategyIndex>(pick(2));
      const Action action = pick(4) == 0 ? Action::Exit : Action::Enter;
      keep(RecordKind::Intent, [&] {
        desk.send(
            desk.intent(strategy, 0, action, action == Action::Exit ? Side::Sell : Side::Buy));
      });
    } else if (what < 9 && !sent.empty()) {
      const Order order = sent[static_cast<std::size_t>(pick(sent.size()))];
      keep(RecordKind::Report, [&] {
        if (pick(5) == 0)
          desk.reject(order, pick(2) == 0 ? Reason::Stale : Reason::VenueReject);
        else
          desk.fill(order, scaled(order.qty, pick(3) + 1, 3), order.price);
      });
    } else {
      keep(RecordKind::Control, [&] {
        switch (pick(4)) {
          case 0: desk.level({}, pick(4) == 0 ? KillLevel::Halt : KillLevel::Run); break;
          case 1: desk.edge(Edge::RiskGateway, pick(3) == 0); break;
          case 2: desk.edge(risk_seat(0), pick(2) == 0); break;
          default: desk.deadline();
        }
      });
    }
    for (const Order& order : desk.orders)
      if (order.kind != OrderKind::Cancel) sent.push_back(order);
    while (desk.stage.wants_continue()) keep(RecordKind::Control, [&] { desk.proceed(); });
  }
  return log;
}

bool same(const State& a, const State& b) {
  return std::memcmp(&a, &b, sizeof(State)) == 0;
}

TEST(Recovery, ReplayGivesTheSameBytes) {
  for (const std::uint64_t seed : {1u, 2u, 3u}) {
    const std::vector<Logged> log = session(seed);
    Desk first;
    Desk second;
    second.fx.mute(true);  // as in recovery: effects never feed back
    for (const Logged& entry : log) {
      play(first, entry);
      play(second, entry);
    }
    EXPECT_GT(first.emitted.size(), 100u) << "seed " << seed;
    EXPECT_EQ(first.emitted, second.emitted) << "seed " << seed;
    EXPECT_TRUE(same(first.stage.state(), second.stage.state())) << "seed " << seed;
    EXPECT_EQ(second.count(Counter::Intents), 0u);
  }
}

TEST(Recovery, ACheckpointAndItsTailGiveTheSameBytes) {
  const std::vector<Logged> log = session(4);
  Desk whole;
  Desk tail;
  std::size_t outputs = 0;
  for (std::size_t i = 0; i < log.size(); ++i) {
    if (i == log.size() / 2) {
      tail.stage.restore(whole.stage.state());
      outputs = whole.emitted.size();
    }
    play(whole, log[i]);
    if (i >= log.size() / 2) play(tail, log[i]);
  }
  EXPECT_TRUE(same(whole.stage.state(), tail.stage.state()));
  ASSERT_EQ(whole.emitted.size() - outputs, tail.emitted.size());
  EXPECT_TRUE(std::equal(tail.emitted.begin(), tail.emitted.end(),
                         whole.emitted.begin() + static_cast<std::ptrdiff_t>(outputs)));
}

TEST(Recovery, RewritesItsRows) {
  Desk desk;
  desk.armed();
  desk.bought();
  desk.send(desk.intent(1, 1));  // refused
  Desk fresh;
  fresh.stage.restore(desk.stage.state());
  EXPECT_FALSE(fresh.page->read_row<PositionRow>(RowTable::Position, 0).has_value());
  fresh.now = desk.now;
  fresh.control(ControlKind::Recovered, 1);
  const auto position = fresh.page->read_row<PositionRow>(RowTable::Position, 0);
  ASSERT_TRUE(position.has_value());
  EXPECT_EQ(position->qty, Qty::whole(10));
  const auto gate = fresh.page->read_row<GateRow>(RowTable::Instrument, 1);
  ASSERT_TRUE(gate.has_value());
  EXPECT_EQ(gate->reason, Reason::StrategyDisabled);
  const auto account = fresh.page->read_row<AccountRow>(RowTable::Summary, 0);
  ASSERT_TRUE(account.has_value());
  EXPECT_EQ(account->open_positions, 1u);
}

}  // namespace
}  // namespace sluice::risk
