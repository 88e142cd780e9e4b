// Permits and heartbeats: zero, garbage, another run, an earlier supervisor and another scope are
// "no".
#include "core/control_page.hpp"

#include <gtest/gtest.h>

#include <vector>

#include <memory>

#include "tests/support/seed.hpp"
#include "tests/support/toy_config.hpp"

namespace sluice {
namespace {

constexpr std::uint64_t kRunId = 0xfeedface12345678;

TEST(Permit, IsValidForExactlyItsRunLeaseAndScope) {
  const std::uint64_t word = encode_permit(kRunId, 3, 7, 42);
  EXPECT_EQ(decode_permit(kRunId, 3, 7, word), (Permit{true, 42}));
  EXPECT_FALSE(decode_permit(kRunId + 1, 3, 7, word).valid);
  EXPECT_FALSE(decode_permit(kRunId, 2, 7, word).valid) << "an earlier supervisor's";
  EXPECT_FALSE(decode_permit(kRunId, 4, 7, word).valid);
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    EXPECT_EQ(decode_permit(kRunId, 3, slot, word).valid, slot == 7) << slot;
}

TEST(Permit, AnySingleWrongBitIsNoPermit) {
  test::Random random(test::draw_seed());
  for (std::size_t round = 0; round < 200; ++round) {
    const std::uint64_t run = random.next();
    const auto lease = static_cast<std::uint16_t>(random.next());
    const auto epoch = static_cast<std::uint32_t>(random.next() | 1);
    const std::uint64_t word = encode_permit(run, lease, round, epoch);
    ASSERT_TRUE(decode_permit(run, lease, round, word).valid);
    for (unsigned bit = 0; bit < 64; ++bit)
      ASSERT_FALSE(decode_permit(run, lease, round, word ^ std::uint64_t{1} << bit).valid)
          << run << " " << lease << " " << epoch << " bit " << bit;
  }
}

TEST(Permit, ZeroGarbageAndTornWordsAreNoPermit) {
  EXPECT_FALSE(decode_permit(kRunId, 0, 0, 0).valid);
  EXPECT_FALSE(decode_permit(kRunId, 0, 0, ~std::uint64_t{0}).valid);
  EXPECT_FALSE(decode_permit(kRunId, 1, 0, encode_permit(kRunId, 1, 0, 0)).valid)
      << "epoch 0 is never a permit";
  const std::uint64_t before = encode_permit(kRunId, 1, 0, 5),
                      after = encode_permit(kRunId, 1, 0, 6);
  constexpr std::uint64_t kHigh = 0xffff'ffff'0000'0000;
  EXPECT_FALSE(decode_permit(kRunId, 1, 0, (before & kHigh) | (after & ~kHigh)).valid);
  EXPECT_FALSE(decode_permit(kRunId, 1, 0, (after & kHigh) | (before & ~kHigh)).valid);
  test::Random random(test::draw_seed());
  for (int i = 0; i < 100'000; ++i) ASSERT_FALSE(decode_permit(kRunId, 1, 0, random.next()).valid);
}

TEST(Heartbeat, KeepsLeaseAndFortyEightBitsOfTime) {
  for (const std::uint64_t at :
       {std::uint64_t{0}, std::uint64_t{1}, (std::uint64_t{1} << 48) - 1}) {
    const Heartbeat beat = decode_heartbeat(encode_heartbeat({0xffff, at}));
    EXPECT_EQ(beat.lease_epoch, 0xffff);
    EXPECT_EQ(beat.at_us, at);
  }
  const Heartbeat late = decode_heartbeat(encode_heartbeat({7, std::uint64_t{1} << 48}));
  EXPECT_EQ(late.lease_epoch, 7) << "a time that does not fit must not change the lease epoch";
  EXPECT_EQ(late.at_us, 0u);
}

TEST(ControlPage, ReadsPermitsThroughTheLeaseInTheHeartbeat) {
  MemoryInstance instance(test::toy_config(), test::toy_run());
  ControlPage& page = *instance.objects().control;
  page.heartbeat.store(encode_heartbeat({9, 1'000}));
  page.permits[0].store(encode_permit(page.header.run_id, 9, 0, 1));
  EXPECT_TRUE(page.permit(0, page.beat().lease_epoch).valid);
  EXPECT_FALSE(page.permit(1, page.beat().lease_epoch).valid);
  page.heartbeat.store(encode_heartbeat({10, 1'000}));
  EXPECT_FALSE(page.permit(0, page.beat().lease_epoch).valid)
      << "taking over voids every permit at once";
}

TEST(ControlPage, ScopesExistUpToTheConfiguredCount) {
  MemoryInstance instance(test::toy_config(), test::toy_run());
  const ControlPage& page = *instance.objects().control;
  for (const auto& [kind, count] :
       {std::pair{ScopeKind::Global, 1u}, std::pair{ScopeKind::Gateway, 1u},
        std::pair{ScopeKind::Strategy, 1u}, std::pair{ScopeKind::Instrument, 1u}}) {
    EXPECT_TRUE(page.scope_exists({kind, count - 1}));
    EXPECT_FALSE(page.scope_exists({kind, count}));
  }
  EXPECT_FALSE(page.scope_exists({static_cast<ScopeKind>(0), 0}));
}

TEST(ControlPage, EachScopeIsEveryOneThatExists) {
  MemoryInstance instance(test::toy_config(), test::toy_run());
  ControlPage& page = *instance.objects().control;
  for (const std::uint32_t count : {0u, 1u, 3u, 4u, 40u, 300u, ~0u}) {  // damaged ones among them
    page.gateways = page.strategies = page.instruments = count;
    std::vector<std::size_t> wanted;
    for (std::size_t slot = 0; slot < kScopes; ++slot)
      if (page.scope_exists(scope_at(slot))) wanted.push_back(slot);
    std::vector<std::size_t> seen;
    EXPECT_TRUE(page.each_scope([&](std::size_t slot) {
      seen.push_back(slot);
      return true;
    }));
    EXPECT_EQ(seen, wanted) << count;
  }
  int calls = 0;
  EXPECT_FALSE(page.each_scope([&](std::size_t slot) { return ++calls, slot < 2; }));
  EXPECT_EQ(calls, 3) << "ends at the first that is refused";
}

TEST(ControlPage, ScopeSlotsAreOneToOne) {
  for (std::size_t slot = 0; slot < kScopes; ++slot) EXPECT_EQ(scope_slot(scope_at(slot)), slot);
}

}  // namespace
}  // namespace sluice
