// One stage is stopped, started and restarted by an operator, under load, with real processes; and
// what is left of a dead instance is cleaned away.
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <thread>

#include "core/process.hpp"
#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"
#include "tests/e2e/text.hpp"

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

constexpr std::array kStages{Process::Feed, Process::Seat0, Process::Risk, Process::Gateway,
                             Process::Recorder};

bool has(const Outcome& outcome, const std::string& text) {
  return outcome.out.find(text) != std::string::npos;
}

class Stage : public testing::Test {
 protected:
  void start(std::map<std::string, std::string> conf = {}) {
    box_ = std::make_unique<Box>(Box::Options{.conf = std::move(conf)});
    box_->start_supervisor();
    ASSERT_TRUE(box_->wait_armed()) << box_->log("sluice-supervisor");
  }
  [[nodiscard]] bool permitted() {
    const ControlPage& control = *box_->objects().control;
    return control.permit(0, control.beat().lease_epoch).valid;
  }
  std::string said() { return box_->log("sluice-supervisor"); }
  std::string audit() { return text_of_file(box_->state() / "audit.log"); }
  void expect_verified() {
    const Outcome verify = run({bin("sluice-replay"), "verify", box_->run_dir().string()}, 60s);
    EXPECT_EQ(verify.exit_code, 0) << verify.out;
    EXPECT_EQ(read_paper(box_->run_dir()).duplicates, 0u);
  }

  std::unique_ptr<Box> box_;
};

TEST_F(Stage, StoppedStaysAwayWithoutPermitsUntilItIsStarted) {
  start();
  for (const Process p : kStages) {
    const std::string name(name_of(p));
    const Outcome stop = box_->ctl({"stop", name, "--operator", "ada"});
    EXPECT_EQ(stop.exit_code, 0) << stop.out;
    EXPECT_FALSE(permitted()) << name;
    const Outcome why = box_->ctl({"why"});
    EXPECT_EQ(why.exit_code, 1) << why.out;
    EXPECT_TRUE(has(why, "stopped in order, not to be restarted")) << why.out;
    EXPECT_TRUE(has(why, "sluicectl start " + name + " -i " + box_->name())) << why.out;
    EXPECT_TRUE(has(why, "BLOCK permit global")) << why.out;
    // Six times as long as the supervisor waits before it restarts what has crashed.
    std::this_thread::sleep_for(300ms);
    EXPECT_EQ(box_->pid_of(p), 0) << name << " is back by itself";
    const Outcome back = box_->ctl({"start", name}, 40s);
    EXPECT_EQ(back.exit_code, 0) << back.out << said();
    EXPECT_TRUE(has(back, "the run is armed after")) << back.out;
    EXPECT_TRUE(permitted()) << name;
    EXPECT_NE(audit().find("\"stage_stop\",\"who\":\"ada\",\"detail\":\"" + name + "\""),
              std::string::npos)
        << audit();
  }
  EXPECT_EQ(box_->ctl({"stop", "seat5"}).exit_code, 2);
  EXPECT_TRUE(has(box_->ctl({"start", "risk"}), "runs already"));
  EXPECT_EQ(box_->stop(), 0) << said();
  expect_verified();
}

TEST_F(Stage, RestartEndsWithANewProcessAndTheArmedRun) {
  start();
  for (const Process p : kStages) {
    const std::string name(name_of(p));
    const pid_t before = box_->pid_of(p);
    const Outcome done = box_->ctl({"restart", name}, 40s);
    EXPECT_EQ(done.exit_code, 0) << done.out << said();
    EXPECT_TRUE(has(done, name + " is ready after ")) << done.out;
    EXPECT_TRUE(has(done, "the run is armed after ")) << done.out;
    const pid_t now = box_->pid_of(p);
    EXPECT_GT(now, 0);
    EXPECT_NE(now, before);
    EXPECT_TRUE(permitted()) << name;
    for (const auto& at : box_->objects().control->deaths[static_cast<std::size_t>(p)].at)
      EXPECT_EQ(at.load(), 0u) << name << ": a restart on request is no crash";
  }
  const auto sent = [&] { return box_->counter(Process::Gateway, "sent_verdicts"); };
  const std::uint64_t before = sent();
  EXPECT_TRUE(eventually([&] { return sent() > before; }, 30s)) << "it does not trade any more";
  const Outcome latency = box_->ctl({"latency"});
  EXPECT_EQ(latency.exit_code, 0) << latency.out;
  EXPECT_TRUE(has(latency, "tick_to_send_ns")) << latency.out;
  EXPECT_EQ(box_->stop(), 0) << said();
  expect_verified();
}

