// One user per role, with real users: what the kernel lets each of them do with each object is what
// ARCHITECTURE.md says, and a pipeline of seven users trades, recovers, is killed and leaves
// nothing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/mman.h>

#include <cerrno>

#include "core/access.hpp"
#include "core/clock.hpp"
#include "core/process.hpp"
#include "tests/e2e/box.hpp"
#include "tests/e2e/oracle.hpp"
#include "tests/e2e/text.hpp"
#include "tests/e2e/users.hpp"
#include "tests/support/access_table.hpp"
#include "tests/support/shm_instance.hpp"
#include "tests/support/sleeper.hpp"

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

class AccessBox : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string why = no_users(); !why.empty()) GTEST_SKIP() << why;
  }
  void make(Box::Options options) {
    options.more_conf = access_section();
    box_ = std::make_unique<Box>(std::move(options));
    ::chmod(box_->dir().c_str(), 0755);
    ::chmod(box_->conf().c_str(), 0644);
  }
  void start(std::map<std::string, std::string> conf = {}) {
    make({.speed = "12", .conf = std::move(conf)});
    box_->start_supervisor();
    ASSERT_TRUE(box_->wait_armed()) << said();
  }
  std::string said() { return box_->log("sluice-supervisor"); }
  std::string path(const std::string& object) { return "/dev/shm/" + object; }
  std::uint64_t sent() { return box_->counter(Process::Gateway, "sent_verdicts"); }
  static uid_t user_of_process(pid_t pid) {
    struct stat info {};
    return ::stat(("/proc/" + std::to_string(pid)).c_str(), &info) == 0 ? info.st_uid : 0;
  }

  std::unique_ptr<Box> box_;
};

class AccessMatrix : public AccessBox {};
class AccessRun : public AccessBox {};
class AccessStart : public AccessBox {};
class AccessKill : public AccessBox {};

// 0 or the errno of opening.
int opened(const std::string& path, int flags) {
  const int fd = ::open(path.c_str(), flags | O_CLOEXEC | O_NOFOLLOW);
  return fd >= 0 ? 0 : errno;
}

// Also what an open for reading cannot be turned into.
int upgraded(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  void* memory = ::mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0);
  if (memory == MAP_FAILED) return 0;
  if (::mprotect(memory, 4096, PROT_READ | PROT_WRITE) == 0) return 1;
  const std::string again = "/proc/self/fd/" + std::to_string(fd);
  return ::open(again.c_str(), O_RDWR | O_CLOEXEC) >= 0 ? 2 : 0;
}

TEST_F(AccessMatrix, EveryRoleOnEveryObject) {
  start();
  const auto table = test::access_table(SLUICE_SOURCE_DIR "/ARCHITECTURE.md");
  const std::string prefix = segment_name(box_->name(), "");
  std::size_t cells = 0;
  for (const std::string& name : list_objects(box_->name())) {
    const std::string object = test::seat_as_n(name.substr(prefix.size()));
    ASSERT_TRUE(table.contains(object)) << object;
    for (const Somebody& who : everybody()) {
      const auto& row = table.at(object).cells;
      const std::string cell = who.role == "stranger" ? "-" : row.at(who.role);
      SCOPED_TRACE(who.role + " on " + name + ": " + cell);
      EXPECT_EQ(as(who, [&] { return opened(path(name), O_RDONLY); }), cell == "-" ? EACCES : 0);
      EXPECT_EQ(as(who, [&] { return opened(path(name), O_RDWR); }), cell == "rw" ? 0 : EACCES);
      if (cell == "r") {
        EXPECT_EQ(as(who, [&] { return upgraded(path(name)); }), 0);
      }
      EXPECT_NE(as(who, [&] { return ::unlink(path(name).c_str()) == 0 ? 0 : errno; }), 0);
      EXPECT_NE(as(who, [&] { return ::chmod(path(name).c_str(), 0666) == 0 ? 0 : errno; }), 0);
      ++cells;
    }
  }
  EXPECT_EQ(cells, list_objects(box_->name()).size() * everybody().size());
  EXPECT_GT(cells, 500u);
  EXPECT_EQ(box_->stop(), 0) << said();
}

