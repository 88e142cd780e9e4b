// The driver and time: deadlines, long gaps, a loop that stood still.
#include "tests/unit/core/driver_fixture.hpp"

namespace sluice {
namespace {

class DriverTime : public DriverTest {};

TEST_F(DriverTime, DeadlineIsInjectedWhenDueAndNotBefore) {
  open({});
  settle();
  world_->push_tick();
  step();
  step(Duration::micros(299));
  step({});  // a turn goes by the stamp of the one before, until it has an input
  EXPECT_EQ(filed().count(ControlKind::Deadline), 0u);
  step(Duration::micros(1));
  step({});
  EXPECT_EQ(filed().count(ControlKind::Deadline), 1u);
  step();
  EXPECT_EQ(filed().count(ControlKind::Deadline), 1u);
}

TEST_F(DriverTime, LongGapsSurviveTheJournal) {
  open({});
  for (int i = 0; i < 5; ++i) {
    world_->push_tick();
    step(Duration::seconds(3600));
    settle();
  }
  expect_consistent();
  EXPECT_LE(filed().times.back(), clock_.now());
  EXPECT_GE(filed().times.back() - filed().times.front(), Duration::seconds(4 * 3600));
}

TEST_F(DriverTime, SuspensionIsACondition) {
  open({});
  settle();
  step(Duration::millis(250));
  step({});
  EXPECT_EQ(driver_->conditions() & kSuspended, 0u);
  step(Duration{250'000'001});
  step({});
  EXPECT_EQ(driver_->conditions() & kSuspended, kSuspended);
  step(Duration::millis(2));
  step({});
  EXPECT_EQ(driver_->conditions() & kSuspended, 0u);
}

TEST_F(DriverTime, AfterASuspensionNothingIsTakenBeforeThePagesAreLookedAt) {
  open({});
  settle();
  filed();
  const std::size_t before = world_->archive.size();
  world_->push_report();
  world_->push_intent();
  world_->push_tick();
  step(Duration{250'000'001});
  filed();
  EXPECT_EQ(world_->archive.size(), before) << "taken by a stage that does not know that it slept";
  for (int i = 0; i < 3; ++i) step();
  filed();
  bool told = false;
  std::size_t inputs = 0;
  for (std::size_t i = before; i < world_->archive.size(); ++i) {
    const JournalSlot& entry = world_->archive[i];
    if (static_cast<Edge>(entry.word >> 32 & 0xff) == Edge::Control) {
      const auto control = from_payload<Control>(entry.payload);
      told = told || (control.kind == ControlKind::Conditions &&
                      (static_cast<std::uint32_t>(control.after) & kSuspended) != 0);
    } else {
      EXPECT_TRUE(told) << "an input before the condition";
      ++inputs;
    }
  }
  EXPECT_EQ(inputs, 3u);
}

}  // namespace
}  // namespace sluice
