// `sluice-bench recovery` on few ticks: what its crashes are, that successors know what the dead
// knew, and that one who knows something else is reported, whatever the checkpoint's checksum says.
#include "bench/recovery/recovery.hpp"

#include <gtest/gtest.h>
#include <simdjson.h>

#include "bench/recovery/recorded.hpp"
#include "core/error.hpp"

namespace sluice::bench {
namespace {

const std::string kRoot = SLUICE_SOURCE_DIR;

// Three laps of the capture, a checkpoint every few hundred turns, several files.
RecoveryPlan small() {
  return {.conf = kRoot + "/conf/bench.toml",
          .capture = kRoot + "/tests/data/binance_spot_btcusdt_20240808.gz",
          .dir = testing::TempDir(),
          .ticks = 120'000,
          .crashes = 4,
          .checkpoint_every = 2'048,
          .rotate_mib = 1};
}

TEST(Recovery, SuccessorsKnowWhatTheDeadKnewWhereverTheyBegin) {
  const RecoveryResult result = run_recovery(small());
  EXPECT_TRUE(result.identical()) << recovery_table(small(), result);
  ASSERT_EQ(result.crashes.size(), 4u);
  for (const Crash& crash : result.crashes) {
    EXPECT_GT(crash.uncommitted, 0u) << "it did not die in the middle of a turn";
    EXPECT_LE(crash.memory.entries, 2 * small().checkpoint_every);
    EXPECT_GT(crash.files.entries, crash.memory.entries);
    EXPECT_EQ(crash.zero.entries, crash.entries);
    EXPECT_GT(crash.memory.entries, crash.late ? 2 * small().checkpoint_every - 100 : 0);
  }
  EXPECT_GT(result.orders, 0u);
  EXPECT_GT(result.exits, 0u);
}

// A bit that nothing reads, under a right checksum: the smallest lie there is.
void forge(CheckpointMemory& memory) {
  for (std::size_t side = 0; side < 2; ++side) {
    auto forged = read_checkpoint(memory, side, ~std::uint64_t{0});
    if (!forged) continue;
    forged->words.back() ^= std::uint64_t{1} << 63;
    memory.buffer(side)[forged->words.size() - 1].store(forged->words.back());
    memory.marks[side].crc.store(checkpoint_crc(forged->position, forged->words));
  }
}
TEST(Recovery, AStateThatDiffersInOneBitIsReported) {
  RecoveryPlan plan = small();
  plan.crashes = 1;
  plan.tamper = forge;
  const RecoveryResult result = run_recovery(plan);
  ASSERT_TRUE(result.crashes[0].memory.differs);
  EXPECT_EQ(*result.crashes[0].memory.differs, sizeof(Knowledge) - 1);
  EXPECT_FALSE(result.crashes[0].files.differs) << "the files had been written before";
  EXPECT_FALSE(result.crashes[0].zero.differs);
  EXPECT_FALSE(result.identical());
  EXPECT_FALSE(result.met());
  EXPECT_NE(recovery_table(plan, result).find("DIFFERENT"), std::string::npos);
}

// A checkpoint that claims more entries than it has seen.
void skip(CheckpointMemory& memory) {
  for (std::size_t side = 0; side < 2; ++side) {
    const auto found = read_checkpoint(memory, side, ~std::uint64_t{0});
    if (!found) continue;
    const std::uint64_t position = found->position + 64;
    memory.marks[side].word.store(position + 1);
    memory.marks[side].crc.store(checkpoint_crc(position, found->words));
  }
}
TEST(Recovery, EntriesThatWereSkippedAreReported) {
  RecoveryPlan plan = small();
  plan.crashes = 1;
  plan.tamper = skip;
  const Crash crash = run_recovery(plan).crashes.at(0);
  ASSERT_TRUE(crash.memory.differs) << "quotes were replaced since, but the cursor is 64 behind";
  EXPECT_LT(*crash.memory.differs, sizeof(Knowledge::consumed));
}

TEST(Recovery, ALongRecoveryIsMissedAndADifferentOneToo) {
  RecoveryResult result;
  result.crashes.resize(2);
  result.crashes[1].memory.took = kRecoveryLimit;
  EXPECT_TRUE(result.met());
  result.crashes[1].memory.took = kRecoveryLimit + Duration{1};
  EXPECT_FALSE(result.met());
  result.crashes[1].memory.took = {};
  result.crashes[0].zero.differs = 0;
  EXPECT_FALSE(result.met());
}

TEST(Recovery, JsonHasARowPerBeginningAndEveryCrash) {
  RecoveryResult result;
  result.crashes.resize(3);
  result.crashes[2].late = true;
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const std::string json = recovery_json(small(), result);
  ASSERT_EQ(parser.parse(json).get(root), simdjson::SUCCESS) << json;
  EXPECT_EQ(root["crashes"].get_array().value().size(), 3u);
  EXPECT_EQ(std::uint64_t(root["memory_late"]["crashes"]), 1u);
  EXPECT_TRUE(bool(root["met"]));
}

TEST(Recovery, RecordedTicksComeAgainWithTimesThatMove) {
  const replay::RunConfig config = replay::load_run_config(small().conf);
  const Recorded recorded(small().capture, config.feed);
  const HostTime later{20'000'000'000};
  const Tick first = recorded.tick(0, HostTime{10'000'000'000});
  const Tick again = recorded.tick(recorded.size(), later);
  EXPECT_EQ(again.value, first.value);
  EXPECT_EQ(again.rx_time, later);
  EXPECT_EQ(again.venue_time.ns - first.venue_time.ns, 10'000'000'000);
  EXPECT_GT(recorded.size(), 30'000u);
}

}  // namespace
}  // namespace sluice::bench