TEST_F(AccessMatrix, TheFilesOfTheState) {
  start();
  ASSERT_TRUE(eventually([&] { return sent() > 0; }, 30s));
  const std::string journal = (box_->run_dir() / "risk.00000000000000.journal").string();
  const std::string state = box_->state().string();
  for (const Somebody& who : everybody()) {
    SCOPED_TRACE(who.role);
    const bool recovers = who.role == "strategy" || who.role == "risk" || who.role == "gateway";
    const bool writes = who.role == "recorder";
    const bool reads = recovers || writes || who.role == "readers";
    EXPECT_EQ(as(who, [&] { return opened(journal, O_RDONLY); }), reads ? 0 : EACCES);
    EXPECT_EQ(as(who, [&] { return opened(journal, O_RDWR); }), writes ? 0 : EACCES);
    const bool sees = who.role == "readers";
    EXPECT_EQ(as(who, [&] { return opened(state + "/audit.log", O_RDONLY); }), sees ? 0 : EACCES);
    EXPECT_EQ(as(who, [&] { return opened(state + "/audit.log", O_WRONLY); }), EACCES);
    EXPECT_EQ(as(who, [&] { return opened(state + "/supervisor.lock", O_RDONLY); }), EACCES);
    const std::string planted = state + "/planted";
    EXPECT_EQ(as(who, [&] { return opened(planted, O_WRONLY | O_CREAT); }), EACCES);
  }
  EXPECT_EQ(box_->stop(), 0) << said();
}

// ---- a pipeline of seven users

TEST_F(AccessRun, TradesIsKilledByAMemberOfTheKillGroupAndLeavesNothing) {
  start();
  const std::map<Process, std::string> roles{{Process::Feed, "feed"},
                                             {Process::Seat0, "strategy"},
                                             {Process::Risk, "risk"},
                                             {Process::Gateway, "gateway"},
                                             {Process::Recorder, "recorder"}};
  for (const auto& [process, role] : roles)
    EXPECT_EQ(user_of_process(box_->pid_of(process)), somebody(role).uid) << role;
  EXPECT_NE(text_of_file("/proc/" + std::to_string(box_->supervisor()) + "/status")
                .find("Uid:\t64001\t64001\t64001\t64001"),
            std::string::npos);
  ASSERT_TRUE(eventually([&] { return sent() > 1; }, 30s)) << "it does not trade\n" << said();

  const Outcome foreign = ctl_as(somebody("stranger"), *box_, {"kill"});
  EXPECT_EQ(foreign.exit_code, 4) << foreign.out;
  EXPECT_NE(foreign.out.find("permission denied"), std::string::npos) << foreign.out;
  const Outcome reader = ctl_as(somebody("readers"), *box_, {"kill"});
  EXPECT_EQ(reader.exit_code, 4) << reader.out;
  EXPECT_EQ(box_->objects().kill->read(0).level, KillLevel::Run);

  const Outcome killed = ctl_as(somebody("kill"), *box_, {"kill"});
  EXPECT_EQ(killed.exit_code, 0) << killed.out;
  EXPECT_NE(killed.out.find("COMPLETE in"), std::string::npos) << killed.out;
  const HostTime complete = Clock(box_->objects().control->calibration).now();
  ASSERT_TRUE(eventually([&] {
    return text_of_file(box_->state() / "kill.latch").find("HALT") != std::string::npos;
  }));
  const fs::path run = box_->run_dir();
  EXPECT_EQ(box_->stop(), 0) << said();
  EXPECT_TRUE(list_objects(box_->name()).empty());
  const PaperTruth truth = read_paper(run);
  EXPECT_GT(truth.placed, 0u);
  for (const PaperEntry& entry : truth.entries)
    if (entry.what == PaperWhat::Placed) {
      EXPECT_LE(entry.at.ns, complete.ns) << "placed after COMPLETE";
    }
}

