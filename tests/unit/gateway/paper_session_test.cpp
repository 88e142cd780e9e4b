#include "gateway/paper_session.hpp"

#include <gtest/gtest.h>

#include "tests/unit/gateway/gateway_support.hpp"

namespace sluice::test {
namespace {

// Latency 500 us; orders are approved at 1000 us and so rest from 1500 us on.
class PaperSessionTest : public ::testing::Test {
 protected:
  static constexpr HostTime kApproved = at_us(1'000);
  static constexpr HostTime kRests = at_us(1'500);

  OrderId place(std::uint32_t counter, Qty qty = lots(10), Price limit = px(100)) {
    Order o = entry(counter, qty, kApproved);
    o.price = limit;
    session().execute(o, kApproved, 0);
    return o.id;
  }
  OrderId placed(std::uint32_t counter, Qty qty = lots(10), Price limit = px(100)) {
    const OrderId id = place(counter, qty, limit);
    events();
    return id;
  }
  void ask(std::int64_t price, std::int64_t qty, HostTime rx) {
    session().on_tick(quote(px(price - 1), lots(5), px(price), lots(qty), rx), rx);
  }
  std::vector<Event> events() { return rig.events(); }
  std::vector<EventKind> kinds() {
    std::vector<EventKind> all;
    for (const Event& e : events()) all.push_back(e.kind);
    return all;
  }
  TestSession& session() { return *rig.session; }

  SessionRig rig;
};
using Kinds = std::vector<EventKind>;

TEST_F(PaperSessionTest, AppendingPlacedIsTheSend) {
  const OrderId id = place(1);
  ASSERT_EQ(rig.log.entries.size(), 1u);
  const PaperEntry& e = rig.log.entries[0];
  EXPECT_EQ(e.what, PaperWhat::Placed);
  EXPECT_EQ(e.id, id);
  EXPECT_EQ(e.price, px(100));
  EXPECT_EQ(e.qty, lots(10));
  EXPECT_EQ(e.approved_at, kApproved);
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, EventKind::Sent);
  EXPECT_EQ(all[0].sequence, 0u);
  EXPECT_EQ(all[0].venue_id, 1u);
}

TEST_F(PaperSessionTest, LastLookRefusesWithoutAByte) {
  rig.pages.level(0, KillLevel::Halt, 10);
  place(1);
  EXPECT_TRUE(rig.log.entries.empty());
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, EventKind::Refused);
  EXPECT_EQ(all[0].reason, Reason::LastLookLevel);
}

TEST_F(PaperSessionTest, FullLogRefuses) {
  rig.log.capacity = 1;
  placed(1);
  place(2);
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].reason, Reason::LogFull);
  EXPECT_EQ(session().book().open(), 1u);
}

TEST_F(PaperSessionTest, TwoHundredFiftySixRestTheNextIsRefused) {
  for (std::uint32_t i = 1; i <= kPaperOrders; ++i) placed(i, lots(1));
  place(kPaperOrders + 1, lots(1));
  EXPECT_EQ(events().at(0).reason, Reason::TableFull);
}

TEST_F(PaperSessionTest, SameIdTwiceIsRefused) {
  placed(1);
  place(1);
  EXPECT_EQ(events().at(0).reason, Reason::DuplicateId);
}

TEST_F(PaperSessionTest, AckWhenItRests) {
  placed(1);
  session().poll(kRests - Duration{1});
  EXPECT_TRUE(events().empty());
  session().poll(kRests);
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, EventKind::Ack);
  EXPECT_EQ(all[0].sequence, 1u) << "it stands on the entry Placed";
  session().poll(kRests + Duration{1});
  EXPECT_TRUE(events().empty());
}

