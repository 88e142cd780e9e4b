#include "gateway/last_look.hpp"

#include <gtest/gtest.h>

#include "tests/unit/gateway/gateway_support.hpp"

namespace sluice::test {
namespace {

class LastLookTest : public ::testing::Test {
 protected:
  Reason check(const Order& o, std::uint32_t conditions = 0) {
    return look.check(o, now, conditions, *book);
  }
  // A fresh object has no cached words.
  Reason fresh(const Order& o) {
    LastLook other(*pages.control, *pages.kill, 0, Duration::millis(20));
    return other.check(o, now, 0, *book);
  }
  Order exit(Qty qty, OrderKind kind = OrderKind::StopLoss) const {
    return make_order(9, kind, Side::Sell, px(99), qty, now);
  }
  // Level in one scope, with an epoch that keeps the sum.
  void all_levels(KillLevel level) const {
    for (std::size_t slot : scopes) pages.level(slot, level, 10);
  }

  Pages pages;
  HostTime now{Duration::seconds(5).ns};
  std::unique_ptr<OwnBook> book = std::make_unique<OwnBook>();
  LastLook look{*pages.control, *pages.kill, 0, Duration::millis(20)};
  std::array<std::size_t, 4> scopes = order_scopes(0, 1, 2);
};

TEST_F(LastLookTest, AllowsWhatEverythingAllows) {
  EXPECT_EQ(check(entry(1, lots(10), now)), Reason::None);
}

TEST_F(LastLookTest, LevelTableCellByCellInEveryScope) {
  book->fill(1, 2, Side::Buy, px(100), lots(100));
  struct Row {
    KillLevel level;
    bool entry, strategy_exit, protective, cancel;
  };
  constexpr Row kTable[] = {{KillLevel::Run, true, true, true, true},
                            {KillLevel::ReduceOnly, false, true, true, true},
                            {KillLevel::Halt, false, false, false, true},
                            {KillLevel::Cancel, false, false, false, true},
                            {KillLevel::Flatten, false, false, false, true},
                            {KillLevel::Sever, false, false, false, false},
                            {KillLevel::Ended, false, false, false, false}};
  for (std::size_t slot : scopes) {
    for (const Row& row : kTable) {
      pages.level(slot, row.level, 10);
      const auto verdict = [](bool pass) { return pass ? Reason::None : Reason::LastLookLevel; };
      EXPECT_EQ(check(entry(1, lots(1), now)), verdict(row.entry)) << name_of(row.level);
      EXPECT_EQ(check(exit(lots(1), OrderKind::StrategyExit)), verdict(row.strategy_exit));
      for (OrderKind kind : {OrderKind::StopLoss, OrderKind::TakeProfit, OrderKind::SessionExit})
        EXPECT_EQ(check(exit(lots(1), kind)), verdict(row.protective));
      EXPECT_EQ(look.may_cancel(1, 2), row.cancel);
      EXPECT_EQ(look.may_sweep(), row.cancel || slot == scopes[2] || slot == scopes[3]);
    }
    pages.level(slot, KillLevel::Run, 10);
  }
}

TEST_F(LastLookTest, AnyConditionMeansReduceOnly) {
  book->fill(1, 2, Side::Buy, px(100), lots(100));
  for (std::uint32_t bit = 0; bit < kConditionBits; ++bit) {
    EXPECT_EQ(check(entry(1, lots(1), now), 1u << bit), Reason::LastLookLevel);
    EXPECT_EQ(check(exit(lots(1)), 1u << bit), Reason::None);
  }
}

TEST_F(LastLookTest, EverySingleBitFlipRefusesEntries) {
  for (std::size_t slot : scopes) {
    for (int bit = 0; bit < 64; ++bit) {
      const std::uint64_t flip = std::uint64_t{1} << bit;
      pages.kill->words[slot].fetch_xor(flip);
      EXPECT_NE(check(entry(1, lots(1), now)), Reason::None)
          << "kill slot " << slot << " bit " << bit;
      EXPECT_NE(fresh(entry(1, lots(1), now)), Reason::None);
      pages.kill->words[slot].fetch_xor(flip);
      EXPECT_EQ(check(entry(1, lots(1), now)), Reason::None);
      pages.control->permits[slot].fetch_xor(flip);
      EXPECT_NE(check(entry(1, lots(1), now)), Reason::None)
          << "permit slot " << slot << " bit " << bit;
      EXPECT_NE(fresh(entry(1, lots(1), now)), Reason::None);
      pages.control->permits[slot].fetch_xor(flip);
      EXPECT_EQ(check(entry(1, lots(1), now)), Reason::None);
    }
  }
}

// What is remembered of one pair is not taken for another one's, wherever both are remembered: the
// words of an instrument mean HALT in the place of any other.
TEST_F(LastLookTest, AnotherInstrumentsWordsRefuse) {
  const std::size_t own = scopes[3];
  for (InstrumentIndex other = 0; other < kMaxInstruments; ++other) {
    if (other == 2) continue;
    const std::size_t slot = scope_slot({ScopeKind::Instrument, other});
    pages.kill->words[slot].store(pages.kill->words[own].load());
    pages.control->permits[slot].store(pages.control->permits[own].load());
    ASSERT_EQ(check(entry(1, lots(1), now)), Reason::None);
    Order o = entry(1, lots(1), now);
    o.instrument = other;
    EXPECT_EQ(check(o), Reason::LastLookLevel) << "instrument " << other;
  }
}

TEST_F(LastLookTest, ZeroPagesRefuse) {
  ControlPage control{};
  KillPage kill{};
  LastLook zero(control, kill, 0, Duration::millis(20));
  Order o = entry(1, lots(1), now);
  o.kill_epoch = o.limits_epoch = 0;
  EXPECT_EQ(zero.check(o, now, 0, *book), Reason::LastLookLevel);
  LastLook no_permits(control, *pages.kill, 0, Duration::millis(20));
  o.kill_epoch = kKillEpoch;
  EXPECT_EQ(no_permits.check(o, now, 0, *book), Reason::LastLookPermit);
}

TEST_F(LastLookTest, EachZeroWordAloneRefuses) {
  for (std::size_t slot : scopes) {
    const std::uint64_t kill = pages.kill->words[slot].exchange(0);
    EXPECT_EQ(check(entry(1, lots(1), now)), Reason::LastLookLevel);
    pages.kill->words[slot].store(kill);
    const std::uint64_t permit = pages.control->permits[slot].exchange(0);
    EXPECT_EQ(check(entry(1, lots(1), now)), Reason::LastLookPermit);
    pages.control->permits[slot].store(permit);
  }
}

TEST_F(LastLookTest, WordsOfAnotherRunRefuse) {
  pages.kill->header.run_id ^= 1;
  EXPECT_EQ(fresh(entry(1, lots(1), now)), Reason::LastLookLevel);
  pages.kill->header.run_id ^= 1;
  pages.control->header.run_id ^= 1;
  EXPECT_EQ(fresh(entry(1, lots(1), now)), Reason::LastLookPermit);
}

TEST_F(LastLookTest, PermitOfAnEarlierLeaseIsVoidAtOnce) {
  ASSERT_EQ(check(entry(1, lots(1), now)), Reason::None);  // cached under the old lease
  pages.control->heartbeat.store(encode_heartbeat({kLease + 1, 2}));
  EXPECT_EQ(check(entry(1, lots(1), now)), Reason::LastLookPermit);
  for (std::size_t slot : scopes)
    pages.control->permits[slot].store(encode_permit(kRunId, kLease + 1, slot, 20));
  EXPECT_EQ(check(entry(1, lots(1), now)), Reason::None);
}

TEST_F(LastLookTest, OlderEpochsAreStale) {
  book->fill(1, 2, Side::Buy, px(100), lots(100));
  Order o = entry(1, lots(1), now);
  o.limits_epoch -= 1;
  EXPECT_EQ(check(o), Reason::Stale);
  Order e = exit(lots(1));
  e.limits_epoch -= 1;
  EXPECT_EQ(check(e), Reason::None) << "permits do not bind exits";
  for (std::size_t slot : scopes) {  // raised and rearmed: RUN again, under a new epoch
    pages.level(slot, KillLevel::Run, 11);
    EXPECT_EQ(check(entry(1, lots(1), now)), Reason::Stale);
    EXPECT_EQ(check(exit(lots(1))), Reason::Stale);
    EXPECT_TRUE(look.may_cancel(1, 2));
    pages.level(slot, KillLevel::Run, 10);
  }
}

TEST_F(LastLookTest, EpochSumsWrap) {
  pages.level(scopes[0], KillLevel::Run, 0xffff'fff0u);
  pages.permit(scopes[0], 0xffff'ffffu);
  Order o = entry(1, lots(1), now);
  o.kill_epoch = 0xffff'fff0u + 30u;
  o.limits_epoch = 0xffff'ffffu + 60u;
  EXPECT_EQ(check(o), Reason::None);
}

TEST_F(LastLookTest, AgeBothSidesOfTheBound) {
  book->fill(1, 2, Side::Buy, px(100), lots(100));
  const Duration max = Duration::millis(20);
  for (Order o : {entry(1, lots(1), now), exit(lots(1))}) {
    o.approved_at = now - max;
    EXPECT_EQ(check(o), Reason::None);
    o.approved_at = now - max - Duration{1};
    EXPECT_EQ(check(o), Reason::TooOld);
    o.approved_at = now + max;
    EXPECT_EQ(check(o), Reason::None);
    o.approved_at = now + max + Duration{1};
    EXPECT_EQ(check(o), Reason::TooOld);
  }
}

TEST_F(LastLookTest, CapsBothSidesOfTheBound) {
  book->fill(1, 3, Side::Buy, px(50), lots(10));                // 500, same strategy
  book->work(7, 2, OrderKind::Entry, px(100), Qty{}, lots(3));  // 300, another
  const auto cap = [this](std::size_t slot, std::int64_t raw) {
    pages.control->caps[slot].store(raw);
  };
  const Order o = entry(1, lots(2), now);  // 200
  const std::int64_t whole = Notional::whole(1).raw;
  cap(scopes[0], 1'000 * whole);
  EXPECT_EQ(check(o), Reason::None);
  cap(scopes[0], 1'000 * whole - 1);
  EXPECT_EQ(check(o), Reason::LastLookCap);
  cap(scopes[0], 1'000 * whole);
  cap(scopes[2], 700 * whole);
  EXPECT_EQ(check(o), Reason::None);
  cap(scopes[2], 700 * whole - 1);
  EXPECT_EQ(check(o), Reason::LastLookCap);
  cap(scopes[2], 0);
  EXPECT_EQ(check(entry(1, Qty{1}, now)), Reason::LastLookCap) << "cap 0 is no new risk";
  Order sell = exit(lots(10));
  sell.instrument = 3;
  EXPECT_EQ(check(sell), Reason::None) << "no cap holds an exit back";
}

TEST_F(LastLookTest, ExitsMustReduce) {
  EXPECT_EQ(check(exit(Qty{1})), Reason::NotReducing) << "flat";
  book->fill(1, 2, Side::Buy, px(100), lots(5));
  EXPECT_EQ(check(exit(lots(5))), Reason::None);
  EXPECT_EQ(check(exit(lots(5) + Qty{1})), Reason::NotReducing);
  Order same_side = exit(lots(1));
  same_side.side = Side::Buy;
  EXPECT_EQ(check(same_side), Reason::NotReducing);
  book->work(1, 2, OrderKind::StopLoss, px(99), Qty{}, lots(2));
  EXPECT_EQ(check(exit(lots(3))), Reason::None);
  EXPECT_EQ(check(exit(lots(3) + Qty{1})), Reason::NotReducing) << "exits at work count";
  book->fill(4, 2, Side::Sell, px(100), lots(2));  // a short of another strategy
  Order cover = exit(lots(2));
  cover.strategy = 4;
  EXPECT_EQ(check(cover), Reason::NotReducing);
  cover.side = Side::Buy;
  EXPECT_EQ(check(cover), Reason::None);
}

TEST_F(LastLookTest, MalformedOrdersAreRefused) {
  Order o = entry(1, Qty{}, now);
  EXPECT_EQ(check(o), Reason::BadOrder);
  o = entry(1, lots(1), now);
  o.price = Price{};
  EXPECT_EQ(check(o), Reason::BadOrder);
  o = entry(1, lots(1), now);
  o.strategy = kMaxStrategies;
  EXPECT_EQ(check(o), Reason::BadOrder);
  EXPECT_FALSE(look.may_cancel(kMaxStrategies, 0));
  o = entry(1, lots(1), now);
  o.instrument = kMaxInstruments;
  EXPECT_EQ(check(o), Reason::BadOrder);
  o = entry(1, lots(1), now);
  o.side = Side{};
  EXPECT_EQ(check(o), Reason::BadOrder);
  o = entry(1, lots(1), now);
  o.kind = OrderKind{};  // unknown: the strictest treatment
  EXPECT_EQ(check(o, kDeadMan), Reason::LastLookLevel);
}

TEST_F(LastLookTest, OtherGatewaysLevelDoesNotBind) {
  pages.level(scope_slot({ScopeKind::Gateway, 1}), KillLevel::Halt, 99);
  EXPECT_EQ(check(entry(1, lots(1), now)), Reason::None);
}

}  // namespace
}  // namespace sluice::test
