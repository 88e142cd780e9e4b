// The doctor over invented machines: a good one, a bad one, and a guest that shows nothing.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "tests/unit/tools/ctl_support.hpp"
#include "tools/ctl/doctor/doctor.hpp"

namespace fs = std::filesystem;

namespace sluice::ctl::doctor {
namespace {

class Tree {
 public:
  Tree() {
    static int count = 0;
    root_ = fs::temp_directory_path() /
            ("sluicectl-doctor-" + std::to_string(::getpid()) + "-" + std::to_string(++count));
    fs::create_directories(root_);
  }
  ~Tree() { fs::remove_all(root_); }
  void put(const std::string& path, const std::string& text) const {
    const fs::path file = root_ / path;
    fs::create_directories(file.parent_path());
    std::ofstream(file) << text << "\n";
  }
  void remove(const std::string& path) const { fs::remove_all(root_ / path); }
  [[nodiscard]] const fs::path& root() const { return root_; }

 private:
  fs::path root_;
};

const std::string kCpu = "sys/devices/system/cpu/";

void put_cpu(const Tree& tree, int cpu, bool good) {
  const std::string folder = kCpu + "cpu" + std::to_string(cpu) + "/";
  tree.put(folder + "topology/thread_siblings_list", good ? std::to_string(cpu) : "0-3");
  tree.put(folder + "cache/index3/shared_cpu_list", good ? "0-3" : std::to_string(cpu));
  tree.put(folder + "cpufreq/scaling_governor", good ? "performance" : "powersave");
  tree.put(folder + "cpufreq/energy_performance_preference", good ? "performance" : "power");
  tree.put(folder + "power/energy_perf_bias", good ? "0" : "6");
  tree.put(folder + "cpuidle/state0/latency", "0");
  tree.put(folder + "cpuidle/state1/name", "C6");
  tree.put(folder + "cpuidle/state1/latency", "133");
  tree.put(folder + "cpuidle/state1/disable", good ? "1" : "0");
}

void put_machine(const Tree& tree, bool good) {
  const auto choose = [good](const char* a, const char* b) { return std::string(good ? a : b); };
  tree.put(kCpu + "online", "0-3");
  tree.put(kCpu + "isolated", choose("2-3", ""));
  tree.put(kCpu + "nohz_full", choose("2-3", "(null)"));
  tree.put(kCpu + "smt/active", choose("0", "1"));
  for (int cpu = 0; cpu < 4; ++cpu) put_cpu(tree, cpu, good);
  tree.put("sys/devices/system/node/node0/cpulist", choose("0-3", "0-2"));
  tree.put("sys/devices/system/node/node1/cpulist", choose("", "3"));
  tree.put("proc/cmdline", "root=/dev/vda quiet");
  tree.put("proc/self/status", "Name:\tx\nCapEff:\t0000000000000000\nCpus_allowed_list:\t0-3");
  tree.put("proc/self/cgroup", "0::/box");
  tree.put("sys/fs/cgroup/box/cpu.max", choose("max 100000", "50000 100000"));
  tree.put("proc/self/limits",
           "Limit                     Soft Limit           Hard Limit           Units\n"
           "Max core file size        0                    unlimited            bytes\n"
           "Max open files            " +
               choose("65536", "64   ") +
               "                65536 files\n"
               "Max locked memory         " +
               choose("unlimited", "65536    ") + "   65536 bytes");
  tree.put("proc/stat", "cpu 100 0 100 800 0 0 0 0 0 0");
  tree.put("proc/interrupts",
           "            CPU0       CPU1       CPU2       CPU3\n"
           " LOC:    1000    1000   500   500   Local timer interrupts");
  tree.put("proc/cpuinfo", "processor : 0\nflags\t\t: fpu tsc " +
                               choose("constant_tsc nonstop_tsc", "hypervisor constant_tsc"));
  tree.put("sys/devices/system/clocksource/clocksource0/current_clocksource",
           choose("tsc", "hpet"));
  tree.put("sys/kernel/mm/transparent_hugepage/enabled",
           choose("always [madvise] never", "[always] madvise never"));
  tree.put("sys/kernel/mm/transparent_hugepage/defrag",
           choose("always defer [madvise] never", "[always] defer madvise never"));
  tree.put("proc/swaps", choose("Filename Type Size Used Priority",
                                "Filename Type Size Used Priority\n/dev/vdb partition 1 0 -2"));
  for (const auto& [file, fine, poor] :
       std::vector<std::array<const char*, 3>>{{"kernel/numa_balancing", "0", "1"},
                                               {"vm/zone_reclaim_mode", "0", "1"},
                                               {"vm/compaction_proactiveness", "0", "20"},
                                               {"vm/swappiness", "10", "60"},
                                               {"vm/stat_interval", "10", "1"},
                                               {"kernel/timer_migration", "0", "1"},
                                               {"kernel/nmi_watchdog", "0", "1"},
                                               {"kernel/sched_autogroup_enabled", "0", "1"},
                                               {"kernel/watchdog_cpumask", "0-1", "0-3"},
                                               {"kernel/osrelease", "6.1.0", "6.1.0"},
                                               {"net/core/busy_read", "50", "0"},
                                               {"net/core/busy_poll", "50", "0"},
                                               {"net/core/rmem_max", "8388608", "212992"}})
    tree.put(std::string("proc/sys/") + file, good ? fine : poor);
  tree.put("sys/kernel/mm/ksm/run", choose("0", "1"));
  tree.put("sys/devices/virtual/workqueue/cpumask", choose("3", "f"));
  tree.put("sys/bus/workqueue/devices/writeback/cpumask", choose("00000000,00000003", "f"));
  tree.put("sys/devices/system/machinecheck/machinecheck0/check_interval", choose("0", "300"));
  tree.put("proc/pressure/cpu", choose("some avg10=0.00 avg60=0.00 avg300=0.00 total=1",
                                       "some avg10=12.50 avg60=0.00 avg300=0.00 total=1"));
  tree.put("proc/irq/24/effective_affinity_list", choose("0", "2"));
  tree.put("proc/irq/25/effective_affinity_list", "");
  tree.put("proc/irq/25/smp_affinity_list", choose("0-1", "0-3"));
  tree.put("proc/77/comm", choose("sshd", "irqbalance"));
}

// After the first look: the timer ticks on, and on a bad machine time is stolen.
void pass_time(const Tree& tree, bool good) {
  tree.put("proc/stat",
           good ? "cpu 200 0 200 1600 0 0 0 0 0 0" : "cpu 200 0 200 1500 0 0 0 100 0 0");
  tree.put("proc/interrupts", good ? "            CPU0       CPU1       CPU2       CPU3\n"
                                     " LOC:    1250    1250   501   501   Local timer interrupts"
                                   : "            CPU0       CPU1       CPU2       CPU3\n"
                                     " LOC:    1250    1250   750   750   Local timer interrupts");
}

std::map<std::string, Seen> examined(const Tree& tree, bool good, std::vector<int> hot = {2, 3},
                                     std::vector<std::string> left = {}) {
  Host host(tree.root(), [&] { pass_time(tree, good); });
  host.look_twice(counting_files());
  std::map<std::string, Seen> seen;
  for (const Finding& finding :
       examine({host, std::move(hot), good ? 3 : 5, 0, {}, nullptr, std::move(left)}))
    seen[std::string(finding.check->id)] = finding.seen;
  return seen;
}

// What only a real machine, an instance or a disk can tell.
bool needs_more(const std::string& id) {
  return id == "clock.reading" || id == "net.wall_clock" || id == "memory.shm" ||
         id.starts_with("instance.") || id.starts_with("disk.");
}
// Facts that are neither good nor bad.
bool only_told(const std::string& id) {
  return id == "power.turbo" || id == "memory.core_files" || id == "kernel.version" ||
         id == "kernel.split_lock" || id == "kernel.real_time";
}

TEST(Doctor, AGoodMachineIsGoodEverywhere) {
  const Tree tree;
  put_machine(tree, true);
  for (const auto& [id, seen] : examined(tree, true)) {
    if (needs_more(id) || only_told(id)) continue;
    EXPECT_EQ(name_of(seen.status), "ok") << id << ": " << seen.read;
  }
}

TEST(Doctor, ABadMachineIsBadEverywhereAndSaysWhatMendsIt) {
  const Tree tree;
  put_machine(tree, false);
  for (const auto& [id, seen] : examined(tree, false, {2, 3, 3})) {
    if (needs_more(id) || only_told(id)) continue;
    EXPECT_TRUE(seen.status == Status::Warn || seen.status == Status::Fail)
        << id << ": " << name_of(seen.status) << " " << seen.read;
    EXPECT_FALSE(seen.read.empty()) << id;
    EXPECT_TRUE(!seen.fix.empty() || id == "clock.counter") << id;
  }
}

TEST(Doctor, ABareGuestHasNothingToBlame) {
  const Tree tree;
  tree.put("proc/self/status", "Name:\tx");
  for (const auto& [id, seen] : examined(tree, true)) {
    if (id == "irq.balancer" || id == "memory.shm") continue;  // that much can be seen
    if (id == "cpu.affinity") continue;  // CPUs that nobody shows to be there are a fault
    EXPECT_TRUE(seen.status == Status::NotApplicable || seen.status == Status::Ok)
        << id << ": " << name_of(seen.status) << " " << seen.read;
  }
}

TEST(Doctor, WithoutAConfigurationWhatNeedsItIsNotApplicable) {
  const Tree tree;
  put_machine(tree, false);
  const auto seen = examined(tree, false, {});
  for (const char* id : {"cpu.affinity", "cpu.nohz_full", "cpu.rcu_nocbs", "cpu.cache", "cpu.numa",
                         "irq.affinity", "irq.ticks", "kernel.workqueues"}) {
    EXPECT_EQ(seen.at(id).status, Status::NotApplicable) << id;
    EXPECT_NE(seen.at(id).read.find("--conf FILE"), std::string::npos) << seen.at(id).read;
  }
  EXPECT_EQ(seen.at("power.governor").status, Status::Warn) << "judged on all CPUs";
}

TEST(Doctor, AffinityNamesEachFault) {
  const Tree tree;
  put_machine(tree, true);
  const auto read = [&](std::vector<int> hot) {
    const auto seen = examined(tree, true, std::move(hot)).at("cpu.affinity");
    return std::string(name_of(seen.status)) + " " + seen.read;
  };
  EXPECT_EQ(read({1, 2}), "ok 1-2 are there, each for one process");
  EXPECT_EQ(read({2, 9}), "fail not online: 9");
  EXPECT_EQ(read({2, 2}), "fail a CPU is named twice: 2");
  EXPECT_EQ(read({0, 2}), "fail CPU 0 is the kernel's own");
  tree.put("proc/self/status", "Cpus_allowed_list:\t0-2");
  EXPECT_EQ(read({2, 3}), "fail not allowed here (taskset, cpuset): 3");
}

TEST(Doctor, ReadsTheLimitOfBothKindsOfCgroups) {
  const Tree tree;
  put_machine(tree, true);
  tree.remove("sys/fs/cgroup");
  tree.put("proc/self/cgroup", "4:memory:/a\n3:cpu,cpuacct:/b\n0::/c");
  EXPECT_EQ(examined(tree, true).at("cpu.quota").status, Status::NotApplicable);
  tree.put("sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", "-1");
  EXPECT_EQ(examined(tree, true).at("cpu.quota").status, Status::Ok);
  tree.put("sys/fs/cgroup/cpu/b/cpu.cfs_quota_us", "40000");
  EXPECT_EQ(examined(tree, true).at("cpu.quota").status, Status::Fail);
}

TEST(Doctor, SaysWhatIsWrongInOneLineAndByItsExitCode) {
  constexpr Check first{"a.b", "", false, nullptr};
  constexpr Check second{"c.d", "", false, nullptr};
  const auto with = [&](Status a, Status b) {
    return std::vector<Finding>{{&first, {a, {}, {}}}, {&second, {b, {}, {}}}};
  };
  EXPECT_EQ(exit_code(with(Status::Ok, Status::NotApplicable)), 0);
  EXPECT_EQ(exit_code(with(Status::Ok, Status::Warn)), 1);
  EXPECT_EQ(exit_code(with(Status::Fail, Status::Warn)), 1);
  EXPECT_EQ(exit_code(with(Status::NotApplicable, Status::Unknown)), 3) << "it could not look";
  EXPECT_EQ(verdict_of(with(Status::Fail, Status::Warn)), "failures: a.b; warnings: c.d");
  EXPECT_EQ(verdict_of(with(Status::Ok, Status::Warn)), "warnings: c.d");
}

TEST(Doctor, ReadsListsAndMasksOfCpus) {
  EXPECT_EQ(parse_cpu_list("0-2,7"), (Cpus{0, 1, 2, 7}));
  EXPECT_EQ(parse_cpu_list("managed_irq,domain,2-3"), (Cpus{2, 3}));
  EXPECT_TRUE(parse_cpu_list("(null)").empty());
  EXPECT_TRUE(parse_cpu_list("").empty());
  EXPECT_EQ(parse_cpu_mask("00000001,0000000a"), (Cpus{1, 3, 32}));
  EXPECT_EQ(doctor::text_of(Cpus{0, 1, 2, 7}), "0-2,7");
  EXPECT_EQ(doctor::text_of({}), "none");
}

TEST(Doctor, EveryCheckHasAnIdOfItsOwnAndSaysWhatIsGood) {
  std::map<std::string_view, int> ids;
  for (const Check* check : all_checks()) {
    EXPECT_EQ(++ids[check->id], 1) << check->id;
    EXPECT_FALSE(check->good.empty()) << check->id;
  }
  EXPECT_GE(ids.size(), 50u);
}

TEST(Doctor, LooksAtTheDiskOfTheStateDirectory) {
  const Tree tree;
  const Host host(tree.root());
  const auto at = [&](const std::string& state_dir, std::string_view id) {
    for (const Finding& finding : examine({host, {}, 0, 0, state_dir, nullptr, {}}))
      if (finding.check->id == id) return finding.seen;
    return Seen{};
  };
  EXPECT_EQ(at("", "disk.sync").status, Status::NotApplicable);
  EXPECT_EQ(at(tree.root() / "absent", "disk.room").status, Status::NotApplicable);
  EXPECT_NE(at(tree.root(), "disk.room").read.find("MiB free"), std::string::npos);
  EXPECT_NE(at(tree.root(), "disk.sync").read.find("us at worst"), std::string::npos);
  EXPECT_TRUE(fs::is_empty(tree.root())) << "the probe leaves nothing";
}

TEST(Doctor, LooseObjectsAndLeftoversAreNamed) {
  const Tree tree;
  tree.put("dev/shm/sluice.demo.kill", "");
  ::chmod((tree.root() / "dev/shm/sluice.demo.kill").c_str(), 0660);
  EXPECT_EQ(examined(tree, true).at("instance.access").status, Status::Ok);
  EXPECT_EQ(examined(tree, true).at("instance.leftovers").status, Status::Ok);
  ::chmod((tree.root() / "dev/shm/sluice.demo.kill").c_str(), 0666);
  EXPECT_EQ(examined(tree, true).at("instance.access").status, Status::Fail);
  const Seen left = examined(tree, true, {2}, {"demo"}).at("instance.leftovers");
  EXPECT_EQ(left.status, Status::Warn);
  EXPECT_EQ(left.fix, "sluicectl clean");
}

class DoctorVerb : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!has_private_shm())
      GTEST_SKIP() << "no private /dev/shm here: other instances would be found";
  }
};

TEST_F(DoctorVerb, SaysWhereTheProcessesDisagree) {
  TestInstance instance;
  instance.make_well();
  instance.keep_beating();
  Said said = sluicectl({"doctor"});
  EXPECT_TRUE(said.has("ok      instance.agreement")) << said;
  instance.objects().page(Process::Gateway).config_hash.store(1);
  said = sluicectl({"doctor", "--json"});
  EXPECT_EQ(said.code, 1) << said;
  EXPECT_TRUE(is_json(said.out)) << said;
  EXPECT_TRUE(said.has("not that of the run: gateway: configuration")) << said;
  EXPECT_EQ(sluicectl({"doctor", "-i", "nowhere"}).code, 3);
}

TEST_F(DoctorVerb, SeesDeadInstancesAndPrintsTheCommand) {
  TestInstance dead;
  const Said said = sluicectl({"doctor", "--fix"});
  EXPECT_TRUE(said.has("dead instances: " + dead.name())) << said;
  EXPECT_TRUE(said.has("# instance.leftovers:\nsluicectl clean\n")) << said;
  EXPECT_FALSE(list_objects(dead.name()).empty()) << "it prints, it does not do";
}

}  // namespace
}  // namespace sluice::ctl::doctor
