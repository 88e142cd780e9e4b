// clean: what is provably dead goes, its kill levels stay; everything else is left alone and named.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "core/process.hpp"
#include "tests/unit/tools/ctl_support.hpp"
#include "tools/supervisor/latch.hpp"
#include "tools/supervisor/state_file.hpp"

namespace fs = std::filesystem;

namespace sluice::ctl {
namespace {

class Clean : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_private_shm())
      GTEST_SKIP() << "no private /dev/shm here: other instances would be found";
  }
  void TearDown() override { fs::remove("/dev/shm/sluice.lone.kill"); }
};

bool is_there(const TestInstance& instance) {
  return !list_objects(instance.name()).empty();
}

TEST_F(Clean, NothingIsThere) {
  EXPECT_EQ(sluicectl({"clean"}).code, 0);
  const Said said = sluicectl({"clean", "-i", "nowhere"});
  EXPECT_EQ(said.code, 5) << said;
  EXPECT_TRUE(said.has("nothing of instance 'nowhere'")) << said;
}

TEST_F(Clean, ADeadOneIsRemovedAndItsKillLevelKept) {
  TestInstance instance;
  raise_kill(*instance.objects().kill, {ScopeKind::Strategy, 1}, KillLevel::Cancel,
             KillCause::Operator);
  Said said = sluicectl({"clean", "--dry-run"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("would remove")) << said;
  EXPECT_TRUE(said.has("strategy:calm CANCEL")) << said;
  EXPECT_TRUE(is_there(instance)) << "a dry run removes nothing";
  EXPECT_TRUE(load_latch(instance.state_dir()).empty()) << "and writes nothing";
  EXPECT_EQ(instance.word({ScopeKind::Strategy, 1}).level, KillLevel::Cancel);

  said = sluicectl({"clean", "--json"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(is_json(said.out)) << said;
  EXPECT_FALSE(is_there(instance)) << said;
  const std::vector<LatchedLevel> kept = load_latch(instance.state_dir());
  ASSERT_EQ(kept.size(), 1u);
  EXPECT_EQ(kept[0], (LatchedLevel{"strategy:calm", KillLevel::Cancel}));
}

TEST_F(Clean, RefusesWhileItsSupervisorLives) {
  TestInstance instance;
  instance.make_well();
  Said said = sluicectl({"clean", "-i", instance.name()});
  EXPECT_EQ(said.code, 1) << said;
  EXPECT_TRUE(said.has("kept: its supervisor (process " + std::to_string(::getpid()))) << said;
  EXPECT_TRUE(said.has("sluicectl stop -i " + instance.name())) << said;
  EXPECT_TRUE(is_there(instance));
  said = sluicectl({"clean"});
  EXPECT_EQ(said.code, 0) << "what lives is nobody's leftover\n" << said;
  EXPECT_TRUE(is_there(instance));
}

TEST_F(Clean, LivingProcessesOfADeadSupervisorGoOnlyIfNamed) {
  TestInstance instance;
  DeafGate gate(instance, Process::Risk, false);
  Said said = sluicectl({"clean"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("there lives risk (process " + std::to_string(gate.pid()))) << said;
  EXPECT_EQ(gate.ended_by(), 0);
  EXPECT_TRUE(is_there(instance));
  std::thread reaper([&] {  // a zombie's parent has seen its death
    while (gate.ended_by() == 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  });
  said = sluicectl({"clean", "-i", instance.name()});
  if (said.code != 0) ::kill(gate.pid(), SIGKILL);
  reaper.join();
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_EQ(gate.ended_by(), SIGKILL);
  EXPECT_FALSE(is_there(instance));
}

TEST_F(Clean, EachDeadOneIsNamedAndALivingOneStays) {
  TestInstance first;
  TestInstance living;
  living.make_well();
  TestInstance second;
  const Said said = sluicectl({"clean"});
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has(first.name() + ": removed")) << said;
  EXPECT_TRUE(said.has(second.name() + ": removed")) << said;
  EXPECT_TRUE(said.has(living.name() + ": kept")) << said;
  EXPECT_FALSE(is_there(first));
  EXPECT_FALSE(is_there(second));
  EXPECT_TRUE(is_there(living));
}

TEST_F(Clean, KeepsAllIfTheLevelCannotBeKept) {
  TestInstance instance;
  raise_kill(*instance.objects().kill, {}, KillLevel::Halt, KillCause::Operator);
  fs::remove_all(instance.state_dir());
  const Said said = sluicectl({"clean"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("mkdir -p " + instance.state_dir())) << said;
  EXPECT_TRUE(is_there(instance));
  EXPECT_EQ(instance.word({}).level, KillLevel::Halt) << "not ended either";
  fs::create_directories(instance.state_dir());
  EXPECT_EQ(sluicectl({"clean"}).code, 0);
  EXPECT_FALSE(is_there(instance));
}

TEST_F(Clean, KeepsAllWhileSomebodyHoldsTheStateDirectory) {
  TestInstance instance;
  const int lock = lock_state_dir(instance.state_dir());
  const Said said = sluicectl({"clean"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("uses this state directory")) << said;
  EXPECT_TRUE(is_there(instance));
  ::close(lock);
}

// Without a control page the proof is that nobody maps any of it.
class Torn : public Clean {
 protected:
  static constexpr const char* kObject = "/dev/shm/sluice.torn.stage.risk";
  void SetUp() override {
    Clean::SetUp();
    if (IsSkipped()) return;
    std::ofstream(kObject) << std::string(4'096, '\0');
  }
  void TearDown() override { ::unlink(kObject); }
};

TEST_F(Torn, IsRemovedIfNobodyMapsIt) {
  const Said said = sluicectl({"clean"});
  if (said.has("does not let itself be looked at"))
    GTEST_SKIP() << "nobody may read the maps of every process here: " << said;
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_TRUE(said.has("torn: removed 1 objects")) << said;
  EXPECT_FALSE(fs::exists(kObject));
}

TEST_F(Torn, StaysWhileSomebodyMapsIt) {
  const int fd = ::open(kObject, O_RDONLY);
  void* memory = ::mmap(nullptr, 4'096, PROT_READ, MAP_SHARED, fd, 0);
  ASSERT_NE(memory, MAP_FAILED);
  const Said said = sluicectl({"clean"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("mapped by process ")) << said;
  EXPECT_TRUE(fs::exists(kObject));
  ::munmap(memory, 4'096);
  ::close(fd);
}

TEST_F(Clean, AControlPageOfAnotherBuildIsLeftAlone) {
  TestInstance instance;
  instance.objects().control->header.layout_hash ^= 1;
  const Said said = sluicectl({"clean"});
  EXPECT_EQ(said.code, 4) << said;
  EXPECT_TRUE(said.has("of the build")) << said;
  EXPECT_TRUE(is_there(instance));
}

TEST_F(Clean, AKillLevelWithoutAControlPageIsLeftAlone) {
  TestInstance instance;
  // A copy of its kill page that nobody maps, under the name of an instance without a control page.
  const std::string copy = "/dev/shm/" + segment_name("lone", "kill");
  const auto copied = [&] {
    std::string bytes(sizeof(KillPage), '\0');
    std::memcpy(bytes.data(), static_cast<const void*>(instance.objects().kill), bytes.size());
    std::memcpy(bytes.data() + offsetof(SegmentHeader, instance), "lone\0", 5);
    std::ofstream(copy) << bytes;
    ::chmod(copy.c_str(), 0660);
    return sluicectl({"clean", "-i", "lone"});
  };
  raise_kill(*instance.objects().kill, {}, KillLevel::Halt, KillCause::Operator);
  Said said = copied();
  if (said.has("does not let itself be looked at"))
    GTEST_SKIP() << "nobody may read the maps of every process here: " << said;
  EXPECT_EQ(said.code, 1) << said;
  EXPECT_TRUE(said.has("a kill level stands that could not be kept")) << said;
  EXPECT_TRUE(fs::exists(copy));
  fs::remove(copy);
  rearm_kill(*instance.objects().kill, 0, instance.objects().kill->words[0].load());
  said = copied();
  EXPECT_EQ(said.code, 0) << said;
  EXPECT_FALSE(fs::exists(copy));
}

}  // namespace
}  // namespace sluice::ctl