TEST_F(PaperSessionTest, FirstQuoteNotBeforeApprovalPlusLatencyFills) {
  placed(1);
  ask(99, 50, kRests - Duration{1});
  EXPECT_TRUE(events().empty());
  session().poll(kRests);
  EXPECT_EQ(kinds(), Kinds{EventKind::Ack}) << "an older quote does not fill what rests now";
  ask(98, 50, kRests);
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, EventKind::Fill);
  EXPECT_EQ(all[0].price, px(98)) << "at the quote, not at the limit";
  EXPECT_EQ(all[0].qty, lots(10));
  EXPECT_EQ(all[0].cum_qty, lots(10));
  EXPECT_EQ(all[0].sequence, 2u);
  EXPECT_EQ(all[0].venue_time.ns, kRests.ns + 1'000'000'000);
  EXPECT_EQ(rig.log.entries.at(1).what, PaperWhat::Filled);
  EXPECT_EQ(session().book().open(), 0u);
}

TEST_F(PaperSessionTest, LimitIsKeptBothSides) {
  placed(1);
  ask(101, 50, kRests);
  EXPECT_TRUE(events().empty());
  ask(100, 50, kRests);
  EXPECT_EQ(kinds(), (Kinds{EventKind::Ack, EventKind::Fill}));
}

TEST_F(PaperSessionTest, SellsTradeAtTheBid) {
  placed(1);
  ask(100, 50, kRests);
  events();
  Order sell = make_order(2, OrderKind::TakeProfit, Side::Sell, px(105), lots(10), kApproved);
  session().execute(sell, kApproved, 0);
  session().on_tick(quote(px(104), lots(9), px(106), lots(9), kRests), kRests);
  EXPECT_EQ(kinds(), Kinds{EventKind::Sent});
  session().on_tick(quote(px(107), lots(4), px(108), lots(9), kRests), kRests);
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[1].price, px(107));
  EXPECT_EQ(all[1].qty, lots(4));
}

TEST_F(PaperSessionTest, PartialFillsTakeWhatIsDisplayedOnce) {
  placed(1, lots(20));
  const auto filled = [&](std::int64_t price, std::int64_t shown) {
    ask(price, shown, kRests);
    Qty qty{};
    for (const Event& e : events()) qty += e.kind == EventKind::Fill ? e.qty : Qty{};
    return qty;
  };
  EXPECT_EQ(filled(100, 4), lots(4));
  EXPECT_EQ(filled(100, 4), Qty{}) << "the same display";
  EXPECT_EQ(filled(100, 6), lots(2)) << "two more are shown";
  EXPECT_EQ(filled(100, 1), Qty{}) << "shrunk below what was taken";
  EXPECT_EQ(filled(100, 3), lots(2)) << "what came since is new";
  EXPECT_EQ(filled(99, 3), lots(3)) << "a new price is a new level";
  EXPECT_EQ(filled(100, 3), lots(3)) << "and so is the old one when it returns";
  EXPECT_EQ(filled(101, 9), Qty{});
  EXPECT_EQ(filled(100, 50), lots(6));
  EXPECT_EQ(session().book().open(), 0u);
}

TEST_F(PaperSessionTest, EarlierOrdersTakeFirst) {
  const OrderId first = placed(1, lots(3));
  const OrderId second = placed(2, lots(3));
  ask(100, 4, kRests);
  std::vector<std::pair<OrderId, Qty>> fills;
  for (const Event& e : events())
    if (e.kind == EventKind::Fill) fills.emplace_back(e.id, e.qty);
  ASSERT_EQ(fills.size(), 2u);
  EXPECT_EQ(fills[0], (std::pair{first, lots(3)}));
  EXPECT_EQ(fills[1], (std::pair{second, lots(1)}));
}

TEST_F(PaperSessionTest, OtherInstrumentsAndEmptySidesDoNotFill) {
  placed(1);
  session().on_tick(quote(px(9), lots(9), px(10), lots(9), kRests, 3), kRests);
  session().on_tick(quote(px(9), lots(9), Price{}, lots(9), kRests), kRests);
  session().on_tick(quote(px(9), lots(9), px(10), Qty{-1}, kRests), kRests);
  EXPECT_TRUE(events().empty());
}

