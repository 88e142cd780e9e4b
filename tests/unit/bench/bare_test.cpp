// The topology without work: nothing is lost, a record that is gets no figure, late records count
// from when they were due, and the flag is seen by both gates.
#include "bench/pipeline/bare.hpp"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <string>

#include "core/error.hpp"
#include "core/process.hpp"

namespace sluice::bench {
namespace {

class BareTopology : public testing::Test {
 protected:
  void SetUp() override {
    if (cpus_allowed() < 2) GTEST_SKIP() << "the bare topology needs two CPUs";
    const Cpus two = first_two();
    plan_.cpus = {two.mine, two.mine, two.peer, two.peer};
    plan_.length = Duration::millis(300);
  }
  BarePlan plan_;
};

std::string error_of(const BarePlan& plan) {
  try {
    run_bare(plan);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

TEST_F(BareTopology, EveryRecordGoesThrough) {
  const BareResult result = run_bare(plan_);
  EXPECT_EQ(result.records, 3'000u);
  ASSERT_EQ(result.latency_ns.size(), 2'000u) << "without 100 ms of warm-up";
  EXPECT_GT(*std::min_element(result.latency_ns.begin(), result.latency_ns.end()), 0);
}

TEST_F(BareTopology, ALostRecordGivesNoFigure) {
  plan_.lose = 1'234;
  EXPECT_EQ(error_of(plan_), "the bare seat of gateway missed record 1234");
}

TEST_F(BareTopology, TheLastRecordThatIsLostIsMissedToo) {
  plan_.lose = 2'999;
  plan_.patience = Duration::millis(500);
  EXPECT_NE(error_of(plan_).find("lost"), std::string::npos);
}

// More than the seats can take: every record is late, each by more than the one before it.
TEST_F(BareTopology, WhatIsLateCountsFromWhenItWasDue) {
  plan_.rate = 1e9;
  plan_.length = Duration::micros(400);
  plan_.warm_up = {};
  const BareResult result = run_bare(plan_);
  ASSERT_EQ(result.latency_ns.size(), 400'000u);
  EXPECT_GT(result.latency_ns.back(), result.latency_ns.front());
}

TEST_F(BareTopology, BothGatesSeeEveryFlag) {
  plan_.length = Duration::seconds(60);
  Bare bare(plan_);
  for (int i = 0; i < 50; ++i) {
    const FlagEcho echo = bare.raise_flag();
    EXPECT_GT(echo.risk.ns, 0);
    EXPECT_GT(echo.gateway.ns, 0);
    EXPECT_EQ(echo.both(), std::max(echo.risk, echo.gateway));
  }
  bare.end();
  EXPECT_LT(bare.finish().records, 600'000u) << "ended before its time";
}

TEST_F(BareTopology, WrongPlansAreSaid) {
  plan_.cpus[2] = 1'000;
  EXPECT_NE(error_of(plan_).find("1000"), std::string::npos);
  plan_.cpus[2] = plan_.cpus[3];
  plan_.rate = 1e12;
  EXPECT_NE(error_of(plan_).find("records"), std::string::npos);
}

// Its seats die with whoever started them, however that dies.
TEST_F(BareTopology, NobodyOutlivesItsParent) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t parent = ::fork();
  if (parent == 0) {
    plan_.length = Duration::seconds(60);
    Bare bare(plan_);
    ::kill(::getpid(), SIGKILL);
  }
  ::close(ends[1]);
  ::waitpid(parent, nullptr, 0);
  ::alarm(30);  // the read below ends when the last of them, who all hold the pipe, is gone
  char byte;
  EXPECT_EQ(::read(ends[0], &byte, 1), 0);
  ::alarm(0);
  ::close(ends[0]);
}

}  // namespace
}  // namespace sluice::bench
