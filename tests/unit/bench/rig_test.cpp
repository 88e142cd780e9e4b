// The rig and its source against the real processes: a run is made, armed, fed and taken away, and
// what goes wrong is said.
#include "bench/pipeline/rig.hpp"

#include <gtest/gtest.h>
#include <signal.h>

#include "bench/pipeline/source.hpp"
#include "core/error.hpp"
#include "core/journal_file.hpp"
#include "core/process.hpp"
#include "core/segment.hpp"

namespace sluice::bench {
namespace {

using namespace std::chrono_literals;

RigPlan plan() {
  RigPlan plan;
  plan.conf = SLUICE_SOURCE_DIR "/conf/bench.toml";
  return plan;
}

std::uint64_t verdicts(Rig& rig) {
  return rig.objects().page(Process::Gateway).statistics.counter("sent_verdicts");
}

TEST(Rig, ARunIsFedInOpenAndClosedLoopAndLeavesNothing) {
  std::string name;
  std::filesystem::path files;
  {
    Rig rig(plan());
    name = rig.instance().name();
    files = rig.run_dir();
    Source source(rig);
    rig.await_armed();
    source.begin({.rate = 5'000, .ticks = 10'000, .order_every = 100});
    ASSERT_TRUE(rig.await([&] { return !source.running(); }, 20s));
    EXPECT_EQ(source.sent().ticks, 10'000u);
    EXPECT_EQ(source.sent().dropped_seat, 0u);
    const std::uint64_t open = verdicts(rig);
    EXPECT_GT(open, 20u) << "entries and exits of the second second";
    source.begin({.rate = 0, .ticks = 200'000, .order_every = 100});
    ASSERT_TRUE(rig.await([&] { return !source.running(); }, 20s));
    EXPECT_EQ(source.sent().ticks, 210'000u);
    EXPECT_EQ(source.sent().dropped_risk, 0u);
    source.begin({.rate = 1'000});
    ASSERT_TRUE(rig.await([&] { return verdicts(rig) > open + 4; }, 20s));
    source.halt();
    EXPECT_FALSE(source.running());
    source.leave();
    rig.stop();
    EXPECT_GT(JournalFiles(files, "seat0").end(), 210'000u);
    EXPECT_TRUE(list_objects(name).empty());
    EXPECT_TRUE(std::filesystem::exists(files));
  }
  EXPECT_FALSE(std::filesystem::exists(files));
}

TEST(Rig, AProcessThatDiesIsNamedAndNothingIsLeft) {
  std::string name;
  try {
    Rig rig(plan());
    name = rig.instance().name();
    Source source(rig);
    rig.await_armed();
    ::kill(look(rig.objects().page(Process::Risk).lease).pid, SIGKILL);
    EXPECT_FALSE(rig.await([] { return false; }, 10s));
    FAIL() << "nobody noticed";
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("sluice-risk has left"), std::string::npos)
        << error.what();
  }
  EXPECT_TRUE(list_objects(name).empty());
}

TEST(Rig, ADiskThatCannotHoldTheJournalsIsRefusedBeforehand) {
  RigPlan big = plan();
  big.journal_bytes = std::uint64_t{1} << 60;
  try {
    const Rig rig(big);
    FAIL() << "an exbibyte of disk";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::Usage);
    EXPECT_NE(std::string(error.what()).find("MiB are free"), std::string::npos) << error.what();
  }
}

TEST(Rig, WhatIsNotThereIsNamed) {
  RigPlan other = plan();
  other.conf = "no/such.toml";
  EXPECT_THROW(Rig{other}, Error);
  other = plan();
  other.dir = "/no/such/directory";
  EXPECT_THROW(Rig{other}, Error);
}

}  // namespace
}  // namespace sluice::bench
