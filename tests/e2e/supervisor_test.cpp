// One supervisor at a time, and what its death leaves: stages that only reduce, and a run that a
// supervisor of another configuration ends, carrying its kill levels over.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "core/process.hpp"
#include "tests/e2e/box.hpp"
#include "tests/e2e/text.hpp"

namespace fs = std::filesystem;

namespace sluice::e2e {
namespace {

using namespace std::chrono_literals;

constexpr std::array kStages{Process::Feed, Process::Seat0, Process::Risk, Process::Gateway,
                             Process::Recorder};

std::vector<pid_t> pids_of(Box& box) {
  std::vector<pid_t> pids;
  for (const Process p : kStages) pids.push_back(box.pid_of(p));
  return pids;
}

TEST(SecondSupervisor, IsRefusedAndTheFirstDoesNotNotice) {
  Box box({});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  const std::vector<pid_t> pids = pids_of(box);
  const auto second = [&](const std::string& instance, const fs::path& state) {
    return run({bin("sluice-supervisor"), "--conf", box.conf(), "--instance", instance,
                "--state-dir", state.string()});
  };
  expect_one_line(second(box.name(), box.state()), 1,
                  {"sluice-supervisor: ", "another supervisor"});
  expect_one_line(second(box.name() + "b", box.state()), 1,
                  {"sluice-supervisor: ", "another supervisor"});
  expect_one_line(second(box.name(), box.dir() / "other"), 1,
                  {"sluice-supervisor: ", box.name(), "is supervised by process"});
  EXPECT_TRUE(box.instance().alive());
  EXPECT_EQ(pids_of(box), pids);
  EXPECT_EQ(box.ctl({"status"}).exit_code, 0) << "its socket still answers";
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
  EXPECT_TRUE(list_objects(box.name() + "b").empty());
}

// A supervisor of another configuration ends the old run and starts its own; waits until the box
// sees the new one, armed.
void supersede(Box& box) {
  const std::uint16_t old = box.objects().control->header.run_ordinal;
  const std::vector<pid_t> pids = pids_of(box);
  std::ofstream(box.conf(), std::ios::app) << "# changed\n";
  box.start_supervisor();
  ASSERT_TRUE(eventually([&] { return !box.instance().alive(); })) << box.log("sluice-supervisor");
  ASSERT_TRUE(box.wait_attached()) << box.log("sluice-supervisor");
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  EXPECT_EQ(box.objects().control->header.run_ordinal, old + 1);
  EXPECT_NE(box.log("sluice-supervisor").find("its configuration is another one"),
            std::string::npos);
  for (const pid_t pid : pids)
    EXPECT_EQ(start_ticks_of(pid), 0u) << "process " << pid << " survived its run";
}

// Whoever holds a page of a run that is over must not go on in it.
TEST(RunEnd, StagesLeaveWhenTheMagicVanishes) {
  Box box({});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  const std::vector<pid_t> pids = pids_of(box);
  ASSERT_EQ(::kill(box.supervisor(), SIGKILL), 0);
  const std::string control = "/dev/shm/" + segment_name(box.name(), "control");
  const int fd = ::open(control.c_str(), O_WRONLY | O_CLOEXEC);
  const std::uint64_t zero = 0;
  ASSERT_EQ(::pwrite(fd, &zero, sizeof zero, offsetof(SegmentHeader, magic)),
            static_cast<ssize_t>(sizeof zero));
  ::close(fd);
  for (const pid_t pid : pids)
    EXPECT_TRUE(eventually([&] { return start_ticks_of(pid) == 0; })) << "process " << pid;
  for (const Process p : kStages)
    EXPECT_NE(box.log(std::string(name_of(p))).find("run ended"), std::string::npos) << name_of(p);
}

// What nobody but the supervisor may store: it notices, no permit is left, and says what to do.
class ForeignStore : public testing::Test {
 protected:
  void start() {
    box_.start_supervisor();
    ASSERT_TRUE(box_.wait_armed()) << said();
    ASSERT_EQ(Segment::attach(segment_name(box_.name(), "control"), Access::ReadWrite,
                              {box_.name(), ObjectKind::Control, 0, 0, Mode::Paper}, control_),
              AttachError::None);
    ASSERT_EQ(Segment::attach(segment_name(box_.name(), "kill"), Access::ReadWrite,
                              {box_.name(), ObjectKind::Kill, 0, 0, Mode::Paper}, kill_),
              AttachError::None);
  }
  bool permitted() { return control_.as<ControlPage>()->permits[0].load() != 0; }
  std::string said() { return box_.log("sluice-supervisor"); }
  bool says(const std::string& words) {
    return eventually([&] { return said().find(words) != std::string::npos; });
  }
  Box box_{{}};
  Segment control_;
  Segment kill_;
};

TEST_F(ForeignStore, IntoACapVoidsPermitsUntilTheCapIsSetAgain) {
  start();
  if (HasFatalFailure()) return;
  control_.as<ControlPage>()->caps[0].fetch_xor(std::int64_t{1} << 60);
  EXPECT_TRUE(eventually([&] { return !permitted(); })) << said();
  EXPECT_TRUE(says("the cap of global was changed by somebody else")) << said();
  EXPECT_EQ(
      box_.ctl({"cap", "1000", "--operator", "ada", "--reason", "it was this test"}).exit_code, 0);
  EXPECT_TRUE(eventually([&] { return permitted(); })) << said();
  EXPECT_EQ(box_.stop(), 0) << said();
}

TEST_F(ForeignStore, IntoTheHeaderOfTheKillPageVoidsPermits) {
  start();
  if (HasFatalFailure()) return;
  kill_.as<KillPage>()->header.layout_hash ^= 1;
  EXPECT_TRUE(eventually([&] { return !permitted(); })) << said();
  EXPECT_TRUE(says("the header of the kill page was changed")) << said();
  EXPECT_EQ(box_.ctl({"kill"}).exit_code, 4) << "it cannot be raised in: that is why";
  EXPECT_EQ(box_.stop(), 0) << said();
}

TEST_F(ForeignStore, OverTheNameOfTheKillPageVoidsPermits) {
  start();
  if (HasFatalFailure()) return;
  const std::string name = segment_name(box_.name(), "kill");
  ASSERT_TRUE(Segment::remove(name));
  EXPECT_TRUE(eventually([&] { return !permitted(); })) << said();
  EXPECT_TRUE(says(name + " was removed or replaced")) << said();
  EXPECT_EQ(box_.stop(), 0) << said();
}

TEST(SupervisorDeath, StagesReduceAtOnceAndAnotherRunCarriesTheKill) {
  Box box({});
  box.start_supervisor();
  ASSERT_TRUE(box.wait_armed()) << box.log("sluice-supervisor");
  const auto sent = [&] { return box.counter(Process::Gateway, "sent_verdicts"); };
  ASSERT_TRUE(eventually([&] { return sent() > 0; }, 30s));
  const auto conditions = [&](Process p) { return box.objects().page(p).conditions.load(); };
  ASSERT_EQ(conditions(Process::Risk) & kDeadMan, 0u);

  ASSERT_EQ(::kill(box.supervisor(), SIGKILL), 0);
  const auto died = std::chrono::steady_clock::now();
  ASSERT_TRUE(eventually(
      [&] {
        return (conditions(Process::Risk) & kDeadMan) != 0 &&
               (conditions(Process::Gateway) & kDeadMan) != 0;
      },
      5s));
  const auto noticed = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - died);
  std::printf("both gates in REDUCE_ONLY %lld ms after the death\n",
              static_cast<long long>(noticed.count()));
  EXPECT_LE(noticed.count(), 600) << "500 ms since the last heartbeat, and a scan";
  EXPECT_GE(noticed.count(), 400) << "a heartbeat that is not old is no reason";
  const std::uint64_t entries = box.counter(Process::Risk, "orders_total{kind=\"entry\"}");
  EXPECT_TRUE(eventually([&] { return (conditions(Process::Gateway) & kDeadManCancel) != 0; }, 5s));
  EXPECT_EQ(box.counter(Process::Risk, "orders_total{kind=\"entry\"}"), entries)
      << "entries without a supervisor";
  for (const pid_t pid : pids_of(box)) EXPECT_GT(pid, 0) << "stages outlive their supervisor";

