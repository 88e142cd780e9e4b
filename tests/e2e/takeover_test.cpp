// The supervisor dies, the run does not: the next one goes on with the same segments, rings,
// processes and calibration, and permits wait for the gates' handshake.
#include <gtest/gtest.h>
#include <signal.h>

#include <array>
#include <cstdio>

#include "core/process.hpp"
#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"
#include "tests/e2e/text.hpp"

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

constexpr std::array kStages{Process::Feed, Process::Seat0, Process::Risk, Process::Gateway,
                             Process::Recorder};

std::map<Process, pid_t> pids_of(Box& box) {
  std::map<Process, pid_t> pids;
  for (const Process p : kStages) pids[p] = box.pid_of(p);
  return pids;
}

std::uint16_t lease_epoch(Box& box) {
  return box.objects().control->beat().lease_epoch;
}

void kill_supervisor(Box& box) {
  const pid_t pid = box.supervisor();
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return start_ticks_of(pid) == 0; }));
}

// True if the next supervisor has taken over and armed; prints how long that took.
bool take_over(Box& box) {
  const std::uint16_t before = lease_epoch(box);
  const auto start = std::chrono::steady_clock::now();
  box.start_supervisor();
  const bool armed = eventually([&] {
    return lease_epoch(box) == before + 1 &&
           box.objects().control->permit(0, lease_epoch(box)).valid;
  });
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - start);
  std::printf("taken over and armed after %lld ms\n", static_cast<long long>(took.count()));
  return armed;
}

void expect_nothing_lost(Box& box) {
  const PaperTruth paper = read_paper(box.run_dir());
  EXPECT_GT(paper.placed, 3u);
  EXPECT_EQ(paper.duplicates, 0u);
  EXPECT_EQ(positions_from_gateway(box.run_dir()), paper.positions);
  const Outcome verify = run({bin("sluice-replay"), "verify", box.run_dir().string()}, 60s);
  EXPECT_EQ(verify.exit_code, 0) << verify.out;
}

class TakeOver : public testing::Test {
 protected:
  void start(std::map<std::string, std::string> conf = {}) {
    box_ = std::make_unique<Box>(Box::Options{.conf = std::move(conf)});
    box_->start_supervisor();
    ASSERT_TRUE(box_->wait_armed()) << box_->log("sluice-supervisor");
  }
  std::uint64_t sent() { return box_->counter(Process::Gateway, "sent_verdicts"); }
  std::string said() { return box_->log("sluice-supervisor"); }

  std::unique_ptr<Box> box_;
};

TEST_F(TakeOver, TheRunGoesOnUntouched) {
  start();
  Box& box = *box_;
  const std::uint64_t run_id = box.objects().control->header.run_id;
  const std::uint64_t calibrated = box.objects().control->calibration.base_tsc;
  const auto pids = pids_of(box);
  for (int death = 0; death < 3; ++death) {
    const std::uint64_t before = sent();
    ASSERT_TRUE(eventually([&] { return sent() > before + 1; }, 30s)) << "no orders";
    kill_supervisor(box);
    ASSERT_TRUE(take_over(box)) << said();
  }
  const std::uint64_t before = sent();
  EXPECT_TRUE(eventually([&] { return sent() > before; }, 30s)) << "it does not trade\n" << said();
  EXPECT_EQ(box.objects().control->header.run_id, run_id);
  EXPECT_EQ(box.objects().control->calibration.base_tsc, calibrated);
  EXPECT_EQ(pids_of(box), pids) << "a process was replaced\n" << said();
  EXPECT_EQ(lease_epoch(box), 4);
  EXPECT_EQ(box.ctl({"status"}).exit_code, 0) << "its socket answers";
  ASSERT_TRUE(eventually([&] { return box.counter(Process::Gateway, "open_orders") == 0; }));
  EXPECT_EQ(box.stop(), 0) << said();
  EXPECT_TRUE(list_objects(box.name()).empty());
  expect_nothing_lost(box);
}

// Between the death and the hand-shake nothing enters: the old permits are void at the first beat.
TEST_F(TakeOver, APermitNeedsTheHandshake) {
  start();
  Box& box = *box_;
  kill_supervisor(box);
  ASSERT_EQ(::kill(box.pid_of(Process::Risk), SIGSTOP), 0);
  const std::uint16_t before = lease_epoch(box);
  box.start_supervisor();
  ASSERT_TRUE(eventually([&] { return lease_epoch(box) == before + 1; })) << said();
  EXPECT_FALSE(box.objects().control->permit(0, before + 1).valid);
  // A beat old enough that an eager supervisor would have armed.
  const std::uint64_t beat = box.objects().page(Process::Supervisor).heartbeat_us.load();
  ASSERT_TRUE(eventually([&] {
    return box.objects().page(Process::Supervisor).heartbeat_us.load() > beat + 300'000;
  }));
  EXPECT_FALSE(box.objects().control->permit(0, before + 1).valid);
  ASSERT_EQ(::kill(box.pid_of(Process::Risk), SIGCONT), 0);
  EXPECT_TRUE(eventually([&] { return box.objects().control->permit(0, before + 1).valid; }))
      << said();
  EXPECT_EQ(box.objects().page(Process::Risk).lease_epoch_accepted.load(), before + 1u);
  EXPECT_EQ(box.stop(), 0) << said();
}