TEST_F(Stage, OneThatHangsIsKilledAndComesBack) {
  start();
  const pid_t hung = box_->pid_of(Process::Risk);
  ASSERT_EQ(::kill(hung, SIGSTOP), 0);
  const Outcome back = box_->ctl({"restart", "risk"}, 40s);
  EXPECT_EQ(back.exit_code, 0) << back.out << said();
  EXPECT_NE(box_->pid_of(Process::Risk), hung);
  EXPECT_EQ(start_ticks_of(hung), 0u);
  ASSERT_EQ(::kill(box_->pid_of(Process::Risk), SIGSTOP), 0);
  const Outcome stop = box_->ctl({"stop", "risk"});
  EXPECT_EQ(stop.exit_code, 4) << stop.out;
  EXPECT_TRUE(has(stop, "did not drain and was killed")) << stop.out;
  EXPECT_FALSE(permitted());
  EXPECT_EQ(box_->ctl({"start", "risk"}, 40s).exit_code, 0) << said();
  EXPECT_EQ(box_->stop(), 0) << said();
  expect_verified();
}

TEST_F(Stage, ACrashLoopIsEndedByAnOperatorWithAReasonOnly) {
  start({{"restart_max_ms", "100"}, {"crash_limit", "1"}});
  for (int kill = 0; kill < 2; ++kill) {
    ASSERT_TRUE(eventually([&] { return box_->pid_of(Process::Risk) > 0; }));
    const pid_t pid = box_->pid_of(Process::Risk);
    ASSERT_EQ(::kill(pid, SIGKILL), 0);
    ASSERT_TRUE(eventually([&] { return box_->pid_of(Process::Risk) != pid; }));
  }
  ASSERT_TRUE(eventually([&] { return said().find("not restarted") != std::string::npos; }));
  const Outcome bare = box_->ctl({"start", "risk"});
  EXPECT_EQ(bare.exit_code, 1) << bare.out;
  EXPECT_TRUE(has(bare, "no operator")) << bare.out;
  EXPECT_TRUE(has(bare, "20 or more are needed")) << bare.out;
  EXPECT_EQ(box_->ctl({"restart", "risk"}).exit_code, 1) << "no way around it";
  EXPECT_EQ(box_->pid_of(Process::Risk), 0);
  const Outcome done = box_->ctl(
      {"start", "risk", "--operator", "ada", "--reason", "the full disk was emptied"}, 40s);
  EXPECT_EQ(done.exit_code, 0) << done.out << said();
  EXPECT_TRUE(permitted());
  EXPECT_NE(audit().find("\"stage_start\",\"who\":\"ada\",\"detail\":\"risk, ending its crash "
                         "loop: the full disk was emptied\""),
            std::string::npos)
      << audit();
  EXPECT_EQ(box_->stop(), 0) << said();
}

TEST_F(Stage, StoppedStaysAwayForTheNextSupervisorToo) {
  start();
  ASSERT_EQ(box_->ctl({"stop", "seat0"}).exit_code, 0);
  ASSERT_EQ(::kill(box_->supervisor(), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return start_ticks_of(box_->supervisor()) == 0; }));
  EXPECT_EQ(box_->ctl({"start", "seat0"}).exit_code, 5) << "nobody listens";
  box_->start_supervisor();
  ASSERT_TRUE(eventually([&] { return said().find("taken over") != std::string::npos; }));
  std::this_thread::sleep_for(300ms);
  EXPECT_EQ(box_->pid_of(Process::Seat0), 0);
  EXPECT_FALSE(permitted());
  EXPECT_EQ(box_->ctl({"start", "seat0"}, 40s).exit_code, 0) << said();
  EXPECT_TRUE(permitted());
  EXPECT_EQ(box_->stop(), 0) << said();
}

TEST_F(Stage, CleanEndsWhatADeadSupervisorLeftAndKeepsTheKill) {
  start();
  EXPECT_EQ(box_->ctl({"clean"}).exit_code, 1) << "its supervisor lives";
  EXPECT_FALSE(list_objects(box_->name()).empty());
  ASSERT_EQ(box_->ctl({"kill", "--level", "CANCEL"}).exit_code, 0);
  std::array<pid_t, kStages.size()> pids{};
  for (std::size_t i = 0; i < kStages.size(); ++i) pids[i] = box_->pid_of(kStages[i]);
  ASSERT_EQ(::kill(box_->supervisor(), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return start_ticks_of(box_->supervisor()) == 0; }));
  const Outcome dry = box_->ctl({"clean", "--dry-run"});
  EXPECT_TRUE(has(dry, "would remove")) << dry.out;
  for (const pid_t pid : pids) EXPECT_NE(start_ticks_of(pid), 0u) << "a dry run kills nobody";
  const Outcome done = box_->ctl({"clean"});
  EXPECT_EQ(done.exit_code, 0) << done.out;
  EXPECT_TRUE(list_objects(box_->name()).empty()) << done.out;
  for (const pid_t pid : pids) EXPECT_EQ(start_ticks_of(pid), 0u);
  EXPECT_NE(text_of_file(box_->state() / "kill.latch").find("global CANCEL"), std::string::npos);
}

}  // namespace
}  // namespace sluice::e2e
