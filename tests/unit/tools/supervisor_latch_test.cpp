// What people decided outlives the run, and a file that cannot be read is never taken for less.
#include "tools/supervisor/latch.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

#include "core/error.hpp"
#include "tests/support/names.hpp"
#include "tools/supervisor/state_file.hpp"

namespace sluice {
namespace {

class Latch : public testing::Test {
 protected:
  void write(const char* file, const std::string& text) {
    std::ofstream(dir_.path() / file) << text;
  }
  const test::TempDir dir_;
};

TEST_F(Latch, CapsComeBackAsTheyWereKept) {
  std::vector<LatchedCap> caps;
  set_latched(caps, "global", Notional::whole(1'000));
  set_latched(caps, "strategy:momo", Notional{1});
  set_latched(caps, "global", Notional{150'000'000});
  ASSERT_TRUE(store_caps(dir_.path(), caps));
  EXPECT_EQ(load_caps(dir_.path()), caps);
  EXPECT_EQ(caps.size(), 2u) << "one line per scope";
}

TEST_F(Latch, ARunStartsWithTheLowerOfTheTwoCaps) {
  const std::vector<LatchedCap> caps{{"global", Notional::whole(5)}};
  EXPECT_EQ(starting_cap(caps, "global", Notional::whole(9)), Notional::whole(5));
  EXPECT_EQ(starting_cap(caps, "global", Notional::whole(3)), Notional::whole(3));
  EXPECT_EQ(starting_cap(caps, "strategy:momo", Notional::whole(9)), Notional::whole(9));
}

TEST_F(Latch, AnAmountThatCannotBeReadIsNoNewRisk) {
  write("cap.latch", "global 12x\nstrategy:momo\nstrategy:calm -4\n\ngateway:paper 7.5\n");
  const std::vector<LatchedCap> wanted{{"global", Notional{}},
                                       {"strategy:momo", Notional{}},
                                       {"strategy:calm", Notional{}},
                                       {"gateway:paper", Notional{750'000'000}}};
  EXPECT_EQ(load_caps(dir_.path()), wanted);
}

TEST_F(Latch, ALevelThatCannotBeReadIsHalt) {
  write("kill.latch", "global REDUCE_ONLY\nstrategy:momo HALTT\n");
  const std::vector<LatchedLevel> wanted{{"global", KillLevel::ReduceOnly},
                                         {"strategy:momo", KillLevel::Halt}};
  EXPECT_EQ(load_latch(dir_.path()), wanted);
}

TEST_F(Latch, AFileThatCannotBeReadIsNotAnEmptyOne) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  write("cap.latch", "global 1\n");
  ASSERT_EQ(::chmod((dir_.path() / "cap.latch").c_str(), 0), 0);
  EXPECT_THROW(load_caps(dir_.path()), Error);
}

TEST_F(Latch, WhatCannotBeKeptSaysSoAndLeavesTheOldFile) {
  ASSERT_TRUE(store_caps(dir_.path(), {{"global", Notional::whole(5)}}));
  ASSERT_EQ(::mkdir((dir_.path() / "cap.latch.new").c_str(), 0700), 0);
  EXPECT_FALSE(store_caps(dir_.path(), {{"global", Notional::whole(9)}}));
  EXPECT_EQ(load_caps(dir_.path()).front().cap, Notional::whole(5));
}

TEST_F(Latch, ALockThatIsBeingGivenBackIsWaitedFor) {
  const int held = lock_state_dir(dir_.path());
  std::jthread dying([&] {  // as after kill -9: it goes while the next one asks
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    ::close(held);
  });
  EXPECT_NO_THROW(::close(lock_state_dir(dir_.path())));
}

}  // namespace
}  // namespace sluice