  supersede(box);
  if (HasFatalFailure()) return;
  EXPECT_TRUE(eventually([&] { return sent() > 0; }, 30s)) << "the new run does not trade\n"
                                                           << box.ctl({"why"}).out;

  // This supervisor never hears of the kill: it stands still, then it is dead.
  ASSERT_EQ(::kill(box.supervisor(), SIGSTOP), 0);
  const Outcome raised = box.ctl({"kill", "--level", "HALT"});
  EXPECT_EQ(raised.exit_code, 0) << raised.out;
  ASSERT_EQ(::kill(box.supervisor(), SIGKILL), 0);
  supersede(box);
  if (HasFatalFailure()) return;
  EXPECT_EQ(box.objects().kill->read(0).level, KillLevel::Halt);
  EXPECT_NE(box.log("sluice-supervisor").find("HALT on global carried over"), std::string::npos)
      << box.log("sluice-supervisor");
  EXPECT_NE(text_of_file(box.state() / "kill.latch").find("global HALT"), std::string::npos);
  EXPECT_TRUE(eventually(
      [&] { return box.counter(Process::Risk, "rejects_total{reason=\"kill_level\"}") > 0; }, 20s));
  EXPECT_EQ(sent(), 0u) << "an order left under HALT";
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
  EXPECT_TRUE(list_objects(box.name()).empty());
  EXPECT_NE(text_of_file(box.state() / "kill.latch").find("global HALT"), std::string::npos)
      << "a stop clears nothing";
}

// A raise that nobody waits for, as by a raiser that died behind its one store.
class AbandonedKill : public ::testing::Test {
 protected:
  void SetUp() override {
    box_.start_supervisor();
    ASSERT_TRUE(box_.wait_armed()) << box_.log("sluice-supervisor");
  }
  void raise(KillLevel level) {
    ASSERT_TRUE(raise_kill(*box_.objects().kill, {}, level, KillCause::Drill).raised);
  }
  bool audited(const std::string& event, const std::string& detail) {
    return eventually([&] {
      for (const std::string& line : lines_of(text_of_file(box_.state() / "audit.log")))
        if (line.find("\"event\":\"" + event + "\"") != std::string::npos &&
            line.find("\"detail\":\"" + detail) != std::string::npos)
          return true;
      return false;
    });
  }

