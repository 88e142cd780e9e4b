// The end of a supervisor that was never asked to stop: nothing it permitted outlives it, nothing
// that was raised is lost, and the next one goes on with the run if it is the same release.
#include "tools/supervisor/supervisor.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "core/process.hpp"
#include "tests/support/names.hpp"
#include "tests/support/toy_config.hpp"
#include "tests/unit/tools/supervisor_support.hpp"

namespace sluice {
namespace {

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() : pipeline_(test::toy_config({}, name_.name())) {
    pipeline_.state_dir = state_.path();
  }
  void map(const char* object, ObjectKind kind, Segment& out) const {
    ASSERT_EQ(Segment::attach(name_.object(object), Access::ReadWrite,
                              {name_.name(), kind, 0, 0, Mode::Paper}, out),
              AttachError::None);
  }

  const test::TempDir state_;
  const test::UniqueInstance name_;
  PipelineConfig pipeline_;
};

TEST_F(SupervisorTest, AnExceptionVoidsThePermitAndLeavesTheRunToTheNext) {
  Segment kill;
  Segment control;
  try {
    const Supervisor supervisor({pipeline_, test::by_hand(), 1, "", {}});
    map("kill", ObjectKind::Kill, kill);
    map("control", ObjectKind::Control, control);
    ASSERT_FALSE(HasFatalFailure());
    control.as<ControlPage>()->permits[0].store(77);
    raise_kill(*kill.as<KillPage>(), {}, KillLevel::Cancel, KillCause::Operator);
    throw std::runtime_error("no memory, say");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(control.as<ControlPage>()->permits[0].load(), 0u);
  EXPECT_EQ(kill.as<KillPage>()->read(0).level, KillLevel::Cancel);
  EXPECT_EQ(look(control.as<ControlPage>()->supervisor).pid, 0);

  const Supervisor next({pipeline_, test::by_hand(), 1, "", {}});
  EXPECT_EQ(control.as<ControlPage>()->beat().lease_epoch, 2) << "the same page, another epoch";
  EXPECT_EQ(kill.as<KillPage>()->read(0).level, KillLevel::Cancel);
}

TEST_F(SupervisorTest, AnotherConfigurationBeginsAnotherRunWithWhatWasRaised) {
  Segment kill;
  std::uint64_t run_id = 0;
  for (int run = 0; run < 3; ++run) {
    const auto config_hash = static_cast<std::uint64_t>(run + 1);
    const Supervisor supervisor({pipeline_, test::by_hand(), config_hash, "", {}});
    map("kill", ObjectKind::Kill, kill);
    ASSERT_FALSE(HasFatalFailure());
    KillPage& page = *kill.as<KillPage>();
    EXPECT_NE(page.run_id(), run_id);
    run_id = page.run_id();
    EXPECT_EQ(page.read(0).level, run == 0 ? KillLevel::Run : KillLevel::Halt) << run;
    if (run == 0) raise_kill(page, {}, KillLevel::Halt, KillCause::Operator);
  }
}

// What may not be taken over is ended: each reason alone.
TEST_F(SupervisorTest, OnlyTheSameReleaseInTheSameStateIsTakenOver) {
  Segment control;
  const auto begin = [&] {
    const Supervisor supervisor({pipeline_, test::by_hand(), 1, "", {}});
    map("control", ObjectKind::Control, control);
  };
  const auto taken_over = [&] {
    const std::uint64_t before = control.as<ControlPage>()->header.run_id;
    begin();
    return control.as<ControlPage>()->header.run_id == before;
  };
  begin();
  ASSERT_FALSE(HasFatalFailure());
  EXPECT_TRUE(taken_over());
  control.as<ControlPage>()->build_id[0] ^= 1;
  EXPECT_FALSE(taken_over());
  EXPECT_TRUE(taken_over());
  control.as<ControlPage>()->config_hash += 1;
  EXPECT_FALSE(taken_over());
  control.as<ControlPage>()->state.store(static_cast<std::uint64_t>(RunState::Stopping));
  EXPECT_FALSE(taken_over());
  control.as<ControlPage>()->state_dir[0] ^= 1;
  EXPECT_FALSE(taken_over());
  Segment::remove(name_.object("ring.feed-risk"));
  EXPECT_FALSE(taken_over());
  EXPECT_TRUE(taken_over());
}

}  // namespace
}  // namespace sluice
