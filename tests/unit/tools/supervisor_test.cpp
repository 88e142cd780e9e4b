// The end of a supervisor that was never asked to stop: nothing it permitted and nothing that was
// raised under it is lost or left behind.
#include "tools/supervisor/supervisor.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

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

TEST_F(SupervisorTest, AnExceptionEndsTheWordsLatchesTheLevelsAndVoidsThePermit) {
  Segment kill;
  Segment control;
  try {
    const Supervisor supervisor({pipeline_, test::by_hand(), 1, "", {}});
    map("kill", ObjectKind::Kill, kill);
    map("control", ObjectKind::Control, control);
    ASSERT_FALSE(HasFatalFailure());
    control.as<ControlPage>()->permits[0].store(77);
    // No turn of the supervisor has seen this one.
    raise_kill(*kill.as<KillPage>(), {}, KillLevel::Cancel, KillCause::Operator);
    throw std::runtime_error("no memory, say");
  } catch (const std::runtime_error&) {
  }
  EXPECT_EQ(kill.as<KillPage>()->read(0).level, KillLevel::Ended);
  EXPECT_EQ(control.as<ControlPage>()->permits[0].load(), 0u);
  EXPECT_EQ(load_latch(state_.path()), (std::vector<LatchedLevel>{{"global", KillLevel::Cancel}}));
  EXPECT_TRUE(list_objects(name_.name()).empty());
}

TEST_F(SupervisorTest, TheNextOneBeginsWithWhatWasRaised) {
  Segment kill;
  for (int run = 0; run < 3; ++run) {
    const Supervisor supervisor({pipeline_, test::by_hand(), 1, "", {}});
    map("kill", ObjectKind::Kill, kill);
    ASSERT_FALSE(HasFatalFailure());
    KillPage& page = *kill.as<KillPage>();
    EXPECT_EQ(page.read(0).level, run == 0 ? KillLevel::Run : KillLevel::Halt) << run;
    if (run == 0) raise_kill(page, {}, KillLevel::Halt, KillCause::Operator);
  }
}

}  // namespace
}  // namespace sluice