TEST_F(AccessRun, DeathsOfStageAndSupervisorAreSurvived) {
  start({{"restart_max_ms", "100"}});
  ASSERT_TRUE(eventually([&] { return sent() > 1; }, 30s));
  const pid_t risk = box_->pid_of(Process::Risk);
  ASSERT_EQ(::kill(risk, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] {
    const pid_t now = box_->pid_of(Process::Risk);
    return now > 0 && now != risk && box_->wait_armed(1s);
  })) << said()
      << box_->log("risk");
  EXPECT_EQ(user_of_process(box_->pid_of(Process::Risk)), somebody("risk").uid);
  const pid_t gateway = box_->pid_of(Process::Gateway);
  ASSERT_EQ(::kill(box_->supervisor(), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return start_ticks_of(box_->supervisor()) == 0; }));
  box_->start_supervisor();
  ASSERT_TRUE(eventually([&] { return said().find("taken over") != std::string::npos; })) << said();
  ASSERT_TRUE(box_->wait_armed()) << said();
  EXPECT_EQ(box_->pid_of(Process::Gateway), gateway);
  const std::uint64_t before = sent();
  EXPECT_TRUE(eventually([&] { return sent() > before; }, 40s)) << said();
  ASSERT_TRUE(eventually([&] { return box_->counter(Process::Gateway, "open_orders") == 0; }));
  EXPECT_EQ(box_->stop(), 0) << said();
  EXPECT_TRUE(list_objects(box_->name()).empty());
}

// As under systemd: nobody is root, every process is started under its user by somebody else.
TEST_F(AccessRun, NobodyNeedsToBeRoot) {
  const Somebody supervisor{"supervisor", kSupervisorUser, {kReaders, kKill, kAdmin}};
  make({.speed = "12", .manual = true, .supervisor_prefix = under(supervisor)});
  ASSERT_EQ(::chown(box_->state().c_str(), kSupervisorUser, kSupervisorUser), 0);
  box_->start_supervisor();
  const auto stage = [&](const std::string& role, std::vector<std::string> more = {}) {
    std::vector<std::string> words = under(somebody(role));
    words.insert(words.end(), {bin("sluice-" + role), "--conf", box_->conf(), "--instance",
                               box_->name(), "--state-dir", box_->state().string()});
    words.insert(words.end(), more.begin(), more.end());
    box_->start(words);
  };
  stage("recorder");
  stage("gateway");
  stage("risk");
  stage("strategy", {"--seat", "0"});
  stage("feed");
  ASSERT_TRUE(box_->wait_armed()) << said() << box_->log("sluice-risk");
  EXPECT_TRUE(eventually([&] { return sent() > 0; }, 30s)) << said();
  EXPECT_EQ(box_->stop(), 0) << said();
  EXPECT_TRUE(list_objects(box_->name()).empty());
}

TEST_F(AccessRun, OnlyTheAdminGroupMayAskTheSupervisor) {
  start();
  const std::vector<std::string> lower{"cap", "1", "--operator", "ada", "--reason", "a quiet day"};
  const auto cap = [&] { return box_->objects().control->caps[0].load(); };
  const std::int64_t before = cap();
  for (const std::string role : {"kill", "readers", "strategy", "stranger"}) {
    const Outcome refused = ctl_as(somebody(role), *box_, lower);
    EXPECT_EQ(refused.exit_code, 5) << role << ": " << refused.out;
    EXPECT_EQ(cap(), before) << role;
  }
  const Outcome done = ctl_as({"operator", 64030, {kReaders, kAdmin}}, *box_, lower);
  EXPECT_EQ(done.exit_code, 0) << done.out;
  EXPECT_EQ(cap(), 100'000'000);
  EXPECT_NE(text_of_file(box_->state() / "audit.log").find("uid 64030"), std::string::npos);
  EXPECT_EQ(box_->stop(), 0) << said();
}

// ---- a kill by somebody who may not signal the gates

TEST_F(AccessKill, OfAStoppedGatewayIsNotCompleteAndSaysWhatToDo) {
  start({{"ack_deadline_ms", "10000"}});  // else the supervisor, which may, fences it
  const pid_t gateway = box_->pid_of(Process::Gateway);
  ASSERT_EQ(::kill(gateway, SIGSTOP), 0);
  const Outcome killed = ctl_as(somebody("kill"), *box_, {"kill", "--timeout", "500"});
  EXPECT_EQ(killed.exit_code, 4) << killed.out;
  const std::string pid = std::to_string(gateway);
  for (const std::string& words :
       {std::string("NOT COMPLETE"), "process " + pid, "sudo kill -KILL " + pid})
    EXPECT_NE(killed.out.find(words), std::string::npos) << "no \"" << words << "\"\n"
                                                         << killed.out;
  EXPECT_EQ(box_->objects().kill->read(0).level, KillLevel::Halt) << "the level stands";
  EXPECT_NE(start_ticks_of(gateway), 0u) << "it could not be signalled";
  ASSERT_EQ(::kill(gateway, SIGKILL), 0);  // the command it named
  const Outcome again = ctl_as(somebody("kill"), *box_, {"kill"});
  EXPECT_EQ(again.exit_code, 0) << again.out;
  box_->stop();
}

