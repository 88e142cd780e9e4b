// The kill page: what counts as RUN, and what raising and lowering leave behind.
#include "core/kill_page.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <thread>
#include <vector>

#include "tests/support/seed.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kRun = 0x0123456789abcdef;
constexpr std::array kRaisable{KillLevel::ReduceOnly, KillLevel::Halt, KillLevel::Cancel,
                               KillLevel::Flatten, KillLevel::Sever};
constexpr Scope kGlobal{ScopeKind::Global, 0};

std::unique_ptr<KillPage> running_page() {
  auto page = std::make_unique<KillPage>();
  page->header.run_id = kRun;
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    const auto epoch = static_cast<std::uint32_t>(page->serial.fetch_add(1) + 1);
    page->words[slot].store(encode_kill(kRun, slot, KillLevel::Run, KillCause::None, epoch));
  }
  return page;
}

TEST(KillWord, RoundTripsEveryLevelAndCause) {
  for (const std::size_t slot : {std::size_t{0}, std::size_t{1}, kScopes - 1})
    for (const KillLevel level :
         {KillLevel::Run, KillLevel::ReduceOnly, KillLevel::Halt, KillLevel::Cancel,
          KillLevel::Flatten, KillLevel::Sever, KillLevel::Ended})
      for (const KillCause cause : {KillCause::None, KillCause::Operator, KillCause::CorruptRing})
        for (const std::uint32_t epoch : {0u, 1u, 0xffff'ffffu}) {
          const KillWord expected{level, cause, epoch, true};
          EXPECT_EQ(decode_kill(kRun, slot, encode_kill(kRun, slot, level, cause, epoch)),
                    expected);
        }
}

TEST(KillWord, AnySingleWrongBitOfARunWordIsHalt) {
  test::Random random(test::draw_seed());
  for (int round = 0; round < 2'000; ++round) {
    const std::uint64_t run = random.next();
    const std::size_t slot = random.below(kScopes);
    const auto epoch = static_cast<std::uint32_t>(random.next());
    const std::uint64_t word = encode_kill(run, slot, KillLevel::Run, KillCause::None, epoch);
    for (unsigned bit = 0; bit < 64; ++bit) {
      const KillWord read = decode_kill(run, slot, word ^ std::uint64_t{1} << bit);
      ASSERT_FALSE(read.valid) << "run " << run << " slot " << slot << " epoch " << epoch << " bit "
                               << bit;
      ASSERT_EQ(read.level, KillLevel::Halt);
    }
  }
}

TEST(KillWord, NoSingleOrDoubleWrongBitTurnsAStopIntoRun) {
  test::Random random(test::draw_seed());
  for (int round = 0; round < 20; ++round) {
    const std::uint64_t run = random.next();
    const auto epoch = static_cast<std::uint32_t>(random.next());
    for (const KillLevel level : kRaisable) {
      const std::uint64_t word = encode_kill(run, 0, level, KillCause::Operator, epoch);
      for (unsigned a = 0; a < 64; ++a)
        for (unsigned b = a; b < 64; ++b) {
          const std::uint64_t wrong =
              word ^ std::uint64_t{1} << a ^ (a == b ? 0 : std::uint64_t{1} << b);
          ASSERT_NE(decode_kill(run, 0, wrong).level, KillLevel::Run) << a << " " << b;
        }
    }
  }
}

TEST(KillWord, ZeroOnesAndGarbageAreHalt) {
  EXPECT_EQ(decode_kill(kRun, 0, 0).level, KillLevel::Halt);
  EXPECT_EQ(decode_kill(kRun, 0, ~std::uint64_t{0}).level, KillLevel::Halt);
  test::Random random(test::draw_seed());
  constexpr int kWords = 200'000;
  int passed = 0;
  for (int i = 0; i < kWords; ++i) {
    const std::uint64_t garbage = random.next() << 8 | 1;  // claims RUN
    if (decode_kill(kRun, 0, garbage).valid) ++passed;
  }
  EXPECT_LT(passed, kWords / 4'000) << "garbage that claims RUN may pass once in 2^16";
}

TEST(KillWord, AnotherSlotsWordIsHalt) {
  for (std::size_t slot = 0; slot < kScopes; ++slot) {
    const std::uint64_t word = encode_kill(kRun, slot, KillLevel::Run, KillCause::None, 5);
    for (std::size_t other = 0; other < kScopes; ++other)
      ASSERT_EQ(decode_kill(kRun, other, word).valid, other == slot);
  }
}

TEST(KillWord, AnotherRunsWordIsHalt) {
  const std::uint64_t word = encode_kill(kRun, 0, KillLevel::Run, KillCause::None, 5);
  for (unsigned bit = 0; bit < 64; ++bit)
    EXPECT_EQ(decode_kill(kRun ^ std::uint64_t{1} << bit, 0, word).level, KillLevel::Halt) << bit;
}

TEST(KillPage, RaiseStoresLevelCauseAndATargetBehindItsEpoch) {
  for (const KillLevel level : kRaisable) {
    const auto page = running_page();
    const std::uint64_t before = page->serial.load();
    const RaiseResult result = raise_kill(*page, kGlobal, level, KillCause::Operator);
    ASSERT_TRUE(result.raised);
    EXPECT_EQ(page->read(0), (KillWord{level, KillCause::Operator, result.word.epoch, true}));
    EXPECT_GT(result.word.epoch, before);
    EXPECT_GT(result.target, result.word.epoch);
    EXPECT_EQ(page->serial.load(), result.target);
    EXPECT_EQ(page->read(1).level, KillLevel::Run) << "other scopes stay";
  }
}

TEST(KillPage, RaiseNeverLowers) {
  const auto page = running_page();
  ASSERT_TRUE(raise_kill(*page, kGlobal, KillLevel::Cancel, KillCause::Operator).raised);
  const RaiseResult second = raise_kill(*page, kGlobal, KillLevel::ReduceOnly, KillCause::Drill);
  EXPECT_TRUE(second.raised);
  EXPECT_EQ(page->read(0).level, KillLevel::Cancel);
}

TEST(KillPage, RaiseAtTheSameLevelTakesANewEpoch) {
  const auto page = running_page();
  const RaiseResult first = raise_kill(*page, kGlobal, KillLevel::Halt, KillCause::Operator);
  const std::uint64_t named = page->words[0].load();
  const RaiseResult again = raise_kill(*page, kGlobal, KillLevel::Halt, KillCause::Operator);
  EXPECT_GT(again.word.epoch, first.word.epoch);
  EXPECT_EQ(rearm_kill(*page, 0, named), 0u) << "the rearm names the older word";
  EXPECT_EQ(page->read(0).level, KillLevel::Halt);
}

// A wild store into the serial: an epoch that came twice would revive what the older one stopped.
TEST(KillPage, ASerialThrownBackOrForthRepeatsNoEpoch) {
  for (int bit = 0; bit < 64; ++bit) {
    const auto page = running_page();
    raise_kill(*page, kGlobal, KillLevel::Halt, KillCause::Operator);
    page->serial.fetch_xor(std::uint64_t{1} << bit);
    std::uint32_t before = page->read(0).epoch;
    for (int round = 0; round < 4; ++round) {
      const RaiseResult raised = raise_kill(*page, kGlobal, KillLevel::Halt, KillCause::Operator);
      ASSERT_TRUE(raised.raised);
      ASSERT_GT(static_cast<std::int32_t>(raised.word.epoch - before), 0) << "bit " << bit;
      ASSERT_EQ(raised.target, page->serial.load());
      ASSERT_NE(rearm_kill(*page, 0, page->words[0].load()), 0u);
      ASSERT_GT(static_cast<std::int32_t>(page->read(0).epoch - raised.word.epoch), 0)
          << "bit " << bit;
      before = page->read(0).epoch;
    }
  }
}

TEST(KillPage, WhatAGateObeyedBeforeTheSerialWasThrownBackDoesNotCount) {
  const auto page = running_page();
  const std::uint64_t obeyed = page->serial.load();
  page->serial.store(1);
  page->words[0].store(encode_kill(kRun, 0, KillLevel::Run, KillCause::None, 1));
  const std::uint64_t target =
      raise_kill(*page, kGlobal, KillLevel::Halt, KillCause::Operator).target;
  EXPECT_FALSE(has_obeyed(*page, obeyed, target));
  EXPECT_FALSE(has_obeyed(*page, target - 1, target));
  EXPECT_TRUE(has_obeyed(*page, target, target));
}

TEST(KillPage, RaiseOnGarbageIsAtLeastHalt) {
  const auto page = running_page();
  page->words[0].store(0xdeadbeef);
  ASSERT_TRUE(raise_kill(*page, kGlobal, KillLevel::ReduceOnly, KillCause::Operator).raised);
  EXPECT_EQ(page->read(0).level, KillLevel::Halt);
  EXPECT_TRUE(page->read(0).valid);
}

TEST(KillPage, WhatIsNoRaiseIsRefusedAndStoresNothing) {
  const auto page = running_page();
  const std::uint64_t word = page->words[0].load(), serial = page->serial.load();
  for (const int level : {0, 1, 7, 8, 14, 15, 16, 255})
    EXPECT_FALSE(
        raise_kill(*page, kGlobal, static_cast<KillLevel>(level), KillCause::Operator).raised)
        << level;
  EXPECT_FALSE(
      raise_kill(*page, {ScopeKind::Global, 1}, KillLevel::Halt, KillCause::Operator).raised);
  EXPECT_FALSE(
      raise_kill(*page, {ScopeKind::Gateway, kMaxGateways}, KillLevel::Halt, KillCause::Drill)
          .raised);
  EXPECT_FALSE(
      raise_kill(*page, {ScopeKind::Instrument, kMaxInstruments}, KillLevel::Halt, KillCause::Drill)
          .raised);
  EXPECT_FALSE(
      raise_kill(*page, {static_cast<ScopeKind>(0), 0}, KillLevel::Halt, KillCause::Drill).raised);
  EXPECT_EQ(page->words[0].load(), word);
  EXPECT_EQ(page->serial.load(), serial);
}

TEST(KillPage, RaiseOnAnEndedRunIsRefused) {
  const auto page = running_page();
  const std::uint64_t ended = encode_kill(kRun, 0, KillLevel::Ended, KillCause::None, 99);
  page->words[0].store(ended);
  const RaiseResult result = raise_kill(*page, kGlobal, KillLevel::Sever, KillCause::Operator);
  EXPECT_FALSE(result.raised);
  EXPECT_EQ(result.word.level, KillLevel::Ended);
  EXPECT_EQ(page->words[0].load(), ended);
}

TEST(KillPage, RearmLowersExactlyTheNamedWord) {
  const auto page = running_page();
  raise_kill(*page, kGlobal, KillLevel::Sever, KillCause::Operator);
  const std::uint64_t named = page->words[0].load();
  EXPECT_EQ(rearm_kill(*page, 0, named ^ 1), 0u);
  EXPECT_EQ(rearm_kill(*page, kScopes, named), 0u);
  EXPECT_EQ(page->words[0].load(), named);
  const std::uint32_t epoch = page->read(0).epoch;
  const std::uint64_t target = rearm_kill(*page, 0, named);
  ASSERT_NE(target, 0u);
  EXPECT_EQ(page->read(0).level, KillLevel::Run);
  EXPECT_GT(page->read(0).epoch, epoch);
  EXPECT_GT(target, page->read(0).epoch);
  EXPECT_EQ(rearm_kill(*page, 0, named), 0u) << "once only";
}

TEST(KillPage, ConcurrentRaisersGetUniqueEpochsAndTheHighestLevelWins) {
  constexpr int kThreads = 4, kRaises = 5'000;
  const auto page = running_page();
  std::array<std::vector<RaiseResult>, kThreads> results;
  std::vector<std::thread> threads;
  for (std::size_t t = 0; t < kThreads; ++t)
    threads.emplace_back([&page, &mine = results[t], t] {
      for (int i = 0; i < kRaises; ++i) {
        const KillLevel level = t == 2 && i == kRaises / 2 ? KillLevel::Flatten : kRaisable[t % 3];
        mine.push_back(raise_kill(*page, kGlobal, level, KillCause::Operator));
      }
    });
  for (std::thread& thread : threads) thread.join();
  std::vector<std::uint64_t> serials;
  for (const auto& mine : results) {
    for (std::size_t i = 0; i < mine.size(); ++i) {
      ASSERT_TRUE(mine[i].raised);
      serials.push_back(mine[i].word.epoch);
      serials.push_back(mine[i].target);
      if (i > 0) {
        ASSERT_GE(mine[i].word.level, mine[i - 1].word.level) << "a level fell";
      }
    }
  }
  std::sort(serials.begin(), serials.end());
  EXPECT_EQ(std::adjacent_find(serials.begin(), serials.end()), serials.end());
  EXPECT_LE(serials.back(), page->serial.load());
  EXPECT_EQ(page->read(0).level, KillLevel::Flatten);
}

}  // namespace
}  // namespace sluice
