// Reclaiming what a dead run left: nothing that was raised is forgotten, nothing that lives or
// cannot be read is touched.
#include "tools/supervisor/reclaim.hpp"

#include <gtest/gtest.h>
#include <unistd.h>

#include "core/error.hpp"
#include "core/process.hpp"
#include "tests/support/names.hpp"
#include "tests/support/shm_instance.hpp"
#include "tests/support/sleeper.hpp"

namespace sluice {
namespace {

class Reclaim : public testing::Test {
 protected:
  void raise(Scope scope, KillLevel level) {
    ASSERT_TRUE(raise_kill(kill(), scope, level, KillCause::Operator).raised);
  }
  // What it refuses with; empty if it does not.
  std::string refusal(const std::function<void()>& keep = [] {}) {
    try {
      reclaim(name_.name(), latched_, keep);
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  }
  [[nodiscard]] std::size_t left() const { return list_objects(name_.name()).size(); }
  KillPage& kill() { return *made_.objects().kill; }
  ControlPage& control() { return *made_.objects().control; }

  static constexpr Scope kStrategy{ScopeKind::Strategy, 0};
  test::Sleeper victim_;  // begun before the objects exist: it maps none of them
  test::UniqueInstance name_;
  test::ShmInstance made_{name_.name()};
  const std::size_t objects_ = left();
  std::vector<LatchedLevel> latched_;
};

TEST_F(Reclaim, WhatCannotBeKeptLeavesTheRaisedWordsStanding) {
  raise({}, KillLevel::Halt);
  const std::uint64_t word = kill().words[0].load();
  EXPECT_EQ(refusal([] { throw Error("the disk is full"); }), "the disk is full");
  EXPECT_EQ(kill().words[0].load(), word);
  EXPECT_EQ(left(), objects_) << "and the next attempt finds them";
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(latched_, (std::vector<LatchedLevel>{{"global", KillLevel::Halt}}));
  EXPECT_EQ(kill().read(0).level, KillLevel::Ended);
  EXPECT_EQ(left(), 0u);
}

TEST_F(Reclaim, ARaiseThatSlipsInBeforeTheEndIsKeptAsWell) {
  std::vector<std::vector<LatchedLevel>> kept;
  EXPECT_EQ(refusal([&] {
              kept.push_back(latched_);
              if (kept.size() == 1) raise(kStrategy, KillLevel::Cancel);
            }),
            "");
  ASSERT_FALSE(kept.empty());
  EXPECT_EQ(kept.back(), (std::vector<LatchedLevel>{{"strategy:toy", KillLevel::Cancel}}));
}

// It is never in its word no longer and on the disk not yet: whoever dies in between forgets
// nothing.
TEST_F(Reclaim, ARaiseThatSlipsInStandsInItsWordUntilItIsKept) {
  int times = 0;
  EXPECT_EQ(refusal([&] {
              if (++times == 1) return raise(kStrategy, KillLevel::Cancel);
              throw Error("died here");
            }),
            "died here");
  EXPECT_EQ(kill().read(scope_slot(kStrategy)).level, KillLevel::Cancel);
  EXPECT_EQ(left(), objects_);
  EXPECT_EQ(refusal(), "") << "the next one finds it, and the lease free";
  EXPECT_EQ(latched_, (std::vector<LatchedLevel>{{"strategy:toy", KillLevel::Cancel}}));
}

// Its supervisor died after the kill page had its magic and before the control page had.
TEST_F(Reclaim, ARaiseInAHalfPublishedRunIsKept) {
  control().header.magic.store(0);
  raise({}, KillLevel::Halt);
  EXPECT_EQ(refusal([] { throw Error("the disk is full"); }), "the disk is full");
  EXPECT_EQ(kill().read(0).level, KillLevel::Halt);
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(latched_, (std::vector<LatchedLevel>{{"global", KillLevel::Halt}}));
  EXPECT_EQ(kill().read(0).level, KillLevel::Ended);
  EXPECT_EQ(left(), 0u);
}

TEST_F(Reclaim, NobodyElseReclaimsMeanwhile) {
  std::string second;
  EXPECT_EQ(refusal([&] {
              std::vector<LatchedLevel> none;
              try {
                reclaim(name_.name(), none, [] {});
              } catch (const Error& error) {
                second = error.what();
              }
            }),
            "");
  EXPECT_NE(second.find("is supervised by process"), std::string::npos) << second;
}

TEST_F(Reclaim, ARunOfAnotherLayoutIsRefusedAndStays) {
  control().header.layout_hash ^= 1;
  const std::string why = refusal();
  EXPECT_NE(why.find(name_.path("control") + " was made by another build"), std::string::npos)
      << why;
  EXPECT_NE(why.find("end that run with the build that made it"), std::string::npos) << why;
  EXPECT_EQ(left(), objects_);
  EXPECT_EQ(kill().read(0).level, KillLevel::Run);
}

TEST_F(Reclaim, ASupervisedRunIsRefusedAndStays) {
  claim(control().supervisor, "the control page");
  EXPECT_EQ(refusal(), "instance '" + name_.name() + "' is supervised by process " +
                           std::to_string(::getpid()) + ": stop it first (sluicectl -i " +
                           name_.name() + " stop)");
  EXPECT_EQ(left(), objects_);
  EXPECT_EQ(kill().read(0).level, KillLevel::Run);
  release(control().supervisor);
  EXPECT_EQ(refusal(), "");
  EXPECT_EQ(left(), 0u);
}

// The holder maps the page, as a stage does; a forged lease names somebody who does not.
TEST_F(Reclaim, AHolderIsFencedAndAForgedLeaseKillsNobody) {
  Lease& lease = made_.objects().page(Process::Risk).lease;
  const auto name = [&](pid_t pid) {
    lease.started.store(std::uint64_t{1} << 32 | (start_ticks_of(pid) & 0xffff'ffff));
    lease.word.store(test::lease_word(1, pid));
  };
  name(victim_.pid());
  const std::string why = refusal();
  EXPECT_NE(why.find("cannot fence risk (process " + std::to_string(victim_.pid()) +
                     "): it is not proven to be that"),
            std::string::npos)
      << why;
  ASSERT_NE(start_ticks_of(victim_.pid()), 0u) << "the victim lives";
  ASSERT_EQ(left(), objects_);
  const test::Sleeper holder;
  name(holder.pid());
  ASSERT_EQ(refusal(), "");
  EXPECT_EQ(start_ticks_of(holder.pid()), 0u);
  EXPECT_EQ(left(), 0u);
}

}  // namespace
}  // namespace sluice