TEST_F(AccessKill, TheSupervisorFencesAcrossUsers) {
  start();
  const pid_t gateway = box_->pid_of(Process::Gateway);
  ASSERT_EQ(::kill(gateway, SIGSTOP), 0);
  const Outcome killed = ctl_as(somebody("kill"), *box_, {"kill"});
  EXPECT_EQ(killed.exit_code, 0) << killed.out;
  EXPECT_EQ(start_ticks_of(gateway), 0u) << "the supervisor has fenced it";
  box_->stop();
}

// A strategy may store what it likes into the page of its seat.
TEST_F(AccessKill, TheSupervisorSparesWhomAStageNamesInItsLease) {
  const test::Sleeper victim;
  start();
  const Outcome stopped =
      box_->ctl({"stop", "seat0", "--operator", "ada", "--reason", "makes room for a liar"});
  ASSERT_EQ(stopped.exit_code, 0) << stopped.out;
  ASSERT_TRUE(eventually([&] { return said().find("seat0 (process ") != std::string::npos; }));
  const int forged = as(somebody("strategy"), [&] {
    const int fd =
        ::open(path(segment_name(box_->name(), "stage.seat0")).c_str(), O_RDWR | O_CLOEXEC);
    void* page = ::mmap(nullptr, sizeof(StagePage), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) return 1;
    Lease& lease = static_cast<StagePage*>(page)->lease;
    lease.started.store(std::uint64_t{1} << 32 | (start_ticks_of(victim.pid()) & 0xffff'ffff));
    lease.word.store(test::lease_word(9, victim.pid()));
    return 0;
  });
  ASSERT_EQ(forged, 0);
  EXPECT_TRUE(eventually([&] {
    return said().find("the lease of seat0 names process " + std::to_string(victim.pid()) +
                       ", which does not hold its page") != std::string::npos;
  })) << said();
  box_->stop();
  EXPECT_NE(start_ticks_of(victim.pid()), 0u) << "a bystander was killed";
}

// An instance that anybody can put into /dev/shm, with leases that name a process of root's.
class AccessPlanted : public AccessBox {
 protected:
  void SetUp() override {
    AccessBox::SetUp();
    if (IsSkipped()) return;
    ASSERT_EQ(as(somebody("stranger"), [&] { return plant(); }), 0);
  }
  int plant() {
    test::ShmInstance forged(planted_.name());
    for (const Process p : {Process::Risk, Process::Gateway}) {
      Lease& lease = forged.objects().page(p).lease;
      lease.started.store(std::uint64_t{1} << 32 | (start_ticks_of(victim_.pid()) & 0xffff'ffff));
      lease.word.store(test::lease_word(1, victim_.pid()));
    }
    return 0;
  }
  [[nodiscard]] bool victim_lives() const { return start_ticks_of(victim_.pid()) != 0; }

  test::Sleeper victim_;  // begun before the objects: it maps none of them
  test::UniqueInstance planted_;
};

TEST_F(AccessPlanted, AKillByRootSparesWhomAForgedLeaseNames) {
  for (const std::string level : {"HALT", "SEVER"}) {
    const Outcome killed = run(
        {bin("sluicectl"), "kill", "--level", level, "--timeout", "300", "-i", planted_.name()});
    EXPECT_EQ(killed.exit_code, 4) << killed.out;
    EXPECT_NE(killed.out.find("which does not map the page"), std::string::npos) << killed.out;
    EXPECT_TRUE(victim_lives());
  }
}

TEST_F(AccessPlanted, CleanByRootSparesItToo) {
  const Outcome cleaned = run({bin("sluicectl"), "clean", "-i", planted_.name()});
  EXPECT_EQ(cleaned.exit_code, 1) << cleaned.out;
  EXPECT_NE(cleaned.out.find("is not proven to be that"), std::string::npos) << cleaned.out;
  EXPECT_TRUE(victim_lives());
}

TEST_F(AccessPlanted, ASupervisorOfThatNameSparesItToo) {
  Box box({.venue = false});
  const Outcome started = run({bin("sluice-supervisor"), "--conf", box.conf(), "--instance",
                               planted_.name(), "--state-dir", box.state().string()},
                              20s);
  EXPECT_NE(started.exit_code, 0) << started.out;
  EXPECT_NE(started.out.find("is not proven to be that"), std::string::npos) << started.out;
  EXPECT_TRUE(victim_lives());
}

// ---- what is refused at the start

class AccessRefused : public AccessBox {
 protected:
  // The supervisor ends at once and says this.
  void expect(const std::vector<std::string>& prefix, const std::string& text,
              bool manual = false) {
    std::vector<std::string> words = prefix;
    words.insert(words.end(), {bin("sluice-supervisor"), "--conf", box_->conf(), "--instance",
                               box_->name(), "--state-dir", box_->state().string()});
    if (manual) words.emplace_back("--manual");
    const Outcome outcome = run(words, 20s);
    EXPECT_NE(outcome.exit_code, 0);
    EXPECT_NE(outcome.out.find(text), std::string::npos) << outcome.out;
    EXPECT_TRUE(list_objects(box_->name()).empty());
  }
};

TEST_F(AccessRefused, ASupervisorUnderTheWrongUserOrWithoutPrivileges) {
  make({.venue = false});
  ASSERT_EQ(::chown(box_->state().c_str(), kSupervisorUser, kSupervisorUser), 0);
  expect(under(somebody("stranger")), "start it as root or as that user");
  const Somebody alone{"supervisor", kSupervisorUser, {}};
  expect(under(alone), "only root may start processes under other users");
  expect(under(alone), "be a member of the groups in [access]", true);
}

TEST_F(AccessRefused, AStageUnderTheWrongUser) {
  make({.venue = false});
  std::vector<std::string> words = under(somebody("strategy"));
  words.insert(words.end(), {bin("sluice-risk"), "--conf", box_->conf(), "--wait", "0"});
  expect_one_line(run(words), 2, {"[access] risk is user 64004, this process is user 64003"});
}

TEST_F(AccessStart, APlantedStateDirectoryIsRefused) {
  make({.venue = false});
  const auto start_in = [&](const fs::path& state) {
    return run({bin("sluice-supervisor"), "--conf", box_->conf(), "--instance", box_->name(),
                "--state-dir", state.string()},
               20s);
  };
  const auto owner = [](const fs::path& path) {
    struct stat info {};
    ::lstat(path.c_str(), &info);
    return info.st_uid;
  };
  const fs::path valuable = box_->dir() / "valuable";
  fs::create_directory(valuable);
  std::ofstream(valuable / "something") << "else";
  const fs::path link = box_->dir() / "link";
  fs::create_symlink(valuable, link);
  EXPECT_NE(start_in(link).out.find("Not a directory"), std::string::npos) << start_in(link).out;
  EXPECT_NE(start_in(valuable).out.find("holds something else"), std::string::npos);
  const fs::path theirs = box_->dir() / "theirs";
  fs::create_directory(theirs);
  ASSERT_EQ(::chown(theirs.c_str(), 64099, 64099), 0);
  EXPECT_NE(start_in(theirs).out.find("belongs to user 64099"), std::string::npos);
  EXPECT_EQ(owner(valuable), 0u);
  EXPECT_EQ(owner(theirs), 64099u);
  EXPECT_TRUE(list_objects(box_->name()).empty());
}

TEST_F(AccessStart, PlantedObjectsAreRefusedAndNamed) {
  make({.venue = false});
  for (const std::string object : {"control", "kill", "stage.risk", "ring.risk-gateway"}) {
    const std::string planted = path(segment_name(box_->name(), object));
    ASSERT_EQ(as(somebody("stranger"), [&] { return opened(planted, O_RDWR | O_CREAT | O_EXCL); }),
              0);
    std::vector<std::string> words{
        bin("sluice-supervisor"), "--conf", box_->conf(), "--instance", box_->name(), "--state-dir",
        box_->state().string()};
    const Outcome outcome = run(words, 20s);
    EXPECT_EQ(outcome.exit_code, 1) << object;
    EXPECT_NE(outcome.out.find(planted), std::string::npos) << outcome.out;
    ::unlink(planted.c_str());
    EXPECT_TRUE(list_objects(box_->name()).empty()) << object;
  }
}

}  // namespace
}  // namespace sluice::e2e
