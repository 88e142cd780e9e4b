// A run that another build made: a kill has to know its kill page and nothing else.
#include "core/kill_page.hpp"
#include "tests/unit/tools/ctl_support.hpp"

namespace sluice::ctl {
namespace {

class KillOfAForeignBuild : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_private_shm())
      GTEST_SKIP() << "no private /dev/shm here: a bare kill would stop others";
  }
  static void make_foreign(SegmentHeader& header) { header.layout_hash ^= 1; }
};

TEST_F(KillOfAForeignBuild, CompletesWithoutItsControlPage) {
  TestInstance instance;
  const ObeyingGate risk(instance, Process::Risk);
  const ObeyingGate gateway(instance, Process::Gateway);
  ControlPage& control = *instance.objects().control;
  make_foreign(control.header);
  control.config_hash ^= 1;
  control.build_id[0] ^= 1;
  const Said said = sluicectl({"kill"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("COMPLETE in ")) << said;
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt);
}

TEST_F(KillOfAForeignBuild, RaisesThoughItCannotSeeTheGates) {
  TestInstance instance;
  const ObeyingGate risk(instance, Process::Risk);
  const ObeyingGate gateway(instance, Process::Gateway);
  make_foreign(instance.objects().control->header);
  for (const Process p : kProcesses) make_foreign(instance.objects().page(p).header);
  const Said said = sluicectl({"kill", "-i", instance.name()});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("gateway cannot be seen")) << said;
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt);
}

}  // namespace
}  // namespace sluice::ctl