TEST_F(TakeOver, AKillRaisedMeanwhileIsLatchedCompletedAndStands) {
  start();
  Box& box = *box_;
  kill_supervisor(box);
  EXPECT_EQ(box.ctl({"kill", "--scope", "gateway:paper"}).exit_code, 0);
  ASSERT_TRUE(take_over(box)) << said();
  EXPECT_TRUE(eventually([&] {
    return text_of_file(box.state() / "kill.latch").find("gateway:paper HALT") != std::string::npos;
  }));
  EXPECT_TRUE(eventually([&] { return said().find("kill_complete") != std::string::npos; }))
      << said();
  const std::uint64_t before = sent();
  EXPECT_TRUE(eventually(
      [&] { return box.counter(Process::Risk, "rejects_total{reason=\"kill_level\"}") > 0; }, 20s));
  EXPECT_EQ(sent(), before) << "an order left under HALT";
  EXPECT_EQ(box.stop(), 0) << said();
}

TEST_F(TakeOver, ADeathMeanwhileIsSeenAndCounted) {
  start({{"crash_limit", "1"}, {"restart_max_ms", "100"}});
  Box& box = *box_;
  kill_supervisor(box);
  const pid_t risk = box.pid_of(Process::Risk);
  ASSERT_EQ(::kill(risk, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return start_ticks_of(risk) == 0; }));
  ASSERT_TRUE(take_over(box)) << said();
  EXPECT_NE(box.pid_of(Process::Risk), risk);
  // The second death in the window is one too many, whoever has counted the first.
  kill_supervisor(box);
  ASSERT_TRUE(take_over(box)) << said();
  ASSERT_EQ(::kill(box.pid_of(Process::Risk), SIGKILL), 0);
  EXPECT_TRUE(eventually([&] { return said().find("it is not restarted") != std::string::npos; }))
      << said();
  EXPECT_FALSE(box.objects().control->permit(0, lease_epoch(box)).valid);
  EXPECT_EQ(box.stop(), 0) << said();
}

TEST_F(TakeOver, ADamagedPermitIsNotHealedByANewSupervisor) {
  start();
  Box& box = *box_;
  kill_supervisor(box);
  Segment control;
  ASSERT_EQ(Segment::attach(segment_name(box.name(), "control"), Access::ReadWrite,
                            {box.name(), ObjectKind::Control, 0, 0, Mode::Paper}, control),
            AttachError::None);
  const std::size_t slot = scope_slot({ScopeKind::Strategy, 0});
  control.as<ControlPage>()->permits[slot].store(0x1234);
  ASSERT_TRUE(take_over(box)) << said();
  const auto granted = [&] { return box.objects().control->permit(slot, lease_epoch(box)).valid; };
  EXPECT_FALSE(granted());
  const std::string scope =
      "strategy:" + std::string(box.objects().control->strategy_names[0].data());
  EXPECT_NE(said().find(scope + " had no permit"), std::string::npos) << said();
  EXPECT_EQ(
      box.ctl({"rearm", "--scope", scope, "--operator", "ada", "--reason", "too short"}).exit_code,
      1);
  EXPECT_FALSE(granted());
  const Outcome rearmed = box.ctl({"rearm", "--scope", scope, "--operator", "ada", "--reason",
                                   "checked the page, it was this test"});
  EXPECT_EQ(rearmed.exit_code, 0) << rearmed.out;
  EXPECT_TRUE(eventually(granted)) << said();
  EXPECT_EQ(box.stop(), 0) << said();
}

TEST_F(TakeOver, ADamagedCapIsNotTakenForTheCap) {
  start();
  Box& box = *box_;
  const std::uint16_t before = lease_epoch(box);
  kill_supervisor(box);
  Segment control;
  ASSERT_EQ(Segment::attach(segment_name(box.name(), "control"), Access::ReadWrite,
                            {box.name(), ObjectKind::Control, 0, 0, Mode::Paper}, control),
            AttachError::None);
  std::atomic<std::int64_t>& cap = control.as<ControlPage>()->caps[0];
  const std::int64_t configured = cap.fetch_or(std::int64_t{1} << 60);
  box.start_supervisor();
  ASSERT_TRUE(eventually([&] { return lease_epoch(box) == before + 1; })) << said();
  EXPECT_TRUE(eventually([&] {
    return said().find("the cap of global was changed by somebody else") != std::string::npos;
  })) << said();
  EXPECT_FALSE(box.objects().control->permit(0, lease_epoch(box)).valid);
  const Outcome mended = box.ctl(
      {"cap", std::to_string(configured / kScale), "--operator", "ada", "--reason", "as it was"});
  EXPECT_EQ(mended.exit_code, 0) << mended.out;
  EXPECT_TRUE(eventually([&] { return box.objects().control->permit(0, lease_epoch(box)).valid; }))
      << said();
  EXPECT_EQ(cap.load(), configured);
  EXPECT_EQ(box.stop(), 0) << said();
}

// What an operator lowered stays lowered, in this run and in the next.
TEST_F(TakeOver, ALoweredCapOutlivesSupervisorAndRun) {
  start();
  Box& box = *box_;
  const auto cap = [&] { return box.objects().control->caps[0].load(); };
  const std::int64_t configured = cap();
  const std::string less = "1.5";
  ASSERT_EQ(box.ctl({"cap", less, "--operator", "ada", "--reason", "a quiet day, less at risk"})
                .exit_code,
            0);
  ASSERT_EQ(cap(), 150'000'000);
  ASSERT_GT(configured, cap());
  kill_supervisor(box);
  ASSERT_TRUE(take_over(box)) << said();
  EXPECT_EQ(cap(), 150'000'000);
  ASSERT_EQ(box.stop(), 0) << said();
  box.start_supervisor();
  ASSERT_TRUE(box.wait_attached()) << said();
  EXPECT_EQ(cap(), 150'000'000);
  EXPECT_NE(said().find("cap of global is 1.5, as an operator left it"), std::string::npos)
      << said();
  EXPECT_EQ(box.stop(), 0) << said();
}

}  // namespace
}  // namespace sluice::e2e
