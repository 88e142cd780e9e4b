// start, stop and restart of one stage: what is asked, what is waited for, and how it ends.
#include "core/process.hpp"
#include "tests/unit/tools/ctl_fake_supervisor.hpp"
#include "tests/unit/tools/ctl_support.hpp"

namespace sluice::ctl {
namespace {

class Stages : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_private_shm())
      GTEST_SKIP() << "no private /dev/shm here: other instances would be found";
    instance_ = std::make_unique<TestInstance>();
    instance_->make_well();
    instance_->keep_beating();
  }
  TestInstance& instance() { return *instance_; }
  StagePage& risk() { return instance_->objects().page(Process::Risk); }
  void set(StageState state) { risk().state.store(static_cast<std::uint64_t>(state)); }
  void set(RunState state) {
    instance_->objects().control->state.store(static_cast<std::uint64_t>(state));
  }
  // The holder has left in order, as the driver does.
  void leave() {
    set(StageState::Stopped);
    release(risk().lease);
  }

 private:
  std::unique_ptr<TestInstance> instance_;
};

TEST_F(Stages, AnUnknownOneIsRefusedWithTheListOfThose) {
  for (const char* verb : {"start", "stop", "restart"}) {
    const Said said = sluicectl({verb, "riks"});
    EXPECT_EQ(said.code, 2) << said;
    EXPECT_TRUE(said.has("did you mean risk?")) << said;
    EXPECT_TRUE(said.has("feed, risk, gateway, recorder, seat0, seat1")) << said;
  }
  EXPECT_EQ(sluicectl({"stop", "seat7"}).code, 2) << "it is not configured";
  EXPECT_EQ(sluicectl({"stop", "supervisor"}).code, 2);
  EXPECT_EQ(sluicectl({"restart"}).code, 2) << "no stage";
  EXPECT_EQ(sluicectl({"start", "risk"}).code, 5) << "nobody listens";
}

TEST_F(Stages, StopAsksForTheStageAndWaitsUntilItHasLeft) {
  FakeSupervisor supervisor(instance(), 0, "stopping risk (process 7)\n", [this] { leave(); });
  const Said said =
      sluicectl({"stop", "risk", "--operator", "ada", "--reason", "other build follows"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("risk has stopped after")) << said;
  EXPECT_TRUE(said.has("no stop is watched")) << said;
  EXPECT_TRUE(said.has("sluicectl start risk -i " + instance().name())) << said;
  const SupervisorRequest& asked = supervisor.request();
  EXPECT_EQ(asked.verb, sluice::Verb::StopStage);
  EXPECT_EQ(asked.index, static_cast<std::uint32_t>(Process::Risk));
  EXPECT_STREQ(asked.who.data(), "ada");
}

TEST_F(Stages, OneThatHadToBeKilledIsIncomplete) {
  DeafGate gate(instance(), Process::Risk, false);
  FakeSupervisor supervisor(instance(), 0, "stopping risk\n", [&] {
    ::kill(gate.pid(), SIGKILL);
    while (gate.ended_by() == 0) std::this_thread::yield();
    set(StageState::Stopped);
  });
  const Said said = sluicectl({"stop", "risk"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("did not drain and was killed")) << said;
}

TEST_F(Stages, OneThatStaysIsIncomplete) {
  FakeSupervisor supervisor(instance(), 0, "stopping risk\n");
  const Said said = sluicectl({"stop", "risk", "--timeout", "100"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("risk is still there after")) << said;
}

TEST_F(Stages, RestartWaitsForANewHolderAndTheArmedRun) {
  FakeSupervisor supervisor(instance(), 0, "restarting risk\n", [this] {
    set(RunState::Paused);
    leave();
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    claim(risk().lease, "test");
    set(StageState::Ready);
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    set(RunState::Armed);
  });
  const Said said = sluicectl({"restart", "risk", "--json"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(is_json(said.out)) << said;
  EXPECT_TRUE(said.has("\"armed\":true")) << said;
  EXPECT_TRUE(said.has("the run is armed after ")) << said;
  EXPECT_EQ(supervisor.request().verb, sluice::Verb::RestartStage);
}

TEST_F(Stages, RestartIsIncompleteWhileTheOldHolderStays) {
  FakeSupervisor supervisor(instance(), 0, "restarting risk\n");
  const Said said = sluicectl({"restart", "risk", "--timeout", "200"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("risk is not ready after ")) << said;
}

TEST_F(Stages, WhatTheSupervisorRefusesIsItsAnswer) {
  FakeSupervisor supervisor(instance(), 1, "risk died more than 3 times: no operator\n");
  const Said said = sluicectl({"start", "risk"});
  EXPECT_EQ(said.code, 1) << said;
  EXPECT_TRUE(said.has("no operator")) << said;
  EXPECT_EQ(supervisor.request().verb, sluice::Verb::StartStage);
}

TEST_F(Stages, NotWaitingLeavesAtOnce) {
  FakeSupervisor supervisor(instance(), 0, "stopping risk\n");
  const Said said = sluicectl({"stop", "risk", "--no-wait"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_EQ(said.out, "stopping risk\n");
}

TEST_F(Stages, WhySaysThatAStageWasStoppedAndHowToStartIt) {
  leave();
  const Said said = sluicectl({"why"});
  EXPECT_EQ(said.code, 1) << said;
  EXPECT_TRUE(said.has("BLOCK risk process")) << said;
  EXPECT_TRUE(said.has("stopped in order")) << said;
  EXPECT_TRUE(said.has("sluicectl start risk -i " + instance().name())) << said;
}

}  // namespace
}  // namespace sluice::ctl
