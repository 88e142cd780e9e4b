// The gateway's answer to crashes: replays are byte-identical, doubts are resolved by asking, the
// paper venue is rebuilt from its log at every position.
#include <gtest/gtest.h>

#include "tests/unit/gateway/gateway_support.hpp"

namespace sluice::test {
namespace {

void replay(const std::vector<Input>& inputs, StageRig& into) {
  into.fx.mute(true);
  for (const auto& [record, now] : inputs) {
    into.now = now;
    std::visit([&](const auto& r) { into.in(r); }, record);
  }
  into.fx.mute(false);
}

TEST(GatewayRecovery, ReplayIsByteIdentical) {
  StageRig live;
  live.ready();
  const OrderId a = live.working(1);
  live.in(fill(a, px(99), lots(4), lots(4)));
  live.in(edge(ControlKind::EdgeFull, Edge::GatewayRisk));
  const OrderId b = live.sent(2);
  live.in(event(EventKind::Ack, b));
  live.in(cancel_of(b));
  live.in(cancel_of(OrderId{12'345}));
  live.in(level(ScopeKind::Global, 0, KillLevel::Cancel));
  live.in(edge(ControlKind::EdgeRoom, Edge::GatewayRisk));
  live.settle();
  live.in(entry(2));
  live.in(control(ControlKind::Recovered, 1));
  live.settle();
  StageRig again;
  replay(live.inputs, again);
  EXPECT_TRUE(same_bytes(live.stage().state(), again.stage().state()));
  EXPECT_TRUE(same_records(live.reports, again.reports));
  EXPECT_TRUE(same_records(live.commands, again.commands));
  EXPECT_EQ(again.fx.raises(), 0u) << "muted";
  EXPECT_EQ(again.count(GatewayCounter::OrdersReceived), 0u);
}

TEST(GatewayRecovery, CheckpointPlusTailEqualsTheWhole) {
  StageRig live;
  live.ready();
  const OrderId id = live.working(1);
  StageRig from_checkpoint;
  from_checkpoint.stage().restore(live.stage().state());
  from_checkpoint.now = live.now;
  for (StageRig* rig : {&live, &from_checkpoint}) {
    rig->in(fill(id, px(99), lots(4), lots(4)));
    rig->in(cancel_of(id));
  }
  EXPECT_TRUE(same_bytes(live.stage().state(), from_checkpoint.stage().state()));
}

TEST(GatewayRecovery, UnansweredSendIsInDoubtAskedAndNeverResent) {
  StageRig rig;
  rig.ready();
  const Order o = entry(1);
  rig.in(o);
  rig.forget_outputs();
  rig.in(control(ControlKind::Recovered, 1));
  rig.settle();
  ASSERT_EQ(rig.reports.size(), 1u);
  EXPECT_EQ(rig.reports[0].kind, ReportKind::InDoubt);
  ASSERT_EQ(rig.commands.size(), 1u);
  EXPECT_EQ(rig.commands[0].flags, kQuery);
  EXPECT_EQ(rig.commands[0].id, o.id);
  EXPECT_EQ(rig.stage().state().open, 1u) << "counts as open";
  rig.forget_outputs();
  rig.in(control(ControlKind::Recovered, 2));
  rig.settle();
  ASSERT_EQ(rig.commands.size(), 1u) << "asked again";
  EXPECT_EQ(rig.commands[0].flags, kQuery);
  EXPECT_TRUE(rig.reports.empty()) << "told once";
}

TEST(GatewayRecovery, AnswersResolveTheDoubt) {
  struct Case {
    Event answer;
    OrderState state;
    ReportKind first;
    int more;  // reports that wait for Continue
  };
  const OrderId id = OrderId::make(1, 1, 1);
  const Case cases[] = {
      {event(EventKind::QueryResult, id, Reason::NotFound), OrderState::Rejected,
       ReportKind::Reject, 0},
      {answer(id, OrderState::Working), OrderState::Working, ReportKind::Ack, 0},
      {answer(id, OrderState::Partial, lots(3), px(98)), OrderState::Partial, ReportKind::Fill, 0},
      {answer(id, OrderState::CancelPending, lots(3), px(98)), OrderState::Partial,
       ReportKind::Fill, 0},
      {answer(id, OrderState::Filled, lots(10), px(98)), OrderState::Filled, ReportKind::Fill, 0},
      {answer(id, OrderState::Cancelled), OrderState::Cancelled, ReportKind::Cancelled, 0},
      {answer(id, OrderState::Cancelled, lots(3), px(98)), OrderState::Cancelled, ReportKind::Fill,
       1},
      {answer(id, OrderState::Expired), OrderState::Expired, ReportKind::Expired, 0},
      {answer(id, OrderState::Rejected), OrderState::Rejected, ReportKind::Reject, 0}};
  for (const Case& c : cases) {
    StageRig rig;
    rig.ready();
    rig.in(entry(1));
    rig.in(control(ControlKind::Recovered, 1));
    rig.settle();
    rig.forget_outputs();
    rig.in(c.answer);
    EXPECT_EQ(rig.state_of(id), c.state);
    EXPECT_EQ(rig.cum_of(id), c.answer.cum_qty);
    ASSERT_EQ(rig.reports.size(), 1u);
    EXPECT_EQ(rig.reports[0].kind, c.first);
    EXPECT_EQ(rig.settle(), c.more);
    EXPECT_TRUE(rig.commands.empty()) << "nothing is sent again";
    EXPECT_EQ(rig.count(GatewayCounter::Anomalies), 0u);
  }
}

TEST(GatewayRecovery, CancelOfAnOrderInDoubtWaitsForTheAnswer) {
  StageRig rig;
  rig.ready();
  rig.in(entry(1));
  rig.in(control(ControlKind::Recovered, 1));
  rig.settle();
  rig.forget_outputs();
  rig.in(cancel_of(OrderId::make(1, 1, 1)));
  EXPECT_TRUE(rig.commands.empty());
  rig.in(answer(OrderId::make(1, 1, 1), OrderState::Working));
  ASSERT_EQ(rig.commands.size(), 1u);
  EXPECT_EQ(rig.commands[0].kind, OrderKind::Cancel);
}

TEST(GatewayRecovery, CancelsAndSweepAreRepeatedAndTheGateIsShut) {
  StageRig rig;
  rig.ready();
  const OrderId id = rig.working(1);
  rig.in(level(ScopeKind::Gateway, 0, KillLevel::Cancel));
  rig.settle();
  rig.forget_outputs();
  rig.in(control(ControlKind::Recovered, 1));
  rig.settle();
  ASSERT_EQ(rig.commands.size(), 2u);
  EXPECT_EQ(rig.commands[0].flags, kSweep);
  EXPECT_EQ(rig.commands[1].id, id);
  rig.in(entry(2));
  EXPECT_EQ(rig.reports.back().reason, Reason::NotReady);
}

TEST(GatewayRecovery, RowsAreWrittenAgain) {
  StageRig live;
  live.ready();
  const OrderId id = live.working(1);
  StageRig again;
  replay(live.inputs, again);
  EXPECT_FALSE(again.page->read_row<OrderRow>(RowTable::Order, 0).has_value()) << "muted";
  again.in(control(ControlKind::Recovered, 1));
  const auto row = again.page->read_row<OrderRow>(RowTable::Order, 0);
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(row->id, id);
}

// ---- the paper venue

// A day with every kind of entry; after each step the position of the log and the book are kept.
class PaperRebuild : public ::testing::Test {
 protected:
  void SetUp() override {
    snapshot();
    step([](TestSession& s) { s.execute(entry(1, lots(10), at_us(1'000)), at_us(1'000), 0); });
    step([](TestSession& s) { s.execute(entry(2, lots(5), at_us(1'000)), at_us(1'010), 0); });
    step([](TestSession& s) {
      s.on_tick(quote(px(98), lots(9), px(99), lots(4), at_us(1'600)), at_us(1'601));
    });
    step([](TestSession& s) { s.execute(cancel_of(OrderId::make(1, 1, 2)), at_us(1'700), 0); });
    step([](TestSession& s) {
      s.execute(make_order(3, OrderKind::StopLoss, Side::Sell, px(90), lots(3), at_us(1'700)),
                at_us(1'710), 0);
    });
    step([](TestSession& s) { s.poll(at_us(2'300)); });
    step([](TestSession& s) {
      s.on_tick(quote(px(97), lots(2), px(99), lots(4), at_us(2'400)), at_us(2'401));
    });
    step([](TestSession& s) { s.execute(cancel_of(OrderId::make(1, 1, 1)), at_us(2'500), 0); });
    step([](TestSession& s) {
      s.on_tick(quote(px(97), lots(9), px(95), lots(40), at_us(2'600)), at_us(2'601));
    });
    step([](TestSession& s) { s.execute(cancel_of(OrderId::make(1, 1, 1)), at_us(2'700), 0); });
    step([](TestSession& s) { s.execute(entry(7, lots(5), at_us(2'700)), at_us(2'710), 0); });
  }
  template <class F>
  void step(F&& f) {
    f(*rig.session);
    for (const Event& e : rig.events())
      if (e.sequence != 0 && e.kind != EventKind::Ack) events.push_back(e);
    snapshot();
  }
  void snapshot() {
    books[rig.log.entries.size()] = std::make_unique<OwnBook>(rig.session->book().own());
  }

  SessionRig rig;
  std::vector<Event> events;
  std::map<std::size_t, std::unique_ptr<OwnBook>> books;
};

TEST_F(PaperRebuild, AtEveryPositionTheSameBookAndTheMissingEventsOnce) {
  const std::vector<PaperEntry> log = rig.log.entries;
  ASSERT_GE(log.size(), 12u);
  for (std::size_t position = 0; position <= log.size(); ++position) {
    for (std::uint32_t journaled = 0; journaled <= position; ++journaled) {
      SessionRig again;
      again.log.entries.assign(log.begin(), log.begin() + static_cast<std::ptrdiff_t>(position));
      again.rebuild(journaled);
      EXPECT_EQ(again.session->position(), position);
      if (books.count(position) != 0) {
        EXPECT_TRUE(again.session->book().own() == *books[position]) << position;
      }
      std::vector<std::uint32_t> expected;
      for (const Event& e : events)
        if (e.sequence > journaled && e.sequence <= position) expected.push_back(e.sequence);
      std::vector<std::uint32_t> got;
      for (const Event& e : again.events()) {
        got.push_back(e.sequence);
        for (const Event& live : events) {
          if (live.sequence != e.sequence) continue;
          EXPECT_EQ(live.kind, e.kind);
          EXPECT_EQ(live.id, e.id);
          EXPECT_EQ(live.venue_id, e.venue_id);
          EXPECT_EQ(live.price, e.price);
          EXPECT_EQ(live.qty, e.qty);
          EXPECT_EQ(live.cum_qty, e.cum_qty);
        }
      }
      EXPECT_EQ(got, expected) << "log " << position << ", journal " << journaled;
    }
  }
}

TEST_F(PaperRebuild, OpenOrdersGoOnWhereTheyStood) {
  SessionRig again;
  again.log.entries = rig.log.entries;
  again.rebuild(static_cast<std::uint32_t>(again.log.entries.size()));
  ASSERT_EQ(again.session->book().open(), rig.session->book().open());
  const OrderId open = again.session->book().order(0).id;
  again.session->on_tick(quote(px(97), lots(9), px(90), lots(400), at_us(4'000)), at_us(4'000));
  bool filled = false;
  for (const Event& e : again.events()) filled |= e.kind == EventKind::Fill && e.id == open;
  EXPECT_TRUE(filled);
}

TEST(PaperReconcile, WaitsForEventsAndDoubtsThenAgrees) {
  SessionRig paper;
  StageRig stage;
  ASSERT_TRUE(paper.session->reconcile(stage.stage().state()));
  stage.in(paper.events().at(0));
  const Order o = entry(1, lots(10), at_us(1'000));
  stage.in(o);
  EXPECT_FALSE(paper.session->reconcile(stage.stage().state())) << "a send without a verdict";
  paper.session->execute(o, at_us(1'000), 0);
  EXPECT_FALSE(paper.session->reconcile(stage.stage().state())) << "its verdict is still queued";
  for (const Event& e : paper.events()) stage.in(e);
  ASSERT_TRUE(paper.session->reconcile(stage.stage().state()));
  EXPECT_EQ(paper.events().at(0).qty, Qty{});
}

TEST(PaperReconcile, CountsEachKindOfMismatch) {
  const auto mismatches = [](SessionRig& paper, StageRig& stage) {
    paper.events();
    EXPECT_TRUE(paper.session->reconcile(stage.stage().state()));
    return paper.events().at(0).qty.raw;
  };
  {
    SessionRig paper;  // open here, unknown there
    StageRig stage;
    paper.session->execute(entry(1, lots(10), at_us(1'000)), at_us(1'000), 0);
    EXPECT_EQ(mismatches(paper, stage), 1);
  }
  {
    SessionRig paper;  // open there, unknown here
    StageRig stage;
    stage.ready();
    static_cast<void>(stage.working(1));
    EXPECT_EQ(mismatches(paper, stage), 1);
  }
  {
    SessionRig paper;  // filled here, not there
    StageRig stage;
    stage.ready();
    static_cast<void>(stage.working(1));
    paper.session->execute(entry(1, lots(10), at_us(1'000)), at_us(1'000), 0);
    paper.session->on_tick(quote(px(98), lots(9), px(99), lots(4), at_us(1'600)), at_us(1'600));
    EXPECT_EQ(mismatches(paper, stage), 1);
    stage.in(fill(OrderId::make(1, 1, 1), px(99), lots(4), lots(4)));
    EXPECT_EQ(mismatches(paper, stage), 0);
    stage.in(event(EventKind::Cancelled, OrderId::make(1, 1, 1)));
    EXPECT_EQ(mismatches(paper, stage), 1) << "ended there, open here";
  }
}

}  // namespace
}  // namespace sluice::test