TEST_F(PaperSessionTest, CancelTakesEffectAfterTheLatency) {
  const OrderId id = placed(1);
  session().execute(cancel_of(id), at_us(2'000), 0);
  EXPECT_EQ(rig.log.entries.back().what, PaperWhat::CancelAsked);
  session().poll(at_us(2'500) - Duration{1});
  EXPECT_EQ(kinds(), Kinds{EventKind::Ack});
  session().poll(at_us(2'500));
  const std::vector<Event> all = events();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, EventKind::Cancelled);
  EXPECT_EQ(all[0].sequence, 3u);
  EXPECT_EQ(session().book().own().open_cost(), Notional{});
}

TEST_F(PaperSessionTest, FillWinsAgainstAPendingCancelAndTheCancelIsAnswered) {
  const OrderId id = placed(1);
  session().execute(cancel_of(id), at_us(2'000), 0);
  ask(100, 50, at_us(2'500) - Duration{1});
  EXPECT_EQ(kinds(), (Kinds{EventKind::Ack, EventKind::Fill, EventKind::CancelReject}));
  EXPECT_EQ(rig.log.entries.back().what, PaperWhat::CancelRejected);
}

TEST_F(PaperSessionTest, CancelInEffectWinsAgainstALaterQuote) {
  const OrderId id = placed(1);
  session().execute(cancel_of(id), at_us(2'000), 0);
  ask(100, 50, at_us(2'500));
  EXPECT_EQ(kinds(), Kinds{EventKind::Cancelled});
}

TEST_F(PaperSessionTest, CancelOfAnEndedOrderIsRejected) {
  const OrderId id = placed(1);
  ask(100, 50, kRests);
  events();
  session().execute(cancel_of(id), at_us(2'000), 0);
  EXPECT_EQ(kinds(), Kinds{EventKind::CancelReject});
}

TEST_F(PaperSessionTest, SeverHoldsCancelsBack) {
  const OrderId id = placed(1);
  rig.pages.level(0, KillLevel::Sever, 99);
  const std::size_t before = rig.log.entries.size();
  session().execute(cancel_of(id), at_us(2'000), 0);
  session().sweep(at_us(2'000));
  session().poll(at_us(9'000));
  EXPECT_EQ(rig.log.entries.size(), before);
  EXPECT_EQ(events().at(0).reason, Reason::LastLookLevel);
}

TEST_F(PaperSessionTest, CancelThatFoundTheLogFullIsAskedAgain) {
  const OrderId id = placed(1);
  rig.log.capacity = 1;
  session().execute(cancel_of(id), at_us(2'000), 0);
  session().poll(at_us(2'100));
  rig.log.capacity = 100;
  session().poll(at_us(2'200));
  EXPECT_EQ(rig.log.entries.back().what, PaperWhat::CancelAsked);
  session().poll(at_us(2'700));
  EXPECT_EQ(kinds(), (Kinds{EventKind::Ack, EventKind::Cancelled}));
}

TEST_F(PaperSessionTest, FullLogHoldsFillsBack) {
  placed(1);
  rig.log.capacity = 1;
  ask(100, 50, kRests);
  EXPECT_EQ(kinds(), Kinds{EventKind::Ack});
  rig.log.capacity = 100;
  ask(100, 50, kRests);
  EXPECT_EQ(kinds(), Kinds{EventKind::Fill}) << "nothing was taken by the fill that failed";
}

TEST_F(PaperSessionTest, ExpiryEndsAnOrder) {
  SessionRig other(GatewayConfig{.paper_order_life = Duration::seconds(1)});
  other.session->execute(entry(1, lots(1), kApproved), kApproved, 0);
  other.session->poll(kApproved + Duration::seconds(1) - Duration{1});
  other.events();
  other.session->poll(kApproved + Duration::seconds(1));
  const std::vector<Event> all = other.events();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].kind, EventKind::Expired);
}

TEST_F(PaperSessionTest, SweepCancelsAllAndEndsAfterTwoEmptyLooks) {
  placed(1);
  placed(2);
  Order sweep = cancel_of({});
  sweep.flags = kSweep;
  session().execute(sweep, at_us(2'000), 0);
  session().poll(at_us(2'499));
  EXPECT_EQ(session().book().open(), 2u);
  events();
  session().poll(at_us(2'500));
  EXPECT_EQ(kinds(), (Kinds{EventKind::Cancelled, EventKind::Cancelled})) << "empty once";
  session().poll(at_us(2'999));
  EXPECT_TRUE(events().empty()) << "the second look is one latency later";
  session().poll(at_us(3'000));
  EXPECT_EQ(kinds(), Kinds{EventKind::SweepDone});
  session().poll(at_us(9'000));
  EXPECT_TRUE(events().empty());
}

TEST_F(PaperSessionTest, QueryAnswersFromTheBooks) {
  const OrderId working = placed(1, lots(10), px(90));
  const OrderId filled = placed(2, lots(4));
  ask(98, 4, kRests);
  events();
  const auto asked = [&](OrderId id) {
    Order q = entry(0);
    q.id = id;
    q.flags = kQuery;
    session().execute(q, at_us(3'000), 0);
    return events().at(0);
  };
  Event e = asked(working);
  EXPECT_EQ(e.kind, EventKind::QueryResult);
  EXPECT_EQ(e.code, static_cast<std::uint16_t>(OrderState::Working));
  e = asked(filled);
  EXPECT_EQ(e.code, static_cast<std::uint16_t>(OrderState::Filled));
  EXPECT_EQ(e.cum_qty, lots(4));
  EXPECT_EQ(e.price, px(98));
  e = asked(OrderId::make(1, 1, 99));
  EXPECT_EQ(e.reason, Reason::NotFound);
}

TEST_F(PaperSessionTest, VenueStandsStillWhileNobodyTakesEvents) {
  // Each order fills and is replaced; nobody drains until the venue stops by itself.
  std::uint32_t counter = 0;
  std::size_t filled = 0;
  std::size_t before = 1;
  while (filled != before && counter < 5'000) {
    before = filled;
    place(++counter, lots(1));
    ask(100 - static_cast<std::int64_t>(counter % 2), 50, kRests);
    filled = 0;
    for (const PaperEntry& e : rig.log.entries) filled += e.what == PaperWhat::Filled ? 1u : 0u;
  }
  ASSERT_LT(counter, 5'000u);
  EXPECT_TRUE(session().room());
  const std::vector<Event> all = events();
  EXPECT_LE(all.size(), TestSession::kEvents - TestSession::kReserve + 3);
  ask(50, 50, kRests);
  EXPECT_EQ(kinds(), (Kinds{EventKind::Ack, EventKind::Fill}))
      << "and goes on when they were taken";
}

TEST_F(PaperSessionTest, LatenciesAreRecorded) {
  Order o = entry(1, lots(1), at_us(1'000));
  o.origin = at_us(400);
  session().execute(o, at_us(1'100), 0);
  const auto& send =
      rig.page->statistics.histograms[static_cast<std::size_t>(GatewayHistogram::kTickToSend)];
  const auto& approve =
      rig.page->statistics.histograms[static_cast<std::size_t>(GatewayHistogram::kApproveToSend)];
  EXPECT_EQ(send.count(), 1u);
  EXPECT_EQ(send.max(), 700'000);
  EXPECT_EQ(approve.max(), 100'000);
}

TEST_F(PaperSessionTest, CarriedRunsLeavePositionsAndNoOrders) {
  placed(1);
  ask(100, 4, kRests);
  SessionRig next;
  for (const PaperEntry& e : rig.log.entries) next.session->carry(e);
  next.rebuild(0);
  EXPECT_EQ(next.session->book().open(), 0u);
  EXPECT_EQ(next.session->book().own().at(1, 2).position, lots(4));
  EXPECT_EQ(next.session->book().own().open_cost(), Notional::whole(400));
  EXPECT_EQ(next.session->position(), 0u);
  EXPECT_TRUE(next.events().empty());
}

TEST_F(PaperSessionTest, ContradictoryLogIsRefused) {
  placed(1);
  ask(100, 50, kRests);
  rig.log.entries.push_back(rig.log.entries.back());  // filled twice
  rig.restart();
  EXPECT_THROW(rig.rebuild(0), Error);
}

}  // namespace
}  // namespace sluice::test
