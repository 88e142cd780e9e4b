// Processes that were started by hand: found by their leases, buried when they are dead.
#include "tools/supervisor/children.hpp"

#include <gtest/gtest.h>

#include "core/clock.hpp"
#include "tests/support/sleeper.hpp"
#include "tests/support/toy_config.hpp"
#include "tests/unit/tools/supervisor_support.hpp"

namespace sluice {
namespace {

using test::Sleeper;
using test::take_for;

class Bury : public testing::Test {
 protected:
  void say(StageState state) { page().state.store(static_cast<std::uint64_t>(state)); }
  std::vector<Death> poll() { return children_.poll(boottime_ns()); }
  StagePage& page() { return instance_.objects().page(Process::Risk); }

  MemoryInstance instance_{test::toy_config(), test::toy_run()};
  Children children_{test::by_hand(), test::toy_config(), instance_.objects(), {}};
};

TEST_F(Bury, CorrectsThePageOfTheDead) {
  Sleeper risk;
  take_for(page().lease, 1, risk.pid());
  say(StageState::Ready);
  EXPECT_TRUE(poll().empty());
  risk.kill();
  risk.await_death();
  const std::vector<Death> deaths = poll();
  ASSERT_EQ(deaths.size(), 1u);
  EXPECT_EQ(deaths[0].pid, risk.pid());
  EXPECT_FALSE(deaths[0].in_order);
  EXPECT_EQ(page().stage_state(), StageState::Absent);
}

TEST_F(Bury, LeavesThePageToASuccessor) {
  for (const StageState state : {StageState::Attaching, StageState::Ready, StageState::Stopped}) {
    Sleeper risk;
    take_for(page().lease, 1, risk.pid());
    say(StageState::Ready);
    poll();
    ASSERT_EQ(children_.pid_of(Process::Risk), risk.pid());
    risk.kill();
    risk.await_death();
    Sleeper successor;
    take_for(page().lease, 2, successor.pid());
    say(state);
    const std::vector<Death> deaths = poll();
    ASSERT_EQ(deaths.size(), 1u) << name_of(state);
    EXPECT_EQ(deaths[0].pid, risk.pid());
    EXPECT_FALSE(deaths[0].in_order) << "that the successor stopped says nothing of it";
    EXPECT_EQ(page().stage_state(), state);
    EXPECT_EQ(children_.pid_of(Process::Risk), successor.pid()) << "watched from now on";
    successor.kill();
    successor.await_death();
    poll();
  }
}

// A stage may write any number into its own page; the supervisor may signal any process.
TEST(ForgedLease, IsNeitherWatchedNorFenced) {
  MemoryInstance instance(test::toy_config(), test::toy_run());
  StagePage& page = instance.objects().page(Process::Risk);
  Sleeper bystander;
  Sleeper holder;
  Children::Launch launch;
  launch.holds = [&](pid_t pid, Process) { return pid == holder.pid(); };
  Children children(test::by_hand(), test::toy_config(), instance.objects(), launch);
  take_for(page.lease, 1, bystander.pid());
  page.state.store(static_cast<std::uint64_t>(StageState::Ready));
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(children.poll(boottime_ns()).empty());
  EXPECT_TRUE(children.forged(Process::Risk));
  EXPECT_FALSE(children.alive(Process::Risk));
  EXPECT_FALSE(children.proven_dead(Process::Risk)) << "no kill is complete by its word";
  EXPECT_FALSE(children.fence_process(Process::Risk)) << "nobody was fenced, nobody is dead";
  EXPECT_NE(start_ticks_of(bystander.pid()), 0u) << "a process was killed by a forged lease";
  take_for(page.lease, 2, holder.pid());
  children.poll(boottime_ns());
  EXPECT_FALSE(children.forged(Process::Risk));
  EXPECT_TRUE(children.alive(Process::Risk));

  take_for(page.lease, 3, bystander.pid());  // it lives, and stores another one's number
  EXPECT_TRUE(children.poll(boottime_ns()).empty());
  EXPECT_TRUE(children.forged(Process::Risk));
  EXPECT_EQ(children.take_forged().size(), 2u);
  EXPECT_EQ(children.pid_of(Process::Risk), holder.pid()) << "still the one to watch";
  EXPECT_TRUE(children.fence_process(Process::Risk));
  EXPECT_EQ(start_ticks_of(holder.pid()), 0u);
  EXPECT_NE(start_ticks_of(bystander.pid()), 0u);
}

TEST(ForgedLease, AStageThatDiedBeforeItCouldBeLookedAtForgedNothing) {
  MemoryInstance instance(test::toy_config(), test::toy_run());
  StagePage& page = instance.objects().page(Process::Risk);
  Sleeper risk;
  Children::Launch launch;
  launch.holds = [&](pid_t, Process) {
    risk.kill();
    risk.await_death();
    return false;  // it maps nothing any more
  };
  Children children(test::by_hand(), test::toy_config(), instance.objects(), launch);
  take_for(page.lease, 1, risk.pid());
  children.poll(boottime_ns());
  EXPECT_TRUE(children.take_forged().empty());
  EXPECT_FALSE(children.forged(Process::Risk));
}

}  // namespace
}  // namespace sluice
