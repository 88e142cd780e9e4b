// The objects of an instance: the plan, and attaching all of it by name.
#include "core/instance.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>
#include <thread>

#include "core/error.hpp"
#include "tests/support/names.hpp"
#include "tests/support/shm_instance.hpp"

namespace sluice {
namespace {

using namespace std::chrono_literals;

TEST(Plan, NamesEveryObjectOnceAndFitsIntoThirtyTwoMebibytes) {
  PipelineConfig config = test::toy_config();
  config.tick_ring = config.order_ring = config.report_ring = config.intent_ring =
      config.journal_ring = 0;
  std::set<std::string> names;
  std::size_t bytes = 0;
  for (const ObjectPlan& plan : plan_objects(config)) {
    EXPECT_TRUE(names.insert(plan.object).second) << plan.object;
    bytes += plan.bytes;
  }
  EXPECT_LE(bytes, std::size_t{32} << 20);
  for (const EdgeInfo& edge : kTopology) EXPECT_TRUE(names.contains(object_of(edge.edge)));
  for (const Process p : kProcesses) {
    EXPECT_TRUE(names.contains(page_object_of(p)));
    EXPECT_EQ(names.contains(journal_object_of(p)), has_journal(p));
  }
}

TEST(MemoryInstanceTest, BindsEverythingWithEveryScopeAtRun) {
  MemoryInstance instance(test::toy_config(), test::toy_run());
  const Objects& objects = instance.objects();
  for (const EdgeInfo& edge : kTopology) {
    ASSERT_NE(objects.ring[static_cast<std::size_t>(edge.edge)], nullptr);
    EXPECT_EQ(objects.edge(edge.edge).header.edge, static_cast<std::uint8_t>(edge.edge));
    EXPECT_EQ(objects.edge(edge.edge).header.capacity, 16u);
  }
  for (const Process p : kProcesses) ASSERT_NE(objects.stage[static_cast<std::size_t>(p)], nullptr);
  ASSERT_NE(objects.paper_log, nullptr);
  EXPECT_NE(objects.paper_log, objects.journal[static_cast<std::size_t>(Process::Supervisor)]);
  for (std::size_t slot = 0; slot < kScopes; ++slot)
    EXPECT_EQ(objects.kill->read(slot).level == KillLevel::Run,
              objects.control->scope_exists(scope_at(slot)));
  EXPECT_FALSE(objects.control->permit(0, 0).valid) << "zero is no permit";
}

TEST(AttachedInstanceTest, AttachesEverythingThatItsCreatorMade) {
  test::UniqueInstance name;
  test::ShmInstance made(name.name());
  AttachedInstance attached = AttachedInstance::open(name.name(), 0s);
  attached.attach_kill(Access::ReadWrite);
  for (const Process p : kProcesses) attached.attach_page(p, Access::ReadOnly);
  for (const EdgeInfo& edge : kTopology) attached.attach_ring(edge.edge, Access::ReadWrite);
  attached.attach_journal(Process::Risk, Access::ReadWrite);
  attached.attach_paper_log(Access::ReadOnly);
  attached.attach_last_value(Access::ReadOnly);
  raise_kill(*attached.objects().kill, {ScopeKind::Global, 0}, KillLevel::Halt,
             KillCause::Operator);
  EXPECT_EQ(made.objects().kill->read(0).level, KillLevel::Halt);
  EXPECT_TRUE(attached.alive());
  made.objects().control->header.magic.store(0);
  EXPECT_FALSE(attached.alive());
}

TEST(AttachedInstanceTest, NobodyThereIsUnreachableAndSaysWhatToDo) {
  test::UniqueInstance name;
  try {
    AttachedInstance::open(name.name(), 0s);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Exit::Unreachable);
    EXPECT_EQ(std::string(error.what()),
              "instance '" + name.name() + "': " + name.path("control") +
                  " does not exist: start sluice-supervisor for this instance");
  }
}

TEST(AttachedInstanceTest, WaitsForWhatMayCome) {
  test::UniqueInstance name;
  std::optional<test::ShmInstance> made;
  std::atomic<bool> opened{false};
  testing::internal::CaptureStderr();
  std::thread waiting([&] {
    AttachedInstance::open(name.name(), 20s);
    opened.store(true);
  });
  made.emplace(name.name());
  waiting.join();
  testing::internal::GetCapturedStderr();
  EXPECT_TRUE(opened.load());
}

TEST(AttachedInstanceTest, DoesNotWaitForWhatWillNotChange) {
  test::UniqueInstance name;
  test::ShmInstance made(name.name());
  made.objects().control->header.layout_hash ^= 1;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_THROW(AttachedInstance::open(name.name(), 60s), Error);
  EXPECT_LT(std::chrono::steady_clock::now() - start, 30s);
}

TEST(AttachedInstanceTest, AnObjectOfAnotherRunIsRefusedByName) {
  test::UniqueInstance name;
  test::ShmInstance made(name.name());
  AttachedInstance attached = AttachedInstance::open(name.name(), 0s);
  made.objects().kill->header.run_id += 1;
  try {
    attached.attach_kill(Access::ReadWrite);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()).find(name.path("kill") + " belongs to another run"), 0u)
        << error.what();
  }
}

TEST(AttachedInstanceTest, AnAbsentPageIsFalseNotAnError) {
  test::UniqueInstance name;
  test::ShmInstance made(name.name());
  AttachedInstance attached = AttachedInstance::open(name.name(), 0s);
  EXPECT_TRUE(attached.try_page(Process::Risk));
  Segment::remove(name.object("stage.gateway"));
  EXPECT_FALSE(attached.try_page(Process::Gateway));
}

TEST(Listing, FindsInstancesAndTheirObjectsOnly) {
  test::UniqueInstance name;
  test::ShmInstance made(name.name());
  const auto instances = list_instances();
  EXPECT_EQ(std::count(instances.begin(), instances.end(), name.name()), 1);
  EXPECT_EQ(list_objects(name.name()).size(), plan_objects(made.config()).size());
  EXPECT_TRUE(list_objects(name.name().substr(0, name.name().size() - 1)).empty());
}

TEST(Cleanup, LeavesNothingBehind) {
  std::string gone;
  {
    test::UniqueInstance name;
    gone = name.name();
    test::ShmInstance made(name.name());
    EXPECT_FALSE(list_objects(gone).empty());
  }
  EXPECT_TRUE(list_objects(gone).empty());
}

}  // namespace
}  // namespace sluice