  Box box_{{}};
};

TEST_F(AbandonedKill, IsCompletedByTheSupervisorWhichFencesAStoppedGateway) {
  const pid_t gateway = box_.pid_of(Process::Gateway);
  ASSERT_GT(gateway, 0);
  ASSERT_EQ(::kill(gateway, SIGSTOP), 0);
  ASSERT_TRUE(eventually([&] {
    return text_of_file("/proc/" + std::to_string(gateway) + "/stat").find(") T ") !=
           std::string::npos;
  }));
  raise(KillLevel::Halt);
  EXPECT_TRUE(audited("fenced", "gateway")) << box_.log("sluice-supervisor");
  EXPECT_EQ(start_ticks_of(gateway), 0u);
  EXPECT_TRUE(audited("kill_complete", "HALT on global")) << box_.log("sluice-supervisor");
  EXPECT_NE(text_of_file(box_.state() / "kill.latch").find("global HALT"), std::string::npos);
  EXPECT_EQ(box_.stop(), 0) << box_.log("sluice-supervisor");
}

TEST_F(AbandonedKill, OfSeverEndsTheGatewayThoughItObeys) {
  const pid_t gateway = box_.pid_of(Process::Gateway);
  ASSERT_GT(gateway, 0);
  raise(KillLevel::ReduceOnly);
  ASSERT_TRUE(audited("kill_complete", "REDUCE_ONLY on global")) << "both gates obey";
  ASSERT_EQ(box_.pid_of(Process::Gateway), gateway);
  raise(KillLevel::Sever);
  EXPECT_TRUE(audited("fenced", "gateway")) << box_.log("sluice-supervisor");
  EXPECT_EQ(start_ticks_of(gateway), 0u);
  EXPECT_TRUE(audited("kill_complete", "SEVER on global")) << box_.log("sluice-supervisor");
  EXPECT_EQ(box_.stop(), 0) << box_.log("sluice-supervisor");
}

// Type=notify: ready when the segments are there, alive from the loop, stopping at the end.
TEST(Supervisor, TellsSystemdThatItIsReadyAndAlive) {
  const std::string path = "/tmp/sluice-notify-" + std::to_string(::getpid());
  const int fd = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path.data(), path.size());
  ASSERT_EQ(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
  const timeval limit{20, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  const auto heard = [&] {
    char text[256];
    const ssize_t n = ::recv(fd, text, sizeof text, 0);
    return n > 0 ? std::string(text, static_cast<std::size_t>(n)) : "nothing";
  };
  Box box({.venue = false,
           .manual = true,
           .supervisor_prefix = {"env", "NOTIFY_SOCKET=" + path, "WATCHDOG_USEC=100000"}});
  box.start_supervisor();
  EXPECT_EQ(heard().substr(0, 13), "READY=1\nSTATU");
  EXPECT_TRUE(box.wait_attached(0s)) << "ready, and nothing to attach to";
  for (int i = 0; i < 3; ++i) EXPECT_EQ(heard(), "WATCHDOG=1");
  EXPECT_EQ(box.stop(), 0) << box.log("sluice-supervisor");
  std::string last = heard();
  while (last == "WATCHDOG=1") last = heard();
  EXPECT_EQ(last, "STOPPING=1");
  ::close(fd);
  ::unlink(path.c_str());
}

}  // namespace
}  // namespace sluice::e2e
